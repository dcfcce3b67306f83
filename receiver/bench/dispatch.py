# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several machines on one PostgreSQL: what a claim costs, how soon a queued job starts, and what a long queue changes.

Two machines are two workers on this one, so their jobs sleep: what is measured is the dispatch, not the cores.
"""

from __future__ import annotations

import queue
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, insert, select, update
from tests.acceptance.machines import Machines, wait_for
from tests.postgres import PostgresServer

from bench.bytecode import compile_installed
from bench.jobs import Sender
from bench.sample import pull_request_body
from bench.section import Run, Table, ratio, spread
from bench.wrk import Load
from playhook.dispatch.distributed import DistributedDispatch
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.claims import Finish, claim, find_next, finish, start
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx
from playhook.store.workers import Worker, register_worker
from playhook.worker.loop import TASK

QUEUED = 20_000
_SLEEP, _JOBS, _AT_A_TIME = 5, 8, 2  # seconds, longer than the processor that a job takes, which they share
_GROUPS = {"one worker": "first", "two workers": "both"}


def measure(run: Run) -> list[Table]:
    compile_installed()
    server = PostgresServer(durable=True)
    try:
        return [_measure_claims(run, server), _measure_intake(run, server), _measure_draining(run, server)]
    finally:
        server.remove()


def _measure_claims(run: Run, server: PostgresServer) -> Table:
    """Measure in one process, with the store, the dispatcher and the statements that a worker uses."""
    count = 1000 if run.full else 300
    rows = []
    for queued in (0, QUEUED):
        with _opened(run.directory / f"claims{queued}", server) as (settings, store):
            store.write(_queue, queued)
            claims = _claim_some(store, count if queued else 50)
            starts = _start_some(settings, store, count, behind=bool(queued))
        run.tell(f"{queued} queued: claim p99 {_p99(claims):.1f} ms, start p99 {_p99(starts):.1f} ms")
        rows.append((f"{queued:,}", *_percentiles(claims), *_percentiles(starts)))
    head = ("jobs in the queue", "a claim, p50 ms", "p99 ms", "start, p50 ms", "p99 ms")
    note = (
        "A claim is the search for the oldest job that may run, and its claim, durable. The start is counted from the "
        "commit of the job to its claim by an idle worker; behind a queue, from the end of a job to the claim of the "
        "next."
    )
    return Table(title="Claims on PostgreSQL (fsync)", head=head, rows=rows, notes=[note])


def _claim_some(store: Store, count: int) -> list[float]:
    found = []
    store.write(_queue, count)
    for _ in range(count):
        began = time.perf_counter()
        _claim_next(store)
        found.append((time.perf_counter() - began) * 1000)
    return found


def _claim_next(store: Store) -> Any:
    with store.reading() as connection:
        job_id = find_next(connection)
    return None if job_id is None else store.write(claim, job_id, "bench")


def _start_some(settings: Settings, store: Store, count: int, *, behind: bool) -> list[float]:
    """Return the milliseconds from each ring's cause to the claim that it leads to, on another machine's dispatcher."""
    here, there = (DistributedDispatch(settings.database, placed=[TASK]) for _ in range(2))
    worker = Worker(name="bench", home_id="bench", hostname="bench", version="", capacity=1)
    store.write(register_worker, worker, timedelta(hours=1))
    other = open_store(settings)
    claimed: queue.Queue[tuple[float, Any]] = queue.Queue()

    def take(_key: int) -> None:
        if (taken := _claim_next(other)) is not None:
            claimed.put((time.perf_counter(), taken))

    there.register(TASK, take, concurrency=1)
    time.sleep(1.0)
    try:
        return [_start_one(store, here, claimed, behind=behind) for _ in range(count)]
    finally:
        there.stop(TASK)
        there.close()
        here.close()
        other.close()


def _start_one(
    store: Store, dispatch: DistributedDispatch, claimed: queue.Queue[tuple[float, Any]], *, behind: bool
) -> float:
    time.sleep(random.uniform(0, 0.02))
    if not behind:
        store.write(_queue, 1)
    began = time.perf_counter()
    dispatch.defer(TASK)
    moment, taken = claimed.get(timeout=60)
    store.write(start, taken)
    store.write(finish, taken, Finish(status="successful"))
    return (moment - began) * 1000


def _measure_intake(run: Run, server: PostgresServer) -> Table:
    """Load two receivers in turns: one whose queue is emptied before each turn, one with a long queue."""
    body = pull_request_body()
    loads: dict[str, list[Load]] = {"empty": [], "long": []}
    with ExitStack() as stack:
        sides = {}
        for name in loads:
            machines = stack.enter_context(_machines(run.directory / f"intake-{name}", server))
            sender = Sender(machines.webs[0])
            _occupy(machines, sender)
            store = stack.enter_context(_store_of(machines))
            if name == "long":
                store.write(_queue, QUEUED)
            sides[name] = (sender, store)
        for turn in range(run.rounds + (1 if run.full else 0)):
            for name, (sender, store) in sides.items():
                if name == "empty":
                    store.write(_cancel_queue)
                store.write(_tidy)
                load = sender.load(body, connections=16, seconds=run.seconds)
                if turn:  # the first is for warming up
                    loads[name].append(load)
                run.tell(f"round {turn}: {name} queue, {load.rate:.0f}/s, p99 {load.p99:.1f} ms")
            depth = sides["long"][1].write(_count_queue)
        compared = ratio([each.rate for each in loads["long"]], [each.rate for each in loads["empty"]])
    rows = [
        (label, spread([each.rate for each in loads[name]]), spread([each.p99 for each in loads[name]], 1), share)
        for name, label, share in (
            ("empty", "an empty queue", "1"),
            ("long", f"{QUEUED:,} jobs queued", f"{compared:.2f}"),
        )
    ]
    head = ("PostgreSQL, 16 connections", "acknowledged/s", "p99 ms", "rate")
    note = f"Both with a worker that is busy. In the end {depth:,} jobs were queued."
    return Table(title="Deliveries while jobs are queued", head=head, rows=rows, notes=[note])


def _occupy(machines: Machines, sender: Sender) -> None:
    """Give the one worker a job that lasts, so that it takes no part in what is measured."""
    (machines.root / "projects" / "bench" / "site.yml").write_text(_playbook("command: sleep 3600"))
    job_id, _answered = sender.send()
    wait_for(lambda: machines.webs[0].get(f"jobs/{job_id}/")["status"] == "running")


def _measure_draining(run: Run, server: PostgresServer) -> Table:
    found: dict[str, list[float]] = {side: [] for side in _GROUPS}
    with _machines(run.directory / "draining", server, "first,both", "both") as machines:
        sender = Sender(machines.webs[0])
        for group in _GROUPS.values():
            machines.webs[0].post("instance_groups/", {"name": group})
        _drain(machines, sender, "both")  # so that each worker has its fork server
        (machines.root / "projects" / "bench" / "site.yml").write_text(_playbook(f"command: sleep {_SLEEP}"))
        for turn in range(run.rounds if run.full else 1):
            for side, group in _GROUPS.items():
                found[side].append(_drain(machines, sender, group))
                run.tell(f"round {turn + 1}: {side}, {found[side][-1]:.2f} jobs/s")
    compared = ratio(found["two workers"], found["one worker"])
    rows = [
        ("one worker", spread(found["one worker"], 2), "1"),
        ("two workers", spread(found["two workers"], 2), f"{compared:.2f}"),
    ]
    title = f"{_JOBS} jobs that sleep {_SLEEP} s, {_AT_A_TIME} at a time on each worker"
    return Table(title=title, head=("", "jobs/s", "one = 1"), rows=rows)


def _drain(machines: Machines, sender: Sender, group: str) -> float:
    """Run jobs of an instance group and return how many ended a second."""
    web = machines.webs[0]
    template = web.get("job_templates/", name="bench")["results"][0]["id"]
    for each in web.get(f"job_templates/{template}/instance_groups/")["results"]:
        web.post(f"job_templates/{template}/instance_groups/", {"id": each["id"], "disassociate": True})
    group_id = web.get("instance_groups/", name=group)["results"][0]["id"]
    web.post(f"job_templates/{template}/instance_groups/", {"id": group_id})
    began = time.monotonic()
    for job_id in [sender.send()[0] for _ in range(_JOBS)]:
        sender.wait(job_id)
    return _JOBS / (time.monotonic() - began)


@contextmanager
def _machines(directory: Path, server: PostgresServer, *queues: str) -> Iterator[Machines]:
    """Start one web machine, and a worker for each set of instance groups: without one, a worker that runs one job."""
    url = server.make_migrated()
    machines = Machines(directory, url)
    machines.env |= {"PLAYHOOK_WORKERS": str(_AT_A_TIME) if queues else "1", "PLAYHOOK_WARM_START": "on"}
    machines.env |= {"PLAYHOOK_LOG_LEVEL": "info", "PLAYHOOK_WORKER_LEASE": "15"}
    try:
        machines.add_web()
        for each in queues or ("",):
            machines.add_worker("--queues", each)
        yield machines
    finally:
        machines.stop()


@contextmanager
def _store_of(machines: Machines) -> Iterator[Store]:
    settings = Settings(
        home=machines.root / "bench",
        database_url=SecretStr(machines.database_url),
        secret_key_file=machines.root / "secret_key",
    )
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _opened(home: Path, server: PostgresServer) -> Iterator[tuple[Settings, Store]]:
    home.mkdir()
    settings = Settings(home=home, database_url=SecretStr(server.make_migrated()))
    store = open_store(settings)
    try:
        yield settings, store
    finally:
        store.close()


def _queue(tx: Tx, count: int) -> None:
    """Queue jobs of no template, as they stand in the table."""
    values = {"type": "job", "name": "bench", "launch_type": "manual", "status": "pending"}
    row = {**values, "created": tx.now, "modified": tx.now}
    for begun in range(0, count, 1000):
        tx.connection.execute(insert(t.unified_jobs), [row] * min(1000, count - begun))


def _cancel_queue(tx: Tx) -> None:
    pending = t.unified_jobs.c.status == "pending"
    tx.connection.execute(update(t.unified_jobs).where(pending).values(status="canceled", finished=tx.now))


def _count_queue(tx: Tx) -> int:
    jobs = t.unified_jobs
    return int(tx.connection.execute(select(func.count()).where(jobs.c.status == "pending")).scalar_one())


def _tidy(tx: Tx) -> None:
    """Have the planner know how the tables are filled by now."""
    tx.connection.exec_driver_sql("ANALYZE unified_jobs")


def _playbook(task: str) -> str:
    return f"- hosts: all\n  gather_facts: false\n  tasks:\n    - {task}\n"


def _percentiles(values: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.1f}", f"{_p99(values):.1f}"


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]
