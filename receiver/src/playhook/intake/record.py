# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a delivery, worked out before the transaction that stores it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from playhook.domain.delivery import Delivery
from playhook.domain.event import Event
from playhook.errors import DeliveryRefused
from playhook.intake.filters import printable
from playhook.intake.rules import Dedupe
from playhook.intake.sources import Source
from playhook.intake.verdict import Judgement
from playhook.services.authenticity import SECRET_HEADER
from playhook.store.compression import compress
from playhook.store.deliveries import DeliveryRow

BODY_KEY: Final = "body:"
"""What the dedupe keys of bodies begin with; those of guids begin with `guid:`."""
# Headers are kept by what they may not be: a signature, a token, a cookie, or a word from a proxy.
_KEPT_HEADER: Final = re.compile(
    r"^(?:content-type|content-length|user-agent|idempotency-key|(?:x|webhook)-[a-z0-9-]+)$"
)


def describe_delivery(delivery: Delivery, event: Event, remote: str, endpoint_id: int | None) -> dict[str, Any]:
    """Return the columns that are the same for every template a delivery is for."""
    document = _document(delivery, event)
    return {
        "service": event.service,
        "endpoint_id": endpoint_id,
        "received": delivery.received,
        "remote_address": remote[:64],
        "guid": event.guid,
        "event_type": event.type[:255],
        "headers": kept_headers(delivery.headers),
        "body_size": len(delivery.body),
        "body": compress(document),
        # Hashing a body costs as much as its signature. What is kept as it came can be hashed whenever it is asked for.
        "body_sha256": None if document is delivery.body and event.guid else sha256(delivery.body).digest(),
    }


def prepare_row(
    facts: Mapping[str, Any],
    delivery: Delivery,
    event: Event,
    record: Mapping[str, Any],
    said: Judgement,
    *,
    template_id: int | None = None,
    dedupe: Dedupe | None = None,
) -> DeliveryRow:
    """Build the row of an authentic delivery for one template; `record` is the event as it is stored."""
    launch = said.verdict.launch
    # Only what launched counts as received: the same delivery may come again once the filters have been mended.
    key = _dedupe_key(dedupe, event, delivery.body) if launch and dedupe else None
    return DeliveryRow(
        **facts,
        template_id=template_id,
        outcome="launched" if launch else "ignored",
        response_status=202 if launch else 200,
        reason=said.verdict.reason,
        dedupe_key=key,
        event={**record, **for_playbooks(said)},
        verdict=said.verdict.record(),
    )


def _dedupe_key(dedupe: Dedupe, event: Event, body: bytes) -> str:
    if event.guid and not dedupe.body:
        return f"guid:{event.guid}"
    return f"{BODY_KEY}{event.type}:{sha256(body).hexdigest()}"[:300]


def for_playbooks(said: Judgement) -> dict[str, Any]:
    """Return what a judgement adds to the stored event; see webhook_variables."""
    given = {"variables": said.variables, "match": said.match}
    return {name: value for name, value in given.items() if value}


def refusal_row(
    source: Source | None, service: str, remote: str, delivery: Delivery, refusal: DeliveryRefused
) -> DeliveryRow:
    """Build the row of a refused delivery: facts about it, nothing of its body."""
    endpoint_id = source.endpoint_id if source else None
    return DeliveryRow(
        template_id=source.templates[0].template.id if source and endpoint_id is None else None,
        endpoint_id=endpoint_id,
        service=printable(service[:64]),
        outcome="refused",
        response_status=refusal.status,
        received=delivery.received,
        remote_address=remote[:64],
        reason=printable(str(refusal)[:1024]),
        headers=kept_headers(delivery.headers),
        body_size=len(delivery.body),
    )


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may be stored and shown, each cut to 512 characters."""
    return {
        name: value[:512]
        for name, value in list(headers.items())[:100]
        if _KEPT_HEADER.match(name) and not SECRET_HEADER.search(name)
    }


def _document(delivery: Delivery, event: Event) -> bytes:
    # The body is kept as it came only where it is the JSON itself; a form is kept as the JSON it carried. What it
    # looks like does not tell: a form may begin with a brace too.
    content_type = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    return delivery.body if content_type == "application/json" else orjson.dumps(event.payload)
