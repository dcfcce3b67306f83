# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of writes, and the connections that commit them: what the writers have in common."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine

from playhook.errors import StoreUnavailable
from playhook.logs import get_logger
from playhook.store.bulk import run_at_driver
from playhook.store.encryption import Cipher
from playhook.store.engine import abandon, has_ended
from playhook.store.trouble import LOCKED, describe_failure, is_database_failure, is_deadlock, is_lost, is_uncertain
from playhook.store.tx import Defer, GroupFunction, Tx

_log = get_logger(__name__)
LARGEST_BATCH: Final = 64
LONGEST_QUEUE: Final = 10_000
TOO_MANY: Final = "too many writes are waiting for the database"
_ATTEMPTS = 5  # where two machines' batches lock the same rows in different orders, or a connection was found ended
_IDLE = 5.0  # seconds after which a connection is tried before it is used
_SLOW = 3.0  # seconds for one batch, after which the database is said to be in trouble


@dataclass(kw_only=True, slots=True)
class Write:
    """One queued write: a function of its own, or an item of a group, which may do all of them `in_one_statement`."""

    run: GroupFunction[Any, Any]
    item: Any
    reply: Future[Any] | asyncio.Future[Any]
    in_one_statement: bool = False

    def is_wanted(self) -> bool:
        # The write of a caller who has left is not run; a running one can no longer be cancelled.
        if isinstance(self.reply, Future):
            return self.reply.set_running_or_notify_cancel()
        return not self.reply.done()

    async def wait(self, patience: float) -> Any:
        """Wait for the reply in its event loop. Raises StoreUnavailable after `patience` seconds."""
        assert isinstance(self.reply, asyncio.Future)  # noqa: S101  of an item
        timer = self.reply.get_loop().call_later(patience, self._expire)
        try:
            return await self.reply
        finally:
            timer.cancel()

    def _expire(self) -> None:
        # What is being written already may still be stored.
        if not self.reply.done():
            self.reply.set_exception(StoreUnavailable(LOCKED))


@dataclass(kw_only=True, slots=True)
class Outcome:
    write: Write
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


def tell_here(outcomes: Iterable[Outcome]) -> None:
    """Answer everybody, in the thread where that may be done."""
    for outcome in outcomes:
        outcome.tell()


class Committer:
    """One connection that commits batches, one after the other."""

    def __init__(self, engine: Engine, cipher: Cipher) -> None:
        self._engine = engine
        self._cipher = cipher
        self._connection: Connection | None = None
        self._last_used = 0.0
        self._begun: float | None = None

    def is_slow(self) -> bool:
        """Tell whether a batch has been under way for long."""
        return self.is_busy_since(time.monotonic() - _SLOW)

    def is_busy_since(self, moment: float) -> bool:
        """Tell, in any thread, whether a batch that was begun before that is still under way."""
        begun = self._begun
        return begun is not None and begun < moment

    def commit(self, batch: Sequence[Write], defer: Defer) -> tuple[list[Outcome], str | None]:
        """Run writes in one transaction; returns what became of each, and what is wrong with the database."""
        self._begun = time.monotonic()
        try:
            return self._commit(batch, defer)
        finally:
            self._begun = None

    def _commit(self, batch: Sequence[Write], defer: Defer) -> tuple[list[Outcome], str | None]:
        attempts = 0
        while True:
            attempts += 1
            tx: Tx | None = None
            try:
                tx = Tx(connection=self._connect(), cipher=self._cipher, now=datetime.now(UTC), _defer=defer)
                outcomes = _commit_groups(tx, list(_group(batch)))
            except Exception as error:  # noqa: BLE001  drivers raise errors of their own; the writer must outlive them
                deadlock = is_deadlock(error)
                if is_lost(error):
                    self._drop()
                elif not deadlock:
                    self.disconnect()
                if attempts < _ATTEMPTS and (deadlock or (is_lost(error) and tx is not None and not tx.is_complete)):
                    continue
                _log.error("transaction failed", error=type(error).__name__, detail=_origin(error), writes=len(batch))
                failed = describe_failure(error)
                return [Outcome(write=write, error=StoreUnavailable(failed)) for write in batch], failed
            else:
                self._last_used = time.monotonic()
                for call in tx.calls:
                    _call(call)
                return outcomes, None

    def disconnect(self) -> None:
        """Give the connection back; the next batch gets one that is known to work."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _drop(self) -> None:
        """Let go of a connection that is broken."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.invalidate()
        self.disconnect()

    def abandon(self) -> None:
        """Drop the connection where nobody can wait for it any more."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.closed and not connection.invalidated:
            with suppress(Exception):
                abandon(connection)

    def _connect(self) -> Connection:
        if self._connection is not None and (time.monotonic() - self._last_used > _IDLE or has_ended(self._connection)):
            self.disconnect()
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection


def _commit_groups(tx: Tx, groups: Sequence[Sequence[Write]]) -> list[Outcome]:
    """Run groups of writes in one transaction, each in a savepoint where there are several."""
    if len(groups) == 1:
        if groups[0][0].in_one_statement:
            outcomes = _run_at_once(groups[0], tx)
        else:
            with tx.connection.begin() as transaction:
                outcomes = _run(groups[0], tx, undo=transaction.rollback)
                tx.is_complete = outcomes is not None
        if outcomes is not None:
            return outcomes
        groups = [[write] for write in groups[0]]
    with tx.connection.begin():
        outcomes = [outcome for writes in groups for outcome in _run_in_savepoint(writes, tx)]
        tx.is_complete = True
    return outcomes


def _run_at_once(writes: Sequence[Write], tx: Tx) -> list[Outcome] | None:
    """Run writes of one group that are one statement, which needs no transaction around it."""
    driver: Any = tx.connection.connection.dbapi_connection
    driver.autocommit = True
    tx.is_complete = True
    try:
        outcomes = _run(writes, tx, undo=lambda: None, is_fatal=lambda it: is_database_failure(it) or is_uncertain(it))
    except Exception as error:
        tx.is_complete = is_uncertain(error)
        raise
    finally:
        with suppress(Exception):  # the connection has ended
            driver.autocommit = False
    tx.is_complete = outcomes is not None
    return outcomes


def _run_in_savepoint(writes: Sequence[Write], tx: Tx) -> list[Outcome]:
    """Run writes of one group in a savepoint; when that fails, each in its own."""
    # It is set at the driver: SQLAlchemy's begin_nested() costs as much as two of the statements within.
    run_at_driver(tx.connection, "SAVEPOINT write")
    outcomes = _run(writes, tx, undo=lambda: run_at_driver(tx.connection, "ROLLBACK TO SAVEPOINT write"))
    run_at_driver(tx.connection, "RELEASE SAVEPOINT write")
    if outcomes is None:
        return [outcome for write in writes for outcome in _run_in_savepoint([write], tx)]
    return outcomes


def _run(
    writes: Sequence[Write],
    tx: Tx,
    undo: Callable[[], object],
    is_fatal: Callable[[Exception], bool] = is_database_failure,
) -> list[Outcome] | None:
    """Run writes of one group; None when that failed, so that each is to be run alone. Raises what is fatal."""
    calls = len(tx.calls)
    try:
        results = writes[0].run(tx, [write.item for write in writes])
    except Exception as error:  # the caller gets it; the other writes of the batch go on
        if is_fatal(error):
            raise
        undo()
        del tx.calls[calls:]
        return [Outcome(write=writes[0], error=error)] if len(writes) == 1 else None
    return [_make_outcome(write, result) for write, result in zip(writes, results, strict=True)]


def _group(batch: Iterable[Write]) -> Iterable[list[Write]]:
    """Put the items of each group function together, where its first one is."""
    groups: dict[Any, list[Write]] = defaultdict(list)
    for write in batch:
        groups[write.run].append(write)
    return groups.values()


def _make_outcome(write: Write, result: Any) -> Outcome:
    if isinstance(result, Exception):
        return Outcome(write=write, error=result)
    return Outcome(write=write, result=result)


def _call(after_commit: Callable[[], None]) -> None:
    try:
        after_commit()
    except Exception:  # noqa: BLE001  what is committed is committed; a sweep makes up for a ring that failed
        _log.exception("a call after a commit failed")


def _origin(error: Exception) -> str:
    # The driver's own words; str(error) would repeat the statement's parameters.
    return str(getattr(error, "orig", None) or type(error).__name__)
