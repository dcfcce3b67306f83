# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of Azure DevOps say. It lists no changed paths, and says who acts only now and then.

Two accounts have the same display name there, so accounts are told by the names they sign in with.
"""

from __future__ import annotations

from typing import Any

from tests.contract.services.expected import BASE, BEFORE, FROM_FORK, HEAD, MAIN, PR, SPRING, TAG, TAG_OBJECT

MIRA, TOMAS = "mira@acorn-works.example", "tomas@acorn-works.example"
EVERYWHERE = {
    "sender": None,
    "full_name": "Fruit/orchard",
    "clone_url": "https://acorn-works@dev.azure.com/acorn-works/Fruit/_git/orchard",
}
NOWHERE = {"full_name": None, "clone_url": None}
PUSH = {"kind": "push", "sender": MIRA}
REQUEST = {**PR, "author": MIRA, "draft": False, "labels": ("pruning",)}
COMMENT = {**REQUEST, "kind": "comment", "comment": "/deploy staging", "sender": TOMAS}

EXPECTED: dict[str, dict[str, Any]] = {
    "git_push.branch": {**PUSH, "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "git_push.created_empty": {**PUSH, "action": "created", **SPRING, "head_sha": HEAD},
    "git_push.deleted": {**PUSH, "action": "deleted", **SPRING, "before_sha": BASE},
    "git_push.forced": {**PUSH, "action": "updated", "ref": "refs/heads/prune-apples", "branch": "prune-apples",
                        "head_sha": HEAD, "before_sha": BEFORE},
    "git_push.tag": {**PUSH, "kind": "tag", "action": "created", **TAG, "head_sha": TAG_OBJECT},
    "git_push.tag_deleted": {**PUSH, "kind": "tag", "action": "deleted", **TAG, "before_sha": TAG_OBJECT},
    "git_push.several": {**PUSH, "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "git_push.without_guid": {**PUSH, "action": "updated", **MAIN, "head_sha": HEAD, "before_sha": BASE},
    "git_push.minimal_details": {"kind": "push", **NOWHERE},
    "git_pullrequest_created.opened": {**REQUEST, "action": "opened", "sender": MIRA},
    "git_pullrequest_created.draft": {**REQUEST, "action": "opened", "draft": True, "sender": MIRA},
    "git_pullrequest_created.fork": {**FROM_FORK, "author": TOMAS, "action": "opened", "sender": TOMAS, "labels": ()},
    "git_pullrequest_updated.commits": {**REQUEST, "action": "updated"},
    "git_pullrequest_updated.without_messages": {**REQUEST, "action": "updated"},
    "git_pullrequest_updated.vote": {**REQUEST, "action": "edited"},
    "git_pullrequest_updated.completed": {**REQUEST, "action": "merged"},
    "git_pullrequest_updated.abandoned": {**REQUEST, "action": "closed"},
    # Azure DevOps tries to merge whenever there are new commits.
    "git_pullrequest_merged.attempt": {**REQUEST},
    "git_pullrequest_merged.completed": {**REQUEST, "action": "merged"},
    "ms_vss-code_git-pullrequest-comment-event.created": {**COMMENT, "action": "commented"},
    "ms_vss-code_git-pullrequest-comment-event.edited": {**COMMENT, "action": "edited"},
    "ms_vss-code_git-pullrequest-comment-event.deleted": {**COMMENT, "action": "deleted", "comment": ""},
    "build_complete": {"kind": "other", **NOWHERE},
    "workitem_created": {"kind": "other", **NOWHERE},
    "git_repo_created": {"kind": "other"},
    "tfvc_checkin": {"kind": "other", **NOWHERE},
}  # fmt: skip
