# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the delivery to the end of a one-task playbook, against bare `ansible-playbook`, interleaved."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import requests
from tests.live import LiveReceiver

from bench.sample import make_template, pull_request_body, sign, write_playbook
from bench.section import Run, Table, ratio, spread


def measure(run: Run) -> list[Table]:
    bare_dir = run.directory / "bare"
    bare_dir.mkdir()
    write_playbook(bare_dir / "site.yml")
    bare: list[float] = []
    ours: list[float] = []
    with LiveReceiver(run.directory / "playbook", env={"PLAYHOOK_LOG_LEVEL": "warning"}) as receiver:
        path, key = make_template(receiver)
        _deliver_and_wait(receiver, path, key)  # the first one also fills Python's bytecode caches
        _run_bare(bare_dir)
        for turn in range(run.rounds + 2):
            bare.append(_run_bare(bare_dir))
            ours.append(_deliver_and_wait(receiver, path, key))
            run.tell(f"round {turn + 1}: ansible-playbook {bare[-1]:.2f} s, delivery to end of job {ours[-1]:.2f} s")
    rows = [
        ("bare `ansible-playbook`", spread(bare, 2), "1.00"),
        ("delivery to end of job", spread(ours, 2), f"{ratio(ours, bare):.2f}"),
    ]
    return [Table(title="A playbook of one task", head=("", "seconds", "ratio"), rows=rows)]


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
