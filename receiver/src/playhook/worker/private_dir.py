# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's private data directory: made fresh, 0700, and removed with everything in it (SECURITY S4)."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playhook.logs import get_logger

_log = get_logger(__name__)


def runs_below(home: Path) -> Path:
    """Return the directory that holds the private directories."""
    return home / "run"


@contextmanager
def private_dir(home: Path, job_id: int) -> Iterator[Path]:
    """Make the directory of a job and remove it afterwards. The name is short: sockets below it have short limits."""
    directory = runs_below(home) / str(job_id)
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700)  # fails if there is one: never a directory that somebody prepared
    try:
        yield directory
    finally:
        remove_tree(directory)


def remove_left_overs(home: Path) -> None:
    """Remove what killed receivers left; only while no job runs."""
    if runs_below(home).is_dir():
        for directory in runs_below(home).iterdir():
            remove_tree(directory)


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
