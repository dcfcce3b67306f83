# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers that run jobs: one row for each process, for as long as its lease is renewed."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from playhook.store.columns import UtcTime, key, metadata, number, text

workers = Table(
    "workers",
    metadata,
    key(),
    Column("name", String(256), nullable=False, unique=True),  # what claimed_by of its jobs holds
    Column("home_id", String(64), nullable=False, index=True),  # its state directory's: one worker each
    text("hostname", 256),
    text("version", 64),
    text("queues"),  # names of instance groups, as `queues_text` writes them; empty: all
    number("capacity"),
    Column("started", UtcTime, nullable=False),
    Column("heartbeat", UtcTime, nullable=False),
    Column("expires", UtcTime),  # when it counts as lost; null: never, where no other could take its jobs
    sqlite_autoincrement=True,
)
