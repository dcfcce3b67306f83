# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible reads while it is imported: jobs in which all of that is the same may share a warm fork server.

That is the installation itself, the ANSIBLE_* variables, the language, and ansible.cfg. The paths of a job's own
directories are in it too, so they are replaced by a mark before two jobs are compared. Nothing else of a job goes to
a fork server: no variable that only this job has, no credential, no extra variable.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playhook.errors import PlayhookError
from playhook.worker.environment import ANSIBLE_SETTINGS, JOB_SETTINGS, LANGUAGE
from playhook.worker.request import RunRequest

# By these a program, or a library in it, decides something once and for all.
_READ_AT_START: Final = (
    "ANSIBLE_", "_ANSIBLE_", "PYTHON", "LD_", "LC_", "GLIBC_", "MALLOC_", "OPENSSL_",
)  # fmt: skip
_STAGE: Final = "@stage@"  # stands for a job's private directory
# Read when a playbook runs, never at import, and different for every project.
_SEARCH_PATHS: Final = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_ROLES_PATH")
_SYSTEM_CONFIG: Final = Path("/etc/ansible/ansible.cfg")
_MAIN: Final = b"from ansible.cli.playbook import main"


class ColdStart(PlayhookError):
    """This job cannot start warm; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One way to have Ansible imported. `script` is the real ansible-playbook, `python` what its first line names."""

    key: str
    script: str
    python: str
    config_file: bytes | None = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    def prepare(self, stage: Path) -> dict[str, str]:
        """Lay out `stage` like a job's private directory, and return the environment to import Ansible in."""
        for name in ("home", "scratch", "project"):
            (stage / name).mkdir(mode=0o700)
        if self.config_file is not None:
            (stage / "project" / "ansible.cfg").write_bytes(self.config_file)
        return {name: value.replace(_STAGE, str(stage)) for name, value in self.environment.items()}


def read_configuration(request: RunRequest) -> Configuration:
    """Return what this job's Ansible would read at import. Raises ColdStart."""
    script, python = _find_script(request.environment.get("PATH", ""))
    environment = _normal_environment(request)
    config_file = _read_project_config(Path(request.project_dir))
    seen = [
        script,
        python,
        sorted(environment.items()),
        None if config_file is None else hashlib.sha256(config_file).hexdigest(),
        _digest(_SYSTEM_CONFIG),
        _digest(_operators_config(environment)),
        _look_at_installation(script),
    ]
    return Configuration(
        key=hashlib.sha256(json.dumps(seen).encode()).hexdigest(),
        script=script,
        python=python,
        config_file=config_file,
        environment=environment,
    )


def _normal_environment(request: RunRequest) -> dict[str, str]:
    known = {*LANGUAGE, *ANSIBLE_SETTINGS, *JOB_SETTINGS, *_SEARCH_PATHS}
    for name in request.environment:
        if name.startswith(_READ_AT_START) and name not in known:
            raise ColdStart(f"the job sets {name}, which Ansible, Python or a library may read when it starts")
    own = {request.private_dir: _STAGE, request.environment["TMPDIR"]: f"{_STAGE}/scratch"}
    environment = {}
    for name in sorted(known & set(request.environment)):
        value = request.environment[name]
        for path in sorted(own, key=len, reverse=True):
            value = value.replace(path, own[path])
        environment[name] = value
    return environment | dict.fromkeys(_SEARCH_PATHS, f"{_STAGE}/none")


def _read_project_config(project: Path) -> bytes | None:
    file = project / "ansible.cfg"
    try:
        kind = file.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(kind.st_mode):
        raise ColdStart("ansible.cfg is no regular file")
    if project.stat().st_mode & stat.S_IWOTH:
        raise ColdStart("everybody may write to the project's directory, so Ansible ignores its ansible.cfg")
    return file.read_bytes()


def _operators_config(environment: Mapping[str, str]) -> Path | None:
    if "ANSIBLE_CONFIG" not in environment:
        return None
    file = Path(environment["ANSIBLE_CONFIG"])
    if not file.is_absolute() or not file.is_file():
        raise ColdStart("ANSIBLE_CONFIG is not the absolute path of a file")
    return file


def _digest(file: Path | None) -> str | None:
    if file is None or not os.access(file, os.R_OK):
        return None
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _find_script(search: str) -> tuple[str, str]:
    """Return the ansible-playbook that would be executed, and the Python in its first line. Raises ColdStart."""
    script = shutil.which("ansible-playbook", path=search)
    if script is None:
        raise ColdStart("there is no ansible-playbook")
    content = Path(script).read_bytes()[:4096]
    python = content.partition(b"\n")[0].removeprefix(b"#!").decode(errors="replace")
    ours = content.startswith(b"#!/") and os.path.exists(python)  # noqa: PTH110  no path at all, it may be
    if not ours or not Path(python).parent.samefile(Path(sys.executable).parent):
        raise ColdStart(f"{script} belongs to another Python than the receiver")
    if _MAIN not in content:
        raise ColdStart(f"{script} is not Ansible's own")
    return script, python


def _look_at_installation(script: str) -> list[object]:
    """Return what an installation of another version, or of anything beside it, changes."""
    found = importlib.util.find_spec("ansible")
    if found is None or found.origin is None:
        raise ColdStart("ansible-core is not installed beside the receiver")
    package = Path(found.origin).parent
    looked_at = [package / "release.py", package / "config" / "base.yml", package.parent, Path(script)]
    return [(str(each), (s := each.stat()).st_mtime_ns, s.st_ino, s.st_size) for each in looked_at]
