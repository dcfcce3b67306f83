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
        ("a: &a [*a]", "more than 100000 values"),
        ("[" * 100_000, "or YAML (error: "),
    ],
)
def test_everything_else_is_refused_with_the_reason(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=r"^Cannot parse as JSON") as refusal:
        parse_variables(text)
    assert part in str(refusal.value)
