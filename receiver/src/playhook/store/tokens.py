# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API tokens: shown once, stored as their digest."""

from __future__ import annotations

import secrets
import string
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, select, update

from playhook.errors import InvalidInput, NotFound
from playhook.store import tables as t
from playhook.store.collections import Row
from playhook.store.objects import insert_row
from playhook.store.tx import Tx
from playhook.store.users import find_user_by_name

SCOPES: Final = ("read", "write")
_ALPHABET: Final = string.ascii_letters + string.digits
_LENGTH: Final = 30  # 178 random bits, so that a plain digest keeps it
LIFETIME: Final = timedelta(seconds=31_536_000_000)  # AWX's default: a thousand years
_NOTED_EVERY: Final = timedelta(minutes=10)


def make_token() -> str:
    return "".join(secrets.choice(_ALPHABET) for _each in range(_LENGTH))


def token_digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def check_scope(scope: object) -> str:
    """Return a scope as AWX takes it, or raise InvalidInput."""
    if not isinstance(scope, str) or not scope.strip() or not set(scope.split()) <= set(SCOPES):
        allowed = "Must be a simple space-separated string with allowed scopes ['read', 'write']."
        raise InvalidInput({"scope": [allowed]})
    return scope


def insert_token(tx: Tx, user_id: int, token: str, scope: str, description: str) -> int:
    """Store a new token's digest; returns its id."""
    values = {
        "user_id": user_id,
        "token_digest": token_digest(token),
        "scope": scope,
        "description": description,
        "expires": tx.now + LIFETIME,
    }
    return insert_row(tx, "tokens", values)


def create_token_for(tx: Tx, username: str, scope: str, description: str) -> str:
    """Make a token for a user and return it. Raises NotFound and InvalidInput."""
    user = find_user_by_name(tx.connection, username)
    if user is None:
        raise NotFound(f"there is no user {username}")
    token = make_token()
    insert_token(tx, user["id"], token, check_scope(scope), description)
    return token


def find_token(connection: Connection, token: str, now: datetime) -> Row | None:
    """Read a token that is still valid, with its user's columns."""
    tokens, users = t.tokens, t.users
    row = connection.execute(
        select(users, tokens.c.id.label("token_id"), tokens.c.scope, tokens.c.last_used)
        .join(users, users.c.id == tokens.c.user_id)
        .where(tokens.c.token_digest == token_digest(token), tokens.c.expires > now)
    )
    found = row.mappings().one_or_none()
    return None if found is None else dict(found)


def is_use_to_be_noted(last_used: datetime | None, now: datetime) -> bool:
    """Say whether the stored time of the last use is too old to stand."""
    return last_used is None or now - last_used > _NOTED_EVERY


def note_use(tx: Tx, token_id: int) -> None:
    """Store that a token was used now."""
    tx.connection.execute(update(t.tokens).where(t.tokens.c.id == token_id).values(last_used=tx.now))
