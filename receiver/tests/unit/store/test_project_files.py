# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a project's directory and what is a playbook, by AWX's rules."""

from __future__ import annotations

import os
from pathlib import Path

from playhook.store.project_files import find_playbooks, list_manual_projects


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_playbooks_are_found_by_what_is_in_them(tmp_path: Path) -> None:
    _write(
        tmp_path,
        {
            "site.yml": "---\n- name: all\n  hosts: all\n",
            "Deploy.yaml": "- hosts: web\n",
            "imports.yml": "- import_playbook: site.yml\n",
            "long.yml": "- ansible.builtin.import_playbook: site.yml\n",
            "sub/deep.yml": "-   'hosts': all\n",
            "vaulted.yml": "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
            "vars.yml": "a: 1\nnot_hosts: x\n",
            "notes.txt": "- hosts: all\n",
            "roles/r/tasks/main.yml": "- hosts: all\n",
            "tasks/t.yml": "- hosts: all\n",
            "group_vars/all.yml": "hosts: all\n",
            "host_vars/h.yml": "hosts: all\n",
            ".github/workflow.yml": "- hosts: all\n",
            ".hidden.yml": "- hosts: all\n",
            "binary.yml": "\x00\x01",
        },
    )
    assert find_playbooks(tmp_path) == [
        "Deploy.yaml", "imports.yml", "long.yml", "site.yml", "sub/deep.yml", "vaulted.yml",
    ]  # fmt: skip


def test_a_directory_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert find_playbooks(tmp_path / "nowhere") == []
    assert list_manual_projects(tmp_path / "nowhere") == []


def test_manual_projects_are_the_directories_that_none_uses(tmp_path: Path) -> None:
    for name in ("one", "two", ".git", "_9__cloned"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    assert list_manual_projects(tmp_path, ["two"]) == ["one"]


def test_only_regular_files_inside_the_project_are_read(tmp_path: Path) -> None:
    """A link to /dev/zero would be read until memory ends, a pipe for ever."""
    project = tmp_path / "project"
    _write(tmp_path, {"outside.yml": "- hosts: all\n", "project/site.yml": "- hosts: all\n"})
    _write(project, {"huge.yml": "#" * 1024 * 1024 + "\n- hosts: all\n"})
    (project / "zero.yml").symlink_to("/dev/zero")
    (project / "outside.yml").symlink_to(tmp_path / "outside.yml")
    (project / "loop.yml").symlink_to("loop.yml")
    (project / "alias.yml").symlink_to("site.yml")
    os.mkfifo(project / "pipe.yml")
    assert find_playbooks(project) == ["alias.yml", "site.yml"]
