# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project of a job: its own copy of the files, so that an update cannot change a job that runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from playhook.domain.checkouts import checkout_dir
from playhook.errors import JobCannotRun
from playhook.store.claims import record_project_revision
from playhook.store.job_inputs import JobInputs, ProjectRow
from playhook.store.project_files import find_playbooks
from playhook.store.projects import record_playbooks
from playhook.worker.commands import Commands
from playhook.worker.environment import ansible_settings
from playhook.worker.git_checkout import GitCheckout, is_full_sha
from playhook.worker.paths import resolve_inside
from playhook.worker.persistence import persist
from playhook.worker.private_dir import remove_tree
from playhook.worker.requirements import install_requirements
from playhook.worker.scm_access import open_scm_access
from playhook.worker.trees import make_mark
from playhook.worker.workshop import ClaimedJob, Workshop

_LONGEST_UPDATE: Final = 3600  # seconds, where the project has no timeout of its own


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Files to run from. `requirements` holds roles and collections that the project asks for, None if it asks not."""

    path: Path
    revision: str = ""
    requirements: Path | None = None


def check_out(shop: Workshop, job: ClaimedJob, private: Path) -> Checkout:
    """Make the job's own copy of its project below `private`. Raises JobCannotRun, JobStopped."""
    project, target = get_project(job.inputs), private / "project"
    if not project.scm_type:
        return copy_manual_project(shop.settings.manual_projects, project, target)
    with open_git(shop, job, private) as (git, commands):
        revision = _bring_up_to_date(shop, job, git)
        git.copy(revision, target)
        return Checkout(path=target, revision=revision, requirements=_install(git, target, revision, project, commands))


def update_checkout(shop: Workshop, job: ClaimedJob, private: Path, on_line: Callable[[str], None]) -> str:
    """Bring the project's cached checkout up to date and return its revision. Raises JobCannotRun, JobStopped."""
    project = get_project(job.inputs)
    if not project.scm_type:
        raise JobCannotRun(f'project "{project.name}" is a directory that you fill by hand: there is nothing to update')
    with open_git(shop, job, private, on_line) as (git, commands):
        revision = git.update(job.inputs.job.scm_branch or project.scm_branch)
        _install(git, git.directory, revision, project, commands)
        _record_update(shop, project, revision)
        return revision


@contextmanager
def open_git(
    shop: Workshop, job: ClaimedJob, private: Path, on_line: Callable[[str], None] = lambda _line: None
) -> Iterator[tuple[GitCheckout, Commands]]:
    """Lock the project's checkout, with what git needs to reach the repository; that is gone before the job starts."""
    project = get_project(job.inputs)
    if project.scm_type != "git":
        raise JobCannotRun(f'project "{project.name}" is of the type "{project.scm_type}": only git is supported')
    secrets = private / "scm"
    secrets.mkdir(mode=0o700)
    try:
        access = open_scm_access(project, secrets, shop.settings.home / "known_hosts")
        commands = Commands(
            mark=make_mark(shop.scope, job.claim.job_id),
            stop=job.stop,
            environment={**ansible_settings(), **access.environment},
            deadline=time.monotonic() + (project.timeout if project.timeout > 0 else _LONGEST_UPDATE),
            on_line=on_line,
        )
        git = GitCheckout(checkout_dir(shop.settings, project.id), project, access, commands)
        with git.locked():
            yield git, commands
    finally:
        remove_tree(secrets)


def _bring_up_to_date(shop: Workshop, job: ClaimedJob, git: GitCheckout) -> str:
    """Return the revision that the job runs, fetching only where the project says so or it is not here yet."""
    project = get_project(job.inputs)
    branch = job.inputs.job.scm_branch or project.scm_branch
    own_branch = branch == project.scm_branch
    if not own_branch and not project.allow_override:
        raise JobCannotRun(f'project "{project.name}" does not allow jobs to run another branch ("{branch}")')
    known = project.scm_revision if own_branch and project.scm_revision else branch
    # A name may mean another commit since the last fetch; a commit's id cannot.
    if not _is_stale(project) and is_full_sha(known) and (revision := git.find_revision(known)) is not None:
        return revision
    revision = git.update(branch)
    if own_branch:
        _record_update(shop, project, revision)
    return revision


def _record_update(shop: Workshop, project: ProjectRow, revision: str) -> None:
    """Note what the project's checkout holds, while it is locked."""
    playbooks = find_playbooks(checkout_dir(shop.settings, project.id))
    persist(shop.store, record_playbooks, project.id, playbooks)
    persist(shop.store, record_project_revision, project.id, revision)


def _is_stale(project: ProjectRow) -> bool:
    if not project.scm_update_on_launch or project.last_job_run is None:
        return project.scm_update_on_launch
    return project.last_job_run + timedelta(seconds=project.scm_update_cache_timeout) <= datetime.now(UTC)


def _install(git: GitCheckout, files: Path, revision: str, project: ProjectRow, commands: Commands) -> Path | None:
    return install_requirements(files, git.directory.with_suffix(".requirements"), revision, project, commands)


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
