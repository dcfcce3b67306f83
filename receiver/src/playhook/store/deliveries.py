# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries: stored once, with their body compressed; jobs refer to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, bindparam, delete, func, select, update

from playhook.store import tables as t
from playhook.store.bulk import Part, Row, find_missing, insert_rows, take_ids, take_version_and_ids
from playhook.store.compression import decompress
from playhook.store.hook_templates import HookTemplate, read_template
from playhook.store.tx import Tx

Outcome = Literal["launched", "duplicate", "ignored", "refused"]
_REFUSALS_KEPT: Final = 1000
_ORIGINAL: Final = t.webhook_deliveries.alias("original")
_READ: Final = (
    select(t.webhook_deliveries.c.event, func.coalesce(t.webhook_deliveries.c.body, _ORIGINAL.c.body).label("body"))
    .join(_ORIGINAL, _ORIGINAL.c.id == t.webhook_deliveries.c.original_id, isouter=True)
    .where(t.webhook_deliveries.c.id == bindparam("id"))
)


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """What is stored of a delivery.

    `body` is the compressed JSON document; None for one that was refused, and where it is kept with `original_id`.
    """

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
    endpoint_id: int | None = None
    original_id: int | None = None
    redelivered_by_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class StoredDelivery:
    """A delivery read back. `document` is the payload's JSON; None when it was refused or its body has been purged."""

    id: int
    event: Mapping[str, Any]
    document: bytes | None

    @cached_property
    def payload(self) -> dict[str, Any] | None:
        return None if self.document is None else orjson.loads(self.document)


@dataclass(frozen=True, kw_only=True)
class JudgedDelivery:
    """A delivery with its verdict and its template as that is now (None when it was deleted, or never known)."""

    delivery: StoredDelivery
    row: DeliveryRow
    template: HookTemplate | None


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """What storing deliveries begins with: the config version now, and ids for them and for the jobs they launch."""

    version: int
    delivery_ids: Sequence[int]
    job_ids: Sequence[int]


def reserve(tx: Tx, rows: Sequence[DeliveryRow]) -> Reserved:
    """Ask for all that is needed to store these deliveries next, in one statement."""
    launching = sum(row.outcome == "launched" for row in rows)
    version, delivery_ids, job_ids = take_version_and_ids(
        tx.connection, {t.webhook_deliveries: len(rows), t.unified_jobs: launching}
    )
    return Reserved(version=version, delivery_ids=delivery_ids, job_ids=job_ids)


def insert_deliveries(tx: Tx, rows: Sequence[DeliveryRow], ids: Sequence[int]) -> list[int | None]:
    """Store deliveries; None for each whose dedupe key is there already (equal ones at once make one row)."""
    part = delivery_part(rows, ids)
    inserted = insert_rows(tx.connection, part.table, part.rows, unless_taken=part.unless_taken)
    missing = set() if inserted == len(rows) else find_missing(tx.connection, part.table, ids)
    return [None if row_id in missing else row_id for row_id in ids]


def delivery_part(rows: Sequence[DeliveryRow], ids: Sequence[int]) -> Part:
    """Return deliveries as they are to be inserted, unless their dedupe key is there already."""
    values = [Row(own={"id": row_id, **vars(row)}) for row_id, row in zip(ids, rows, strict=True)]
    # In one order for all: two transactions that wait for each other's keys would be a deadlock.
    values.sort(key=lambda each: (each.own["template_id"] or 0, each.own["dedupe_key"] or ""))
    return Part(table=t.webhook_deliveries, rows=values, unless_taken=("template_id", "dedupe_key"))


def insert_delivery(tx: Tx, row: DeliveryRow) -> int | None:
    """Store one delivery; None when one with its dedupe key is there already."""
    return insert_deliveries(tx, [row], take_ids(tx.connection, t.webhook_deliveries, 1))[0]


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
    row = connection.execute(_READ, {"id": delivery_id}).one_or_none()
    if row is None:
        return None
    document = None if row.body is None else decompress(row.body)
    return StoredDelivery(id=delivery_id, event=row.event or {}, document=document)


def has_body(connection: Connection, delivery_id: int) -> bool:
    """Tell whether the delivery is there with its body, without reading that."""
    table = t.webhook_deliveries
    return bool(connection.execute(select(table.c.body.is_not(None)).where(table.c.id == delivery_id)).scalar())


def read_judged(connection: Connection, delivery_id: int) -> JudgedDelivery | None:
    """Read all that is known of a delivery, and its template; the row comes without its body."""
    table = t.webhook_deliveries
    names = [each.name for each in fields(DeliveryRow) if each.name != "body"]
    row = connection.execute(select(*(table.c[name] for name in names)).where(table.c.id == delivery_id)).one_or_none()
    delivery = read_delivery(connection, delivery_id)
    if row is None or delivery is None:
        return None
    template = None if row.template_id is None else read_template(connection, row.template_id)
    return JudgedDelivery(delivery=delivery, row=DeliveryRow(**row._mapping), template=template)


def _forget_old_refusals(tx: Tx) -> None:
    table = t.webhook_deliveries
    refused = select(table.c.id).where(table.c.outcome == "refused")
    last_kept = refused.order_by(table.c.id.desc()).offset(_REFUSALS_KEPT).limit(1).scalar_subquery()
    tx.connection.execute(delete(table).where(table.c.outcome == "refused", table.c.id <= func.coalesce(last_kept, 0)))
