# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-runner says, as rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from playhook.worker.events import to_job_event

EVENT = {
    "uuid": "c1",
    "counter": 3,
    "stdout": "ok: [web]",
    "start_line": 5,
    "end_line": 6,
    "event": "runner_on_ok",
    "parent_uuid": "p1",
    "created": "2026-01-02T03:04:05.000006+00:00",
    "verbosity": 2,
    "event_data": {"host": "web", "task": "copy", "play": "all", "playbook": "site.yml", "role": "base"},
}


def test_fields_are_taken_over() -> None:
    row = to_job_event(EVENT)

    assert (row.counter, row.uuid, row.parent_uuid, row.event) == (3, "c1", "p1", "runner_on_ok")
    assert (row.host_name, row.task, row.play, row.playbook, row.role) == ("web", "copy", "all", "site.yml", "base")
    assert (row.stdout, row.start_line, row.end_line, row.verbosity) == ("ok: [web]", 5, 6, 2)
    assert row.created == datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "details", "failed", "changed"),
    [
        ("runner_on_ok", {"res": {"changed": True}}, False, True),
        ("runner_on_ok", {"res": {"changed": "no"}}, False, False),
        ("runner_on_failed", {"res": {}}, True, False),
        ("runner_on_failed", {"res": {}, "ignore_errors": True}, False, False),
        ("runner_on_unreachable", {}, True, False),
        ("runner_on_skipped", {"res": None}, False, False),
        ("playbook_on_stats", {"failures": {"a": 1}, "changed": {}, "dark": {}}, True, False),
        ("playbook_on_stats", {"failures": {}, "dark": {"b": 1}, "changed": {"a": 2}}, True, True),
        ("playbook_on_stats", {"failures": {}, "dark": {}, "ok": {"a": 1}}, False, False),
    ],
)
def test_failed_and_changed_are_decided_as_in_awx(
    name: str, details: dict[str, Any], failed: bool, changed: bool
) -> None:
    row = to_job_event({**EVENT, "event": name, "event_data": details})

    assert (row.failed, row.changed) == (failed, changed)


def test_a_line_outside_of_events_is_verbose() -> None:
    row = to_job_event({"uuid": "u", "counter": 1, "stdout": "text", "created": "not a time"})

    assert (row.event, row.event_data, row.stdout) == ("verbose", {}, "text")
    assert row.created.tzinfo is not None
