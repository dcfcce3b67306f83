# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forget deliveries: their payloads and headers first, what was made of them later, and never in intake's way.

What is due is found by a reader; the writer then gets small batches with pauses between them, so that a delivery waits
for one batch at most. What an unfinished job needs is kept. SQLite reuses the space and does not shrink its file.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, exists, func, null, or_, select, update

from playhook.domain.job import ACTIVE
from playhook.logs import get_logger
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.sessions import forget_expired_sessions
from playhook.store.store import Store
from playhook.store.tx import Tx

_log = get_logger(__name__)
_ROWS: Final = 50
_BYTES: Final = 8 * 1024 * 1024  # of bodies in one batch: the database walks through all of each
_PAUSE: Final = 0.02
_table: Final = t.webhook_deliveries
_jobs: Final = t.unified_jobs


@dataclass(frozen=True, kw_only=True)
class Purged:
    """How many payloads and how many whole deliveries were forgotten."""

    payloads: int
    deliveries: int


def purge(store: Store, settings: Settings, now: datetime | None = None) -> Purged:
    """Forget what is older or more than the settings say, and sessions that are over."""
    now = now or datetime.now(UTC)
    store.write(forget_expired_sessions)
    purged = Purged(payloads=_purge_payloads(store, settings, now), deliveries=_purge_deliveries(store, settings, now))
    if purged.payloads or purged.deliveries:
        _log.info("deliveries purged", payloads=purged.payloads, deliveries=purged.deliveries)
    return purged


def _purge_payloads(store: Store, settings: Settings, now: datetime) -> int:
    with store.reading() as connection:
        last_too_many = _find_last_too_many(connection, settings.retention_payload_bytes)
    conditions: list[ColumnElement[bool]] = [(_table.c.id <= last_too_many) & _table.c.body.is_not(None)]
    if settings.retention_payload_days:
        conditions.append(_table.c.received < now - timedelta(days=settings.retention_payload_days))
    kept = or_(_table.c.body.is_not(None), _table.c.headers.is_not(None))
    purged, after = 0, 0
    while True:
        with store.reading() as connection:
            due = _find_due(connection, after, kept & or_(*conditions))
        if not due:
            return purged
        purged += store.write(_forget_payloads, due)
        after = due[-1]
        time.sleep(_PAUSE)


def _purge_deliveries(store: Store, settings: Settings, now: datetime) -> int:
    if not settings.retention_verdict_days:
        return 0
    old = _table.c.received < now - timedelta(days=settings.retention_verdict_days)
    # A job's row keeps its delivery as a stump, so that a relaunch says why it cannot be.
    remains = or_(~_has_job(), _table.c.verdict.is_not(None))
    purged, after = 0, 0
    while True:
        with store.reading() as connection:
            due = _find_due(connection, after, old & remains)
        if not due:
            return purged
        purged += store.write(_forget_deliveries, due)
        after = due[-1]
        time.sleep(_PAUSE)


def _find_due(connection: Connection, after: int, condition: ColumnElement[bool]) -> list[int]:
    """Return the next few ids, as many as make one batch."""
    size = func.coalesce(func.length(_table.c.body), 0)
    found = (
        select(_table.c.id, size.label("size"))
        .where(_table.c.id > after, condition, ~_is_needed())
        .order_by(_table.c.id)
        .limit(_ROWS)
    )
    ids: list[int] = []
    total = 0
    for row in connection.execute(found):
        total += row.size
        if ids and total > _BYTES:
            break
        ids.append(int(row.id))
    return ids


def _find_last_too_many(connection: Connection, most: int) -> int:
    """Return the newest id whose payload does not fit any more when the newest are kept first; 0 when all fit."""
    if not most:
        return 0
    total = func.sum(func.length(_table.c.body)).over(order_by=_table.c.id.desc())
    sums = select(_table.c.id, total.label("total")).where(_table.c.body.is_not(None)).subquery()
    return int(connection.execute(select(func.max(sums.c.id)).where(sums.c.total > most)).scalar_one() or 0)


def _forget_payloads(tx: Tx, ids: Sequence[int]) -> int:
    return tx.connection.execute(
        update(_table).where(_table.c.id.in_(ids), ~_is_needed()).values(body=null(), headers=null())
    ).rowcount


def _forget_deliveries(tx: Tx, ids: Sequence[int]) -> int:
    due = _table.c.id.in_(ids) & ~_is_needed()
    tx.connection.execute(
        update(_table).where(due, _has_job()).values(body=null(), headers=null(), event=null(), verdict=null())
    )
    tx.connection.execute(delete(_table).where(due, ~_has_job()))
    return len(ids)


def _has_job() -> ColumnElement[bool]:
    return exists().where(_jobs.c.delivery_id == _table.c.id)


def _is_needed() -> ColumnElement[bool]:
    """Hold for a delivery that an unfinished job reads, and for one that keeps the body for such a one."""
    sharing = t.webhook_deliveries.alias("sharing")
    active = _jobs.c.status.in_(ACTIVE)
    by_another = sharing.join(_jobs, _jobs.c.delivery_id == sharing.c.id)
    return or_(
        exists().where(_jobs.c.delivery_id == _table.c.id, active),
        exists().select_from(by_another).where(sharing.c.original_id == _table.c.id, active),
    )
