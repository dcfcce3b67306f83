# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields take what AWX takes and refuse the rest in its words."""

from __future__ import annotations

from typing import Any

import pytest

from playhook.web.api_v2.fields import Field, Refused, choice, flag, number, reference, text, variables

_NAME = text("name", required=True, max_length=5)
_KIND = choice("kind", (("", "None"), ("git", "Git")), nullable=True)
_LEVEL = choice("level", ((0, "Normal"), (1, "Verbose")))


@pytest.mark.parametrize(
    ("field", "given", "wanted"),
    [
        (_NAME, " ab ", "ab"),
        (_NAME, 7, "7"),
        (variables("vars"), " a: 1\n", " a: 1\n"),
        (variables("vars"), {"a": [1, None]}, '{"a": [1, null]}'),
        (flag("on"), True, True),
        (flag("on"), "yes", True),
        (flag("on"), 0, False),
        (flag("on"), "OFF", False),
        (flag("on"), None, False),
        (flag("on"), "", False),
        (text("note"), None, ""),
        (text("note"), False, ""),
        (text("note", nullable=True), None, None),
        (variables("vars"), None, ""),
        (number("n"), "12", 12),
        (number("n"), 12.0, 12),
        (number("n", minimum=-5), "-5", -5),
        (_KIND, "git", "git"),
        (_KIND, None, ""),
        (_LEVEL, "1", 1),
        (reference("x", "y"), "3", 3),
        (reference("x", "y"), "", None),
        (reference("x", "y"), None, None),
    ],
)
def test_values_that_are_taken(field: Field, given: Any, wanted: Any) -> None:
    assert field.parse(given) == wanted


@pytest.mark.parametrize(
    ("field", "given", "sentence"),
    [
        (_NAME, "  ", "This field may not be blank."),
        (_NAME, "abcdef", "Ensure this field has no more than 5 characters."),
        (_NAME, None, "This field cannot be blank."),
        (_NAME, [], "This field cannot be blank."),
        (number("n"), None, "This field may not be null."),
        (_LEVEL, None, "This field may not be null."),
        (choice("c", (("run", "Run"),)), None, '"" is not a valid choice.'),
        (choice("c", (("run", "Run"),)), ["run"], "\"['run']\" is not a valid choice."),
        (reference("x", "y", nullable=False), None, "This field may not be null."),
        (_NAME, True, "Not a valid string."),
        (_NAME, {"a": 1}, "Not a valid string."),
        (_NAME, "a\0", "Null characters are not allowed."),
        (_NAME, "\ud800", "Not a valid string."),
        (variables("vars"), ["a"], "Not a valid string."),
        (variables("vars"), "a\0", "Null characters are not allowed."),
        (flag("on"), "perhaps", "Must be a valid boolean."),
        (flag("on"), 2, "Must be a valid boolean."),
        (flag("on"), 1.5, "Must be a valid boolean."),
        (number("n"), "1.5", "A valid integer is required."),
        (number("n"), True, "A valid integer is required."),
        (number("n"), [1], "A valid integer is required."),
        (number("n"), "9" * 5000, "A valid integer is required."),
        (number("n"), -1, "Ensure this value is greater than or equal to 0."),
        (number("n"), 2**31, "Ensure this value is less than or equal to 2147483647."),
        (_KIND, "svn", '"svn" is not a valid choice.'),
        (_LEVEL, 9, '"9" is not a valid choice.'),
        (_LEVEL, False, '"False" is not a valid choice.'),
        (reference("x", "y"), "three", "Incorrect type. Expected pk value, received str."),
        (reference("x", "y"), True, "Incorrect type. Expected pk value, received bool."),
        (reference("x", "y"), 1.0, "Incorrect type. Expected pk value, received float."),
        (reference("x", "y"), 2**40, 'Invalid pk "1099511627776" - object does not exist.'),
        (Field(name="o", kind="object"), [1], 'Expected a dictionary of items but got type "list".'),
    ],
)
def test_values_that_are_refused(field: Field, given: Any, sentence: str) -> None:
    with pytest.raises(Refused) as refusal:
        field.parse(given)
    assert str(refusal.value) == sentence
