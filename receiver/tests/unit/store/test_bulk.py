# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rows by one statement: what is read back is what was given, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import func, select

from playhook.store import tables as t
from playhook.store.bulk import Row, insert_rows
from playhook.store.deliveries import DeliveryRow, insert_delivery
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases
_ALL_BYTES = bytes(range(256))
_EAST = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=5, minutes=30)))
_WORDS = {
    'quo"te': "back\\slash",
    "unicode": "Grüße 🎉 \u2028",
    "escaped": "\\u0000",
    "numbers": [1, -1.5, 2**63 - 1, None],
}


def _row(**columns: Any) -> DeliveryRow:
    facts = {"template_id": None, "service": "plain", "outcome": "refused", "response_status": 403, "received": _EAST}
    return DeliveryRow(**{**facts, "remote_address": "192.0.2.7", **columns})


def _store_and_read(store: Store, row: DeliveryRow) -> Any:
    delivery_id = store.write(insert_delivery, row)
    with store.reading() as connection:
        return connection.execute(select(t.webhook_deliveries).where(t.webhook_deliveries.c.id == delivery_id)).one()


def test_values_come_back_as_they_were(store: Store) -> None:
    read = _store_and_read(store, _row(reason="100 % of 'it'", body=_ALL_BYTES, event=_WORDS, headers={}))
    assert (read.reason, read.body, read.event, read.headers) == ("100 % of 'it'", _ALL_BYTES, _WORDS, {})
    assert (read.received, read.received.utcoffset()) == (_EAST, timedelta())
    assert (read.guid, read.body_sha256, read.original_id) == (None, None, None)
    assert read.body_size == 0, "a column that is not named gets its default"


@pytest.mark.postgresql_only
def test_a_nul_that_the_database_cannot_hold_is_replaced(store: Store) -> None:
    read = _store_and_read(store, _row(reason="a\0b \\u0000 \\\0", event={"a\0": "\0\0"}))
    assert read.reason == "a\N{REPLACEMENT CHARACTER}b \\u0000 \\\N{REPLACEMENT CHARACTER}"
    assert read.event == {"a\N{REPLACEMENT CHARACTER}": "\N{REPLACEMENT CHARACTER}" * 2}


def test_more_rows_than_one_statement_takes(store: Store) -> None:
    def insert_many(tx: Tx) -> int:
        common = {"service": "plain", "outcome": "refused", "response_status": 403, "received": _EAST}
        return insert_rows(
            tx.connection,
            t.webhook_deliveries,
            [Row(common=common, own={"guid": str(number)}) for number in range(150)],
        )

    assert store.write(insert_many) == 150
    with store.reading() as connection:
        assert connection.execute(select(func.count(t.webhook_deliveries.c.guid.distinct()))).scalar_one() == 150
