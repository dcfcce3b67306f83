# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that belong to a team."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In words that both databases take: on SQLite, Alembic would copy the whole table for a foreign key.
    op.execute(
        "ALTER TABLE credentials ADD COLUMN team_id INTEGER CONSTRAINT fk_credentials_team_id "
        "REFERENCES teams (id) ON DELETE SET NULL"
    )
    op.create_index(op.f("ix_credentials_team_id"), "credentials", ["team_id"])
