# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""However a job or the receiver ends, nothing of the job is left, and its row says what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from tests.integration.worker.conftest import LOCAL, Bench, both_starts, play, wait_for

from playhook.settings import Settings
from playhook.store.claims import claim, request_cancel
from playhook.store.store import open_store
from playhook.worker.launcher import start_launcher
from playhook.worker.loop import WorkerPool

# A playbook whose command is told apart by its number, in workers that start sessions of their own.
SLEEP = f"9{os.getpid():07}"  # seconds, of this process alone: other tests run at the same time
SLOW = play(f"command: sleep {SLEEP}")


def sleepers() -> list[psutil.Process]:
    """Find what a test's playbook has started, wherever in the tree it is by now."""
    found = []
    for each in psutil.process_iter(["cmdline", "status"]):
        command = each.info["cmdline"] or []
        if each.info["status"] != psutil.STATUS_ZOMBIE and SLEEP in " ".join(command) and "pytest" not in command:
            found.append(each)
    return found


def playbooks(home: Path) -> list[psutil.Process]:
    """Find the ansible-playbook processes of an installation."""
    return [
        each
        for each in psutil.process_iter(["cmdline", "status"])
        if each.info["status"] != psutil.STATUS_ZOMBIE
        and any("ansible-playbook" in part for part in each.info["cmdline"] or [])
        and "forkserver" not in " ".join(each.info["cmdline"])  # a warm one names what it stands for
        and any(str(home) in part for part in each.info["cmdline"] or [])
    ]


@pytest.fixture(autouse=True)
def _no_survivors() -> Iterator[None]:
    yield
    survivors = sleepers()
    for each in survivors:
        with suppress(psutil.Error):
            each.kill()
    assert survivors == []


@contextmanager
def receiver(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """Run a pool in a process of its own."""
    script = Path(__file__).with_name("receiver_process.py")
    with subprocess.Popen([sys.executable, script, bench.settings.home], stdout=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


def run_until_asleep(bench: Bench, template: int) -> int:
    job_id = bench.launch(template)
    wait_until_asleep(bench, job_id)
    return job_id


def wait_until_asleep(bench: Bench, job_id: int) -> None:
    wait_for(sleepers, 60.0, lambda: bench.stdout(job_id))


def restart(bench: Bench) -> WorkerPool:
    pool = WorkerPool(bench.store, start_launcher(bench.settings), bench.settings, bench.dispatch)
    pool.start()
    return pool


def test_a_pending_job_is_canceled_at_once(bench: Bench) -> None:
    job_id = bench.launch(bench.template({"site.yml": SLOW}))

    canceled = bench.store.write(request_cancel, job_id)

    job = bench.job(job_id)
    assert (canceled, job.status, job.failed, job.event_processing_finished) == (True, "canceled", True, True)
    assert job.canceled_on == job.finished
    assert bench.store.write(request_cancel, job_id) is False


@both_starts
@pytest.mark.usefixtures("pool")
def test_a_running_job_is_canceled_and_leaves_no_process(bench: Bench) -> None:
    inventory = bench.inventory({f"host{number}": LOCAL for number in range(4)})
    job_id = run_until_asleep(bench, bench.template({"site.yml": SLOW}, inventory_id=inventory))

    asked = time.monotonic()
    bench.store.write(request_cancel, job_id)
    job = bench.wait(job_id)

    assert job.status == "canceled"
    assert time.monotonic() - asked < 60  # seconds, where the command takes years
    assert sleepers() == []
    assert playbooks(bench.settings.home) == []
    assert not (bench.settings.home / "run" / str(job_id)).exists()


@both_starts
@pytest.mark.usefixtures("pool")
def test_what_a_playbook_leaves_in_the_background_ends_with_it(bench: Bench) -> None:
    """Daemons in sessions of their own, without the mark in their environment, or holding the terminal."""
    site = play(
        f"shell: setsid nohup sleep {SLEEP} >/dev/null 2>&1 &",
        f"shell: env -i /usr/bin/setsid /bin/sleep {SLEEP} >/dev/null 2>&1 &",
        f"shell: (setsid sleep {SLEEP} </dev/null >/dev/tty 2>&1 &) </dev/null >/dev/null 2>&1",
        f"{{command: sleep {SLEEP}, async: 99999, poll: 0}}",
    )

    job = bench.run(bench.template({"site.yml": site}))

    assert job.status == "successful", bench.stdout(job.id)
    assert job.elapsed < 60
    wait_for(lambda: sleepers() == [], 60.0)


def test_stopping_the_receiver_ends_what_runs_and_keeps_what_waits(bench: Bench, settings: Settings) -> None:
    pool = restart(bench)
    template = bench.template({"site.yml": SLOW})
    running = run_until_asleep(bench, template)
    waiting = bench.launch(template)

    pool.stop()

    job = bench.job(running)
    assert (job.status, job.job_explanation) == (
        "error",
        "The receiver or its launcher was stopped while the job ran; launch it again.",
    )
    assert bench.job(waiting).status == "pending"
    assert sleepers() == []


def test_stopping_the_receiver_lets_a_job_finish_in_its_grace(bench: Bench, settings: Settings) -> None:
    patient = settings.model_copy(update={"shutdown_grace": 90.0})
    pool = WorkerPool(bench.store, start_launcher(patient), patient, bench.dispatch)
    pool.start()
    job_id = bench.launch(bench.template({"site.yml": play("wait_for: {timeout: 2}")}))
    bench.wait(job_id, "running")

    pool.stop()

    assert bench.job(job_id).status == "successful"


def test_sigterm_drains(bench: Bench) -> None:
    job_id = bench.launch(bench.template({"site.yml": SLOW}))
    with receiver(bench) as started:
        wait_until_asleep(bench, job_id)
        started.terminate()
        code = started.wait(60)

    assert (code, bench.job(job_id).status) == (0, "error")
    assert sleepers() == []


def test_kill_9_of_the_receiver_leaves_no_process_and_no_job_running(bench: Bench) -> None:
    template = bench.template({"site.yml": SLOW, "quick.yml": play("debug:")})
    job_id = bench.launch(template)
    with receiver(bench) as started:
        wait_until_asleep(bench, job_id)
        queued = bench.launch(template, playbook="quick.yml")
        started.kill()
        started.wait()
    wait_for(lambda: sleepers() == [] and playbooks(bench.settings.home) == [], 60.0)

    pool = restart(bench)
    try:
        job = bench.job(job_id)
        assert (job.status, job.failed) == ("error", True)
        assert job.job_explanation.startswith("The receiver was killed or lost the job while it ran.")
        assert bench.wait(queued).status == "successful"
        assert list((bench.settings.home / "run").iterdir()) == []
    finally:
        pool.stop()


def test_kill_9_of_the_whole_tree_is_cleaned_up_at_the_next_start(bench: Bench) -> None:
    """Only ansible-playbook survives, as when the machine's memory runs out; it is found by its mark."""
    job_id = bench.launch(bench.template({"site.yml": SLOW}))
    with receiver(bench) as started:
        wait_until_asleep(bench, job_id)
        ours = [started, *_python_children(psutil.Process(started.pid))]
        for each in ours:
            each.send_signal(signal.SIGSTOP)  # so that none of them can clean up
        for each in ours:
            each.kill()
        started.wait()
    assert sleepers()

    pool = restart(bench)
    try:
        assert sleepers() == []
        assert playbooks(bench.settings.home) == []
        assert bench.job(job_id).status == "error"
    finally:
        pool.stop()


def test_another_installations_processes_are_left_alone(bench: Bench) -> None:
    environment = {**os.environ, "PLAYHOOK_JOB": "00000000-0000-0000-0000-000000000000:1"}
    with subprocess.Popen(["sleep", SLEEP], env=environment) as other:
        restart(bench).stop()
        alive = other.poll() is None
        other.kill()

    assert alive


@both_starts
@pytest.mark.usefixtures("pool")
def test_a_launcher_that_dies_ends_its_jobs_and_is_started_again(bench: Bench) -> None:
    template = bench.template({"site.yml": SLOW, "quick.yml": play("debug:")})
    job_id = run_until_asleep(bench, template)

    _launcher_at_work().kill()

    assert bench.wait(job_id).status == "error"
    assert sleepers() == []
    assert bench.run(template, playbook="quick.yml").status == "successful"


@both_starts
@pytest.mark.usefixtures("pool")
def test_a_jobs_process_that_dies_takes_its_playbook_along(bench: Bench) -> None:
    job_id = run_until_asleep(bench, bench.template({"site.yml": SLOW}))

    _python_children(_launcher_at_work(), recursive=False)[0].kill()

    job = bench.wait(job_id)
    assert (job.status, job.job_explanation) == (
        "error",
        "The process that ran the job ended unexpectedly: it was killed, or memory ran out.",
    )
    wait_for(lambda: sleepers() == [], 60.0)


def test_a_claimed_job_whose_playbook_had_not_started_runs_after_a_kill(bench: Bench) -> None:
    job_id = bench.launch(bench.template({"site.yml": play("debug:")}))
    bench.store.write(claim, job_id, "a-receiver-that-was-killed")
    assert bench.job(job_id).status == "waiting"

    pool = restart(bench)
    try:
        assert bench.wait(job_id).status == "successful"
    finally:
        pool.stop()


def test_the_state_directory_of_a_stopped_receiver_holds_no_temporary_files(bench: Bench) -> None:
    job_id = bench.launch(bench.template({"site.yml": play("debug:")}))
    with receiver(bench) as started:
        bench.wait(job_id)
        started.terminate()
        started.wait(60)

    left = {path.name for path in bench.settings.home.iterdir()} - {"run", "projects", "secret_key", "worker_id"}
    assert {name for name in left if not name.startswith("playhook.sqlite3")} == set()
    assert list((bench.settings.home / "run").iterdir()) == []
    open_store(bench.settings).close()


def _python_children(parent: psutil.Process, *, recursive: bool = True) -> list[psutil.Process]:
    found = []
    for each in parent.children(recursive=recursive):
        with suppress(psutil.Error):  # it has ended meanwhile
            if each.status() != psutil.STATUS_ZOMBIE and "playhook.worker.forkserver" in each.cmdline():
                found.append(each)
    return found


def _launcher_at_work() -> psutil.Process:
    """Return the fork server that has a job."""
    return next(each for each in _python_children(psutil.Process()) if _python_children(each))
