# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened while a job ran, event by event, and host by host in the end."""

from __future__ import annotations

from typing import Final

from playhook.store.collections import Row
from playhook.web.api_v2.fields import Field, computed, constant, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Resource, Shown, SubList
from playhook.web.api_v2.resources.job_fields import JOB_SUMMARY

_LONGEST_IN_LISTS: Final = 1024
# Event → how AWX calls it, and how deep in the tree of events it is.
_EVENTS: Final = {
    "runner_on_failed": ("Host Failed", 3),
    "runner_on_start": ("Host Started", 3),
    "runner_on_ok": ("Host OK", 3),
    "runner_on_error": ("Host Failure", 3),
    "runner_on_skipped": ("Host Skipped", 3),
    "runner_on_unreachable": ("Host Unreachable", 3),
    "runner_on_no_hosts": ("No Hosts Remaining", 3),
    "runner_on_async_poll": ("Host Polling", 3),
    "runner_on_async_ok": ("Host Async OK", 3),
    "runner_on_async_failed": ("Host Async Failure", 3),
    "runner_item_on_ok": ("Item OK", 3),
    "runner_item_on_failed": ("Item Failed", 3),
    "runner_item_on_skipped": ("Item Skipped", 3),
    "runner_retry": ("Host Retry", 3),
    "runner_on_file_diff": ("File Difference", 3),
    "playbook_on_start": ("Playbook Started", 0),
    "playbook_on_notify": ("Running Handlers", 2),
    "playbook_on_include": ("Including File", 2),
    "playbook_on_no_hosts_matched": ("No Hosts Matched", 2),
    "playbook_on_no_hosts_remaining": ("No Hosts Remaining", 2),
    "playbook_on_task_start": ("Task Started", 2),
    "playbook_on_vars_prompt": ("Variables Prompted", 1),
    "playbook_on_setup": ("Gathering Facts", 2),
    "playbook_on_play_start": ("Play Started", 1),
    "playbook_on_stats": ("Playbook Complete", 1),
    "debug": ("Debug", 0),
    "verbose": ("Verbose", 0),
    "deprecated": ("Deprecated", 0),
    "warning": ("Warning", 0),
    "system_warning": ("System Warning", 0),
    "error": ("Error", 0),
}


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    label, level = _EVENTS.get(row["event"], (row["event"].replace("_", " ").title(), 0))
    shown |= {"created": row["created"], "modified": row["created"], "event_display": label, "event_level": level}
    is_whole = view.is_detail or "no_truncate" in view.call.query
    if not is_whole and len(row["stdout"]) > _LONGEST_IN_LISTS:
        shown["stdout"] = row["stdout"][:_LONGEST_IN_LISTS] + "…"
    _name_template(view, row, shown)


def _name_template(view: Rendering, row: Row, shown: Shown) -> None:
    job = view.find("jobs", row["job_id"])
    template = view.find("job_templates", job["unified_job_template_id"]) if job else None
    if template is not None and "job" in shown["summary_fields"]:
        shown["summary_fields"]["job"] |= {"job_template_id": template["id"], "job_template_name": template["name"]}


def _event_fields(owner: Field) -> tuple[Field, ...]:
    return (
        owner,
        computed("event", "choice", column="event", choices=tuple((name, each[0]) for name, each in _EVENTS.items())),
        computed("counter", "integer", column="counter"),
        computed("event_display", "string"),
        computed("event_data", "json", column="event_data"),
        computed("event_level", "integer"),
        computed("failed", "boolean", column="failed"),
        computed("changed", "boolean", column="changed"),
        computed("uuid", "string", column="uuid"),
        computed("parent_uuid", "string", column="parent_uuid"),
        constant("host", None, "id"),
        computed("host_name", "string", column="host_name"),
        computed("playbook", "string", column="playbook"),
        computed("play", "string", column="play"),
        computed("task", "string", column="task"),
        computed("role", "string", column="role"),
        computed("stdout", "string", column="stdout"),
        computed("start_line", "integer", column="start_line"),
        computed("end_line", "integer", column="end_line"),
        computed("verbosity", "integer", column="verbosity"),
    )


JOB_EVENTS: Final = Resource(
    name="job_events",
    type="job_event",
    model="JobEvent",
    table="job_events",
    fields=_event_fields(reference("job", "jobs", read_only=True, summary=JOB_SUMMARY)),
    timed=False,
    filters={"created": "created", "modified": "created"},
    order=("counter",),
    search=("stdout",),
    list_methods=(),
    detail_methods=("GET",),
    authored=False,
    capabilities={},
    related=("children",),
    sub=(SubList(name="children", resource="job_events", by="parent_uuid", key="uuid"),),
    fill=_fill,
)

JOB_HOST_SUMMARIES: Final = Resource(
    name="job_host_summaries",
    type="job_host_summary",
    model="JobHostSummary",
    table="job_host_summaries",
    fields=(
        reference("job", "jobs", read_only=True, summary=JOB_SUMMARY),
        constant("host", None, "id"),
        constant("constructed_host", None, "id"),
        computed("host_name", "string", column="host_name"),
        *(
            computed(name, "integer", column=name)
            for name in ("changed", "dark", "failures", "ok", "processed", "skipped")
        ),
        computed("failed", "boolean", column="failed"),
        computed("ignored", "integer", column="ignored"),
        computed("rescued", "integer", column="rescued"),
    ),
    order=("host_name",),
    search=("host_name",),
    list_methods=(),
    detail_methods=("GET",),
    authored=False,
    capabilities={},
    fill=_name_template,
)
