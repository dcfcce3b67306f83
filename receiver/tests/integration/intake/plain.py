# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of the tests' own, to show that no plugin is special, and ways to deliver with it and to look after."""

from __future__ import annotations

import asyncio
import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
import psycopg
from sqlalchemy import func, select
from tests.builders import WEBHOOK_KEY

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event, PullRequest, Repository, StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential
from playhook.errors import Malformed, NotAuthentic
from playhook.intake.receive import Intake
from playhook.intake.sources import Address
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.engine import conninfo
from playhook.store.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Plain:
    """A service whose token header is the key, and whose guid header may be left out.

    What the payload says under `event` becomes the event's own facts.
    """

    name: ClassVar[str] = "plain"
    label: ClassVar[str] = "Plain"
    credential_type: ClassVar[str | None] = None

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        if not any(hmac.compare_digest(delivery.headers.get("x-token", ""), key) for key in keys):
            raise NotAuthentic("the token is wrong")

    def parse(self, delivery: Delivery) -> Event:
        try:
            payload = orjson.loads(delivery.body)
        except orjson.JSONDecodeError:
            raise Malformed("not JSON") from None
        kind = delivery.headers.get("x-kind", "push")
        target = StatusTarget(repository="owner/repo", sha="a" * 40, origin=None) if "sha" in payload else None
        guid = delivery.headers.get("x-guid")
        facts = payload.get("event", {})
        nested = {"repository": Repository, "pull_request": PullRequest}
        known = {name: make(**facts[name]) for name, make in nested.items() if name in facts}
        event = Event(service=self.name, type=kind, kind=kind, guid=guid, payload=payload, status_target=target)  # type: ignore[arg-type]
        return replace(event, **{**facts, **known})

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        raise AssertionError("intake posts nothing")


def make_delivery(
    payload: Any = None, *, token: str = WEBHOOK_KEY, guid: str | None = "guid-1", **headers: str
) -> Delivery:
    sent = {"x-token": token, **headers, **({"x-guid": guid} if guid else {})}
    return Delivery(headers=sent, body=orjson.dumps({} if payload is None else payload), received=NOW)


def address_of(template_id: int, service: str = "plain") -> Address:
    return Address(kind="job_template", template_id=template_id, service=service, remote="192.0.2.7")


def receive(intake: Intake, template_id: int, delivery: Delivery, service: str = "plain") -> Any:
    (accepted,) = asyncio.run(intake.receive_delivery(address_of(template_id, service), delivery))
    return accepted


def count_rows(store: Store, table: Any, **where: Any) -> int:
    conditions = [table.c[name] == value for name, value in where.items()]
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())


def read_job(store: Store, job_id: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(t.unified_jobs).where(t.unified_jobs.c.id == job_id)).one()


@contextmanager
def held_database(settings: Settings) -> Iterator[None]:
    """Hold what deliveries are written to, as a database does that does not answer."""
    if settings.uses_sqlite:
        with closing(sqlite3.connect(settings.sqlite_file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(conninfo(settings.database)) as other:
            other.execute("LOCK TABLE webhook_deliveries IN EXCLUSIVE MODE")
            yield
