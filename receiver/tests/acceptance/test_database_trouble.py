# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running receiver whose database locks, fails or stops: it says so, loses nothing, and needs no restart."""

from __future__ import annotations

import resource
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest
import requests
from tests.acceptance.conftest import Installation, MakeInstallation, Template
from tests.acceptance.deliver import deliver_github, pull_request
from tests.postgres import PostgresServer

_TITLE = "x" * 3000


@contextmanager
def _locked(live: Installation) -> Iterator[None]:
    with closing(sqlite3.connect(live.home / "playhook.sqlite3", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def _full(live: Installation) -> Iterator[None]:
    # No file may grow beyond what it has: what a full disk is to SQLite, and no root is needed for it.
    assert live.process is not None
    before = resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (_locked, "the database is locked by another process, or too slow"),
        (_full, "the disk of the database fails, or is full"),
    ],
)
def test_sqlite_in_trouble(
    installation: Installation, trouble: Callable[[Installation], AbstractContextManager[None]], sentence: str
) -> None:
    template = installation.make_template(f"trouble {uuid.uuid4()}")
    _check_recovery(installation, template, trouble(installation), sentence)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


def test_postgresql_that_stops(make_installation: MakeInstallation, own_postgres: PostgresServer) -> None:
    live = make_installation(PLAYHOOK_WORKERS="1", PLAYHOOK_DATABASE_URL=own_postgres.make_migrated())
    template = live.make_template("stopped")

    @contextmanager
    def stopped() -> Iterator[None]:
        own_postgres.stop()
        yield
        own_postgres.start()

    _check_recovery(live, template, stopped(), "the database cannot be reached")

    with stopped():
        began = time.monotonic()
        live.stop()
        assert time.monotonic() - began < 40, "a receiver must be able to stop without its database"


def _check_recovery(
    live: Installation, template: Template, trouble: AbstractContextManager[None], sentence: str
) -> None:
    guid = str(uuid.uuid4())

    def deliver() -> requests.Response:
        payload = pull_request(title=_TITLE)
        return deliver_github(live.url + template.path, template.key, payload, X_GitHub_Delivery=guid)

    assert live.get(f"job_templates/{template.id}/jobs/")["count"] == 0
    with trouble:
        started = time.monotonic()
        refused = deliver()
        if refused.json() != {"detail": sentence}:  # the first one may be told of the connection that has just ended
            started = time.monotonic()
            refused = deliver()
        assert time.monotonic() - started < 15  # seconds: within ten, and what a busy machine takes
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert refused.json() == {"detail": sentence}
        ping = requests.get(f"{live.url}/api/v2/ping/", timeout=60)
        assert (ping.status_code, ping.json()) == (503, {"detail": sentence})
    _wait_until_ready(live)
    answer = deliver()
    assert answer.status_code == 202
    jobs = live.get(f"job_templates/{template.id}/jobs/")["results"]
    assert len(jobs) == 1, "a delivery that was refused and sent again makes one job"
    assert live.wait_for_job(jobs[0]["id"])["status"] == "successful"


def _wait_until_ready(live: Installation) -> None:
    deadline = time.monotonic() + 60
    while requests.get(f"{live.url}/api/v2/ping/", timeout=60).status_code != 200:
        assert time.monotonic() < deadline, live.log()
        time.sleep(0.1)
