# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A template's rules on real deliveries: what is filtered, repeated, bound and taken from the event."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from tests.builders import add_template
from tests.integration.intake.plain import NOW, address_of, count_rows, make_delivery, read_job, receive

from playhook.errors import NotAuthentic
from playhook.intake.extra_vars import webhook_variables
from playhook.intake.receive import Intake
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.store import Store
from playhook.store.tx import Tx

DEPLOY = {"filters": {"branches": ["main"]}}


def _event(**facts: Any) -> dict[str, Any]:
    return {"event": facts}


def _change(store: Store, playhook: dict[str, Any]) -> None:
    def change(tx: Tx) -> None:
        tx.connection.execute(update(t.unified_job_templates).values(playhook=playhook))
        tx.config_changed()

    store.write(change)


def _stored(store: Store, delivery_id: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(t.webhook_deliveries).where(t.webhook_deliveries.c.id == delivery_id)).one()


def test_filtered_delivery_is_recorded_with_its_verdict_and_launches_nothing(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook=DEPLOY)
    accepted = receive(intake, template_id, make_delivery(_event(branch="topic")))

    assert (accepted.outcome, accepted.job_id) == ("ignored", None)
    assert accepted.reason == "The rule branches wants main; the event has topic."
    stored = _stored(store, accepted.delivery_id)
    assert (stored.outcome, stored.response_status, stored.reason) == ("ignored", 200, accepted.reason)
    assert stored.body is not None
    assert stored.verdict == {
        "launch": False,
        "reason": accepted.reason,
        "rules": [
            {"name": "not a ping", "passed": True, "wanted": "any other kind", "found": "push"},
            {"name": "branches", "passed": False, "wanted": ["main"], "found": "topic"},
        ],
    }
    assert count_rows(store, t.unified_jobs) == 0


def test_delivery_that_passes_launches_and_keeps_its_verdict(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook=DEPLOY)
    accepted = receive(intake, template_id, make_delivery(_event(branch="main")))

    assert accepted.outcome == "launched"
    assert [rule["name"] for rule in _stored(store, accepted.delivery_id).verdict["rules"]] == [
        "not a ping",
        "branches",
    ]


def test_filtered_delivery_may_come_again_once_the_filter_is_mended(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook=DEPLOY)
    delivery = make_delivery(_event(branch="production"))
    assert receive(intake, template_id, delivery).outcome == "ignored"
    assert receive(intake, template_id, delivery).outcome == "ignored"
    _change(store, {"filters": {"branches": ["production"]}})

    assert receive(intake, template_id, delivery).outcome == "launched"
    assert receive(intake, template_id, delivery).outcome == "duplicate"
    assert count_rows(store, t.unified_jobs) == 1


def test_rules_that_cannot_be_used_launch_nothing_and_say_so(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"filters": {"when": ["1 +"]}})
    accepted = receive(intake, template_id, make_delivery())
    assert accepted.outcome == "ignored"
    assert accepted.reason.startswith("The template's filters.when[0] cannot be used")


def test_repeated_body_counts_where_the_template_asks_for_it(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"dedupe": {"body": True, "window": 60}})
    first = make_delivery({"n": 1}, guid="a")
    assert receive(intake, template_id, first).outcome == "launched"
    assert receive(intake, template_id, make_delivery({"n": 1}, guid="b")).outcome == "duplicate"
    assert receive(intake, template_id, make_delivery({"n": 2}, guid="a")).outcome == "launched"
    later = replace(first, received=NOW + timedelta(seconds=61))
    assert receive(intake, template_id, later).outcome == "launched"


@pytest.mark.parametrize(("seconds", "outcome"), [(59, "duplicate"), (61, "launched")])
def test_window_lets_a_guid_come_again(store: Store, intake: Intake, seconds: int, outcome: str) -> None:
    template_id = store.write(add_template, playhook={"dedupe": {"window": 60}})
    receive(intake, template_id, make_delivery())
    later = replace(make_delivery(), received=NOW + timedelta(seconds=seconds))
    assert receive(intake, template_id, later).outcome == outcome


def test_repeat_runs_again_where_the_template_says_so(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"dedupe": {"on_repeat": "rerun"}})
    outcomes = [receive(intake, template_id, make_delivery()) for _ in range(3)]
    assert [each.outcome for each in outcomes] == ["launched"] * 3
    assert len({each.job_id for each in outcomes}) == 3
    assert _stored(store, outcomes[2].delivery_id).reason == "Received before; the template runs repeats."


def test_equal_bodies_at_once_make_one_job(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"dedupe": {"body": True}})

    async def deliver_all() -> list[Any]:
        deliveries = [make_delivery({"n": 1}, guid=f"guid-{number}") for number in range(20)]
        return await asyncio.gather(*(intake.receive_delivery(address_of(template_id), each) for each in deliveries))

    assert sorted(each.outcome for (each,) in asyncio.run(deliver_all())) == ["duplicate"] * 19 + ["launched"]
    assert count_rows(store, t.unified_jobs) == 1


def test_slow_pattern_holds_nobody_else_up(store: Store, intake: Intake) -> None:
    slow = {"filters": {"any": [{"comment": r"(a|a)*$"}] * 10}}
    slow_id = store.write(add_template, name="slow", playhook=slow)
    quick_id = store.write(add_template, name="quick")
    receive(intake, slow_id, make_delivery(guid="known"))

    async def deliver_both(turn: int) -> tuple[float, float, Any]:
        hostile = make_delivery(_event(comment="a" * 5000 + "!"), guid=f"hostile {turn}")
        loop = asyncio.get_running_loop()
        start = loop.time()
        waiting = asyncio.ensure_future(intake.receive_delivery(address_of(slow_id), hostile))
        await asyncio.sleep(0)
        await intake.receive_delivery(address_of(quick_id), make_delivery(guid=f"quick {turn}"))
        quick = loop.time() - start
        (accepted,) = await waiting
        return quick, loop.time() - start, accepted

    shares: list[float] = []
    while not shares or (min(shares) >= 0.5 and len(shares) < 10):  # a busy machine may hold the quick one up
        quick, slow_time, accepted = asyncio.run(deliver_both(len(shares)))
        assert accepted.outcome == "ignored"
        assert slow_time >= 0.2  # the limit for a delivery
        shares.append(quick / slow_time)
    assert min(shares) < 0.5, shares


def test_job_takes_fields_and_variables_from_the_event(store: Store, intake: Intake) -> None:
    inventory_id = store.write(_add_inventory, "Production")
    playhook = {
        "filters": {"comment": r"^/deploy (?P<where>\w+)"},
        "vars_from_payload": {
            "limit": "payload.host",
            "inventory": "payload.inventory",
            "scm_branch": "event.branch",
            "version": "payload.version",
        },
        "allowed_values": {"inventory": ["Production"]},
    }
    template_id = store.write(
        add_template, playhook=playhook, ask_limit_on_launch=True, ask_scm_branch_on_launch=True, limit="all"
    )
    payload = {
        "host": "web1",
        "inventory": "Production",
        "version": "{{ lookup('pipe', 'id') }}",
        **_event(branch="release/1", comment="/deploy web1"),
    }
    accepted = receive(intake, template_id, make_delivery(payload))

    job = read_job(store, accepted.job_id)
    assert (job.limit, job.scm_branch, job.inventory_id) == ("web1", "release/1", inventory_id)
    with store.reading() as connection:
        stored = read_delivery(connection, accepted.delivery_id)
    assert stored is not None
    variables = webhook_variables(stored.event, stored.payload or {})
    assert variables["version"] == "{{ lookup('pipe', 'id') }}"
    assert variables["playhook_match"] == {"where": "web1"}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"inventory": "Production", "limit": "@/etc/shadow"}, "The value of limit from the event is refused"),
        ({"inventory": "Testing", "limit": "web"}, "There is no inventory Testing."),
        ({"inventory": 999999999999999999, "limit": "web"}, "The value of inventory from the event is refused"),
    ],
)
def test_value_that_may_not_be_is_recorded_and_launches_nothing(
    store: Store, intake: Intake, payload: dict[str, Any], reason: str
) -> None:
    store.write(_add_inventory, "Production")
    playhook = {"vars_from_payload": {"limit": "payload.limit", "inventory": "payload.inventory"}}
    template_id = store.write(add_template, playhook=playhook, ask_limit_on_launch=True, ask_inventory_on_launch=True)
    accepted = receive(intake, template_id, make_delivery(payload))

    assert accepted.outcome == "ignored"
    assert accepted.reason.startswith(reason)
    stored = _stored(store, accepted.delivery_id)
    assert (stored.outcome, stored.verdict["launch"], stored.dedupe_key) == ("ignored", False, None)
    assert stored.verdict["reason"] == stored.reason == accepted.reason
    assert count_rows(store, t.unified_jobs) == 0


@pytest.mark.parametrize(
    ("playhook", "payload", "reason"),
    [
        (
            {"repositories": ["acme/web"]},
            _event(repository={"full_name": "evil/web"}),
            "the repository evil/web is not",
        ),
        ({"repositories": ["acme/web"]}, {}, "the repository that is not named is not one"),
        ({"networks": ["198.51.100.0/24"]}, {}, "the address 192.0.2.7 is not in its networks"),
    ],
)
def test_authentic_delivery_from_elsewhere_is_refused_and_recorded(
    store: Store, intake: Intake, playhook: dict[str, Any], payload: dict[str, Any], reason: str
) -> None:
    template_id = store.write(add_template, playhook=playhook)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(payload))
    store.write(lambda _tx: None)
    with store.reading() as connection:
        stored = connection.execute(select(t.webhook_deliveries)).one()
    assert (stored.outcome, stored.response_status) == ("refused", 403)
    assert stored.reason.startswith(reason)


def test_bound_template_takes_its_repository_and_a_ping_without_one(store: Store, intake: Intake) -> None:
    playhook = {"repositories": ["acme/*"], "networks": ["192.0.2.0/24"]}
    template_id = store.write(add_template, playhook=playhook)
    delivery = make_delivery(_event(repository={"full_name": "Acme/Web"}))
    assert receive(intake, template_id, delivery).outcome == "launched"
    assert receive(intake, template_id, make_delivery(guid="ping", **{"x-kind": "ping"})).outcome == "ignored"


def test_too_many_changed_paths_count_as_not_known(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"filters": {"paths": ["**"]}})
    few, many = ([f"file-{number}" for number in range(length)] for length in (10_000, 10_001))
    assert receive(intake, template_id, make_delivery(_event(changed_paths=few), guid="few")).outcome == "launched"
    assert receive(intake, template_id, make_delivery(_event(changed_paths=many), guid="many")).outcome == "ignored"


def _add_inventory(tx: Tx, name: str) -> int:
    row = insert(t.inventories).values(name=name, created=tx.now, modified=tx.now)
    return int(tx.connection.execute(row.returning(t.inventories.c.id)).scalar_one())
