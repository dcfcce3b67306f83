# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launching what a node runs: a job, a project update, another workflow, or an approval that waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from sqlalchemy import Connection, RowMapping, select, update

from playhook.domain.job import WORKFLOW_TRANSITIONS
from playhook.errors import Conflict
from playhook.store import tables as t
from playhook.store.artifacts import are_kept, give_artifacts, hand_down_artifacts
from playhook.store.claims import end_job
from playhook.store.credentials import ASK
from playhook.store.jobs import POSTS_NOTHING, NewJob, create_jobs
from playhook.store.node_prompts import attach_prompts, merge_credentials, merge_variables, read_prompts
from playhook.store.status_posts import queue_status
from playhook.store.tx import Tx

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
    """A node that is launched now: rows of it, of its template and of its workflow job, and the artifacts it gets.

    `refused` says that the artifacts are too large to be given.
    """

    node: RowMapping
    template: RowMapping
    workflow: RowMapping
    artifacts: Mapping[str, Any]
    refused: bool


def launch_nodes(tx: Tx, workflow: RowMapping, node_ids: Sequence[int]) -> None:
    """Store the jobs of nodes, and end at once those that cannot run. Raises Conflict when a node has a job already.

    A node whose template is deleted meanwhile is left for the next look at the graph.
    """
    if not node_ids:
        return
    launches = _read(tx, workflow, node_ids)
    posting = _posting(workflow)
    jobs = [_make_job(tx, launch, posting) for launch in launches]
    ids = create_jobs(tx, jobs)
    for launch, job_id in zip(launches, ids, strict=True):
        _take(tx, launch.node["id"], job_id)
        attach_prompts(tx, launch.template, launch.node["id"], job_id)
        if launch.template["type"] == "workflow_job_template":
            give_artifacts(tx, job_id, launch.artifacts)
        if posting["webhook_credential_id"] is not None:
            queue_status(tx, job_id, "pending")
    asking = _find_asking(tx.connection, ids)
    for launch, job, job_id in zip(launches, jobs, ids, strict=True):
        problem = _TOO_LARGE if launch.refused else _ASKS_FOR_SECRETS if job_id in asking else ""
        if problem := problem or _complain(tx.connection, launch, job.overrides):
            end_job(tx, job_id, "failed", problem, {}, _jobs.c.id == job_id, transitions=WORKFLOW_TRANSITIONS)


def _read(tx: Tx, workflow: RowMapping, node_ids: Sequence[int]) -> list[_Launch]:
    nodes = (
        tx.connection.execute(select(_nodes).where(_nodes.c.id.in_(node_ids)).order_by(_nodes.c.id)).mappings().all()
    )
    of_templates = {node["unified_job_template_id"] for node in nodes}
    locked = select(_templates).where(_templates.c.id.in_(of_templates)).with_for_update(read=True, key_share=True)
    templates = {row["id"]: row for row in tx.connection.execute(locked).mappings()}
    launches = []
    for node, artifacts in hand_down_artifacts(tx, nodes):
        kept = artifacts if are_kept(artifacts) else {}
        template = templates.get(node["unified_job_template_id"])
        if template is None:
            continue
        launches.append(
            _Launch(node=node, template=template, workflow=workflow, artifacts=kept, refused=kept != artifacts)
        )
    return launches


def _make_job(tx: Tx, launch: _Launch, posting: Mapping[str, Any]) -> NewJob:
    template = launch.template
    return NewJob(
        template=cast("Mapping[str, Any]", template),
        launch_type="workflow",
        overrides={**_OVERRIDES[template["type"]](tx, launch), **posting},
        user_id=launch.workflow["created_by_id"],
        credential_ids=merge_credentials(tx.connection, template, launch.node["id"]),
    )


def _take(tx: Tx, node_id: int, job_id: int) -> None:
    taken = tx.connection.execute(
        update(_nodes)
        .where(_nodes.c.id == node_id, _nodes.c.job_id.is_(None), ~_nodes.c.do_not_run)
        .values(job_id=job_id, modified=tx.now)
    ).rowcount
    if not taken:
        raise Conflict(f"node {node_id} has been launched already")


def _of_job(tx: Tx, launch: _Launch) -> dict[str, Any]:
    template, node, workflow = launch.template, launch.node, launch.workflow
    return {
        **read_prompts(template, node, workflow),
        **merge_variables(tx.cipher, template, node, workflow, launch.artifacts),
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


def _posting(workflow: RowMapping) -> Mapping[str, Any]:
    """Return who posts statuses of a node's job: nobody, unless the workflow's template wants one of each node."""
    if (workflow["playhook"] or {}).get("node_statuses"):
        return {
            "delivery_id": workflow["delivery_id"],
            **{name: workflow[name] for name in POSTS_NOTHING},
        }
    return POSTS_NOTHING


def _complain(connection: Connection, launch: _Launch, overrides: Mapping[str, Any]) -> str:
    """Say why a job cannot run, in AWX's words; empty when it can."""
    template = launch.template
    if template["type"] == "workflow_job_template":
        around = list(_find_around(connection, launch.workflow))
        if template["id"] in {each["id"] for each in around}:
            order = ", ".join(f"<{each['name']}-{each['id']}>" for each in [template, *around])
            return _RECURSION.format(order)
    needed = (overrides.get("inventory_id", template["inventory_id"]), template["project_id"])
    return _INCOMPLETE if template["type"] == "job_template" and None in needed else ""


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


def _find_asking(connection: Connection, job_ids: Sequence[int]) -> set[int]:
    """Return the jobs with a credential that wants to be asked for a secret."""
    attached = t.job_credentials
    rows = connection.execute(
        select(attached.c.job_id, t.credentials.c.inputs)
        .join(t.credentials, t.credentials.c.id == attached.c.credential_id)
        .where(attached.c.job_id.in_(job_ids))
    )
    return {row.job_id for row in rows if ASK in row.inputs.values()}
