# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects: the rows of templates that hold playbooks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from playhook.store import tables as t
from playhook.store.tx import Tx


def list_used_directories(connection: Connection) -> list[str]:
    """Return the directories that manual projects use."""
    templates = t.unified_job_templates
    return list(
        connection.execute(
            select(templates.c.local_path).where(templates.c.type == "project", templates.c.scm_type == "")
        ).scalars()
    )


def record_playbooks(tx: Tx, project_id: int, playbooks: Sequence[str]) -> None:
    """Store what an update found, for the API to list and to check job templates against."""
    templates = t.unified_job_templates
    tx.connection.execute(update(templates).where(templates.c.id == project_id).values(playbook_files=list(playbooks)))
