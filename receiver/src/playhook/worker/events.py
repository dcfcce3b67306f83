# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job events on their way to the store: decoded, masked, written in batches, and summed up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from playhook.store.claims import Claim
from playhook.store.job_events import HostSummary, JobEvent, append_events, close_events
from playhook.store.store import Store
from playhook.worker.persistence import persist

_BATCH: Final = 500
_DELAY: Final = 0.25  # seconds that an event may wait for company
_FAILED: Final = {"runner_on_failed", "runner_on_unreachable", "runner_on_async_failed", "runner_item_on_failed"}
_SUMMED_UP: Final = ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued", "skipped")


class EventRecorder:
    """Takes the events of one job, in order, from one thread."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store, self._claim = store, claim
        self._batch: list[JobEvent] = []
        self._flush_at = float("inf")
        self._failed: set[str] = set()
        self._changed: set[str] = set()
        self._stats: Mapping[str, Any] = {}
        self.playbook_began = False
        self.errors: list[str] = []  # why Ansible gave up before the playbook began

    @property
    def artifacts(self) -> dict[str, Any]:
        """What the playbook's set_stats tasks left."""
        artifacts = self._stats.get("artifact_data")
        return artifacts if isinstance(artifacts, dict) else {}

    @property
    def host_status_counts(self) -> dict[str, int]:
        """How many hosts ended in which state; a host counts once, in its worst (AWX's order)."""
        worst = {host: state for state in ("skipped", "ok", "changed", "failures", "dark") for host in self._of(state)}
        return dict(Counter(worst.values()))

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event of ansible-runner."""
        row = to_job_event(event)
        self.playbook_began |= row.event == "playbook_on_start"
        if not self.playbook_began and "[ERROR]" in row.stdout:
            self.errors.append(row.stdout)
        if row.event == "playbook_on_stats":
            self._stats = row.event_data
        for flag, uuids in ((row.failed, self._failed), (row.changed, self._changed)):
            if flag:
                uuids.update(_parents(row.event_data))
        self.append(row)

    def append(self, row: JobEvent) -> None:
        if not self._batch:
            self._flush_at = time.monotonic() + _DELAY
        self._batch.append(row)
        if len(self._batch) >= _BATCH:
            self._flush()

    def flush_if_due(self) -> float | None:
        """Write what has waited long enough; returns the seconds until the rest is due, None when there is none."""
        if self._batch and self._flush_at <= time.monotonic():
            self._flush()
        return max(self._flush_at - time.monotonic(), 0.001) if self._batch else None

    def close(self) -> None:
        """Write the rest and the recap."""
        persist(
            self._store,
            close_events,
            self._claim,
            self._batch,
            self._summaries(),
            failed=self._failed,
            changed=self._changed,
        )
        self._batch = []

    def _flush(self) -> None:
        if self._batch:
            persist(self._store, append_events, self._claim, self._batch)
            self._batch, self._flush_at = [], float("inf")

    def _summaries(self) -> list[HostSummary]:
        hosts = sorted({host for what in _SUMMED_UP for host in self._of(what)})
        return [
            HostSummary(host_name=host, **{what: self._of(what).get(host, 0) for what in _SUMMED_UP}) for host in hosts
        ]

    def _of(self, what: str) -> Mapping[str, int]:
        counts = self._stats.get(what)
        return counts if isinstance(counts, dict) else {}


def to_job_event(event: Mapping[str, Any]) -> JobEvent:
    """Turn what ansible-runner says into a row; `failed` and `changed` are decided as in AWX."""
    name = str(event.get("event") or "verbose")
    details = event.get("event_data") or {}
    failed, changed = _judge(name, details)
    return JobEvent(
        counter=event["counter"],
        uuid=str(event["uuid"]),
        parent_uuid=str(event.get("parent_uuid") or ""),
        event=name,
        event_data=details,
        failed=failed,
        changed=changed,
        host_name=_short(details, "host"),
        playbook=_short(details, "playbook"),
        play=_short(details, "play"),
        task=_short(details, "task"),
        role=_short(details, "role"),
        stdout=str(event.get("stdout") or ""),
        start_line=event.get("start_line", 0),
        end_line=event.get("end_line", 0),
        verbosity=int(event.get("verbosity") or 0),
        created=_moment(event.get("created")),
    )


def _judge(name: str, details: Mapping[str, Any]) -> tuple[bool, bool]:
    if name == "playbook_on_stats":
        failed = any(details.get("failures") or {}) or any(details.get("dark") or {})
        return failed, any(details.get("changed") or {})
    result = details.get("res")
    changed = isinstance(result, dict) and result.get("changed") is True
    return name in _FAILED and not details.get("ignore_errors"), changed


def _parents(details: Mapping[str, Any]) -> list[str]:
    return [str(details[name]) for name in ("task_uuid", "play_uuid", "playbook_uuid") if details.get(name)]


def _short(details: Mapping[str, Any], name: str) -> str:
    return str(details.get(name) or "")[:1024]


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.now(UTC)
    return moment.replace(tzinfo=moment.tzinfo or UTC)
