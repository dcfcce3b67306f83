# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Play a service's part: a signed sample, sent to an address of this installation over HTTP as the service would."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from playhook.domain.status import OutgoingRequest
from playhook.errors import Conflict, NotFound
from playhook.intake.sources import Address, Source, SourceCache
from playhook.outbound.client import Answer, OutboundClient
from playhook.services.base import Sampled, Service
from playhook.store.hook_templates import read_template
from playhook.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What was sent where, what the receiver answered, and the deliveries that it made of it."""

    url: str
    event_type: str
    guid: str
    status: int
    message: str
    deliveries: tuple[int, ...]


def find_address(store: Store, *, template_id: int | None = None, endpoint: str = "") -> Address:
    """Return the address of a template, or of an endpoint given as `service/name`. Raises NotFound."""
    if template_id is None:
        service, _slash, name = endpoint.partition("/")
        return Address(kind="endpoint", service=service, name=name, remote="")
    with store.reading() as connection:
        template = read_template(connection, template_id)
    kind: Any = None if template is None else template.row["type"]
    if template is None or kind not in {"job_template", "workflow_job_template"}:
        raise NotFound(f"There is no job template {template_id}.")
    if not template.service:
        raise NotFound(f"The webhook of job template {template_id} is off: set its webhook_service.")
    return Address(kind=kind, template_id=template_id, service=template.service, remote="")


def send_sample(
    store: Store,
    services: Mapping[str, Service],
    address: Address,
    base_url: str,
    *,
    event_type: str = "",
    payload: bytes | None = None,
) -> Sent:
    """Send one delivery, signed with the address's current key, and tell what came of it.

    `event_type` "" takes the service's plainest sample; `payload` is sent in place of a sample, byte for byte.
    Raises NotFound, Conflict, outbound's NoAnswer.
    """
    plugin, key = _find_signer(SourceCache(store, services).read(address), address)
    event_type = event_type or plugin.sample_types[0]
    body = orjson.dumps(_make_sample(plugin, event_type)) if payload is None else payload
    guid = str(uuid.uuid4())
    headers = plugin.sign(body, event_type=event_type, guid=guid, key=key, now=datetime.now(UTC))
    answer = _post(base_url, _path(address), headers, body)
    message, deliveries = _read_answer(answer.text)
    return Sent(
        url=base_url + _path(address),
        event_type=event_type,
        guid=guid,
        status=answer.status,
        message=message,
        deliveries=deliveries,
    )


def _find_signer(source: Source | None, address: Address) -> tuple[Sampled, str]:
    if source is None:
        raise NotFound(f"There is no webhook endpoint {address.name} of the service {address.service}.")
    if not isinstance(source.plugin, Sampled):
        raise Conflict(f"The service {address.service} brings no samples, and cannot sign.")
    key = next((key for key, expires in source.keys if expires is None), None)
    if key is None:
        raise Conflict("There is no webhook key to sign with: make one.")
    return source.plugin, key


def _post(base_url: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    request = OutgoingRequest(
        method="POST",
        url=base_url + path,
        api_base=base_url,
        headers={"User-Agent": "playhook send", "Content-Type": "application/json", **headers},
        content=body,
    )
    client = OutboundClient()
    try:
        return client.send(request)
    finally:
        client.close()


def _make_sample(plugin: Sampled, event_type: str) -> Mapping[str, Any]:
    if event_type not in plugin.sample_types:
        raise NotFound(f"There is no sample of {event_type}; there are {', '.join(plugin.sample_types)}.")
    return plugin.sample(event_type)


def _path(address: Address) -> str:
    if address.kind == "endpoint":
        return f"/api/v2/webhooks/{address.service}/{address.name}/"
    return f"/api/v2/{address.kind}s/{address.template_id}/{address.service}/"


def _read_answer(text: str) -> tuple[str, tuple[int, ...]]:
    """Return what the answer says, and the deliveries it names. A proxy's answer may be anything."""
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.strip()[:200], ()
    if not isinstance(answer, dict):
        return text.strip()[:200], ()
    message = ": ".join(str(answer[name]) for name in ("message", "reason", "detail") if answer.get(name))
    ids = answer.get("deliveries") or [answer.get("delivery")]
    return message, tuple(each for each in ids if isinstance(each, int))
