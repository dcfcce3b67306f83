# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks leave with `set_stats` for the nodes after theirs, merged as AWX merges it.

Only what is not `per_host` is an artifact. The values may come from a payload, so they are never templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, RowMapping, select, update

from playhook.store import tables as t
from playhook.store.tx import Tx

LARGEST: Final = 1024 * 1024
"""Bytes that a job's artifacts may have, and so may all that reach a node together."""
_nodes: Final = t.workflow_job_nodes
_edges: Final = t.workflow_job_node_edges
_jobs: Final = t.unified_jobs


def hand_down_artifacts(tx: Tx, nodes: Sequence[RowMapping]) -> list[tuple[RowMapping, dict[str, Any]]]:
    """Return nodes with the artifacts of all that ran before each, and keep these with the node.

    Where two parents have the same name, the later parent's counts. A node without parents keeps what it was given,
    see `give_artifacts`.
    """
    merged: dict[int, dict[str, Any]] = {}
    parents = tx.connection.execute(
        select(_edges.c.child_id, _nodes.c.ancestor_artifacts, _jobs.c.artifacts)
        .join(_edges, _edges.c.parent_id == _nodes.c.id)
        .join(_jobs, _jobs.c.id == _nodes.c.job_id, isouter=True)
        .where(_edges.c.child_id.in_([node["id"] for node in nodes]))
        .order_by(_nodes.c.id)
    )
    for parent in parents:
        merged.setdefault(parent.child_id, {}).update({**parent.ancestor_artifacts, **(parent.artifacts or {})})
    for node_id, artifacts in merged.items():
        if artifacts and are_kept(artifacts):
            tx.connection.execute(update(_nodes).where(_nodes.c.id == node_id).values(ancestor_artifacts=artifacts))
    return [(node, merged.get(node["id"], dict(node["ancestor_artifacts"]))) for node in nodes]


def give_artifacts(tx: Tx, workflow_job_id: int, artifacts: Mapping[str, Any]) -> None:
    """Give the first nodes of a nested workflow what the workflow around it has gathered."""
    if artifacts:
        first = (_nodes.c.workflow_job_id == workflow_job_id, _nodes.c.id.not_in(select(_edges.c.child_id)))
        tx.connection.execute(update(_nodes).where(*first).values(ancestor_artifacts=dict(artifacts)))


def gather_artifacts(connection: Connection, workflow_job_id: int) -> dict[str, Any]:
    """Return what a workflow that ends leaves for those around it: the artifacts of its jobs, the last to end first."""
    rows = connection.execute(
        select(_jobs.c.artifacts)
        .join(_nodes, _nodes.c.job_id == _jobs.c.id)
        .where(_nodes.c.workflow_job_id == workflow_job_id, _jobs.c.status.in_(("successful", "failed")))
        .order_by(_jobs.c.finished, _jobs.c.id)
    )
    artifacts: dict[str, Any] = {}
    for row in rows:
        artifacts |= row.artifacts
    return artifacts


def are_kept(artifacts: Mapping[str, Any]) -> bool:
    """Say whether artifacts are small enough to be handed on."""
    return len(orjson.dumps(artifacts, default=str)) <= LARGEST
