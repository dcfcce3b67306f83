# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all kinds of jobs have in common: their state, their output, and that they can be canceled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from playhook.domain.job import ACTIVE
from playhook.errors import Forbidden
from playhook.store.claims import request_cancel
from playhook.store.collections import Row
from playhook.store.job_graphs import is_of_active_workflow
from playhook.store.related import find_workflow_jobs_of
from playhook.web.api_v2.call import Call, answer, not_allowed
from playhook.web.api_v2.fields import computed, constant, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, Shown
from playhook.web.api_v2.resources.standard_fields import ENVIRONMENT_SUMMARY, JOB_STATUS
from playhook.web.api_v2.resources.stdout import FORMATS, MEDIA_TYPES, show_stdout

LAUNCH_TYPES: Final = tuple(
    (each, each.title()) for each in ("manual", "relaunch", "webhook", "workflow", "dependency")
)
JOB_SUMMARY: Final = (*SUMMARY, "status", "failed", "elapsed", "type", "canceled_on")
_SOURCES: Final = "workflow jobs that launched jobs"
_TEMPLATE_SUMMARY: Final = (*SUMMARY, "unified_job_type")

STATE_FIELDS: Final = (
    computed("name", "string", column="name", help_text="Name of this {label}."),
    computed("description", "string", column="description", help_text="Optional description of this {label}."),
    reference("unified_job_template", "unified_job_templates", read_only=True, summary=_TEMPLATE_SUMMARY),
    computed("launch_type", "choice", column="launch_type", choices=LAUNCH_TYPES),
    computed("status", "choice", column="status", choices=JOB_STATUS),
    reference("execution_environment", "execution_environments", read_only=True, summary=ENVIRONMENT_SUMMARY),
    computed("failed", "boolean", column="failed"),
    computed("started", "datetime", column="started", help_text="The date and time the job was queued for starting."),
    computed("finished", "datetime", column="finished", help_text="The date and time the job finished execution."),
    computed("canceled_on", "datetime", column="canceled_on",
             help_text="The date and time when the cancel request was sent."),
    computed("elapsed", "float", column="elapsed", help_text="Elapsed time in seconds that the job ran."),
    computed("job_explanation", "string", column="job_explanation",
             help_text="A status field to indicate the state of the job if it wasn't able to run and capture stdout"),
    computed("execution_node", "string", column="execution_node", help_text="The node the job executed on."),
    computed("launched_by", "object"),
    constant("work_unit_id", None),
)  # fmt: skip
DETAIL_FIELDS: Final = (
    computed("job_args", "string", in_lists=False, forbidden=True),
    computed("job_cwd", "string", column="job_cwd", in_lists=False),
    computed("job_env", "json", column="job_env", in_lists=False, forbidden=True),
    computed("result_traceback", "string", column="result_traceback", in_lists=False),
    computed("event_processing_finished", "boolean", column="event_processing_finished", in_lists=False),
)


def load_sources(view: Rendering, rows: Sequence[Row]) -> None:
    """Read the workflow jobs that launched a page's jobs."""
    spawned = [row["id"] for row in rows if row["launch_type"] == "workflow"]
    sources = find_workflow_jobs_of(view.connection, spawned)
    view.facts[_SOURCES].update(sources)
    view.load(view.resources["unified_jobs"], sources.values())


def fill_job(view: Rendering, row: Row, shown: Shown) -> None:
    """Complete what every kind of job shows."""
    shown["launched_by"] = _launched_by(view, row)
    if row["started"] is not None and row["finished"] is None:
        shown["elapsed"] = round((datetime.now(UTC) - row["started"]).total_seconds(), 3)
    view.add_reference(shown, "source_workflow_job", "unified_jobs", _source_id(view, row), JOB_SUMMARY)
    if view.is_detail and "source_workflow_job" in shown["related"]:
        shown["summary_fields"]["ancestor_job"] = _show_ancestor(view, row)
    if "job_args" in shown:
        shown["job_args"] = json.dumps(row["job_args"]) if row["job_args"] else ""


def _source_id(view: Rendering, row: Row) -> int | None:
    source: int | None = view.facts[_SOURCES].get(row["id"])
    return source


def _show_ancestor(view: Rendering, row: Row) -> Shown:
    """Return the outermost workflow job, as AWX's `ancestor_job` shows it."""
    job_id = row["id"]
    while (above := find_workflow_jobs_of(view.connection, [job_id]).get(job_id)) is not None:
        job_id = above
    return _name_job(view, job_id)


def _name_job(view: Rendering, job_id: int | None) -> Shown:
    job = view.find("unified_jobs", job_id)
    if job is None:
        return {}
    resource = view.resource_of(view.resources["unified_jobs"], job)
    return {"id": job["id"], "name": job["name"], "type": job["type"], "url": view.url(resource, job["id"])}


def _launched_by(view: Rendering, row: Row) -> Shown:
    if row["launch_type"] == "workflow":
        return _name_job(view, _source_id(view, row))
    user = view.find("users", row["created_by_id"])
    if user is not None:
        url = view.url(view.resources["users"], user["id"])
        return {"id": user["id"], "name": user["username"], "type": "user", "url": url}
    template = view.find("unified_job_templates", row["unified_job_template_id"])
    if row["launch_type"] != "webhook" or template is None or row["type"] == "workflow_job":
        return {}  # of a workflow AWX does not say which webhook it was
    resource = view.resource_of(view.resources["unified_job_templates"], template)
    url = view.url(resource, template["id"])
    return {"id": template["id"], "name": template["name"], "type": resource.type, "url": url}


def refuse_active(call: Call, row: Row) -> None:
    """Refuse to delete a job that has not ended, in AWX's words."""
    if row["status"] in ACTIVE:
        raise Forbidden("Cannot delete running job resource.")
    if is_of_active_workflow(call.connection, row["id"]):
        raise Forbidden("Cannot delete job resource when associated workflow job is running.")


def _can_cancel(_call: Call, row: Row) -> Response:
    return answer({"can_cancel": row["status"] in ACTIVE})


def _cancel(call: Call, row: Row) -> Response:
    if not call.write(request_cancel, row["id"]):
        raise not_allowed("POST")
    return Response(status_code=202)


STDOUT: Final = Action(
    name="stdout", methods={"GET": show_stdout}, label="Job stdout", formats=FORMATS, media_types=MEDIA_TYPES
)
CANCEL: Final = Action(
    name="cancel", methods={"GET": _can_cancel, "POST": _cancel}, access={"POST": "operators"}, label="Cancel job"
)
