# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of login sessions."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from playhook.store.columns import BigId, UtcTime, key, metadata, to

sessions = Table(
    "sessions",
    metadata,
    key(BigId),
    to("users.id", "user_id", on_delete="CASCADE", nullable=False),
    Column("session_digest", String(64), nullable=False, unique=True),  # SHA-256 of what the cookie holds
    Column("password_digest", String(64), nullable=False),  # of the password's hash at login: another one ends it
    Column("expires", UtcTime, nullable=False, index=True),
    Column("created", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
