# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines: how connections to SQLite and PostgreSQL are opened and how their transactions begin."""

from __future__ import annotations

import select
import sqlite3
from typing import Any, Final

import orjson
import stamina
from psycopg.errors import QueryCanceled
from psycopg.types.string import BytesBinaryDumper, StrDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from playhook.store.regexp import Regexp

_REGEXP = "regexp"
_POSTGRESQL = "postgresql"
_SLOWEST_READ = "20s"  # PostgreSQL ends a longer one: a user's filter must not keep a connection for ever
_SLOWEST_WRITE = "60s"
_LONGEST_LOCK = 5  # seconds that a write waits for another process's lock; senders of deliveries wait for ten
# In seconds, and milliseconds for the last: a server that has vanished is noticed while the sender still waits.
_PATIENCE: Final = {
    "connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}  # fmt: skip


def make_engine(url: str, *, writes: bool) -> Engine:
    """Make the engine of the writer (`writes`: one connection; SQLite's locks at once) or of the readers."""
    size = {"pool_size": 1, "max_overflow": 0} if writes else {"pool_size": 16, "max_overflow": 16}
    engine = create_engine(_parse(url), **size, **_options(url))
    if is_sqlite(url):
        _tune_sqlite(engine, begin="BEGIN IMMEDIATE" if writes else "BEGIN")
    else:
        _tune_postgresql(engine, slowest=_SLOWEST_WRITE if writes else _SLOWEST_READ)
    return engine


def make_loop_engine(url: str, connections: int) -> Engine:
    """Make the engine of writes that an event loop waits for; it works within `greenlet_spawn` only."""
    engine = create_async_engine(_parse(url), pool_size=connections, max_overflow=0, **_options(url)).sync_engine
    _tune_postgresql(engine, slowest=_SLOWEST_WRITE)
    return engine


def _options(url: str) -> dict[str, Any]:
    given = _parse(url).query
    return {
        "pool_pre_ping": not is_sqlite(url),
        "connect_args": {} if is_sqlite(url) else {name: v for name, v in _PATIENCE.items() if name not in given},
        "hide_parameters": True,  # an error's text goes to the log, and parameters hold secrets
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
    }


def has_ended(connection: Connection) -> bool:
    """Tell, without asking it, whether the server has ended an idle connection, as when it was restarted."""
    if connection.dialect.name == "sqlite":
        return False
    driver: Any = connection.connection.driver_connection
    if driver.closed:
        return True
    waiting = select.poll()
    waiting.register(driver.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))  # what has not been asked says nothing, but when it ends


def abandon(connection: Connection) -> None:
    """Let go of a connection whose event loop is gone."""
    driver: Any = connection.connection.driver_connection
    connection.detach()
    driver.pgconn.finish()


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def conninfo(url: str) -> str:
    """Return the URL of a PostgreSQL database as libpq reads it, for who connects without SQLAlchemy."""
    return _parse(url).set(drivername=_POSTGRESQL).render_as_string(hide_password=False)


def _parse(url: str) -> URL:
    parsed = make_url(url)
    # psycopg 3 is the one driver there is, so that the URL which every other tool takes will do.
    return parsed.set(drivername="postgresql+psycopg") if parsed.get_backend_name() == _POSTGRESQL else parsed


def read_timed_out(connection: Connection, error: OperationalError) -> bool:
    """Say whether what was asked took too long, which a regular expression may, after a statement has failed."""
    function = connection.info.get(_REGEXP)
    return isinstance(error.orig, QueryCanceled) or (isinstance(function, Regexp) and function.is_too_slow)


class _TextDumper(StrDumper):
    """PostgreSQL's text cannot hold NUL, which a playbook may print."""

    def dump(self, obj: str) -> bytes:
        return bytes(super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}")) or b"")


def _tune_postgresql(engine: Engine, *, slowest: str) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(str, _TextDumper)
        connection.adapters.register_dumper(bytes, BytesBinaryDumper)  # as text, bytes take several times as long
        cursor = connection.cursor()
        cursor.execute(f"SET statement_timeout = '{slowest}'")
        cursor.execute(f"SET lock_timeout = '{_LONGEST_LOCK}s'")
        cursor.close()
        connection.commit()


def _switch_to_wal(connection: Any) -> None:
    """Set the journal mode, which a new file's first user changes; SQLite does not wait for others by itself here."""
    for attempt in stamina.retry_context(
        _is_busy, attempts=None, timeout=_LONGEST_LOCK, wait_initial=0.01, wait_max=0.1, wait_jitter=0.01
    ):
        with attempt:
            connection.execute("PRAGMA journal_mode=WAL")


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _tune_sqlite(engine: Engine, *, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: Any) -> None:
        # The sqlite3 module's own transaction control would commit at the wrong time; SQLAlchemy's does it below.
        connection.isolation_level = None
        _switch_to_wal(connection)
        for pragma in (
            "synchronous=FULL",  # an acknowledged delivery survives a power cut
            "foreign_keys=ON",
            f"busy_timeout={_LONGEST_LOCK * 1000}",
            "cache_size=-16000",
            # Pages: each 32 MB of the log are written to the file, not each 4. The pages of indexes, which every
            # delivery changes, are written once for all of them then (measured: a batch takes half the time).
            "wal_autocheckpoint=8000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        record.info[_REGEXP] = Regexp()  # in place of SQLAlchemy's own, which was registered before
        connection.create_function("regexp", 2, record.info[_REGEXP], deterministic=True)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.info[_REGEXP].begin()
        connection.connection.cursor().execute(begin)
