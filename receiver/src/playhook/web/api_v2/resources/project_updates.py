# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Project updates: clients poll them without a pause, so they show what one row and its project say."""

from __future__ import annotations

from typing import Final

from playhook.store.collections import Link, Row
from playhook.web.api_v2.fields import computed, constant, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Resource, Shown, SubList
from playhook.web.api_v2.resources.job_fields import (
    CANCEL,
    DETAIL_FIELDS,
    JOB_SUMMARY,
    STATE_FIELDS,
    STDOUT,
    fill_job,
    load_sources,
    refuse_active,
)


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_job(view, row, shown)
    if view.is_detail:
        shown["host_status_counts"] = row["host_status_counts"] or None
        shown["playbook_counts"] = {"play_count": 0, "task_count": 0}


PROJECT_UPDATES: Final = Resource(
    name="project_updates",
    type="project_update",
    types=("project_update",),
    model="ProjectUpdate",
    table="unified_jobs",
    fields=(
        *STATE_FIELDS,
        *DETAIL_FIELDS,
        computed("local_path", "string", column="local_path"),
        computed("scm_type", "string", column="scm_type"),
        computed("scm_url", "string", column="scm_url"),
        computed("scm_branch", "string", column="scm_branch"),
        constant("scm_refspec", ""),
        constant("scm_clean", False, "boolean"),
        constant("scm_track_submodules", False, "boolean"),
        constant("scm_delete_on_update", False, "boolean"),
        constant("credential", None, "id"),
        computed("timeout", "integer", column="timeout"),
        computed("scm_revision", "string", column="scm_revision"),
        reference("organization", "organizations", read_only=True),
        reference("project", "projects", column="unified_job_template_id", read_only=True),
        constant("job_type", "check"),
        computed("job_tags", "string", column="job_tags"),
        computed("host_status_counts", "json", in_lists=False),
        computed("playbook_counts", "object", in_lists=False),
    ),
    order=("id",),
    links={"events": Link(target="job_events", column="job_id", back=True)},
    list_methods=("GET",),
    detail_methods=("GET", "DELETE"),
    summary=JOB_SUMMARY,
    capabilities={"delete": "administrators", "start": "operators"},
    related=("stdout", "cancel", "scm_inventory_updates", "notifications", "events"),
    sub=(STDOUT, CANCEL, SubList(name="events", resource="job_events", by="job_id")),
    fill=_fill,
    prepare=lambda view, rows, _detail: load_sources(view, rows),
    removable=refuse_active,
)
