# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take one delivery: verify, parse, judge, store. What is answered 202 is durable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event
from playhook.errors import DeliveryRefused, NotAuthentic, SettingsError, StoreUnavailable
from playhook.intake.accept import Accepted, Offer, StaleTemplate, accept
from playhook.intake.batches import Repeated, accept_at_once, can_be_at_once
from playhook.intake.judging import Judged, judge_delivery
from playhook.intake.places import Place
from playhook.intake.record import refusal_row
from playhook.intake.rules import Network, compile_networks, is_within, tell_unbound
from playhook.intake.sources import Address, Source, SourceCache
from playhook.logs import get_logger
from playhook.services.base import Service
from playhook.store.deliveries import record_refusal
from playhook.store.store import Store
from playhook.store.trouble import LOCKED

_log = get_logger(__name__)
_INLINE: Final = 256 * 1024  # a larger body is examined in a thread, so that it does not hold up the event loop
_REFUSALS_AT_ONCE: Final = 100
_MOST_PATHS: Final = 10_000
# Seconds; GitHub and GitLab wait for ten. Whether what was being written then is stored shows when the delivery is
# sent again: as a duplicate, or not.
_READ_PATIENCE: Final = 3.0
_WRITE_PATIENCE: Final = 6.5


@dataclass(frozen=True, kw_only=True)
class _Examined:
    source: Source
    event: Event
    judged: list[Judged]


class Intake:
    """Receives deliveries for all templates of one installation.

    `networks` are the only ones whose deliveries are taken, () means: any.
    """

    def __init__(self, store: Store, services: Mapping[str, Service], *, networks: Sequence[str] = ()) -> None:
        """Raises SettingsError when `networks` cannot be read."""
        self._store = store
        self._services = services
        self._sources = SourceCache(store, services)
        self._networks = check_networks(networks)
        self._refusals = 0

    async def receive_delivery(self, address: Address, delivery: Delivery, *, suspect: bool = False) -> list[Accepted]:
        """Store an authentic delivery and what it launches; one result for each template that it is for.

        A `suspect` sender has been refused often: its deliveries are checked against what is in memory only, and
        refusals leave no record. Raises DeliveryRefused or StoreUnavailable.
        """
        try:
            return await self._receive(address, delivery, suspect=suspect)
        except DeliveryRefused as refusal:
            if not suspect:
                self.record_refusal(address, delivery, refusal)
            raise

    async def _receive(self, address: Address, delivery: Delivery, *, suspect: bool) -> list[Accepted]:
        until: float | None = None
        for fresh in (False, True, True):
            examined = await self._examine(address, delivery, fresh=fresh, suspect=suspect)
            until = time.monotonic() + _WRITE_PATIENCE if until is None else until
            try:
                offer = Offer(version=examined.source.version, judged=examined.judged)
                accepted = await self._write(offer, until)
            except StaleTemplate:
                continue
            _log_outcomes(address, examined, accepted)
            return accepted
        raise StoreUnavailable("the template is being changed; send the delivery again")

    async def _write(self, offer: Offer, until: float) -> list[Accepted]:
        if self._store.inserts_together and can_be_at_once(offer):
            patience = until - time.monotonic()
            with suppress(Repeated):
                return await self._store.write_in_group(accept_at_once, offer, patience, in_one_statement=True)
        return await self._store.write_in_group(accept, offer, until - time.monotonic())

    async def _examine(self, address: Address, delivery: Delivery, *, fresh: bool, suspect: bool) -> _Examined:
        known = None if fresh else self._sources.known(address)
        if known is not None or suspect:
            try:
                return await self._examine_with(known, address, delivery)
            except NotAuthentic:  # perhaps only to what is remembered: the key may have been changed elsewhere
                if suspect:
                    raise
        return await self._examine_with(await self._read(address), address, delivery)

    async def _read(self, address: Address) -> Source | None:
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._sources.read, address), _READ_PATIENCE)
        except TimeoutError:
            raise StoreUnavailable(LOCKED) from None

    async def _examine_with(self, source: Source | None, address: Address, delivery: Delivery) -> _Examined:
        if len(delivery.body) > _INLINE or (source is not None and source.is_slow):
            return await asyncio.to_thread(self._verify_and_judge, source, address, delivery)
        return self._verify_and_judge(source, address, delivery)

    def _verify_and_judge(self, source: Source | None, address: Address, delivery: Delivery) -> _Examined:
        _check_sender(self._networks, address.remote, "PLAYHOOK_ALLOWED_NETWORKS")
        if source is not None and source.service != address.service:
            source = None
        plugin = source.plugin if source else self._services.get(address.service)
        if plugin is None:
            raise NotAuthentic(f"there is no service {address.service!r:.80}, or its options cannot be used")
        keys = source.valid_keys(delivery.received) if source else []
        plugin.verify(delivery, keys, _options(source, delivery.received))  # also without keys: no oracle by time
        if source is None:
            raise NotAuthentic("there is nothing with this service at this address")
        if source.endpoint_id is not None and source.rules.broken:
            raise NotAuthentic(source.rules.broken)  # who may send is not known; a template of its own says so itself
        _check_sender(source.rules.networks, address.remote, "its networks")
        event = _bounded(plugin.parse(delivery))
        if reason := tell_unbound(source.rules, event):
            raise NotAuthentic(reason)  # a valid key used from elsewhere (SECURITY S13)
        judged = judge_delivery(source, address.remote, delivery, event)
        return _Examined(source=source, event=event, judged=judged)

    def record_refusal(self, address: Address, delivery: Delivery, refusal: DeliveryRefused) -> None:
        """Keep the facts of a refused delivery, after the answer and in bounded number."""
        _log.warning("delivery refused", **_whereto(address), reason=str(refusal))
        if self._refusals >= _REFUSALS_AT_ONCE:
            return  # a flood of forgeries must not crowd out what is authentic; the log has them all
        source = self._sources.known(address)
        row = refusal_row(source, address.service, address.remote, delivery, refusal)
        self._refusals += 1
        try:
            self._store.submit(record_refusal, row).add_done_callback(self._refusal_recorded)
        except StoreUnavailable:
            self._refusals -= 1

    def _refusal_recorded(self, done: Future[None]) -> None:
        self._refusals -= 1
        if not done.cancelled() and done.exception() is not None:
            _log.warning("refusal not recorded", error=type(done.exception()).__name__)


def check_networks(networks: Sequence[str]) -> tuple[Network, ...]:
    """Read the networks whose deliveries are taken. Raises SettingsError."""
    place = Place("PLAYHOOK_ALLOWED_NETWORKS")
    compiled = compile_networks(place, list(networks)) if networks else ()
    for where, sentences in place.problems.items():
        raise SettingsError(f"{where}: {sentences[0]}")
    return compiled


def _options(source: Source | None, now: datetime) -> WebhookOptions:
    return WebhookOptions(now=now, allow_sha1=source is not None and source.rules.allow_sha1)


def _check_sender(networks: Sequence[Network], remote: str, what: str) -> None:
    if networks and not is_within(remote, networks):
        raise NotAuthentic(f"the address {remote} is not in {what}")


def _bounded(event: Event) -> Event:
    """Return the event without its changed paths where they are too many to be compared with every pattern."""
    return event if len(event.changed_paths or ()) <= _MOST_PATHS else replace(event, changed_paths=None)


def _whereto(address: Address) -> dict[str, Any]:
    name = {"endpoint": address.name[:64]} if address.kind == "endpoint" else {"template": address.template_id}
    return {**name, "service": address.service[:64]}


def _log_outcomes(address: Address, examined: _Examined, accepted: Sequence[Accepted]) -> None:
    for judged, each in zip(examined.judged, accepted, strict=True):
        which = {**_whereto(address), "template": judged.row.template_id, "guid": judged.row.guid, "job": each.job_id}
        _log.info(
            "delivery accepted", **which, outcome=each.outcome, delivery=each.delivery_id, type=examined.event.type
        )
        if each.job_id is not None and examined.event.status_target is None:
            _log.info("Webhook event did not have a status API endpoint associated, skipping.", **which)
