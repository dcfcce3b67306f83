# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the receiver asks a job's process to do, and what that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

IDENT: Final = "run"  # ansible-runner's name for a run; each has a private directory of its own
RunStatus = Literal["successful", "failed", "canceled", "timeout"]


def artifacts_of(private: Path) -> Path:
    """Return where ansible-runner keeps a run's own files."""
    return private / "artifacts" / IDENT


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One run of ansible-playbook. `options` are its command line options; nothing in them is secret.

    `timeout` is in seconds, 0 means none. `ssh_key` goes to an ssh-agent through a pipe, never to a file.
    """

    mark: str
    private_dir: str
    project_dir: str
    playbook: str
    inventory: list[str]
    options: list[str]
    environment: Mapping[str, str] = field(repr=False)
    timeout: int = 0
    ssh_key: str | None = field(default=None, repr=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RunRequest:
        return cls(**document)


@dataclass(frozen=True, kw_only=True)
class Started:
    """What ansible-runner was about to execute."""

    command: list[str]
    cwd: str
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How ansible-playbook ended."""

    status: RunStatus
    rc: int
