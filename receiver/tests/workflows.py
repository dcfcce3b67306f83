# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows that tests need in the store, and a worker that only says how their jobs end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from playhook.domain.job import JobStatus
from playhook.store import tables as t
from playhook.store.claims import Finish, claim, find_next, finish, start
from playhook.store.jobs import create_job
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.workflow_jobs import find_workflows_to_step, step_workflow

Edges = Sequence[tuple[str, str, str]]
DIAMOND: Edges = (
    ("build", "test", "success"), ("build", "lint", "success"),
    ("test", "deploy", "success"), ("lint", "deploy", "success"),
)  # fmt: skip


def add_row(tx: Tx, table: Any, **values: Any) -> int:
    """Add a row with the times that it needs; returns its id."""
    times = {name: tx.now for name in ("created", "modified") if name in table.c}
    return int(tx.connection.execute(insert(table).values(**times, **values).returning(table.c.id)).scalar_one())


def add_runnable(tx: Tx, name: str, **columns: Any) -> int:
    """Add a job template that has all a job needs; jobs of it may run at once."""
    project = add_row(tx, t.unified_job_templates, type="project", name=f"project of {name}")
    inventory = add_row(tx, t.inventories, name=f"inventory of {name}")
    defaults = {"inventory_id": inventory, "project_id": project, "allow_simultaneous": True, "playbook": "site.yml"}
    return add_row(tx, t.unified_job_templates, **{"type": "job_template", "name": name, **defaults, **columns})


def add_approval(tx: Tx, name: str, timeout: int = 0) -> int:
    return add_row(tx, t.unified_job_templates, type="workflow_approval_template", name=name, timeout=timeout)


def add_workflow(
    tx: Tx, nodes: Mapping[str, int | None], edges: Edges = (), name: str = "release", **columns: Any
) -> int:
    """Add a workflow: nodes by identifier with the id of their template, edges of parent, child and kind."""
    workflow_id = add_row(tx, t.unified_job_templates, type="workflow_job_template", name=name, **columns)
    ids = {
        identifier: add_row(
            tx,
            t.workflow_job_template_nodes,
            workflow_job_template_id=workflow_id,
            unified_job_template_id=template_id,
            identifier=identifier,
        )
        for identifier, template_id in nodes.items()
    }
    for parent, child, kind in edges:
        add_row(tx, t.workflow_job_template_node_edges, parent_id=ids[parent], child_id=ids[child], kind=kind)
    return workflow_id


def add_jobs(tx: Tx, edges: Edges, **columns: Any) -> int:
    """Add a workflow whose nodes have a job template each, of the node's name."""
    names = dict.fromkeys(name for edge in edges for name in edge[:2])
    return add_workflow(tx, {name: add_runnable(tx, name) for name in names}, edges, **columns)


def change_node(tx: Tx, workflow_id: int, identifier: str, **columns: Any) -> int:
    """Change a node of a template; returns its id."""
    nodes = t.workflow_job_template_nodes
    return int(
        tx.connection.execute(
            update(nodes)
            .where(nodes.c.workflow_job_template_id == workflow_id, nodes.c.identifier == identifier)
            .values(**{"limit": None, **columns})
            .returning(nodes.c.id)
        ).scalar_one()
    )


def launch(tx: Tx, template_id: int, **overrides: Any) -> int:
    """Launch a template by hand; returns the job's id."""
    row = tx.connection.execute(
        select(t.unified_job_templates).where(t.unified_job_templates.c.id == template_id)
    ).mappings()
    return create_job(tx, dict(row.one()), launch_type="manual", overrides=overrides)


def to_step(store: Store, later: float = 0) -> list[int]:
    """Return which workflow jobs a sweep finds, `later` seconds from now."""
    with store.reading() as connection:
        return find_workflows_to_step(connection, datetime.now(UTC) + timedelta(seconds=later))


@dataclass(frozen=True, kw_only=True)
class NodeNow:
    """A node of a workflow job as it is, with the job that it launched."""

    id: int
    do_not_run: bool
    job_id: int | None
    job: Any
    ancestor_artifacts: Mapping[str, Any]


def job_of(store: Store, job_id: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(t.unified_jobs).where(t.unified_jobs.c.id == job_id)).one()


def nodes_of(store: Store, workflow_job_id: int) -> dict[str, NodeNow]:
    """Return a workflow job's nodes by identifier."""
    nodes = t.workflow_job_nodes
    with store.reading() as connection:
        rows = connection.execute(select(nodes).where(nodes.c.workflow_job_id == workflow_job_id)).all()
    return {
        row.identifier: NodeNow(
            id=row.id,
            do_not_run=row.do_not_run,
            job_id=row.job_id,
            job=None if row.job_id is None else job_of(store, row.job_id),
            ancestor_artifacts=row.ancestor_artifacts,
        )
        for row in rows
    }


def states_of(store: Store, workflow_job_id: int) -> dict[str, str]:
    """Return how each node stands: its job's status, `skipped`, or `` for nothing yet."""
    return {
        identifier: "skipped" if node.do_not_run else node.job.status if node.job is not None else ""
        for identifier, node in nodes_of(store, workflow_job_id).items()
    }


def end_node_job(
    store: Store, job_id: int, status: JobStatus = "successful", artifacts: Mapping[str, Any] | None = None
) -> None:
    """Run a pending job in no time."""
    claimed = store.write(claim, job_id, "me", "node1")
    assert claimed is not None
    assert store.write(start, claimed)
    store.write(finish, claimed, Finish(status=status, artifacts=artifacts or {}))


def run_to_end(store: Store, workflow_job_id: int, outcome: Mapping[str, JobStatus] | None = None) -> list[str]:
    """Step a workflow and run what it launches, a job at a time; `outcome` is by the job's name. Returns the names."""
    ran: list[str] = []
    store.write(step_workflow, workflow_job_id)
    while True:
        with store.reading() as connection:
            job_id = find_next(connection)
        if job_id is None:
            return ran
        name = job_of(store, job_id).name
        end_node_job(store, job_id, (outcome or {}).get(name, "successful"))
        ran.append(name)
        store.write(step_workflow, workflow_job_id)
