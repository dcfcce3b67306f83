# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is forgotten of deliveries, and when; and that intake goes on meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from tests.builders import add_endpoint, add_template
from tests.integration.intake.plain import NOW, address_of, count_rows, make_delivery, receive
from tests.integration.worker.conftest import wait_for

from playhook.intake.receive import Intake
from playhook.intake.redeliver import redeliver
from playhook.intake.sources import Address
from playhook.settings import Settings
from playhook.store import retention
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.retention import Purged, purge
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases

DELIVERIES = t.webhook_deliveries


def _settings(**values: int) -> Settings:
    return Settings(
        **{"retention_payload_days": 0, "retention_payload_bytes": 0, "retention_verdict_days": 0, **values}
    )  # type: ignore[arg-type]


def _receive(intake: Intake, template_id: int, guid: str, received: datetime = NOW, **payload: Any) -> Any:
    return receive(intake, template_id, replace(make_delivery(payload or {"a": 1}, guid=guid), received=received))


def _finish_jobs(store: Store) -> None:
    store.write(lambda tx: tx.connection.execute(update(t.unified_jobs).values(status="successful")) and None)


def _rows(store: Store) -> Sequence[Any]:
    with store.reading() as connection:
        return connection.execute(select(DELIVERIES).order_by(DELIVERIES.c.id)).all()


def _has_payload(store: Store, delivery_id: int) -> bool:
    with store.reading() as connection:
        stored = read_delivery(connection, delivery_id)
    return stored is not None and stored.payload is not None


def test_payloads_and_headers_go_after_their_days_and_verdicts_stay(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    for number in range(3):
        _receive(intake, template_id, str(number), NOW + timedelta(days=number))
    _finish_jobs(store)

    purged = purge(store, _settings(retention_payload_days=30), NOW + timedelta(days=31, seconds=1))
    assert purged == Purged(payloads=2, deliveries=0)
    rows = _rows(store)
    assert [row.body is None for row in rows] == [True, True, False]
    assert [row.headers is None for row in rows] == [True, True, False]
    assert all(row.verdict["launch"] and row.event["kind"] == "push" for row in rows)
    assert purge(store, _settings(retention_payload_days=30), NOW + timedelta(days=31, seconds=1)) == Purged(
        payloads=0, deliveries=0
    )


def test_nothing_goes_while_nothing_is_said(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    _receive(intake, template_id, "a")
    _finish_jobs(store)
    assert purge(store, _settings(), NOW + timedelta(days=36500)) == Purged(payloads=0, deliveries=0)


def test_oldest_payloads_go_when_they_take_too_much(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    for number in range(5):
        _receive(intake, template_id, str(number), text=os.urandom(10_000).hex())
    _finish_jobs(store)
    sizes = [len(row.body) for row in _rows(store)]

    purged = purge(store, _settings(retention_payload_bytes=sum(sizes[3:]) + 1), NOW)
    assert purged.payloads == 3
    assert [row.body is None for row in _rows(store)] == [True, True, True, False, False]


def test_what_an_unfinished_job_needs_is_kept(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    first = _receive(intake, template_id, "a")
    second = _receive(intake, template_id, "b")
    _finish_jobs(store)

    def add_user(tx: Tx) -> int:
        row = insert(t.users).values(username="operator", created=tx.now, modified=tx.now)
        return int(tx.connection.execute(row.returning(t.users.c.id)).scalar_one())

    user_id = store.write(add_user)
    with store.reading() as connection:
        redeliver(connection, store, first.delivery_id, user_id)  # pending, and reads the first one's body
    later = NOW + timedelta(days=400)
    purge(store, _settings(retention_payload_days=1, retention_verdict_days=2), later)
    assert (_has_payload(store, first.delivery_id), _has_payload(store, second.delivery_id)) == (True, False)

    _finish_jobs(store)
    purge(store, _settings(retention_payload_days=1), later)
    assert not _has_payload(store, first.delivery_id)


def test_shared_body_is_kept_for_the_last_template_that_needs_it(store: Store, intake: Intake) -> None:
    templates = [store.write(add_template, name=name, webhook_service="") for name in ("a", "b")]
    store.write(add_endpoint, *({"template": each} for each in templates))
    address = Address(kind="endpoint", name="shared", service="plain", remote="")
    first, second = asyncio.run(intake.receive_delivery(address, make_delivery()))
    jobs = t.unified_jobs
    store.write(
        lambda tx: tx.connection.execute(update(jobs).where(jobs.c.id == first.job_id).values(status="failed")) and None
    )
    purge(store, _settings(retention_payload_days=1), NOW + timedelta(days=2))
    assert _has_payload(store, second.delivery_id)


def test_whole_deliveries_go_last_and_leave_a_stump_for_their_jobs(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"filters": {"branches": ["main"]}})
    launched = _receive(intake, template_id, "a", event={"branch": "main"})
    _receive(intake, template_id, "b", event={"branch": "topic"})
    young = _receive(intake, template_id, "c", NOW + timedelta(days=300), event={"branch": "topic"})
    _finish_jobs(store)

    later = NOW + timedelta(days=366)
    assert purge(store, _settings(retention_verdict_days=365), later) == Purged(payloads=0, deliveries=2)
    rows = _rows(store)
    assert [row.id for row in rows] == [launched.delivery_id, young.delivery_id]
    assert (rows[0].body, rows[0].headers, rows[0].event, rows[0].verdict) == (None, None, None, None)
    assert (rows[0].outcome, rows[0].guid) == ("launched", "a")
    assert purge(store, _settings(retention_verdict_days=365), later) == Purged(payloads=0, deliveries=0)


def test_deliveries_are_taken_while_a_purge_runs(store: Store, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = store.write(add_template)
    store.write(_add_old_deliveries, template_id, 1500)
    batches: list[int] = []
    real = retention._forget_payloads
    monkeypatch.setattr(retention, "_forget_payloads", lambda tx, ids: batches.append(len(ids)) or real(tx, ids))
    accepted = 0
    find_due = retention._find_due

    def find_due_after_another_delivery(*arguments: Any) -> list[int]:
        known = accepted
        wait_for(lambda: accepted > known, 60, lambda: "no delivery is taken between two batches")
        return find_due(*arguments)

    monkeypatch.setattr(retention, "_find_due", find_due_after_another_delivery)
    done: list[Purged] = []
    running = threading.Thread(
        target=lambda: done.append(purge(store, _settings(retention_payload_days=1), NOW + timedelta(days=2)))
    )
    running.start()
    while running.is_alive():
        fresh = replace(make_delivery(guid=f"new-{accepted}"), received=NOW + timedelta(days=2))
        (result,) = asyncio.run(intake.receive_delivery(address_of(template_id), fresh))
        accepted += result.outcome == "launched"
    running.join()

    assert done == [Purged(payloads=1500, deliveries=0)]
    assert max(batches) <= 50
    assert accepted > len(batches)
    assert count_rows(store, t.unified_jobs) == accepted


def test_large_bodies_go_a_few_at_a_time(store: Store, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = store.write(add_template)
    for number in range(4):
        _receive(intake, template_id, str(number), text=os.urandom(20_000).hex())
    _finish_jobs(store)
    monkeypatch.setattr(retention, "_BYTES", 30_000)
    batches: list[int] = []
    real = retention._forget_payloads
    monkeypatch.setattr(retention, "_forget_payloads", lambda tx, ids: batches.append(len(ids)) or real(tx, ids))
    purge(store, _settings(retention_payload_days=1), NOW + timedelta(days=2))
    assert batches == [1, 1, 1, 1]


def _add_old_deliveries(tx: Tx, template_id: int, number: int) -> None:
    row = {
        "template_id": template_id,
        "service": "plain",
        "outcome": "ignored",
        "reason": "",
        "response_status": 200,
        "received": NOW,
        "headers": {},
        "body": b"x" * 3000,
    }
    tx.connection.execute(insert(DELIVERIES), [row] * number)
