# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events from Ansible's process: what the callback plugin writes is read, whole, in order, and once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_runner.utils import get_callback_dir

from playhook.worker import callback
from playhook.worker.event_log import EventLog

# In a process of its own: Ansible's parts change when the plugin is loaded.
SCRIPT = """
import importlib.util, io, json, sys
spec = importlib.util.spec_from_file_location("plugin", sys.argv[1])
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
context = plugin._original.event_context
plugin._LARGEST = 300
for number in range(20):
    uuid = f"uuid-{number}"
    context.cache.set(f":1:ev-{uuid}", {"uuid": uuid, "event": "runner_on_ok", "event_data": {"text": "é\\n" * number}})
for content in ({"uuid": "1f" * 18}, {}, {"uuid": "x" * 500}):
    marks = []
    for write in (plugin._original.EventContext.dump, plugin._write_long_mark):
        output = io.StringIO()
        write(context, output, content, flush=True)
        marks.append(output.getvalue())
    print(json.dumps(marks))
"""


def write_events(directory: Path) -> list[list[str]]:
    """Have twenty events written to small files; returns marks, each as the plugin and as the original writes it."""
    plugins = os.pathsep.join([callback.DIRECTORY, get_callback_dir()])
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "ANSIBLE_CALLBACK_PLUGINS": plugins,
        "AWX_ISOLATED_DATA_DIR": str(directory),
    }
    command = [sys.executable, "-c", SCRIPT, f"{callback.DIRECTORY}/awx_display.py"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_events_are_read_as_they_were_written_and_their_files_go(tmp_path: Path) -> None:
    write_events(tmp_path)
    files = tmp_path / "job_events"
    assert len(list(files.iterdir())) > 2

    log = EventLog(files)
    taken = [log.take(f"uuid-{number}") for number in range(20)]
    log.close()

    assert [each["event_data"]["text"] for each in taken] == ["é\n" * number for number in range(20)]
    assert len(list(files.iterdir())) == 1


def test_marks_in_the_output_are_ansible_runners_own(tmp_path: Path) -> None:
    marks = write_events(tmp_path)

    assert len(marks) == 3
    for ours, original in marks:
        assert ours == original


def test_an_event_is_taken_once_and_an_unknown_one_is_empty(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    nothing = log.take("early")
    file = tmp_path / "log-0"

    file.write_bytes(line(uuid="a") + line(uuid="b")[:5])
    first, half = log.take("a"), log.take("b")
    file.write_bytes(line(uuid="a") + line(uuid="b"))

    assert (nothing, first, half) == ({}, {"uuid": "a"}, {})
    assert log.take("b") == {"uuid": "b"}
    assert (log.take("a"), log.take("forged")) == ({}, {})


def line(**event: Any) -> bytes:
    return json.dumps(event).encode() + b"\n"


def test_what_a_playbook_prints_need_not_be_strict_json(tmp_path: Path) -> None:
    (tmp_path / "log-0").write_text(
        '{"uuid": "a", "bytes": "\\udcff", "ratio": NaN, "large": 1180591620717411303424}\n'
    )
    found = EventLog(tmp_path).take("a")
    assert (found["bytes"], found["ratio"] != found["ratio"], found["large"]) == ("\udcff", True, 2**70)
