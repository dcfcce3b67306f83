# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job events, and what is summed up from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from playhook.store import tables as t
from playhook.store.claims import Claim, ClaimLost, holds
from playhook.store.writer import Tx


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """One event of ansible-runner, or one line of a project update."""

    counter: int
    uuid: str
    event: str
    created: datetime
    parent_uuid: str = ""
    event_data: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False
    changed: bool = False
    host_name: str = ""
    playbook: str = ""
    play: str = ""
    task: str = ""
    role: str = ""
    stdout: str = ""
    start_line: int = 0
    end_line: int = 0
    verbosity: int = 0


@dataclass(frozen=True, kw_only=True)
class HostSummary:
    """What happened to one host, from the playbook's own recap."""

    host_name: str
    changed: int = 0
    dark: int = 0
    failures: int = 0
    ignored: int = 0
    ok: int = 0
    processed: int = 0
    rescued: int = 0
    skipped: int = 0


def append_events(tx: Tx, claim: Claim, events: Sequence[JobEvent]) -> None:
    """Store a batch. Raises ClaimLost."""
    if not holds(tx, claim):
        raise ClaimLost(f"job {claim.job_id} is no longer run by {claim.worker}")
    tx.connection.execute(insert(t.job_events), [{"job_id": claim.job_id, **vars(event)} for event in events])


def mark_parents(tx: Tx, claim: Claim, *, failed: Collection[str], changed: Collection[str]) -> None:
    """Mark the tasks, plays and playbooks (by uuid) in which something failed or changed, as AWX does."""
    events = t.job_events.c
    for column, uuids in ((events.failed, failed), (events.changed, changed)):
        if uuids:
            tx.connection.execute(
                update(t.job_events)
                .where(events.job_id == claim.job_id, events.uuid.in_(sorted(uuids)))
                .values({column: True})
            )


def save_host_summaries(tx: Tx, claim: Claim, summaries: Sequence[HostSummary]) -> None:
    """Store the recap, one row a host."""
    if summaries:
        tx.connection.execute(
            insert(t.job_host_summaries),
            [
                {
                    **vars(each),
                    "job_id": claim.job_id,
                    "failed": bool(each.dark or each.failures),
                    "created": tx.now,
                    "modified": tx.now,
                }
                for each in summaries
            ],
        )
