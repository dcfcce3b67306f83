# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small interface of dispatch. It only rings: a ring may come twice, late or never, and a sweep makes up for it.

Tasks are named, so that what is deferred below (`store`) reaches a function registered above (`worker`, `report`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

TaskFunction = Callable[[int], object]


class Dispatch(Protocol):
    """What the embedded and the distributed implementation have in common."""

    def register(
        self,
        task: str,
        function: TaskFunction,
        *,
        concurrency: int = 1,
        every: float | None = None,
        keyed: bool = True,
    ) -> None:
        """Call `function(key)` for what is deferred from now on, at most `concurrency` at a time.

        Each task has its own concurrency: a status post must not wait behind jobs that run for hours. `every` is the
        period in seconds of the sweep, a call with the key 0 that looks for what was never rung. A function that finds
        its work by itself is not `keyed`: its key is always 0, and any number of rings at once become one call.
        """

    def defer(self, task: str, key: int = 0, at: datetime | None = None) -> None:
        """Have the task's function called with `key`, not before `at`. Never blocks; equal calls become one."""

    def stop(self, task: str) -> None:
        """Start no further call of this task. Calls that are running go on."""

    def close(self) -> None:
        """Let go of what it holds; every task must have been stopped."""
