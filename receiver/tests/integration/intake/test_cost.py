# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery costs the database, counted at its driver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert
from tests.builders import add_template, add_token_credential
from tests.integration.intake.plain import address_of, count_rows, make_delivery, occupy_writers, receive

from playhook.intake.receive import Intake
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.writer import Tx

pytestmark = pytest.mark.both_databases
_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def _add_full_template(tx: Tx) -> int:
    """Add a template whose jobs have all that intake stores: a status post, a credential and a label."""
    credential_id = add_token_credential(tx, token="t")
    template_id = add_template(tx, webhook_credential_id=credential_id)
    tx.connection.execute(insert(t.organizations).values(id=1, name="o", created=tx.now, modified=tx.now))
    tx.connection.execute(insert(t.labels).values(id=1, name="l", organization_id=1, created=tx.now, modified=tx.now))
    tx.connection.execute(insert(t.template_credentials).values(template_id=template_id, credential_id=credential_id))
    tx.connection.execute(insert(t.template_labels).values(template_id=template_id, label_id=1))
    return template_id


@contextmanager
def _counting(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the statements of the writer's connections, and its commits."""
    seen: list[str] = []
    occupy_writers(store).set()  # so that each has a connection, whose settings are not counted
    while any(each._begun is not None for each in store._groups._committers):
        time.sleep(0.001)

    def watch(tx: Tx) -> None:
        driver: Any = tx.connection.connection.driver_connection
        if tx.connection.dialect.name == "sqlite":
            driver.set_trace_callback(seen.append)
        else:
            _watch_psycopg(seen, monkeypatch)

    store.write(watch)
    seen.clear()
    yield seen
    monkeypatch.undo()


def _watch_psycopg(seen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

    def watched_execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(str(query))
        return execute(self, query, *args, **kwargs)

    def watched_commit(self: Any) -> None:
        seen.append("COMMIT")
        commit(self)

    monkeypatch.setattr(psycopg.Cursor, "execute", watched_execute)
    monkeypatch.setattr(psycopg.Connection, "commit", watched_commit)


def _split(seen: list[str]) -> tuple[list[str], int]:
    """Return what was asked for, and how many transactions were committed."""
    return [each for each in seen if not each.startswith(_CONTROL)], seen.count("COMMIT")


def test_one_delivery(store: Store, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = store.write(_add_full_template)
    receive(intake, template_id, make_delivery({"sha": "a"}, guid="first"))
    with _counting(store, monkeypatch) as seen:
        assert receive(intake, template_id, make_delivery({"sha": "a"}, guid="second")).outcome == "launched"
    statements, commits = _split(seen)
    assert len(statements) <= 6, statements
    assert commits == 1
    for table in (t.unified_jobs, t.status_posts, t.job_credentials, t.job_labels):
        assert count_rows(store, table) == 2


def test_deliveries_that_wait_together_share_their_statements(
    store: Store, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = store.write(_add_full_template)
    receive(intake, template_id, make_delivery({"sha": "a"}, guid="first"))

    async def flood() -> None:
        release = occupy_writers(store)
        deliveries = [make_delivery({"sha": "a"}, guid=str(number)) for number in range(60)]
        sending = [asyncio.create_task(intake.receive_delivery(address_of(template_id), each)) for each in deliveries]
        for _turn in range(3):
            await asyncio.sleep(0)  # each runs until it waits for the writer, which gets all of them then
        assert store._groups._queue.qsize() == len(sending)
        release.set()
        await asyncio.gather(*sending)

    with _counting(store, monkeypatch) as seen:
        asyncio.run(flood())
    statements, commits = _split(seen)
    threads = len(store._groups._threads)
    batches = commits - threads  # but for what held them
    assert 1 <= batches <= threads
    assert len(statements) <= 6 * batches, statements
    assert count_rows(store, t.status_posts) == 61
