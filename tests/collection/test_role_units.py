# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's unit starts on a host that does all, and on hosts that do one part; which of them are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import TOP

ROLE = TOP / "roles/webhook_receiver"
SHARED = {"webhook_receiver_database_url": "postgresql://db/playhook", "webhook_receiver_secret_key": "k"}
PLAY = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [f"{ROLE}/defaults/main.yml", f"{ROLE}/vars/main.yml"],
        "tasks": [
            {"ansible.builtin.include_tasks": f"{ROLE}/tasks/options.yml"},
            {"ansible.builtin.template": {"src": f"{ROLE}/templates/playhook.service.j2", "dest": "{{ unit }}"}},
        ],
    }
]


def render(tmp_path: Path, **options: str) -> subprocess.CompletedProcess[str]:
    playbook, unit = tmp_path / "play.yml", tmp_path / "playhook.service"
    playbook.write_text(json.dumps(PLAY))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local"]
    ours = {"unit": str(unit), "__webhook_receiver_venv": "/venv", "ansible_python_interpreter": sys.executable}
    variables = {**options, **ours}
    command += ["--extra-vars", json.dumps(variables), str(playbook)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, "serve"),
        ({"webhook_receiver_database_url": "postgresql://db/playhook"}, "serve --migrate"),
        ({"webhook_receiver_runs": "web", **SHARED}, "serve --no-worker --migrate"),
        ({"webhook_receiver_runs": "worker", **SHARED}, "worker"),
    ],
)
def test_the_unit_starts_the_hosts_part(tmp_path: Path, options: dict[str, str], arguments: str) -> None:
    done = render(tmp_path, **options)

    assert done.returncode == 0, done.stdout
    assert f"\nExecStart=/venv/bin/playhook {arguments}\n" in (tmp_path / "playhook.service").read_text()


@pytest.mark.parametrize("missing", sorted(SHARED))
def test_a_part_without_what_it_shares_is_refused(tmp_path: Path, missing: str) -> None:
    options = {name: value for name, value in SHARED.items() if name != missing}
    done = render(tmp_path, webhook_receiver_runs="worker", **options)

    assert done.returncode != 0
    assert "webhook_receiver_runs is" in done.stdout
    assert not (tmp_path / "playhook.service").exists()
