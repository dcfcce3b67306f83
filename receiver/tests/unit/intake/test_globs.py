# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs: what matches, what is refused, and that no name can make them slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhook.intake.globs import compile_glob, compile_patterns


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("main", "Main", False),
        ("release-*", "release-1.2", True),
        ("release-*", "release-", True),
        ("release-*", "release-1/hotfix", False),
        ("feature/*", "feature/login", True),
        ("feature/*", "feature/login/2", False),
        ("feature/**", "feature/login/2", True),
        ("feature/**", "feature", False),
        ("**", "any/thing", True),
        ("**", "one", True),
        ("*", "one", True),
        ("*", "one/two", False),
        ("v?.?", "v1.2", True),
        ("v?.?", "v1.10", False),
        ("?", "/", False),
        ("**/main.yml", "main.yml", True),
        ("**/main.yml", "roles/web/tasks/main.yml", True),
        ("**/main.yml", "roles/web/tasks/domain.yml", False),
        ("roles/**/main.yml", "roles/main.yml", True),
        ("roles/**/main.yml", "roles/web/tasks/main.yml", True),
        ("roles/**/tasks/**/*.yml", "roles/a/tasks/b/tasks/c/d.yml", True),
        ("roles/**/tasks/**/*.yml", "roles/a/handlers/b.yml", False),
        ("**/a/b/**/c", "x/a/x/a/b/c", True),
        ("**/a/**", "a", False),
        ("**/a/**", "x/a/y", True),
        ("a*b*c", "aXbXbXc", True),
        ("a*bc*d", "abXbcd", True),
        ("a*b", "ab\nb", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("docs/**", "docs/a/b.md", True),
        ("docs/**", "docsx/a", False),
    ],
)
def test_glob(pattern: str, name: str, expected: bool) -> None:
    assert bool(compile_glob(pattern)(name)) is expected


@pytest.mark.parametrize(
    ("patterns", "name", "expected"),
    [
        (["main", "release/*"], "release/1", True),
        (["main", "release/*"], "topic", False),
        (["**", "!docs/**"], "docs/a", False),
        (["**", "!docs/**"], "src/a", True),
        (["**", "!docs/**", "docs/api/**"], "docs/api/a", True),
        (["!main"], "main", False),
        (["!main"], "topic", True),
        (["!docs/**", "docs/**"], "docs/a", True),
    ],
)
def test_last_matching_pattern_decides(patterns: list[str], name: str, expected: bool) -> None:
    assert compile_patterns(patterns).select(name) is expected


def test_folded_patterns_ignore_the_case_of_letters() -> None:
    assert compile_patterns(["Acme/*"], fold=True).select("acme/web") is True


@pytest.mark.parametrize("pattern", ["a**", "**.js", "docs/x**/y", "!", ""])
def test_refused_patterns(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"alone between slashes|empty pattern"):
        compile_patterns([pattern])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 60 + "b", "a" * 20_000),
        ("/".join(["**", "a*a"] * 50), "/".join(["aa"] * 5_000) + "/b"),
        ("**/" * 80 + "x", "a/" * 5_000),
    ],
)
def test_no_name_is_slow(pattern: str, name: str) -> None:
    glob = compile_glob(pattern)
    start = time.process_time()
    assert not glob(name)
    assert time.process_time() - start < 2.0


_PARTS = st.sampled_from(["a", "b", "ab", "*", "?", "a*", "*b", "a?b", "**"])


def _matches_slowly(pattern: list[str], name: list[str]) -> bool:
    """Say the same by trying everything."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        least = 1 if len(pattern) == 1 else 0
        return any(_matches_slowly(pattern[1:], name[skipped:]) for skipped in range(least, len(name) + 1))
    return bool(name) and _part_matches(pattern[0], name[0]) and _matches_slowly(pattern[1:], name[1:])


def _part_matches(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_part_matches(pattern[1:], text[skipped:]) for skipped in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and _part_matches(pattern[1:], text[1:])


@given(st.lists(_PARTS, min_size=1, max_size=6), st.lists(st.text("ab", max_size=4), min_size=1, max_size=6))
def test_glob_agrees_with_trying_everything(pattern: list[str], name: list[str]) -> None:
    assert bool(compile_glob("/".join(pattern))("/".join(name))) is _matches_slowly(pattern, name)
