# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that rules are tried on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playhook.domain.event import Event, PullRequest, Repository
from playhook.intake.extra_vars import event_record
from playhook.intake.rules import compile_rules
from playhook.intake.verdict import Judgement, judge

REPOSITORY = Repository(id="77", full_name="Acme/Web", clone_url="https://git.example.com/acme/web.git")
PUSH = Event(
    service="github",
    type="push",
    guid="guid-1",
    payload={"ref": "refs/heads/main", "forced": False},
    kind="push",
    action="updated",
    repository=REPOSITORY,
    ref="refs/heads/main",
    branch="main",
    changed_paths=("roles/web/tasks/main.yml", "docs/index.md"),
    sender="Bob",
)
TAG = replace(PUSH, kind="tag", action="created", ref="refs/tags/v1.2", branch=None, tag="v1.2", changed_paths=None)
PULL_REQUEST = replace(
    PUSH,
    type="pull_request",
    kind="pull_request",
    action="opened",
    ref=None,
    branch="topic/login",
    base_branch="main",
    changed_paths=None,
    pull_request=PullRequest(number=7, author="alice", draft=False, labels=("deploy", "area/web"), fork=False),
    payload={"action": "opened", "number": 7},
)
COMMENT = replace(PULL_REQUEST, type="issue_comment", kind="comment", action="commented", comment="/deploy prod please")
PING = Event(service="github", type="ping", guid="guid-2", payload={}, kind="ping")


def pull_request(**changes: Any) -> Event:
    """Return the pull request with some of its own facts changed."""
    assert PULL_REQUEST.pull_request is not None
    return replace(PULL_REQUEST, pull_request=replace(PULL_REQUEST.pull_request, **changes))


def judged(playhook: dict[str, Any], event: Event, **template: Any) -> Judgement:
    """Judge an event by a template's `playhook` object."""
    return judge(compile_rules(playhook), event, event_record(event), template)


def filtered(filters: dict[str, Any], event: Event) -> bool:
    """Tell whether an event launches with these filters."""
    said = judged({"filters": filters}, event)
    assert "cannot be used" not in said.verdict.reason
    return said.verdict.launch
