# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and collections that a project asks for in its requirements files, installed once a revision."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playhook.errors import JobCannotRun
from playhook.store.job_inputs import Credential, ProjectRow
from playhook.worker.commands import CommandFailed, Commands
from playhook.worker.masking import Mask
from playhook.worker.private_dir import remove_tree

# Where AWX looks for them.
_TOP: Final = ("requirements.yml", "requirements.yaml")
_FILES: Final = {
    "role": (*(f"roles/{name}" for name in _TOP), *_TOP),
    "collection": (*(f"collections/{name}" for name in _TOP), *_TOP),
}
_KEPT: Final = 24 * 3600.0  # seconds after its last use, so that no running job loses its own


def install_requirements(
    checkout: Path, cache: Path, revision: str, project: ProjectRow, commands: Commands
) -> Path | None:
    """Install what `checkout` asks for, unless this revision's is there; None when it asks for nothing.

    The caller holds the project's lock. Raises JobCannotRun.
    """
    wanted = [(kind, name) for kind, names in _FILES.items() for name in names if (checkout / name).is_file()]
    if not wanted:
        return None
    target = cache / revision
    if not target.is_dir():
        _install(checkout, wanted, target, project, commands)
    os.utime(target)
    _remove_unused(cache)
    return target


def _install(
    checkout: Path, wanted: list[tuple[str, str]], target: Path, project: ProjectRow, commands: Commands
) -> None:
    unfinished = target.with_suffix(".unfinished")
    remove_tree(unfinished)
    unfinished.mkdir(mode=0o700, parents=True)
    for kind, name in wanted:
        where = unfinished / f"{kind}s"
        try:
            commands.run(
                ["ansible-galaxy", kind, "install", "-r", name, "-p", str(where)],
                cwd=checkout,
                environment=galaxy_servers(project.galaxies),
            )
        except CommandFailed as error:
            said = [line for line in error.output.splitlines() if "ERROR" in line] or error.output.splitlines()[-1:]
            sentence = Mask({each.text("token") for each in project.galaxies}).text("".join(said[:1]))
            raise JobCannotRun(
                f'ansible-galaxy could not install "{name}" of project "{project.name}": {sentence[:500]}'
            ) from None
    unfinished.rename(target)


def galaxy_servers(galaxies: Sequence[Credential]) -> dict[str, str]:
    """Return the environment that names the servers to ansible-galaxy, in their order, as AWX does; tokens included.

    See https://docs.ansible.com/ansible/latest/collections_guide/collections_installing.html
    """
    environment: dict[str, str] = {}
    for number, galaxy in enumerate(galaxies):
        for setting in ("url", "auth_url", "token"):
            if value := galaxy.text(setting):
                environment[f"ANSIBLE_GALAXY_SERVER_SERVER{number}_{setting.upper()}"] = value
    if galaxies:
        environment["ANSIBLE_GALAXY_SERVER_LIST"] = ",".join(f"server{number}" for number in range(len(galaxies)))
    return environment


def _remove_unused(cache: Path) -> None:
    for each in cache.iterdir():
        if each.stat().st_mtime < time.time() - _KEPT:
            remove_tree(each)
