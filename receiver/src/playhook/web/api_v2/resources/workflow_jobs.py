# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow jobs: one launch of a graph. What its nodes launched is below `workflow_nodes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from playhook.store.collections import Link, Row
from playhook.store.workflow_jobs import relaunch_workflow
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import computed, constant, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Resource, Shown, SubList
from playhook.web.api_v2.resources.job_fields import (
    CANCEL,
    DETAIL_FIELDS,
    JOB_SUMMARY,
    STATE_FIELDS,
    fill_job,
    load_sources,
    refuse_active,
)
from playhook.web.api_v2.resources.job_variables import load_events, show_variables
from playhook.web.api_v2.resources.labels import label_link, label_list, load_labels, show_labels
from playhook.web.api_v2.resources.launchable import WEBHOOK_CREDENTIAL
from playhook.web.api_v2.resources.workflow_launch import TEXT_PROMPTS, show_launched_workflow

_NOT_OURS: Final = ("execution_environment", "execution_node", "event_processing_finished")


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_events(view, rows)
    load_sources(view, rows)
    load_labels(view, rows, "job_labels", "job_id")


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_job(view, row, shown)
    view.add_reference(shown, "organization", "organizations", row["organization_id"])
    for name in ("webhook_credential", "organization"):
        shown["related"].pop(name, None)
    show_labels(view, row, shown)
    shown.update({name: row[name] or None for name in TEXT_PROMPTS})
    show_variables(view, row, shown, detail=view.is_detail)


def _show_relaunch(_call: Call, _row: Row) -> Response:
    return answer({})


def _relaunch(call: Call, row: Row) -> Response:
    """Launch the same again: the graph and the prompts as they were."""
    shown = show_launched_workflow(call, call.write(relaunch_workflow, row["id"], call.principal.id))
    return answer(shown, 201, {"Location": shown["url"]})


WORKFLOW_JOBS: Final = Resource(
    name="workflow_jobs",
    type="workflow_job",
    types=("workflow_job",),
    model="WorkflowJob",
    table="unified_jobs",
    fields=(
        *(each for each in (*STATE_FIELDS, *DETAIL_FIELDS) if each.name not in _NOT_OURS),
        reference("workflow_job_template", "workflow_job_templates", column="unified_job_template_id",
                  read_only=True),
        computed("extra_vars", "json", forbidden=True),
        computed("allow_simultaneous", "boolean", column="allow_simultaneous"),
        constant("job_template", None, "id",
                 help_text="If automatically created for a sliced job run, the job template the workflow job was "
                 "created from."),
        constant("is_sliced_job", False, "boolean"),
        reference("inventory", "inventories", read_only=True,
                  help_text="Inventory applied as a prompt, assuming job template prompts for inventory"),
        computed("limit", "string", column="limit"),
        computed("scm_branch", "string", column="scm_branch"),
        computed("webhook_service", "string", column="webhook_service"),
        WEBHOOK_CREDENTIAL,
        computed("webhook_guid", "string", column="webhook_guid"),
        computed("skip_tags", "string", column="skip_tags"),
        computed("job_tags", "string", column="job_tags"),
    ),
    order=("id",),
    forbidden=frozenset({"extra_vars", "survey_passwords", "start_args"}),
    links={
        "labels": label_link("job_labels", "job_id"),
        "organization": Link(target="organizations", column="organization_id"),
        "workflow_nodes": Link(target="workflow_job_nodes", column="workflow_job_id", back=True),
        "workflow_job_nodes": Link(target="workflow_job_nodes", column="workflow_job_id", back=True),
        "unified_job_node": Link(target="workflow_job_nodes", column="job_id", back=True),
    },
    list_methods=("GET",),
    detail_methods=("GET", "DELETE"),
    summary=JOB_SUMMARY,
    capabilities={"delete": "administrators", "start": "operators"},
    related=("notifications", "workflow_nodes", "labels", "activity_stream", "relaunch", "cancel"),
    sub=(
        CANCEL,
        Action(name="relaunch", methods={"GET": _show_relaunch, "POST": _relaunch}, access={"POST": "operators"},
               label="Relaunch workflow job"),
        SubList(name="workflow_nodes", resource="workflow_job_nodes", by="workflow_job_id"),
        label_list("job_labels", "job_id", writable=False),
    ),
    prepare=_prepare,
    fill=_fill,
    removable=refuse_active,
)  # fmt: skip
