# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a workflow job template: its nodes, the edges between them, and the approvals that only it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Integer, Table, delete, insert, literal, select, update

from playhook.errors import NotFound, Refusal
from playhook.store import tables as t
from playhook.store.bulk import take_ids
from playhook.store.collections import Row
from playhook.store.objects import copy_row, delete_row, find_rows, insert_row
from playhook.store.tx import Tx

KINDS: Final = ("success", "failure", "always")
APPROVAL: Final = "workflow_approval_template"
_nodes: Final = t.workflow_job_template_nodes
_edges: Final = t.workflow_job_template_node_edges
_NODES: Final = frozenset({"node_id", "parent_id", "child_id"})
# What nodes have in other tables, with the column of the node that it belongs to.
_PAIRS: Final = (
    (t.template_node_credentials, "node_id"),
    (t.template_node_labels, "node_id"),
    (t.template_node_instance_groups, "node_id"),
    (_edges, "parent_id"),
)


def find_nodes(connection: Connection, template_id: int) -> list[Row]:
    """Read a template's nodes, oldest first."""
    rows = connection.execute(
        select(_nodes).where(_nodes.c.workflow_job_template_id == template_id).order_by(_nodes.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def find_children(
    connection: Connection, node_ids: Sequence[int], *, of_jobs: bool = False
) -> dict[int, dict[str, list[int]]]:
    """Return, for each node, its children by the kind of the edge; `of_jobs`: in the copies that jobs have."""
    edges = t.workflow_job_node_edges if of_jobs else _edges
    found: dict[int, dict[str, list[int]]] = defaultdict(lambda: {kind: [] for kind in KINDS})
    if node_ids:
        rows = connection.execute(select(edges).where(edges.c.parent_id.in_(node_ids)).order_by(edges.c.id))
        for row in rows:
            found[row.parent_id][row.kind].append(row.child_id)
    return found


def judge_edge(tx: Tx, pair: Mapping[str, Any]) -> None:
    """Refuse an edge that would close a cycle, leave the workflow, or join two nodes in a second way, as AWX does."""
    parent_id, child_id = pair["parent_id"], pair["child_id"]
    lock_graph(tx.connection, parent_id)
    nodes = find_rows(tx.connection, _nodes.name, [parent_id, child_id])
    if len({node["workflow_job_template_id"] for node in nodes.values()}) > 1:
        raise Refusal(f"Relationship not allowed: node {child_id} belongs to another workflow job template.", "Error")
    joined = select(_edges.c.kind).where(_edges.c.parent_id == parent_id, _edges.c.child_id == child_id)
    kind = tx.connection.execute(joined).scalar_one_or_none()
    if kind is not None and kind != pair["kind"]:
        raise Refusal("Relationship not allowed.", "Error")
    if _leads_to(tx.connection, child_id, parent_id):
        raise Refusal("Cycle detected.", "Error")


def lock_graph(connection: Connection, node_id: int) -> None:
    """Let no other transaction change or launch the graph that a node is of, until this one ends.

    Two edges could close a cycle together; a launch could copy a node and miss the edges that lead to it.
    """
    templates = t.unified_job_templates
    owner = select(_nodes.c.workflow_job_template_id).where(_nodes.c.id == node_id).scalar_subquery()
    connection.execute(select(templates.c.id).where(templates.c.id == owner).with_for_update())


def _leads_to(connection: Connection, node_id: int, other_id: int) -> bool:
    """Say whether a node is the other one, or the other can run after it."""
    reached = select(literal(node_id, Integer).label("id")).cte("reached", recursive=True)
    reached = reached.union(select(_edges.c.child_id).join(reached, reached.c.id == _edges.c.parent_id))
    return connection.execute(select(reached.c.id).where(reached.c.id == other_id)).first() is not None


def create_approval(tx: Tx, node_id: int, values: Mapping[str, Any], user_id: int | None) -> int:
    """Give a node an approval in place of what it ran before, and return the approval's id. Raises NotFound."""
    lock_graph(tx.connection, node_id)
    before = find_rows(tx.connection, _nodes.name, [node_id]).get(node_id)
    if before is None:
        raise NotFound("The node has been deleted.")
    approval_id = insert_row(tx, "unified_job_templates", {"type": APPROVAL, **values}, user_id)
    tx.connection.execute(
        update(_nodes).where(_nodes.c.id == node_id).values(unified_job_template_id=approval_id, modified=tx.now)
    )
    delete_approvals(tx, [before["unified_job_template_id"]])
    return approval_id


def delete_node(tx: Tx, node_id: int) -> None:
    """Delete a node with its edges and its approval."""
    lock_graph(tx.connection, node_id)
    node = find_rows(tx.connection, _nodes.name, [node_id]).get(node_id)
    delete_row(tx, _nodes.name, node_id)
    delete_approvals(tx, [node["unified_job_template_id"]] if node is not None else [])


def delete_approvals(tx: Tx, template_ids: Iterable[int | None]) -> None:
    """Delete those of the templates that are approvals: each belongs to one node alone, and goes with it."""
    templates = t.unified_job_templates
    ids = [each for each in template_ids if each is not None]
    if ids:
        tx.connection.execute(delete(templates).where(templates.c.id.in_(ids), templates.c.type == APPROVAL))


def delete_graph(tx: Tx, template_id: int) -> None:
    """Delete a template's nodes with their edges and approvals."""
    approvals = [node["unified_job_template_id"] for node in find_nodes(tx.connection, template_id)]
    tx.connection.execute(delete(_nodes).where(_nodes.c.workflow_job_template_id == template_id))
    delete_approvals(tx, approvals)


def copy_graph(tx: Tx, template_id: int, copy_id: int, user_id: int | None) -> None:
    """Give a copied template nodes, edges, attachments and approvals like the original's."""
    nodes = find_nodes(tx.connection, template_id)
    approvals = _copy_approvals(tx, [node["unified_job_template_id"] for node in nodes], user_id)
    copies = dict(zip((node["id"] for node in nodes), take_ids(tx.connection, _nodes, len(nodes)), strict=True))
    common = {"workflow_job_template_id": copy_id, "created": tx.now, "modified": tx.now}
    made = [
        {**node, **common, "id": copies[node["id"]], "unified_job_template_id": approvals.get(runs, runs)}
        for node in nodes
        for runs in [node["unified_job_template_id"]]
    ]
    if made:
        tx.connection.execute(insert(_nodes), made)
    for table, owner in _PAIRS:
        _copy_pairs(tx, table, owner, copies)


def _copy_approvals(tx: Tx, template_ids: Iterable[int | None], user_id: int | None) -> dict[int, int]:
    """Copy those of the templates that are approvals; returns the copies' ids by the originals'."""
    rows = find_rows(tx.connection, "unified_job_templates", [each for each in template_ids if each is not None])
    return {
        row_id: copy_row(tx, "unified_job_templates", row_id, {}, user_id)
        for row_id, row in rows.items()
        if row["type"] == APPROVAL
    }


def _copy_pairs(tx: Tx, table: Table, owner: str, copies: Mapping[int, int]) -> None:
    """Copy what copied nodes have in a table, and point it at the copies."""
    rows = tx.connection.execute(select(table).where(table.c[owner].in_(copies)).order_by(table.c.id)).mappings()
    made = [
        {name: copies[value] if name in _NODES else value for name, value in row.items() if name != "id"}
        for row in rows
    ]
    if made:
        tx.connection.execute(insert(table), made)
