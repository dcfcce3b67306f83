# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job events, and what is summed up from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, insert, update

from playhook.store import tables as t
from playhook.store.claims import Claim, ClaimLost, holds
from playhook.store.tx import Tx

_MOST_PARAMETERS: Final = 10_000  # SQLite takes 32,766 in one statement


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


def close_events(
    tx: Tx,
    claim: Claim,
    events: Sequence[JobEvent],
    summaries: Sequence[HostSummary],
    *,
    failed: Collection[str],
    changed: Collection[str],
) -> None:
    """Store the last batch and the recap. Raises ClaimLost.

    `failed` and `changed` are the tasks, plays and playbooks (by uuid) in which something did; they are marked, as in
    AWX.
    """
    if events:
        append_events(tx, claim, events)
    for column, uuids in ((t.job_events.c.failed, sorted(failed)), (t.job_events.c.changed, sorted(changed))):
        for start in range(0, len(uuids), _MOST_PARAMETERS):
            _mark(tx, claim, column, uuids[start : start + _MOST_PARAMETERS])
    if summaries:
        rows = [_summary_row(tx, claim, each) for each in summaries]
        tx.connection.execute(insert(t.job_host_summaries), rows)


def _mark(tx: Tx, claim: Claim, column: Column[bool], uuids: Sequence[str]) -> None:
    events = t.job_events.c
    marked = update(t.job_events).where(events.job_id == claim.job_id, events.uuid.in_(uuids)).values({column: True})
    tx.connection.execute(marked)


def _summary_row(tx: Tx, claim: Claim, summary: HostSummary) -> dict[str, Any]:
    failed = bool(summary.dark or summary.failures)
    return {**vars(summary), "job_id": claim.job_id, "failed": failed, "created": tx.now, "modified": tx.now}
