# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries written out by hand, so that each part of them can be wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any

import requests

SHA = "c0ffee" * 6 + "abcd"


def pull_request(title: str = "Fix the door", **changes: Any) -> dict[str, Any]:
    """Return a pull request's payload with the fields that matter."""
    repository = {
        "id": 7,
        "full_name": "octo-org/door",
        "html_url": "https://github.com/octo-org/door",
        "url": "https://api.github.com/repos/octo-org/door",
        "clone_url": "https://github.com/octo-org/door.git",
    }
    return {
        "action": "opened",
        "number": 5,
        "pull_request": {
            "number": 5,
            "title": title,
            "user": {"login": "mona"},
            "draft": False,
            "labels": [],
            "head": {"ref": "topic", "sha": SHA, "repo": repository},
            "base": {"ref": "main", "sha": "b" * 40, "repo": repository},
            "html_url": "https://github.com/octo-org/door/pull/5",
            "statuses_url": f"https://api.github.com/repos/octo-org/door/statuses/{SHA}",
        },
        "repository": repository,
        "sender": {"login": "mona"},
        **changes,
    }


def github_headers(key: str, body: bytes, event: str = "pull_request", **changes: str | None) -> dict[str, str]:
    """Return the headers as GitHub sends them; a change to None leaves one out."""
    headers: dict[str, str | None] = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/0000000",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in headers.items() if value is not None}


def deliver_github(
    url: str, key: str, payload: Any, event: str = "pull_request", **changes: str | None
) -> requests.Response:
    """Send a delivery signed the way GitHub signs."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return requests.post(url, data=body, headers=github_headers(key, body, event, **changes), timeout=30)


def deliver_gitlab(url: str, key: str, payload: Any, event: str, **changes: str | None) -> requests.Response:
    """Send a delivery with the token the way GitLab does."""
    headers: dict[str, str | None] = {
        "Content-Type": "application/json",
        "X-Gitlab-Event": event,
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
        "X-Gitlab-Token": key,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    sent = {name: value for name, value in headers.items() if value is not None}
    return requests.post(url, data=json.dumps(payload).encode(), headers=sent, timeout=30)
