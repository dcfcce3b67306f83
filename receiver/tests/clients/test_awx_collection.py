# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of awx.awx, as `ansible` 11 has them, in playbooks as their users write them.

The receiver is told by nothing that it is not AWX; its certificate is checked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.clients.conftest import client_environment
from tests.tls import Tls
from tests.live import LiveReceiver

PLAYBOOKS = Path(__file__).parent / "playbooks"
CHANGES_NOTHING = {"job_list", "job_wait"}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What became of one task."""

    name: str
    module: str
    status: str
    changed: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of ansible-playbook."""

    tasks: list[Task]
    output: str

    @property
    def changed(self) -> list[str]:
        return [each.name for each in self.tasks if each.changed]

    @property
    def unchanged(self) -> list[str]:
        return [each.name for each in self.tasks if not each.changed]


Play = Callable[[str], Run]


@pytest.fixture(scope="module")
def play(receiver: LiveReceiver, collection: Path, tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a playbook and return what its tasks did; a task that fails ends the test."""
    directory = tmp_path_factory.mktemp("plays")

    def run(name: str) -> Run:
        record = directory / f"{len(list(directory.iterdir()))}.json"
        environment = client_environment(receiver, tls) | {
            "ANSIBLE_COLLECTIONS_PATH": str(collection),
            "ANSIBLE_CALLBACKS_ENABLED": "tasks_as_json",
            "ANSIBLE_CALLBACK_PLUGINS": str(PLAYBOOKS / "callback_plugins"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_PIPELINING": "true",
            "TASKS_AS_JSON": str(record),
        }
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(PLAYBOOKS / f"{name}.yml")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"{output}\n{receiver.log()[-4000:]}"
        return Run(tasks=[Task(**json.loads(line)) for line in record.read_text().splitlines()], output=output)

    return run
