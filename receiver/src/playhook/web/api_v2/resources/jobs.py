# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs. A webhook job's `extra_vars` is put together on read: the payload is stored once, with the delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from playhook.store.collections import Link, Row
from playhook.store.jobs import create_job, posting_again
from playhook.store.objects import find_rows
from playhook.store.related import (
    count_plays_and_tasks,
    find_credentials_of,
)
from playhook.web.api_v2.call import PREFIX, Call, answer
from playhook.web.api_v2.fields import computed, constant, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, Association, Resource, Shown, SubList
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
from playhook.web.api_v2.resources.job_variables import load_events, show_variables
from playhook.web.api_v2.resources.labels import label_link, label_list, load_labels, show_labels
from playhook.web.api_v2.resources.launch import passwords_needed, show_launched
from playhook.web.api_v2.resources.launchable import WEBHOOK_CREDENTIAL
from playhook.web.api_v2.resources.standard_fields import VENV, VERBOSITY

_CREDENTIALS: Final = "jobs.credentials"
_RELAUNCHED: Final = (
    "job_type", "inventory_id", "playbook", "scm_branch", "forks", "limit", "verbosity", "extra_vars",
    "survey_passwords", "job_tags", "force_handlers", "skip_tags", "start_at_task", "timeout", "diff_mode",
    "delivery_id",
)  # fmt: skip


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    ids = [row["id"] for row in rows]
    view.facts[_CREDENTIALS].update(find_credentials_of(view.connection, "job_credentials", "job_id", ids))
    load_events(view, rows)
    load_sources(view, rows)
    load_labels(view, rows, "job_labels", "job_id")


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_job(view, row, shown)
    detail = "job_args" in shown
    shown["related"].pop("webhook_credential", None)
    summary = shown["summary_fields"]
    show_labels(view, row, shown)
    summary["credentials"] = [
        {**{name: each[name] for name in SUMMARY}, "kind": each["namespace"], "cloud": each["kind"] == "cloud"}
        for each in view.facts[_CREDENTIALS].get(row["id"], ())
    ]
    show_variables(view, row, shown, detail=detail)
    if detail:
        shown["host_status_counts"] = row["host_status_counts"] or None
        plays, tasks = count_plays_and_tasks(view.connection, row["id"])
        shown["playbook_counts"] = {"play_count": plays, "task_count": tasks}


def _show_relaunch(call: Call, row: Row) -> Response:
    counts: Any = "Relaunch by host status not available until job finishes running."
    if row["finished"] is not None:
        known = row["host_status_counts"] or {}
        counts = {"all": sum(known.values()), "failed": sum(known.get(name, 0) for name in ("failures", "dark"))}
    return answer({"passwords_needed_to_start": _passwords(call, row), "retry_counts": counts})


def _passwords(call: Call, row: Row) -> list[str]:
    attached = find_credentials_of(call.connection, "job_credentials", "job_id", [row["id"]])
    return passwords_needed(call, [each["id"] for each in attached.get(row["id"], ())])


def _relaunch(call: Call, row: Row) -> Response:
    """Launch the same again, with what this job was launched with."""
    template_id = row["unified_job_template_id"]
    template = find_rows(call.connection, "unified_job_templates", [template_id] if template_id else [])
    if template_id not in template:
        return answer({"detail": "The job template of this job has been deleted."}, 400)
    attached = find_credentials_of(call.connection, "job_credentials", "job_id", [row["id"]])
    job_id = call.write(
        create_job,
        template[template_id],
        launch_type="relaunch",
        overrides={**{name: row[name] for name in _RELAUNCHED}, **posting_again(row)},
        user_id=call.principal.id,
        credential_ids=[each["id"] for each in attached.get(row["id"], ())],
    )
    shown = show_launched(call, job_id)
    return answer({"job": job_id, **shown}, 201, {"Location": f"{PREFIX}jobs/{job_id}/"})


JOBS: Final = Resource(
    name="jobs",
    type="job",
    types=("job",),
    model="Job",
    table="unified_jobs",
    fields=(
        *STATE_FIELDS,
        constant("controller_node", ""),
        *DETAIL_FIELDS,
        computed("job_type", "choice", column="job_type", choices=(("run", "Run"), ("check", "Check"))),
        reference("inventory", "inventories", read_only=True),
        reference("project", "projects", read_only=True),
        computed("playbook", "string", column="playbook"),
        computed("scm_branch", "string", column="scm_branch"),
        computed("forks", "integer", column="forks"),
        computed("limit", "string", column="limit"),
        computed("verbosity", "choice", column="verbosity", choices=VERBOSITY),
        computed("extra_vars", "json", forbidden=True),
        computed("job_tags", "string", column="job_tags"),
        computed("force_handlers", "boolean", column="force_handlers"),
        computed("skip_tags", "string", column="skip_tags"),
        computed("start_at_task", "string", column="start_at_task"),
        computed("timeout", "integer", column="timeout"),
        computed("use_fact_cache", "boolean", column="use_fact_cache"),
        reference("organization", "organizations", read_only=True),
        reference("job_template", "job_templates", column="unified_job_template_id", read_only=True),
        constant("passwords_needed_to_start", [], "list"),
        computed("allow_simultaneous", "boolean", column="allow_simultaneous"),
        computed("artifacts", "json", column="artifacts"),
        computed("scm_revision", "string", column="scm_revision"),
        constant("instance_group", None, "id"),
        computed("diff_mode", "boolean", column="diff_mode"),
        constant("job_slice_number", 0, "integer"),
        computed("job_slice_count", "integer", column="job_slice_count"),
        computed("webhook_service", "string", column="webhook_service"),
        WEBHOOK_CREDENTIAL,
        computed("webhook_guid", "string", column="webhook_guid"),
        computed("host_status_counts", "json", in_lists=False),
        computed("playbook_counts", "object", in_lists=False),
        constant("custom_virtualenv", VENV.default, in_lists=False),
    ),
    order=("id",),
    forbidden=frozenset({"extra_vars", "survey_passwords", "start_args"}),
    links={
        "labels": label_link("job_labels", "job_id"),
        "credentials": Link(target="credentials", through=("job_credentials", "job_id", "credential_id")),
        "job_events": Link(target="job_events", column="job_id", back=True),
        "unified_job_node": Link(target="workflow_job_nodes", column="job_id", back=True),
        "job_host_summaries": Link(target="job_host_summaries", column="job_id", back=True),
    },
    list_methods=("GET",),
    detail_methods=("GET", "DELETE"),
    summary=JOB_SUMMARY,
    capabilities={"delete": "administrators", "start": "operators"},
    related=(
        "labels", "credentials", "stdout", "job_events", "job_host_summaries", "activity_stream", "notifications",
        "create_schedule", "cancel", "relaunch",
    ),
    ours='`delivery`: the id of the delivery that launched the job.',
    sub=(
        STDOUT,
        CANCEL,
        Action(name="relaunch", methods={"GET": _show_relaunch, "POST": _relaunch}, access={"POST": "operators"},
               label="Relaunch job"),
        SubList(name="job_events", resource="job_events", by="job_id"),
        SubList(name="job_host_summaries", resource="job_host_summaries", by="job_id"),
        Association(name="credentials", resource="credentials", table="job_credentials", parent="job_id",
                    listed="credential_id", writable=False),
        label_list("job_labels", "job_id", writable=False),
    ),
    prepare=_prepare,
    fill=_fill,
    removable=refuse_active,
)  # fmt: skip
