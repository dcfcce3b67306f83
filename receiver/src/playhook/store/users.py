# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and their passwords (argon2id)."""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, select, update

from playhook.store import tables as t
from playhook.store.collections import Row
from playhook.store.objects import find_rows, insert_row
from playhook.store.tx import Tx

# OWASP's smallest memory setting for argon2id: about 20 ms here, so that a flood of wrong passwords costs little.
_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NO_HASH: Final = _hasher.hash("no user has this hash")


def hash_password(password: str) -> str:
    """Hash a password; slow on purpose, so not for the event loop nor for the writer."""
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Compare; an unknown user (None) takes as long as a known one. Slow on purpose."""
    try:
        return _hasher.verify(password_hash or _NO_HASH, password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def find_user(connection: Connection, user_id: int) -> Row | None:
    """Read a user by id."""
    return find_rows(connection, "users", [user_id]).get(user_id)


def find_user_by_name(connection: Connection, username: str) -> Row | None:
    """Read a user by name."""
    row = connection.execute(select(t.users).where(t.users.c.username == username)).mappings().one_or_none()
    return None if row is None else dict(row)


def create_superuser(tx: Tx, username: str, password_hash: str) -> int:
    """Store an administrator."""
    return insert_row(tx, "users", {"username": username, "password_hash": password_hash, "is_superuser": True})


def set_password_hash(tx: Tx, user_id: int, password_hash: str) -> None:
    """Store a new password's hash."""
    tx.connection.execute(
        update(t.users).where(t.users.c.id == user_id).values(password_hash=password_hash, modified=tx.now)
    )
