# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workers may run a job: those that serve one of its instance groups.

A job has the groups that its launch named, else its template's, else the group `default`, as AWX falls back to it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, exists, literal, or_, true

from playhook.store import tables as t

DEFAULT: Final = "default"
_jobs = t.unified_jobs


def may_run_on(queues: Collection[str]) -> ColumnElement[bool]:
    """Return the condition on a job that a worker of these instance groups may run it; no groups: any job."""
    if not queues:
        return true()
    launched, of_template = t.job_instance_groups, t.template_instance_groups
    owns = launched.c.job_id == _jobs.c.id
    inherits = of_template.c.template_id == _jobs.c.unified_job_template_id
    named, inherited = exists().where(owns), exists().where(inherits)
    return or_(
        _is_one_of(launched, owns, queues),
        and_(~named, _is_one_of(of_template, inherits, queues)),
        and_(~named, ~inherited, literal(DEFAULT in queues)),
    )


def _is_one_of(between: Table, belongs: ColumnElement[bool], queues: Collection[str]) -> ColumnElement[bool]:
    groups: Any = t.instance_groups.c
    return exists().where(belongs, groups.id == between.c.instance_group_id, groups.name.in_(queues))
