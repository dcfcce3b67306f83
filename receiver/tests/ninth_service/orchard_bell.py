# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that the receiver does not know, as somebody else's package would bring it: one file, one entry point."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event, Repository, StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential
from playhook.errors import InvalidInput, Malformed, NotAuthentic


class OrchardBell:
    """Rings with the key in a header, whose name may be chosen."""

    name = "orchard_bell"
    label = "Orchard Bell"
    credential_type = "gitea_token"
    sample_types = ("ring",)

    def __init__(self, header: str = "x-bell") -> None:
        self._header = header

    def configure(self, options: Mapping[str, Any]) -> OrchardBell:
        for name, value in options.items():
            if name != "header" or not isinstance(value, str):
                raise InvalidInput({name: ["There is one option, header, a text."]})
        return OrchardBell(**options)

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        given = delivery.headers.get(self._header, "").encode()
        if sum(hmac.compare_digest(given, key.encode()) for key in keys) == 0:
            raise NotAuthentic("The bell has another sound.")

    def parse(self, delivery: Delivery) -> Event:
        try:
            payload = json.loads(delivery.body)
        except ValueError:
            raise Malformed("The bell is out of tune.") from None
        sha = str(payload.get("sha"))
        return Event(
            service=self.name,
            type="ring",
            guid=delivery.headers.get("x-ring"),
            payload=payload,
            kind="push",
            branch=payload.get("branch"),
            head_sha=sha,
            repository=Repository(full_name="acorn-works/orchard"),
            status_target=StatusTarget(repository="acorn-works/orchard", sha=sha, origin=None),
        )

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        base = credential.api_url or "https://bell.example"
        body = {"sound": status.status, "page": status.target_url}
        headers = {"Authorization": credential.token}
        return OutgoingRequest(
            method="PUT", url=f"{base}/rings/{target.sha}", api_base=base, headers=headers, json=body
        )

    def sample(self, event_type: str) -> Mapping[str, Any]:
        return {"branch": "main", "sha": "a" * 40}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        return {self._header: key, "x-ring": guid}
