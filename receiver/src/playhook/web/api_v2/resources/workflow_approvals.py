# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow approvals: steps of a workflow job that wait until somebody approves or denies them, or their time is up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.store.collections import Link, Row
from playhook.web.api_v2.fields import computed, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Resource, Shown
from playhook.web.api_v2.resources.common import USER_SUMMARY
from playhook.web.api_v2.resources.job_fields import (
    DETAIL_FIELDS,
    JOB_SUMMARY,
    STATE_FIELDS,
    fill_job,
    load_sources,
    refuse_active,
)

_NOT_OURS: Final = ("execution_node",)


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_sources(view, rows)


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_job(view, row, shown)
    waits = row["status"] == "pending"
    view.add_reference(shown, "approved_or_denied_by", "users", row["approved_or_denied_by_id"], USER_SUMMARY)
    shown["can_approve_or_deny"] = waits and view.call.principal.may("operators")
    shown["approval_expiration"] = row["approval_expiration"] if waits else None


WORKFLOW_APPROVALS: Final = Resource(
    name="workflow_approvals",
    type="workflow_approval",
    types=("workflow_approval",),
    model="WorkflowApproval",
    table="unified_jobs",
    fields=(
        *(each for each in (*STATE_FIELDS, *DETAIL_FIELDS) if each.name not in _NOT_OURS),
        computed("can_approve_or_deny", "boolean"),
        computed("approval_expiration", "datetime", column="approval_expiration"),
        computed("timed_out", "boolean", column="timed_out",
                 help_text="Shows when an approval node (with a timeout assigned to it) has timed out."),
        reference("workflow_approval_template", "workflow_approval_templates", column="unified_job_template_id",
                  read_only=True),
    ),
    order=("id",),
    list_methods=("GET",),
    detail_methods=("GET", "DELETE"),
    links={"unified_job_node": Link(target="workflow_job_nodes", column="job_id", back=True)},
    summary=(*JOB_SUMMARY, "timed_out"),
    capabilities={"delete": "administrators", "start": "operators"},
    related=("notifications", "approve", "deny"),
    prepare=_prepare,
    fill=_fill,
    removable=refuse_active,
)  # fmt: skip
