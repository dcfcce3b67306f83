# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends GitHub's deliveries into the store behind the API, signed with the key that the API shows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
from tests.api_client import Api

from playhook.domain.delivery import Delivery
from playhook.intake.accept import Accepted
from playhook.intake.receive import Intake
from playhook.intake.sources import Address
from playhook.services.github import GitHub
from playhook.services.registry import load_services
from playhook.store.store import Store


def push(branch: str, repository: str = "shop/till") -> dict[str, Any]:
    """Return the payload of a push of one commit."""
    return {
        "ref": f"refs/heads/{branch}", "before": "b" * 40, "after": "a" * 40, "deleted": False, "created": False,
        "repository": {"id": 1, "full_name": repository}, "commits": [], "sender": {"login": "ann"},
    }  # fmt: skip


def deliver(store: Store, key: str, payload: dict[str, Any], *, guid: str = "guid-1", **address: Any) -> list[Accepted]:
    """Send a push to a template's address, or to an endpoint's. Raises DeliveryRefused."""
    body, now = orjson.dumps(payload), datetime.now(UTC)
    headers = GitHub().sign(body, event_type="push", guid=guid, key=key, now=now)
    sent = {"content-type": "application/json", **{name.lower(): value for name, value in headers.items()}}
    to = Address(**{"kind": "job_template", "service": "github", "remote": "192.0.2.9", **address})
    intake = Intake(store, load_services())
    return asyncio.run(intake.receive_delivery(to, Delivery(headers=sent, body=body, received=now)))


def key_of(api: Api, shown: dict[str, Any]) -> str:
    """Return the webhook key of a template or an endpoint."""
    answer = api.get(shown["related"]["webhook_key"])
    assert answer.status == 200, answer.body
    return str(answer.json()["webhook_key"])
