# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow approvals: steps of a workflow job that wait until somebody approves or denies them, or their time is up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from playhook.errors import Refusal
from playhook.store.collections import Link, Row
from playhook.store.workflow_approvals import approve, deny
from playhook.web.api_v2.call import Call, answer, no_content
from playhook.web.api_v2.fields import computed, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Resource, Shown
from playhook.web.api_v2.resources.job_fields import (
    DETAIL_FIELDS,
    JOB_SUMMARY,
    STATE_FIELDS,
    fill_job,
    load_sources,
    refuse_active,
)
from playhook.web.api_v2.resources.standard_fields import USER_SUMMARY

_NOT_OURS: Final = ("execution_node",)
_DECIDED: Final = "This workflow step has already been approved or denied."


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_sources(view, rows)


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_job(view, row, shown)
    waits = row["status"] == "pending"
    view.add_reference(shown, "approved_or_denied_by", "users", row["approved_or_denied_by_id"], USER_SUMMARY)
    shown["can_approve_or_deny"] = waits and view.call.principal.may("operators")
    shown["approval_expiration"] = row["approval_expiration"] if waits else None


def _show(call: Call, row: Row) -> Response:
    return answer(Rendering(call).show(call.api.resources["workflow_approvals"], row))


def _decide(decide: Any, call: Call, row: Row) -> Response:
    """Answer 204, once: whoever comes second is told so."""
    if not call.write(decide, row["id"], call.principal.id):
        raise Refusal(_DECIDED)
    return no_content()


def _decision(name: str, decide: Any) -> Action:
    return Action(name=name, methods={"GET": _show, "POST": partial(_decide, decide)}, access={"POST": "operators"},
                  label=f"{name} workflow approval")  # fmt: skip


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
    sub=(_decision("approve", approve), _decision("deny", deny)),
    prepare=_prepare,
    fill=_fill,
    removable=refuse_active,
)  # fmt: skip
