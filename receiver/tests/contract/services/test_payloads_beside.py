# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads recorded by others, where the checkout has them beside it: each field against the payload, by table.

They are not part of the project; without them this file says that it skips.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from playhook.domain.event import Event
from playhook.services.registry import load_services
from tests.contract.services.deliveries import KEY, SENDERS, options

PAYLOADS = Path(__file__).resolve().parents[5] / "shared" / "payloads"
FOLDERS = {
    "azuredevops": "azure_devops", "bitbucket": "bitbucket_cloud", "bitbucket-server": "bitbucket_dc",
    "gitea": "gitea", "github": "github", "gitlab": "gitlab", "gogs": "gitea",
}  # fmt: skip
FILES = [path for folder in FOLDERS for path in sorted((PAYLOADS / folder).glob("*.json"))]
SERVICES = load_services()

pytestmark = pytest.mark.skipif(
    not FILES, reason="no folder shared/payloads with recorded payloads beside the checkout"
)

# File name → event, where they are not alike and the payload does not say it.
EVENTS = {
    "github": {"pull-request-issue-comment": "issue_comment"},
    "gitea": {
        "issue-assign-event": "issues", "issue-label-event": "issues", "issue-milestone-event": "issues",
        "pull-request-assign-event": "pull_request", "pull-request-label-event": "pull_request",
        "pull-request-milestone-event": "pull_request", "pull-request-comment-event": "issue_comment",
        "pull-request-review-event": "pull_request_comment",
    },
    "bitbucket": {
        "commit-comment-created": "repo:commit_comment_created", "pull-request-merged": "pullrequest:fulfilled",
        "pull-request-declined": "pullrequest:rejected", "pull-request-approval-removed": "pullrequest:unapproved",
        "repo-commit-status-created": "repo:commit_status_created",
        "repo-commit-status-updated": "repo:commit_status_updated",
        "pull-request-comment-created": "pullrequest:comment_created",
        "pull-request-comment-updated": "pullrequest:comment_updated",
        "pull-request-comment-deleted": "pullrequest:comment_deleted",
        "issue-comment-created": "issue:comment_created",
    },
    "gitlab": {
        "push": "Push Hook", "tag_push": "Tag Push Hook", "merge_request": "Merge Request Hook", "note": "Note Hook",
        "issue": "Issue Hook", "pipeline": "Pipeline Hook", "build": "Job Hook", "release": "Release Hook",
        "wiki_page": "Wiki Page Hook", "deployment": "Deployment Hook",
    },
}  # fmt: skip

HUB_REQUEST = {
    "head_sha": "pull_request.head.sha", "branch": "pull_request.head.ref", "base_branch": "pull_request.base.ref",
    "author": "pull_request.user.login",
}  # fmt: skip
DC_REQUEST = {
    "head_sha": "pullRequest.fromRef.latestCommit", "branch": "pullRequest.fromRef.displayId",
    "base_branch": "pullRequest.toRef.displayId", "author": "pullRequest.author.user.name", "number": "pullRequest.id",
    "title": "pullRequest.title", "sender": "actor.name",
}  # fmt: skip
CLOUD_REQUEST = {
    "head_sha": "pullrequest.source.commit.hash", "branch": "pullrequest.source.branch.name",
    "base_branch": "pullrequest.destination.branch.name", "author": "pullrequest.author.account_id",
    "number": "pullrequest.id", "title": "pullrequest.title", "sender": "actor.account_id",
}  # fmt: skip
AZURE_REQUEST = {
    "head_sha": "resource.lastMergeSourceCommit.commitId", "author": "resource.createdBy.uniqueName",
    "number": "resource.pullRequestId", "title": "resource.title",
}  # fmt: skip

# Event (or the beginning of its name) → field of the normal event → where the payload says it. First match wins.
FIELDS: dict[str, dict[str, dict[str, str]]] = {
    "github": {
        "push": {"head_sha": "after", "before_sha": "before", "ref": "ref", "sender": "sender.login"},
        "pull_request_review_comment": {"head_sha": "pull_request.head.sha", "comment": "comment.body"},
        "pull_request_review": {**HUB_REQUEST, "comment": "review.body"},
        "pull_request": {**HUB_REQUEST, "number": "number", "sender": "sender.login"},
        "issue_comment": {"comment": "comment.body", "sender": "sender.login"},
        "release": {"tag": "release.tag_name"},
        "check_suite": {"head_sha": "check_suite.head_sha", "branch": "check_suite.head_branch"},
        "status": {"head_sha": "sha"},
    },
    "gitlab": {
        "Push Hook": {"head_sha": "checkout_sha", "before_sha": "before", "ref": "ref", "sender": "user_username"},
        "Tag Push Hook": {"head_sha": "checkout_sha", "ref": "ref"},
        "Merge Request Hook": {
            "head_sha": "object_attributes.last_commit.id", "branch": "object_attributes.source_branch",
            "base_branch": "object_attributes.target_branch", "number": "object_attributes.iid",
            "sender": "user.username",
        },
        "Note Hook": {"comment": "object_attributes.note", "sender": "user.username"},
        "Release Hook": {"tag": "tag"},
    },
    "gitea": {
        "push": {"head_sha": "after", "ref": "ref", "sender": "sender.login"},
        "pull_request_comment": {**HUB_REQUEST, "comment": "review.content"},
        "pull_request": {**HUB_REQUEST, "number": "number", "title": "pull_request.title", "sender": "sender.login"},
        "issue_comment": {"comment": "comment.body", "sender": "sender.login"},
        "release": {"tag": "release.tag_name"},
        "create": {"head_sha": "sha", "branch": "ref"},
        "delete": {"branch": "ref"},
    },
    "gogs": {
        "push": {"head_sha": "after", "before_sha": "before", "ref": "ref", "sender": "sender.login"},
        "pull_request": {"author": "pull_request.user.login", "title": "pull_request.title"},
        "issue_comment": {"comment": "comment.body"},
        "release": {"tag": "release.tag_name"},
        "create": {"ref": "ref"},
        "delete": {"ref": "ref"},
    },
    "bitbucket-server": {
        "repo:refs_changed": {"ref": "changes.0.refId", "branch": "changes.0.ref.displayId",
                              "before_sha": "changes.0.fromHash", "sender": "actor.name"},
        "repo:comment": {"head_sha": "commit", "comment": "comment.text", "sender": "actor.name"},
        "pr:comment": {**DC_REQUEST, "comment": "comment.text"},
        "pr:": DC_REQUEST,
    },
    "bitbucket": {
        "repo:push": {"head_sha": "push.changes.0.new.target.hash", "before_sha": "push.changes.0.old.target.hash",
                      "branch": "push.changes.0.new.name", "sender": "actor.account_id"},
        "repo:commit_comment": {"head_sha": "commit.hash", "comment": "comment.content.raw"},
        "issue:comment": {"comment": "comment.content.raw"},
        "pullrequest:comment": {**CLOUD_REQUEST, "comment": "comment.content.raw"},
        "pullrequest:": CLOUD_REQUEST,
    },
    "azuredevops": {
        "git.push": {"head_sha": "resource.refUpdates.0.newObjectId", "ref": "resource.refUpdates.0.name",
                     "before_sha": "resource.refUpdates.0.oldObjectId", "sender": "resource.pushedBy.uniqueName"},
        "git.pullrequest.": AZURE_REQUEST,
    },
}  # fmt: skip

# Where the two ends of a pull request stand whose difference makes it a fork's.
ENDS = {
    "github": ("pull_request.head.repo.id", "pull_request.base.repo.id"),
    "gitea": ("pull_request.head.repo.id", "pull_request.base.repo.id"),
    "gitlab": ("object_attributes.source_project_id", "object_attributes.target_project_id"),
    "bitbucket": ("pullrequest.source.repository.uuid", "pullrequest.destination.repository.uuid"),
    "bitbucket-server": ("pullRequest.fromRef.repository.id", "pullRequest.toRef.repository.id"),
}
OF_PULL_REQUEST = {"author", "number", "title"}
ZEROS = "0" * 40


def at(payload: Any, path: str) -> Any:
    """What the payload says; a SHA of zeros is none."""
    value = payload
    for name in path.split("."):
        inner = dict(enumerate(value)) if isinstance(value, list) else value
        value = inner.get(int(name) if isinstance(value, list) else name) if isinstance(inner, dict) else None
    return None if value == ZEROS else value


def event_type(path: Path, payload: dict[str, Any]) -> str:
    folder, stem = path.parent.name, path.stem
    if stem.startswith("system-"):
        return "System Hook"
    if stem in EVENTS.get(folder, {}):
        return EVENTS[folder][stem]
    if folder == "gitlab":
        return EVENTS["gitlab"][str(payload.get("object_kind"))]
    if folder == "bitbucket":
        kind, _, action = stem.replace("pull-request", "pullrequest").partition("-")
        return f"{kind}:{action.replace('-', '_')}"
    name = str(payload.get("eventKey") or payload.get("eventType") or stem.replace("-", "_"))
    return name.removesuffix("_event")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_payload_says_what_it_says(path: Path) -> None:
    folder = path.parent.name
    service, payload = SERVICES[FOLDERS[folder]], orjson.loads(path.read_bytes())
    kind = event_type(path, payload)
    more = {"kinds": ("gogs",)} if folder == "gogs" else {}
    delivery = SENDERS[service.name](path.read_bytes(), kind, **more)
    service.verify(delivery, [KEY], options())

    event = service.parse(delivery)

    assert (event.type, event.payload) == (kind, payload)
    fields = next((each for name, each in FIELDS[folder].items() if kind.startswith(name)), {})
    assert told(event, fields) == {name: at(payload, path) for name, path in fields.items()}
    if event.kind == "pull_request" and folder in ENDS:
        assert event.pull_request is not None
        head, base = (at(payload, end) for end in ENDS[folder])
        assert event.pull_request.fork == (head != base)
    if folder == "azuredevops" and event.kind == "pull_request":
        assert event.pull_request is not None
        assert event.pull_request.fork is False
        assert (event.branch, event.base_branch) == ("mytopic", "master")


def told(event: Event, fields: dict[str, str]) -> dict[str, Any]:
    return {name: getattr(event.pull_request if name in OF_PULL_REQUEST else event, name, None) for name in fields}


def test_no_event_of_theirs_is_unknown() -> None:
    """Every file that is about code is told as what it is, and not as `other`."""
    about_code = ("push", "pull", "pr-", "merge", "refs", "tag", "comment", "release", "note")
    others = []
    for path in FILES:
        service, payload = SERVICES[FOLDERS[path.parent.name]], orjson.loads(path.read_bytes())
        event = service.parse(SENDERS[service.name](path.read_bytes(), event_type(path, payload)))
        if event.kind == "other" and any(word in path.stem for word in about_code):
            others.append(f"{path.parent.name}/{path.stem}")
    assert others == []
