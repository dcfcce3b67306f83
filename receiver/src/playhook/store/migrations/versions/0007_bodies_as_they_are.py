# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL no longer compresses what is compressed."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # A tenth of what the server did for a delivery was to try and compress its body again, and another the JSON beside
    # it. With this target (bytes) both stay as they are, and most bodies still go where PostgreSQL keeps large values.
    # https://www.postgresql.org/docs/current/storage-toast.html
    op.execute("ALTER TABLE webhook_deliveries ALTER COLUMN body SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE webhook_deliveries SET (toast_tuple_target = 4080)")
