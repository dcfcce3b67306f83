# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where deliveries arrive: services that are configured for an address, and networks for all of them."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from tests.builders import WEBHOOK_KEY, add_endpoint, add_template
from tests.integration.intake.plain import Plain, address_of, make_delivery, receive

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.errors import InvalidInput, NotAuthentic, SettingsError
from playhook.intake.receive import Intake
from playhook.intake.sources import Address
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx


class Chosen(Plain):
    """Looks for the key in a header that `service_options` name."""

    header = "x-token"
    configured = 0

    def configure(self, options: Mapping[str, Any]) -> Chosen:
        Chosen.configured += 1
        if not isinstance(options.get("header"), str):
            raise InvalidInput({"header": ["A header is wanted."]})
        other = Chosen()
        other.header = options["header"]
        return other

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        if not any(hmac.compare_digest(delivery.headers.get(self.header, ""), key) for key in keys):
            raise NotAuthentic(f"the header {self.header} is wrong")


def test_service_is_configured_once_for_its_address(store: Store) -> None:
    intake = Intake(store, {"plain": Chosen()})
    template_id = store.write(add_template, playhook={"service_options": {"header": "x-mine"}})
    endpoint = {"service_options": {"header": "x-shared"}}
    other_id = store.write(add_template, name="other", webhook_service="")
    store.write(add_endpoint, {"template": other_id}, playhook=endpoint)
    before = Chosen.configured
    for number in range(3):
        mine = make_delivery(token="", guid=str(number), **{"x-mine": WEBHOOK_KEY})
        assert receive(intake, template_id, mine).outcome == "launched"
    assert Chosen.configured == before + 1
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(guid="x"))
    shared = make_delivery(token="", **{"x-shared": WEBHOOK_KEY})
    address = Address(kind="endpoint", name="shared", service="plain", remote="")
    (accepted,) = asyncio.run(intake.receive_delivery(address, shared))
    assert accepted.outcome == "launched"


def test_options_that_cannot_be_used_let_nothing_in(store: Store) -> None:
    intake = Intake(store, {"plain": Chosen()})
    template_id = store.write(add_template, playhook={})
    with pytest.raises(NotAuthentic, match="its options cannot be used"):
        receive(intake, template_id, make_delivery())


def test_changed_options_count_at_once(store: Store) -> None:
    intake = Intake(store, {"plain": Chosen()})
    template_id = store.write(add_template, playhook={"service_options": {"header": "x-old"}})
    assert receive(intake, template_id, make_delivery(**{"x-old": WEBHOOK_KEY})).outcome == "launched"

    def change(tx: Tx) -> None:
        new = {"service_options": {"header": "x-new"}}
        tx.connection.execute(update(t.unified_job_templates).values(playhook=new))
        tx.config_changed()

    store.write(change)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(guid="2", **{"x-old": WEBHOOK_KEY}))
    assert receive(intake, template_id, make_delivery(guid="3", **{"x-new": WEBHOOK_KEY})).outcome == "launched"


@pytest.mark.parametrize(
    ("networks", "remote", "taken"),
    [
        ("", "203.0.113.9", True),
        ("192.0.2.0/24, 2001:db8::/32", "192.0.2.7", True),
        ("192.0.2.0/24, 2001:db8::/32", "2001:db8::5", True),
        ("192.0.2.0/24", "203.0.113.9", False),
    ],
)
def test_deliveries_are_taken_from_allowed_networks_only(store: Store, networks: str, remote: str, taken: bool) -> None:
    settings = Settings(allowed_networks=networks)
    intake = Intake(store, {"plain": Plain()}, networks=settings.networks)
    template_id = store.write(add_template)
    address = replace(address_of(template_id), remote=remote)
    if taken:
        assert asyncio.run(intake.receive_delivery(address, make_delivery()))[0].outcome == "launched"
    else:
        with pytest.raises(NotAuthentic, match="is not in PLAYHOOK_ALLOWED_NETWORKS"):
            asyncio.run(intake.receive_delivery(address, make_delivery()))


def test_networks_that_are_none_stop_the_start(store: Store) -> None:
    with pytest.raises(
        SettingsError, match=r"PLAYHOOK_ALLOWED_NETWORKS\[1\]: This is neither an address nor a network"
    ):
        Intake(store, {}, networks=["192.0.2.0/24", "example.com"])
