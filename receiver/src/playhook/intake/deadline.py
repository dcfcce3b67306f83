# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a delivery may be judged: each step has a limit of its own, and all of them together have this one."""

from __future__ import annotations

import time
from typing import Final

LIMIT: Final = 0.25  # seconds for all rules of all templates that a delivery is for
_LEAST: Final = 0.001  # `regex` takes no limit of nothing


class TooSlow(Exception):
    """A step did not finish within its limit."""


class OutOfTime(TooSlow):
    """The delivery's time is up."""

    def __init__(self) -> None:
        super().__init__(f"the rules of this delivery took longer than {LIMIT * 1000:.0f} ms")


class Deadline:
    """The time that is left for one delivery. It is that of the thread, so a busy host costs no delivery its launch."""

    def __init__(self, seconds: float = LIMIT) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def begin(self) -> None:
        """Start the clock, unless it runs: looking at it is not cheap, and many templates ask nothing."""
        if self._end is None:
            self._end = time.thread_time() + self._seconds

    def _left(self) -> float:
        self.begin()
        return (self._end or 0.0) - time.thread_time()

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more may be asked."""
        return self._left() <= 0

    def check(self) -> None:
        """Raise OutOfTime when it is over."""
        if self.is_over:
            raise OutOfTime

    def cap(self, limit: float) -> float:
        """Return the seconds for a step that may take `limit` by itself."""
        return max(min(limit, self._left()), _LEAST)
