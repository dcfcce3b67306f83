# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Glob patterns over names with slashes, matched in time that no name can blow up.

`*` is any number of characters but `/`, `?` is one, and `**` alone between slashes is any number of whole parts (none
too; at the end at least one). A `!` in front takes away what the patterns before it let in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_WILD: Final = re.compile(r"[*?]")
Matches = Callable[[str], object]


@dataclass(frozen=True)
class Patterns:
    """An ordered list of patterns; the last one that matches decides."""

    _reversed: tuple[tuple[Matches, bool], ...]
    _default: bool

    def select(self, name: str) -> bool:
        """Tell whether the list lets `name` in."""
        for matches, wanted in self._reversed:
            if matches(name):
                return wanted
        return self._default


def compile_patterns(patterns: Iterable[str], *, fold: bool = False) -> Patterns:
    """Compile a list; one that only takes away starts from everything. Raises ValueError with a sentence.

    With `fold` the case of letters does not count; the names must come casefolded.
    """
    compiled = [_compile_one(each.casefold() if fold else each) for each in patterns]
    return Patterns(tuple(reversed(compiled)), _default=not any(wanted for _pattern, wanted in compiled))


def compile_glob(pattern: str) -> Matches:
    """Return a function that tells whether a name matches. Raises ValueError with a sentence."""
    if not _WILD.search(pattern):
        return pattern.__eq__
    parts = pattern.split("/")
    for part in parts:
        if "**" in part and part != "**":
            raise ValueError(f"`**` must stand alone between slashes, as in docs/**; {part!r} has more beside it")
    if "**" not in parts:
        return re.compile("/".join(map(_translate, parts)) + r"\Z", re.DOTALL).match
    if not _WILD.search(before := pattern.removesuffix("**")):
        return re.compile(re.escape(before)).match  # everything below a folder: the most frequent by far
    return _PartsGlob(parts).matches


def _compile_one(pattern: str) -> tuple[Matches, bool]:
    wanted = not pattern.startswith("!")
    text = pattern if wanted else pattern[1:]
    if not text:
        raise ValueError("An empty pattern matches nothing")
    return compile_glob(text), wanted


def _translate(part: str) -> str:
    """Turn one part into a regular expression without backtracking over its stars.

    Each star but the last takes the shortest text before what follows it, which is right as long as a star may be
    any text; an atomic group keeps that choice, so that time grows with the name's length and not with its power.
    """
    chunks = ["".join("[^/]" if each == "?" else re.escape(each) for each in chunk) for chunk in part.split("*")]
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in middle if chunk) + "[^/]*" + last


class _PartsGlob:
    """A pattern with `**`: the same rule one level up, where parts are the characters and `**` is the star."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._runs: list[list[Matches]] = [[]]
        for part in parts:
            if part == "**":
                self._runs.append([])
            else:
                self._runs[-1].append(re.compile(_translate(part) + r"\Z", re.DOTALL).match)
        self._least_at_end = 1 if parts[-1] == "**" else 0

    def matches(self, name: str) -> bool:
        """Match the first run at the start, the last at the end, each other one as early as it can be."""
        parts = name.split("/")
        first, *middle, last = self._runs
        end = len(parts) - max(len(last), self._least_at_end)
        if len(first) > end or not _run_matches(first, parts, 0):
            return False
        start = len(first)
        for run in middle:
            found = next((at for at in range(start, end - len(run) + 1) if _run_matches(run, parts, at)), None)
            if found is None:
                return False
            start = found + len(run)
        return _run_matches(last, parts, len(parts) - len(last))


def _run_matches(run: Sequence[Matches], parts: Sequence[str], at: int) -> bool:
    return all(matches(parts[at + offset]) for offset, matches in enumerate(run))
