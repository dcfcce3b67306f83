# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the samples of all services tell of: one invented repository, pull request and tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OWNER: Final = "example"
NAME: Final = "site"
FULL_NAME: Final = f"{OWNER}/{NAME}"
ACCOUNT: Final = "ada"
BRANCH: Final = "feature-1"
TAG: Final = "v1.0.0"
NUMBER: Final = 7
TITLE: Final = "Add a page"
COMMENT: Final = "/deploy staging"
PATH: Final = "pages/new.html"
BEFORE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
HEAD: Final = "9fceb02d0ae598e95dc970b74767f19372d61af8"
ZEROS: Final = "0" * 40
COMMIT: Final = {"id": HEAD, "message": TITLE, "added": [PATH], "modified": [], "removed": []}

HUB_SAMPLES: Final = ("push", "pull_request", "tag", "release", "issue_comment")


def hub_sample(name: str, *, web: str, api: str) -> Mapping[str, Any]:
    """Return a payload as GitHub and those modelled on it send it; `ping` is GitHub's only."""
    url = f"{web}/{FULL_NAME}"
    user = {"id": 5, "login": ACCOUNT}
    repository = {
        "id": 1,
        "name": NAME,
        "full_name": FULL_NAME,
        "owner": {"id": 4, "login": OWNER},
        "html_url": url,
        "clone_url": f"{url}.git",
        "default_branch": "main",
    }
    said = {"repository": repository, "sender": user}
    if name in {"push", "tag"}:
        return _hub_push(name == "tag") | said
    if name == "pull_request":
        return {"action": "opened", "number": NUMBER, "pull_request": _hub_pull_request(repository, user, api)} | said
    if name == "release":
        return {"action": "published", "release": {"id": 9, "tag_name": TAG, "name": TAG, "draft": False}} | said
    if name == "issue_comment":
        issue = {"number": NUMBER, "title": TITLE, "user": user, "html_url": f"{url}/pulls/{NUMBER}", "labels": []}
        issue["pull_request"] = {"merged": False}
        return {"action": "created", "is_pull": True, "issue": issue, "comment": {"id": 8, "body": COMMENT}} | said
    return {"zen": "A sample launches what a delivery would.", "hook_id": 1} | said


def _hub_push(is_tag: bool) -> dict[str, Any]:
    return {
        "ref": f"refs/tags/{TAG}" if is_tag else "refs/heads/main",
        "before": ZEROS if is_tag else BEFORE,
        "after": HEAD,
        "created": is_tag,
        "deleted": False,
        "forced": False,
        "total_commits": 0 if is_tag else 1,
        "commits": [] if is_tag else [COMMIT],
        "head_commit": COMMIT,
    }


def _hub_pull_request(repository: Mapping[str, Any], user: Mapping[str, Any], api: str) -> dict[str, Any]:
    return {
        "id": 6,
        "number": NUMBER,
        "state": "open",
        "title": TITLE,
        "user": user,
        "draft": False,
        "merged": False,
        "labels": [],
        "html_url": f"{repository['html_url']}/pull/{NUMBER}",
        "statuses_url": f"{api}/repos/{FULL_NAME}/statuses/{HEAD}",
        "head": {"ref": BRANCH, "sha": HEAD, "repo": repository},
        "base": {"ref": "main", "sha": BEFORE, "repo": repository},
    }
