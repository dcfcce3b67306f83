# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow jobs move in steps, each one transaction: it reads how the nodes stand, launches what may run now, marks
what can no longer run, and ends the workflow when nothing is left.

A step may be taken by any process and at any time; where nothing has changed it does nothing. So a receiver that is
killed between two steps loses nothing, and two machines that step at once launch no node twice: the job's row is
locked, and a node takes a job only while it has none.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from playhook.domain.job import ACTIVE, WORKFLOW_TRANSITIONS
from playhook.domain.workflow import Result, Steps, count_jobs, next_steps
from playhook.errors import NotFound
from playhook.store import tables as t
from playhook.store.artifacts import are_kept, gather_artifacts
from playhook.store.claims import end_job, find_startable_workflows, request_cancel, start_workflow
from playhook.store.job_graphs import copy_job_graph, read_graph
from playhook.store.jobs import posting_again
from playhook.store.node_jobs import launch_nodes
from playhook.store.objects import copy_children
from playhook.store.status_posts import queue_status
from playhook.store.tx import Tx
from playhook.store.workflow_approvals import expire_approvals, find_next_expiration

_jobs: Final = t.unified_jobs
_nodes: Final = t.workflow_job_nodes
_TOO_LARGE: Final = (
    "The artifacts that set_stats made in its jobs are larger than 1 MiB together, so what runs after this workflow "
    "gets none of them: make them smaller"
)
_RELAUNCHED: Final = (
    "type", "name", "description", "unified_job_template_id", "organization_id", "inventory_id", "scm_branch", "limit",
    "extra_vars", "survey_passwords", "job_tags", "skip_tags", "allow_simultaneous", "delivery_id",
)  # fmt: skip


def step_workflow(tx: Tx, job_id: int) -> datetime | None:
    """Do all that a workflow job can do now. Returns when to look again though nothing rings, None for never."""
    workflow = _lock(tx.connection, job_id)
    if workflow is None or (workflow["status"] == "pending" and not start_workflow(tx, job_id)):
        return None
    expire_approvals(tx, job_id)
    cancel = bool(workflow["cancel_requested"])
    if cancel:
        _cancel_jobs(tx, job_id)
    while True:
        graph = read_graph(tx.connection, job_id)
        steps = next_steps(graph, cancel=cancel)
        _mark(tx, steps)
        launch_nodes(tx, workflow, steps.launch)
        if steps.launch or steps.do_not_run:
            continue  # what was launched may have ended at once
        if steps.result is None:
            return find_next_expiration(tx.connection, job_id)
        _end(tx, workflow, steps.result, count_jobs(graph.nodes))
        return None


def find_workflows_to_step(connection: Connection, now: datetime) -> list[int]:
    """Return the workflow jobs that have something to do, whoever should have rung; for a sweep."""
    running = connection.execute(
        select(_jobs.c.id, _jobs.c.cancel_requested)
        .where(_jobs.c.type == "workflow_job", _jobs.c.status == "running")
        .order_by(_jobs.c.id)
    ).all()
    found = find_startable_workflows(connection)
    for job_id, cancel in running:
        expires = find_next_expiration(connection, job_id)
        overdue = expires is not None and expires <= now
        if overdue or cancel or next_steps(read_graph(connection, job_id)) != Steps():
            found.append(job_id)
    return found


def relaunch_workflow(tx: Tx, job_id: int, user_id: int | None) -> int:
    """Launch a workflow job again, with its graph and its prompts; returns the new job's id. Raises NotFound."""
    row = tx.connection.execute(select(_jobs).where(_jobs.c.id == job_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no workflow job {job_id}.")
    template_id = row["unified_job_template_id"]
    alone = template_id is not None and not row["allow_simultaneous"]
    values: dict[str, Any] = {
        **{name: row[name] for name in _RELAUNCHED},
        **posting_again(row),
        "launch_type": "relaunch",
        "status": "pending",
        "lock_group": f"workflow_job_template:{template_id}" if alone else None,
        "created": tx.now,
        "modified": tx.now,
        "created_by_id": user_id,
        "modified_by_id": user_id,
    }
    new_id = int(tx.connection.execute(insert(_jobs).values(values).returning(_jobs.c.id)).scalar_one())
    for attached in ("job_labels", "job_credentials", "job_instance_groups"):
        copy_children(tx, attached, "job_id", job_id, new_id)
    copy_job_graph(tx, job_id, new_id)
    queue_status(tx, new_id, "pending")
    tx.defer("step_workflow", new_id)
    return new_id


def _lock(connection: Connection, job_id: int) -> RowMapping | None:
    """Read an unfinished workflow job with its template's options, and let no other transaction step it."""
    templates = t.unified_job_templates
    found = connection.execute(
        select(_jobs, templates.c.playhook)
        .join(templates, templates.c.id == _jobs.c.unified_job_template_id, isouter=True)
        .where(_jobs.c.id == job_id, _jobs.c.type == "workflow_job", _jobs.c.status.in_(("pending", "running")))
        .with_for_update(of=_jobs)
    )
    return found.mappings().one_or_none()


def _mark(tx: Tx, steps: Steps) -> None:
    if steps.do_not_run:
        tx.connection.execute(
            update(_nodes).where(_nodes.c.id.in_(steps.do_not_run)).values(do_not_run=True, modified=tx.now)
        )


def _cancel_jobs(tx: Tx, job_id: int) -> None:
    """Cancel what the nodes have launched and has not ended."""
    active = tx.connection.execute(
        select(_jobs.c.id)
        .join(_nodes, _nodes.c.job_id == _jobs.c.id)
        .where(_nodes.c.workflow_job_id == job_id, _jobs.c.status.in_(ACTIVE), ~_jobs.c.cancel_requested)
        .order_by(_jobs.c.id)
    ).scalars()
    for each in active.all():
        request_cancel(tx, each)


def _end(tx: Tx, workflow: RowMapping, result: Result, told: str) -> None:
    gathered = gather_artifacts(tx.connection, workflow["id"])
    kept = gathered if are_kept(gathered) else {}
    sentences = [result.explanation, "" if kept == gathered else _TOO_LARGE]
    end_job(
        tx,
        workflow["id"],
        result.status,
        ". ".join(filter(None, sentences)),
        {"artifacts": kept},
        _jobs.c.id == workflow["id"],
        transitions=WORKFLOW_TRANSITIONS,
        told=told,
    )
    if workflow["lock_group"] is not None:
        for job_id in find_startable_workflows(tx.connection, workflow["lock_group"]):
            tx.defer("step_workflow", job_id)
