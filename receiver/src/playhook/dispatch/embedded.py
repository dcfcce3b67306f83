# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dispatch inside one process: a queue and a few threads for each task."""

from __future__ import annotations

import heapq
import threading
import time
from datetime import UTC, datetime

from playhook.dispatch.base import TaskFunction
from playhook.logs import get_logger

_log = get_logger(__name__)


class EmbeddedDispatch:
    """Implements `Dispatch` for SQLite, where web, worker and reporter share one process."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}

    def register(
        self,
        task: str,
        function: TaskFunction,
        *,
        concurrency: int = 1,
        every: float | None = None,
        keyed: bool = True,
    ) -> None:
        """Start the task's threads; the first sweep is at once."""
        self._tasks[task] = _Task(task, function, concurrency=concurrency, every=every, keyed=keyed)

    def defer(self, task: str, key: int = 0, at: datetime | None = None) -> None:
        """Ring; a task that nobody registered here (as with `serve --no-worker`) is left to the sweep."""
        if (registered := self._tasks.get(task)) is not None:
            registered.put(key, 0.0 if at is None else (at - datetime.now(UTC)).total_seconds())

    def stop(self, task: str) -> None:
        if (registered := self._tasks.pop(task, None)) is not None:
            registered.stop()

    def close(self) -> None:
        """Nothing is held but threads, which end with their tasks."""


class _Task:
    def __init__(
        self, name: str, function: TaskFunction, *, concurrency: int, every: float | None, keyed: bool
    ) -> None:
        self._name, self._function, self._every, self._keyed = name, function, every, keyed
        self._condition = threading.Condition()
        self._due: list[tuple[float, int]] = []  # heap of (time, key)
        self._times: dict[int, float] = {}  # key → its earliest time; what else the heap holds of it is stale
        self._stopped = False
        self._next_sweep = 0.0
        for number in range(concurrency):
            threading.Thread(target=self._loop, name=f"{name}-{number}", daemon=True).start()

    def put(self, key: int, delay: float) -> None:
        at, key = time.monotonic() + delay, key if self._keyed else 0
        with self._condition:
            if at < self._times.get(key, float("inf")):
                self._times[key] = at
                heapq.heappush(self._due, (at, key))
                self._condition.notify()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _loop(self) -> None:
        while (key := self._take()) is not None:
            try:
                self._function(key)
            except Exception:  # noqa: BLE001  the edge of a thread that must go on; the sweep tries again
                _log.exception("deferred call failed", task=self._name, key=key)

    def _take(self) -> int | None:
        """Wait for the next key that is due; None when the task was stopped."""
        with self._condition:
            while not self._stopped:
                now = time.monotonic()
                key = self._pop(now)
                if key is not None:
                    return key
                self._condition.wait(self._seconds_to_wait(now))
            return None

    def _pop(self, now: float) -> int | None:
        if self._every is not None and self._next_sweep <= now:
            self._next_sweep = now + self._every
            return 0
        while self._due and self._due[0][0] <= now:
            at, key = heapq.heappop(self._due)
            if self._times.get(key) == at:
                del self._times[key]
                return key
        return None

    def _seconds_to_wait(self, now: float) -> float | None:
        moments = [at for at, _call in self._due[:1]]
        if self._every is not None:
            moments.append(self._next_sweep)
        return max(min(moments) - now, 0.0) if moments else None
