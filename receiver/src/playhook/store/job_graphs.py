# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow job's own graph: copied at its launch, read at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, FromClause, Table, func, insert, literal, select

from playhook.domain.job import ACTIVE
from playhook.domain.workflow import Edge, Graph, Node
from playhook.store import tables as t
from playhook.store.tx import Tx

_nodes: Final = t.workflow_job_nodes
_edges: Final = t.workflow_job_node_edges
_OF_ONE_JOB: Final = {"id", "workflow_job_id", "job_id", "do_not_run", "ancestor_artifacts", "created", "modified"}
_COPIED: Final = tuple(column.name for column in _nodes.columns if column.name not in _OF_ONE_JOB)


@dataclass(frozen=True, kw_only=True)
class _Original:
    """A graph to be copied: its tables, and which nodes are of it. Identifiers tell its nodes apart."""

    nodes: FromClause
    is_of_it: ColumnElement[bool]
    edges: FromClause
    attached: tuple[FromClause, FromClause, FromClause]


def copy_template_graph(tx: Tx, template_id: int, job_id: int) -> None:
    """Give a new workflow job the graph that its template has now.

    The job is stored already, and refers to its template: so nobody gets past `lock_graph` between these statements, to
    rename or delete a node whose edges would then be lost.
    """
    nodes = t.workflow_job_template_nodes
    original = _Original(
        nodes=nodes,
        is_of_it=nodes.c.workflow_job_template_id == template_id,
        edges=t.workflow_job_template_node_edges,
        attached=(t.template_node_credentials, t.template_node_labels, t.template_node_instance_groups),
    )
    _copy(tx, original, job_id)


def copy_job_graph(tx: Tx, old_job_id: int, job_id: int) -> None:
    """Give a new workflow job the graph that another one has; nothing of it has run."""
    nodes = _nodes.alias("old")
    original = _Original(
        nodes=nodes,
        is_of_it=nodes.c.workflow_job_id == old_job_id,
        edges=_edges.alias("old_edges"),
        attached=(
            t.job_node_credentials.alias("old_credentials"),
            t.job_node_labels.alias("old_labels"),
            t.job_node_instance_groups.alias("old_groups"),
        ),
    )
    _copy(tx, original, job_id)


def read_graph(connection: Connection, job_id: int) -> Graph:
    """Read a workflow job's graph, and how its nodes stand."""
    jobs, templates = t.unified_jobs, t.unified_job_templates
    rows = connection.execute(
        select(
            _nodes.c.id,
            func.coalesce(jobs.c.name, templates.c.name, _nodes.c.identifier).label("name"),
            templates.c.id.is_not(None).label("has_template"),
            _nodes.c.all_parents_must_converge,
            _nodes.c.do_not_run,
            jobs.c.status,
        )
        .join(jobs, jobs.c.id == _nodes.c.job_id, isouter=True)
        .join(templates, templates.c.id == _nodes.c.unified_job_template_id, isouter=True)
        .where(_nodes.c.workflow_job_id == job_id)
        .order_by(_nodes.c.id)
    )
    nodes = [Node(**row._mapping) for row in rows]
    edges = connection.execute(
        select(_edges.c.parent_id, _edges.c.child_id, _edges.c.kind)
        .join(_nodes, _nodes.c.id == _edges.c.parent_id)
        .where(_nodes.c.workflow_job_id == job_id)
    )
    return Graph(nodes=nodes, edges=[Edge(parent=row.parent_id, child=row.child_id, kind=row.kind) for row in edges])


def is_of_active_workflow(connection: Connection, job_id: int) -> bool:
    """Say whether a job is a node's of an unfinished workflow: without its job, the node would run again."""
    jobs = t.unified_jobs
    found = connection.execute(
        select(_nodes.c.id)
        .join(jobs, jobs.c.id == _nodes.c.workflow_job_id)
        .where(_nodes.c.job_id == job_id, jobs.c.status.in_(ACTIVE))
    )
    return found.first() is not None


def _copy(tx: Tx, original: _Original, job_id: int) -> None:
    made = {
        "workflow_job_id": job_id,
        "created": tx.now,
        "modified": tx.now,
        "do_not_run": False,
        "ancestor_artifacts": {},
    }
    own = [literal(value, _nodes.c[name].type) for name, value in made.items()]
    rows = select(*(original.nodes.c[name] for name in _COPIED), *own).where(original.is_of_it)
    copied = insert(_nodes).from_select([*_COPIED, *made], rows.order_by(original.nodes.c.id))
    if tx.connection.execute(copied).rowcount:
        _copy_edges(tx, original, job_id)
        _copy_attached(tx, original, job_id)


def _copy_attached(tx: Tx, original: _Original, job_id: int) -> None:
    targets: tuple[tuple[str, Table], ...] = (
        ("credential_id", t.job_node_credentials),
        ("label_id", t.job_node_labels),
        ("instance_group_id", t.job_node_instance_groups),
    )
    for attached, (name, table) in zip(original.attached, targets, strict=True):
        copy = _copies(job_id, "copy")
        rows = (
            select(copy.c.id, attached.c[name])
            .join_from(attached, original.nodes, original.nodes.c.id == attached.c.node_id)
            .join(copy, copy.c.identifier == original.nodes.c.identifier)
            .where(original.is_of_it)
            .order_by(attached.c.id)
        )
        tx.connection.execute(insert(table).from_select(["node_id", name], rows))


def _copy_edges(tx: Tx, original: _Original, job_id: int) -> None:
    parent, child = _copies(job_id, "parent"), _copies(job_id, "child")
    old_child = original.nodes.alias("old_child")
    edges = original.edges
    rows = (
        select(parent.c.id, child.c.id, edges.c.kind)
        .join_from(edges, original.nodes, original.nodes.c.id == edges.c.parent_id)
        .join(old_child, old_child.c.id == edges.c.child_id)
        .join(parent, parent.c.identifier == original.nodes.c.identifier)
        .join(child, child.c.identifier == old_child.c.identifier)
        .where(original.is_of_it)
        .order_by(edges.c.id)
    )
    tx.connection.execute(insert(_edges).from_select(["parent_id", "child_id", "kind"], rows))


def _copies(job_id: int, name: str) -> FromClause:
    return select(_nodes.c.id, _nodes.c.identifier).where(_nodes.c.workflow_job_id == job_id).subquery(name)
