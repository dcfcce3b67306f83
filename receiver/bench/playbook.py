# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the delivery to the end of a one-task playbook, against bare `ansible-playbook`, interleaved."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import requests
from tests.live import LiveReceiver

from bench.sample import make_template, pull_request_body, sign, write_playbook


def measure_playbook(directory: Path, *, rounds: int, tell: Callable[[str], None]) -> list[str]:
    """Return the table's lines."""
    bare_dir = directory / "bare"
    bare_dir.mkdir()
    write_playbook(bare_dir / "site.yml")
    bare: list[float] = []
    ours: list[float] = []
    with LiveReceiver(directory / "playbook", env={"PLAYHOOK_LOG_LEVEL": "warning"}) as receiver:
        path, key = make_template(receiver)
        _deliver_and_wait(receiver, path, key)  # the first one also fills Python's bytecode caches
        _run_bare(bare_dir)
        for turn in range(rounds):
            bare.append(_run_bare(bare_dir))
            ours.append(_deliver_and_wait(receiver, path, key))
            tell(f"round {turn + 1}: ansible-playbook {bare[-1]:.2f} s, delivery to end of job {ours[-1]:.2f} s")
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    return [
        "| | median s | min | max | ratio |",
        "|---|---|---|---|---|",
        f"| bare `ansible-playbook`, one task | {_spread(bare)} | 1.00 |",
        f"| delivery to end of job, the same playbook | {_spread(ours)} | {ratio:.2f} |",
    ]


def _spread(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} | {min(times):.2f} | {max(times):.2f}"


def _run_bare(directory: Path) -> float:
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "site.yml"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    started = time.perf_counter()
    subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=True)
    return time.perf_counter() - started


def _deliver_and_wait(receiver: LiveReceiver, path: str, key: str) -> float:
    body = pull_request_body()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(key, body),
    }
    started = time.perf_counter()
    answer = requests.post(f"{receiver.url}{path}", data=body, headers=headers, timeout=30)
    job_id = answer.json()["job"]
    while not (job := receiver.get(f"jobs/{job_id}/"))["finished"]:
        time.sleep(0.01)
    elapsed = time.perf_counter() - started
    if job["status"] != "successful":
        raise RuntimeError(f"the job ended {job['status']}: {job['job_explanation']}\n{receiver.log()}")
    return elapsed
