# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown beside the objects of a page, read for the whole page at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select

from playhook.domain.job import ACTIVE
from playhook.store import tables as t
from playhook.store.collections import Row
from playhook.store.deliveries import read_delivery

_RECENT: Final = 10
_NEWER: Final = t.unified_jobs.alias("newer")  # made once: it has the table's many columns again


def find_recent_jobs(connection: Connection, template_ids: Sequence[int]) -> dict[int, list[Row]]:
    """Return the newest jobs of each template."""
    if not template_ids:
        return {}
    templates, jobs, newer = t.unified_job_templates, t.unified_jobs, _NEWER
    newest = (
        select(newer.c.id)
        .where(newer.c.unified_job_template_id == templates.c.id)
        .order_by(newer.c.id.desc())
        .limit(_RECENT)
        .correlate(templates)
    )
    shown = [jobs.c[name] for name in ("unified_job_template_id", "id", "type", "status", "finished", "canceled_on")]
    rows = connection.execute(
        select(*shown)
        .join_from(templates, jobs, jobs.c.id.in_(newest))
        .where(templates.c.id.in_(template_ids))
        .order_by(jobs.c.id.desc())
    )
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows.mappings():
        found[row["unified_job_template_id"]].append(dict(row))
    return found


def find_current_jobs(connection: Connection, template_ids: Sequence[int]) -> dict[int, Row]:
    """Return the newest unfinished job of each template that has one."""
    if not template_ids:
        return {}
    jobs = t.unified_jobs
    newest = (
        select(func.max(jobs.c.id))
        .where(jobs.c.unified_job_template_id.in_(template_ids), jobs.c.status.in_(ACTIVE))
        .group_by(jobs.c.unified_job_template_id)
    )
    rows = connection.execute(select(jobs).where(jobs.c.id.in_(newest))).mappings()
    return {int(row["unified_job_template_id"]): dict(row) for row in rows}


def find_credentials_of(
    connection: Connection, table_name: str, owner: str, ids: Sequence[int]
) -> dict[int, list[Row]]:
    """Return the credentials attached to each template or job, with their types' kind and namespace."""
    if not ids:
        return {}
    between, credentials, types = t.metadata.tables[table_name], t.credentials, t.credential_types
    rows = connection.execute(
        select(
            between.c[owner].label("owner_id"),
            credentials.c.id,
            credentials.c.name,
            credentials.c.description,
            credentials.c.credential_type_id,
            types.c.kind,
            types.c.namespace,
        )
        .join(credentials, credentials.c.id == between.c.credential_id)
        .join(types, types.c.id == credentials.c.credential_type_id)
        .where(between.c[owner].in_(ids))
        .order_by(between.c.id)
    ).mappings()
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["owner_id"]].append(dict(row))
    return found


def find_delivery_events(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Return the stored events of deliveries, without their bodies."""
    if not delivery_ids:
        return {}
    table = t.webhook_deliveries
    rows = connection.execute(select(table.c.id, table.c.event).where(table.c.id.in_(delivery_ids)))
    return {int(row.id): row.event or {} for row in rows}


def find_jobs_of_deliveries(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the ids of the jobs that each delivery launched; what its workflows launched is not among them."""
    if not delivery_ids:
        return {}
    jobs = t.unified_jobs
    rows = connection.execute(
        select(jobs.c.delivery_id, jobs.c.id)
        .where(jobs.c.delivery_id.in_(delivery_ids), jobs.c.launch_type != "workflow")
        .order_by(jobs.c.id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for delivery_id, job_id in rows:
        found[delivery_id].append(int(job_id))
    return found


def find_workflow_jobs_of(connection: Connection, job_ids: Sequence[int]) -> dict[int, int]:
    """Return the workflow job that launched each of the jobs that a node launched."""
    if not job_ids:
        return {}
    nodes = t.workflow_job_nodes
    rows = connection.execute(select(nodes.c.job_id, nodes.c.workflow_job_id).where(nodes.c.job_id.in_(job_ids)))
    return {int(row.job_id): int(row.workflow_job_id) for row in rows}


def find_payload(connection: Connection, delivery_id: int) -> dict[str, Any] | None:
    """Return a delivery's payload, None when it is gone."""
    delivery = read_delivery(connection, delivery_id)
    return None if delivery is None else delivery.payload


def count_plays_and_tasks(connection: Connection, job_id: int) -> tuple[int, int]:
    """Count what a job's playbook has started."""
    events = t.job_events
    counted = connection.execute(
        select(events.c.event, func.count())
        .where(events.c.job_id == job_id, events.c.event.in_(("playbook_on_play_start", "playbook_on_task_start")))
        .group_by(events.c.event)
    )
    counts = {str(name): int(count) for name, count in counted}
    return counts.get("playbook_on_play_start", 0), counts.get("playbook_on_task_start", 0)


def read_stdout(connection: Connection, job_id: int, *, after: int = 0, limit: int = 500) -> list[tuple[int, str]]:
    """Read a job's output in parts: pairs of a counter and a text, those after the given counter."""
    events = t.job_events
    rows = connection.execute(
        select(events.c.counter, events.c.stdout)
        .where(events.c.job_id == job_id, events.c.counter > after)
        .order_by(events.c.counter)
        .limit(limit)
    )
    return [(int(row.counter), str(row.stdout)) for row in rows]
