# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries as the services make them, signed here with the standard library and not by the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote_plus

from playhook.domain.delivery import Delivery, WebhookOptions
from tests.fixtures import Recorded

KEY = "a-key-of-the-orchard-template-0001"
SIGNING_TOKEN = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
GUID = "7d0f2c1e-5b3a-4e0e-9f5e-4c8f1d9a2b60"


def options(**values: object) -> WebhookOptions:
    """The template's options at the tests' noon."""
    return WebhookOptions(**{"now": NOW, **values})


def delivery(body: bytes, headers: dict[str, str]) -> Delivery:
    """A delivery with exactly these headers."""
    return Delivery(headers=headers, body=body, received=NOW)


def github(body: bytes, event: str = "push", *, key: str = KEY, **extra: str) -> Delivery:
    """A delivery by GitHub; `extra` replaces headers, with underscores for hyphens, and an empty one removes it."""
    headers = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/7c2f9e1",
        "x-github-event": event,
        "x-github-delivery": GUID,
        "x-hub-signature": "sha1=" + hmac.new(key.encode(), body, hashlib.sha1).hexdigest(),
        "x-hub-signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
    return delivery(body, _replaced(headers, extra))


def github_form(body: bytes, event: str = "push", *, key: str = KEY) -> Delivery:
    """The same as a form, GitHub's default content type; the form is what is signed."""
    form = b"payload=" + quote_plus(body).encode()
    return github(form, event, key=key, content_type="application/x-www-form-urlencoded")


def gitlab(body: bytes, event: str = "Push Hook", *, key: str = KEY, **extra: str) -> Delivery:
    """A delivery by GitLab with a secret token."""
    headers = {
        "content-type": "application/json",
        "user-agent": "GitLab/18.4.0",
        "idempotency-key": GUID,
        "x-gitlab-event": event,
        "x-gitlab-webhook-uuid": "5f4a1c02-19c1-4d3c-8f0e-91b2f4d07a11",
        "x-gitlab-instance": "https://gitlab.com",
        "x-gitlab-event-uuid": "0b9f5a36-6a5e-4b3f-8a0c-3f6fd1c2a7e4",
        "x-gitlab-token": key,
    }
    return delivery(body, _replaced(headers, extra))


def gitlab_signed(body: bytes, *, token: str = SIGNING_TOKEN, timestamp: str | None = None, **extra: str) -> Delivery:
    """A delivery by GitLab 19 with a signing token and no secret token."""
    at = timestamp or str(int(NOW.timestamp()))
    signed = f"{GUID}.{at}.".encode() + body
    digest = hmac.new(base64.b64decode(token.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    signature = {
        "x_gitlab_token": "",
        "webhook_id": GUID,
        "webhook_timestamp": at,
        "webhook_signature": "v1," + base64.b64encode(digest).decode(),
    }
    return gitlab(body, **{**signature, **extra})


def bitbucket_dc(body: bytes, event: str = "repo:refs_changed", *, key: str = KEY, **extra: str) -> Delivery:
    """A delivery by Bitbucket Data Center to a webhook with a secret."""
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Atlassian HttpClient 4.2.0 / Bitbucket-9.4.0",
        "x-event-key": event,
        "x-request-id": GUID,
        "x-hub-signature": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
    return delivery(body, _replaced(headers, extra))


def azure_devops(body: bytes, event: str = "", *, key: str = KEY, **extra: str) -> Delivery:
    """A delivery by Azure DevOps with basic authentication; the body says the event type."""
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "VSServices/19.265.0.0",
        "authorization": "Basic " + base64.b64encode(f"azure:{key}".encode()).decode(),
    }
    return delivery(body, _replaced(headers, extra))


def bitbucket_cloud(body: bytes, event: str = "repo:push", *, key: str = KEY, **extra: str) -> Delivery:
    """A delivery by Bitbucket Cloud to a webhook with a secret."""
    headers = {
        "content-type": "application/json",
        "user-agent": "Bitbucket-Webhooks/2.0",
        "x-event-key": event,
        "x-hook-uuid": "5f4a1c02-19c1-4d3c-8f0e-91b2f4d07a11",
        "x-request-uuid": GUID,
        "x-attempt-number": "1",
        "x-hub-signature": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
    return delivery(body, _replaced(headers, extra))


def gitea(
    body: bytes, event: str = "push", *, key: str = KEY, kinds: tuple[str, ...] = ("gitea", "gogs"), **extra: str
) -> Delivery:
    """A delivery by Gitea. Forgejo puts its own name before Gitea's, and Gogs sends its own only."""
    sha256, sha1 = (hmac.new(key.encode(), body, algorithm).hexdigest() for algorithm in ("sha256", "sha1"))
    headers = {"content-type": "application/json", "user-agent": "Go-http-client/1.1"}
    for kind in kinds:
        words = {"delivery": GUID, "event": event, "event-type": event, "signature": sha256}
        headers |= {f"x-{kind}-{name}": value for name, value in words.items()}
    if "gitea" in kinds:
        headers |= {"x-github-delivery": GUID, "x-github-event": event, "x-hub-signature": f"sha1={sha1}"}
        headers["x-hub-signature-256"] = f"sha256={sha256}"
    return delivery(body, _replaced(headers, extra))


def generic(body: bytes, event: str = "event", *, key: str = KEY, **extra: str) -> Delivery:
    """A delivery by a sender that signs as most do."""
    headers = {
        "content-type": "application/json",
        "x-event-type": event,
        "x-delivery-id": GUID,
        "x-hub-signature-256": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
    return delivery(body, _replaced(headers, extra))


def standard_webhooks(
    body: bytes, event: str = "", *, key: str = SIGNING_TOKEN, timestamp: str = "", **extra: str
) -> Delivery:
    """A delivery by the specification; the body says the event type. A key without `whsec_` is taken as it stands."""
    at = timestamp or str(int(NOW.timestamp()))
    secret = base64.b64decode(key.removeprefix("whsec_")) if key.startswith("whsec_") else key.encode()
    digest = hmac.new(secret, f"{GUID}.{at}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "webhook-id": GUID,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    return delivery(body, _replaced(headers, extra))


SENDERS: dict[str, Callable[..., Delivery]] = {
    "azure_devops": azure_devops,
    "bitbucket_cloud": bitbucket_cloud,
    "bitbucket_dc": bitbucket_dc,
    "generic": generic,
    "gitea": gitea,
    "github": github,
    "gitlab": gitlab,
    "standard_webhooks": lambda body, event: standard_webhooks(body, key=KEY),
}
"""How each service delivers a body of an event type; keywords replace headers."""
EVENT_HEADERS = {
    "bitbucket_cloud": "x-event-key",
    "bitbucket_dc": "x-event-key",
    "generic": "x-event-type",
    "gitea": "x-gitea-event",
    "github": "x-github-event",
    "gitlab": "x-gitlab-event",
}
"""Where the event type stands, for services that do not say it in the body."""
GUID_HEADERS = {
    "bitbucket_cloud": "x-request-uuid",
    "bitbucket_dc": "x-request-id",
    "generic": "x-delivery-id",
    "gitea": "x-gitea-delivery",
    "github": "x-github-delivery",
    "gitlab": "idempotency-key",
}


def as_sent(recording: Recorded) -> Delivery:
    """A recorded payload as its service delivers it."""
    return SENDERS[recording.service](recording.body, recording.event_type)


def _replaced(headers: dict[str, str], extra: dict[str, str]) -> dict[str, str]:
    names = {name.replace("_", "-"): value for name, value in extra.items()}
    return {name: value for name, value in {**headers, **names}.items() if value}
