# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads recorded by others, where the checkout has them beside it: each field against the payload, by table.

They are not part of the project; without them this file says that it skips.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playhook.services.github import GitHub
from playhook.services.gitlab import GitLab
from tests.contract.services.deliveries import KEY, github, gitlab, options

PAYLOADS = Path(__file__).resolve().parents[5] / "shared" / "payloads"
GITHUB_FILES = sorted((PAYLOADS / "github").glob("*.json"))
GITLAB_FILES = sorted((PAYLOADS / "gitlab").glob("*.json"))

pytestmark = pytest.mark.skipif(
    not (GITHUB_FILES and GITLAB_FILES), reason="no folder shared/payloads with recorded payloads beside the checkout"
)

# File name → event, where they are not alike.
GITHUB_EVENTS = {"pull-request-issue-comment": "issue_comment"}
GITLAB_EVENTS = {
    "push": "Push Hook", "tag_push": "Tag Push Hook", "merge_request": "Merge Request Hook", "note": "Note Hook",
    "issue": "Issue Hook", "pipeline": "Pipeline Hook", "build": "Job Hook", "release": "Release Hook",
    "wiki_page": "Wiki Page Hook", "deployment": "Deployment Hook",
}  # fmt: skip

# Event → field of the normal event → where the payload says it.
GITHUB_FIELDS = {
    "push": {"head_sha": "after", "before_sha": "before", "ref": "ref", "sender": "sender.login"},
    "pull_request": {
        "head_sha": "pull_request.head.sha", "branch": "pull_request.head.ref", "base_branch": "pull_request.base.ref",
        "author": "pull_request.user.login", "number": "number", "sender": "sender.login",
    },
    "pull_request_review": {
        "head_sha": "pull_request.head.sha", "branch": "pull_request.head.ref", "base_branch": "pull_request.base.ref",
        "author": "pull_request.user.login", "comment": "review.body",
    },
    "pull_request_review_comment": {"head_sha": "pull_request.head.sha", "comment": "comment.body"},
    "issue_comment": {"comment": "comment.body", "sender": "sender.login"},
    "release": {"tag": "release.tag_name"},
    "check_suite": {"head_sha": "check_suite.head_sha", "branch": "check_suite.head_branch"},
    "status": {"head_sha": "sha"},
}  # fmt: skip
GITLAB_FIELDS = {
    "Push Hook": {"head_sha": "checkout_sha", "before_sha": "before", "ref": "ref", "sender": "user_username"},
    "Tag Push Hook": {"head_sha": "checkout_sha", "ref": "ref"},
    "Merge Request Hook": {
        "head_sha": "object_attributes.last_commit.id", "branch": "object_attributes.source_branch",
        "base_branch": "object_attributes.target_branch", "number": "object_attributes.iid", "sender": "user.username",
    },
    "Note Hook": {"comment": "object_attributes.note", "sender": "user.username"},
    "Release Hook": {"tag": "tag"},
}  # fmt: skip


def at(payload: dict[str, Any], path: str) -> Any:
    value: Any = payload
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def check(event: Any, fields: dict[str, str]) -> None:
    found = {
        name: getattr(event.pull_request if name in ("author", "number") else event, name, None) for name in fields
    }
    assert found == {name: at(event.payload, path) for name, path in fields.items()}


@pytest.mark.parametrize("path", GITHUB_FILES, ids=lambda path: path.stem)
def test_a_payload_of_github_says_what_it_says(path: Path) -> None:
    name = GITHUB_EVENTS.get(path.stem, path.stem.replace("-", "_"))
    delivery = github(path.read_bytes(), name)
    GitHub().verify(delivery, [KEY], options())

    event = GitHub().parse(delivery)

    check(event, GITHUB_FIELDS.get(name, {}))
    if name.startswith("pull_request"):
        assert event.pull_request is not None
        head, base = at(event.payload, "pull_request.head.repo.id"), at(event.payload, "pull_request.base.repo.id")
        assert event.pull_request.fork == (head != base)


@pytest.mark.parametrize("path", GITLAB_FILES, ids=lambda path: path.stem)
def test_a_payload_of_gitlab_says_what_it_says(path: Path) -> None:
    payload = at_file = path.read_bytes()
    kind = GitLab().parse(gitlab(payload, "any")).payload.get("object_kind")
    name = "System Hook" if path.stem.startswith("system-") else GITLAB_EVENTS[str(kind)]
    delivery = gitlab(at_file, name)
    GitLab().verify(delivery, [KEY], options())

    event = GitLab().parse(delivery)

    check(event, GITLAB_FIELDS.get(name, {}))
    if name == "Merge Request Hook":
        assert event.pull_request is not None
        source, target = (at(event.payload, f"object_attributes.{side}_project_id") for side in ("source", "target"))
        assert event.pull_request.fork == (source != target)
