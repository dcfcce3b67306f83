# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sender that follows Standard Webhooks.

The specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event, StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential
from playhook.errors import Malformed
from playhook.services.authenticity import get_word
from playhook.services.json_body import decode_body
from playhook.services.payload import text
from playhook.services.signatures import check_standard, sign_standard

_KEY_PREFIX: Final = "whsec_"
_LEAST_KEY: Final = 16  # bytes; senders make 24 to 64, and with an empty key anybody could sign
_EVENT_TYPE: Final = "event"
_MAX_LENGTH: Final = 255  # of the column that holds event types


class StandardWebhooks:
    """The service `standard_webhooks`."""

    name: ClassVar[str] = "standard_webhooks"
    label: ClassVar[str] = "Standard Webhooks"
    credential_type: ClassVar[str | None] = None
    sample_types: ClassVar[Sequence[str]] = ("playhook.sample",)

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check `webhook-signature`; its asymmetric signatures (`v1a`) are not looked at."""
        check_standard(delivery, [key for key in map(_key_bytes, keys) if key], options.now, what="webhook key")

    def parse(self, delivery: Delivery) -> Event:
        """Read the event. Its type stands in the payload's `type`, which the specification only recommends."""
        payload = decode_body(delivery)
        guid = get_word(delivery, "webhook-id")
        return Event(service=self.name, type=_event_type(payload), guid=guid, payload=payload)

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Return None: a status has no place to go to."""
        return None

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload with the specification's three fields."""
        return {"type": event_type, "timestamp": "2026-01-01T00:00:00Z", "data": {"id": 1}}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return the three headers."""
        return sign_standard(_key_bytes(key) or b"", guid, now, body)


def _key_bytes(key: str) -> bytes | None:
    """Return what is signed with: `whsec_` and base64, or any other key as it stands; None for what is no key."""
    if not key.startswith(_KEY_PREFIX):
        return key.encode() or None
    try:
        decoded = base64.b64decode(key.removeprefix(_KEY_PREFIX), validate=True)
    except ValueError:
        return None
    return decoded if len(decoded) >= _LEAST_KEY else None


def _event_type(payload: dict[str, Any]) -> str:
    found = (text(payload, "type") or "").strip()
    if len(found) > _MAX_LENGTH or not found.isprintable():
        raise Malformed(f"The payload's type is longer than {_MAX_LENGTH} characters or has unprintable ones.")
    return found or _EVENT_TYPE
