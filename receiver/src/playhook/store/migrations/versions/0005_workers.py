# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers with leases, a lock group that two machines cannot take at once, and a check of the secret key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from playhook.store.columns import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("home_id", sa.String(length=64), nullable=False),
        sa.Column("hostname", sa.String(length=256), server_default="", nullable=False),
        sa.Column("version", sa.String(length=64), server_default="", nullable=False),
        sa.Column("queues", sa.Text(), server_default="", nullable=False),
        sa.Column("capacity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started", UtcTime(), nullable=False),
        sa.Column("heartbeat", UtcTime(), nullable=False),
        sa.Column("expires", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sa.UniqueConstraint("name", name=op.f("uq_workers_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_workers_home_id"), "workers", ["home_id"])
    active = sa.text("status IN ('waiting', 'running')")
    op.create_index(
        "uq_unified_jobs_active_lock_group",
        "unified_jobs",
        ["lock_group"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.drop_index("ix_unified_jobs_status", "unified_jobs")
    op.drop_column("unified_jobs", "lease_expires")
    op.add_column("installation", sa.Column("key_check", sa.Text(), server_default="", nullable=False))
