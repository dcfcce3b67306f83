# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of Procrastinate, the engine on PostgreSQL: applied by `playhook migrate`, checked at every start.

The engine keeps no record of its schema's version. Ours is a comment on its table: the name of the last of its
migrations that the schema includes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from procrastinate.schema import SchemaManager

from playhook.errors import SettingsError
from playhook.store.engine import conninfo, is_sqlite
from playhook.store.migrate import ADVISORY_LOCK

_READ: Final = """
SELECT to_regclass('procrastinate_jobs'), obj_description(to_regclass('procrastinate_jobs'), 'pg_class')
"""
_OURS: Final = "playhook, procrastinate schema "


def migrate_engine(url: str) -> None:
    """Bring the engine's schema to what the installed engine needs; nothing on SQLite. Raises SettingsError."""
    if is_sqlite(url):
        return
    with _connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        current = _read_version(connection)
        if current == _newest():
            return
        if current is None:
            connection.execute(SchemaManager.get_schema())
        for script in _later_than(current) if current is not None else ():
            connection.execute(script.read_bytes())
        # An utility statement takes no parameters; the name is a file's of the engine.
        connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{_OURS}{_newest()}'".encode())


def check_engine(url: str) -> None:
    """Raise SettingsError unless the database has the schema of the installed engine; nothing on SQLite."""
    if is_sqlite(url):
        return
    with _connect(url) as connection:
        current = _read_version(connection)
    if current != _newest():
        raise SettingsError(
            f"the database has schema {current or 'none'} of the dispatch engine (procrastinate), this playhook needs "
            f"{_newest()}: run 'playhook migrate'"
        )


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(conninfo(url))
    except psycopg.Error as error:
        raise SettingsError(f"the database cannot be opened: {error}") from None


def _read_version(connection: psycopg.Connection) -> str | None:
    """Return the last migration that the schema includes, None when there is no schema. Raises SettingsError."""
    table, comment = connection.execute(_READ).fetchone() or (None, None)
    if table is None:
        return None
    if not str(comment).startswith(_OURS):
        raise SettingsError(
            "the database holds tables of procrastinate that another application made: give Playhook a database of "
            "its own"
        )
    return str(comment).removeprefix(_OURS)


def _later_than(current: str) -> list[Path]:
    if current not in [script.stem for script in _scripts()]:
        raise SettingsError(
            f"the database has schema {current} of the dispatch engine (procrastinate), made by a newer one: upgrade "
            "this playhook"
        )
    return [script for script in _scripts() if script.stem > current]


def _scripts() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _newest() -> str:
    return _scripts()[-1].stem
