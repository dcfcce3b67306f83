# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dispatch between machines: who hears a bell, what becomes of rings that nobody heard, and of those that were lost."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.manager import JobManager
from pydantic import SecretStr
from tests.integration.worker.conftest import wait_for
from tests.postgres import PostgresServer

from playhook.dispatch import bells
from playhook.dispatch.distributed import DistributedDispatch
from playhook.dispatch.engine_schema import check_engine, migrate_engine
from playhook.errors import SettingsError
from playhook.store.store import Store
from playhook.store.workers import Worker, register_worker

pytestmark = pytest.mark.postgresql_only


@pytest.fixture
def url(database_url: SecretStr) -> str:
    return database_url.get_secret_value()


@pytest.fixture
def web(url: str) -> Iterator[DistributedDispatch]:
    made = DistributedDispatch(url, placed=["work"])
    yield made
    made.close()


@pytest.fixture
def machines(url: str) -> Iterator[list[DistributedDispatch]]:
    """Two that serve different instance groups."""
    made = [DistributedDispatch(url, queues=queues, placed=["work"]) for queues in ("a", "b")]
    yield made
    for each in made:
        each.stop("work")
        each.close()


def enter(store: Store, queues: str) -> None:
    worker = Worker(name=queues, home_id=queues, hostname="node", version="1.0", capacity=1, queues=queues)
    store.write(register_worker, worker, timedelta(minutes=5))


def count_rings(url: str) -> int:
    with psycopg.connect(url) as connection:
        return int((connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() or (0,))[0])


def test_a_placed_task_is_rung_once_for_each_set_of_groups(
    url: str, store: Store, web: DistributedDispatch, machines: list[DistributedDispatch]
) -> None:
    heard: queue.Queue[tuple[str, int]] = queue.Queue()
    for name, machine in zip("ab", machines, strict=True):
        enter(store, name)
        machine.register("work", lambda key, name=name: heard.put((name, key)))  # type: ignore[misc]

    web.defer("work", 5)

    assert sorted([heard.get(timeout=60), heard.get(timeout=30)]) == [("a", 0), ("b", 0)]
    wait_for(lambda: count_rings(url) == 0, 60)


def test_rings_do_not_pile_up_while_nobody_hears_them(url: str, store: Store, web: DistributedDispatch) -> None:
    enter(store, "a")
    for number in range(50):
        web.defer("work", number)
        web.defer("other", number % 2)
    wait_for(lambda: count_rings(url) == 3, 60)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the engine found whenever it looked for work; it does so only when it is told that there is some."""
    run_worker, fetch = App.run_worker_async, JobManager.fetch_job
    found: list[object] = []

    async def watched(self: JobManager, **options: Any) -> Any:
        found.append(await fetch(self, **options))
        return found[-1]

    monkeypatch.setattr(JobManager, "fetch_job", watched)
    monkeypatch.setattr(
        App, "run_worker_async", lambda self, **options: run_worker(self, **options, fetch_job_polling_interval=1000)
    )
    return found


def test_what_is_rung_before_a_machine_listens_is_heard(
    url: str, web: DistributedDispatch, looks: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: queue.Queue[int] = queue.Queue()
    listen, go = PsycopgConnector.listen_notify, threading.Event()

    async def listen_late(self: PsycopgConnector, *arguments: Any) -> None:
        await asyncio.to_thread(go.wait, 60)
        await listen(self, *arguments)

    monkeypatch.setattr(PsycopgConnector, "listen_notify", listen_late)
    web.register("chore", heard.put)
    wait_for(lambda: looks == [None], 60)
    web.defer("chore", 7)
    wait_for(lambda: count_rings(url) == 1, 60)
    go.set()

    assert heard.get(timeout=60) == 7
    web.stop("chore")


def test_a_ring_is_heard_while_the_database_takes_its_time(
    web: DistributedDispatch, looks: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ring comes while the engine waits for an answer that does not have it yet."""
    heard: queue.Queue[int] = queue.Queue()
    fetch, slow = JobManager.fetch_job, threading.Event()

    async def answer_late(self: JobManager, **options: Any) -> Any:
        job = await fetch(self, **options)
        if job is None and slow.is_set():
            slow.clear()
            web.defer("chore", 7)
            await asyncio.sleep(0.2)
        return job

    monkeypatch.setattr(JobManager, "fetch_job", answer_late)
    web.register("chore", heard.put)
    wait_for(lambda: len(looks) >= 3, 60)  # it listens, and is at rest
    slow.set()
    web.defer("chore", 1)

    assert {heard.get(timeout=60), heard.get(timeout=60)} == {1, 7}
    web.stop("chore")


def test_whoever_has_a_hand_free_hears_the_ring(url: str, web: DistributedDispatch) -> None:
    machines = [DistributedDispatch(url) for _ in range(2)]
    heard: queue.Queue[str] = queue.Queue()
    go = threading.Event()

    def work(name: str) -> None:
        heard.put(name)
        go.wait(60)

    for name, machine in zip("ab", machines, strict=True):
        machine.register("chore", lambda _key, name=name: work(name))  # type: ignore[misc]
    web.defer("chore", 1)
    first = heard.get(timeout=60)
    web.defer("chore", 2)
    second = heard.get(timeout=60)
    go.set()
    for machine in machines:
        machine.stop("chore")
        machine.close()

    assert {first, second} == {"a", "b"}


def test_a_database_that_was_away_is_heard_again(url: str, web: DistributedDispatch, postgres: PostgresServer) -> None:
    heard: queue.Queue[int] = queue.Queue()
    web.register("chore", heard.put, every=1.0)
    assert heard.get(timeout=60) == 0

    postgres.stop("fast")
    postgres.start()

    def hears_a_sweep() -> bool:
        return heard.get(timeout=60) == 0

    def hears(key: int) -> bool:
        web.defer("chore", key)  # one that is rung while the database is still away is lost
        with suppress(queue.Empty):
            return heard.get(timeout=1) == key
        return False

    assert hears_a_sweep()
    wait_for(lambda: hears(7), 60)
    web.stop("chore")


def test_what_a_killed_process_had_heard_is_forgotten(url: str, web: DistributedDispatch) -> None:
    web.defer("chore", 1)
    wait_for(lambda: count_rings(url) == 1, 60)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)"
        )

    web._call(bells.forget_lost(web._pool))

    assert count_rings(url) == 0


def test_the_engines_schema_is_checked(postgres: PostgresServer) -> None:
    url = postgres.make_empty()
    try:
        with pytest.raises(SettingsError, match=r"schema none of the dispatch engine .* run 'playhook migrate'"):
            check_engine(url)
        migrate_engine(url)
        migrate_engine(url)
        check_engine(url)
        with psycopg.connect(url) as connection:
            connection.execute("COMMENT ON TABLE procrastinate_jobs IS 'playhook, procrastinate schema 99.00.00_01'")
        with pytest.raises(SettingsError, match="schema 99"):
            check_engine(url)
        with pytest.raises(SettingsError, match="made by a newer one: upgrade this playhook"):
            migrate_engine(url)
    finally:
        postgres.drop(url)


def test_an_older_engines_schema_is_upgraded(postgres: PostgresServer) -> None:
    url = postgres.make_empty()
    before = "03.03.00_01_pre_priority_lock_fetch_job"
    try:
        migrate_engine(url)
        with psycopg.connect(url) as connection:  # take away what the later migrations add
            connection.execute("DROP FUNCTION procrastinate_retry_job_v2")
            connection.execute("ALTER TYPE procrastinate_job_event_type RENAME VALUE 'retried' TO 'before'")
            comment = f"COMMENT ON TABLE procrastinate_jobs IS 'playhook, procrastinate schema {before}'"
            connection.execute(comment.encode())
        migrate_engine(url)
        check_engine(url)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regproc('procrastinate_retry_job_v2')").fetchone() != (None,)
    finally:
        postgres.drop(url)


def test_tables_of_another_application_are_left_alone(postgres: PostgresServer) -> None:
    url = postgres.make_empty()
    try:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE procrastinate_jobs (id int)")
        for function in (check_engine, migrate_engine):
            with pytest.raises(SettingsError, match="another application made"):
                function(url)
    finally:
        postgres.drop(url)
