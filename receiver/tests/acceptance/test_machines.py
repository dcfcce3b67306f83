# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two web machines and two workers on one PostgreSQL: no job twice, none lost, and each machine does its part."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.deliver import deliver_github, pull_request
from tests.acceptance.machines import LEASE, Machines, wait_for
from tests.fakes.github import GitHubFake
from tests.integration.worker.repositories import Repository
from tests.live import LiveReceiver
from tests.postgres import PostgresServer


@pytest.fixture(scope="module")
def machines(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    url = postgres.make_empty()
    made = Machines(tmp_path_factory.mktemp("machines"), url)
    try:
        assert made.run("migrate") == (0, "The database has this version's schema.")
        for _ in range(2):
            made.add_web()
        for _ in range(2):
            made.add_worker("--queues", "default")
        yield made
    finally:
        made.stop()
    postgres.drop(url)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def make(machines: Machines, name: str, *tasks: str, **fields: Any) -> Template:
    machines.webs[0].write_playbook(f"{name}.yml", *tasks)
    return machines.webs[0].make_template(name, playbook=f"{name}.yml", **fields)


def launch(machines: Machines, template: Template, web: int = 0) -> int:
    answer = deliver_github(machines.webs[web].url + template.path, template.key, pull_request())
    assert answer.status_code == 202, answer.text
    return int(answer.json()["job"])


def wait_for_file(file: Path) -> str:
    return str(wait_for(lambda: file.exists() and file.read_text().strip(), lambda: f"{file.name} did not appear"))


def meet(here: Path) -> str:
    """Return what a shell does to wait for two other jobs that do the same: one worker does not run three at a time."""
    return f"touch {here}/{{{{ awx_job_id }}}}; until [ $(ls {here} | wc -l) -ge 3 ]; do sleep 0.1; done"


def use_group(machines: Machines, template: Template, group: str) -> None:
    """Have a template's jobs run only where an instance group is served."""
    web = machines.webs[0]
    found = web.get("instance_groups/", name=group)["results"]
    group_id = found[0]["id"] if found else web.post("instance_groups/", {"name": group})["id"]
    web.post(f"job_templates/{template.id}/instance_groups/", {"id": group_id})


def test_no_job_runs_twice_and_both_workers_run_some(machines: Machines, name: str) -> None:
    here = machines.marks / f"{name}.here"
    here.mkdir()
    task = f"- ansible.builtin.shell: 'echo x >> {machines.marks}/{{{{ awx_job_id }}}}; {meet(here)}'"
    template = make(machines, name, task, allow_simultaneous=True)
    jobs = [launch(machines, template, web=number % 2) for number in range(10)]

    ended = [machines.webs[1].wait_for_job(job_id, timeout=100) for job_id in jobs]

    assert {job["status"] for job in ended} == {"successful"}
    assert [(machines.marks / str(job_id)).read_text() for job_id in jobs] == ["x\n"] * len(jobs)
    assert len({machines.claimed_by(job_id) for job_id in jobs}) == 2


def test_jobs_of_a_template_that_forbids_it_never_overlap(machines: Machines, name: str) -> None:
    journal = machines.marks / name
    task = f"- ansible.builtin.shell: 'echo + >> {journal}; sleep 0.7; echo - >> {journal}'"
    template = make(machines, name, task)
    jobs = [launch(machines, template, web=number % 2) for number in range(3)]
    for job_id in jobs:
        assert machines.webs[0].wait_for_job(job_id)["status"] == "successful"

    assert journal.read_text().split() == ["+", "-"] * 3


def test_output_is_seen_and_the_job_canceled_from_another_machine(machines: Machines, name: str) -> None:
    template = make(machines, name, "- ansible.builtin.debug: {msg: so far}", "- ansible.builtin.command: sleep 300")
    job_id = launch(machines, template)
    web = machines.webs[1]

    def output() -> str:
        return str(web.api.get(f"{web.url}/api/v2/jobs/{job_id}/stdout/", params={"format": "txt"}, timeout=30).text)

    wait_for(lambda: "so far" in output(), output)
    assert web.get(f"jobs/{job_id}/")["status"] == "running"
    begin = time.monotonic()
    web.post(f"jobs/{job_id}/cancel/", {})
    job = wait_for(lambda: (row := web.get(f"jobs/{job_id}/"))["finished"] and row)

    assert job["status"] == "canceled"
    assert time.monotonic() - begin < 60  # where the command takes 300


def test_jobs_run_where_their_instance_group_is_served(machines: Machines, name: str) -> None:
    template = make(machines, name, "- ansible.builtin.debug: {msg: done}", allow_simultaneous=True)
    use_group(machines, template, "far away")
    job_id = launch(machines, template)
    free = make(machines, f"{name}_free", "- ansible.builtin.debug: {msg: done}")
    assert machines.webs[0].wait_for_job(launch(machines, free))["status"] == "successful"
    assert machines.webs[0].get(f"jobs/{job_id}/")["status"] == "pending"

    far = machines.add_worker("--queues", "far away,nowhere")

    assert machines.webs[0].wait_for_job(job_id)["status"] == "successful"
    assert f":{far.process.pid}:" in machines.claimed_by(job_id)  # type: ignore[union-attr]
    assert "far away,nowhere" in machines.run("workers", env={"COLUMNS": "200"})[1]
    far.stop()


def test_a_killed_workers_job_is_an_error_and_what_it_had_not_started_runs(machines: Machines, name: str) -> None:
    started = machines.marks / name
    template = make(machines, name, f"- ansible.builtin.shell: 'echo $$ > {started}; sleep 300 & sleep 300'")
    use_group(machines, template, "doomed")
    doomed = machines.add_worker("--queues", "doomed")
    job_id, waiting = launch(machines, template), launch(machines, template, web=1)
    shell = psutil.Process(int(wait_for_file(started)))
    family = [shell, *shell.children(recursive=True)]
    make_harmless(machines, name)

    doomed.signal(signal.SIGKILL)
    job = machines.webs[0].wait_for_job(job_id)

    assert job["status"] == "error"
    assert "killed or lost" in job["job_explanation"]
    assert not psutil.wait_procs(family, timeout=60)[1]
    machines.add_worker("--queues", "doomed")
    assert machines.webs[0].wait_for_job(waiting)["status"] == "successful"
    assert machines.webs[0].get(f"jobs/{job_id}/")["status"] == "error"


def make_harmless(machines: Machines, name: str) -> None:
    machines.webs[0].write_playbook(f"{name}.yml", "- ansible.builtin.debug: {msg: done}")


def test_a_worker_that_lost_its_lease_writes_nothing_more(machines: Machines, name: str) -> None:
    started, go, after = (machines.marks / f"{name}.{what}" for what in ("started", "go", "after"))
    template = make(
        machines,
        name,
        f"- ansible.builtin.shell: 'echo $$ > {started}; while [ ! -e {go} ]; do sleep 0.1; done; echo x > {after}'",
        "- ansible.builtin.debug: {msg: never told}",
    )
    use_group(machines, template, "sleepy")
    sleepy = machines.add_worker("--queues", "sleepy")
    job_id = launch(machines, template)
    wait_for_file(started)

    sleepy.signal(signal.SIGSTOP)
    job = machines.webs[0].wait_for_job(job_id)
    go.touch()
    wait_for_file(after)  # the playbook went on
    sleepy.signal(signal.SIGCONT)
    wait_for(lambda: "declared lost" in sleepy.log(), sleepy.log)
    wait_for(lambda: sleepy.log().count("worker registered") == 2, sleepy.log)

    assert job["status"] == "error"
    assert machines.webs[1].get(f"jobs/{job_id}/") == job
    events = machines.webs[1].get(f"jobs/{job_id}/job_events/", page_size=200)["results"]
    assert not [each for each in events if "never told" in each["stdout"]]
    make_harmless(machines, name)
    assert machines.webs[0].wait_for_job(launch(machines, template))["status"] == "successful"


def test_a_status_is_posted_once(machines: Machines, name: str) -> None:
    with GitHubFake(token="ghp_right") as github:
        kind = "GitHub Personal Access Token"
        credential = machines.webs[0].make_token_credential(name, kind, token="ghp_right", api_url=github.url)
        tasks = "- ansible.builtin.debug: {msg: done}"
        template = make(machines, name, tasks, webhook_credential=credential, allow_simultaneous=True)
        payload = github.payload("pull_request.opened")
        for number in range(3):
            answer = deliver_github(machines.webs[number % 2].url + template.path, template.key, payload)
            machines.webs[0].wait_for_job(answer.json()["job"])
        github.wait_for_statuses(6)
        time.sleep(1.0)
        posted = github.statuses

    assert sorted(status["state"] for status in posted) == ["pending"] * 3 + ["success"] * 3


def test_a_project_is_checked_out_where_the_job_runs(machines: Machines, name: str) -> None:
    here = machines.marks / f"{name}.here"
    task = f"- ansible.builtin.shell: 'if [ -e {here} ]; then {meet(here)}; fi'"
    play = f"- hosts: all\n  gather_facts: false\n  tasks:\n    {task}\n"
    repository = Repository(machines.root / "repository", {"site.yml": play})
    web = machines.webs[0]
    body = {
        "name": name,
        "organization": web.organization,
        "scm_type": "git",
        "scm_url": f"file://{repository.path}",
        "scm_update_on_launch": True,
    }
    project = web.post("projects/", body)["id"]
    template = web.make_template(name, project=project, playbook="site.yml", allow_simultaneous=True)
    jobs = [web.wait_for_job(launch(machines, template))]
    here.mkdir()
    more = [launch(machines, template, web=number % 2) for number in range(4)]
    jobs += [web.wait_for_job(job_id) for job_id in more]

    assert {(job["status"], job["scm_revision"]) for job in jobs} == {("successful", repository.first)}
    assert len({machines.claimed_by(job_id) for job_id in more}) == 2


def test_a_workflow_goes_on_whichever_worker_steps_it(machines: Machines, name: str) -> None:
    web = machines.webs[0]
    job = make(machines, name, "- ansible.builtin.debug: {msg: done}", allow_simultaneous=True)
    made = web.post("workflow_job_templates/", {"name": name, "organization": web.organization})
    nodes = [
        web.post(f"workflow_job_templates/{made['id']}/workflow_nodes/", {"unified_job_template": job.id})["id"]
        for _ in range(3)
    ]
    for parent, child in pairwise(nodes):
        web.post(f"workflow_job_template_nodes/{parent}/success_nodes/", {"id": child})
    launched = machines.webs[1].post(f"workflow_job_templates/{made['id']}/launch/", {})["id"]

    ended = wait_for(lambda: (row := web.get(f"workflow_jobs/{launched}/"))["finished"] and row)

    assert ended["status"] == "successful"
    ran = web.get(f"workflow_jobs/{launched}/workflow_nodes/")["results"]
    assert len({each["job"] for each in ran}) == 3


def test_stopped_machines_leave_and_wait_for_nobody(machines: Machines) -> None:
    worker = machines.add_worker("--queues", "nobody")
    begin = time.monotonic()

    assert worker.stop() == 0

    assert time.monotonic() - begin < 40
    assert "stopped" in worker.log()


def test_a_worker_of_another_version_refuses_to_start(machines: Machines, postgres: PostgresServer) -> None:
    url = postgres.make_empty()
    status, said = machines.run("worker", env={"PLAYHOOK_DATABASE_URL": url})
    postgres.drop(url)

    assert status == 2
    assert "playhook: the database has schema none, this playhook needs" in said
    assert "run 'playhook migrate'" in said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PLAYHOOK_SECRET_KEY_FILE": ""}, "is missing, and what is encrypted in the database cannot be read"),
        ({"PLAYHOOK_WORKERS": "0"}, "PLAYHOOK_WORKERS is 0: this worker would run nothing"),
        ({"PLAYHOOK_DATABASE_URL": ""}, "set PLAYHOOK_DATABASE_URL to a PostgreSQL one"),
    ],
)
def test_a_worker_that_could_do_nothing_says_so(machines: Machines, changes: dict[str, str], sentence: str) -> None:
    status, said = machines.run("worker", env=changes)

    assert status == 2
    assert sentence in said


def test_a_receiver_that_does_all_settles_what_it_left_at_its_next_start(machines: Machines, name: str) -> None:
    started = machines.marks / name
    template = make(machines, name, f"- ansible.builtin.shell: 'echo $$ > {started}; sleep 300'")
    use_group(machines, template, "together")
    env = {**machines.env, "PLAYHOOK_QUEUES": "together", "PLAYHOOK_WORKER_LEASE": "600"}
    together = LiveReceiver(machines.root / "together", env=env)
    with together:
        job_id = launch(machines, template)
        wait_for_file(started)
        together.kill()
        together.start()  # long before the lease of the first one is over

        assert machines.webs[0].wait_for_job(job_id)["status"] == "error"


def test_a_database_that_is_away_for_longer_than_a_lease_loses_nobody(
    machines: Machines, postgres: PostgresServer, name: str
) -> None:
    started, go = machines.marks / f"{name}.started", machines.marks / f"{name}.go"
    task = f"- ansible.builtin.shell: 'echo x > {started}; while [ ! -e {go} ]; do sleep 0.1; done'"
    template = make(machines, name, task)
    job_id, waiting = launch(machines, template), launch(machines, template)
    wait_for_file(started)

    postgres.stop("fast")
    time.sleep(LEASE + 0.5)
    postgres.start()
    go.touch()

    assert machines.webs[0].wait_for_job(job_id)["status"] == "successful"
    assert machines.webs[1].wait_for_job(waiting)["status"] == "successful"
    assert not [log for log in (each.log() for each in machines.workers[:2]) if "declared lost" in log]
