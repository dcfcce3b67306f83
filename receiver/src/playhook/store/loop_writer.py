# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer of deliveries on PostgreSQL: in the event loop itself, with a second connection where commits take time.

A thread would have to wait for the interpreter's lock after each answer of the server, and the event loop that holds it
for the thread. SQLite has no choice: its commit holds up who calls it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from sqlalchemy.util import greenlet_spawn

from playhook.errors import StoreUnavailable
from playhook.store.commits import LARGEST_BATCH, LONGEST_QUEUE, TOO_MANY, Committer, Write, tell_here
from playhook.store.encryption import Cipher
from playhook.store.engine import make_loop_engine
from playhook.store.trouble import LOCKED
from playhook.store.tx import Defer, GroupFunction, Tx, defer_nothing

R = TypeVar("R")
Item = TypeVar("Item")
_CONNECTIONS: Final = 2
_LOOK: Final = 0.02  # seconds
_LEAST: Final = 8  # writes that are worth a commit of their own while others wait too
_QUICK: Final = 0.003  # seconds that the loop waits for a commit while one connection is enough, and for each write:
_QUICK_WRITE: Final = 0.0002


class LoopWriter:
    """Takes items of group functions in one event loop, and commits those that wait together.

    A committer takes half of what waits, so that while the server works on it the loop takes in more. One keeps a quick
    server busy, and its batches are large; where a commit takes time, as on a slow disk, two are waited for at once.
    What is queued is not done in order. After its event loop has ended another one may begin.
    """

    def __init__(self, url: str, cipher: Cipher) -> None:
        self.defer: Defer = defer_nothing
        self._failed: str | None = None
        self._engine = make_loop_engine(url, _CONNECTIONS)
        self._committers = [Committer(self._engine, cipher) for _each in range(_CONNECTIONS)]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[Write] = deque()
        self._idle: list[Committer] = []
        self._running: set[asyncio.Task[None]] = set()
        self._is_called = False
        self._is_watched = False
        self._is_slow = False

    async def run_in_group(
        self, group: GroupFunction[Item, R], item: Item, patience: float, *, in_one_statement: bool = False
    ) -> R:
        """Have `group` do this item, with the others that wait, and wait until it is durable.

        When the group function raises, each item is done alone. Raises StoreUnavailable when the queue is full, and
        after `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin_in(loop)
        if len(self._waiting) >= LONGEST_QUEUE:
            raise StoreUnavailable(TOO_MANY)
        write = Write(run=group, item=item, reply=loop.create_future(), in_one_statement=in_one_statement)
        self._waiting.append(write)
        self._call(loop)
        return await write.wait(patience)  # type: ignore[no-any-return]

    def _begin_in(self, loop: asyncio.AbstractEventLoop) -> None:
        self._abandon()
        self._loop, self._idle, self._is_called, self._is_watched = loop, list(self._committers), False, False

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._idle and not self._is_called:
            self._is_called = True
            loop.call_soon(self._share_out, loop)  # after all that this turn of the loop brings

    def _share_out(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_called = False
        free = len(self._idle) - (0 if self._takes_time() else _CONNECTIONS - 1)
        for _share in range(min(free, -(-len(self._waiting) // _LEAST))):
            task = loop.create_task(self._commit_waiting(self._idle.pop()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        if self._waiting and self._idle and not self._is_watched:
            self._is_watched = True
            loop.call_later(_LOOK, self._look, loop)

    def _takes_time(self) -> bool:
        """Tell whether the last commit was waited for long, or one is now, so that another is to begin meanwhile."""
        begun = time.monotonic() - _QUICK - _QUICK_WRITE * LARGEST_BATCH
        return self._is_slow or any(each.is_busy_since(begun) for each in self._committers)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._loop:
            self._is_watched = False
            self._call(loop)

    async def _commit_waiting(self, committer: Committer) -> None:
        try:
            while batch := self._take():
                begun, worked = time.monotonic(), time.thread_time()
                outcomes, failed = await greenlet_spawn(committer.commit, batch, self.defer)
                waited = time.monotonic() - begun - (time.thread_time() - worked)
                self._is_slow = waited > _QUICK + _QUICK_WRITE * len(batch)
                self._failed = failed or self._failed
                tell_here(outcomes)
                if not self._idle and not self._takes_time():
                    break  # the other one will do
        except BaseException:  # the loop is ending, and the server may still be at it
            committer.abandon()
            raise
        finally:
            self._idle.append(committer)
        self._call(asyncio.get_running_loop())

    def _take(self) -> list[Write]:
        """Return this committer's share of what waits, all of one group."""
        share = min(max(_LEAST, -(-len(self._waiting) // _CONNECTIONS)), LARGEST_BATCH)
        batch: list[Write] = []
        others: list[Write] = []
        while self._waiting and len(batch) < share:
            write = self._waiting.popleft()
            if batch and write.run != batch[0].run:
                others.append(write)
            elif write.is_wanted():
                batch.append(write)
        self._waiting.extendleft(reversed(others))
        return batch

    def submit(self, function: Callable[[Tx], R], patience: float) -> Future[R] | None:
        """Have another thread's `function(tx)` done like an item of a group; None while there is no event loop."""
        if self._loop is None or not self._loop.is_running():
            return None
        return asyncio.run_coroutine_threadsafe(
            self.run_in_group(lambda tx, _items: [function(tx)], None, patience), self._loop
        )

    def find_trouble(self) -> str | None:
        """Say what kept a write from being stored, or does so now; it stays until `forget_trouble`."""
        return LOCKED if any(each.is_slow() for each in self._committers) else self._failed

    def wait_for_older(self, moment: float, patience: float) -> bool:
        """Wait in another thread for writes that were under way at `moment`; False when they take longer than that."""
        while any(each.is_busy_since(moment) for each in self._committers):
            if time.monotonic() > moment + patience:
                return False
            time.sleep(_LOOK)
        return True

    def forget_trouble(self) -> None:
        """Take note that the database takes writes again, as large as a delivery."""
        self._failed = None

    def close(self) -> None:
        """Let go of the connections; nobody waits any more."""
        self._abandon()
        self._engine.dispose(close=False)

    def _abandon(self) -> None:
        self._waiting.clear()
        for committer in self._committers:
            committer.abandon()
