# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a job and the ways between them. Every other way is refused by the store."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

JobStatus = Literal["new", "pending", "waiting", "running", "successful", "failed", "error", "canceled"]
JobType = Literal["job", "project_update", "workflow_job", "workflow_approval"]
LaunchType = Literal["manual", "webhook", "relaunch", "workflow", "dependency"]

# pending: accepted and stored. waiting: claimed by a worker that prepares it. running: ansible-playbook is at work.
TRANSITIONS: Final[Mapping[JobStatus, frozenset[JobStatus]]] = MappingProxyType(
    {
        "new": frozenset({"pending", "canceled", "error"}),
        "pending": frozenset({"waiting", "canceled", "error"}),
        "waiting": frozenset({"pending", "running", "failed", "canceled", "error"}),
        "running": frozenset({"successful", "failed", "error", "canceled"}),
        "successful": frozenset(),
        "failed": frozenset(),
        "error": frozenset(),
        "canceled": frozenset(),
    }
)

# No worker takes these: a workflow job is stepped from pending to its end, an approval waits, pending, for a person.
WORKFLOW_TRANSITIONS: Final[dict[JobStatus, frozenset[JobStatus]]] = {
    "pending": frozenset({"running", "failed", "canceled", "error"}),
    "running": frozenset({"successful", "failed", "error", "canceled"}),
}
APPROVAL_TRANSITIONS: Final[dict[JobStatus, frozenset[JobStatus]]] = {
    "pending": frozenset({"successful", "failed", "error", "canceled"}),
}

ACTIVE: Final[frozenset[JobStatus]] = frozenset({"new", "pending", "waiting", "running"})
FINISHED: Final[frozenset[JobStatus]] = frozenset(TRANSITIONS) - ACTIVE


def sources_of(
    status: JobStatus, transitions: Mapping[JobStatus, frozenset[JobStatus]] = TRANSITIONS
) -> frozenset[JobStatus]:
    """Return the states from which a job may go to `status`; the store writes them into the UPDATE's condition."""
    return frozenset(source for source, targets in transitions.items() if status in targets)
