# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of the receiver: nothing acknowledged is lost, nothing runs twice, nothing is left running."""

from __future__ import annotations

import random
import threading
import time
import uuid
from pathlib import Path

import psutil
import pytest
import requests
from tests.acceptance.conftest import Installation, MakeInstallation
from tests.acceptance.deliver import deliver_github, pull_request
from tests.acceptance.machines import wait_for

_MOST = 12  # deliveries


def test_acknowledged_deliveries_survive_and_run_once(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_WORKERS="2")
    ran = live.home / "ran"
    ran.mkdir()
    live.write_playbook(
        "site.yml",
        f"- ansible.builtin.shell: 'echo x >> {ran}/{{{{ awx_webhook_event_guid }}}}'",
    )
    template = live.make_template("survivor", allow_simultaneous=True)
    acknowledged: dict[str, int] = {}
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set() and len(acknowledged) < _MOST:
            guid = str(uuid.uuid4())
            try:
                answer = deliver_github(live.url + template.path, template.key, pull_request(), X_GitHub_Delivery=guid)
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.status_code == 202:
                acknowledged[guid] = answer.json()["job"]
            time.sleep(0.4)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for _ in range(3):
        known = len(acknowledged)
        wait_for(lambda known=known: len(acknowledged) > known or not sender.is_alive(), live.log)
        time.sleep(random.uniform(0.2, 1.5))
        live.kill()
        live.start()
    stop.set()
    sender.join()
    jobs = {guid: live.wait_for_job(job_id, timeout=90) for guid, job_id in acknowledged.items()}

    assert len(jobs) >= 3
    assert {job["status"] for job in jobs.values()} <= {"successful", "error"}
    for guid, job in jobs.items():
        runs = (ran / guid).read_text().count("x") if (ran / guid).exists() else 0
        assert runs <= 1, "a playbook ran twice"
        if job["status"] == "successful":
            assert runs == 1
        else:
            assert job["started"], "a job that had not started must run, not end in error"
            assert job["job_explanation"]


def test_killed_receiver_leaves_no_job_running_and_no_process(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_WORKERS="2")
    started = live.home / "started"
    live.write_playbook(
        "site.yml",
        f"- ansible.builtin.shell: 'echo $$ > {started}; sleep 300 & sleep 300'",
    )
    template = live.make_template("sleeper")
    job_id = deliver_github(live.url + template.path, template.key, pull_request()).json()["job"]
    waiting_id = deliver_github(live.url + template.path, template.key, pull_request()).json()["job"]
    _wait_for(started)
    shell = psutil.Process(int(started.read_text()))
    family = [shell, *shell.children(recursive=True)]
    live.kill()
    live.write_playbook("site.yml", "- ansible.builtin.debug: {msg: done}")
    live.start()
    job = live.wait_for_job(job_id)

    assert job["status"] == "error"
    assert "receiver" in job["job_explanation"]
    assert not psutil.wait_procs(family, timeout=60)[1]
    assert live.wait_for_job(waiting_id)["status"] == "successful"


def test_sigterm_lets_running_jobs_finish_and_keeps_the_rest(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_WORKERS="1", PLAYHOOK_SHUTDOWN_GRACE="60")
    live.write_playbook("site.yml", "- ansible.builtin.command: sleep 3")
    template = live.make_template("finisher", allow_simultaneous=True)
    first = deliver_github(live.url + template.path, template.key, pull_request()).json()["job"]
    second = deliver_github(live.url + template.path, template.key, pull_request()).json()["job"]
    deadline = time.monotonic() + 30
    while live.get(f"jobs/{first}/")["status"] != "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert live.stop() == 0
    live.start()

    assert live.wait_for_job(first)["status"] == "successful"
    assert live.wait_for_job(second)["status"] == "successful"


def _wait_for(file: Path, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline, f"{file.name} did not appear"
        time.sleep(0.1)


def test_second_receiver_on_the_same_state_directory_is_refused(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_WORKERS="0")
    other = Installation(live.home, env={"PLAYHOOK_WORKERS": "0"})
    with pytest.raises(RuntimeError, match="another playhook is running"):
        other.start()
