# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every service with every recorded payload: what the normal event says, told by table."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from playhook.domain.event import PullRequest, Repository
from playhook.services.registry import load_services
from tests.contract.services.deliveries import KEY, as_sent, options
from tests.fixtures import Recorded, load, recorded, recorded_services

SERVICES = load_services()

HEAD = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
BEFORE = "b27e61c0d94f3a85127be0c4d3f2a19988776655"
BASE = "c30d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d"
TAG_OBJECT = "e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718"
PATHS = ("trees/pear.yml", "README.md", "trees/apple.yml", "trees/dead.yml")
SPRING = {"ref": "refs/heads/spring/2026", "branch": "spring/2026"}
TAG = {"ref": "refs/tags/v1.4.0", "tag": "v1.4.0"}
QUEUE = "gh-readonly-queue/main/pr-12-" + BASE
IN_PR = {"branch": "prune-apples", "base_branch": "main", "head_sha": HEAD, "number": 12, "author": "mira-lindqvist"}
PR = {"kind": "pull_request", "fork": False, **IN_PR}
FROM_FORK = {**PR, "branch": "main", "head_sha": BEFORE, "number": 13, "author": "tomas-okafor", "fork": True}
DEPLOY = {"comment": "/deploy staging", "sender": "tomas-okafor"}

# What is not named here must be None. `number`, `author`, `fork`, `draft` and `labels` are those of the pull request;
# repository and sender are the same everywhere unless they are named.
GITHUB: dict[str, dict[str, Any]] = {
    "push.branch": {"kind": "push", "action": "updated", "ref": "refs/heads/main", "branch": "main", "head_sha": HEAD,
                    "before_sha": BASE, "changed_paths": PATHS},
    "push.created_empty": {"kind": "push", "action": "created", **SPRING, "head_sha": HEAD, "changed_paths": ()},
    "push.deleted": {"kind": "push", "action": "deleted", **SPRING, "before_sha": BASE},
    "push.forced": {"kind": "push", "action": "updated", "ref": "refs/heads/prune-apples", "branch": "prune-apples",
                    "head_sha": HEAD, "before_sha": BEFORE, "changed_paths": ("trees/apple.yml",)},
    "push.tag": {"kind": "tag", "action": "created", **TAG, "head_sha": TAG_OBJECT},
    "push.tag_deleted": {"kind": "tag", "action": "deleted", **TAG, "before_sha": TAG_OBJECT},
    "push.merge_queue": {"kind": "push", "action": "created", "ref": f"refs/heads/{QUEUE}", "branch": QUEUE,
                         "head_sha": HEAD, "changed_paths": PATHS},
    "pull_request.opened": {**PR, "action": "opened", "draft": False, "labels": ("pruning",)},
    "pull_request.edited": {**PR, "action": "edited"},
    "pull_request.labeled": {**PR, "action": "labeled"},
    "pull_request.ready_for_review": {**PR, "action": "ready_for_review"},
    "pull_request.converted_to_draft": {**PR, "action": "converted_to_draft", "draft": True},
    "pull_request.review_requested": {**PR, "action": "review_requested"},
    "pull_request.locked": {**PR, "action": "edited"},
    "pull_request.enqueued": {**PR, "action": "queued"},
    "pull_request.dequeued": {**PR, "action": "dequeued"},
    "pull_request.synchronize": {**PR, "action": "updated", "before_sha": BEFORE},
    "pull_request.merged": {**PR, "action": "merged"},
    "pull_request.fork": {**FROM_FORK, "action": "opened", "sender": "tomas-okafor", "labels": ()},
    "pull_request.fork_deleted": {**FROM_FORK, "action": "closed"},
    "pull_request.renamed_repository": {**PR, "action": "updated", "full_name": "acorn-works/grove"},
    "pull_request_review.approved": {**PR, "kind": "review", "action": "approved", "comment": "Clean cuts.",
                                     "sender": "tomas-okafor"},
    "pull_request_review.changes_requested": {**PR, "kind": "review", "action": "changes_requested",
                                              "comment": "Clean cuts.", "sender": "tomas-okafor"},
    "pull_request_review.commented": {**PR, "kind": "review", "action": "commented", "comment": "Clean cuts.",
                                      "sender": "tomas-okafor"},
    "pull_request_review.dismissed": {**PR, "kind": "review", "action": "dismissed", "comment": "Clean cuts."},
    "pull_request_review_comment.created": {**PR, "kind": "comment", "action": "commented", "comment": "One more here?",
                                            "sender": "tomas-okafor"},
    "pull_request_review_thread.resolved": {**PR, "kind": "other"},
    "issue_comment.on_pull_request": {"kind": "comment", "action": "commented", "number": 12, "fork": None,
                                      "author": "mira-lindqvist", **DEPLOY},
    "issue_comment.edited_on_issue": {"kind": "comment", "action": "edited", **DEPLOY},
    "commit_comment.created": {"kind": "comment", "action": "commented", "head_sha": HEAD, "comment": "Well done.",
                               "sender": "tomas-okafor"},
    "issues.opened": {"kind": "other", "action": "opened"},
    "release.published": {"kind": "release", "action": "published", "tag": "v1.4.0"},
    "release.created": {"kind": "release", "action": "created", "tag": "v1.4.0"},
    "release.released": {"kind": "release", "tag": "v1.4.0"},
    "release.deleted": {"kind": "release", "action": "deleted", "tag": "v1.4.0"},
    "create.branch": {"kind": "other", "action": "created", **SPRING},
    "create.tag": {"kind": "other", "action": "created", **TAG},
    "delete.branch": {"kind": "other", "action": "deleted", **SPRING},
    "merge_group.checks_requested": {"kind": "other", "action": "queued", "ref": f"refs/heads/{QUEUE}", "branch": QUEUE,
                                     "base_branch": "main", "head_sha": BEFORE},
    "merge_group.destroyed": {"kind": "other", "action": "dequeued", "ref": f"refs/heads/{QUEUE}", "branch": QUEUE,
                              "base_branch": "main", "head_sha": BEFORE},
    "ping": {"kind": "ping"},
    "check_run.created": {"kind": "other", "action": "created", "branch": "prune-apples", "head_sha": HEAD},
    "check_suite.completed": {"kind": "other", "branch": "prune-apples", "head_sha": HEAD},
    "status": {"kind": "other", "head_sha": HEAD},
    "deployment.created": {"kind": "other", "action": "created", "head_sha": HEAD},
    "workflow_run.completed": {"kind": "other", "branch": "prune-apples", "head_sha": HEAD},
    "workflow_dispatch": {"kind": "other", "ref": "refs/heads/main", "branch": "main"},
    "page_build": {"kind": "other", "head_sha": HEAD},
    "repository.renamed": {"kind": "other", "full_name": "acorn-works/grove"},
    "watch.started": {"kind": "other"},
}  # fmt: skip

GITLAB: dict[str, dict[str, Any]] = {
    "Push_Hook.branch": {"kind": "push", "action": "updated", "ref": "refs/heads/main", "branch": "main",
                         "head_sha": HEAD, "before_sha": BASE, "changed_paths": PATHS},
    "Push_Hook.self_managed": {"kind": "push", "action": "updated", "ref": "refs/heads/main", "branch": "main",
                               "head_sha": HEAD, "before_sha": BASE, "changed_paths": PATHS,
                               "clone_url": "https://git.acorn-works.example:8443/acorn-works/orchard.git"},
    "Push_Hook.created_empty": {"kind": "push", "action": "created", **SPRING, "head_sha": HEAD, "changed_paths": ()},
    "Push_Hook.deleted": {"kind": "push", "action": "deleted", **SPRING, "before_sha": BASE},
    "Push_Hook.more_than_listed": {"kind": "push", "action": "updated", "ref": "refs/heads/main", "branch": "main",
                                   "head_sha": HEAD, "before_sha": BASE},
    "Tag_Push_Hook.created": {"kind": "tag", "action": "created", **TAG, "head_sha": HEAD},
    "Tag_Push_Hook.deleted": {"kind": "tag", "action": "deleted", **TAG, "before_sha": TAG_OBJECT},
    "Merge_Request_Hook.open": {**PR, "action": "opened", "draft": False, "labels": ("pruning",)},
    "Merge_Request_Hook.fork": {**FROM_FORK, "action": "opened", "sender": "tomas-okafor", "head_sha": HEAD},
    "Merge_Request_Hook.update_commits": {**PR, "action": "updated", "before_sha": BEFORE},
    # The sender did not open it, and the payload names the author by id only.
    "Merge_Request_Hook.update_title": {**PR, "action": "edited", "sender": "tomas-okafor", "author": None},
    "Merge_Request_Hook.update_labeled": {**PR, "action": "labeled"},
    "Merge_Request_Hook.update_unlabeled": {**PR, "action": "unlabeled"},
    "Merge_Request_Hook.update_assigned": {**PR, "action": "assigned"},
    "Merge_Request_Hook.update_reviewers": {**PR, "action": "review_requested"},
    "Merge_Request_Hook.update_ready": {**PR, "action": "ready_for_review"},
    "Merge_Request_Hook.update_draft": {**PR, "action": "converted_to_draft", "draft": True},
    "Merge_Request_Hook.merge": {**PR, "action": "merged"},
    "Merge_Request_Hook.close": {**PR, "action": "closed"},
    "Merge_Request_Hook.reopen": {**PR, "action": "reopened"},
    "Merge_Request_Hook.approved": {**PR, "kind": "review", "action": "approved", "sender": "tomas-okafor",
                                    "author": None},
    "Merge_Request_Hook.approval": {**PR, "kind": "review", "action": "approved", "sender": "tomas-okafor",
                                    "author": None},
    "Merge_Request_Hook.unapproved": {**PR, "kind": "review", "action": "dismissed", "sender": "tomas-okafor",
                                      "author": None},
    "Note_Hook.merge_request": {**PR, "kind": "comment", "action": "commented", **DEPLOY, "author": None},
    "Note_Hook.issue": {"kind": "comment", "action": "commented", **DEPLOY},
    "Note_Hook.commit_edited": {"kind": "comment", "action": "edited", "head_sha": HEAD, **DEPLOY},
    "Release_Hook.create": {"kind": "release", "action": "published", "tag": "v1.4.0", "head_sha": HEAD,
                            "sender": None},
    "Pipeline_Hook.merge_request": {"kind": "other", "branch": "prune-apples", "base_branch": "main", "head_sha": HEAD,
                                    "number": 12, "author": None, "fork": False},
    "Pipeline_Hook.tag": {"kind": "other", "tag": "v1.4.0", "head_sha": HEAD},
    "Job_Hook": {"kind": "other", "branch": "main", "head_sha": HEAD, "before_sha": BASE},
    "Issue_Hook.open": {"kind": "other", "action": "opened"},
    "Wiki_Page_Hook.create": {"kind": "other", "action": "created"},
    "Deployment_Hook": {"kind": "other"},
    "System_Hook.push": {"kind": "push", "action": "updated", "ref": "refs/heads/main", "branch": "main",
                         "head_sha": HEAD, "before_sha": BASE, "changed_paths": PATHS},
    "System_Hook.project_create": {"kind": "other", "sender": None, "full_name": None},
}  # fmt: skip

CASES = [*((load("github", name), want) for name, want in GITHUB.items())]
CASES += [(load("gitlab", name), want) for name, want in GITLAB.items()]
EVERY = [recording for service in recorded_services() for recording in recorded(service)]

_OF_PULL_REQUEST = ("number", "author", "fork")
_OF_EVENT = (
    "kind",
    "action",
    "ref",
    "branch",
    "base_branch",
    "tag",
    "head_sha",
    "before_sha",
    "changed_paths",
    "comment",
)


def test_every_service_has_recorded_payloads() -> None:
    assert recorded_services() == sorted(SERVICES)


def test_every_recorded_payload_is_in_a_table() -> None:
    assert sorted(str(recording) for recording in EVERY) == sorted(str(recording) for recording, _ in CASES)


@pytest.mark.parametrize("recording", EVERY, ids=str)
def test_a_recorded_delivery_is_authentic_and_parses(recording: Recorded) -> None:
    service, delivery = SERVICES[recording.service], as_sent(recording)

    service.verify(delivery, [KEY], options())
    event = service.parse(delivery)

    assert (event.service, event.type, event.payload) == (recording.service, recording.event_type, recording.payload)
    assert orjson.loads(orjson.dumps(event))["payload"] == recording.payload


@pytest.mark.parametrize(("recording", "wanted"), CASES, ids=lambda value: str(value) if "-" in str(value) else "")
def test_the_normal_event_says_what_the_payload_says(recording: Recorded, wanted: dict[str, Any]) -> None:
    event = SERVICES[recording.service].parse(as_sent(recording))

    found = {name: getattr(event, name) for name in _OF_EVENT}
    assert found == {name: wanted.get(name) for name in _OF_EVENT}
    assert event.sender == wanted.get("sender", "mira-lindqvist")
    _check_pull_request(event.pull_request, wanted)
    _check_repository(event.repository, wanted)


def _check_pull_request(found: PullRequest | None, wanted: dict[str, Any]) -> None:
    if "number" not in wanted:
        assert found is None
        return
    assert found is not None
    assert {name: getattr(found, name) for name in _OF_PULL_REQUEST} == {
        name: wanted[name] for name in _OF_PULL_REQUEST
    }
    for name in ("draft", "labels"):
        if name in wanted:
            assert getattr(found, name) == wanted[name]


def _check_repository(found: Repository | None, wanted: dict[str, Any]) -> None:
    full_name = wanted.get("full_name", "acorn-works/orchard")
    assert (found.full_name if found else None) == full_name
    if found and "clone_url" in wanted:
        assert found.clone_url == wanted["clone_url"]


def test_a_pull_request_is_told_in_full() -> None:
    event = SERVICES["github"].parse(as_sent(load("github", "pull_request.fork")))

    assert event.repository == Repository(
        id="700001", full_name="acorn-works/orchard", clone_url="https://github.com/acorn-works/orchard.git"
    )
    assert event.pull_request == PullRequest(
        number=13,
        title="{{ lookup('pipe', 'touch pwned') }}",
        author="tomas-okafor",
        draft=False,
        labels=(),
        fork=True,
        url="https://github.com/acorn-works/orchard/pull/13",
    )


def test_a_merge_request_is_told_in_full() -> None:
    event = SERVICES["gitlab"].parse(as_sent(load("gitlab", "Merge_Request_Hook.open")))

    assert event.repository == Repository(
        id="412", full_name="acorn-works/orchard", clone_url="https://gitlab.com/acorn-works/orchard.git"
    )
    assert event.pull_request == PullRequest(
        number=12,
        title="Prune the apple trees",
        author="mira-lindqvist",
        draft=False,
        labels=("pruning",),
        fork=False,
        url="https://gitlab.com/acorn-works/orchard/-/merge_requests/12",
    )
