# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable acknowledgements a second, against the yardstick and another program, interleaved."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import func, select
from tests.live import LiveReceiver
from tests.postgres import PostgresServer

from bench import baseline as yardstick
from bench.rivals import WEBHOOK_KEY, WEBHOOK_PATH, baseline, build_slow_fsync, webhook
from bench.sample import make_template, pull_request_body, sign
from bench.section import Run, Table, ratio, spread
from bench.wrk import Load, run_wrk
from playhook.store import tables as t
from playhook.store.engine import make_engine

CONNECTIONS = (1, 16, 64)
_YARDSTICK = "verify and parse, nothing stored"
_WEBHOOK = "`webhook` running /bin/true, nothing stored"
_QUICK_SECONDS = 2
_QUIET, _LOOK, _PATIENCE = 10.0, 0.25, 10.0  # percent of the processors; seconds; seconds


@dataclass(frozen=True, kw_only=True)
class Side:
    """One alternative: a load of so many connections for so many seconds, and the process whose work is counted."""

    load: Callable[[int, int], Load]
    process: psutil.Process | None = None
    connections: tuple[int, ...] = CONNECTIONS


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one turn of a side saw; `work` is the µs of processor time for each answer, where that is counted."""

    load: Load
    work: float | None


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Receivers that share a database, and a job template of theirs."""

    receivers: tuple[LiveReceiver, ...]
    database: str
    path: str
    key: str
    connections: tuple[int, ...]

    def send(self, body: bytes, connections: int, seconds: int) -> Load:
        """Load all receivers at once, each with its share of the connections."""
        signature, each = sign(self.key, body), connections // len(self.receivers)
        with ThreadPoolExecutor(len(self.receivers)) as pool:
            running = [
                pool.submit(run_wrk, one.url, self.path, body, signature, connections=each, seconds=seconds)
                for one in self.receivers
            ]
        return _sum([one.result() for one in running])


def measure(run: Run) -> list[Table]:
    """Fail when what was acknowledged is not in the database."""
    body, seconds = pull_request_body(), run.seconds if run.full else _QUICK_SECONDS
    found: dict[tuple[str, int], list[Measured]] = {}
    with ExitStack() as stack:
        targets = _start_targets(run.directory, stack)
        sides = {**_rivals(run.directory, stack, body), **{name: _side(each, body) for name, each in targets.items()}}
        for turn in range(run.rounds if run.full else 2):
            for connections in CONNECTIONS:
                for name, side in sides.items():
                    if connections in side.connections:
                        _settle()
                        one = _measure_one(side, connections, seconds)
                        found.setdefault((name, connections), []).append(one)
                        run.tell(
                            f"round {turn + 1}: {name}, {connections} connections: {one.load.rate:.0f}/s, "
                            f"p99 {one.load.p99:.1f} ms"
                        )
        acknowledged = _check_durable(targets, found)
    return [_table(found, sides, acknowledged)]


def _settle() -> None:
    """Wait until what the last side left to be done is done: commands still to be run, logs to be written back."""
    deadline = time.monotonic() + _PATIENCE
    os.sync()
    while psutil.cpu_percent(_LOOK) > _QUIET and time.monotonic() < deadline:
        continue


def _start_targets(directory: Path, stack: ExitStack) -> dict[str, _Target]:
    server = PostgresServer(durable=True)
    stack.callback(server.remove)
    slow = {"LD_PRELOAD": str(build_slow_fsync(directory))}
    shared = {"PLAYHOOK_SECRET_KEY_FILE": str(directory / "secret_key")}
    one, two = server.make_migrated(), server.make_migrated()
    return {
        "Playhook, SQLite": _start(directory, stack, "sqlite"),
        "Playhook, PostgreSQL": _start(directory, stack, "postgresql", url=one),
        "Playhook, PostgreSQL, two web processes": _start(
            directory, stack, "two", count=2, url=two, env=shared, connections=(16, 64)
        ),
        "Playhook, SQLite, each fsync 5 ms longer": _start(directory, stack, "slow", env=slow, connections=(16,)),
    }


def _start(
    directory: Path,
    stack: ExitStack,
    name: str,
    *,
    count: int = 1,
    url: str | None = None,
    env: Mapping[str, str] | None = None,
    connections: tuple[int, ...] = CONNECTIONS,
) -> _Target:
    settings = {"PLAYHOOK_WORKERS": "0", "PLAYHOOK_LOG_LEVEL": "warning", **(env or {})}
    if url is not None:
        settings["PLAYHOOK_DATABASE_URL"] = url
    receivers = tuple(
        stack.enter_context(LiveReceiver(directory / f"{name}{number}", env=settings)) for number in range(count)
    )
    path, key = make_template(receivers[0])
    database = url or f"sqlite:///{receivers[0].home / 'playhook.sqlite3'}"
    return _Target(receivers=receivers, database=database, path=path, key=key, connections=connections)


def _side(target: _Target, body: bytes) -> Side:
    process = target.receivers[0].process
    return Side(
        load=lambda connections, seconds: target.send(body, connections, seconds),
        process=psutil.Process(process.pid) if process is not None and len(target.receivers) == 1 else None,
        connections=target.connections,
    )


def _rivals(directory: Path, stack: ExitStack, body: bytes) -> dict[str, Side]:
    bare, other = stack.enter_context(baseline()), stack.enter_context(webhook(directory))
    ours, theirs = sign(yardstick.KEY, body), sign(WEBHOOK_KEY, body)
    return {
        _YARDSTICK: Side(load=lambda c, s: run_wrk(bare, "/hook/", body, ours, connections=c, seconds=s)),
        _WEBHOOK: Side(
            load=lambda c, s: run_wrk(other, WEBHOOK_PATH, body, theirs, connections=c, seconds=s),
            connections=(16, 64),
        ),
    }


def _measure_one(side: Side, connections: int, seconds: int) -> Measured:
    before = _spent(side.process)
    load = side.load(connections, seconds)
    after = _spent(side.process)
    return Measured(load=load, work=None if before is None or after is None else (after - before) / load.requests * 1e6)


def _spent(process: psutil.Process | None) -> float | None:
    if process is None:
        return None
    times = process.cpu_times()
    return float(times.user + times.system)


def _sum(loads: list[Load]) -> Load:
    """Return several loads that ran at once as one; of their percentiles the worst."""
    return Load(
        requests=sum(each.requests for each in loads),
        seconds=max(each.seconds for each in loads),
        p50=max(each.p50 for each in loads),
        p99=max(each.p99 for each in loads),
        refused=0,
        broken=0,
    )


def _table(found: Mapping[tuple[str, int], list[Measured]], sides: Mapping[str, Side], acknowledged: int) -> Table:
    rows = []
    for name, side in sides.items():
        for connections in side.connections:
            loads = [each.load for each in found[name, connections]]
            work = [each.work for each in found[name, connections] if each.work is not None]
            bare = [each.load.rate for each in found[_YARDSTICK, connections]]
            rows.append(
                (
                    name,
                    str(connections),
                    spread([each.rate for each in loads]),
                    spread([each.p50 for each in loads], 1),
                    spread([each.p99 for each in loads], 1),
                    spread(work) if work else "",
                    f"{ratio([each.rate for each in loads], bare):.2f}",
                    _against_webhook(found, name, connections),
                )
            )
    head = ("", "connections", "answers/s", "p50 ms", "p99 ms", "processor µs", "yardstick = 1", "`webhook` = 1")
    note = (
        f"{acknowledged:,} deliveries were acknowledged by Playhook, and none is missing in the databases. wrk and the "
        "databases share the cores with what is measured. Processor µs is the receiver's own work for one delivery."
    )
    title = "A signed delivery of 25 KB; with Playhook, durable (fsync) when it is answered"
    return Table(title=title, head=head, rows=rows, notes=[note])


def _against_webhook(found: Mapping[tuple[str, int], list[Measured]], name: str, connections: int) -> str:
    theirs = found.get((_WEBHOOK, connections))
    if theirs is None:
        return ""
    ours = [each.load.rate for each in found[name, connections]]
    return f"{ratio(ours, [each.load.rate for each in theirs]):.1f}"


def _check_durable(targets: Mapping[str, _Target], found: Mapping[tuple[str, int], list[Measured]]) -> int:
    total = 0
    for name, target in targets.items():
        answered = sum(
            each.load.requests for (side, _connections), all_of in found.items() if side == name for each in all_of
        )
        deliveries, jobs = _count(target.database)
        if not answered <= deliveries == jobs:
            raise RuntimeError(f"{name}: {answered} were acknowledged; {deliveries} are stored, with {jobs} jobs")
        total += answered
    return total


def _count(database: str) -> tuple[int, int]:
    engine = make_engine(database, writes=False)
    try:
        with engine.connect() as connection:
            launched = select(func.count()).where(t.webhook_deliveries.c.outcome == "launched")
            pending = select(func.count()).where(t.unified_jobs.c.status == "pending")
            return connection.execute(launched).scalar_one(), connection.execute(pending).scalar_one()
    finally:
        engine.dispose()
