# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery costs the database, counted at its driver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert
from tests.builders import add_template, add_token_credential
from tests.integration.intake.plain import address_of, count_rows, held_database, make_delivery

from playhook.intake.accept import Accepted
from playhook.intake.receive import Intake
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx

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
    """Collect the statements of the connection that deliveries are written with, and its commits."""
    seen: list[str] = []

    def watch(tx: Tx) -> None:
        driver: Any = tx.connection.connection.driver_connection
        driver.set_trace_callback(seen.append)

    if store.inserts_together:
        _watch_psycopg(seen, monkeypatch)
    else:
        store.write(watch)
        seen.clear()
    yield seen
    monkeypatch.undo()


def _watch_psycopg(seen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit

    async def watched_execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(str(query))
        if self.connection.autocommit:
            seen.append("COMMIT")
        return await execute(self, query, *args, **kwargs)

    async def watched_commit(self: Any) -> None:
        seen.append("COMMIT")
        await commit(self)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", watched_execute)
    monkeypatch.setattr(psycopg.AsyncConnection, "commit", watched_commit)


def _split(seen: list[str]) -> tuple[list[str], int]:
    """Return what was asked for, and how many transactions were committed."""
    return [each for each in seen if not each.startswith(_CONTROL)], seen.count("COMMIT")


def test_one_delivery(store: Store, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    address = address_of(store.write(_add_full_template))

    async def send() -> list[str]:
        await intake.receive_delivery(address, make_delivery({"sha": "a"}, guid="first"))
        with _counting(store, monkeypatch) as seen:
            (accepted,) = await intake.receive_delivery(address, make_delivery({"sha": "a"}, guid="second"))
        assert accepted.outcome == "launched"
        return seen

    statements, commits = _split(asyncio.run(send()))
    assert len(statements) <= (1 if store.inserts_together else 6), statements
    assert commits == 1
    for table in (t.unified_jobs, t.status_posts, t.job_credentials, t.job_labels):
        assert count_rows(store, table) == 2


def test_deliveries_that_wait_together_share_their_statements(
    store: Store, intake: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = address_of(store.write(_add_full_template))

    def send(name: str, count: int) -> list[asyncio.Task[list[Accepted]]]:
        deliveries = [make_delivery({"sha": "a"}, guid=f"{name} {number}") for number in range(count)]
        return [asyncio.create_task(intake.receive_delivery(address, each)) for each in deliveries]

    async def flood() -> list[str]:
        await asyncio.gather(*send("before", 20))  # so that all connections are there
        with _counting(store, monkeypatch) as seen:
            with held_database(settings):
                sending = send("then", 60)
                for _turn in range(3):
                    await asyncio.sleep(0)  # each runs until it waits for the writer, which gets all of them then
            await asyncio.gather(*sending)
        return seen

    statements, commits = _split(asyncio.run(flood()))
    assert 1 <= commits <= 4  # each takes half of what waits, where two connections share it
    assert len(statements) <= (1 if store.inserts_together else 6) * commits, statements
    assert count_rows(store, t.status_posts) == 80
