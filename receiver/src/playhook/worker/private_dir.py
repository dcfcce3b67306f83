# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's private data directory: made fresh, 0700, and removed with everything in it (SECURITY S4)."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from playhook.errors import JobCannotRun
from playhook.logs import get_logger

_log = get_logger(__name__)
_ROOM_FOR_SOCKETS: Final = 64


def runs_below(home: Path) -> Path:
    """Return the directory that holds the private directories."""
    return home / "run"


def scratch_of(private: Path) -> Path:
    """Return the job's directory for temporary files and sockets.

    It is in the private directory, unless that has too long a name: a socket's may have 107 characters (unix(7)), and
    ssh, ssh-agent and Ansible make some. Then it is in a directory of this installation's in the system's own.
    """
    if len(str(private)) <= _ROOM_FOR_SOCKETS:
        return private / "tmp"
    return _elsewhere(private.parent) / private.name


@contextmanager
def private_dir(home: Path, job_id: int) -> Iterator[Path]:
    """Make the directory of a job, with its scratch directory, and remove both afterwards. Raises JobCannotRun."""
    directory = runs_below(home) / str(job_id)
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700)  # fails if there is one: never a directory that somebody prepared
    scratch = scratch_of(directory)
    try:
        if scratch.parent == directory:
            scratch.mkdir(mode=0o700)
        else:
            _make_elsewhere(scratch)
        yield directory
    finally:
        remove_tree(scratch)
        remove_tree(directory)
        if scratch.parent != directory:
            with suppress(OSError):  # other jobs use it
                scratch.parent.rmdir()


def remove_left_overs(home: Path) -> None:
    """Remove what killed receivers left; only while no job runs."""
    for parent in (runs_below(home), _elsewhere(runs_below(home))):
        if parent.is_dir() and parent.lstat().st_uid == os.geteuid():
            for directory in parent.iterdir():
                remove_tree(directory)
            with suppress(OSError):
                parent.rmdir()


def _elsewhere(runs: Path) -> Path:
    mark = hashlib.sha256(str(runs).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"playhook-{os.geteuid()}-{mark}"


def _make_elsewhere(scratch: Path) -> None:
    """Make a job's scratch directory; another job that ends meanwhile may take along what is around it."""
    while True:
        try:
            _make_own(scratch.parent)
            scratch.mkdir(mode=0o700)
        except FileNotFoundError:
            if not scratch.parent.parent.is_dir():
                raise
        else:
            return


def _make_own(directory: Path) -> None:
    """Make a directory where everybody may; one that is there must be ours."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise JobCannotRun(f"{directory} belongs to somebody else: remove it, or give PLAYHOOK_HOME a shorter name")


def write_private(file: Path, content: bytes, *, mode: int = 0o600) -> Path:
    """Write a file that must not exist yet, and that nobody else may read at any moment."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    return file


def remove_tree(directory: Path) -> None:
    """Remove a directory, also where a job took away permissions that this needs; what stays is logged."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        for parent, _directories, _files in os.walk(directory):
            with suppress(OSError):
                Path(parent).chmod(stat.S_IRWXU)
        shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        _log.error("a directory was not removed", path=str(directory))
