# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of GitLab say."""

from __future__ import annotations

from typing import Any

from tests.contract.services.expected import (
    BASE,
    BEFORE,
    DEPLOY,
    FROM_FORK,
    HEAD,
    PATHS,
    PR,
    SPRING,
    TAG,
    TAG_OBJECT,
)

EVERYWHERE = {"sender": "mira-lindqvist", "full_name": "acorn-works/orchard"}

EXPECTED: dict[str, dict[str, Any]] = {
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
