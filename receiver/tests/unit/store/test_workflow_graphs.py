# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a workflow job template in the store: which edges it takes, and what a copy of it has."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select
from tests.workflows import add_approval, add_row, add_runnable, add_workflow

from playhook.errors import Refusal
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.objects import attach, detach
from playhook.store.store import Store, open_store
from playhook.store.workflow_graphs import copy_graph, delete_graph, find_children, find_nodes, judge_edge
from playhook.store.writer import Tx

pytestmark = pytest.mark.both_databases
EDGES = "workflow_job_template_node_edges"


def _ids(store: Store, workflow_id: int) -> dict[str, int]:
    with store.reading() as connection:
        return {node["identifier"]: node["id"] for node in find_nodes(connection, workflow_id)}


def _join(tx: Tx, parent_id: int, child_id: int, kind: str = "success") -> None:
    pair = {"parent_id": parent_id, "child_id": child_id, "kind": kind}
    judge_edge(tx, pair)
    attach(tx, EDGES, pair)


def _part(tx: Tx, parent_id: int, child_id: int) -> None:
    detach(tx, EDGES, {"parent_id": parent_id, "child_id": child_id})


@pytest.fixture
def chain(store: Store) -> int:
    """A workflow of a, b and c, one after the other."""
    return store.write(add_workflow, dict.fromkeys("abc"), [("a", "b", "success"), ("b", "c", "failure")])


@pytest.mark.parametrize(("parent", "child"), [("c", "a"), ("b", "a"), ("a", "a")])
def test_a_cycle_of_any_length_is_refused(store: Store, chain: int, parent: str, child: str) -> None:
    ids = _ids(store, chain)
    with pytest.raises(Refusal, match="Cycle detected"):
        store.write(_join, ids[parent], ids[child])


def test_a_shortcut_is_no_cycle(store: Store, chain: int) -> None:
    ids = _ids(store, chain)
    store.write(_join, ids["a"], ids["c"], "always")
    with store.reading() as connection:
        assert find_children(connection, [ids["a"]])[ids["a"]]["always"] == [ids["c"]]


def test_two_edges_at_once_close_no_cycle(store: Store, settings: Settings, chain: int) -> None:
    """Two processes, each with an edge that is fine alone."""
    ids = _ids(store, chain)
    store.write(_part, ids["a"], ids["b"])
    other = open_store(settings)
    refused: list[str] = []

    def join(via: Store, parent: str, child: str) -> None:
        try:
            via.write(_join, ids[parent], ids[child])
        except Refusal as error:
            refused.append(str(error))

    threads = [threading.Thread(target=join, args=each) for each in ((store, "a", "b"), (other, "c", "a"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    other.close()
    assert refused == ["Error: Cycle detected."]


def test_a_copy_has_nodes_and_approvals_of_its_own(store: Store) -> None:
    approval = store.write(add_approval, "ask", 60)
    nodes = {"run": store.write(add_runnable, "deploy"), "ask": approval}
    workflow = store.write(add_workflow, nodes, [("run", "ask", "failure")])
    copy = store.write(add_row, t.unified_job_templates, type="workflow_job_template", name="copy")
    store.write(copy_graph, workflow, copy, None)
    old, new = _ids(store, workflow), _ids(store, copy)
    with store.reading() as connection:
        assert find_children(connection, [new["run"]])[new["run"]]["failure"] == [new["ask"]]
        assert find_children(connection, [old["run"]])[old["run"]]["failure"] == [old["ask"]]
        own = {node["identifier"]: node["unified_job_template_id"] for node in find_nodes(connection, copy)}
    assert own["run"] == nodes["run"]
    assert own["ask"] != approval
    store.write(delete_graph, copy)
    with store.reading() as connection:
        left = connection.execute(
            select(t.unified_job_templates.c.id).where(t.unified_job_templates.c.type == "workflow_approval_template")
        ).scalars()
        assert list(left) == [approval]
