# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A post that fails in a way nobody foresaw is counted, and does not hold up the others."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from playhook.domain.event import StatusTarget
from playhook.domain.status import CommitStatus
from playhook.report import reporter
from playhook.report.reporter import Reporter
from playhook.store.status_posts import StatusPost


class _Service:
    def status_request(self, _target: Any, status: CommitStatus, _credential: Any) -> None:
        if status.context == "broken":
            raise RuntimeError(f"planted-{status.status}")


def _post(post_id: int, context: str) -> StatusPost:
    target = StatusTarget(repository="a/b", sha="a" * 40, origin=None)
    return StatusPost(
        id=post_id, job_id=post_id, job_type="job", service="github", target=target, status="pending", context=context,
        description="", attempts=1, credential_inputs={"token": "t"},
    )  # fmt: skip


def test_an_unforeseen_error_is_a_failed_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    due = {1: _post(1, "broken"), 2: _post(2, "fine")}
    ended: list[tuple[str, int, str]] = []
    monkeypatch.setattr(reporter, "find_due_post", lambda _connection, _now: next(iter(due), None))
    monkeypatch.setattr(reporter, "next_due", lambda _connection: None)
    monkeypatch.setattr(reporter, "claim_post", due.pop)
    monkeypatch.setattr(reporter, "retry_post", lambda post, _at, said: ended.append(("again", post.id, said)))
    monkeypatch.setattr(reporter, "close_post", lambda post_id, state, said: ended.append((state, post_id, said)))
    store: Any = SimpleNamespace(
        reading=nullcontext, write=lambda function, *arguments: function(*arguments), cipher=None
    )
    services: Any = {"github": _Service()}
    dispatch: Any = None

    with capture_logs() as logs:
        Reporter(store, services, dispatch, "https://playhook.example.com")._drain(0)

    assert ended == [
        ("again", 1, "The status could not be posted (RuntimeError)."),
        ("skipped", 2, "The service has no such state."),
    ]
    assert "planted-pending" not in repr(logs)
    assert any(line["log_level"] == "error" and line.get("error") == "RuntimeError" for line in logs)
