# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable acknowledgements a second, against the yardstick, interleaved."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import requests
from tests.live import LiveReceiver, free_port

from bench import baseline
from bench.sample import make_template, pull_request_body, sign
from bench.section import Run, Table, ratio, spread
from bench.wrk import Load, run_wrk

CONNECTIONS = (1, 16, 64)
Side = Callable[[int, int], Load]


def measure(run: Run) -> list[Table]:
    """Fail when what was acknowledged is not in the database."""
    body = pull_request_body()
    loads: dict[tuple[str, int], list[Load]] = {}
    receiver = LiveReceiver(run.directory / "intake", env={"PLAYHOOK_WORKERS": "0", "PLAYHOOK_LOG_LEVEL": "warning"})
    with receiver, _baseline() as yardstick:
        path, key = make_template(receiver)
        sides: dict[str, Side] = {
            "verify and parse": lambda c, s: run_wrk(
                yardstick, "/hook/", body, sign(baseline.KEY, body), connections=c, seconds=s
            ),
            "Playhook, SQLite": lambda c, s: run_wrk(
                receiver.url, path, body, sign(key, body), connections=c, seconds=s
            ),
        }
        for turn in range(run.rounds):
            for connections in CONNECTIONS:
                for side, send in sides.items():
                    load = send(connections, run.seconds)
                    loads.setdefault((side, connections), []).append(load)
                    run.tell(
                        f"round {turn + 1}: {side}, {connections} connections: {load.rate:.0f}/s, p99 {load.p99:.1f} ms"
                    )
    acknowledged = sum(load.requests for (side, _), each in loads.items() if "Playhook" in side for load in each)
    _check_durable(receiver, acknowledged)
    note = f"{acknowledged} deliveries were acknowledged, and none is missing in the database."
    head = ("", "connections", "acknowledged/s", "p50 ms", "p99 ms", "rate : yardstick")
    title = "A signed delivery of 25 KB, durable (WAL, fsync) when it is answered"
    return [Table(title=title, head=head, rows=_rows(loads, list(sides)), notes=[note])]


def _rows(loads: dict[tuple[str, int], list[Load]], sides: list[str]) -> list[tuple[str, ...]]:
    rows = []
    for side in sides:
        for connections in CONNECTIONS:
            runs, yardstick = loads[side, connections], loads[sides[0], connections]
            compared = ratio([each.rate for each in runs], [each.rate for each in yardstick])
            rate, p50 = spread([each.rate for each in runs]), spread([each.p50 for each in runs], 1)
            p99 = spread([each.p99 for each in runs], 1)
            rows.append((side, str(connections), rate, p50, p99, f"{compared:.2f}"))
    return rows


def _check_durable(receiver: LiveReceiver, acknowledged: int) -> None:
    with contextlib.closing(sqlite3.connect(receiver.home / "playhook.sqlite3")) as database:
        deliveries = database.execute("SELECT count(*) FROM webhook_deliveries WHERE outcome = 'launched'").fetchone()[
            0
        ]
        jobs = database.execute("SELECT count(*) FROM unified_jobs WHERE status = 'pending'").fetchone()[0]
    if not acknowledged <= deliveries == jobs:
        raise RuntimeError(f"{acknowledged} deliveries were acknowledged; {deliveries} are stored, with {jobs} jobs")


@contextlib.contextmanager
def _baseline() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.baseline", str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(url, timeout=2)
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)
