# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a workflow job template in the store: which edges it takes, and what a copy of it has."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select
from tests.builders import add_token_credential
from tests.workflows import add_approval, add_row, add_runnable, add_workflow, change_node, launch

from playhook.errors import NotFound, Refusal
from playhook.settings import Settings
from playhook.store import job_graphs
from playhook.store import tables as t
from playhook.store.objects import attach, detach, update_row
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx
from playhook.store.workflow_graphs import (
    copy_graph,
    create_approval,
    delete_graph,
    delete_node,
    find_children,
    find_nodes,
    judge_edge,
    lock_graph,
)

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


def test_approvals_that_a_node_is_given_at_once_leave_one(store: Store) -> None:
    """Both requests have read the node before either writes; a node that is gone gets none."""
    workflow = store.write(add_workflow, {"ask": None})
    node_id = _ids(store, workflow)["ask"]

    def approvals() -> list[str]:
        templates = t.unified_job_templates
        with store.reading() as connection:
            wanted = select(templates.c.name).where(templates.c.type == "workflow_approval_template")
            return list(connection.execute(wanted).scalars())

    for name in ("first", "second"):
        store.write(create_approval, node_id, {"name": name}, None)
    assert approvals() == ["second"]
    store.write(delete_node, node_id)
    assert approvals() == []
    with pytest.raises(NotFound):
        store.write(create_approval, node_id, {"name": "third"}, None)
    assert approvals() == []


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


def test_a_graph_that_is_changed_while_it_is_launched_loses_no_edge(
    store: Store, settings: Settings, chain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node without the edges that lead to it would run at once."""
    other = open_store(settings)
    ids = _ids(store, chain)
    copy_edges = job_graphs._copy_edges
    renaming: list[threading.Thread] = []

    def rename(tx: Tx) -> None:
        lock_graph(tx.connection, ids["b"])
        update_row(tx, "workflow_job_template_nodes", ids["b"], {"identifier": "renamed"})

    def rename_first(*arguments: Any) -> None:
        renaming.append(threading.Thread(target=other.write, args=(rename,)))
        renaming[0].start()
        renaming[0].join(0.5)  # without the lock it is done by then
        copy_edges(*arguments)

    monkeypatch.setattr(job_graphs, "_copy_edges", rename_first)
    job_id = store.write(launch, chain)
    renaming[0].join()
    other.close()

    with store.reading() as connection:
        graph = job_graphs.read_graph(connection, job_id)
    assert len(graph.edges) == 2
    assert "renamed" in _ids(store, chain)


def test_a_copy_has_nodes_and_approvals_of_its_own(store: Store) -> None:
    approval = store.write(add_approval, "ask", 60)
    nodes = {"run": store.write(add_runnable, "deploy"), "ask": approval, "empty": None}
    workflow = store.write(add_workflow, nodes, [("run", "ask", "failure")])
    credential = store.write(add_token_credential)
    attached = t.template_node_credentials
    run = store.write(change_node, workflow, "run", limit="web", extra_data={"a": 1})
    store.write(add_row, attached, node_id=run, credential_id=credential)
    copy = store.write(add_row, t.unified_job_templates, type="workflow_job_template", name="copy")
    store.write(copy_graph, workflow, copy, None)
    old, new = _ids(store, workflow), _ids(store, copy)
    with store.reading() as connection:
        assert find_children(connection, [new["run"]])[new["run"]]["failure"] == [new["ask"]]
        assert find_children(connection, [old["run"]])[old["run"]]["failure"] == [old["ask"]]
        own = {node["identifier"]: node["unified_job_template_id"] for node in find_nodes(connection, copy)}
        copied = next(node for node in find_nodes(connection, copy) if node["identifier"] == "run")
        pairs = connection.execute(select(attached.c.node_id, attached.c.credential_id).order_by(attached.c.id)).all()
    assert (copied["limit"], copied["extra_data"]) == ("web", {"a": 1})
    assert [tuple(pair) for pair in pairs] == [(run, credential), (new["run"], credential)]
    assert (own["run"], own["empty"]) == (nodes["run"], None)
    assert own["ask"] != approval
    store.write(delete_graph, copy)
    with store.reading() as connection:
        left = connection.execute(
            select(t.unified_job_templates.c.id).where(t.unified_job_templates.c.type == "workflow_approval_template")
        ).scalars()
        assert list(left) == [approval]
