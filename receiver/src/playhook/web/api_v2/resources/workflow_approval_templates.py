# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval templates: what a node has that waits for a person. Each belongs to one node and goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.store.collections import Row
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import number
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Resource, Shown, SubList
from playhook.web.api_v2.resources.checks import check_not_running
from playhook.web.api_v2.resources.latest_jobs import load_latest, show_latest, show_status
from playhook.web.api_v2.resources.launchable import LAST_RUN_FIELDS
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_latest(view, rows, "workflow_approvals")


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    shown["status"] = show_status(view, row)
    show_latest(view, row, shown, "workflow_approvals")


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, unified_job_template_id=[row["id"]])


WORKFLOW_APPROVAL_TEMPLATES: Final = Resource(
    name="workflow_approval_templates",
    type="workflow_approval_template",
    types=("workflow_approval_template",),
    model="WorkflowApprovalTemplate",
    table="unified_job_templates",
    fields=(
        NAME,
        DESCRIPTION,
        *LAST_RUN_FIELDS,
        number("timeout",
               help_text="The amount of time (in seconds) before the approval node expires and fails."),
    ),
    list_methods=(),
    capabilities={"edit": "administrators", "delete": "administrators", "start": "nobody", "schedule": "nobody"},
    related=("jobs",),
    related_paths={"jobs": "approvals"},
    sub=(SubList(name="approvals", resource="workflow_approvals", by="unified_job_template_id"),),
    summarize=lambda _view, _row: {"unified_job_type": "workflow_approval"},
    summary=(*SUMMARY, "timeout"),
    prepare=_prepare,
    fill=_fill,
    removable=_removable,
)  # fmt: skip
