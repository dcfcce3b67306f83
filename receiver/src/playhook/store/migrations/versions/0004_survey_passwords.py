# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The passwords among the answers to surveys, apart from the variables that are shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("unified_jobs", "workflow_job_nodes", "workflow_job_template_nodes"):
        op.add_column(table, sa.Column("survey_passwords", sa.JSON(), server_default="{}", nullable=False))
