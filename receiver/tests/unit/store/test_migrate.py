# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations lead to exactly the tables of the code."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from tests.postgres import PostgresServer

from playhook.errors import SettingsError
from playhook.store.engine import make_engine
from playhook.store.migrate import check_schema, migrate
from playhook.store.tables import metadata

pytestmark = pytest.mark.both_databases


@pytest.fixture
def url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path}/test.sqlite3"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made = server.make_empty()
    yield made
    server.drop(made)


def test_migrated_database_has_the_tables_of_the_code(url: str) -> None:
    migrate(url)
    with make_engine(url, writes=False).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [each for each in compare_metadata(context, metadata) if not _is_misread(connection, each)]
    assert differences == []


def _is_misread(connection: Connection, difference: Any) -> bool:
    """Say whether it is about a foreign key of a column that a later migration added, and the key is there.

    SQLAlchemy reads name and ON DELETE of a SQLite table's keys from constraints of the table, not of its columns.
    """
    if difference[0] not in {"add_fk", "remove_fk"}:
        return False
    key = difference[1]
    [column], [element] = key.columns, key.elements
    wanted = (column.name, element.target_fullname, "SET NULL")
    rows = connection.execute(text(f"PRAGMA foreign_key_list({key.table.name})")).mappings()
    return wanted in [(row["from"], f"{row['table']}.{row['to']}", row["on_delete"]) for row in rows]


def test_migrating_twice_is_harmless(url: str) -> None:
    migrate(url)
    migrate(url)
    check_schema(url)


def test_database_without_schema_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(SettingsError, match="run 'playhook migrate'"):
        check_schema(url)


def test_database_of_a_newer_version_is_refused(url: str) -> None:
    migrate(url)
    with make_engine(url, writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="made by a newer playhook"):
        migrate(url)


def test_database_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be opened"):
        migrate(f"sqlite:///{tmp_path}/no/such/directory/test.sqlite3")


def test_two_that_migrate_at_once_take_turns(url: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(migrate, [url] * 3))
    check_schema(url)


@pytest.mark.postgresql_only
def test_postgresql_keeps_a_delivery_of_usual_size_in_one_row(url: str) -> None:
    migrate(url)
    add = text(
        "INSERT INTO webhook_deliveries (service, outcome, reason, response_status, remote_address, received, "
        "body_size, body) VALUES ('x', 'ignored', '', 200, '', now(), 0, decode(repeat('0123456789ab', 500), 'hex'))"
    )
    kept = text("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'webhook_deliveries'")
    with make_engine(url, writes=True).begin() as connection:
        connection.execute(add)
        assert connection.execute(kept).scalar_one() == 0


@pytest.mark.postgresql_only
def test_server_that_is_away_is_a_sentence_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be opened") as caught:
        check_schema(f"postgresql://me:hidden@/playhook?host={tmp_path}")
    assert "hidden" not in str(caught.value)
