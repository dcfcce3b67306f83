# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads say, told by hand: one table for each service, and here what they share.

In a table, what is not named must be None. `number`, `author`, `fork`, `draft` and `labels` are those of the pull
request. EVERYWHERE is what holds for every payload of a service unless its line says otherwise.
"""

from __future__ import annotations

import importlib
from typing import Any

from tests.fixtures import Recorded, load, recorded_services

HEAD = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
BEFORE = "b27e61c0d94f3a85127be0c4d3f2a19988776655"
BASE = "c30d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d"
TAG_OBJECT = "e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718"
PATHS = ("trees/pear.yml", "README.md", "trees/apple.yml", "trees/dead.yml")
SPRING = {"ref": "refs/heads/spring/2026", "branch": "spring/2026"}
MAIN = {"ref": "refs/heads/main", "branch": "main"}
TAG = {"ref": "refs/tags/v1.4.0", "tag": "v1.4.0"}
IN_PR = {"branch": "prune-apples", "base_branch": "main", "head_sha": HEAD, "number": 12, "author": "mira-lindqvist"}
PR = {"kind": "pull_request", "fork": False, **IN_PR}
FROM_FORK = {**PR, "branch": "main", "head_sha": BEFORE, "number": 13, "author": "tomas-okafor", "fork": True}
DEPLOY = {"comment": "/deploy staging", "sender": "tomas-okafor"}


def expected_of(service: str) -> dict[str, dict[str, Any]]:
    """Return the table of a service, each line in full."""
    table = importlib.import_module(f"{__name__}.{service}")
    return {name: {**table.EVERYWHERE, **line} for name, line in table.EXPECTED.items()}


def cases() -> list[tuple[Recorded, dict[str, Any]]]:
    """Return every line of every table with its recorded payload."""
    return [
        (load(service, name), line) for service in recorded_services() for name, line in expected_of(service).items()
    ]
