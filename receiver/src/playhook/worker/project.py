# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project of a job: its own copy of the files, so that an update cannot change a job that runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from playhook.errors import JobCannotRun
from playhook.store.job_inputs import JobInputs, ProjectRow
from playhook.worker.paths import resolve_inside


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Files to run from. `requirements` holds roles and collections that the project asks for, None if it asks not."""

    path: Path
    revision: str = ""
    requirements: Path | None = None


def copy_manual_project(root: Path, project: ProjectRow, target: Path) -> Checkout:
    """Copy a manual project. Raises JobCannotRun."""
    what = f'the directory "{project.local_path}" of project "{project.name}" (below {root})'
    if not project.local_path:
        raise JobCannotRun(f'project "{project.name}" has neither a repository nor a directory')
    source = resolve_inside(root, project.local_path, what)
    if not source.is_dir() or source == root.resolve():
        raise JobCannotRun(f"{what} is not a directory of its own")
    shutil.copytree(source, target, symlinks=True)
    return Checkout(path=target)


def get_project(inputs: JobInputs) -> ProjectRow:
    """Return the job's project. Raises JobCannotRun."""
    if inputs.project is None:
        raise JobCannotRun("the job has no project, or it was deleted: give the job template another one")
    return inputs.project


def check_playbook(checkout: Path, playbook: str, project: ProjectRow, revision: str) -> str:
    """Return the playbook's path in the project, as ansible-playbook is to be given it. Raises JobCannotRun."""
    at = f" at revision {revision[:12]}" if revision else ""
    what = f'the playbook "{playbook}" in project "{project.name}"{at}'
    path = resolve_inside(checkout, playbook, what)
    if not path.is_file():
        raise JobCannotRun(f"{what} is not a file: correct the job template's playbook")
    return f"./{playbook}" if playbook.startswith("-") else playbook  # never taken for an option
