# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a database: told from the driver's code, and said without its words, which may hold secrets."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

LOCKED: Final = "the database is locked by another process, or too slow"
_FULL: Final = "the database or its disk is full"
READ_ONLY: Final = "the database may only be read"
_UNREACHABLE: Final = "the database cannot be reached"
_FAILED: Final = "the database failed"
_DAMAGED: Final = "the database file is damaged: restore it from the backup"
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk of the database fails, or is full",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
# By the beginnings of https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest first.
_POSTGRESQL: Final = {
    "25006": READ_ONLY,
    "53100": _FULL,
    "53300": "the database takes no more connections",
    "55P03": LOCKED,
    "57014": LOCKED,
    "08": _UNREACHABLE,
    "28": "the database does not let this user in",
    "3D": "there is no such database",
    "57P": "the database is being stopped or started",
}
_DEADLOCKS: Final = {"40001", "40P01"}


def is_deadlock(error: Exception) -> bool:
    """Tell whether another machine's transaction was in the way, which it no longer is."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _DEADLOCKS


def is_lost(error: Exception) -> bool:
    """Tell whether the connection has ended, as after a restart of the server; another one may work."""
    if not isinstance(error, OperationalError) or isinstance(error.orig, sqlite3.Error):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith("57P")


def is_uncertain(error: Exception) -> bool:
    """Tell whether a statement failed without a word of the server, so that what it says may be stored."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) is None


def is_database_failure(error: Exception) -> bool:
    """Tell whether the database itself failed, so that any other write would have failed too."""
    return (
        isinstance(error, OperationalError)
        or _is_damaged(error)
        or (isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == "25006")
    )


def _is_damaged(error: Exception) -> bool:
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def describe_failure(error: Exception) -> str:
    """Say what is wrong, in a part of a sentence."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, _FAILED)  # the rest is detail
    if isinstance(cause, PoolTimeout):
        return LOCKED
    state = getattr(cause, "sqlstate", None)
    if state is None:  # psycopg has no code where no server has answered
        return _UNREACHABLE if isinstance(error, OperationalError) else _FAILED
    return next((sentence for start, sentence in _POSTGRESQL.items() if state.startswith(start)), _FAILED)
