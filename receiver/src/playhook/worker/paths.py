# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that people gave, kept inside the directory they belong to."""

from __future__ import annotations

from pathlib import Path

from playhook.errors import JobCannotRun


def resolve_inside(root: Path, given: str, what: str) -> Path:
    """Return the existing path below `root`, with symbolic links followed. Raises JobCannotRun; `what` names it."""
    if "\0" in given or Path(given).is_absolute():
        raise JobCannotRun(f"{what} is not a relative path")
    base = root.resolve()
    try:
        path = (base / given).resolve()
    except (OSError, RuntimeError):
        raise JobCannotRun(f"{what} is a symbolic link to itself, or has too long a name") from None
    if path != base and base not in path.parents:
        raise JobCannotRun(f"{what} leads out of its directory, which is not allowed")
    if not path.exists():
        raise JobCannotRun(f"{what} does not exist")
    return path
