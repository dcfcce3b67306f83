# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction that a write function gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, update

from playhook.store import tables as t
from playhook.store.bulk import run_at_driver
from playhook.store.encryption import Cipher

R = TypeVar("R")
Item = TypeVar("Item")
_CONFIG_VERSION = "SELECT config_version FROM installation"


@dataclass(kw_only=True)
class Tx:
    """What a write function gets: the open transaction, its time, and the installation's cipher."""

    connection: Connection
    cipher: Cipher
    now: datetime
    _defer: Defer
    calls: list[Callable[[], None]] = field(default_factory=list)
    # All is written: when the connection ends now, nobody knows whether it was committed, so it is not done again.
    is_complete: bool = False

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` once this transaction is durable, and never if it is not.

        It must not block: the writer's thread runs it, or the event loop.
        """
        self.calls.append(call)

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
