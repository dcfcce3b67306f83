# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook of many hosts and tasks, whose job events are all stored, against bare `ansible-playbook`, in turns."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
from tests.live import LiveReceiver

from bench.bytecode import compile_installed
from bench.jobs import Sender, finished
from bench.playbook import shell_environment
from bench.section import Run, Table, ratio, spread

_PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n"
_TASK = "    - {name: task NUMBER, ansible.builtin.debug: {msg: '{{ inventory_hostname }} does NUMBER'}}\n"
_OUTPUT = {"PLAY": "playbook_on_play_start", "TASK": "playbook_on_task_start", "ok": "runner_on_ok"}


def measure(run: Run) -> list[Table]:
    """Fail when an event is missing that ansible-playbook's own output implies."""
    compile_installed()
    hosts, tasks = (200, 20) if run.full else (50, 8)
    turns = 3 if run.full else 2
    files = {
        "site.yml": _PLAY + "".join(_TASK.replace("NUMBER", str(number)) for number in range(tasks)),
        "hosts.ini": f"host[1:{hosts}]\n[all:vars]\nansible_connection=local\n",
    }
    bare = run.directory / "bare"
    bare.mkdir()
    _write(bare, files)
    seconds: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": []}
    env = {"PLAYHOOK_LOG_LEVEL": "warning"}
    with LiveReceiver(run.directory / "hosts", env=env) as receiver:
        sender = Sender(receiver)
        sender.wait(sender.send()[0])  # the first one starts the fork server
        _write(receiver.home / "projects" / "bench", files)
        _use_file(receiver)
        for turn in range(turns):
            wall, processor, implied = _run_bare(bare)
            seconds["bare"].append((wall, processor))
            ours = _run_ours(sender, implied)
            seconds["ours"].append(ours)
            both = f"bare {wall:.1f} s ({processor:.1f} s of processor), Playhook {ours[0]:.1f} s ({ours[1]:.1f} s)"
            run.tell(f"round {turn + 1}: {both}")
    events = sum(implied.values())
    return [
        Table(
            title=f"{hosts} hosts, {tasks} tasks: {events} events",
            head=("", "seconds", "bare = 1", "seconds of processor", "bare = 1"),
            rows=[_row("bare `ansible-playbook`", "bare", seconds), _row("Playhook, warm", "ours", seconds)],
            notes=["Every event that the output of `ansible-playbook` implies is stored."],
        )
    ]


def _row(name: str, side: str, seconds: dict[str, list[tuple[float, float]]]) -> tuple[str, ...]:
    cells = []
    for place in (0, 1):
        own, bare = ([each[place] for each in seconds[which]] for which in (side, "bare"))
        cells += [spread(own, 1), f"{ratio(own, bare):.2f}"]
    return (name, *cells)


def _write(directory: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (directory / name).write_text(content)


def _use_file(receiver: LiveReceiver) -> None:
    inventory = receiver.get("inventories/", name="bench")["results"][0]["id"]
    receiver.patch(f"inventories/{inventory}/", {"playhook": {"source_path": "hosts.ini"}})
    for host in receiver.get("hosts/", name="localhost")["results"]:
        receiver.api.delete(f"{receiver.url}{host['url']}", timeout=30).raise_for_status()


def _run_bare(directory: Path) -> tuple[float, float, Counter[str]]:
    """Return the seconds, those of processor, and the job events that the output implies."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.ini", "site.yml"]
    before, begin = os.times(), time.perf_counter()
    result = subprocess.run(
        command, cwd=directory, env=shell_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    wall, after = time.perf_counter() - begin, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    said = Counter(re.findall(r"^(PLAY|TASK|ok)(?: \[|: \[)", result.stdout, re.MULTILINE))
    implied = Counter({event: said[word] for word, event in _OUTPUT.items()})
    implied.update(playbook_on_start=1, playbook_on_stats=1, runner_on_start=said["ok"])
    return wall, processor, implied


def _run_ours(sender: Sender, implied: Counter[str]) -> tuple[float, float]:
    assert sender.receiver.process is not None
    before = _processor(sender.receiver.process.pid)
    job_id, answered = sender.launch()
    wall = finished(sender.wait(job_id)) - answered
    processor = _processor(sender.receiver.process.pid) - before
    events = f"jobs/{job_id}/job_events/"
    stored = {event: sender.receiver.get(events, event=event, page_size=1)["count"] for event in implied}
    if stored != implied:
        raise RuntimeError(f"the output implies {dict(implied)}; stored are {stored}")
    return wall, processor


def _processor(pid: int) -> float:
    """Return the seconds of processor that a receiver, its fork servers and their ended jobs have used."""
    receiver = psutil.Process(pid)
    return sum(sum(process.cpu_times()[:4]) for process in (receiver, *receiver.children()))
