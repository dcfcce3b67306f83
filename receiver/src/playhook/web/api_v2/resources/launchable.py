# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What job templates and workflow job templates have in common: how their jobs went, and the webhook they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from playhook.store.collections import Row
from playhook.store.related import find_recent_jobs
from playhook.store.tables import ASK_ON_LAUNCH
from playhook.store.webhook_keys import find_fingerprints
from playhook.web.api_v2.call import ApiContext
from playhook.web.api_v2.fields import choice, computed, constant, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, Resource, Shown
from playhook.web.api_v2.resources.attached import notifications_below
from playhook.web.api_v2.resources.labels import label_link, label_list, load_labels, show_labels
from playhook.web.api_v2.resources.latest_jobs import load_latest, show_latest, show_status
from playhook.web.api_v2.resources.launch import launch_fields
from playhook.web.api_v2.resources.standard_fields import JOB_STATUS
from playhook.web.api_v2.resources.surveys import summarize_survey
from playhook.web.api_v2.resources.webhooks import service_choices, show_playhook, stored_keys

_RECENT: Final = "recent jobs of templates"
_KEYS: Final = "webhook keys of templates"

LAST_RUN_FIELDS: Final = (
    computed("last_job_run", "datetime", column="last_job_run"),
    computed("last_job_failed", "boolean", column="last_job_failed"),
    constant("next_job_run", None, "datetime"),
    computed("status", "choice", column="status", choices=(*JOB_STATUS, ("never updated", "Never Updated"))),
)
WEBHOOK_FIELDS: Final = (
    choice("webhook_service", (("", "---------"),), nullable=True,
           help_text="Service that webhook requests will be accepted from"),
    reference("webhook_credential", "credentials", summary=(*SUMMARY, "kind", "cloud", "credential_type_id"),
              help_text="Personal Access Token for posting back the status to the service API"),
)  # fmt: skip
WEBHOOK_CREDENTIAL: Final = reference(
    "webhook_credential", "credentials", read_only=True, summary=(*SUMMARY, "kind", "cloud", "credential_type_id")
)
"""The same, as a job shows what it was launched with."""
NOTIFICATIONS: Final = ("notification_templates_started", "notification_templates_success",
                        "notification_templates_error")  # fmt: skip
ATTACHED_LINKS: Final = {"labels": label_link("template_labels", "template_id")}
"""What may be filtered on of that which every template has attached, and below, the lists of it."""
ATTACHED_LISTS: Final = (
    label_list("template_labels", "template_id"),
    *notifications_below("template", "template_id", "started", "success", "error"),
)
ATTACHED_TABLES: Final = dict.fromkeys(
    ("template_labels", "template_instance_groups",
     *(f"template_notifications_{moment}" for moment in ("started", "success", "error", "approvals"))),
    "template_id",
)  # fmt: skip


def load_template_facts(view: Rendering, rows: Sequence[Row], jobs: str) -> None:
    """Read what a page of templates shows beside their columns; `jobs` names the resource of their jobs."""
    ids = [row["id"] for row in rows]
    view.facts[_RECENT].update(find_recent_jobs(view.connection, ids))
    view.facts[_KEYS].update(find_fingerprints(view.connection, ids))
    load_latest(view, rows, jobs)
    load_labels(view, rows, "template_labels", "template_id")


def fill_template(view: Rendering, row: Row, shown: Shown, jobs: str) -> None:
    """Complete a template: its labels, its jobs, its status, its webhook."""
    show_labels(view, row, shown)
    summarize_survey(row, shown)
    shown["summary_fields"]["recent_jobs"] = [
        {name: job[name] for name in ("id", "status", "finished", "canceled_on", "type")}
        for job in view.facts[_RECENT].get(row["id"], ())
    ]
    shown["status"] = show_status(view, row)
    show_latest(view, row, shown, jobs)
    path = f"{shown['url']}{row['webhook_service']}/" if row["webhook_service"] else ""
    shown["related"]["webhook_receiver"] = path
    fingerprint = view.facts[_KEYS].get(row["id"])
    shown["playhook"] = show_playhook(view.call.context, row, path, fingerprint, stored_keys(row["type"]))


def with_services(resource: Resource, context: ApiContext) -> Resource:
    """Return a declaration with the services there are, which is known when the receiver starts, and with what a launch
    may say, which are its own fields.
    """
    choices = service_choices(context.services)
    fields = [replace(each, choices=choices) if each.name == "webhook_service" else each for each in resource.fields]
    asks = [what for what in ASK_ON_LAUNCH if f"ask_{what}_on_launch" in resource.by_name]
    launched = launch_fields(fields, asks)
    sub = (
        replace(each, fields=launched) if isinstance(each, Action) and each.name == "launch" else each
        for each in resource.sub
    )
    ours = "`webhook_url`, and the rules, options and status posts of the template's webhook."
    return replace(resource, fields=tuple(fields), sub=tuple(sub), ours=ours)
