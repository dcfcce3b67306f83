# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login sessions: the cookie's value is stored as its digest, and a session ends with the password it began with."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from playhook.store import tables as t
from playhook.store.collections import Row
from playhook.store.tokens import make_token, token_digest
from playhook.store.tx import Tx

_LONGEST: Final = timedelta(days=1)  # however often it is used
_EXTENDED_EVERY: Final = timedelta(minutes=1)


def open_session(tx: Tx, user_id: int, password_hash: str, lifetime: timedelta) -> str:
    """Begin a session of a user whose password was right; returns what the cookie holds."""
    session_id = make_token()
    values = {
        "user_id": user_id,
        "session_digest": token_digest(session_id),
        "password_digest": _digest(password_hash),
        "expires": tx.now + lifetime,
        "created": tx.now,
    }
    tx.connection.execute(insert(t.sessions).values(values))
    tx.connection.execute(update(t.users).where(t.users.c.id == user_id).values(last_login=tx.now))
    return session_id


def find_session(connection: Connection, session_id: str, now: datetime) -> Row | None:
    """Read a session that still holds, with its user's columns."""
    sessions, users = t.sessions, t.users
    row = connection.execute(
        select(users, sessions.c.id.label("session_id"), sessions.c.password_digest, sessions.c.expires)
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            sessions.c.session_digest == token_digest(session_id),
            sessions.c.expires > now,
            sessions.c.created > now - _LONGEST,
        )
    )
    found = row.mappings().one_or_none()
    if found is None or not hmac.compare_digest(found["password_digest"], _digest(found["password_hash"])):
        return None
    return dict(found)


def is_to_be_extended(expires: datetime, now: datetime, lifetime: timedelta) -> bool:
    """Say whether the stored end is too near to stand; not every request writes."""
    return expires - now < lifetime - min(_EXTENDED_EVERY, lifetime / 2)


def extend_session(tx: Tx, row_id: int, lifetime: timedelta) -> None:
    """Store that a session was used now."""
    tx.connection.execute(update(t.sessions).where(t.sessions.c.id == row_id).values(expires=tx.now + lifetime))


def end_session(tx: Tx, session_id: str) -> None:
    """Forget a session; one that is not there is forgotten already."""
    tx.connection.execute(delete(t.sessions).where(t.sessions.c.session_digest == token_digest(session_id)))


def forget_expired_sessions(tx: Tx) -> None:
    """Delete the sessions that nobody can use any more."""
    over = (t.sessions.c.expires <= tx.now) | (t.sessions.c.created <= tx.now - _LONGEST)
    tx.connection.execute(delete(t.sessions).where(over))


def _digest(password_hash: str) -> str:
    return sha256(password_hash.encode()).hexdigest()
