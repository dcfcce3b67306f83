# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launching what a node runs: a job, a project update, another workflow, or an approval that waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, select, update

from playhook.domain.job import WORKFLOW_TRANSITIONS
from playhook.errors import Conflict
from playhook.store import tables as t
from playhook.store.artifacts import are_kept, give_artifacts, hand_down_artifacts
from playhook.store.claims import end_job
from playhook.store.credentials import ASK
from playhook.store.jobs import create_job
from playhook.store.node_prompts import attach_prompts, merge_credentials, merge_variables, read_prompts
from playhook.store.status_posts import queue_status
from playhook.store.writer import Tx

_nodes: Final = t.workflow_job_nodes
_jobs: Final = t.unified_jobs
_templates: Final = t.unified_job_templates
# AWX's sentences.
_INCOMPLETE: Final = (
    "Job spawned from workflow could not start because it was missing a related resource such as project or inventory"
)
_ASKS_FOR_SECRETS: Final = (
    "Job spawned from workflow could not start because it was not in the right state or required manual credentials"
)
_RECURSION: Final = (
    "Workflow Job spawned from workflow could not start because it would result in recursion "
    "(spawn order, most recent first: {})"
)
_TOO_LARGE: Final = (
    "The artifacts that set_stats made in the nodes before this one are larger than 1 MiB together, so the job was "
    "not started: make them smaller"
)


@dataclass(frozen=True, kw_only=True)
class _Launch:
    """A node that is launched now: rows of it, of its template and of its workflow job, and the artifacts it gets."""

    node: RowMapping
    template: RowMapping
    workflow: RowMapping
    artifacts: Mapping[str, Any]


def launch_node(tx: Tx, workflow: RowMapping, node_id: int) -> None:
    """Store the job of a node, and end it at once where it cannot run. Raises Conflict when the node has one."""
    node = tx.connection.execute(select(_nodes).where(_nodes.c.id == node_id)).mappings().one()
    template = _read_template(tx.connection, node["unified_job_template_id"])
    artifacts = hand_down_artifacts(tx, node)
    kept = artifacts if are_kept(artifacts) else {}
    launch = _Launch(node=node, template=template, workflow=workflow, artifacts=kept)
    job_id = create_job(
        tx,
        dict(template),
        launch_type="workflow",
        overrides={**_OVERRIDES[template["type"]](tx, launch), **_posting(workflow)},
        user_id=workflow["created_by_id"],
        credential_ids=merge_credentials(tx.connection, template, node_id),
    )
    _take(tx, node_id, job_id)
    attach_prompts(tx, template, node_id, job_id)
    if template["type"] == "workflow_job_template":
        give_artifacts(tx, job_id, kept)
    queue_status(tx, job_id, "pending")
    problem = _TOO_LARGE if kept != artifacts else _complain(tx.connection, launch, job_id)
    if problem:
        end_job(tx, job_id, "failed", problem, {}, _jobs.c.id == job_id, transitions=WORKFLOW_TRANSITIONS)


def _read_template(connection: Connection, template_id: int) -> RowMapping:
    return connection.execute(select(_templates).where(_templates.c.id == template_id)).mappings().one()


def _take(tx: Tx, node_id: int, job_id: int) -> None:
    taken = tx.connection.execute(
        update(_nodes)
        .where(_nodes.c.id == node_id, _nodes.c.job_id.is_(None), ~_nodes.c.do_not_run)
        .values(job_id=job_id, modified=tx.now)
    ).rowcount
    if not taken:
        raise Conflict(f"node {node_id} has been launched already")


def _of_job(_tx: Tx, launch: _Launch) -> dict[str, Any]:
    template, node, workflow = launch.template, launch.node, launch.workflow
    return {
        **read_prompts(template, node, workflow),
        **merge_variables(template, node, workflow, launch.artifacts),
        "delivery_id": workflow["delivery_id"],  # where the webhook's variables come from
    }


def _of_update(_tx: Tx, _launch: _Launch) -> dict[str, Any]:
    return {}


def _of_approval(tx: Tx, launch: _Launch) -> dict[str, Any]:
    timeout = launch.template["timeout"]
    expires = tx.now + timedelta(seconds=timeout) if timeout > 0 else None
    return {"started": tx.now, "lock_group": None, "approval_expiration": expires}


_OVERRIDES: Final[Mapping[str, Callable[[Tx, _Launch], dict[str, Any]]]] = {
    "job_template": _of_job,
    "workflow_job_template": _of_job,
    "project": _of_update,
    "workflow_approval_template": _of_approval,
}


def _posting(workflow: RowMapping) -> dict[str, Any]:
    """Return who posts statuses of a node's job: nobody, unless the workflow's template wants one of each node."""
    if (workflow["playhook"] or {}).get("node_statuses"):
        return {
            "delivery_id": workflow["delivery_id"],
            **{name: workflow[name] for name in ("webhook_service", "webhook_credential_id", "webhook_guid")},
        }
    return {"webhook_service": "", "webhook_credential_id": None, "webhook_guid": ""}


def _complain(connection: Connection, launch: _Launch, job_id: int) -> str:
    """Say why a job cannot run, in AWX's words; empty when it can."""
    template, workflow = launch.template, launch.workflow
    if template["type"] == "workflow_job_template":
        around = list(_find_around(connection, workflow))
        if template["id"] in {each["id"] for each in around}:
            order = ", ".join(f"<{each['name']}-{each['id']}>" for each in [template, *around])
            return _RECURSION.format(order)
    if template["type"] == "job_template":
        job = connection.execute(select(_jobs.c.inventory_id, _jobs.c.project_id).where(_jobs.c.id == job_id)).one()
        if job.inventory_id is None or job.project_id is None:
            return _INCOMPLETE
        if _asks_for_secrets(connection, job_id):
            return _ASKS_FOR_SECRETS
    return ""


def _find_around(connection: Connection, workflow: RowMapping) -> Iterator[RowMapping]:
    """Yield the templates of a workflow job and of those it is nested in, the innermost first."""
    job_id: int | None = workflow["id"]
    while job_id is not None:
        found = connection.execute(
            select(_templates.c.id, _templates.c.name)
            .join(_jobs, _jobs.c.unified_job_template_id == _templates.c.id)
            .where(_jobs.c.id == job_id)
        )
        yield from found.mappings()
        job_id = connection.execute(
            select(_nodes.c.workflow_job_id).where(_nodes.c.job_id == job_id)
        ).scalar_one_or_none()


def _asks_for_secrets(connection: Connection, job_id: int) -> bool:
    attached = t.job_credentials
    inputs = connection.execute(
        select(t.credentials.c.inputs)
        .join(attached, attached.c.credential_id == t.credentials.c.id)
        .where(attached.c.job_id == job_id)
    ).scalars()
    return any(ASK in each.values() for each in inputs)
