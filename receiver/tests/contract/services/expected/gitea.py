# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of Gitea, Forgejo and Gogs say."""

from __future__ import annotations

from typing import Any

from tests.contract.services.expected import (
    BASE,
    BEFORE,
    DEPLOY,
    FROM_FORK,
    HEAD,
    MAIN,
    PATHS,
    PR,
    SPRING,
    TAG,
    TAG_OBJECT,
)

EVERYWHERE = {
    "sender": "mira-lindqvist",
    "full_name": "acorn-works/orchard",
    "clone_url": "https://git.acorn-works.example/acorn-works/orchard.git",
}
# Gitea tells the newest commit first.
NEWEST_FIRST = (PATHS[2], PATHS[1], PATHS[3], PATHS[0])
REVIEW = {**PR, "kind": "review", "comment": "Clean cuts.", "sender": "tomas-okafor"}
COMMENT = {"kind": "comment", **DEPLOY}
ON_PR = {**COMMENT, "number": 12, "author": "mira-lindqvist", "fork": None}
# Gogs does not tell the commits of a pull request.
GOGS = {**PR, "head_sha": None, "draft": None, "labels": ()}

EXPECTED: dict[str, dict[str, Any]] = {
    "push.branch": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE,
                    "changed_paths": NEWEST_FIRST},
    "push.created_empty": {"kind": "push", "action": "created", **SPRING, "head_sha": HEAD, "changed_paths": ()},
    "push.deleted": {"kind": "push", "action": "deleted", **SPRING, "before_sha": BASE},
    "push.forced": {"kind": "push", "action": "updated", "ref": "refs/heads/prune-apples", "branch": "prune-apples",
                    "head_sha": HEAD, "before_sha": BEFORE, "changed_paths": NEWEST_FIRST[:3]},
    "push.more_than_listed": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "push.before_1_16": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "push.tag": {"kind": "tag", "action": "created", **TAG, "head_sha": TAG_OBJECT},
    "push.tag_deleted": {"kind": "tag", "action": "deleted", **TAG, "before_sha": TAG_OBJECT},
    "push.gogs": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "pull_request.opened": {**PR, "action": "opened", "draft": False, "labels": ("pruning",)},
    "pull_request.draft": {**PR, "action": "opened", "draft": True},
    "pull_request.fork": {**FROM_FORK, "action": "opened", "sender": "tomas-okafor", "labels": ()},
    "pull_request.fork_deleted": {**FROM_FORK, "action": "closed"},
    "pull_request.synchronized": {**PR, "action": "updated"},
    "pull_request.merged": {**PR, "action": "merged"},
    "pull_request.closed": {**PR, "action": "closed"},
    "pull_request.reopened": {**PR, "action": "reopened"},
    "pull_request.edited": {**PR, "action": "edited"},
    "pull_request.label_updated": {**PR, "action": "labeled", "labels": ("pruning",)},
    "pull_request.label_cleared": {**PR, "action": "unlabeled", "labels": ()},
    "pull_request.assigned": {**PR, "action": "assigned"},
    "pull_request.unassigned": {**PR, "action": "unassigned"},
    "pull_request.milestoned": {**PR, "action": "edited"},
    "pull_request.review_requested": {**PR, "action": "review_requested"},
    "pull_request.review_request_removed": {**PR, "action": "edited"},
    "pull_request.gogs": {**GOGS, "action": "opened"},
    "pull_request.gogs_fork": {**GOGS, "action": "opened", "branch": "main", "number": 13, "fork": True,
                               "author": "tomas-okafor", "sender": "tomas-okafor"},
    "pull_request_approved.reviewed": {**REVIEW, "action": "approved"},
    "pull_request_rejected.reviewed": {**REVIEW, "action": "changes_requested"},
    "pull_request_comment.reviewed": {**REVIEW, "action": "commented"},
    "issue_comment.on_pull_request": {**ON_PR, "action": "commented"},
    "issue_comment.edited_on_issue": {**COMMENT, "action": "edited"},
    "issue_comment.deleted": {**ON_PR, "action": "deleted"},
    "issues.opened": {"kind": "other", "action": "opened"},
    "release.published": {"kind": "release", "action": "published", "tag": "v1.4.0"},
    "release.updated": {"kind": "release", "action": "edited", "tag": "v1.4.0"},
    "release.deleted": {"kind": "release", "action": "deleted", "tag": "v1.4.0"},
    "create.branch": {"kind": "other", "action": "created", **SPRING, "head_sha": HEAD},
    "create.tag": {"kind": "other", "action": "created", **TAG, "head_sha": HEAD},
    "create.gogs": {"kind": "other", "action": "created", **SPRING, "head_sha": HEAD},
    "delete.branch": {"kind": "other", "action": "deleted", **SPRING},
    "fork": {"kind": "other", "sender": "tomas-okafor", "full_name": "tomas-okafor/orchard",
             "clone_url": "https://git.acorn-works.example/tomas-okafor/orchard.git"},
    "repository.created": {"kind": "other", "action": "created"},
    "wiki.created": {"kind": "other", "action": "created"},
    "package.created": {"kind": "other", "action": "created"},
    "workflow_job.completed": {"kind": "other"},
}  # fmt: skip
