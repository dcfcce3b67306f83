# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer: a thread that runs queued write functions in batches and commits once for all of them.

The commit (an fsync) is what a write costs; under load one commit carries up to 64 writes, and with a single caller
there is no artificial delay. Each function runs in a savepoint, so one that fails takes nothing down with it. Writes of
one kind may come as items of a group function, which takes all that wait at once.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine

from playhook.errors import StoreUnavailable
from playhook.store.commits import LARGEST_BATCH, LONGEST_QUEUE, TOO_MANY, Committer, Outcome, Write, tell_here
from playhook.store.encryption import Cipher
from playhook.store.trouble import LOCKED
from playhook.store.tx import Defer, GroupFunction, Tx, defer_nothing

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")


class Writer:
    """Takes write functions from any thread; each gets a future that is done when its commit is durable.

    One event loop may use `run_in_group`.
    """

    def __init__(self, engine: Engine, cipher: Cipher) -> None:
        self.defer: Defer = defer_nothing
        self._failed: str | None = None
        self._gathered: list[Write] = []
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._committer = Committer(engine, cipher)
        self._thread = threading.Thread(target=self._loop, name="writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Queue `function(tx, …)`. Raises StoreUnavailable when the queue is full."""
        reply: Future[R] = Future()
        self._put(Write(run=lambda tx, _items: [function(tx, *args, **kwargs)], item=None, reply=reply))
        return reply

    async def run_in_group(self, group: GroupFunction[Item, R], item: Item, patience: float) -> R:
        """Have `group` do this item, with the others that wait, and wait until it is durable.

        When the group function raises, each item is done alone. Raises StoreUnavailable when the queue is full, and
        after `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        self._check_room(len(self._gathered))
        write = Write(run=group, item=item, reply=loop.create_future())
        if not self._gathered or self._gathering is not loop:
            self._gathering = loop
            loop.call_soon(self._hand_over)
        self._gathered.append(write)
        return await write.wait(patience)  # type: ignore[no-any-return]

    def _hand_over(self) -> None:
        """Queue what this turn of the event loop has gathered: the thread is woken once, and finds all of it."""
        gathered, self._gathered = self._gathered, []
        for write in gathered:
            self._queue.put(write)

    def _put(self, write: Write) -> None:
        self._check_room()
        self._queue.put(write)

    def _check_room(self, gathered: int = 0) -> None:
        if self._queue.qsize() + gathered >= LONGEST_QUEUE:
            raise StoreUnavailable(TOO_MANY)

    def find_trouble(self) -> str | None:
        """Say what kept a write from being stored, or does so now; it stays until `forget_trouble`."""
        if self._committer.is_slow():
            return LOCKED
        if not self._thread.is_alive():
            return "the thread that writes has ended: restart the receiver"
        return self._failed

    def forget_trouble(self) -> None:
        """Take note that the database takes writes again, as large as a delivery."""
        self._failed = None

    def close(self) -> None:
        """Finish what is queued and stop."""
        self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while True:
            batch, last = self._take()
            wanted = [write for write in batch if write.is_wanted()]
            if wanted:
                outcomes, failed = self._committer.commit(wanted, self.defer)
                self._failed = failed or self._failed
                _tell(outcomes)
            if last:
                self._committer.disconnect()
                return

    def _take(self) -> tuple[list[Write], bool]:
        batch: list[Write] = []
        write = self._queue.get()
        while write is not None:
            batch.append(write)
            if len(batch) == LARGEST_BATCH:
                return batch, False
            try:
                write = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True


def _tell(outcomes: Iterable[Outcome]) -> None:
    """Answer everybody: an event loop is woken once for all who wait in it."""
    waiting: dict[asyncio.AbstractEventLoop, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if isinstance(outcome.write.reply, asyncio.Future):
            waiting[outcome.write.reply.get_loop()].append(outcome)
        else:
            outcome.tell()
    for loop, those in waiting.items():
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(tell_here, those)
