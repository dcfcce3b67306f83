# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rings for a workflow's next step. A sweep makes up for a ring that is lost, but only some seconds later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.workflows import add_approval, add_jobs, add_runnable, add_workflow, end_node_job, launch, nodes_of

from playhook.errors import Conflict
from playhook.store.claims import claim, reap, request_cancel, start
from playhook.store.node_jobs import launch_nodes
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.workflow_approvals import approve
from playhook.store.workflow_jobs import _lock, step_workflow

pytestmark = pytest.mark.both_databases


@pytest.fixture
def rung(store: Store) -> list[int]:
    """The workflow jobs for which a step was deferred."""
    keys: list[int] = []
    store.on_defer(lambda _tx, task, key: keys.append(key) if task == "step_workflow" else None)
    return keys


def kill(store: Store, job_id: int) -> None:
    claimed = store.write(claim, job_id, "me")
    assert claimed is not None
    store.write(start, claimed)
    store.write(reap, job_id, claimed.fence, "The receiver was killed.")


@pytest.mark.parametrize(
    "end",
    [end_node_job, kill, lambda store, job_id: store.write(request_cancel, job_id)],
    ids=["its end", "a kill", "a cancel"],
)
def test_the_end_of_a_node_s_job_rings(store: Store, rung: list[int], end: Callable[[Store, int], None]) -> None:
    job_id = store.write(launch, store.write(add_jobs, (("build", "test", "always"),)))
    assert rung == [job_id], "at its launch"
    store.write(step_workflow, job_id)
    rung.clear()

    end(store, nodes_of(store, job_id)["build"].job_id or 0)

    assert rung == [job_id]


def test_an_approval_and_a_nested_workflow_ring_for_what_is_around_them(store: Store, rung: list[int]) -> None:
    def add(tx: Tx) -> int:
        inner = add_workflow(tx, {"ask": add_approval(tx, "ask")}, name="inner")
        return launch(tx, add_workflow(tx, {"in": inner}))

    outer = store.write(add)
    store.write(step_workflow, outer)
    inner = nodes_of(store, outer)["in"].job_id or 0
    store.write(step_workflow, inner)
    rung.clear()

    store.write(approve, nodes_of(store, inner)["ask"].job_id or 0, None)
    assert rung == [inner]
    store.write(step_workflow, inner)
    assert rung == [inner, outer]


def test_a_cancel_and_the_end_of_one_before_it_ring(store: Store, rung: list[int]) -> None:
    workflow_id = store.write(add_workflow, {"ask": store.write(add_approval, "ask")})
    first, second = (store.write(launch, workflow_id) for _ in range(2))
    store.write(step_workflow, first)
    rung.clear()

    store.write(request_cancel, first)
    assert rung == [first]
    store.write(step_workflow, first)
    assert rung[-1] == second, "its turn has come"


def test_a_node_that_has_a_job_takes_no_other(store: Store) -> None:
    """Whatever the graph said when it was read: the statement that gives a node its job has the last word."""
    job_id = store.write(launch, store.write(add_workflow, {"one": store.write(add_runnable, "one")}))
    store.write(step_workflow, job_id)
    node = nodes_of(store, job_id)["one"]

    def launch_again(tx: Tx) -> None:
        workflow = _lock(tx.connection, job_id)
        assert workflow is not None
        launch_nodes(tx, workflow, [node.id])

    with pytest.raises(Conflict, match=f"node {node.id} has been launched already"):
        store.write(launch_again)
    assert nodes_of(store, job_id)["one"].job_id == node.job_id
