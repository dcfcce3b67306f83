# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that every tier shares: settings in a temporary directory, and an open store with its first rows.

A module marked `both_databases` runs on SQLite and on PostgreSQL, but for what is marked
`sqlite_only` or `postgresql_only`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr
from sqlalchemy import insert

from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.migrate import migrate
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx
from tests.postgres import PostgresServer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give what is marked both databases; what is not stays on SQLite."""
    marked = metafunc.definition.get_closest_marker
    if "backend" in metafunc.fixturenames and (marked("both_databases") or marked("postgresql_only")):
        backends = {"sqlite": marked("postgresql_only"), "postgresql": marked("sqlite_only")}
        metafunc.parametrize("backend", [name for name, other in backends.items() if not other], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


# A busy machine is slow, which says nothing about the code. And a run fails for what was changed, not for what was
# drawn: `pytest --hypothesis-profile default` draws anew each time.
hypothesis_settings.register_profile(
    "playhook", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("playhook")


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the database that this test runs on."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest) -> Iterator[SecretStr | None]:
    """A migrated PostgreSQL database; None on SQLite, which lies in the state directory."""
    if backend == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.make_migrated()
    yield SecretStr(url)
    server.drop(url)


@pytest.fixture
def settings(tmp_path: Path, database_url: SecretStr | None) -> Settings:
    """Settings that touch nothing outside the test's directory."""
    return Settings(home=tmp_path / "home", base_url="https://playhook.example.com", database_url=database_url)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A migrated store with an installation row and nothing else."""
    settings.home.mkdir(parents=True)
    if settings.database_url is None:
        migrate(settings.database)
    opened = open_store(settings)
    opened.write(_install)
    yield opened
    opened.close()


def _install(tx: Tx) -> None:
    tx.connection.execute(insert(t.installation).values(uuid=str(uuid.uuid4()), created=datetime.now(UTC)))
