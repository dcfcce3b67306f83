# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launching a workflow by hand. Unlike a job template, AWX refuses here what the template does not ask for."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from playhook.errors import InvalidInput
from playhook.store.collections import Row
from playhook.store.jobs import create_job
from playhook.store.objects import find_rows
from playhook.store.workflow_graphs import find_nodes
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Shown
from playhook.web.api_v2.resources.launch import (
    PROMPTS,
    Prompts,
    has_survey,
    read_prompts,
    variable_columns,
    variables_needed,
)
from playhook.web.api_v2.resources.node_prompts import (
    UNPROMPTED,
    WORKFLOW_ASKS,
    complain_of_prompts,
    refuse_variables,
    unknown_variables,
)

TEXT_PROMPTS: Final = ("limit", "scm_branch", "job_tags", "skip_tags")
"""Columns that are never null, where the API shows null: nothing is prompted."""
_NOT_IN_LAUNCHED: Final = ("host_status_counts", "playbook_counts")


def show_workflow_launch(call: Call, row: Row) -> Response:
    """Answer what a launch would ask for, what it would use, and which nodes cannot run."""
    missing, rejected = _broken_nodes(call, row)
    needed = variables_needed(row)
    asks = {f"ask_{what}_on_launch": row[f"ask_{what}_on_launch"] for what in WORKFLOW_ASKS}
    return answer(
        {
            **asks,
            "can_start_without_user_input": not needed,
            "defaults": _defaults(call, row),
            "survey_enabled": has_survey(row),
            "variables_needed_to_start": needed,
            "node_templates_missing": missing,
            "node_prompts_rejected": rejected,
            "workflow_job_template_data": {name: row[name] for name in ("name", "id", "description")},
        }
    )


def launch_workflow(call: Call, row: Row) -> Response:
    """Store a workflow job of the template and answer it."""
    call.body = {name: value for name, value in call.body.items() if value is not None or name not in TEXT_PROMPTS}
    prompts = read_prompts(call, call.api.resources["workflow_job_templates"], row, WORKFLOW_ASKS)
    _refuse_ignored(row, prompts)
    by_hand = {"webhook_service": "", "webhook_credential_id": None}  # they belong to deliveries, as in AWX
    job_id = call.write(
        create_job,
        row,
        launch_type="manual",
        overrides={**prompts.columns, **variable_columns(call, row, prompts), **by_hand},
        user_id=call.principal.id,
        label_ids=prompts.label_ids,
    )
    shown = show_launched_workflow(call, job_id)
    return answer({"workflow_job": job_id, "ignored_fields": prompts.ignored, **shown}, 201, {"Location": shown["url"]})


def show_launched_workflow(call: Call, job_id: int) -> Shown:
    """Return a new workflow job as the answer to its launch shows it."""
    jobs = call.api.resources["workflow_jobs"]
    return Rendering(call).show(jobs, call.api.read(jobs, call, job_id))


def _refuse_ignored(row: Row, prompts: Prompts) -> None:
    errors = {
        name: [UNPROMPTED]
        for what, name in PROMPTS.items()
        if name in prompts.ignored and name != "extra_vars" and not row[f"ask_{what}_on_launch"]
    }
    if unasked := unknown_variables(row, prompts.ignored.get("extra_vars", {})):
        errors["extra_vars"] = [refuse_variables(row, unasked)]
    if errors:
        raise InvalidInput(errors)


def _broken_nodes(call: Call, row: Row) -> tuple[list[int], list[int]]:
    """Return the ids of nodes without a template, and of those whose template does not ask for what they say."""
    nodes = find_nodes(call.connection, row["id"])
    wanted = [node["unified_job_template_id"] for node in nodes if node["unified_job_template_id"] is not None]
    templates = find_rows(call.connection, "unified_job_templates", wanted)
    missing = [node["id"] for node in nodes if node["unified_job_template_id"] is None]
    rejected = [
        node["id"]
        for node in nodes
        if (runs := templates.get(node["unified_job_template_id"])) is not None and complain_of_prompts(runs, node)
    ]
    return missing, rejected


def _defaults(call: Call, row: Row) -> Shown:
    inventory_id = row["inventory_id"]
    own = find_rows(call.connection, "inventories", [inventory_id] if inventory_id else []).get(inventory_id)
    defaults: dict[str, Any] = {"inventory": {"name": own["name"] if own else None, "id": inventory_id}}
    texts = {PROMPTS[what]: row[PROMPTS[what]] or None for what in ("limit", "scm_branch", "tags", "skip_tags")}
    return {**defaults, **texts, "extra_vars": row["extra_vars"]}
