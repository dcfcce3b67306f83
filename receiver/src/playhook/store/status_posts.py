# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox of status posts: written in the transaction that changes the job, drained by `report`.

Posts of one job leave in order: only its oldest queued post is ever due. A claim is a lease, so that a reporter that
dies with a post in hand lets another one send it (at least once; services take a repeated status).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, exists, func, select, update

from playhook.domain.event import StatusTarget
from playhook.domain.job import JobStatus, JobType
from playhook.domain.status import PostedStatus
from playhook.store import tables as t
from playhook.store.bulk import Row, insert_rows
from playhook.store.tx import Tx

PostState = Literal["queued", "sent", "skipped", "failed"]
_LEASE = timedelta(seconds=90)
_LONGEST = 255  # characters of a context and of a description
_POSTED: Mapping[JobStatus, PostedStatus] = {
    "pending": "pending",
    "running": "running",
    "successful": "successful",
    "failed": "failed",
    "error": "error",
    "canceled": "canceled",
}
_CALLED: Mapping[JobType, str] = {"workflow_job": "workflow", "workflow_approval": "approval"}


@dataclass(frozen=True, kw_only=True)
class NewStatusPost:
    """One post to queue."""

    job_id: int
    service: str
    credential_id: int
    target: Mapping[str, Any]
    status: PostedStatus
    context: str
    description: str


@dataclass(frozen=True, kw_only=True)
class StatusPost:
    """One queued post, with the credential's inputs as stored (encrypted)."""

    id: int
    job_id: int
    job_type: JobType
    service: str
    target: StatusTarget
    status: PostedStatus
    context: str
    description: str
    attempts: int
    credential_inputs: Mapping[str, Any] | None = field(repr=False)


def insert_status_posts(tx: Tx, posts: Sequence[NewStatusPost]) -> None:
    """Queue posts."""
    if not posts:
        return
    insert_rows(tx.connection, t.status_posts, post_rows(tx, posts))
    tx.defer("post_status", 0)


def post_rows(tx: Tx, posts: Sequence[NewStatusPost]) -> list[Row]:
    """Return the rows of posts that are queued; dispatch is yet to be told, by `tx.defer("post_status", 0)`."""
    always = {"state": "queued", "next_attempt": tx.now, "created": tx.now}
    return [Row(common=always, own=vars(post)) for post in posts]


def queue_status(tx: Tx, job_id: int, status: JobStatus, explanation: str = "") -> None:
    """Queue the post that tells of a job's new status; nothing for a job that has nowhere to post to."""
    posted = _POSTED.get(status)
    jobs, deliveries, templates = t.unified_jobs, t.webhook_deliveries, t.unified_job_templates
    row = tx.connection.execute(
        select(
            jobs.c.name,
            jobs.c.type,
            jobs.c.launch_type,
            jobs.c.webhook_service,
            jobs.c.webhook_credential_id,
            deliveries.c.event,
            templates.c.playhook,
        )
        .join(deliveries, deliveries.c.id == jobs.c.delivery_id)
        .join(templates, templates.c.id == jobs.c.unified_job_template_id, isouter=True)
        .where(jobs.c.id == job_id, jobs.c.webhook_credential_id.is_not(None))
    ).one_or_none()
    target = row and (row.event or {}).get("status_target")
    if posted is None or row is None or not target:
        return
    of_node = _find_node_context(tx.connection, job_id) if row.launch_type == "workflow" else None
    post = NewStatusPost(
        job_id=job_id,
        service=row.webhook_service,
        credential_id=row.webhook_credential_id,
        target=target,
        status=posted,
        context=of_node or status_context(row.name, row.playhook or {}),
        description=(explanation or describe(posted, row.type))[:_LONGEST],
    )
    insert_status_posts(tx, [post])


def status_context(template_name: str, playhook: Mapping[str, Any]) -> str:
    """Return the context a template posts under, so that two templates on one commit do not overwrite each other."""
    return str(playhook.get("status_context") or f"playhook/{template_name}")[:_LONGEST]


def _find_node_context(connection: Connection, job_id: int) -> str | None:
    """Return the context of a node's job: its workflow's, and the node's identifier.

    That of a nested workflow is its node's: two nodes may run the same workflow.
    """
    nodes, jobs, templates = t.workflow_job_nodes, t.unified_jobs, t.unified_job_templates
    row = connection.execute(
        select(nodes.c.identifier, jobs.c.id, jobs.c.name, jobs.c.launch_type, templates.c.playhook)
        .join(jobs, jobs.c.id == nodes.c.workflow_job_id)
        .join(templates, templates.c.id == jobs.c.unified_job_template_id, isouter=True)
        .where(nodes.c.job_id == job_id)
    ).one_or_none()
    if row is None:
        return None
    around = _find_node_context(connection, row.id) if row.launch_type == "workflow" else None
    return f"{around or status_context(row.name, row.playhook or {})}/{row.identifier}"[:_LONGEST]


def describe(status: PostedStatus, kind: JobType = "job") -> str:
    """Return the sentence shown beside a status."""
    what = _CALLED.get(kind, "job")
    return {
        "pending": f"The {what} is queued." if kind != "workflow_approval" else "Somebody has to approve this.",
        "running": f"The {what} is running.",
        "successful": f"The {what} succeeded.",
        "failed": f"The {what} failed.",
        "error": f"The {what} could not run.",
        "canceled": f"The {what} was canceled.",
    }[status]


def find_due_post(connection: Connection, now: datetime) -> int | None:
    """Return the id of the oldest post that may be sent now."""
    posts, earlier = t.status_posts, t.status_posts.alias("earlier")
    waits = exists().where(earlier.c.job_id == posts.c.job_id, earlier.c.state == "queued", earlier.c.id < posts.c.id)
    return connection.execute(
        select(posts.c.id)
        .where(posts.c.state == "queued", posts.c.next_attempt <= now, ~waits)
        .order_by(posts.c.next_attempt, posts.c.id)
        .limit(1)
    ).scalar_one_or_none()


def next_due(connection: Connection) -> datetime | None:
    """Return when the next queued post is due, None when the outbox is empty."""
    posts = t.status_posts
    return connection.execute(
        select(posts.c.next_attempt).where(posts.c.state == "queued").order_by(posts.c.next_attempt).limit(1)
    ).scalar_one_or_none()


def claim_post(tx: Tx, post_id: int) -> StatusPost | None:
    """Lease one due post; None when another reporter was first."""
    posts, credentials = t.status_posts, t.credentials
    claimed = tx.connection.execute(
        update(posts)
        .where(posts.c.id == post_id, posts.c.state == "queued", posts.c.next_attempt <= tx.now)
        .values(next_attempt=tx.now + _LEASE, attempts=posts.c.attempts + 1)
    ).rowcount
    if not claimed:
        return None
    row = tx.connection.execute(
        select(posts, t.unified_jobs.c.type, credentials.c.inputs)
        .join(t.unified_jobs, t.unified_jobs.c.id == posts.c.job_id)
        .join(credentials, credentials.c.id == posts.c.credential_id, isouter=True)
        .where(posts.c.id == post_id)
    ).one()
    return StatusPost(
        id=row.id,
        job_id=row.job_id,
        job_type=row.type,
        service=row.service,
        target=StatusTarget(**row.target),
        status=row.status,
        context=row.context,
        description=row.description,
        attempts=row.attempts,
        credential_inputs=row.inputs,
    )


def close_post(tx: Tx, post_id: int, state: PostState, answer: str) -> None:
    """End a post: sent, skipped or failed for good."""
    sent = tx.now if state == "sent" else None
    tx.connection.execute(
        update(t.status_posts)
        .where(t.status_posts.c.id == post_id)
        .values(state=state, answer=answer[:1024], sent=sent)
    )


def retry_post(tx: Tx, post: StatusPost, at: datetime, answer: str) -> None:
    """Put a post back; it is dropped instead when the same job has told something newer since."""
    posts = t.status_posts
    newer = tx.connection.execute(
        select(func.count()).select_from(posts).where(posts.c.job_id == post.job_id, posts.c.id > post.id)
    ).scalar_one()
    if newer:
        close_post(tx, post.id, "skipped", f"superseded by a newer status; the last answer was: {answer}")
        return
    tx.connection.execute(update(posts).where(posts.c.id == post.id).values(next_attempt=at, answer=answer[:1024]))
