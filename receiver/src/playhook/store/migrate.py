# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the database to this version's schema, and know whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from playhook.errors import SettingsError
from playhook.store.engine import is_sqlite, make_engine

ADVISORY_LOCK = 0x706C6179686F6F6B  # "playhook"


def migrate(url: str) -> None:
    """Upgrade to the newest schema in one transaction, alone. Raises SettingsError."""
    engine = _open(url, writes=True)
    try:
        with engine.begin() as connection:
            if not is_sqlite(url):
                connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            _refuse_newer(connection)
            command.upgrade(_config(connection), "head")
    except SQLAlchemyError as error:
        raise SettingsError(f"the database cannot be opened or migrated: {getattr(error, 'orig', error)}") from None
    finally:
        engine.dispose()


def check_schema(url: str) -> None:
    """Raise SettingsError unless the database has exactly this version's schema."""
    engine = _open(url, writes=False)
    try:
        with engine.connect() as connection:
            current, newest = _current(connection), _newest()
    except SQLAlchemyError as error:
        raise SettingsError(f"the database cannot be opened: {getattr(error, 'orig', error)}") from None
    finally:
        engine.dispose()
    if current != newest:
        raise SettingsError(
            f"the database has schema {current or 'none'}, this playhook needs {newest}: run 'playhook migrate'"
        )


def is_installed(url: str) -> bool:
    """Say whether a receiver has been started with this database before."""
    engine = _open(url, writes=False)
    try:
        with engine.connect() as connection:
            return inspect(connection).has_table("installation") and bool(
                connection.execute(text("SELECT count(*) FROM installation")).scalar()
            )
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def _open(url: str, *, writes: bool) -> Engine:
    try:
        return make_engine(url, writes=writes)
    except (ArgumentError, ImportError) as error:
        # The URL itself may hold a password; the driver's words do not repeat it.
        raise SettingsError(
            f"PLAYHOOK_DATABASE_URL cannot be used ({type(error).__name__}): write it as "
            "postgresql://user:password@host/database, or leave it out for SQLite"
        ) from None


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    known = {revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise SettingsError(f"the database has schema {current}, made by a newer playhook: upgrade this one")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
