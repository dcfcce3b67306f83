# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of Bitbucket Cloud say. It lists no changed paths and no clone URL, and has no labels.

Two accounts call themselves mira there, so accounts are told by their ids. Pull requests tell twelve digits of a SHA.
"""

from __future__ import annotations

from typing import Any

from tests.contract.services.expected import BASE, BEFORE, FROM_FORK, HEAD, MAIN, PR, SPRING, TAG

MIRA, TOMAS = "557058:mira-lindqvist", "557058:tomas-okafor"
EVERYWHERE = {"sender": MIRA, "full_name": "acorn-works/orchard", "clone_url": None}
REQUEST = {**PR, "head_sha": HEAD[:12], "author": MIRA}
FORK = {**FROM_FORK, "head_sha": BEFORE[:12], "author": TOMAS, "sender": TOMAS}
REVIEW = {**REQUEST, "kind": "review", "sender": TOMAS}
SAID = {"kind": "comment", "comment": "/deploy staging", "sender": TOMAS}

EXPECTED: dict[str, dict[str, Any]] = {
    "repo__push.branch": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "repo__push.created_empty": {"kind": "push", "action": "created", **SPRING, "head_sha": HEAD},
    "repo__push.deleted": {"kind": "push", "action": "deleted", **SPRING, "before_sha": BASE},
    "repo__push.forced": {"kind": "push", "action": "updated", "ref": "refs/heads/prune-apples",
                          "branch": "prune-apples", "head_sha": HEAD, "before_sha": BEFORE},
    "repo__push.tag": {"kind": "tag", "action": "created", **TAG, "head_sha": HEAD},
    "repo__push.tag_deleted": {"kind": "tag", "action": "deleted", **TAG, "before_sha": HEAD},
    "repo__push.several": {"kind": "push", "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "repo__push.nothing": {"kind": "push"},
    "pullrequest__created": {**REQUEST, "action": "opened", "draft": False, "labels": None},
    "pullrequest__created.draft": {**REQUEST, "action": "opened", "draft": True},
    "pullrequest__created.fork": {**FORK, "action": "opened"},
    "pullrequest__updated": {**REQUEST, "action": "updated"},
    "pullrequest__fulfilled": {**REQUEST, "action": "merged"},
    "pullrequest__rejected.fork_deleted": {**FORK, "action": "closed", "sender": MIRA},
    "pullrequest__approved": {**REVIEW, "action": "approved"},
    "pullrequest__unapproved": {**REVIEW, "action": "dismissed"},
    "pullrequest__changes_request_created": {**REVIEW, "action": "changes_requested"},
    "pullrequest__changes_request_removed": {**REVIEW, "action": "dismissed"},
    "pullrequest__comment_created": {**REQUEST, **SAID, "action": "commented"},
    "pullrequest__comment_updated": {**REQUEST, **SAID, "action": "edited"},
    "pullrequest__comment_deleted": {**REQUEST, **SAID, "action": "deleted"},
    "pullrequest__comment_resolved": {**REQUEST, "kind": "other", "sender": TOMAS},
    "pullrequest__comment_reopened": {**REQUEST, "kind": "other", "sender": TOMAS},
    "repo__commit_comment_created": {**SAID, "action": "commented", "head_sha": HEAD},
    "repo__commit_status_created": {"kind": "other"},
    "repo__commit_status_updated": {"kind": "other"},
    "repo__fork": {"kind": "other", "sender": TOMAS},
    "repo__updated": {"kind": "other", "full_name": "acorn-works/grove"},
    "repo__transfer": {"kind": "other"},
    "issue__created": {"kind": "other", "action": "opened"},
    "issue__updated": {"kind": "other", "action": "edited"},
    "issue__comment_created": {**SAID, "action": "commented"},
}  # fmt: skip
