# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake GitHub's hooks are, and what it sends to them.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A repository's webhook. `config` holds the secret in the clear; it is shown as asterisks."""

    id: int
    repository: str
    repository_id: int
    active: bool
    events: tuple[str, ...]
    config: Mapping[str, str]
    created_at: str
    updated_at: str

    def wants(self, event: str) -> bool:
        """Tell whether an event is sent to this hook. A ping always is."""
        return event == "ping" or (self.active and ("*" in self.events or event in self.events))


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One delivery: what was sent, and `status` and `body` of the answer (502: nobody listens, 504: too late)."""

    id: int
    guid: str
    hook_id: int
    event: str
    status: int
    body: str
    redelivery: bool
    delivered_at: str
    duration: float
    url: str
    sent_headers: Mapping[str, str] = field(repr=False)
    sent_body: bytes = field(repr=False)
    payload: Any = field(repr=False)
    answer_headers: Mapping[str, str] = field(repr=False)

    def shown(self) -> dict[str, Any]:
        """Return it for the control address."""
        return {
            name: getattr(self, name) for name in ("id", "guid", "hook_id", "event", "status", "body", "redelivery")
        }


def now() -> str:
    """Return the time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(hook: Hook, payload: Mapping[str, Any] | bytes) -> bytes:
    """Return the body for a hook's content type; bytes stay what they are."""
    if isinstance(payload, bytes):
        return payload
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return b"payload=" + quote_plus(body).encode() if hook.config["content_type"] == "form" else body


def signed_headers(hook: Hook, event: str, guid: str, body: bytes) -> dict[str, str | None]:
    """Return the headers of a delivery; there is no signature where the hook has no secret."""
    form = hook.config["content_type"] == "form"
    headers: dict[str, str | None] = {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/7c2f9e1",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.repository_id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    key = hook.config.get("secret", "").encode()
    if key:
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest()
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    return headers
