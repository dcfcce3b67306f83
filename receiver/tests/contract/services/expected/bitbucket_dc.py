# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of Bitbucket Data Center say. It lists no changed paths, and has no labels."""

from __future__ import annotations

from typing import Any

from tests.contract.services.expected import BASE, BEFORE, DEPLOY, FROM_FORK, HEAD, MAIN, PR, SPRING, TAG, TAG_OBJECT

EVERYWHERE = {
    "sender": "mira-lindqvist",
    "full_name": "ACORN/orchard",
    "clone_url": "https://bitbucket.acorn-works.example/scm/acorn/orchard.git",
}
REVIEW = {**PR, "kind": "review", "sender": "tomas-okafor"}
COMMENT = {**PR, **DEPLOY, "kind": "comment"}
NOWHERE = {"full_name": None, "clone_url": None}

EXPECTED: dict[str, dict[str, Any]] = {
    "repo__refs_changed.branch": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "repo__refs_changed.created": {"kind": "push", "action": "created", **SPRING, "head_sha": HEAD},
    "repo__refs_changed.deleted": {"kind": "push", "action": "deleted", **SPRING, "before_sha": BASE},
    "repo__refs_changed.forced": {"kind": "push", "action": "updated", "ref": "refs/heads/prune-apples",
                                  "branch": "prune-apples", "head_sha": HEAD, "before_sha": BEFORE},
    "repo__refs_changed.tag": {"kind": "tag", "action": "created", **TAG, "head_sha": HEAD},
    "repo__refs_changed.tag_before_7_13": {"kind": "tag", "action": "created", **TAG, "head_sha": HEAD},
    "repo__refs_changed.tag_deleted": {"kind": "tag", "action": "deleted", **TAG, "before_sha": TAG_OBJECT},
    "repo__refs_changed.several": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "mirror__repo_synchronized": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE,
                                  "sender": None},
    "pr__opened": {**PR, "action": "opened", "draft": False, "labels": None},
    "pr__opened.fork": {**FROM_FORK, "action": "opened", "sender": "tomas-okafor"},
    "pr__opened.before_drafts": {**PR, "action": "opened", "draft": None},
    "pr__from_ref_updated": {**PR, "action": "updated", "before_sha": BEFORE},
    "pr__to_ref_updated": {**PR, "action": "edited"},
    "pr__modified.title": {**PR, "action": "edited"},
    "pr__modified.ready": {**PR, "action": "ready_for_review", "draft": False},
    "pr__modified.draft": {**PR, "action": "converted_to_draft", "draft": True},
    "pr__reviewer__updated.added": {**PR, "action": "review_requested"},
    "pr__reviewer__updated.removed": {**PR, "action": "edited"},
    "pr__reviewer__approved": {**REVIEW, "action": "approved"},
    "pr__reviewer__unapproved": {**REVIEW, "action": "dismissed"},
    "pr__reviewer__needs_work": {**REVIEW, "action": "changes_requested"},
    "pr__merged": {**PR, "action": "merged"},
    "pr__declined": {**PR, "action": "closed"},
    "pr__deleted": {**PR, "action": "deleted"},
    "pr__comment__added": {**COMMENT, "action": "commented"},
    "pr__comment__edited": {**COMMENT, "action": "edited"},
    "pr__comment__deleted": {**COMMENT, "action": "deleted"},
    "repo__comment__added": {"kind": "comment", "action": "commented", "head_sha": HEAD, **DEPLOY},
    "repo__comment__edited": {"kind": "comment", "action": "edited", "head_sha": HEAD, **DEPLOY},
    "repo__modified": {"kind": "other", "full_name": "ACORN/grove",
                       "clone_url": "https://bitbucket.acorn-works.example/scm/acorn/grove.git"},
    "repo__forked": {"kind": "other", "sender": "tomas-okafor"},
    "repo__secret_detected": {"kind": "other"},
    "project__modified": {"kind": "other", **NOWHERE},
    "diagnostics__ping": {"kind": "ping", "sender": None, **NOWHERE},
}  # fmt: skip
