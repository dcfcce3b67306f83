# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real `playhook serve`, a project on disk, and templates made through the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.live import LiveReceiver

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


@dataclass(frozen=True, kw_only=True)
class Template:
    """A job template as its webhook sees it."""

    id: int
    path: str
    key: str


class Installation(LiveReceiver):
    """A live receiver with one manual project and one inventory of the local host."""

    def prepare(self) -> None:
        """Make what templates need."""
        self.project_dir = self.projects / "site"
        self.project_dir.mkdir(parents=True, exist_ok=True)
        self.write_playbook("site.yml", "- ansible.builtin.debug: {msg: done}")
        organization = self.get("organizations/", name="Default")["results"][0]["id"]
        self.organization: int = organization
        self.project: int = self.post(
            "projects/", {"name": "site", "organization": organization, "local_path": "site"}
        )["id"]
        self.inventory: int = self.post("inventories/", {"name": "local", "organization": organization})["id"]
        host = {"name": "localhost", "inventory": self.inventory, "variables": json.dumps(LOCAL)}
        self.post("hosts/", host)

    def write_playbook(self, name: str, *tasks: str) -> None:
        """Write a playbook of the given tasks (YAML, one each) into the project."""
        lines = ["- hosts: all", "  gather_facts: false", "  tasks:"]
        for task in tasks:
            first, *rest = task.splitlines()
            lines += [f"    {first}", *(f"    {line}" for line in rest)]
        (self.project_dir / name).write_text("\n".join(lines) + "\n")

    def make_template(self, name: str, **fields: Any) -> Template:
        """Make a job template with its webhook on."""
        body = {
            "name": name,
            "project": self.project,
            "inventory": self.inventory,
            "playbook": "site.yml",
            "webhook_service": "github",
            **fields,
        }
        made = self.post("job_templates/", body)
        key = self.get(f"job_templates/{made['id']}/webhook_key/")["webhook_key"]
        return Template(id=made["id"], path=made["related"]["webhook_receiver"], key=key)

    def make_token_credential(self, name: str, kind: str, **inputs: str) -> int:
        """Make a token credential of the managed type called `kind`."""
        type_id = self.get("credential_types/", name=kind)["results"][0]["id"]
        body = {"name": name, "organization": self.organization, "credential_type": type_id, "inputs": inputs}
        return int(self.post("credentials/", body)["id"])


MakeInstallation = Callable[..., Installation]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for a module's tests; they make templates of their own."""
    with Installation(tmp_path_factory.mktemp("acceptance") / "home", env={"PLAYHOOK_WORKERS": "2"}) as live:
        live.prepare()
        yield live


@pytest.fixture
def make_installation(tmp_path: Path) -> Iterator[MakeInstallation]:
    """Make installations for one test, each in a state directory of its own."""
    made: list[Installation] = []

    def make(**env: str) -> Installation:
        live = Installation(tmp_path / f"home{len(made)}", env=env)
        made.append(live)
        live.start()
        live.prepare()
        return live

    yield make
    for live in made:
        live.stop()
