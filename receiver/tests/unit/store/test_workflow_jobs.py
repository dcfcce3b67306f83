# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow jobs in the store: steps, and what may come between two of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from tests.workflows import (
    DIAMOND,
    Edges,
    add_jobs,
    add_row,
    add_runnable,
    add_workflow,
    change_node,
    end_node_job,
    job_of,
    launch,
    nodes_of,
    run_to_end,
    states_of,
    to_step,
)

from playhook.domain.workflow import NO_ERROR_PATH
from playhook.errors import Conflict
from playhook.settings import Settings
from playhook.store import node_jobs, workflow_jobs
from playhook.store import tables as t
from playhook.store.claims import claim, reap, request_cancel, start
from playhook.store.jobs import create_job
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx
from playhook.store.workflow_jobs import step_workflow

pytestmark = pytest.mark.both_databases


def launch_jobs(store: Store, edges: Edges, **columns: Any) -> int:
    return store.write(launch, store.write(add_jobs, edges, **columns))


def test_a_diamond_runs_to_its_end(store: Store) -> None:
    job_id = launch_jobs(store, DIAMOND)
    assert (job_of(store, job_id).status, states_of(store, job_id)["build"]) == ("pending", "")

    ran = run_to_end(store, job_id)

    job = job_of(store, job_id)
    assert (ran[0], set(ran[1:3]), ran[3:]) == ("build", {"test", "lint"}, ["deploy"])
    assert (job.status, job.failed, job.job_explanation) == ("successful", False, "")
    assert job.started <= job.finished
    assert {node.job.launch_type for node in nodes_of(store, job_id).values()} == {"workflow"}


def test_a_failure_ends_the_workflow_or_takes_its_path(store: Store) -> None:
    plain = launch_jobs(store, DIAMOND)
    ran = run_to_end(store, plain, {"test": "failed", "lint": "failed"})
    handled = launch_jobs(store, (("migrate", "done", "success"), ("migrate", "undo", "failure")), name="other")
    ran_too = run_to_end(store, handled, {"migrate": "failed"})

    assert (set(ran), set(ran_too)) == ({"build", "test", "lint"}, {"migrate", "undo"})
    assert states_of(store, plain)["deploy"] == "skipped"
    assert (job_of(store, plain).status, job_of(store, plain).job_explanation) == ("failed", NO_ERROR_PATH)
    assert (job_of(store, handled).status, states_of(store, handled)["done"]) == ("successful", "skipped")


def test_a_template_that_changes_changes_no_workflow_that_runs(store: Store) -> None:
    job_id = launch_jobs(store, DIAMOND)

    def forget(tx: Tx) -> None:
        tx.connection.execute(delete(t.workflow_job_template_nodes))

    store.write(forget)

    assert len(run_to_end(store, job_id)) == 4


def test_a_node_whose_template_is_deleted_meanwhile_fails_with_a_sentence(store: Store) -> None:
    edges: Edges = (("build", "test", "success"), ("test", "mend", "failure"), ("test", "deploy", "success"))
    workflow_id = store.write(add_jobs, edges)
    job_id = store.write(launch, workflow_id)
    store.write(step_workflow, job_id)

    def forget(tx: Tx) -> None:
        tx.connection.execute(delete(t.unified_job_templates).where(t.unified_job_templates.c.name == "test"))

    store.write(forget)
    ran = run_to_end(store, job_id)

    job = job_of(store, job_id)
    assert ran == ["build", "mend"]
    assert job.status == "successful"
    assert job.job_explanation == "These nodes failed because their template was deleted: test"
    assert states_of(store, job_id) == {"build": "successful", "test": "", "mend": "successful", "deploy": "skipped"}


def test_a_template_that_is_deleted_within_a_step_is_met_at_the_next_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = launch_jobs(store, (("build", "mend", "failure"),))

    def delete_first(tx: Tx, workflow: Any, node_ids: Any) -> None:  # as another process may, on PostgreSQL
        tx.connection.execute(delete(t.unified_job_templates).where(t.unified_job_templates.c.name == "build"))
        node_jobs.launch_nodes(tx, workflow, node_ids)

    monkeypatch.setattr(workflow_jobs, "launch_nodes", delete_first)
    store.write(step_workflow, job_id)

    assert states_of(store, job_id) == {"build": "", "mend": "pending"}


def test_a_launch_of_a_template_that_was_deleted_meanwhile_is_a_conflict(store: Store) -> None:
    workflow_id = store.write(add_jobs, DIAMOND)
    templates = t.unified_job_templates
    with store.reading() as connection:
        row = connection.execute(select(templates).where(templates.c.id == workflow_id)).mappings().one()
    store.write(lambda tx: tx.connection.execute(delete(templates).where(templates.c.id == workflow_id)))

    with pytest.raises(Conflict, match="deleted meanwhile"):
        store.write(create_job, dict(row), launch_type="manual")


def test_a_step_that_fails_in_the_middle_leaves_nothing_of_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = launch_jobs(store, DIAMOND)
    run_first = store.write(step_workflow, job_id)
    end_node_job(store, nodes_of(store, job_id)["build"].job_id or 0)

    def break_after(tx: Tx, workflow: Any, node_ids: Any) -> None:
        node_jobs.launch_nodes(tx, workflow, node_ids[:1])
        raise RuntimeError("the receiver was killed here")

    with monkeypatch.context() as patched:
        patched.setattr(workflow_jobs, "launch_nodes", break_after)
        with pytest.raises(RuntimeError):
            store.write(step_workflow, job_id)

    assert run_first is None
    assert states_of(store, job_id) == {"build": "successful", "test": "", "lint": "", "deploy": ""}
    assert to_step(store) == [job_id], "a sweep finds it"
    assert len(run_to_end(store, job_id)) == 3
    assert count_jobs(store) == 5


def count_jobs(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(t.unified_jobs)).scalar_one())


def test_a_killed_worker_s_job_takes_the_failure_path_and_is_not_run_again(store: Store) -> None:
    job_id = launch_jobs(store, (("build", "mend", "failure"),))
    store.write(step_workflow, job_id)
    build = nodes_of(store, job_id)["build"].job_id or 0
    claimed = store.write(claim, build, "me")
    assert claimed is not None
    store.write(start, claimed)

    store.write(reap, build, 1, "The receiver was killed.")

    assert run_to_end(store, job_id) == ["mend"]
    assert states_of(store, job_id) == {"build": "error", "mend": "successful"}


def test_steppers_at_once_launch_no_node_twice(store: Store, settings: Settings) -> None:
    job_id = launch_jobs(store, tuple(("build", f"job {number}", "always") for number in range(8)))
    others = [open_store(settings) for _ in range(3)]
    failures: list[BaseException] = []

    def step(own: Store) -> None:
        try:
            for _ in range(5):
                own.write(step_workflow, job_id)
        except BaseException as error:  # noqa: BLE001  shown by the assertion
            failures.append(error)

    def step_at_once() -> None:
        threads = [threading.Thread(target=step, args=(own,)) for own in (store, *others)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    step_at_once()
    end_node_job(store, nodes_of(store, job_id)["build"].job_id or 0)
    step_at_once()

    assert failures == []
    assert count_jobs(store) == 1 + 9
    for other in others:
        other.close()


def test_one_job_of_a_workflow_runs_at_a_time_and_in_order(store: Store) -> None:
    alone = store.write(add_jobs, (("build", "test", "success"),))
    first, second, third = (store.write(launch, alone) for _ in range(3))
    free = store.write(add_jobs, (("a", "b", "success"),), name="free", allow_simultaneous=True)
    others = [store.write(launch, free) for _ in range(2)]

    for job_id in (third, second, first, *others):
        store.write(step_workflow, job_id)

    jobs = [job_of(store, each).status for each in (first, second, third, *others)]
    assert jobs == ["running", "pending", "pending", "running", "running"]
    assert to_step(store) == []
    run_to_end(store, first)
    assert to_step(store) == [second, *others]


def test_a_cancel_in_the_middle_ends_once_all_jobs_have(store: Store) -> None:
    job_id = launch_jobs(store, DIAMOND)
    store.write(step_workflow, job_id)
    end_node_job(store, nodes_of(store, job_id)["build"].job_id or 0)
    store.write(step_workflow, job_id)
    test = nodes_of(store, job_id)["test"].job_id or 0
    claimed = store.write(claim, test, "me")
    assert claimed is not None
    store.write(start, claimed)

    assert store.write(request_cancel, job_id)
    store.write(step_workflow, job_id)

    between = states_of(store, job_id)
    assert (job_of(store, job_id).status, job_of(store, test).cancel_requested) == ("running", True)
    assert between == {"build": "successful", "test": "running", "lint": "canceled", "deploy": "skipped"}
    store.write(reap, test, 1, "")
    store.write(step_workflow, job_id)
    job = job_of(store, job_id)
    assert (job.status, job.failed, job.canceled_on) == ("canceled", True, job.finished)
    assert not store.write(request_cancel, job_id)


def test_a_pending_workflow_is_canceled_at_once(store: Store) -> None:
    job_id = launch_jobs(store, DIAMOND)

    store.write(request_cancel, job_id)
    store.write(step_workflow, job_id)

    assert job_of(store, job_id).status == "canceled"
    assert count_jobs(store) == 1


def test_a_canceled_node_is_a_failure_for_the_rest(store: Store) -> None:
    job_id = launch_jobs(store, (("build", "deploy", "success"), ("build", "mend", "failure")))
    store.write(step_workflow, job_id)

    store.write(request_cancel, nodes_of(store, job_id)["build"].job_id or 0)

    assert run_to_end(store, job_id) == ["mend"]
    assert job_of(store, job_id).status == "successful"


@pytest.fixture
def nested(store: Store) -> int:
    def add(tx: Tx) -> int:
        inner = add_workflow(
            tx,
            {"one": add_runnable(tx, "one"), "two": add_runnable(tx, "two")},
            (("one", "two", "success"),),
            name="inner",
        )
        nodes = {"in": inner, "after": add_runnable(tx, "after"), "mend": add_runnable(tx, "mend")}
        return add_workflow(tx, nodes, (("in", "after", "success"), ("in", "mend", "failure")))

    return store.write(launch, store.write(add))


def run_both(store: Store, outer: int, outcome: Mapping[str, Any] | None = None) -> list[str]:
    store.write(step_workflow, outer)
    inner = nodes_of(store, outer)["in"].job_id or 0
    return [*run_to_end(store, inner, outcome), *run_to_end(store, outer, outcome)]


def test_a_nested_workflow_is_a_job_of_its_node(store: Store, nested: int) -> None:
    assert run_both(store, nested) == ["one", "two", "after"]

    inner = nodes_of(store, nested)["in"].job
    assert (inner.type, inner.status, inner.launch_type) == ("workflow_job", "successful", "workflow")
    assert job_of(store, nested).status == "successful"


def test_a_nested_workflow_that_fails_is_a_failed_node(store: Store, nested: int) -> None:
    assert run_both(store, nested, {"one": "failed"}) == ["one", "mend"]

    assert states_of(store, nested) == {"in": "failed", "after": "skipped", "mend": "successful"}


def test_a_cancel_reaches_the_jobs_of_a_nested_workflow(store: Store, nested: int) -> None:
    store.write(step_workflow, nested)
    inner = nodes_of(store, nested)["in"].job_id or 0
    store.write(step_workflow, inner)

    store.write(request_cancel, nested)
    for job_id in (nested, inner, nested):
        store.write(step_workflow, job_id)

    assert [job_of(store, each).status for each in (nested, inner)] == ["canceled", "canceled"]
    assert states_of(store, inner) == {"one": "canceled", "two": "skipped"}


def test_a_workflow_in_itself_is_refused_in_awx_s_words(store: Store) -> None:
    workflow_id = store.write(add_workflow, {"again": None})

    def close_circle(tx: Tx) -> None:
        change_node(tx, workflow_id, "again", unified_job_template_id=workflow_id)

    store.write(close_circle)
    job_id = store.write(launch, workflow_id)
    store.write(step_workflow, job_id)

    inner = nodes_of(store, job_id)["again"].job
    name = f"<release-{workflow_id}>"
    assert (inner.status, job_of(store, job_id).status) == ("failed", "failed")
    assert inner.job_explanation == (
        "Workflow Job spawned from workflow could not start because it would result in recursion "
        f"(spawn order, most recent first: {name}, {name})"
    )


def test_a_job_without_an_inventory_fails_in_awx_s_words(store: Store) -> None:
    def add(tx: Tx) -> int:
        return add_workflow(tx, {"bare": add_runnable(tx, "bare", inventory_id=None)})

    job_id = store.write(launch, store.write(add))
    store.write(step_workflow, job_id)

    job = nodes_of(store, job_id)["bare"].job
    assert (job.status, job_of(store, job_id).status) == ("failed", "failed")
    assert job.job_explanation == (
        "Job spawned from workflow could not start because it was missing a related resource such as project or "
        "inventory"
    )


def test_a_project_update_is_a_node_s_job_too(store: Store) -> None:
    def add(tx: Tx) -> int:
        project = add_row(tx, t.unified_job_templates, type="project", name="site")
        return add_workflow(tx, {"update": project, "run": add_runnable(tx, "run")}, (("update", "run", "success"),))

    job_id = store.write(launch, store.write(add))

    assert run_to_end(store, job_id) == ["site", "run"]
    assert nodes_of(store, job_id)["update"].job.type == "project_update"


def test_two_hundred_nodes_take_less_than_a_second_of_the_scheduler(store: Store) -> None:
    def add(tx: Tx) -> int:
        job = add_runnable(tx, "job")
        names = [f"n{number}" for number in range(200)]
        edges = [(names[at], names[at + step], "always") for at in range(200) for step in (10, 20) if at + step < 200]
        return add_workflow(tx, dict.fromkeys(names, job), edges)

    def succeed(tx: Tx) -> None:
        jobs = t.unified_jobs
        pending = (jobs.c.status == "pending", jobs.c.type == "job")
        tx.connection.execute(update(jobs).where(*pending).values(status="successful"))

    job_id = store.write(launch, store.write(add))
    spent, steps = 0.0, 0
    while job_of(store, job_id).status != "successful":
        clock: list[float] = []
        store.write(count_time, job_id, clock)
        spent, steps = spent + clock[0], steps + 1
        store.write(succeed)

    assert len(nodes_of(store, job_id)) == 200
    assert steps == 21
    print(f"200 nodes: {spent:.2f} s")
    assert spent < 1


def count_time(tx: Tx, job_id: int, clock: list[float]) -> None:
    """Step a workflow, and tell how long the writer's thread was busy with it."""
    began = time.thread_time()
    step_workflow(tx, job_id)
    clock.append(time.thread_time() - began)
