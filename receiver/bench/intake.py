# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable acknowledgements a second, against the yardstick, interleaved."""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from tests.live import LiveReceiver, free_port

from bench import baseline
from bench.sample import make_template, pull_request_body, sign
from bench.wrk import Load, run_wrk

CONNECTIONS = (1, 16, 64)
Run = Callable[[int, int], Load]


def measure_intake(directory: Path, *, rounds: int, seconds: int, tell: Callable[[str], None]) -> list[str]:
    """Return the table's lines. Fails when what was acknowledged is not in the database."""
    body = pull_request_body()
    loads: dict[tuple[str, int], list[Load]] = {}
    receiver = LiveReceiver(directory / "intake", env={"PLAYHOOK_WORKERS": "0", "PLAYHOOK_LOG_LEVEL": "warning"})
    with receiver, _baseline() as yardstick:
        path, key = make_template(receiver)
        sides: dict[str, Run] = {
            "verify and parse": lambda c, s: run_wrk(
                yardstick, "/hook/", body, sign(baseline.KEY, body), connections=c, seconds=s
            ),
            "Playhook, SQLite": lambda c, s: run_wrk(
                receiver.url, path, body, sign(key, body), connections=c, seconds=s
            ),
        }
        for turn in range(rounds):
            for connections in CONNECTIONS:
                for side, run in sides.items():
                    load = run(connections, seconds)
                    loads.setdefault((side, connections), []).append(load)
                    tell(
                        f"round {turn + 1}: {side}, {connections} connections: {load.rate:.0f}/s, p99 {load.p99:.1f} ms"
                    )
    acknowledged = sum(load.requests for (side, _), each in loads.items() if "Playhook" in side for load in each)
    _check_durable(receiver, acknowledged)
    return [*_table(loads, list(sides)), "", f"{acknowledged} deliveries acknowledged, none missing in the database."]


def _table(loads: dict[tuple[str, int], list[Load]], sides: list[str]) -> list[str]:
    lines = ["| | connections | acknowledged/s | p50 ms | p99 ms | rate : yardstick |", "|---|---|---|---|---|---|"]
    for side in sides:
        for connections in CONNECTIONS:
            runs, yardstick = loads[side, connections], loads[sides[0], connections]
            ratio = statistics.median(a.rate / b.rate for a, b in zip(runs, yardstick, strict=True))
            rate, p50, p99 = (statistics.median(getattr(run, name) for run in runs) for name in ("rate", "p50", "p99"))
            lines.append(f"| {side} | {connections} | {rate:.0f} | {p50:.1f} | {p99:.1f} | {ratio:.2f} |")
    return lines


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
