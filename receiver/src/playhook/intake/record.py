# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a delivery, worked out before the transaction that stores it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import orjson

from playhook.domain.delivery import Delivery, Verdict
from playhook.domain.event import Event
from playhook.errors import DeliveryRefused
from playhook.intake.extra_vars import event_record
from playhook.store.compression import compress
from playhook.store.deliveries import DeliveryRow
from playhook.store.hook_templates import HookTemplate

# Headers are kept by what they may not be: a signature, a token, a cookie, or a word from a proxy.
_KEPT_HEADER: Final = re.compile(
    r"^(?:content-type|content-length|user-agent|idempotency-key|(?:x|webhook)-[a-z0-9-]+)$"
)
_SECRET_HEADER: Final = re.compile(r"token|signature|secret|auth|password|cookie|credential|forwarded|real-ip|api-?key")


def prepare_row(template: HookTemplate, remote: str, delivery: Delivery, event: Event, verdict: Verdict) -> DeliveryRow:
    """Build the row of an authentic delivery."""
    digest = sha256(delivery.body)
    return DeliveryRow(
        template_id=template.id,
        service=event.service,
        outcome="launched" if verdict.launch else "ignored",
        response_status=202 if verdict.launch else 200,
        received=delivery.received,
        remote_address=remote,
        reason=verdict.reason,
        guid=event.guid,
        dedupe_key=f"guid:{event.guid}" if event.guid else f"body:{event.type}:{digest.hexdigest()}"[:300],
        event_type=event.type[:255],
        headers=kept_headers(delivery.headers),
        body_size=len(delivery.body),
        body_sha256=digest.digest(),
        body=compress(_document(delivery, event)),
        event=event_record(event),
        verdict=verdict.record(),
    )


def refusal_row(
    template_id: int | None, service: str, remote: str, delivery: Delivery, refusal: DeliveryRefused
) -> DeliveryRow:
    """Build the row of a refused delivery: facts about it, nothing of its body."""
    return DeliveryRow(
        template_id=template_id,
        service=service[:64],
        outcome="refused",
        response_status=refusal.status,
        received=delivery.received,
        remote_address=remote,
        reason=str(refusal)[:1024],
        headers=kept_headers(delivery.headers),
        body_size=len(delivery.body),
    )


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may be stored and shown, each cut to 512 characters."""
    return {
        name: value[:512]
        for name, value in list(headers.items())[:100]
        if _KEPT_HEADER.match(name) and not _SECRET_HEADER.search(name)
    }


def _document(delivery: Delivery, event: Event) -> bytes:
    # A form-encoded body is stored as the JSON it carried.
    return delivery.body if delivery.body.lstrip()[:1] == b"{" else orjson.dumps(event.payload)
