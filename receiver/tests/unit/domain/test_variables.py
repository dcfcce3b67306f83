# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in JSON or YAML."""

from __future__ import annotations

from typing import Any

import pytest

from playhook.domain.variables import parse_variables


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ("  \n", {}),
        ("---", {}),
        ('""', {}),
        ('{"a": 1}', {"a": 1}),
        ("a: 1\nb: [x, {c: null}]", {"a": 1, "b": ["x", {"c": None}]}),
        ('{"a": "{{ b }}"}', {"a": "{{ b }}"}),
    ],
)
def test_dictionaries(text: str, wanted: dict[str, Any]) -> None:
    assert parse_variables(text) == wanted


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[1]", "Input type `list` is not a dictionary"),
        ("5", "Input type `int` is not a dictionary"),
        ("words", "Input type `str` is not a dictionary"),
        ("{{{", "Cannot parse as JSON (error: Expecting property name enclosed in double quotes"),
        ("not: [valid", "or YAML (error: while parsing a flow sequence"),
        ("a: 2020-01-01", "Variables not compatible with JSON standard"),
        ("a: !!python/object/apply:os.system [x]", "or YAML (error: could not determine a constructor"),
        ("a: &a [*a]", "nested more than 100 levels deep"),
        (f"a: &a [{'1,' * 500}]\nb: &b [{'*a,' * 500}]", "more than 100000 values"),
        ("[" * 100_000, "or YAML (error: "),
        (f'{{"a": {"[" * 100}{"]" * 100}}}', "nested more than 100 levels deep"),
        ("a: &a [*a, *a]", "nested more than 100 levels deep"),
        ('{"a": [18446744073709551616]}', "larger than 64 bits hold"),
        ('{"\\ud800": 1}', "half a surrogate pair is no text"),
        ('{"a": "\\udfff"}', "half a surrogate pair is no text"),
    ],
)
def test_everything_else_is_refused_with_the_reason(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=r"^Cannot parse as JSON") as refusal:
        parse_variables(text)
    assert part in str(refusal.value)


def test_what_is_wrong_is_told_without_the_line_it_is_in() -> None:
    with pytest.raises(ValueError, match=r"line \d, column \d") as refusal:
        parse_variables("a: 1\npassword: [hunter2\n")
    assert "hunter2" not in str(refusal.value)
