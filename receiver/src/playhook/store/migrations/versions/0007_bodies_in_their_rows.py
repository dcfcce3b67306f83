# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL keeps a delivery in one row of up to half a page, as most are.

A longer row than by default, 2 KB, is not compressed (the body is already) nor cut up into rows of another table: a
quarter of what the server did for a delivery. It neither blocks nor rewrites anything, and holds for new rows.
https://www.postgresql.org/docs/current/sql-createtable.html#RELOPTION-TOAST-TUPLE-TARGET
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE webhook_deliveries SET (toast_tuple_target = 4080)")
