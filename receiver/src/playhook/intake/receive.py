# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take one delivery: verify, parse, judge, store. What is answered 202 is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event
from playhook.errors import DeliveryRefused, NotAuthentic, StoreUnavailable
from playhook.intake.accept import Accepted, StaleTemplate, accept
from playhook.intake.extra_vars import event_record
from playhook.intake.filters import shorten
from playhook.intake.record import prepare_row, refusal_row
from playhook.intake.rules import Rules, is_within
from playhook.intake.templates import CachedTemplate, TemplateCache
from playhook.intake.verdict import Judgement, judge
from playhook.logs import get_logger
from playhook.services.base import Service
from playhook.store.deliveries import DeliveryRow, record_refusal
from playhook.store.store import Store

_log = get_logger(__name__)
_INLINE: Final = 256 * 1024  # a larger body is examined in a thread, so that it does not hold up the event loop
_REFUSALS_AT_ONCE: Final = 100
_MOST_PATHS: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a delivery was sent: `/api/v2/<kind>s/<template_id>/<service>/`."""

    kind: Literal["job_template", "workflow_job_template"]
    template_id: int
    service: str
    remote: str


@dataclass(frozen=True, kw_only=True)
class _Examined:
    entry: CachedTemplate
    event: Event
    said: Judgement
    row: DeliveryRow


class Intake:
    """Receives deliveries for all templates of one installation."""

    def __init__(self, store: Store, services: Mapping[str, Service]) -> None:
        self._store = store
        self._services = services
        self._templates = TemplateCache(store)
        self._refusals = 0

    async def receive_delivery(self, address: Address, delivery: Delivery) -> Accepted:
        """Store an authentic delivery and what it launches. Raises DeliveryRefused or StoreUnavailable."""
        for fresh in (False, True, True):
            examined = await self._examine_somewhere(address, delivery, fresh=fresh)
            try:
                accepted = await self._store.write_async(accept, examined.entry, examined.row, examined.said)
            except StaleTemplate:
                continue
            _log_outcome(address, examined, accepted)
            return accepted
        raise StoreUnavailable("the template is being changed; send the delivery again")

    async def _examine_somewhere(self, address: Address, delivery: Delivery, *, fresh: bool) -> _Examined:
        try:
            if len(delivery.body) > _INLINE or fresh:
                return await asyncio.to_thread(self._examine, address, delivery, fresh=fresh)
            try:
                return self._examine(address, delivery, fresh=False)
            except NotAuthentic:  # perhaps only to the cache: the key may have been changed elsewhere
                return await asyncio.to_thread(self._examine, address, delivery, fresh=True)
        except DeliveryRefused as refusal:
            self.record_refusal(address, delivery, refusal)
            raise

    def _examine(self, address: Address, delivery: Delivery, *, fresh: bool) -> _Examined:
        entry = self._find_template(address, fresh=fresh)
        service = self._services.get(address.service)
        if service is None:
            raise NotAuthentic(f"there is no service {address.service!r:.80}")
        matches = entry is not None and entry.template.service == address.service
        keys = entry.template.valid_keys(delivery.received) if entry and matches else []
        service.verify(delivery, keys, _options(entry, delivery.received))  # also without keys: no oracle by time
        if entry is None or not matches:
            raise NotAuthentic("there is no such template with this service")
        _check_sender(entry.rules, address.remote)
        event = _bounded(service.parse(delivery))
        _check_repository(entry.rules, event)
        record = event_record(event)
        said = judge(entry.rules, event, record, entry.template.row)
        row = prepare_row(entry, address.remote, delivery, event, record, said)
        return _Examined(entry=entry, event=event, said=said, row=row)

    def _find_template(self, address: Address, *, fresh: bool) -> CachedTemplate | None:
        find = self._templates.find_fresh if fresh else self._templates.find
        return find(address.kind, address.template_id)

    def record_refusal(self, address: Address, delivery: Delivery, refusal: DeliveryRefused) -> None:
        """Keep the facts of a refused delivery, after the answer and in bounded number."""
        _log.warning(
            "delivery refused", template=address.template_id, service=address.service[:64], reason=str(refusal)
        )
        if self._refusals >= _REFUSALS_AT_ONCE:
            return  # a flood of forgeries must not crowd out what is authentic; the log has them all
        entry = self._templates.find(address.kind, address.template_id)
        row = refusal_row(entry.template.id if entry else None, address.service, address.remote, delivery, refusal)
        self._refusals += 1
        try:
            self._store.submit(record_refusal, row).add_done_callback(self._refusal_recorded)
        except StoreUnavailable:
            self._refusals -= 1

    def _refusal_recorded(self, done: Future[None]) -> None:
        self._refusals -= 1
        if not done.cancelled() and done.exception() is not None:
            _log.warning("refusal not recorded", error=type(done.exception()).__name__)


def _options(entry: CachedTemplate | None, now: datetime) -> WebhookOptions:
    return WebhookOptions(now=now, allow_sha1=entry is not None and entry.rules.allow_sha1)


def _check_sender(rules: Rules, remote: str) -> None:
    if rules.networks and not is_within(remote, rules.networks):
        raise NotAuthentic(f"the address {remote} is not in the template's networks")


def _check_repository(rules: Rules, event: Event) -> None:
    """Refuse what a valid key was used for from elsewhere (SECURITY S13); an organization's ping has no repository."""
    if rules.binds is None or rules.binds(event) or (event.kind == "ping" and event.repository is None):
        return
    name = shorten(event.repository.full_name or event.repository.id) if event.repository else None
    raise NotAuthentic(f"the repository {name or 'that is not named'} is not one that the template is bound to")


def _bounded(event: Event) -> Event:
    """Return the event without its changed paths where they are too many to be compared with every pattern."""
    return event if len(event.changed_paths or ()) <= _MOST_PATHS else replace(event, changed_paths=None)


def _log_outcome(address: Address, examined: _Examined, accepted: Accepted) -> None:
    log = _log.bind(template=address.template_id, service=address.service, guid=examined.row.guid)
    log.info(
        "delivery accepted",
        outcome=accepted.outcome,
        delivery=accepted.delivery_id,
        job=accepted.job_id,
        type=examined.event.type,
    )
    if accepted.job_id is not None and examined.event.status_target is None:
        log.info("Webhook event did not have a status API endpoint associated, skipping.", job=accepted.job_id)
