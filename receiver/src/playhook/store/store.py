# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open database: readers' connections, the writer, the cipher."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from playhook.errors import StoreUnavailable
from playhook.settings import Settings
from playhook.store.encryption import Cipher, load_cipher
from playhook.store.engine import is_sqlite, make_engine
from playhook.store.loop_writer import LoopWriter
from playhook.store.trouble import LOCKED, describe_failure
from playhook.store.try_write import try_write
from playhook.store.tx import Defer, GroupFunction, Tx
from playhook.store.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")


class Store:
    """One open database. Reads use their own connections; every write is a function given to the writer."""

    def __init__(self, url: str, cipher: Cipher) -> None:
        self.cipher = cipher
        self._readers = make_engine(url, writes=False)
        self._writing = make_engine(url, writes=True)
        self._writer = Writer(self._writing, cipher)
        # PostgreSQL takes several transactions at once. Deliveries depend on no other write, so they need no order.
        self._loop_writer = None if is_sqlite(url) else LoopWriter(url, cipher)
        self._writers = [each for each in (self._writer, self._loop_writer) if each is not None]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read transaction (one snapshot). Raises StoreUnavailable."""
        try:
            with self._readers.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreUnavailable(describe_failure(error)) from error

    def write(self, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(tx, …)` in the writer and wait until it is durable."""
        return self._writer.submit(function, *args, **kwargs).result()

    @property
    def inserts_together(self) -> bool:
        """Whether rows of several tables can be one statement (see `insert_together`)."""
        return self._loop_writer is not None

    async def write_in_group(
        self, group: GroupFunction[Item, R], item: Item, patience: float, *, in_one_statement: bool = False
    ) -> R:
        """Have `group` write this item with the others that wait, and wait until it is durable.

        `in_one_statement` says that it is one for all of them, which is then sent without a transaction around it.
        Raises StoreUnavailable, at the latest after `patience` seconds.
        """
        if self._loop_writer is None:
            return await self._writer.run_in_group(group, item, patience)
        return await self._loop_writer.run_in_group(group, item, patience, in_one_statement=in_one_statement)

    def submit(self, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Queue `function(tx, …)` and do not wait."""
        return self._writer.submit(function, *args, **kwargs)

    def on_defer(self, defer: Defer) -> None:
        """Give dispatch's way to take what `Tx.defer` says; the composition root calls it once."""
        for writer in self._writers:
            writer.defer = defer

    def check_writes(self, patience: float) -> None:
        """Try to write. Raises StoreUnavailable, which says what is wrong, within `patience` seconds."""
        begun = time.monotonic()
        known = self._find_trouble()
        try_it = partial(try_write, as_large_as_delivery=known is not None)
        trials: dict[Writer | LoopWriter, Future[None]] = {self._writer: self._writer.submit(try_it)}
        if self._loop_writer is not None and (trial := self._loop_writer.submit(try_it, patience)):
            trials[self._loop_writer] = trial
        for trial in trials.values():
            try:
                trial.result(begun + patience - time.monotonic())
            except TimeoutError:
                trial.cancel()
                raise StoreUnavailable(known or LOCKED) from None
        if self._loop_writer is not None and not self._loop_writer.wait_for_older(begun, patience):
            raise StoreUnavailable(LOCKED)
        if known is None and (found := self._find_trouble()):  # of a write that was under way
            raise StoreUnavailable(found)
        for writer in trials:
            writer.forget_trouble()

    def _find_trouble(self) -> str | None:
        return next((found for each in self._writers if (found := each.find_trouble())), None)

    def close(self) -> None:
        """Finish queued writes and close the connections."""
        for writer in self._writers:
            writer.close()
        self._readers.dispose()
        self._writing.dispose()


def open_store(settings: Settings) -> Store:
    """Open the configured database, which must have been migrated."""
    return Store(settings.database, load_cipher(settings.secret_key))
