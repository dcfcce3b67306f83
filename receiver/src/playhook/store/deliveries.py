# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries: stored once, with their body compressed; jobs refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from playhook.store import tables as t
from playhook.store.compression import decompress
from playhook.store.writer import Tx

Outcome = Literal["launched", "duplicate", "ignored", "refused"]
_REFUSALS_KEPT: Final = 1000
_INSERT: Final = {
    dialect: upsert(t.webhook_deliveries)
    .on_conflict_do_nothing(index_elements=["template_id", "dedupe_key"])
    .returning(t.webhook_deliveries.c.id)
    for dialect, upsert in (("sqlite", sqlite_insert), ("postgresql", postgresql_insert))
}


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """What is stored of a delivery. `body` is the compressed JSON document; None for one that was refused."""

    template_id: int | None
    service: str
    outcome: Outcome
    response_status: int
    received: datetime
    remote_address: str
    reason: str = ""
    guid: str | None = None
    dedupe_key: str | None = None
    event_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body_size: int = 0
    body_sha256: bytes | None = None
    body: bytes | None = None
    event: Mapping[str, Any] | None = None
    verdict: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class StoredDelivery:
    """A delivery read back. `payload` is None when it was refused or its body has been purged."""

    id: int
    event: Mapping[str, Any]
    payload: dict[str, Any] | None


def insert_delivery(tx: Tx, row: DeliveryRow) -> int | None:
    """Store a delivery; None when one with its dedupe key is there already (equal ones at once make one row)."""
    return tx.connection.execute(_INSERT[tx.connection.dialect.name], vars(row)).scalar_one_or_none()


def expire_dedupe_key(tx: Tx, row: DeliveryRow, window: timedelta) -> bool:
    """Let an equal delivery in again when the stored one is older than `window`; says whether it was."""
    table = t.webhook_deliveries
    statement = (
        update(table)
        .where(
            table.c.template_id == row.template_id,
            table.c.dedupe_key == row.dedupe_key,
            table.c.received < row.received - window,
        )
        .values(dedupe_key=None)
    )
    return tx.connection.execute(statement).rowcount == 1


def record_refusal(tx: Tx, row: DeliveryRow) -> None:
    """Store what was refused, without its body; only the newest refusals are kept."""
    newest = insert_delivery(tx, row)
    if newest is not None and newest % 100 == 0:
        _forget_old_refusals(tx)


def read_delivery(connection: Connection, delivery_id: int) -> StoredDelivery | None:
    """Read a delivery's event and payload."""
    table = t.webhook_deliveries
    row = connection.execute(select(table.c.event, table.c.body).where(table.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    payload = None if row.body is None else orjson.loads(decompress(row.body))
    return StoredDelivery(id=delivery_id, event=row.event or {}, payload=payload)


def _forget_old_refusals(tx: Tx) -> None:
    table = t.webhook_deliveries
    refused = select(table.c.id).where(table.c.outcome == "refused")
    last_kept = refused.order_by(table.c.id.desc()).offset(_REFUSALS_KEPT).limit(1).scalar_subquery()
    tx.connection.execute(delete(table).where(table.c.outcome == "refused", table.c.id <= func.coalesce(last_kept, 0)))
