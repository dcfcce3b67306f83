# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery that is measured: a signed pull request of about 25 KB, and the receiver it is sent to."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from tests.live import LiveReceiver

SIZE = 25_000


def pull_request_body() -> bytes:
    """Return a payload of SIZE bytes, shaped like GitHub's: nested objects, long URLs, a text."""
    repository = {"id": 1, "full_name": "bench/repository", "html_url": "https://github.com/bench/repository"}
    payload: dict[str, Any] = {
        "action": "opened",
        "number": 1,
        "pull_request": {
            "number": 1,
            "title": "Make it faster",
            "user": {"login": "bench"},
            "head": {"ref": "topic", "sha": "a" * 40, "repo": repository},
            "base": {"ref": "main", "sha": "b" * 40, "repo": repository},
        },
        "repository": repository,
        "sender": {"login": "bench"},
    }
    urls: dict[str, str] = {}
    payload["links"] = urls
    number = 0
    while len(json.dumps(payload)) < SIZE:
        noise = hashlib.sha256(str(number).encode()).hexdigest()
        urls[f"link_{number}_url"] = f"https://api.github.com/repos/bench/repository/things/{noise}{{/id}}"
        number += 1
    return json.dumps(payload).encode()


def sign(key: str, body: bytes) -> str:
    """Return the header value as GitHub builds it."""
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def make_template(receiver: LiveReceiver) -> tuple[str, str]:
    """Make a job template with a one-task playbook; returns its webhook's path and key."""
    project_dir = receiver.home / "projects" / "bench"
    project_dir.mkdir(parents=True, exist_ok=True)
    write_playbook(project_dir / "site.yml")
    organization = receiver.get("organizations/", name="Default")["results"][0]["id"]
    project = receiver.post("projects/", {"name": "bench", "organization": organization, "local_path": "bench"})
    inventory = receiver.post("inventories/", {"name": "bench", "organization": organization})
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    receiver.post("hosts/", {"name": "localhost", "inventory": inventory["id"], "variables": json.dumps(local)})
    template = receiver.post(
        "job_templates/",
        {
            "name": "bench",
            "project": project["id"],
            "inventory": inventory["id"],
            "playbook": "site.yml",
            "webhook_service": "github",
            "allow_simultaneous": True,
        },
    )
    key = receiver.get(f"job_templates/{template['id']}/webhook_key/")["webhook_key"]
    return template["related"]["webhook_receiver"], key


def write_playbook(file: Path) -> None:
    """Write the playbook that both sides run."""
    file.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n        msg: done\n")
