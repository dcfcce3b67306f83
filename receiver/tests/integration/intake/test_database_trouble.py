# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that is full, locked, read-only or gone: what senders and `ping` are told, and that it passes."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from starlette.applications import Starlette
from tests.api_client import Answer, Api
from tests.builders import WEBHOOK_KEY, add_template
from tests.integration.intake.plain import address_of, count_rows, held_database, make_delivery

from playhook.errors import StoreUnavailable
from playhook.intake.receive import Intake
from playhook.services.registry import load_services
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.engine import conninfo
from playhook.store.store import Store
from playhook.web.api_v2 import ApiContext, api_routes
from playhook.web.errors import exception_handlers
from playhook.web.grouped_routes import GroupedRoutes
from playhook.web.hooks import HookEndpoints

pytestmark = pytest.mark.both_databases
_TAKEN = 20  # at most, of a queue of 20
LOCKED = "the database is locked by another process, or too slow"
Trouble = Callable[[Store, Settings], AbstractContextManager[None]]


@pytest.fixture
def api(intake: Intake, store: Store, settings: Settings) -> Iterator[Api]:
    hooks = HookEndpoints(intake, max_body=100_000, refusals_per_minute=5)
    known, _unknown = hooks.routes(("plain",))
    context = ApiContext(store=store, settings=settings, services=load_services())
    app = Starlette(routes=[*known, GroupedRoutes(api_routes(context))], exception_handlers=exception_handlers())
    api = Api(app)
    yield api
    api.close()


def _send(api: Api, template_id: int, guid: str = "g") -> Answer:
    headers = {"x-token": WEBHOOK_KEY, "x-guid": guid}
    body = {"text": random.Random(guid).randbytes(20_000).hex()}  # what cannot be compressed to nothing
    return api.request("POST", f"/api/v2/job_templates/{template_id}/plain/", body, headers=headers)


@contextmanager
def _full(store: Store, _settings: Settings) -> Iterator[None]:
    def allow(pages: int) -> None:
        store.write(lambda tx: tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}"))

    allow(1)  # SQLite makes it as many as there are
    yield
    allow(1 << 30)


@contextmanager
def _locked_file(store: Store, settings: Settings) -> Iterator[None]:
    store.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout=1000"))
    with closing(sqlite3.connect(settings.sqlite_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def _locked_table(store: Store, settings: Settings) -> Iterator[None]:
    store.write(lambda tx: tx.connection.exec_driver_sql("SET lock_timeout = '1s'"))
    with psycopg.connect(conninfo(settings.database)) as other:
        other.execute("LOCK TABLE webhook_deliveries IN EXCLUSIVE MODE")
        yield


@contextmanager
def _read_only(_store: Store, settings: Settings) -> Iterator[None]:
    with psycopg.connect(conninfo(settings.database), autocommit=True) as other:
        name = Identifier(other.info.dbname)
        other.execute(SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        _end_connections(other)
        yield
        other.execute(SQL("SET default_transaction_read_only = off; ALTER DATABASE {} RESET ALL").format(name))
        _end_connections(other)


@contextmanager
def _refused(_store: Store, settings: Settings) -> Iterator[None]:
    url = conninfo(settings.database)
    name = Identifier(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url, autocommit=True, dbname="postgres") as other:
        other.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        _end_connections(other)
        yield
        other.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


def _end_connections(other: psycopg.Connection) -> None:
    # Each is waited for: one that has not ended yet would still take a statement.
    other.execute("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname <> 'postgres' "
                  "AND pid <> pg_backend_pid()")  # fmt: skip


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [(_full, "the database or its disk is full"), (_locked_file, LOCKED)],
    ids=["full", "locked"],
)
def test_sqlite_in_trouble(api: Api, store: Store, settings: Settings, trouble: Trouble, sentence: str) -> None:
    _check_recovery(api, store, trouble(store, settings), sentence)


@pytest.mark.postgresql_only
@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (_locked_table, LOCKED),
        (_read_only, "the database may only be read"),
        (_refused, "the database cannot be reached"),
    ],
    ids=["locked", "read-only", "refused"],
)
def test_postgresql_in_trouble(api: Api, store: Store, settings: Settings, trouble: Trouble, sentence: str) -> None:
    _check_recovery(api, store, trouble(store, settings), sentence)


def _check_recovery(api: Api, store: Store, trouble: AbstractContextManager[None], sentence: str) -> None:
    template_id = store.write(add_template)
    assert _send(api, template_id, "before").status == 202
    with trouble:
        started = time.monotonic()
        refused = _send(api, template_id)
        assert time.monotonic() - started < 10
        assert (refused.status, refused.headers["retry-after"], refused.json()) == (503, "30", {"detail": sentence})
        ping = api.get("/api/v2/ping/")
        assert (ping.status, ping.json()) == (503, {"detail": sentence})
        assert "retry-after" in ping.headers
    answer = _send(api, template_id)
    assert (answer.status, answer.json()["message"]) == (202, "Job queued.")
    assert (count_rows(store, t.webhook_deliveries), count_rows(store, t.unified_jobs)) == (2, 2)
    assert api.get("/api/v2/ping/").status == 200


@pytest.mark.postgresql_only
def test_ping_tells_of_connections_that_only_deliveries_need(api: Api, store: Store, settings: Settings) -> None:
    template_id = store.write(add_template)
    assert _send(api, template_id, "before").status == 202
    assert store._loop_writer is not None
    theirs = [
        each._connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        for each in store._loop_writer._committers
        if each._connection is not None
    ]
    url = conninfo(settings.database)
    name = Identifier(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url, autocommit=True, dbname="postgres") as other:
        other.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        other.execute("SELECT pg_terminate_backend(pid, 60000) FROM unnest(%s::int[]) AS pid", [theirs])
        assert _send(api, template_id).json() == {"detail": "the database cannot be reached"}
        assert store.write(lambda tx: tx.connection.exec_driver_sql("SELECT 1").scalar()) == 1
        for _ping in range(2):
            assert api.get("/api/v2/ping/").json() == {"detail": "the database cannot be reached"}
        other.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    assert _send(api, template_id).status == 202
    assert api.get("/api/v2/ping/").status == 200


@pytest.mark.postgresql_only
def test_ended_connections_cost_no_delivery(api: Api, store: Store, settings: Settings) -> None:
    template_id = store.write(add_template)
    assert _send(api, template_id, "before").status == 202
    with psycopg.connect(conninfo(settings.database), autocommit=True) as other:
        _end_connections(other)
    for guid in ("one", "two", "three"):
        assert _send(api, template_id, guid).status == 202
    store.check_writes(60)
    assert count_rows(store, t.unified_jobs) == 4


def test_delivery_does_not_wait_for_ever_and_may_come_again(
    api: Api, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = store.write(add_template)
    assert _send(api, template_id, "before").status == 202
    monkeypatch.setattr("playhook.intake.receive._WRITE_PATIENCE", 0.3)
    with held_database(settings):
        refused = _send(api, template_id)
        assert (refused.status, refused.json()) == (503, {"detail": LOCKED})
        assert api.get("/api/v2/ping/").json() == {"detail": LOCKED}

    # What was being written may have been stored meanwhile; it launches once in any case.
    monkeypatch.setattr("playhook.intake.receive._WRITE_PATIENCE", 6.5)
    assert _send(api, template_id).status == 202
    assert count_rows(store, t.unified_jobs) == 2
    assert api.get("/api/v2/ping/").status == 200


def test_full_queue_grows_no_further(
    intake: Intake, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for writer in ("writer", "loop_writer"):
        monkeypatch.setattr(f"playhook.store.{writer}.LONGEST_QUEUE", 20)
    template_id = store.write(add_template)

    async def flood() -> list[object]:
        intake._sources.read(address_of(template_id))
        await intake.receive_delivery(address_of(template_id), make_delivery(guid="before"))
        deliveries = [make_delivery(guid=str(number)) for number in range(100)]
        with held_database(settings):
            sending = [asyncio.create_task(intake.receive_delivery(address_of(template_id), it)) for it in deliveries]
            # Those beyond the queue are answered while nothing is written; what a writer has taken is not in the queue.
            async with asyncio.timeout(60):
                for answered in islice(asyncio.as_completed(sending), 80 - _TAKEN):
                    with pytest.raises(StoreUnavailable):
                        await answered
        return await asyncio.gather(*sending, return_exceptions=True)

    answers = asyncio.run(flood())
    refusals = [each for each in answers if isinstance(each, StoreUnavailable)]
    assert {str(each) for each in refusals} == {"too many writes are waiting for the database"}
    assert 80 - _TAKEN <= len(refusals) <= 80
    assert count_rows(store, t.unified_jobs) == 101 - len(refusals)
