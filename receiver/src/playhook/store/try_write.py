# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out whether the database takes writes."""

from __future__ import annotations

import os
from typing import Final

from sqlalchemy import delete, insert

from playhook.errors import StoreUnavailable
from playhook.store import tables as t
from playhook.store.bulk import run_at_driver
from playhook.store.trouble import READ_ONLY
from playhook.store.tx import Tx

_NOT_AN_ID: Final = -1
_SIZE: Final = 64 * 1024  # bytes


def try_write(tx: Tx, *, as_large_as_delivery: bool) -> None:
    """Raise what the database raises when it takes no writes.

    The lock and whether it may be written to are always tried, which costs no fsync; room for a delivery on request.
    """
    if as_large_as_delivery:
        body = os.urandom(_SIZE)  # what cannot be compressed, wherever it is stored
        values = {"service": "", "outcome": "refused", "response_status": 0, "received": tx.now, "body": body}
        tx.connection.execute(insert(t.webhook_deliveries).values(id=_NOT_AN_ID, **values))
        tx.connection.execute(delete(t.webhook_deliveries).where(t.webhook_deliveries.c.id == _NOT_AN_ID))
    elif tx.connection.dialect.name == "postgresql":
        (read_only,) = run_at_driver(tx.connection, "SHOW transaction_read_only").fetchone()
        if read_only == "on":
            raise StoreUnavailable(READ_ONLY)
