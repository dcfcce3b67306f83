# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals in the store: decided once, by a person or by the time, and the workflow goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update
from tests.workflows import add_approval, add_runnable, add_workflow, job_of, launch, nodes_of, run_to_end, to_step

from playhook.store import tables as t
from playhook.store.claims import request_cancel
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.workflow_approvals import approve, deny
from playhook.store.workflow_jobs import step_workflow

pytestmark = pytest.mark.both_databases


@pytest.fixture
def approval(store: Store) -> tuple[int, int]:
    """A workflow job that waits for an approval of 60 seconds, and that approval."""

    def add(tx: Tx) -> int:
        nodes = {
            "ask": add_approval(tx, "ship it?", 60),
            "ship": add_runnable(tx, "ship"),
            "no": add_runnable(tx, "no"),
        }
        return add_workflow(tx, nodes, (("ask", "ship", "success"), ("ask", "no", "failure")))

    job_id = store.write(launch, store.write(add))
    again = store.write(step_workflow, job_id)
    approval = nodes_of(store, job_id)["ask"].job
    assert again == approval.approval_expiration == approval.created + timedelta(seconds=60)
    assert (approval.type, approval.status, approval.started) == ("workflow_approval", "pending", approval.created)
    return job_id, approval.id


Decision = Callable[[Store, int], object]


@pytest.mark.parametrize(
    ("decide", "status", "ran"),
    [
        (lambda store, each: store.write(approve, each, None), "successful", ["ship"]),
        (lambda store, each: store.write(deny, each, None), "failed", ["no"]),
        (lambda store, each: store.write(request_cancel, each), "canceled", ["no"]),
    ],
)
def test_an_approval_is_decided_once(
    store: Store, approval: tuple[int, int], decide: Decision, status: str, ran: list[str]
) -> None:
    job_id, approval_id = approval

    assert decide(store, approval_id)

    assert job_of(store, approval_id).status == status
    assert not store.write(approve, approval_id, 1)
    assert not store.write(deny, approval_id, 1)
    assert run_to_end(store, job_id) == ran


def test_an_approval_expires(store: Store, approval: tuple[int, int]) -> None:
    job_id, approval_id = approval
    assert (to_step(store, 50), to_step(store, 70)) == ([], [job_id])

    def pass_time(tx: Tx) -> None:
        jobs = t.unified_jobs
        past = tx.now - timedelta(seconds=1)
        tx.connection.execute(update(jobs).where(jobs.c.id == approval_id).values(approval_expiration=past))

    store.write(pass_time)

    assert not store.write(approve, approval_id, 1), "its time is over, whoever looks first"
    assert run_to_end(store, job_id) == ["no"]
    expired = job_of(store, approval_id)
    assert (expired.status, expired.timed_out) == ("failed", True)
    assert expired.job_explanation == f"The approval node ship it? ({approval_id}) has expired after 60 seconds."


def test_a_cancel_of_the_workflow_cancels_what_waits_for_a_person(store: Store, approval: tuple[int, int]) -> None:
    job_id, approval_id = approval

    store.write(request_cancel, job_id)
    store.write(step_workflow, job_id)

    assert (job_of(store, approval_id).status, job_of(store, job_id).status) == ("canceled", "canceled")
