# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and with what the figures were measured."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("ansible-core", "ansible-runner", "starlette", "uvicorn", "sqlalchemy", "psycopg", "procrastinate")


def describe_machine() -> str:
    """Return cores, processor, memory and kernel, the versions that matter, and what else was going on."""
    memory = int(_find(r"MemTotal:\s+(\d+)", "/proc/meminfo") or 0) / 1024 / 1024
    processor = _find(r"model name\s*: (.*)", "/proc/cpuinfo") or platform.machine()
    machine = f"{len(os.sched_getaffinity(0))} cores of {processor}, {memory:.0f} GiB, Linux {platform.release()}"
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{machine}, load {os.getloadavg()[0]:.1f} before; {python}, {versions}"


def _find(pattern: str, file: str) -> str | None:
    found = re.search(pattern, Path(file).read_text())
    return found[1].strip() if found else None
