# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries that are stored together: each is treated as it would be alone."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from sqlalchemy import delete, insert, select
from tests.builders import add_template, add_token_credential
from tests.integration.intake.plain import address_of, count_rows, held_database, make_delivery

from playhook.domain.delivery import Delivery
from playhook.errors import StoreUnavailable
from playhook.intake.accept import Accepted
from playhook.intake.receive import Intake
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.engine import conninfo
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases


def _add_posting_template(tx: Tx) -> int:
    """Add a template whose jobs have a status post, a credential and a label."""
    credential_id = add_token_credential(tx, token="t")
    template_id = add_template(tx, webhook_credential_id=credential_id, name="posting")
    tx.connection.execute(insert(t.organizations).values(id=1, name="o", created=tx.now, modified=tx.now))
    tx.connection.execute(insert(t.labels).values(id=1, name="l", organization_id=1, created=tx.now, modified=tx.now))
    tx.connection.execute(insert(t.template_credentials).values(template_id=template_id, credential_id=credential_id))
    tx.connection.execute(insert(t.template_labels).values(template_id=template_id, label_id=1))
    return template_id


def _begin(intake: Intake, *sent: tuple[int, Delivery]) -> list[asyncio.Task[list[Accepted]]]:
    return [
        asyncio.create_task(intake.receive_delivery(address_of(template_id), delivery))
        for template_id, delivery in sent
    ]


def _receive_together(intake: Intake, *sent: tuple[int, Delivery]) -> list[Any]:
    async def receive() -> list[Any]:
        for template_id, _delivery in sent:
            intake._sources.read(address_of(template_id))  # so that none waits for it
        return await asyncio.gather(*_begin(intake, *sent), return_exceptions=True)

    return asyncio.run(receive())


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  of a server, that wakes nobody
            await asyncio.sleep(0.01)


def _read(store: Store, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*(table.c[each] for each in columns)))]


def test_each_of_a_mixed_batch_gets_its_own(store: Store, intake: Intake) -> None:
    posting, other = store.write(_add_posting_template), store.write(lambda tx: add_template(tx, name="other"))
    answers = _receive_together(
        intake,
        (other, make_delivery({}, guid="a")),
        (posting, make_delivery({"sha": "s"}, guid="b")),
        (posting, make_delivery({"sha": "s"}, guid="b")),  # again
        (other, make_delivery({}, guid="c", **{"x-kind": "ping"})),
        (posting, make_delivery({}, guid="d")),  # without a commit
        (other, make_delivery({"sha": "s"}, guid="e")),  # without a credential
    )
    told = [answer[0] for answer in answers]
    assert [each.outcome for each in told] == ["launched", "launched", "duplicate", "ignored", "launched", "launched"]

    launched = {each.delivery_id: each.job_id for each in told if each.outcome == "launched"}
    jobs = _read(store, t.unified_jobs, "delivery_id", "id", "name", "webhook_guid")
    assert {delivery_id: job_id for delivery_id, job_id, *_rest in jobs} == launched
    assert {(name, guid) for *_ids, name, guid in jobs} == {
        ("other", "a"), ("posting", "b"), ("posting", "d"), ("other", "e"),
    }  # fmt: skip
    assert _read(store, t.status_posts, "job_id", "status") == [(told[1].job_id, "pending")]
    of_posting = {told[1].job_id, told[4].job_id}
    assert {job_id for (job_id,) in _read(store, t.job_labels, "job_id")} == of_posting
    assert {job_id for (job_id,) in _read(store, t.job_credentials, "job_id")} == of_posting
    guids = dict(_read(store, t.webhook_deliveries, "id", "guid"))
    assert [guids[each.delivery_id] for each in told] == ["a", "b", "b", "c", "d", "e"]


def test_each_of_a_batch_keeps_its_own_body(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    deliveries = {word: make_delivery({"said": word}, guid=word) for word in ("d", "c", "b", "a")}
    deliveries["without a guid"] = make_delivery({"said": "without a guid"}, guid=None)
    answers = _receive_together(intake, *((template_id, each) for each in deliveries.values()))
    digests = dict(_read(store, t.webhook_deliveries, "id", "body_sha256"))
    for (word, sent), [told] in zip(deliveries.items(), answers, strict=True):
        with store.reading() as connection:
            stored = read_delivery(connection, told.delivery_id)
        assert stored is not None
        assert stored.payload == {"said": word}
        assert digests[told.delivery_id] == sha256(sent.body).digest()


def test_jobs_that_set_different_things_are_stored_together(store: Store, intake: Intake) -> None:
    limits = {"plain": {}, "limited": {"vars_from_payload": {"limit": "payload.sha"}}}
    for name, playhook in limits.items():
        store.write(partial(add_template, name=name, limit="all", ask_limit_on_launch=True, playhook=playhook))
    sent = [(1 + number % 2, make_delivery({"sha": f"s{number}"}, guid=str(number))) for number in range(6)]
    told = [answer[0] for answer in _receive_together(intake, *sent)]
    limit_of = dict(_read(store, t.unified_jobs, "id", "limit"))
    assert [limit_of[each.job_id] for each in told] == ["all", "s1", "all", "s3", "all", "s5"]


def test_jobs_are_in_the_order_of_their_deliveries(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    sent = [(template_id, make_delivery(guid=guid)) for guid in "hgfedcba"]
    job_ids = [answer[0].job_id for answer in _receive_together(intake, *sent)]
    assert job_ids == sorted(job_ids)
    assert len(set(job_ids)) == len(sent)


def test_a_template_that_vanishes_takes_no_other_delivery_with_it(store: Store, intake: Intake) -> None:
    kept, vanished = store.write(add_template), store.write(lambda tx: add_template(tx, name="vanished"))

    async def receive() -> list[Any]:
        for template_id in (kept, vanished):
            intake._sources.read(address_of(template_id))
        # As if another process deleted it between the look at its number and the insertion.
        store.write(lambda tx: tx.connection.execute(delete(t.unified_job_templates).filter_by(id=vanished)))
        sent = [(kept, make_delivery(guid="a")), (vanished, make_delivery(guid="b")), (kept, make_delivery(guid="c"))]
        return await asyncio.gather(*_begin(intake, *sent), return_exceptions=True)

    first, second, third = asyncio.run(receive())
    assert (first[0].outcome, third[0].outcome) == ("launched", "launched")
    assert isinstance(second, Exception)
    assert count_rows(store, t.webhook_deliveries) == count_rows(store, t.unified_jobs) == 2


@pytest.mark.postgresql_only
def test_a_statement_that_the_server_ends_is_done_again(store: Store, intake: Intake, settings: Settings) -> None:
    template_id = store.write(add_template)

    async def receive() -> list[Accepted]:
        with held_database(settings):
            (sending,) = _begin(intake, (template_id, make_delivery(guid="a")))
            with psycopg.connect(conninfo(settings.database), autocommit=True) as other:
                await _until(lambda: other.execute(_END_WAITING).fetchall())
        return await sending

    (accepted,) = asyncio.run(receive())
    assert accepted.outcome == "launched"
    assert count_rows(store, t.unified_jobs) == 1


_END_WAITING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.postgresql_only
def test_a_statement_whose_answer_is_lost_is_not_done_again(store: Store, intake: Intake, settings: Settings) -> None:
    template_id = store.write(add_template)
    delivery = make_delivery(guid="a")

    async def receive() -> list[Accepted]:
        await asyncio.gather(*_begin(intake, (template_id, make_delivery(guid="before"))))
        with held_database(settings):
            (sending,) = _begin(intake, (template_id, delivery))
            with psycopg.connect(conninfo(settings.database), autocommit=True) as other:
                await _until(lambda: other.execute(_WAITING).fetchall())
            _cut_connections(store)
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await sending
        await _until(lambda: count_rows(store, t.unified_jobs) == 2)  # the server goes on, and stores it
        return await intake.receive_delivery(address_of(template_id), delivery)

    (again,) = asyncio.run(receive())
    assert again.outcome == "duplicate"
    assert count_rows(store, t.unified_jobs) == 2


@pytest.mark.postgresql_only
def test_a_loop_that_ends_in_the_middle_is_no_hindrance(store: Store, intake: Intake, settings: Settings) -> None:
    template_id = store.write(add_template)

    async def leave() -> None:
        _begin(intake, (template_id, make_delivery(guid="a")))
        with psycopg.connect(conninfo(settings.database), autocommit=True) as other:
            await _until(lambda: other.execute(_WAITING).fetchall())

    with held_database(settings):
        asyncio.run(leave())
    (answer,) = _receive_together(intake, (template_id, make_delivery(guid="b")))
    assert answer[0].outcome == "launched"


_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def _cut_connections(store: Store) -> None:
    assert store._loop_writer is not None
    for committer in store._loop_writer._committers:
        if committer._connection is not None:
            driver: Any = committer._connection.connection.driver_connection
            with socket.socket(fileno=os.dup(driver.pgconn.socket)) as line:
                line.shutdown(socket.SHUT_RDWR)
