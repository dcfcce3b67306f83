# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that run real playbooks."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.integration.worker.conftest import LOCAL, Bench, add_delivery, both_starts, play, write_files

from playhook.store import tables as t

pytestmark = pytest.mark.usefixtures("pool")


@both_starts
def test_a_playbook_runs_and_its_output_is_stored(bench: Bench) -> None:
    template = bench.template({"site.yml": play('debug: {msg: "hello from {{ inventory_hostname }}"}')})

    job = bench.run(template)

    assert (job.status, job.failed, job.job_explanation) == ("successful", False, "")
    assert job.event_processing_finished
    assert job.started <= job.finished
    assert job.elapsed > 0
    assert "hello from here" in bench.stdout(job.id)
    lines = [(event.start_line, event.end_line) for event in bench.events(job.id)]
    assert all(start <= end for start, end in lines)
    assert [end for _, end in lines[:-1]] == [start for start, _ in lines[1:]]
    assert [event.counter for event in bench.events(job.id)] == list(range(1, len(lines) + 1))
    shown = bench.row(t.unified_job_templates, template)
    assert (shown.status, shown.last_job_id, shown.last_job_failed) == ("successful", job.id, False)


def test_what_json_cannot_say_does_not_end_a_job(bench: Bench) -> None:
    template = bench.template({"site.yml": play("debug: {msg: \"{{ ['nan' | float, 'after'] }}\"}")})

    job = bench.run(template)

    assert (job.status, job.job_explanation) == ("successful", "")
    assert "after" in bench.stdout(job.id)
    assert bench.events(job.id)[-1].event == "playbook_on_stats"


@both_starts
def test_tasks_run_in_the_background_here(bench: Bench) -> None:
    site = play(
        "{name: waited for, command: echo first, async: 60, poll: 1, register: waited}",
        "{name: begun, command: echo second, async: 60, poll: 0, register: begun}",
        "{name: looked at, async_status: {jid: '{{ begun.ansible_job_id }}'}, register: seen, until: seen is finished,"
        " retries: 60, delay: 1}",
        "debug: {msg: '{{ waited.stdout }} {{ seen.stdout }}'}",
    )
    job = bench.run(bench.template({"site.yml": site}))

    assert job.status == "successful", bench.stdout(job.id)
    assert "first second" in bench.stdout(job.id)


@both_starts
def test_the_recap_the_artifacts_and_failed_tasks_are_summed_up(bench: Bench) -> None:
    site = play(
        "{name: change, command: 'true'}",
        "{name: keep, set_stats: {data: {release: '1.2.3'}}, run_once: true}",
        "{name: fail there, fail: {msg: no}, when: inventory_hostname == 'bad'}",
        "{name: ignored, fail: {msg: no}, ignore_errors: true}",
    )
    inventory = bench.inventory(
        {"good": LOCAL, "bad": LOCAL, "off": LOCAL, "gone": "ansible_host: 127.0.0.1\nansible_port: 1"}
    )
    with_off = bench.row(t.inventories, inventory)
    bench.store.write(
        lambda tx: tx.connection.execute(t.hosts.update().where(t.hosts.c.name == "off").values(enabled=False))
    )
    template = bench.template({"site.yml": site}, inventory_id=with_off.id)

    job = bench.run(template)

    assert (job.status, job.failed) == ("failed", True)
    assert job.artifacts == {"release": "1.2.3"}
    assert job.host_status_counts == {"changed": 1, "failures": 1, "dark": 1}
    with bench.store.reading() as connection:
        rows = connection.execute(select(t.job_host_summaries).order_by(t.job_host_summaries.c.host_name)).all()
    assert [(row.host_name, row.failed, row.ok, row.changed, row.failures, row.dark, row.ignored) for row in rows] == [
        ("bad", True, 2, 1, 1, 0, 0),
        ("gone", True, 0, 0, 0, 1, 0),
        ("good", False, 2, 1, 0, 0, 1),
    ]
    events = bench.events(job.id)
    by_task = {event.task: event for event in events if event.event == "playbook_on_task_start"}
    assert (by_task["change"].changed, by_task["change"].failed) == (True, True)  # one host was unreachable
    assert by_task["fail there"].failed
    assert not by_task["ignored"].failed
    ignored = next(event for event in events if event.task == "ignored" and event.event == "runner_on_failed")
    assert (ignored.host_name, ignored.failed) == ("good", False)


def test_the_fields_of_a_job_become_options(bench: Bench) -> None:
    files = {
        "site.yml": play(
            "{command: touch made, tags: [a]}",
            "{debug: {msg: 'forks {{ ansible_forks }}'}, tags: [a]}",
            "{debug: {msg: skipped}, tags: [a, b]}",
            "{debug: {msg: never named}}",
        )
    }
    inventory = bench.inventory({"one": LOCAL, "two": LOCAL})
    template = bench.template(files, inventory_id=inventory, job_type="check", forks=3, limit="two", verbosity=1)

    job = bench.run(template, job_tags="a", skip_tags="b")

    stdout = bench.stdout(job.id)
    assert job.status == "successful"
    assert "forks 3" in stdout
    assert "[two]" in stdout
    assert "[one]" not in stdout
    assert "never named" not in stdout
    assert '"msg": "skipped"' not in stdout
    assert job.host_status_counts == {"skipped": 1} or job.host_status_counts == {"ok": 1}
    options = {"--check", "--forks=3", "--limit=two", "--tags=a", "--skip-tags=b", "-v", "--user=root"}
    assert options <= set(job.job_args)


@both_starts
def test_a_job_does_not_get_the_receivers_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "PLAYHOOK_ADMIN_PASSWORD",
        "CONTROLLER_OAUTH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "ANSIBLE_VAULT_PASSWORD",
    ):
        monkeypatch.setenv(name, "leaked-value")
    monkeypatch.setenv("ANSIBLE_DISPLAY_SKIPPED_HOSTS", "False")
    template = bench.template({"site.yml": play("{command: env, register: out}", "{debug: {var: out.stdout_lines}}")})

    job = bench.run(template)

    stdout = bench.stdout(job.id)
    assert job.status == "successful"
    assert "leaked-value" not in stdout
    assert "leaked-value" not in json.dumps(job.job_env)
    assert "ANSIBLE_DISPLAY_SKIPPED_HOSTS=False" in stdout
    assert f"HOME={bench.settings.home}/run/{job.id}/home" in stdout
    assert job.job_env["JOB_ID"] == str(job.id)


def test_variables_tell_about_the_job_and_webhook_variables_win(bench: Bench) -> None:
    about_job = ["awx_job_id", "tower_job_template_name", "awx_job_launch_type", "awx_inventory_name"]
    others = ["awx_webhook_event_type", "awx_webhook_payload.pull_request.title", "kept"]
    tasks = [f"debug: {{var: {name}}}" for name in [*about_job, *others]]
    template = bench.template(
        {"site.yml": play(*tasks)}, extra_vars="awx_webhook_event_type: mine\ntower_webhook_payload: mine\nkept: yes\n"
    )
    delivery = add_delivery(bench, {"pull_request": {"title": "Fix {{ braces }}"}})

    job = bench.run(template, delivery_id=delivery, launch_type="webhook")

    stdout = bench.stdout(job.id)
    assert job.status == "successful", stdout
    for line in (
        f'"awx_job_id": {job.id}',
        '"tower_job_template_name": "deploy"',
        '"awx_job_launch_type": "webhook"',
        '"awx_inventory_name": "machines"',
        '"awx_webhook_event_type": "pull_request"',
        '"awx_webhook_payload.pull_request.title": "Fix {{ braces }}"',
        '"kept": true',
    ):
        assert line in stdout


def test_the_inventory_may_lie_in_the_project(bench: Bench) -> None:
    files = {
        "site.yml": play("debug: {msg: 'at {{ inventory_hostname }} {{ colour }}'}"),
        "inventories/test/hosts.yml": "all: {hosts: {from-file: {ansible_connection: local}}}",
        "inventories/test/group_vars/all.yml": "colour: green",
    }
    template = bench.template(files, inventory_id=bench.inventory({}, source_path="inventories/test"))

    job = bench.run(template)

    assert job.status == "successful", bench.stdout(job.id)
    assert "at from-file green" in bench.stdout(job.id)


def test_host_variables_may_be_templates_and_names_are_names(bench: Bench) -> None:
    hosts = {"web.example.com": LOCAL + "greeting: 'hi {{ inventory_hostname }}'"}
    template = bench.template({"site.yml": play("debug: {var: greeting}")}, inventory_id=bench.inventory(hosts))

    job = bench.run(template)

    assert '"greeting": "hi web.example.com"' in bench.stdout(job.id)


@pytest.mark.parametrize(
    ("files", "changes", "explanation"),
    [
        ({"other.yml": ""}, {}, 'The playbook "site.yml" in project "plays" does not exist.'),
        ({"site.yml": ""}, {"playbook": "../../outside.yml"}, "leads out of its directory"),
        ({"site.yml": ""}, {"playbook": "link.yml"}, "leads out of its directory"),
        ({"site.yml": play("debug:")}, {"inventory_id": None}, "The job has no inventory"),
        ({"site.yml": play("debug:")}, {"project_id": None}, "The job has no project"),
        ({"site.yml": play("debug:")}, {"extra_vars": "[1, 2]"}, "The variables of the job are not a mapping"),
    ],
)
def test_what_cannot_run_ends_in_error_with_a_sentence(
    bench: Bench, files: dict[str, str], changes: dict[str, object], explanation: str
) -> None:
    write_files(bench.settings.home, {"outside.yml": play("debug:")})
    template = bench.template(files)
    (bench.settings.manual_projects / "plays" / "link.yml").symlink_to(bench.settings.home / "outside.yml")

    job = bench.run(template, **changes)

    assert (job.status, job.failed, job.started) == ("error", True, None)
    assert explanation in job.job_explanation
    assert job.event_processing_finished


@pytest.mark.parametrize("local_path", ["", "..", "../home", "missing", "link"])
def test_a_manual_project_stays_below_its_root(bench: Bench, local_path: str, tmp_path: Path) -> None:
    template = bench.template({"site.yml": play("debug:")})
    write_files(tmp_path / "elsewhere", {"site.yml": play("debug:")})
    (bench.settings.manual_projects / "link").symlink_to(tmp_path / "elsewhere")
    project = bench.row(t.unified_job_templates, template).project_id
    bench.update(t.unified_job_templates, project, local_path=local_path)

    job = bench.run(template)

    assert job.status == "error"
    assert 'project "plays"' in job.job_explanation.lower()


@both_starts
def test_an_inventory_that_does_not_parse_is_named(bench: Bench) -> None:
    files = {"site.yml": play("debug:"), "hosts.ini": "[a\nx y=\n"}
    template = bench.template(files, inventory_id=bench.inventory(source_path="hosts.ini"))

    job = bench.run(template)

    assert job.status == "error", bench.events(job.id)
    assert job.job_explanation == (
        'Ansible could not read "hosts.ini" of inventory "machines"; the job\'s output says why.'
    )


@both_starts
def test_a_playbook_with_a_mistake_fails(bench: Bench) -> None:
    job = bench.run(bench.template({"site.yml": "- hosts: ["}))

    assert (job.status, job.job_explanation) == (
        "failed",
        "Ansible could not start the playbook; the job's output says why.",
    )
    assert "YAML parsing failed" in bench.stdout(job.id)


@both_starts
def test_a_job_that_takes_too_long_fails(bench: Bench) -> None:
    job = bench.run(bench.template({"site.yml": play("wait_for: {timeout: 600}")}, timeout=2))

    assert (job.status, job.job_explanation) == (
        "failed",
        "The job ran longer than its timeout of 2 seconds and was ended.",
    )
    assert job.elapsed < 60


@both_starts
def test_a_payload_cannot_forge_events(bench: Bench) -> None:
    """ansible-runner finds events between control characters in the output; a task's name may hold those."""
    forged = {"uuid": "forged-1", "event": "playbook_on_stats", "event_data": {"artifact_data": {"forged": True}}}
    text = base64.b64encode(json.dumps(forged).encode()).decode()
    mark = f"\x1b[K{text}\x1b[{len(text)}D\x1b[K"
    delivery = add_delivery(bench, {"title": f"{mark}{mark}"})
    site = play("{name: 'title {{ awx_webhook_payload.title }}', debug: {msg: after}}")

    job = bench.run(bench.template({"site.yml": site}), delivery_id=delivery)

    assert job.status == "successful"
    assert job.artifacts == {}
    assert [event.event for event in bench.events(job.id)].count("playbook_on_stats") == 1
    assert '"msg": "after"' in bench.stdout(job.id)


def test_jobs_of_a_lock_group_run_one_after_the_other_in_order(bench: Bench, tmp_path: Path) -> None:
    order = tmp_path / "order"
    line = f"shell: echo start {{{{ awx_job_id }}}} >> {order}; sleep 1; echo end {{{{ awx_job_id }}}} >> {order}"
    template = bench.template({"site.yml": play(line)})

    jobs = [bench.launch(template) for _ in range(3)]

    for job_id in jobs:
        assert bench.wait(job_id).status == "successful"
    expected = [word for job_id in jobs for word in (f"start {job_id}", f"end {job_id}")]
    assert order.read_text().splitlines() == expected


def test_jobs_without_a_lock_group_run_at_the_same_time(bench: Bench, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    meet = f"shell: touch {here}/{{{{ awx_job_id }}}}; until [ $(ls {here} | wc -l) = 3 ]; do sleep 0.05; done"
    template = bench.template({"site.yml": play(meet)}, allow_simultaneous=True)

    jobs = [bench.wait(job_id) for job_id in [bench.launch(template) for _ in range(3)]]

    assert [job.status for job in jobs] == ["successful"] * 3
    assert max(job.started for job in jobs) < min(job.finished for job in jobs)


@both_starts
def test_much_output_is_stored_whole(bench: Bench) -> None:
    site = play("{debug: {msg: 'line {{ item }}'}, loop: '{{ range(700) | list }}'}")

    job = bench.run(bench.template({"site.yml": site}))

    stdout = bench.stdout(job.id)
    assert all(f"line {number}" in stdout for number in range(700))
    assert len(bench.events(job.id)) > 700
