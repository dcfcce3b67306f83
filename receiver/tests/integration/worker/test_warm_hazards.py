# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What could differ in a process that was forked instead of executed, or stay from one job to the next."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.worker.conftest import Bench, play, wait_for, write_files
from tests.integration.worker.said import STARTED_BY, messages, ran_warm, show
from tests.integration.worker.starts import SharedLauncher

RunCold = Callable[[int], Any]
# Written by a filter, in the process of the playbook and in that of a task: whatever Python and the kernel tell.
STATE = """
import gc, json, locale, multiprocessing, os, re, resource, signal, socket, sys, tempfile, threading, time, warnings

def describe():
    main = sys.modules["__main__"]
    signals = {each.name: str(signal.getsignal(each)) for each in signal.Signals}
    wanted = re.compile("NoNewPrivs|Seccomp|SigBlk|SigIgn|Cap|Umask")
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return {
        "path": sys.path, "argv": sys.argv, "executable": [sys.executable, sys.prefix],
        "main": [main.__file__, main.__spec__], "finders": [str(each).partition(" at 0x")[0] for each in sys.meta_path],
        "environ": dict(os.environ), "cwd": os.getcwd(), "gc": [gc.isenabled(), gc.get_threshold()],
        "signals": {name: re.sub("parent=.*|0x.*", "", text) for name, text in signals.items()},
        "mask": list(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "wakeup": signal.set_wakeup_fd(-1),
        "locale": [locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False), sys.getfilesystemencoding()],
        "streams": [[each.encoding, each.errors, getattr(each, "line_buffering", None)] for each in streams],
        "limits": [resource.getrlimit(each) for each in range(16)], "zone": [time.tzname, time.timezone],
        "python": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.dont_write_bytecode],
        "hooks": [sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__, sys.gettrace()],
        "warnings": [str(each) for each in warnings.filters], "timeout": socket.getdefaulttimeout(),
        "threads": [each.name for each in threading.enumerate()], "temporary": tempfile.gettempdir(),
        "start": multiprocessing.get_start_method(True), "nice": os.nice(0), "groups": os.getgroups(),
        "ids": [os.getresuid(), os.getresgid()], "cores": sorted(os.sched_getaffinity(0)),
        "kernel": [line for line in open("/proc/self/status") if wanted.match(line)],
        "oom": open("/proc/self/oom_score_adj").read(),
    }

def tell(text):
    where = "task" if multiprocessing.parent_process() else "play"
    with open(f"DIRECTORY/{where}-{os.environ['JOB_ID']}", "w") as file:
        json.dump(describe(), file, default=str)
    return text

class FilterModule:
    def filters(self):
        return {"tell": tell}
"""


def test_a_plugin_finds_itself_in_the_process_that_a_command_would_be(
    bench: Bench, warm: SharedLauncher, run_cold: RunCold, tmp_path: Path
) -> None:
    site = play("debug: {msg: \"{{ 'task' | tell }}\"}", hosts="\"{{ 'all' | tell }}\"")
    template = bench.template({"site.yml": site, "filter_plugins/tell.py": STATE.replace("DIRECTORY", str(tmp_path))})

    cold, hot = run_cold(template), bench.run(template)

    assert (cold.status, hot.status, warm.refusals[-1]) == ("successful", "successful", None)
    for where in ("play", "task"):
        found = [_read_state(tmp_path / f"{where}-{job.id}", job.id) for job in (cold, hot)]
        assert found[1] == found[0]


def _read_state(file: Path, job_id: int) -> Any:
    # Each job has directories of its own; those for sockets are elsewhere where the name of this one is long.
    own = rf"(/run|/playhook-\d+-[0-9a-f]{{8}})/{job_id}\b"
    state = json.loads(re.sub(own, r"\1/N", file.read_text()))
    for name in ("JOB_ID", "PLAYHOOK_JOB"):
        del state["environ"][name]
    return state


def test_what_is_edited_or_installed_between_jobs_counts(bench: Bench, warm: SharedLauncher) -> None:
    """Playbooks, roles, plugins, modules and collections, those of the project and those beside it."""
    site = show("'x' | own", "'x' | my.own.own")
    site += "    - {own_module: }\n    - {include_role: {name: own}}\n    - {debug: {msg: WORD play}}\n"
    files = {
        "site.yml": site,
        "filter_plugins/own.py": _filter("WORD"),
        "collections/ansible_collections/my/own/plugins/filter/own.py": _filter("collection WORD"),
        "library/own_module.py": '#!/usr/bin/python\nprint(\'{"changed": false, "msg": "module WORD"}\')\n',
        "roles/own/tasks/main.yml": "- {debug: {msg: WORD role}}\n",
    }
    project = bench.manual_project({})
    template = bench.template({}, project_id=project, verbosity=1)

    said = []
    for word in ("one", "two"):
        write_files(
            bench.settings.manual_projects / "plays", {name: text.replace("WORD", word) for name, text in files.items()}
        )
        said.append(messages(bench, bench.run(template)))

    assert warm.refusals == [None, None]
    assert said == [
        [word, f"collection {word}", f"module {word}", f"{word} role", f"{word} play"] for word in ("one", "two")
    ]


def _filter(answer: str) -> str:
    return f"class FilterModule:\n    def filters(self):\n        return {{'own': lambda text: '{answer}'}}\n"


def test_a_time_zone_whose_file_changes_is_never_stale(
    bench: Bench, warm: SharedLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = tmp_path / "zone"
    monkeypatch.setenv("TZ", f":{zone}")
    template = bench.template({"site.yml": play(STARTED_BY, "debug: {msg: \"zone {{ '%z' | strftime }}\"}")})

    said = []
    for hours in (3, 5):
        zone.with_suffix(".new").write_bytes(_zone_file(hours))
        zone.with_suffix(".new").replace(zone)
        job = bench.run(template)
        said.append((ran_warm(bench, job), messages(bench, job)[-1]))

    assert said == [(True, "zone +0300"), (True, "zone +0500")]


def _zone_file(hours: int) -> bytes:
    """Return a zone without daylight saving time (tzfile(5), version 1)."""
    head = b"TZif" + bytes(16) + b"".join(count.to_bytes(4, "big") for count in (0, 0, 0, 0, 1, 4))
    return head + (hours * 3600).to_bytes(4, "big") + b"\0\0" + b"OWN\0"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT])
def test_a_signal_does_to_a_warm_playbook_what_it_does_to_a_command(
    bench: Bench, warm: SharedLauncher, run_cold: RunCold, number: signal.Signals
) -> None:
    kill = f"shell: kill -{number.value} $(cut -d' ' -f4 /proc/$(cut -d' ' -f4 /proc/$PPID/stat)/stat)"
    template = bench.template({"site.yml": play(kill, "wait_for: {timeout: 1}", "debug: {msg: went on}")})

    cold, hot = run_cold(template), bench.run(template)

    assert warm.refusals[-1] is None
    assert (hot.status, hot.job_explanation) == (cold.status, cold.job_explanation)
    said = [re.sub(r"\d+", "N", bench.stdout(job.id)) for job in (cold, hot)]
    assert said[1] == said[0]


def test_an_ansible_cfg_where_everybody_may_write_is_ignored(
    bench: Bench, warm: SharedLauncher, run_cold: RunCold
) -> None:
    files = {"site.yml": show("lookup('config', 'DEFAULT_TIMEOUT')"), "ansible.cfg": "[defaults]\ntimeout = 21\n"}
    template = bench.template(files)
    (bench.settings.manual_projects / "plays").chmod(0o777)

    hot, cold = bench.run(template), run_cold(template)

    assert messages(bench, hot) == messages(bench, cold) == ["10"]


@pytest.mark.parametrize("name", ["LC_TIME", "OPENSSL_CONF", "MALLOC_ARENA_MAX", "ANSIBLE_LIBRARY", "PYTHONHASHSEED"])
def test_a_variable_that_counts_at_the_start_makes_a_job_start_cold(
    bench: Bench, warm: SharedLauncher, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("playhook.worker.playbook_run.job_environment", _with(name))

    job = bench.run(bench.template({"site.yml": play(STARTED_BY)}))

    assert not ran_warm(bench, job)
    assert f"the job sets {name}" in str(warm.refusals[0])


def _with(name: str) -> Callable[..., dict[str, str]]:
    from playhook.worker.environment import job_environment

    return lambda *arguments: {**job_environment(*arguments), name: ""}


def test_many_jobs_leave_a_server_as_it_was(bench: Bench, warm: SharedLauncher) -> None:
    """No memory, no descriptor, no child and no file more."""
    template = bench.template({"site.yml": play(STARTED_BY)}, allow_simultaneous=True)
    assert ran_warm(bench, bench.run(template))
    server = psutil.Process(next(reversed(warm.servers._servers.values())).process.pid)
    stage = next(reversed(warm.servers._servers.values())).stage

    def look() -> tuple[int, int, list[psutil.Process], int]:
        return server.num_fds(), server.num_threads(), server.children(), len(list(stage.rglob("*")))

    wait_for(lambda: not server.children(), 60.0)
    before, resident = look(), server.memory_info().rss
    jobs = [bench.launch(template) for _ in range(12)]
    ended = [bench.wait(job) for job in jobs]

    wait_for(lambda: not server.children(), 60.0)
    assert [job.status for job in ended] == ["successful"] * 12
    assert all(ran_warm(bench, job) for job in ended)
    assert look() == before
    assert server.memory_info().rss - resident < 2 * 1024 * 1024


def test_a_server_that_is_killed_ends_its_jobs_and_is_replaced(bench: Bench, warm: SharedLauncher) -> None:
    template = bench.template({"site.yml": play(STARTED_BY), "slow.yml": play("command: sleep 977")})
    bench.run(template)
    first = next(reversed(warm.servers._servers.values())).process.pid
    job_id = bench.launch(template, playbook="slow.yml")
    sleepers = wait_for(lambda: _sleepers(first), 60.0)

    os.kill(first, signal.SIGKILL)
    killed = bench.wait(job_id)
    after = bench.run(template)

    assert (killed.status, after.status) == ("error", "successful")
    assert "launch it again" in killed.job_explanation
    assert ran_warm(bench, after)
    wait_for(lambda: not any(each.is_running() for each in sleepers), 60.0)


def _sleepers(server: int) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(server).children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            if "977" in each.cmdline():
                found.append(each)
    return found


USED = """
import os

def used(directory):
    with open(f"{directory}/used-{os.environ['JOB_ID']}", "w") as file:
        file.write(str(sum(os.times()[:2])))
    return "all"

class FilterModule:
    def filters(self):
        return {"used": used}
"""


def test_a_warm_job_takes_much_less_of_the_processor_to_begin(
    bench: Bench, warm: SharedLauncher, run_cold: RunCold, tmp_path: Path
) -> None:
    """In turns, the processor's time of ansible-playbook until the first play: a busy machine changes it little."""
    site = play(STARTED_BY, hosts=f"\"{{{{ '{tmp_path}' | used }}}}\"")
    template = bench.template({"site.yml": site, "filter_plugins/used.py": USED})

    jobs = [(run_cold(template), bench.run(template)) for _turn in range(3)]

    assert [(ran_warm(bench, cold), ran_warm(bench, hot)) for cold, hot in jobs] == [(False, True)] * 3
    cold, hot = (
        statistics.median(float((tmp_path / f"used-{job.id}").read_text()) for job in side)
        for side in zip(*jobs, strict=True)
    )
    assert hot < 0.5 * cold, f"{hot:.2f} s warm, {cold:.2f} s cold"
