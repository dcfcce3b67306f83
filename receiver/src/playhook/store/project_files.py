# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the directories of projects: AWX's rules of what is a manual project and what is a playbook."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_NO_PLAYBOOKS_IN: Final = frozenset({"roles", "tasks", "group_vars", "host_vars"})
_PLAYBOOK_LINE: Final = re.compile(
    rb"^\s*-?\s*['\"]?(?:ansible\.builtin\.)?(?:hosts|include|import_playbook)['\"]?\s*:"
)
_VAULTED: Final = b"$ANSIBLE_VAULT;"
_MOST_FILES: Final = 5000
_LONGEST_FILE: Final = 1024 * 1024


def list_manual_projects(root: Path, used: Collection[str] = ()) -> list[str]:
    """Return the directories below `root` that a manual project may use: those that none uses yet."""
    try:
        names = [each.name for each in os.scandir(root) if each.is_dir() and not each.name.startswith((".", "_"))]
    except OSError:
        return []
    return sorted(set(names) - set(used))


def find_playbooks(directory: Path) -> list[str]:
    """Return the paths, below `directory`, of the files that look like playbooks."""
    return sorted(_find_playbooks(directory), key=str.lower)


def _find_playbooks(directory: Path) -> Iterator[str]:
    seen = 0
    for folder, folders, files in os.walk(directory):
        folders[:] = [each for each in folders if each not in _NO_PLAYBOOKS_IN and not each.startswith(".")]
        for name in files:
            seen += 1
            if seen > _MOST_FILES:
                return
            file = Path(folder, name)
            named = name.endswith((".yml", ".yaml")) and not name.startswith(".")
            if named and _looks_like_playbook(directory, file):
                yield str(file.relative_to(directory))


def _looks_like_playbook(directory: Path, file: Path) -> bool:
    lines = read_project_file(directory, file).splitlines()
    return any(
        _PLAYBOOK_LINE.match(line) or (not number and line.startswith(_VAULTED)) for number, line in enumerate(lines)
    )


def read_project_file(directory: Path, file: Path) -> bytes:
    """Read a file's first MiB; nothing where it is no regular file, or a link that leads out of `directory`.

    What a project holds is somebody else's: `x.yml` may be a link to /dev/zero or a pipe that nobody writes to.
    """
    base, real = os.path.realpath(directory), os.path.realpath(file)
    if not real.startswith(f"{base}{os.sep}"):
        return b""
    try:
        with open(real, "rb", opener=_open_without_waiting) as opened:
            return opened.read(_LONGEST_FILE) if stat.S_ISREG(os.fstat(opened.fileno()).st_mode) else b""
    except OSError:
        return b""


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
