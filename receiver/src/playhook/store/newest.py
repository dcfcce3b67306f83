# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest rows, for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Row, Table, select

from playhook.store import tables as t
from playhook.store.store import Store


def newest_jobs(store: Store, limit: int) -> Sequence[Sequence[Any]]:
    """Return id, type, status, name, launch type, start, seconds and explanation of the newest jobs, newest first."""
    c = t.unified_jobs.c
    columns = (c.id, c.type, c.status, c.name, c.launch_type, c.started, c.elapsed, c.job_explanation, c.finished)
    now = datetime.now(UTC)
    shown = []
    for row in _newest(store, t.unified_jobs, columns, limit):
        lasts = row.started is not None and row.finished is None
        seconds = round((now - row.started).total_seconds(), 1) if lasts else row.elapsed
        shown.append((*tuple(row)[:6], seconds, row.job_explanation))
    return shown


def newest_deliveries(store: Store, limit: int) -> Sequence[Row[Any]]:
    """Return id, time, template, service, event type, outcome and reason of the newest deliveries, newest first."""
    c = t.webhook_deliveries.c
    columns = (c.id, c.received, c.template_id, c.service, c.event_type, c.outcome, c.reason)
    return _newest(store, t.webhook_deliveries, columns, limit)


def newest_workers(store: Store, limit: int) -> Sequence[Row[Any]]:
    """Return name, version, instance groups, jobs at a time, start and last sign of life of the workers there are."""
    c = t.workers.c
    columns = (c.name, c.version, c.queues, c.capacity, c.started, c.heartbeat)
    return _newest(store, t.workers, columns, limit)


def _newest(store: Store, table: Table, columns: Sequence[Column[Any]], limit: int) -> Sequence[Row[Any]]:
    with store.reading() as connection:
        return connection.execute(select(*columns).order_by(table.c.id.desc()).limit(limit)).all()
