# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lists that hold every kind of template and every kind of job; each entry is shown as its own kind."""

from __future__ import annotations

from typing import Final

from playhook.store.collections import Link
from playhook.web.api_v2.fields import computed, reference
from playhook.web.api_v2.resource import SUMMARY, Resource
from playhook.web.api_v2.resources.job_fields import JOB_SUMMARY, STATE_FIELDS
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, JOB_STATUS, NAME

UNIFIED_JOB_TEMPLATES: Final = Resource(
    name="unified_job_templates",
    type="unified_job_template",
    types=("project", "job_template", "workflow_job_template", "workflow_approval_template"),
    model="UnifiedJobTemplate",
    table="unified_job_templates",
    fields=(
        NAME,
        DESCRIPTION,
        reference("organization", "organizations", read_only=True),
        computed("last_job_run", "datetime", column="last_job_run"),
        computed("last_job_failed", "boolean", column="last_job_failed"),
        computed("status", "choice", column="status", choices=JOB_STATUS),
    ),
    forbidden=frozenset({"webhook_key", "extra_vars"}),
    list_methods=("GET",),
    detail_methods=(),
    summary=(*SUMMARY, "unified_job_type"),
)

UNIFIED_JOBS: Final = Resource(
    name="unified_jobs",
    type="unified_job",
    types=("job", "project_update", "workflow_job", "workflow_approval"),
    model="UnifiedJob",
    table="unified_jobs",
    fields=(*STATE_FIELDS, reference("organization", "organizations", read_only=True)),
    forbidden=frozenset({"extra_vars", "job_args", "job_env"}),
    order=("id",),
    links={"unified_job_node": Link(target="workflow_job_nodes", column="job_id", back=True)},
    list_methods=("GET",),
    detail_methods=(),
    summary=JOB_SUMMARY,
)
