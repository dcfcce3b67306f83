# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer: a thread that runs queued write functions in batches and commits once for all of them.

The commit (an fsync) is what a write costs; under load one commit carries up to 64 writes, and with a single caller
there is no artificial delay. Each function runs in a savepoint, so one that fails takes nothing down with it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import OperationalError

from playhook.errors import StoreUnavailable
from playhook.logs import get_logger
from playhook.store import tables as t
from playhook.store.encryption import Cipher

P = ParamSpec("P")
R = TypeVar("R")
_log = get_logger(__name__)
_BATCH = 64
_QUEUE = 10_000


@dataclass(kw_only=True)
class _BatchState:
    config_version: int | None = None


@dataclass(kw_only=True)
class Tx:
    """What a write function gets: the open transaction, its time, and the installation's cipher."""

    connection: Connection
    cipher: Cipher
    now: datetime
    _defer: Defer
    _batch: _BatchState
    _after_commit: list[Callable[[], None]] = field(default_factory=list)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` in the writer's thread once this transaction is durable, and never if it is not."""
        self._after_commit.append(call)

    def defer(self, task: str, key: int) -> None:
        """Have dispatch run `task` for the row `key` once this transaction is durable."""
        self._defer(self, task, key)

    def config_changed(self) -> None:
        """Tell every process that what intake caches (templates, keys, credentials) has changed."""
        self.connection.execute(update(t.installation).values(config_version=t.installation.c.config_version + 1))
        self._batch.config_version = None

    def config_version(self) -> int:
        """Return the count of such changes; read once a batch."""
        if self._batch.config_version is None:
            self._batch.config_version = self.connection.execute(select(t.installation.c.config_version)).scalar_one()
        return self._batch.config_version


Defer = Callable[[Tx, str, int], None]


def defer_nothing(_tx: Tx, _task: str, _key: int) -> None:
    """Stand in where no dispatch runs: the rows are stored, and a sweep finds them later."""


@dataclass(kw_only=True)
class _Write:
    run: Callable[[Tx], Any]
    future: Future[Any]


class Writer:
    """Takes write functions from any thread; each gets a future that is done when its commit is durable."""

    def __init__(self, engine: Engine, cipher: Cipher) -> None:
        self._engine = engine
        self._cipher = cipher
        self.defer: Defer = defer_nothing
        self._queue: queue.Queue[_Write | None] = queue.Queue(_QUEUE)
        self._thread = threading.Thread(target=self._loop, name="writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Queue `function(tx, …)`. Raises StoreUnavailable when the queue is full."""
        write = _Write(run=lambda tx: function(tx, *args, **kwargs), future=Future())
        try:
            self._queue.put_nowait(write)
        except queue.Full:
            raise StoreUnavailable("too many writes are waiting for the database") from None
        return write.future

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Finish what is queued and stop."""
        self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while True:
            batch, last = self._take()
            if batch:
                self._commit(batch)
            if last:
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

    def _commit(self, batch: list[_Write]) -> None:
        # A cancelled caller's write is not run; a running one can no longer be cancelled.
        batch = [write for write in batch if write.future.set_running_or_notify_cancel()]
        results: list[tuple[_Write, Any, BaseException | None]] = []
        after: list[Callable[[], None]] = []
        state = _BatchState()
        try:
            with self._engine.connect() as connection, connection.begin():
                for write in batch:
                    tx = Tx(
                        connection=connection,
                        cipher=self._cipher,
                        now=datetime.now(UTC),
                        _defer=self.defer,
                        _batch=state,
                    )
                    results.append((write, *_run_in_savepoint(write, tx)))
                    after += tx._after_commit if results[-1][2] is None else []
        except Exception as error:  # noqa: BLE001  drivers raise errors of their own; the writer must outlive them
            _log.error("transaction failed", error=type(error).__name__, detail=_origin(error), writes=len(batch))
            results = [(write, None, StoreUnavailable("the database did not take the write")) for write in batch]
            after = []
        for call in after:
            _call(call)
        for write, result, failure in results:
            if failure is None:
                write.future.set_result(result)
            else:
                write.future.set_exception(failure)


def _run_in_savepoint(write: _Write, tx: Tx) -> tuple[Any, BaseException | None]:
    # The savepoint is set at the driver: SQLAlchemy's begin_nested() costs as much as two of the statements within.
    driver = tx.connection.connection.cursor()
    driver.execute("SAVEPOINT write")
    try:
        result = write.run(tx)
    except OperationalError:
        raise  # the database itself failed: the whole batch did
    except Exception as error:  # noqa: BLE001  the caller gets it; the other writes of the batch go on
        driver.execute("ROLLBACK TO SAVEPOINT write")
        return None, error
    driver.execute("RELEASE SAVEPOINT write")
    return result, None


def _call(after_commit: Callable[[], None]) -> None:
    try:
        after_commit()
    except Exception:  # noqa: BLE001  what is committed is committed; a sweep makes up for a ring that failed
        _log.exception("a call after a commit failed")


def _origin(error: Exception) -> str:
    # The driver's own words; str(error) would repeat the statement's parameters.
    return str(getattr(error, "orig", None) or type(error).__name__)
