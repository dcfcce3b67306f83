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
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, update

from playhook.errors import StoreUnavailable
from playhook.logs import get_logger
from playhook.store import tables as t
from playhook.store.bulk import run_at_driver
from playhook.store.encryption import Cipher
from playhook.store.trouble import LOCKED, describe_failure, is_database_failure, is_deadlock, is_lost

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")
_log = get_logger(__name__)
_BATCH = 64
_ATTEMPTS = 5  # where two machines' batches lock the same rows in different orders, or a connection was found ended
_QUEUE = 10_000
_CONFIG_VERSION = "SELECT config_version FROM installation"
_IDLE = 5.0  # seconds after which a connection is tried before it is used
_SLOW = 3.0  # seconds for one batch, after which the database is said to be in trouble


@dataclass(kw_only=True)
class Tx:
    """What a write function gets: the open transaction, its time, and the installation's cipher."""

    connection: Connection
    cipher: Cipher
    now: datetime
    _defer: Defer
    _after_commit: list[Callable[[], None]] = field(default_factory=list)
    # All is written: when the connection ends now, nobody knows whether it was committed, so it is not done again.
    _is_complete: bool = False

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` in the writer's thread once this transaction is durable, and never if it is not."""
        self._after_commit.append(call)

    def defer(self, task: str, key: int) -> None:
        """Have dispatch run `task` for the row `key` once this transaction is durable."""
        self._defer(self, task, key)

    def config_changed(self) -> None:
        """Tell every process that what intake caches (templates, keys, credentials) has changed."""
        self.connection.execute(update(t.installation).values(config_version=t.installation.c.config_version + 1))

    def config_version(self) -> int:
        """Return the count of such changes."""
        (version,) = run_at_driver(self.connection, _CONFIG_VERSION).fetchone()
        return int(version)


Defer = Callable[[Tx, str, int], None]
GroupFunction = Callable[[Tx, Sequence[Item]], Sequence[R | Exception]]
"""Does several writes of one kind; returns each one's result, or the error that its caller is to get."""


def defer_nothing(_tx: Tx, _task: str, _key: int) -> None:
    """Stand in where no dispatch runs: the rows are stored, and a sweep finds them later."""


@dataclass(kw_only=True, slots=True)
class _Write:
    """One queued write: a function of its own, or an item of a `group`."""

    run: GroupFunction[Any, Any]
    item: Any
    reply: Future[Any] | asyncio.Future[Any]

    def is_wanted(self) -> bool:
        # The write of a caller who has left is not run; a running one can no longer be cancelled.
        if isinstance(self.reply, Future):
            return self.reply.set_running_or_notify_cancel()
        return not self.reply.done()

    def expire(self) -> None:
        """Tell a caller who has waited long enough. What is being written already may still be stored."""
        if isinstance(self.reply, asyncio.Future) and not self.reply.done():
            self.reply.set_exception(StoreUnavailable(LOCKED))


@dataclass(kw_only=True, slots=True)
class _Outcome:
    write: _Write
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Answer who waits, in the thread where that may be done."""
        reply = self.write.reply
        if isinstance(reply, asyncio.Future) and reply.done():
            return  # its caller has left meanwhile
        if self.error is None:
            reply.set_result(self.result)
        else:
            reply.set_exception(self.error)


class Writer:
    """Takes write functions from any thread; each gets a future that is done when its commit is durable.

    One event loop may use `run_in_group`. With several `threads`, each with a connection, one runs what is next while
    another waits for its commit; what is queued is then not done in order.
    """

    def __init__(self, engine: Engine, cipher: Cipher, *, threads: int = 1) -> None:
        self.defer: Defer = defer_nothing
        self._failed: str | None = None
        self._gathered: list[_Write] = []
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._committers = [_Committer(engine, cipher) for _each in range(threads)]
        self._threads = [
            threading.Thread(target=self._loop, args=(each,), name="writer", daemon=True) for each in self._committers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Queue `function(tx, …)`. Raises StoreUnavailable when the queue is full."""
        reply: Future[R] = Future()
        self._put(_Write(run=lambda tx, _items: [function(tx, *args, **kwargs)], item=None, reply=reply))
        return reply

    async def run_in_group(self, group: GroupFunction[Item, R], item: Item, patience: float) -> R:
        """Have `group` do this item, with the others that wait, and wait until it is durable.

        When the group function raises, each item is done alone. Raises StoreUnavailable when the queue is full, and
        after `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        write = _Write(run=group, item=item, reply=loop.create_future())
        self._check_room(len(self._gathered))
        if not self._gathered or self._gathering is not loop:
            self._gathering = loop
            loop.call_soon(self._hand_over)
        self._gathered.append(write)
        timer = loop.call_later(patience, write.expire)
        try:
            return await write.reply  # type: ignore[no-any-return, misc]
        finally:
            timer.cancel()

    def _hand_over(self) -> None:
        """Queue what this turn of the event loop has gathered: the thread is woken once, and finds all of it."""
        gathered, self._gathered = self._gathered, []
        for write in gathered:
            self._queue.put(write)

    def _put(self, write: _Write) -> None:
        self._check_room()
        self._queue.put(write)

    def _check_room(self, gathered: int = 0) -> None:
        if self._queue.qsize() + gathered >= _QUEUE:
            raise StoreUnavailable("too many writes are waiting for the database")

    def find_trouble(self) -> str | None:
        """Say what kept a write from being stored, or does so now; it stays until `forget_trouble`."""
        if any(each.is_slow() for each in self._committers):
            return LOCKED
        if not all(each.is_alive() for each in self._threads):
            return "the thread that writes has ended: restart the receiver"
        return self._failed

    def forget_trouble(self) -> None:
        """Take note that the database takes writes again, as large as a delivery."""
        self._failed = None

    def close(self) -> None:
        """Finish what is queued and stop."""
        for _each in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _loop(self, committer: _Committer) -> None:
        while True:
            batch, last = self._take()
            wanted = [write for write in batch if write.is_wanted()]
            if wanted:
                outcomes, failed = committer.commit(wanted, self.defer)
                self._failed = failed or self._failed
                _tell(outcomes)
            if last:
                committer.disconnect()
                return

    def _take(self) -> tuple[list[_Write], bool]:
        batch: list[_Write] = []
        write = self._queue.get()
        while write is not None:
            batch.append(write)
            if len(batch) == _BATCH:
                return batch, False
            try:
                write = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True


class _Committer:
    """One connection that commits batches, one after the other."""

    def __init__(self, engine: Engine, cipher: Cipher) -> None:
        self._engine = engine
        self._cipher = cipher
        self._connection: Connection | None = None
        self._last_used = 0.0
        self._begun: float | None = None

    def is_slow(self) -> bool:
        """Tell whether a batch has been under way for long."""
        begun = self._begun
        return begun is not None and time.monotonic() - begun > _SLOW

    def commit(self, batch: Sequence[_Write], defer: Defer) -> tuple[list[_Outcome], str | None]:
        """Run writes in one transaction; returns what became of each, and what is wrong with the database."""
        self._begun = time.monotonic()
        try:
            return self._commit(batch, defer)
        finally:
            self._begun = None

    def _commit(self, batch: Sequence[_Write], defer: Defer) -> tuple[list[_Outcome], str | None]:
        attempts = 0
        while True:
            attempts += 1
            tx: Tx | None = None
            try:
                tx = Tx(connection=self._connect(), cipher=self._cipher, now=datetime.now(UTC), _defer=defer)
                outcomes = _commit_groups(tx, list(_group(batch)))
            except Exception as error:  # noqa: BLE001  drivers raise errors of their own; the writer must outlive them
                deadlock = is_deadlock(error)
                if not deadlock:
                    self.disconnect()
                if attempts < _ATTEMPTS and (deadlock or (is_lost(error) and tx is not None and not tx._is_complete)):
                    continue
                _log.error("transaction failed", error=type(error).__name__, detail=_origin(error), writes=len(batch))
                failed = describe_failure(error)
                return [_Outcome(write=write, error=StoreUnavailable(failed)) for write in batch], failed
            else:
                self._last_used = time.monotonic()
                for call in tx._after_commit:
                    _call(call)
                return outcomes, None

    def disconnect(self) -> None:
        """Give the connection back; the next batch gets one that is known to work."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        if self._connection is not None and time.monotonic() - self._last_used > _IDLE:
            self.disconnect()
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection


def _commit_groups(tx: Tx, groups: Sequence[Sequence[_Write]]) -> list[_Outcome]:
    """Run groups of writes in one transaction, each in a savepoint where there are several."""
    if len(groups) == 1:
        with tx.connection.begin() as transaction:
            outcomes = _run(groups[0], tx, undo=transaction.rollback)
            tx._is_complete = outcomes is not None
        if outcomes is not None:
            return outcomes
        groups = [[write] for write in groups[0]]
    with tx.connection.begin():
        outcomes = [outcome for writes in groups for outcome in _run_in_savepoint(writes, tx)]
        tx._is_complete = True
    return outcomes


def _run_in_savepoint(writes: Sequence[_Write], tx: Tx) -> list[_Outcome]:
    """Run writes of one group in a savepoint; when that fails, each in its own."""
    # It is set at the driver: SQLAlchemy's begin_nested() costs as much as two of the statements within.
    run_at_driver(tx.connection, "SAVEPOINT write")
    outcomes = _run(writes, tx, undo=lambda: run_at_driver(tx.connection, "ROLLBACK TO SAVEPOINT write"))
    run_at_driver(tx.connection, "RELEASE SAVEPOINT write")
    if outcomes is None:
        return [outcome for write in writes for outcome in _run_in_savepoint([write], tx)]
    return outcomes


def _run(writes: Sequence[_Write], tx: Tx, undo: Callable[[], object]) -> list[_Outcome] | None:
    """Run writes of one group; None when that failed, so that each is to be run alone."""
    calls = len(tx._after_commit)
    try:
        results = writes[0].run(tx, [write.item for write in writes])
    except Exception as error:  # the caller gets it; the other writes of the batch go on
        if is_database_failure(error):
            raise
        undo()
        del tx._after_commit[calls:]
        return [_Outcome(write=writes[0], error=error)] if len(writes) == 1 else None
    return [_make_outcome(write, result) for write, result in zip(writes, results, strict=True)]


def _group(batch: Iterable[_Write]) -> Iterable[list[_Write]]:
    """Put the items of each group function together, where its first one is."""
    groups: dict[Any, list[_Write]] = defaultdict(list)
    for write in batch:
        groups[write.run].append(write)
    return groups.values()


def _make_outcome(write: _Write, result: Any) -> _Outcome:
    if isinstance(result, Exception):
        return _Outcome(write=write, error=result)
    return _Outcome(write=write, result=result)


def _tell(outcomes: Iterable[_Outcome]) -> None:
    """Answer everybody: an event loop is woken once for all who wait in it."""
    waiting: dict[asyncio.AbstractEventLoop, list[_Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if isinstance(outcome.write.reply, asyncio.Future):
            waiting[outcome.write.reply.get_loop()].append(outcome)
        else:
            outcome.tell()
    for loop, those in waiting.items():
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(_tell_here, those)


def _tell_here(outcomes: Iterable[_Outcome]) -> None:
    for outcome in outcomes:
        outcome.tell()


def _call(after_commit: Callable[[], None]) -> None:
    try:
        after_commit()
    except Exception:  # noqa: BLE001  what is committed is committed; a sweep makes up for a ring that failed
        _log.exception("a call after a commit failed")


def _origin(error: Exception) -> str:
    # The driver's own words; str(error) would repeat the statement's parameters.
    return str(getattr(error, "orig", None) or type(error).__name__)
