# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a section of the benchmark is given, and what it returns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Run:
    """How much to measure. `directory` is empty and the section's own; `tell` prints a line of progress."""

    directory: Path
    full: bool
    tell: Callable[[str], None]

    @property
    def rounds(self) -> int:
        """Turns that each alternative gets."""
        return 7 if self.full else 3

    @property
    def seconds(self) -> int:
        """How long one load lasts."""
        return 10 if self.full else 3


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under a head, all of text; the notes are sentences below them."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f'a row of the table "{self.title}" has {len(row)} cells, its head {len(self.head)}')

    def markdown(self) -> str:
        lines = [f"**{self.title}**", "", _row(self.head), _row(["---"] * len(self.head)), *map(_row, self.rows)]
        return "\n".join([*lines, *(line for note in self.notes for line in ("", note))])


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return the median, with the least and the most in brackets."""
    middle, least, most = (f"{each:.{digits}f}" for each in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least} to {most})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of neighbours: values of the same turn."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
