# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job comes to be: its row is the template's at the moment of the launch, and what the launch changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, bindparam, insert, select

from playhook.domain.job import JobType, LaunchType
from playhook.store import tables as t
from playhook.store.writer import Tx

_JOB_TYPES: Final[dict[str, JobType]] = {
    "job_template": "job",
    "project": "project_update",
    "workflow_job_template": "workflow_job",
}
_OF_THE_JOB_ALONE: Final = {"id", "type", "created", "modified", "created_by_id", "modified_by_id", "status"}
_COPIED: Final = tuple(
    column.name
    for column in t.unified_jobs.columns
    if column.name in t.unified_job_templates.columns and column.name not in _OF_THE_JOB_ALONE
)


def create_job(
    tx: Tx,
    template: Mapping[str, Any],
    *,
    launch_type: LaunchType,
    overrides: Mapping[str, Any] | None = None,
    user_id: int | None = None,
    credential_ids: Sequence[int] | None = None,
) -> int:
    """Store a pending job of `template` (a row of unified_job_templates) and have it run once this is durable.

    `overrides` are columns that the launch changed. `credential_ids` None means the template's own. Returns the id.
    """
    values = {
        "type": _JOB_TYPES[template["type"]],
        "unified_job_template_id": template["id"],
        "launch_type": launch_type,
        "status": "pending",
        "lock_group": _lock_group(template),
        "created": tx.now,
        "modified": tx.now,
        "created_by_id": user_id,
        "modified_by_id": user_id,
        **(overrides or {}),
    }
    job_id: int = tx.connection.execute(_insert_with(frozenset(values)), values).scalar_one()
    _attach_credentials(tx, job_id, template["id"], credential_ids)
    tx.defer("run_job", job_id)
    return job_id


@cache
def _insert_with(given: frozenset[str]) -> Executable:
    """Build the INSERT that copies the template's row in the database, but for the columns that are given.

    Built once for each set of columns: on the answer path, building it would cost more than running it.
    """
    jobs, templates = t.unified_jobs, t.unified_job_templates
    values: dict[str, ColumnElement[Any]] = {name: templates.c[name] for name in _COPIED if name not in given}
    values |= {name: bindparam(name, type_=jobs.c[name].type) for name in sorted(given)}
    row = select(*values.values()).where(templates.c.id == bindparam("unified_job_template_id"))
    return insert(jobs).from_select(list(values), row).returning(jobs.c.id)


def _lock_group(template: Mapping[str, Any]) -> str | None:
    # A project has one cached checkout; a template runs one job at a time unless it says otherwise (AWX).
    return None if template["allow_simultaneous"] else f"{template['type']}:{template['id']}"


def _attach_credentials(tx: Tx, job_id: int, template_id: int, credential_ids: Sequence[int] | None) -> None:
    if credential_ids is None:
        of_template = t.template_credentials.c
        credential_ids = (
            tx.connection.execute(
                select(of_template.credential_id).where(of_template.template_id == template_id).order_by(of_template.id)
            )
            .scalars()
            .all()
        )
    if credential_ids:
        tx.connection.execute(
            insert(t.job_credentials), [{"job_id": job_id, "credential_id": each} for each in credential_ids]
        )
