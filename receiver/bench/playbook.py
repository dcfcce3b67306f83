# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the answer to the end of a one-task playbook, and many of them, against bare `ansible-playbook`, in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.live import LiveReceiver

from bench.bytecode import compile_installed
from bench.jobs import Sender, finished
from bench.sample import write_playbook
from bench.section import Run, Table, ratio, spread

JOBS, AT_A_TIME = 20, 4


def measure(run: Run) -> list[Table]:
    compile_installed()
    bare = run.directory / "bare"
    bare.mkdir()
    write_playbook(bare / "site.yml")
    with ExitStack() as stack:
        senders = {}
        for start, switch in (("warm", "on"), ("cold", "off")):
            env = {"PLAYHOOK_LOG_LEVEL": "warning", "PLAYHOOK_WARM_START": switch, "PLAYHOOK_WORKERS": str(AT_A_TIME)}
            senders[start] = Sender(stack.enter_context(LiveReceiver(run.directory / start, env=env)))
        one = {"bare": lambda: run_bare(bare)} | {start: _one(sender) for start, sender in senders.items()}
        many = {"bare": lambda: _many_bare(bare)} | {start: _many(sender) for start, sender in senders.items()}
        for each in one.values():  # what is read for the first time is in memory then, and a warm server is ready
            each()
        latencies = _take_turns(run, one, turns=run.rounds * 2 - 1, what="s for one job")
        rates = _take_turns(run, many, turns=run.rounds - 1, what="jobs/s")
    return [
        Table(
            title="A playbook of one task: from the answer to the delivery until the job has ended",
            head=("", "seconds", "bare = 1"),
            rows=_rows(latencies, 2),
        ),
        Table(title=f"{JOBS} such jobs, {AT_A_TIME} at a time", head=("", "jobs/s", "bare = 1"), rows=_rows(rates, 1)),
    ]


def _take_turns(run: Run, sides: dict[str, Callable[[], float]], *, turns: int, what: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(turns):
        for side, measure_side in sides.items():
            found[side].append(measure_side())
        run.tell(f"round {turn + 1}: " + ", ".join(f"{side} {found[side][-1]:.2f}" for side in sides) + f" {what}")
    return found


def _rows(found: dict[str, list[float]], digits: int) -> list[tuple[str, str, str]]:
    names = {"bare": "bare `ansible-playbook`", "warm": "Playhook, warm", "cold": "Playhook, cold"}
    return [(names[side], spread(each, digits), f"{ratio(each, found['bare']):.2f}") for side, each in found.items()]


def run_bare(directory: Path) -> float:
    """Run `site.yml` there as from a shell; returns the seconds."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "site.yml"]
    started = time.perf_counter()
    subprocess.run(command, cwd=directory, env=shell_environment(), capture_output=True, check=True)
    return time.perf_counter() - started


def shell_environment() -> dict[str, str]:
    """Return the environment of this process without Ansible's own variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}


def _one(sender: Sender) -> Callable[[], float]:
    def measure_one() -> float:
        job_id, answered = sender.send()
        return finished(sender.wait(job_id)) - answered

    return measure_one


def _many(sender: Sender) -> Callable[[], float]:
    def measure_many() -> float:
        begin = time.time()
        jobs = [sender.send()[0] for _ in range(JOBS)]
        return JOBS / (max(finished(sender.wait(job)) for job in jobs) - begin)

    return measure_many


def _many_bare(directory: Path) -> float:
    begin = time.perf_counter()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(lambda _: run_bare(directory), range(JOBS)))
    return JOBS / (time.perf_counter() - begin)
