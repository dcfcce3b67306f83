# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhook keys: one that is current, and older ones for as long as their grace period says."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from playhook.errors import InvalidInput
from playhook.store import tables as t
from playhook.store.encryption import Cipher
from playhook.store.tx import Tx

KEY_LENGTH: Final = 50  # AWX's
SHORTEST_KEY: Final = 20
LONGEST_KEY: Final = 64
LONGEST_GRACE: Final = 30 * 24 * 3600
_ALPHABET: Final = string.ascii_letters + string.digits
_PRINTABLE: Final = frozenset(string.ascii_letters + string.digits + string.punctuation)


def fingerprint(key: str) -> str:
    """Return 16 hexadecimal digits that tell two keys apart and lead back to neither."""
    return sha256(f"playhook-webhook-key:{key}".encode()).hexdigest()[:16]


def check_key(key: object) -> str:
    """Return a key that a person chose, or raise InvalidInput."""
    if not isinstance(key, str):
        raise InvalidInput({"webhook_key": ["Not a valid string."]})
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise InvalidInput(
            {"webhook_key": [f"A key of your own must have {SHORTEST_KEY} to {LONGEST_KEY} characters."]}
        )
    if not set(key) <= _PRINTABLE:
        raise InvalidInput({"webhook_key": ["A key of your own may have letters, digits and ASCII punctuation."]})
    return key


def find_key(connection: Connection, cipher: Cipher, template_id: int) -> str:
    """Return the current key, "" when there is none."""
    keys = t.webhook_keys
    stored = connection.execute(
        select(keys.c.key).where(keys.c.template_id == template_id, keys.c.expires.is_(None))
    ).scalar_one_or_none()
    return "" if stored is None else cipher.decrypt(stored)


def find_fingerprints(connection: Connection, template_ids: Sequence[int]) -> dict[int, str]:
    """Return the fingerprints of the templates' current keys."""
    keys = t.webhook_keys
    rows = connection.execute(
        select(keys.c.template_id, keys.c.fingerprint).where(
            keys.c.template_id.in_(template_ids), keys.c.expires.is_(None)
        )
    )
    return {int(row.template_id): str(row.fingerprint) for row in rows}


def rotate_key(tx: Tx, template_id: int, key: str | None = None, grace: int = 0) -> str:
    """Give a template a new key, made here unless one is given; the old one stays valid for `grace` seconds."""
    keys = t.webhook_keys
    new = key or "".join(secrets.choice(_ALPHABET) for _each in range(KEY_LENGTH))
    tx.connection.execute(
        update(keys)
        .where(keys.c.template_id == template_id, keys.c.expires.is_(None))
        .values(expires=tx.now + timedelta(seconds=grace))
    )
    tx.connection.execute(delete(keys).where(keys.c.template_id == template_id, keys.c.expires <= tx.now))
    tx.connection.execute(
        insert(keys).values(
            template_id=template_id, key=tx.cipher.encrypt(new), fingerprint=fingerprint(new), created=tx.now
        )
    )
    tx.config_changed()
    return new


def delete_keys(tx: Tx, template_id: int) -> None:
    """Take all keys away: the webhook is switched off, or belongs to another service now."""
    keys = t.webhook_keys
    tx.connection.execute(delete(keys).where(keys.c.template_id == template_id))
    tx.config_changed()
