# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines: how connections to SQLite and PostgreSQL are opened and how their transactions begin."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from playhook.store.regexp import Regexp

_REGEXP = "regexp"


def make_engine(url: str, *, writes: bool) -> Engine:
    """Make the engine of the writer (`writes`: one connection, its transactions lock at once) or of the readers."""
    size = 1 if writes else 16
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0 if writes else 16,
        pool_pre_ping=not is_sqlite(url),
        hide_parameters=True,  # an error's text goes to the log, and parameters hold secrets
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    if is_sqlite(url):
        _tune_sqlite(engine, begin="BEGIN IMMEDIATE" if writes else "BEGIN")
    return engine


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def regexp_timed_out(connection: Connection) -> bool:
    """Say whether a regular expression of this transaction took too long, after a statement has failed."""
    function = connection.info.get(_REGEXP)
    return isinstance(function, Regexp) and function.is_too_slow


def _tune_sqlite(engine: Engine, *, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: Any) -> None:
        # The sqlite3 module's own transaction control would commit at the wrong time; SQLAlchemy's does it below.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # an acknowledged delivery survives a power cut
            "foreign_keys=ON",
            "busy_timeout=10000",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        record.info[_REGEXP] = Regexp()  # in place of SQLAlchemy's own, which was registered before
        connection.create_function("regexp", 2, record.info[_REGEXP], deterministic=True)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.info[_REGEXP].begin()
        connection.exec_driver_sql(begin)
