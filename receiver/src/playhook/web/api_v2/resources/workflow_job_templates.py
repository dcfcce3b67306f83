# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow job templates: a graph of nodes, and which webhook launches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from playhook.domain.run_options import complain_of_limit, complain_of_line, complain_of_ref
from playhook.store.collections import Link, Row
from playhook.store.objects import delete_row
from playhook.store.tx import Tx
from playhook.store.workflow_graphs import copy_graph, delete_graph
from playhook.web.api_v2.call import ApiContext, Call
from playhook.web.api_v2.fields import flag, reference, text, variables
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.attached import notifications_below
from playhook.web.api_v2.resources.checks import check_not_running, check_variables
from playhook.web.api_v2.resources.copies import FRESH, Copying, copy_action
from playhook.web.api_v2.resources.launchable import (
    ATTACHED_LINKS,
    ATTACHED_LISTS,
    ATTACHED_TABLES,
    LAST_RUN_FIELDS,
    NOTIFICATIONS,
    WEBHOOK_FIELDS,
    fill_template,
    load_template_facts,
    with_services,
)
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.resources.surveys import SURVEY
from playhook.web.api_v2.resources.webhooks import (
    check_webhook,
    rotate_webhook_key,
    show_webhook_key,
    store_copied_webhook,
    store_webhook,
)
from playhook.web.api_v2.resources.workflow_launch import TEXT_PROMPTS, launch_workflow, show_workflow_launch
from playhook.web.api_v2.write import Draft

_LONGEST_BRANCH: Final = 256


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_template_facts(view, rows, "workflow_jobs")


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_template(view, row, shown, "workflow_jobs")
    shown.update({name: row[name] or None for name in TEXT_PROMPTS})


def _check(draft: Draft) -> None:
    for name in TEXT_PROMPTS:
        if name in draft.values and draft.values[name] is None:
            draft.values[name] = ""
    check_variables(draft, "extra_vars")
    check_webhook(draft)


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, unified_job_template_id=[row["id"]])


def _remove(tx: Tx, row: Row) -> None:
    delete_graph(tx, row["id"])
    delete_row(tx, "unified_job_templates", row["id"])


def _copy_graph(tx: Tx, row_id: int, row: Row, user_id: int) -> None:
    store_copied_webhook(tx, row_id, row, user_id)
    copy_graph(tx, row["id"], row_id, user_id)


def _copy_details(can_copy: bool) -> Mapping[str, Any]:
    # Whoever may copy a workflow may use everything in it: roles are the installation's, not an object's.
    unable = [] if can_copy else ["all"]
    names = ("templates_unable_to_copy", "credentials_unable_to_copy", "inventories_unable_to_copy")
    return {"can_copy_without_user_input": can_copy, **dict.fromkeys(names, unable)}


def _complain_of_branch(branch: str) -> str | None:
    # AWX's description of this field names no limit; the column has one.
    too_long = f"Ensure this field has no more than {_LONGEST_BRANCH} characters."
    return too_long if len(branch) > _LONGEST_BRANCH else complain_of_ref(branch)


def _prompt(name: str, **options: Any) -> Any:
    return text(name, nullable=True, default=None, **options)


_RESOURCE: Final = Resource(
    name="workflow_job_templates",
    type="workflow_job_template",
    types=("workflow_job_template",),
    model="WorkflowJobTemplate",
    table="unified_job_templates",
    fields=(
        NAME,
        DESCRIPTION,
        *LAST_RUN_FIELDS,
        variables("extra_vars", forbidden=True),
        reference("organization", "organizations",
                  help_text="The organization used to determine access to this template."),
        flag("survey_enabled"),
        flag("allow_simultaneous"),
        flag("ask_variables_on_launch"),
        reference("inventory", "inventories",
                  help_text="Inventory applied as a prompt, assuming job template prompts for inventory"),
        _prompt("limit", complain=complain_of_limit),
        _prompt("scm_branch", complain=_complain_of_branch),
        flag("ask_inventory_on_launch"),
        flag("ask_scm_branch_on_launch"),
        flag("ask_limit_on_launch"),
        *WEBHOOK_FIELDS,
        flag("ask_labels_on_launch"),
        flag("ask_skip_tags_on_launch"),
        flag("ask_tags_on_launch"),
        _prompt("skip_tags", complain=complain_of_line),
        _prompt("job_tags", complain=complain_of_line),
    ),
    forbidden=frozenset({"webhook_key", "survey_spec"}),
    links={
        **ATTACHED_LINKS,
        "workflow_jobs": Link(target="workflow_jobs", column="unified_job_template_id", back=True),
        "workflow_nodes": Link(target="workflow_job_template_nodes", column="workflow_job_template_id", back=True),
        "workflow_job_template_nodes": Link(target="workflow_job_template_nodes",
                                            column="workflow_job_template_id", back=True),
        "last_job": Link(target="workflow_jobs", column="last_job_id"),
    },
    capabilities={"edit": "administrators", "delete": "administrators", "start": "operators",
                  "schedule": "nobody", "copy": "administrators"},
    unique=(
        Unique(columns=("name", "organization_id"),
               message="WorkflowJobTemplate with this (name, organization) combination already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
    related=(
        "workflow_jobs", "schedules", "launch", "webhook_key", "workflow_nodes", "labels", "activity_stream",
        *NOTIFICATIONS, "notification_templates_approvals", "access_list", "object_roles", "survey_spec", "copy",
    ),
    sub=(
        Action(name="launch", methods={"GET": show_workflow_launch, "POST": launch_workflow},
               access={"POST": "operators"}, label="Launch workflow job template"),
        SURVEY,
        Action(name="webhook_key", methods={"GET": show_webhook_key, "POST": rotate_webhook_key},
               access={"GET": "administrators"}),
        SubList(name="workflow_nodes", resource="workflow_job_template_nodes", by="workflow_job_template_id",
                creates=True),
        SubList(name="workflow_jobs", resource="workflow_jobs", by="unified_job_template_id"),
        copy_action(
            Copying(resource="workflow_job_templates", children=ATTACHED_TABLES, cleared=FRESH, after=_copy_graph,
                    details=_copy_details)
        ),
        *ATTACHED_LISTS,
        *notifications_below("template", "template_id", "approvals"),
    ),
    has_object_roles=True,
    cached_by_intake=True,
    summarize=lambda _view, _row: {"unified_job_type": "workflow_job"},
    prepare=_prepare,
    fill=_fill,
    check=_check,
    after=store_webhook,
    removable=_removable,
    remove=_remove,
)  # fmt: skip


def workflow_job_templates(context: ApiContext) -> Resource:
    """Declare the resource; which services there are is known when the receiver starts."""
    return with_services(_RESOURCE, context)
