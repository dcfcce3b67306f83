# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs which job: each way between two states, and each that is refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from playhook.domain.job import TRANSITIONS, JobStatus
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.claims import (
    Claim,
    ClaimLost,
    Finish,
    claim,
    find_cancel_requests,
    find_next,
    find_orphans,
    finish,
    reap,
    release,
    request_cancel,
    start,
)
from playhook.store.job_events import JobEvent, append_events
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx
from playhook.store.workers import Worker, register_worker, remove_worker

pytestmark = pytest.mark.both_databases

AddJob = Callable[..., int]


@pytest.fixture
def template(store: Store) -> int:
    def add(tx: Tx) -> int:
        values = {"type": "job_template", "name": "deploy", "created": tx.now, "modified": tx.now}
        statement = insert(t.unified_job_templates).values(**values).returning(t.unified_job_templates.c.id)
        return int(tx.connection.execute(statement).scalar_one())

    return store.write(add)


@pytest.fixture
def job(store: Store, template: int) -> AddJob:
    def add(status: JobStatus = "pending", **columns: Any) -> int:
        def insert_job(tx: Tx) -> int:
            values = {
                "type": "job",
                "name": "deploy",
                "launch_type": "webhook",
                "status": status,
                "unified_job_template_id": template,
                "created": tx.now,
                "modified": tx.now,
                **columns,
            }
            return int(
                tx.connection.execute(
                    insert(t.unified_jobs).values(**values).returning(t.unified_jobs.c.id)
                ).scalar_one()
            )

        return store.write(insert_job)

    return add


def row(store: Store, job_id: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(t.unified_jobs).where(t.unified_jobs.c.id == job_id)).one()


def take(store: Store, worker: str = "me") -> Claim | None:
    with store.reading() as connection:
        job_id = find_next(connection)
    return None if job_id is None else store.write(claim, job_id, worker, "node1")


def taken(store: Store, worker: str = "me") -> Claim:
    claimed = take(store, worker)
    assert claimed is not None
    return claimed


def test_the_oldest_pending_job_is_taken(store: Store, job: AddJob) -> None:
    job("successful")
    first, second = job(), job()

    claims = [take(store), take(store), take(store)]

    assert [claimed and claimed.job_id for claimed in claims] == [first, second, None]
    taken_row = row(store, first)
    assert (taken_row.status, taken_row.claimed_by, taken_row.execution_node, taken_row.fence) == (
        "waiting",
        "me",
        "node1",
        1,
    )


def test_only_jobs_that_workers_run_are_taken(store: Store, job: AddJob) -> None:
    job(type="workflow_job")
    job(type="workflow_approval")
    update_id = job(type="project_update")

    claimed = taken(store)

    assert (claimed.job_id, claimed.type) == (update_id, "project_update")
    assert take(store) is None


def test_of_a_lock_group_one_job_runs_at_a_time_and_in_order(store: Store, job: AddJob) -> None:
    first, second = job(lock_group="a"), job(lock_group="a")
    other, free = job(lock_group="b"), job()

    claims = [taken(store) for _ in range(3)]
    assert [claimed.job_id for claimed in claims] == [first, other, free]
    assert take(store) is None
    store.write(start, claims[0])
    assert take(store) is None
    store.write(finish, claims[0], Finish(status="successful"))

    assert taken(store).job_id == second


def test_a_job_is_claimed_once(store: Store, job: AddJob) -> None:
    job_id = job()

    claims = [store.write(claim, job_id, worker) for worker in ("one", "two")]

    assert [claimed and claimed.worker for claimed in claims] == ["one", None]


def test_a_lock_group_that_was_taken_meanwhile_refuses_the_claim(store: Store, job: AddJob) -> None:
    job("running", lock_group="a", claimed_by="other")
    second = job(lock_group="a")

    assert store.write(claim, second, "me") is None


def test_a_job_goes_through_its_states_and_its_template_shows_them(store: Store, job: AddJob, template: int) -> None:
    job_id = job()
    seen = []

    def look() -> None:
        with store.reading() as connection:
            templates = t.unified_job_templates
            seen.append((row(store, job_id).status, connection.execute(select(templates.c.status)).scalar_one()))

    claimed = taken(store)
    look()
    assert store.write(start, claimed, scm_revision="abc") is True
    look()
    store.write(finish, claimed, Finish(status="failed", explanation="It broke.", artifacts={"a": 1}))
    look()

    assert seen == [("waiting", "waiting"), ("running", "running"), ("failed", "failed")]
    ended = row(store, job_id)
    assert (ended.failed, ended.job_explanation, ended.artifacts, ended.scm_revision) == (
        True,
        "It broke.",
        {"a": 1},
        "abc",
    )
    assert ended.started <= ended.finished
    assert ended.elapsed == pytest.approx((ended.finished - ended.started).total_seconds(), abs=0.001)
    with store.reading() as connection:
        shown = connection.execute(select(t.unified_job_templates)).one()
    assert (shown.last_job_id, shown.last_job_failed, shown.last_job_run) == (job_id, True, ended.finished)


def test_an_older_job_that_ends_later_does_not_hide_a_newer_one(store: Store, job: AddJob) -> None:
    job(), job()
    older, newer = taken(store), taken(store)
    store.write(start, older)
    store.write(start, newer)

    store.write(finish, newer, Finish(status="successful"))
    store.write(finish, older, Finish(status="failed"))

    with store.reading() as connection:
        shown = connection.execute(select(t.unified_job_templates)).one()
    assert (shown.status, shown.last_job_id) == ("successful", newer.job_id)


@pytest.mark.parametrize("status", ["successful", "failed", "error", "canceled"])
def test_what_has_ended_stays_as_it_ended(store: Store, job: AddJob, status: JobStatus) -> None:
    job_id = job(status, claimed_by="me", fence=1)
    claimed = Claim(job_id=job_id, type="job", worker="me", fence=1)

    with pytest.raises(ClaimLost):
        store.write(finish, claimed, Finish(status="error"))
    assert store.write(start, claimed) is False
    assert store.write(request_cancel, job_id) is False
    assert store.write(reap, job_id, 1, "gone") is None
    store.write(release, claimed)

    assert row(store, job_id).status == status


@pytest.mark.parametrize("source", ["pending", "waiting", "running"])
@pytest.mark.parametrize("target", ["successful", "failed", "error", "canceled"])
def test_a_claimed_job_ends_only_where_the_state_machine_leads(
    store: Store, job: AddJob, source: JobStatus, target: JobStatus
) -> None:
    job_id = job(source, claimed_by="me", fence=1)

    with suppress(ClaimLost):
        store.write(finish, Claim(job_id=job_id, type="job", worker="me", fence=1), Finish(status=target))

    assert row(store, job_id).status == (target if target in TRANSITIONS[source] else source)


def test_an_old_fence_writes_nothing(store: Store, job: AddJob) -> None:
    job()
    lost = taken(store)
    store.write(reap, lost.job_id, lost.fence, "gone")
    again = taken(store, "another")

    event = JobEvent(counter=1, uuid="u", event="verbose", created=row(store, lost.job_id).created)
    with pytest.raises(ClaimLost):
        store.write(append_events, lost, [event])
    with pytest.raises(ClaimLost):
        store.write(finish, lost, Finish(status="error"))
    assert store.write(start, lost) is False

    assert again.fence > lost.fence
    assert row(store, lost.job_id).status == "waiting"


def test_a_released_job_is_taken_again(store: Store, job: AddJob) -> None:
    job_id = job()
    claimed = taken(store)
    rung: list[tuple[str, int]] = []
    store.on_defer(lambda _tx, task, key: rung.append((task, key)))

    store.write(release, claimed)

    assert row(store, job_id).status == "pending"
    assert rung == [("run_job", job_id)]
    assert taken(store).job_id == job_id


def test_a_cancel_before_the_start_prevents_it(store: Store, job: AddJob) -> None:
    job_id = job()
    claimed = taken(store)

    assert store.write(request_cancel, job_id) is True

    assert store.write(start, claimed) is False
    with store.reading() as connection:
        assert find_cancel_requests(connection, "me") == {job_id}
        assert find_cancel_requests(connection, "other") == set()


@pytest.mark.parametrize(
    ("status", "cancel_requested", "expected"),
    [
        ("waiting", False, "pending"),
        ("waiting", True, "canceled"),
        ("running", False, "error"),
        ("running", True, "error"),
        ("pending", False, None),
    ],
)
def test_orphans_run_again_only_if_they_had_not_started(
    store: Store, job: AddJob, status: JobStatus, cancel_requested: bool, expected: JobStatus | None
) -> None:
    job_id = job(status, claimed_by="gone", fence=3, cancel_requested=cancel_requested)

    assert store.write(reap, job_id, 3, "It was killed.") == expected

    settled = row(store, job_id)
    assert settled.status == (expected or status)
    assert settled.job_explanation == ("It was killed." if expected == "error" else "")


def test_orphans_are_what_nobody_runs(store: Store, job: AddJob) -> None:
    of_earlier = job("running", claimed_by="earlier")
    forgotten = job("running", claimed_by="me")
    mine = job("waiting", claimed_by="me")
    job("pending")
    job("running", type="workflow_job")

    with store.reading() as connection:
        assert find_orphans(connection, "me", [mine]) == [(of_earlier, 0), (forgotten, 0)]


def test_jobs_of_another_live_worker_are_no_orphans(store: Store, job: AddJob) -> None:
    worker = Worker(name="other", home_id="h", hostname="n", version="1", capacity=1)
    store.write(register_worker, worker, timedelta(seconds=60))
    job("running", claimed_by="other")

    with store.reading() as connection:
        assert find_orphans(connection, "me") == []
    store.write(remove_worker, "other")
    with store.reading() as connection:
        assert len(find_orphans(connection, "me")) == 1


def test_a_job_that_was_claimed_anew_is_no_orphan_any_more(store: Store, job: AddJob) -> None:
    job_id = job("waiting", claimed_by="gone", fence=3)

    assert store.write(reap, job_id, 3, "gone") == "pending"
    again = taken(store, "another")
    assert store.write(reap, job_id, 3, "gone") is None

    assert (row(store, job_id).claimed_by, row(store, job_id).fence) == ("another", again.fence)


@pytest.mark.postgresql_only
def test_two_machines_never_take_one_lock_group(store: Store, settings: Settings, job: AddJob) -> None:
    other = open_store(settings)
    try:
        with ThreadPoolExecutor(2) as threads:
            for number in range(25):
                ids = [job(lock_group=f"g{number}") for _ in range(2)]
                begin = Barrier(2)

                def race(machine: Store, job_id: int, begin: Barrier = begin) -> Claim | None:
                    begin.wait(60)
                    with suppress(ClaimLost):
                        return machine.write(claim, job_id, "me")
                    return None

                claims = list(threads.map(race, [store, other], ids))
                assert [each is None for each in claims].count(True) == 1
    finally:
        other.close()


def test_a_status_post_is_queued_when_a_webhook_job_starts_and_ends(store: Store, job: AddJob) -> None:
    def add_target(tx: Tx) -> None:
        kind = insert(t.credential_types).values(
            name="T", kind="token", inputs={}, injectors={}, created=tx.now, modified=tx.now
        )
        kind_id = tx.connection.execute(kind.returning(t.credential_types.c.id)).scalar_one()
        credential = insert(t.credentials).values(
            name="c", credential_type_id=kind_id, inputs={}, created=tx.now, modified=tx.now
        )
        credential_id = tx.connection.execute(credential.returning(t.credentials.c.id)).scalar_one()
        delivery = insert(t.webhook_deliveries).values(
            service="github",
            outcome="launched",
            response_status=202,
            received=tx.now,
            event={"status_target": {"repository": "a/b", "sha": "0" * 40, "origin": None}},
        )
        delivery_id = tx.connection.execute(delivery.returning(t.webhook_deliveries.c.id)).scalar_one()
        columns = {"delivery_id": delivery_id, "webhook_credential_id": credential_id, "webhook_service": "github"}
        tx.connection.execute(update(t.unified_jobs).values(**columns))

    job()
    store.write(add_target)
    claimed = taken(store)
    store.write(start, claimed)
    store.write(finish, claimed, Finish(status="error", explanation="It could not."))

    with store.reading() as connection:
        posts = connection.execute(select(t.status_posts.c.status, t.status_posts.c.description)).all()
    assert [tuple(post) for post in posts] == [("running", "The job is running."), ("error", "It could not.")]
