# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that starts warm runs as one that starts cold: nothing stale, nothing shared, nothing left."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.worker.conftest import Bench, add_delivery, gate, play, wait_for, wait_for_gate
from tests.integration.worker.said import STARTED_BY, messages, ran_warm, show
from tests.integration.worker.starts import SharedLauncher

from playhook.settings import Settings
from playhook.store import tables as t
from playhook.worker import warm_configuration
from playhook.worker.launcher import start_launcher
from playhook.worker.loop import WorkerPool
from playhook.worker.warm_servers import why_never


def test_a_warm_job_is_forked_and_tells_the_same(bench: Bench, warm: SharedLauncher, run_cold: Any) -> None:
    files = {
        "site.yml": play(
            STARTED_BY,
            "{name: loop, debug: {msg: 'item {{ item }}'}, loop: [1, 2]}",
            "{name: changed, command: 'true'}",
            "{name: ignored, fail: {msg: no}, ignore_errors: true}",
            "{name: skipped, debug: {msg: no}, when: false}",
            "{name: role, include_role: {name: own}}",
            "{name: artifacts, set_stats: {data: {a: 1}}}",
            "{name: facts, setup: {gather_subset: [min]}}",
            "{name: where, debug: {msg: '{{ playbook_dir | basename }} {{ ansible_version.full }} {{ role_names }}'}}",
            "{name: python, debug: {msg: '{{ ansible_playbook_python }} {{ ansible_config_file }}'}}",
        ),
        "roles/own/tasks/main.yml": "- debug: {msg: \"{{ 'from the role' | own_filter }}\"}\n",
        "filter_plugins/own.py": _filter("own_filter", "filtered"),
    }
    template = bench.template(files)

    cold, hot = run_cold(template), bench.run(template)

    assert (ran_warm(bench, cold), ran_warm(bench, hot)) == (False, True)
    assert (hot.status, hot.artifacts, hot.host_status_counts) == (cold.status, cold.artifacts, cold.host_status_counts)
    told = [
        [
            (event.event, event.task, event.host_name, event.failed, event.changed, event.start_line, event.end_line)
            for event in bench.events(job.id)
        ]
        for job in (cold, hot)
    ]
    assert told[0] == told[1]
    texts = [
        re.sub(rf"by .*|run/{job.id}/|[\d:. ]+(AM|PM)|\d{{4}}-\d\d.*", "", bench.stdout(job.id)) for job in (cold, hot)
    ]
    assert texts[0] == texts[1]


def test_every_job_has_its_own_environment_directory_and_random_values(bench: Bench, warm: SharedLauncher) -> None:
    template = bench.template(
        {
            "site.yml": show(
                "'JOB_ID=' ~ lookup('env', 'JOB_ID') ~ ' HOME=' ~ lookup('env', 'HOME')",
                "'cwd ' ~ lookup('pipe', 'pwd')",
                "'tmp ' ~ lookup('config', 'DEFAULT_LOCAL_TMP')",
                "'home ' ~ lookup('config', 'ANSIBLE_HOME') ~ lookup('config', 'DEFAULT_FILTER_PLUGIN_PATH')[0]",
                "'random ' ~ (999999999999 | random)",
                "'password ' ~ lookup('password', '/dev/null')",
            )
        }
    )

    jobs = [bench.run(template) for _ in range(2)]

    assert warm.refusals == [None, None]
    for job in jobs:
        private = bench.settings.home / "run" / str(job.id)
        said = messages(bench, job)
        assert said[0] == f"JOB_ID={job.id} HOME={private}/home"
        assert said[1] == f"cwd {private}/project"
        assert re.match(r"tmp .*ansible-local-\d+\w+$", said[2])
        assert said[3] == f"home {private}/home/.ansible{private}/home/.ansible/plugins/filter"
    for one, other in zip(messages(bench, jobs[0])[2:], messages(bench, jobs[1])[2:], strict=True):
        assert one != other
    uuids = [{event.uuid for event in bench.events(job.id)} for job in jobs]
    assert uuids[0] & uuids[1] == set()


def test_a_configuration_that_changes_is_never_stale(
    bench: Bench, warm: SharedLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = bench.manual_project({"site.yml": show("lookup('config', 'DEFAULT_TIMEOUT')", "ansible_config_file")})
    template = bench.template({}, project_id=project)
    config = bench.settings.manual_projects / "plays" / "ansible.cfg"
    operators = tmp_path / "operators.cfg"
    said = [messages(bench, bench.run(template))]

    config.write_text("[defaults]\ntimeout = 21\n")
    said.append(messages(bench, bench.run(template)))
    config.write_text("[defaults]\ntimeout = 22\n")
    said.append(messages(bench, bench.run(template)))
    monkeypatch.setenv("ANSIBLE_TIMEOUT", "23")
    said.append(messages(bench, bench.run(template)))
    monkeypatch.delenv("ANSIBLE_TIMEOUT")
    operators.write_text("[defaults]\ntimeout = 24\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(operators))
    said.append(messages(bench, bench.run(template)))
    operators.write_text("[defaults]\ntimeout = 25\n")
    said.append(messages(bench, bench.run(template)))

    assert [each[0] for each in said] == ["10", "21", "22", "23", "24", "25"]
    assert warm.refusals == [None] * 6
    assert said[1][1].endswith("/project/ansible.cfg")
    assert said[5][1] == str(operators)


def test_a_server_with_another_configuration_does_not_run_the_job(
    bench: Bench, warm: SharedLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the key says, a job's process reads the configuration itself, and executes what it must not be."""
    project = bench.manual_project(
        {"site.yml": play(STARTED_BY, "debug: {msg: \"{{ lookup('config', 'DEFAULT_TIMEOUT') }}\"}")}
    )
    template = bench.template({}, project_id=project)
    plain = bench.run(template)
    key = next(reversed(warm.servers._servers))
    real = warm_configuration.read_configuration

    def mistaken(request: Any) -> Any:
        configuration = real(request)
        object.__setattr__(configuration, "key", key)
        return configuration

    monkeypatch.setattr("playhook.worker.warm_servers.read_configuration", mistaken)
    (bench.settings.manual_projects / "plays" / "ansible.cfg").write_text("[defaults]\ntimeout = 21\n")
    other = bench.run(template)

    assert warm.refusals == [None, None]
    assert (ran_warm(bench, plain), ran_warm(bench, other)) == (True, False)
    assert messages(bench, other)[1] == "21"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("[defaults]\nlog_path = ./all.log\n", "names a log file"),
        ("[defaults]\ntimeout = soon\n", "cannot be imported"),
        ("no section\n", "cannot be imported"),
    ],
)
def test_a_configuration_that_cannot_be_shared_starts_cold(
    bench: Bench, warm: SharedLauncher, run_cold: Any, config: str, reason: str
) -> None:
    template = bench.template({"site.yml": play("debug:"), "ansible.cfg": config})

    hot, cold = bench.run(template), run_cold(template)

    assert warm.refusals[0] is not None
    assert reason in warm.refusals[0]
    assert (hot.status, hot.job_explanation) == (cold.status, cold.job_explanation)


@pytest.mark.parametrize(("name", "value", "coloured"), [("TZ", "UTC", True), ("ANSIBLE_NOCOLOR", "1", False)])
def test_colour_is_as_the_operator_says(
    bench: Bench, warm: SharedLauncher, monkeypatch: pytest.MonkeyPatch, name: str, value: str, coloured: bool
) -> None:
    monkeypatch.setenv(name, value)

    job = bench.run(bench.template({"site.yml": play("command: 'true'")}))

    assert warm.refusals == [None]
    assert ("\x1b[0;33mchanged" in bench.stdout(job.id)) is coloured


LOOK = """
MAIN=$(cut -d' ' -f4 /proc/$PPID/stat)
for EACH in $PPID $MAIN; do
    grep -E '^(SigIgn|SigCgt|ShdPnd|Seccomp|NoNewPrivs)' /proc/$EACH/status
    cat /proc/$EACH/comm
    ls -l /proc/$EACH/fd | sed -n 's/.* -> //p' | sed 's/[0-9]*//g' | sort
done
cut -d' ' -f7 /proc/$MAIN/stat | sed 's/^[1-9][0-9]*$/a terminal/'
umask
ulimit -a
"""


def test_signals_descriptors_and_the_terminal_are_those_of_a_command(
    bench: Bench, warm: SharedLauncher, run_cold: Any
) -> None:
    template = bench.template({"site.yml": show("lookup('pipe', '. ./look.sh')"), "look.sh": LOOK})

    cold, hot = messages(bench, run_cold(template)), messages(bench, bench.run(template))

    assert warm.refusals[-1] is None
    assert hot[0].replace("\\n", "\n") == cold[0].replace("\\n", "\n")
    assert "ansible-playboo" in hot[0]
    assert "a terminal" in hot[0]


def test_temporary_directories_are_a_jobs_own_while_another_one_ends(
    bench: Bench, warm: SharedLauncher, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    own = "\"{{ lookup('config', 'DEFAULT_LOCAL_TMP') }}/x\""
    long = play(gate(go), f"copy: {{content: x, dest: {own}}}", f"stat: {{path: {own}}}")
    template = bench.template({"site.yml": play("debug:"), "long.yml": long}, allow_simultaneous=True)
    stage = next(reversed(warm.servers._servers.values())).stage if warm.servers._servers else None

    slow = bench.launch(template, playbook="long.yml")
    wait_for_gate(go)
    quick = bench.run(template)
    go.touch()
    ended = bench.wait(slow)

    assert (quick.status, ended.status) == ("successful", "successful"), bench.stdout(slow)
    assert quick.finished < ended.finished
    assert list((bench.settings.home / "run").iterdir()) == []
    assert stage is None or list((stage / "scratch").rglob("ansible-local*/*")) == []


def test_projects_with_plugins_of_the_same_name_do_not_meet(bench: Bench, warm: SharedLauncher) -> None:
    """Filters, an action that hides a builtin one, a module, a callback, and a collection."""
    said = []
    for word in ("one", "two"):
        files = {
            "site.yml": show("'x' | own", "'x' | my.own.own") + "    - {debug: {msg: hidden}}\n    - {own_module: }\n",
            "filter_plugins/own.py": _filter("own", word),
            "collections/ansible_collections/my/own/plugins/filter/own.py": _filter("own", f"collection {word}"),
            "action_plugins/fail.py": "raise RuntimeError\n",
            "library/own_module.py": f'#!/usr/bin/python\nprint(\'{{"changed": false, "msg": "module {word}"}}\')\n',
        }
        project = bench.manual_project(files, name=word)
        job = bench.run(bench.template({}, project_id=project, verbosity=1, name=word))
        said.append(messages(bench, job))

    assert warm.refusals == [None, None]
    assert said == [[f"{word}", f"collection {word}", "hidden", f"module {word}"] for word in ("one", "two")]


def _filter(name: str, answer: str) -> str:
    return f"class FilterModule:\n    def filters(self):\n        return {{'{name}': lambda text: '{answer}'}}\n"


def test_no_secret_of_a_job_or_of_the_receiver_is_in_a_servers_memory(bench: Bench, warm: SharedLauncher) -> None:
    planted = f"planted-{os.urandom(8).hex()}"
    template = bench.template({"site.yml": play("debug: {var: awx_webhook_payload}")}, extra_vars=f"own: {planted}-own")
    delivery = add_delivery(bench, {"title": f"{planted}-payload"})

    job = bench.run(template, delivery_id=delivery, launch_type="webhook")

    assert f"{planted}-payload" in bench.stdout(job.id)
    key = (bench.settings.home / "secret_key").read_bytes().strip()
    servers = [psutil.Process(each.pid) for each in warm.processes()]
    assert servers
    for server in servers:
        memory = read_memory(server.pid)
        assert b"ansible.cli.playbook" in memory
        assert planted.encode() not in memory
        assert key not in memory
        assert "PLAYHOOK_ADMIN_PASSWORD" not in server.environ()
        assert len(server.threads()) == 1


def read_memory(pid: int) -> bytes:
    """Return what a process has written to its own memory; it stands still meanwhile, so that its maps stay true."""
    content = []
    process = psutil.Process(pid)
    process.suspend()
    try:
        with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                start, end = (int(each, 16) for each in line.split()[0].split("-"))
                if " rw" in line and end - start < 1 << 30:
                    memory.seek(start)
                    content.append(memory.read(end - start))
    finally:
        process.resume()
    return b"".join(content)


def test_servers_are_few_and_are_replaced(
    bench: Bench, warm: SharedLauncher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    template = bench.template({"site.yml": play("debug:"), "slow.yml": play(gate(go))})
    bench.run(template)
    slow = bench.launch(template, playbook="slow.yml")
    wait_for_gate(go)
    first = next(reversed(warm.servers._servers.values()))

    monkeypatch.setattr("playhook.worker.warm_servers._MOST_JOBS", 1)
    project = bench.row(t.unified_job_templates, template).project_id
    other = bench.template({}, project_id=project, name="other")
    after = bench.run(other)
    second = next(reversed(warm.servers._servers.values()))

    assert after.status == "successful"
    assert second.process.pid != first.process.pid
    assert first.process.exit_status is None, "a retired server ends its jobs"
    go.touch()
    assert bench.wait(slow).status == "successful"
    wait_for(lambda: first.process.exit_status is not None, 60.0)
    assert not first.stage.exists()


def test_an_installation_that_changes_gets_a_new_server(
    bench: Bench, warm: SharedLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = bench.template({"site.yml": play("debug:")})
    bench.run(template)
    before = {each.pid for each in warm.processes()}

    monkeypatch.setattr(warm_configuration, "_look_at_installation", lambda script: ["another version"])
    bench.run(template)

    assert {each.pid for each in warm.processes()} - before
    assert len(warm.processes()) <= 4


def test_a_server_leaves_with_its_receiver_and_takes_its_stage_along(bench: Bench, tmp_path: Path) -> None:
    launcher = SharedLauncher(tmp_path / "elsewhere")
    pool = WorkerPool(bench.store, launcher, bench.settings, bench.dispatch)
    pool.start()
    job = bench.run(bench.template({"site.yml": play(STARTED_BY)}))
    server = next(iter(launcher.servers._servers.values()))
    pool.stop()

    server.process.close()  # as when the receiver dies

    assert launcher.refusals == [None]
    assert ran_warm(bench, job)
    wait_for(lambda: server.process.exit_status is not None, 60.0)
    assert not server.stage.exists()
    launcher.leave()


def test_warm_start_is_off_where_it_cannot_be(tmp_path: Path) -> None:
    on = Settings(home=tmp_path)
    isolated = on.model_copy(update={"isolation": "bubblewrap"})

    assert why_never(on) is None
    assert why_never(on.model_copy(update={"warm_start": "off"})) == "PLAYHOOK_WARM_START is off"
    assert "isolated (bubblewrap)" in str(why_never(isolated))
    assert start_launcher_is_cold(isolated)


def start_launcher_is_cold(settings: Settings) -> bool:
    launcher = start_launcher(settings)
    try:
        return launcher._warm is None
    finally:
        launcher.close()
