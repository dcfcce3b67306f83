# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks with awx.awx against a receiver, and what became of their tasks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.clients.conftest import SITE, client_environment
from tests.integration.worker.repositories import Repository
from tests.live import LiveReceiver
from tests.tls import Tls

PLAYBOOKS = Path(__file__).parent / "playbooks"
BIN = Path(sys.executable).parent


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

    @property
    def of_awx(self) -> list[Task]:
        """The tasks that ask the receiver."""
        return [each for each in self.tasks if each.module.startswith("awx.awx.")]


Play = Callable[..., Run]


def make_environment(receiver: LiveReceiver, collection: Path, tls: Tls) -> dict[str, str]:
    """Return the variables by which Ansible finds the collection, and the collection the receiver."""
    return client_environment(receiver, tls) | {
        "ANSIBLE_COLLECTIONS_PATH": str(collection),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PIPELINING": "true",
    }


def make_play(receiver: LiveReceiver, collection: Path, tls: Tls, directory: Path) -> Play:
    """Return a function that runs a playbook by its name; a task that fails ends the test."""
    repository = Repository(directory / "repository", {"site.yml": SITE})
    environment = make_environment(receiver, collection, tls)

    def run(name: str, *arguments: str, **variables: str) -> Run:
        record = directory / f"{len(list(directory.iterdir()))}.json"
        given = json.dumps({"git_url": f"file://{repository.path}", **variables})
        command = [str(BIN / "ansible-playbook"), "--extra-vars", given, *arguments]
        done = subprocess.run(
            [*command, str(PLAYBOOKS / f"{name}.yml")],
            env=environment | {"TASKS_AS_JSON": str(record)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"{output}\n{receiver.log()[-4000:]}"
        return Run(tasks=[Task(**json.loads(line)) for line in record.read_text().splitlines()], output=output)

    return run
