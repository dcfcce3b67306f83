# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions over hostile text: the catastrophic ones are refused, the rest is stopped."""

from __future__ import annotations

import re
import time

import pytest

from playhook.intake.regexes import SafePattern, TooSlow


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"^/deploy\b", "/deploy now", {}),
        (r"^/deploy (?P<where>\w+)(?: (?P<force>--force))?", "/deploy prod", {"where": "prod", "force": None}),
        (r"^/deploy", "please /deploy", None),
        (r"(?m)^/deploy", "please\n/deploy", {}),
        (r"(?:\w+ )?(?P<last>\w+)$", "one two", {"last": "two"}),
        (r"(a{1,5}){1,5}", "aaa", {}),
        (r"(?:ab)+c+", "ababcc", {}),
    ],
)
def test_named_groups_of_the_first_match(pattern: str, text: str, expected: dict[str, str | None] | None) -> None:
    assert SafePattern(pattern).search(text) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a+)+", "repeat without a limit inside another"),
        ("(a*)*b", "repeat without a limit inside another"),
        ("(?:x(?:a|b+)c)*", "repeat without a limit inside another"),
        ("((ab)*c){2,}", "repeat without a limit inside another"),
        ("(?:a+?)+?", "repeat without a limit inside another"),
        ("(?=(a+)+)", "repeat without a limit inside another"),
        ("(?P<n>a|(?:b+)+)", "repeat without a limit inside another"),
        ("(a", "column 1: missing )"),
        ("a**", "column 3: multiple repeat"),
        ("(?P<1>a)", "column 5: bad character in group name '1'"),
        ("a" * 501, "501 characters"),
        ("a{99999999999999999999}", "repeats too often"),
    ],
)
def test_refused_patterns_say_why(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        SafePattern(pattern)


@pytest.mark.parametrize("pattern", [r"(a|a)*$", r"(a|aa)+$", r"\s*\s*\s*\s*\s*[xy]"])
def test_what_is_still_catastrophic_is_stopped(pattern: str) -> None:
    safe = SafePattern(pattern)
    hostile = ("a" * 5_000 if "a" in pattern else " " * 5_000) + "!"
    start = time.thread_time()
    with pytest.raises(TooSlow):
        safe.search(hostile)
    assert time.thread_time() - start < 2.0


def test_only_the_beginning_of_a_long_text_is_searched() -> None:
    assert SafePattern("needle").search("x" * 70_000 + "needle") is None
