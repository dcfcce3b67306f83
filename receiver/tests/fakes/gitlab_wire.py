# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake GitLab's hooks are, and what it sends to them.

https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# Flag of a hook → the event it stands for, and the recorded payload that the Test button sends.
TRIGGERS: Mapping[str, tuple[str, str | None]] = {
    "push_events": ("Push Hook", "Push_Hook.branch"),
    "tag_push_events": ("Tag Push Hook", "Tag_Push_Hook.created"),
    "merge_requests_events": ("Merge Request Hook", "Merge_Request_Hook.open"),
    "note_events": ("Note Hook", "Note_Hook.merge_request"),
    "confidential_note_events": ("Confidential Note Hook", None),
    "issues_events": ("Issue Hook", "Issue_Hook.open"),
    "confidential_issues_events": ("Confidential Issue Hook", None),
    "job_events": ("Job Hook", "Job_Hook"),
    "pipeline_events": ("Pipeline Hook", "Pipeline_Hook.merge_request"),
    "wiki_page_events": ("Wiki Page Hook", "Wiki_Page_Hook.create"),
    "releases_events": ("Release Hook", "Release_Hook.create"),
    "deployment_events": ("Deployment Hook", "Deployment_Hook"),
    "feature_flag_events": ("Feature Flag Hook", None),
    "milestone_events": ("Milestone Hook", None),
    "emoji_events": ("Emoji Hook", None),
    "resource_access_token_events": ("Resource Access Token Hook", None),
}
FLAG_OF_EVENT = {event: flag for flag, (event, _) in TRIGGERS.items()}


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A project's webhook. `token` and `signing_token` are never shown; `flags` are the `*_events`."""

    id: int
    project_id: int
    url: str
    flags: Mapping[str, bool]
    name: str | None = None
    description: str | None = None
    push_events_branch_filter: str = ""
    enable_ssl_verification: bool = True
    token: str = field(default="", repr=False)
    signing_token: str = field(default="", repr=False)
    failures: int = 0
    created_at: str = ""

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it. GitLab suspends a hook after four failures in a row, for good after forty."""
        suspended = "disabled" if self.failures >= 40 else "temporarily_disabled"
        return {
            "id": self.id,
            "url": self.url,
            "name": self.name,
            "description": self.description,
            "project_id": self.project_id,
            **self.flags,
            "push_events_branch_filter": self.push_events_branch_filter,
            "branch_filter_strategy": "wildcard",
            "enable_ssl_verification": self.enable_ssl_verification,
            "repository_update_events": False,
            "alert_status": "executable" if self.failures < 4 else suspended,
            "disabled_until": None,
            "url_variables": [],
            "custom_webhook_template": None,
            "custom_headers": [],
            "token_present": bool(self.token),
            "signing_token_present": bool(self.signing_token),
            "created_at": self.created_at,
        }


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One delivery: what was sent, and `status` and `body` of the answer (502: nobody listens, 504: too late)."""

    id: int
    guid: str
    hook_id: int
    event: str
    status: int
    body: str
    duration: float
    url: str
    sent_headers: Mapping[str, str] = field(repr=False)
    sent_body: bytes = field(repr=False)
    payload: Any = field(repr=False)
    answer_headers: Mapping[str, str] = field(repr=False)

    def shown(self) -> dict[str, Any]:
        """Return it for the control address."""
        return {name: getattr(self, name) for name in ("id", "guid", "hook_id", "event", "status", "body")}

    def as_event(self) -> dict[str, Any]:
        """Return it as the API shows the events of a hook."""
        secret = {"X-Gitlab-Token": "[REDACTED]"} if "X-Gitlab-Token" in self.sent_headers else {}
        return {
            "id": self.id,
            "url": self.url,
            "trigger": FLAG_OF_EVENT.get(self.event, "").replace("_events", "_hooks"),
            "request_headers": {**self.sent_headers, **secret},
            "request_data": self.payload,
            "response_headers": dict(self.answer_headers),
            "response_body": self.body,
            "execution_duration": self.duration,
            "response_status": "internal error" if self.status in (502, 504) else str(self.status),
        }


def now() -> str:
    """Return the time as GitLab writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def written(payload: Mapping[str, Any] | bytes) -> bytes:
    """Return the body; bytes stay what they are."""
    return payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()


def signed_headers(hook: Hook, event: str, guid: str, instance: str, body: bytes) -> dict[str, str | None]:
    """Return the headers of a delivery, with what the hook's tokens add."""
    headers: dict[str, str | None] = {
        "Content-Type": "application/json",
        "User-Agent": "GitLab/19.1.0",
        "Idempotency-Key": guid,
        "X-Gitlab-Event": event,
        "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
        "X-Gitlab-Instance": instance,
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
    }
    if hook.token:
        headers["X-Gitlab-Token"] = hook.token
    if hook.signing_token:
        at = str(int(time.time()))
        key = base64.b64decode(hook.signing_token.removeprefix("whsec_"))
        digest = hmac.new(key, f"{guid}.{at}.".encode() + body, hashlib.sha256).digest()
        signature = "v1," + base64.b64encode(digest).decode()
        headers |= {"webhook-id": guid, "webhook-timestamp": at, "webhook-signature": signature}
    return headers
