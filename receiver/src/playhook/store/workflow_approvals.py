# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals: a node's job that waits, pending, until a person decides or its time is over."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, or_, select

from playhook.domain.job import APPROVAL_TRANSITIONS, JobStatus
from playhook.store import tables as t
from playhook.store.claims import end_job
from playhook.store.tx import Tx

_jobs: Final = t.unified_jobs
_nodes: Final = t.workflow_job_nodes
_EXPIRED: Final = "The approval node {name} ({id}) has expired after {timeout} seconds."  # AWX's sentence


def approve(tx: Tx, approval_id: int, user_id: int) -> bool:
    """Let the workflow go on; False when the approval has been decided, or its time is over."""
    return _decide(tx, approval_id, user_id, "successful")


def deny(tx: Tx, approval_id: int, user_id: int) -> bool:
    """Fail the node; False when the approval has been decided, or its time is over."""
    return _decide(tx, approval_id, user_id, "failed")


def expire_approvals(tx: Tx, workflow_job_id: int) -> None:
    """Fail those approvals of a workflow job whose time is over."""
    due = tx.connection.execute(
        select(_jobs.c.id, _jobs.c.name, _jobs.c.timeout).where(
            *_waits_in(workflow_job_id), _jobs.c.approval_expiration <= tx.now
        )
    )
    for row in due.all():
        end_job(
            tx,
            row.id,
            "failed",
            _EXPIRED.format(**row._mapping),
            {"timed_out": True},
            _jobs.c.id == row.id,
            transitions=APPROVAL_TRANSITIONS,
        )


def find_next_expiration(connection: Connection, workflow_job_id: int) -> datetime | None:
    """Return when the first of a workflow job's approvals will expire, None when none will."""
    return connection.execute(select(func.min(_jobs.c.approval_expiration)).where(*_waits_in(workflow_job_id))).scalar()


def _waits_in(workflow_job_id: int) -> tuple[ColumnElement[bool], ...]:
    launched = select(_nodes.c.job_id).where(_nodes.c.workflow_job_id == workflow_job_id, _nodes.c.job_id.is_not(None))
    return (_jobs.c.type == "workflow_approval", _jobs.c.status == "pending", _jobs.c.id.in_(launched))


def _decide(tx: Tx, approval_id: int, user_id: int, status: JobStatus) -> bool:
    expires = _jobs.c.approval_expiration
    return end_job(
        tx,
        approval_id,
        status,
        "",
        {"approved_or_denied_by_id": user_id},
        _jobs.c.id == approval_id,
        _jobs.c.type == "workflow_approval",
        or_(expires.is_(None), expires > tx.now),
        transitions=APPROVAL_TRANSITIONS,
    )
