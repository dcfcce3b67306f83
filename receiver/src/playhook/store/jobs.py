# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job comes to be: its row is the template's at the moment of the launch, and what the launch changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Table, select
from sqlalchemy.exc import IntegrityError

from playhook.domain.job import JobType, LaunchType
from playhook.errors import Conflict
from playhook.store import tables as t
from playhook.store.bulk import Part, Row, insert_rows, take_ids
from playhook.store.job_graphs import copy_template_graph
from playhook.store.surveys import template_variables
from playhook.store.tx import Tx

_JOB_TYPES: Final[dict[str, JobType]] = {
    "job_template": "job",
    "project": "project_update",
    "workflow_job_template": "workflow_job",
    "workflow_approval_template": "workflow_approval",
}
POSTS_NOTHING: Final[Mapping[str, Any]] = {"webhook_service": "", "webhook_credential_id": None, "webhook_guid": ""}
"""Columns of a job that posts no statuses."""
_OF_THE_JOB_ALONE: Final = {"id", "type", "created", "modified", "created_by_id", "modified_by_id", "status"}
_COPIED: Final = tuple(
    str(column.name)  # and not one that knows how it is quoted
    for column in t.unified_jobs.columns
    if column.name in t.unified_job_templates.columns and column.name not in _OF_THE_JOB_ALONE
)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to be launched from `template`, a row of unified_job_templates.

    `overrides` are columns that the launch changes. `credential_ids` and `label_ids` None mean the template's own.
    """

    template: Mapping[str, Any]
    launch_type: LaunchType
    overrides: Mapping[str, Any] = field(default_factory=dict)
    user_id: int | None = None
    credential_ids: Sequence[int] | None = None
    label_ids: Sequence[int] | None = None
    instance_group_ids: Sequence[int] = ()


def job_type_of(template: Mapping[str, Any]) -> JobType:
    """Return the type of a template's jobs."""
    return _JOB_TYPES[template["type"]]


def posting_again(job: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return the columns by which a relaunch posts as this job did; what a node launched, only its workflow posts for.

    Alone it has no node, and would post under a context of its own beside the node's.
    """
    return POSTS_NOTHING if job["launch_type"] == "workflow" else {name: job[name] for name in POSTS_NOTHING}


def create_job(
    tx: Tx,
    template: Mapping[str, Any],
    *,
    launch_type: LaunchType,
    overrides: Mapping[str, Any] | None = None,
    user_id: int | None = None,
    credential_ids: Sequence[int] | None = None,
    label_ids: Sequence[int] | None = None,
    instance_group_ids: Sequence[int] = (),
) -> int:
    """Store one pending job, see NewJob, and have it run once this is durable; returns its id. Raises Conflict."""
    job = NewJob(
        template=template,
        launch_type=launch_type,
        overrides=overrides or {},
        user_id=user_id,
        credential_ids=credential_ids,
        label_ids=label_ids,
        instance_group_ids=instance_group_ids,
    )
    try:
        return create_jobs(tx, [job])[0]
    except IntegrityError:
        raise Conflict("The template, or something that the launch names, was deleted meanwhile.") from None


def create_jobs(tx: Tx, jobs: Sequence[NewJob], ids: Sequence[int] = ()) -> Sequence[int]:
    """Store pending jobs and have them run once this is durable; returns their ids, in order.

    A workflow job gets a copy of its template's graph. `ids` are those taken for them, if they were.
    """
    if not jobs:
        return []
    ids = ids or take_ids(tx.connection, t.unified_jobs, len(jobs))
    for part in job_parts(tx, jobs, ids):
        insert_rows(tx.connection, part.table, part.rows)
    begin_jobs(tx, jobs, ids)
    return ids


def job_parts(tx: Tx, jobs: Sequence[NewJob], ids: Sequence[int]) -> list[Part]:
    """Return the rows of pending jobs, and of what is attached to them."""
    attached = {
        t.job_credentials: [_attached(tx, job, t.template_credentials, job.credential_ids) for job in jobs],
        t.job_labels: [_attached(tx, job, t.template_labels, job.label_ids) for job in jobs],
        t.job_instance_groups: [job.instance_group_ids for job in jobs],
    }
    parts = [Part(table=t.unified_jobs, rows=alike) for alike in _make_rows(tx, ids, jobs)]
    parts += [Part(table=between, rows=_attach(ids, those, between)) for between, those in attached.items()]
    return [part for part in parts if part.rows]


def begin_jobs(tx: Tx, jobs: Sequence[NewJob], ids: Sequence[int]) -> None:
    """Have jobs whose rows are stored run once this is durable."""
    for job_id, job in zip(ids, jobs, strict=True):
        _begin(tx, job_id, job.template)


def _begin(tx: Tx, job_id: int, template: Mapping[str, Any]) -> None:
    if template["type"] == "workflow_job_template":
        copy_template_graph(tx, template["id"], job_id)
        tx.defer("step_workflow", job_id)
    elif template["type"] != "workflow_approval_template":  # that waits for a person
        tx.defer("run_job", job_id)


def _make_rows(tx: Tx, ids: Sequence[int], jobs: Sequence[NewJob]) -> Iterable[list[Row]]:
    """Return the jobs' rows, those that name the same columns together."""
    common: dict[int, Mapping[str, Any]] = {}
    alike: dict[frozenset[str], list[Row]] = defaultdict(list)
    for job_id, job in zip(ids, jobs, strict=True):
        of_template = id(job.template)
        if of_template not in common:
            common[of_template] = _copy(tx, job.template)
        own = {
            "id": job_id,
            "launch_type": job.launch_type,
            "created_by_id": job.user_id,
            "modified_by_id": job.user_id,
            **job.overrides,
        }
        alike[frozenset(common[of_template].keys() | own)].append(Row(common=common[of_template], own=own))
    return alike.values()


def _copy(tx: Tx, template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: template[name] for name in _COPIED},
        **_survey_defaults(tx, template),
        "type": job_type_of(template),
        "unified_job_template_id": template["id"],
        "status": "pending",
        "lock_group": _lock_group(template),
        "created": tx.now,
        "modified": tx.now,
    }


def _survey_defaults(tx: Tx, template: Mapping[str, Any]) -> dict[str, Any]:
    if not template["survey_enabled"]:
        return {}
    try:
        return template_variables(tx.cipher, template).columns
    except ValueError:
        return {}  # the job ends with that very complaint


def _lock_group(template: Mapping[str, Any]) -> str | None:
    # A project has one cached checkout; a template runs one job at a time unless it says otherwise (AWX).
    return None if template["allow_simultaneous"] else f"{template['type']}:{template['id']}"


def _attach(ids: Sequence[int], attached: Sequence[Sequence[int]], between: Table) -> list[Row]:
    """Return the rows that attach what is named for each job, by a table whose third column is what is attached."""
    name = str(between.c[2].name)
    return [
        Row(own={"job_id": job_id, name: each}) for job_id, of_job in zip(ids, attached, strict=True) for each in of_job
    ]


def _attached(tx: Tx, job: NewJob, between: Table, given: Sequence[int] | None) -> Sequence[int]:
    if given is not None:
        return given
    found = select(between.c[2]).where(between.c.template_id == job.template["id"]).order_by(between.c.id)
    return tx.connection.execute(found).scalars().all()
