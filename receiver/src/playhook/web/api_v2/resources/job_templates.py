# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates: what runs, and which webhook launches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.domain.run_options import complain_of_limit, complain_of_line, complain_of_ref
from playhook.errors import InvalidInput, Refusal
from playhook.store.collections import Link, Row
from playhook.store.project_files import find_playbooks
from playhook.store.related import find_credentials_of
from playhook.store.tables import ASK_ON_LAUNCH
from playhook.web.api_v2.call import ApiContext, Call
from playhook.web.api_v2.fields import choice, flag, number, reference, text, variables
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Association, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.attached import instance_groups_below
from playhook.web.api_v2.resources.checks import check_not_running, check_variables
from playhook.web.api_v2.resources.copies import FRESH, Copying, copy_action
from playhook.web.api_v2.resources.launch import launch, show_launch
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
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, ENVIRONMENT_SUMMARY, NAME, VENV, VERBOSITY
from playhook.web.api_v2.resources.surveys import SURVEY
from playhook.web.api_v2.resources.webhooks import (
    check_webhook,
    rotate_webhook_key,
    show_webhook_key,
    store_copied_webhook,
    store_webhook,
)
from playhook.web.api_v2.write import Draft

_CREDENTIALS: Final = "job_templates.credentials"
_NO_DEFAULT: Final = "You must either set a default value or ask to prompt on launch."
_NOT_ATTACHED: Final = ("token", "scm", "registry", "galaxy", "insights", "external", "cryptography")


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    ids = [row["id"] for row in rows]
    view.facts[_CREDENTIALS].update(find_credentials_of(view.connection, "template_credentials", "template_id", ids))
    load_template_facts(view, rows, "jobs")


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    attached = view.facts[_CREDENTIALS].get(row["id"], ())
    shown["summary_fields"]["credentials"] = [show_attached(each) for each in attached]
    fill_template(view, row, shown, "jobs")


def show_attached(row: Row) -> Shown:
    """Return a credential as AWX shows it among those of a template or job."""
    shown = {name: row[name] for name in ("id", "name", "description")}
    return {**shown, "kind": row["namespace"] or row["kind"], "cloud": row["kind"] == "cloud"}


def _check(draft: Draft) -> None:
    project = draft.find("projects", draft.get("project_id"))
    if draft.get("project_id") is None:
        raise InvalidInput({"project": ["This field is required."]})
    draft.values["organization_id"] = project["organization_id"] if project else None
    _check_playbook(draft, project)
    if not draft.get("ask_inventory_on_launch") and draft.get("inventory_id") is None:
        draft.fail("inventory", _NO_DEFAULT)
    if not draft.get("ask_job_type_on_launch") and not draft.get("job_type"):
        draft.fail("job_type", _NO_DEFAULT)
    check_variables(draft, "extra_vars")
    check_webhook(draft)


def _check_playbook(draft: Draft, project: Row | None) -> None:
    playbook = draft.get("playbook") or ""
    if project is None:
        return
    if not playbook:
        raise InvalidInput({"playbook": ["Must select playbook for project."]})
    if draft.is_changed("playbook") or draft.is_changed("project_id"):
        known = _known_playbooks(draft.call, project)
        if known is not None and playbook not in known:
            raise InvalidInput({"playbook": ["Playbook not found for project."]})
    if not project["allow_override"]:
        for name in ("scm_branch", "ask_scm_branch_on_launch"):
            if draft.get(name):
                draft.fail(name, "Project does not allow overriding branch.")


def _known_playbooks(call: Call, project: Row) -> Sequence[str] | None:
    """Return a project's playbooks; None for a repository, which may have new ones that no update has seen yet."""
    if project["scm_type"]:
        return None
    return find_playbooks(call.context.settings.manual_projects / project["local_path"])


def _check_attached(call: Call, row: Row, credential: Row) -> None:
    """Refuse credentials that jobs cannot use, and a second one of a kind that has room for one (AWX)."""
    types = call.api.resources["credential_types"]
    kind = call.api.read(types, call, credential["credential_type_id"])
    if kind["kind"] in _NOT_ATTACHED:
        raise Refusal(f"Cannot assign a Credential of kind `{kind['kind']}`.")
    attached = find_credentials_of(call.connection, "template_credentials", "template_id", [row["id"]])
    for each in attached.get(row["id"], ()):
        same = each["credential_type_id"] == credential["credential_type_id"] and each["id"] != credential["id"]
        if same and kind["kind"] != "vault":
            raise Refusal(f"Cannot assign multiple {kind['name']} credentials.")


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, unified_job_template_id=[row["id"]])


_RESOURCE: Final = Resource(
    name="job_templates",
    type="job_template",
    types=("job_template",),
    model="JobTemplate",
    table="unified_job_templates",
    fields=(
        NAME,
        DESCRIPTION,
        choice("job_type", (("run", "Run"), ("check", "Check"))),
        reference("inventory", "inventories"),
        reference("project", "projects"),
        text("playbook", max_length=1024),
        text("scm_branch", max_length=1024, complain=complain_of_ref,
             help_text="Branch to use in job run. Project default used if blank. Only allowed if project "
             "allow_override field is set to true."),
        number("forks"),
        text("limit", complain=complain_of_limit),
        choice("verbosity", VERBOSITY),
        variables("extra_vars", forbidden=True),
        text("job_tags", complain=complain_of_line),
        flag("force_handlers"),
        text("skip_tags", max_length=1024, complain=complain_of_line),
        text("start_at_task", max_length=1024, complain=complain_of_line),
        number("timeout", minimum=-2147483648,
               help_text="The amount of time (in seconds) to run before the task is canceled."),
        flag("use_fact_cache", help_text="Stored for compatibility; facts are not kept between jobs here."),
        reference("organization", "organizations", read_only=True,
                  help_text="The organization used to determine access to this template."),
        *LAST_RUN_FIELDS,
        reference("execution_environment", "execution_environments", summary=ENVIRONMENT_SUMMARY,
                  help_text="The container image to be used for execution."),
        text("host_config_key", max_length=1024, forbidden=True),
        *(flag(f"ask_{what}_on_launch") for what in ASK_ON_LAUNCH),
        flag("survey_enabled"),
        flag("become_enabled"),
        flag("diff_mode",
             help_text="If enabled, textual changes made to any templated files on the host are shown in the "
             "standard output"),
        flag("allow_simultaneous"),
        VENV,
        number("job_slice_count", default=1,
               help_text="Stored for compatibility; a job is never sliced here."),
        *WEBHOOK_FIELDS,
        flag("prevent_instance_group_fallback",
             help_text="Stored for compatibility; there is one group of workers here."),
    ),
    forbidden=frozenset({"webhook_key", "survey_spec"}),
    links={
        "credentials": Link(target="credentials",
                            through=("template_credentials", "template_id", "credential_id")),
        **ATTACHED_LINKS,
        "jobs": Link(target="jobs", column="unified_job_template_id", back=True),
        "last_job": Link(target="jobs", column="last_job_id"),
    },
    capabilities={"edit": "administrators", "delete": "administrators", "start": "operators",
                  "schedule": "nobody", "copy": "administrators"},
    unique=(
        Unique(columns=("name", "organization_id"),
               message="JobTemplate with this (name, organization) combination already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
    related=(
        "labels", "credentials", "jobs", "schedules", "activity_stream", "launch", "webhook_key",
        *NOTIFICATIONS, "access_list", "survey_spec", "object_roles", "instance_groups", "slice_workflow_jobs", "copy",
    ),
    sub=(
        Action(name="launch", methods={"GET": show_launch, "POST": launch}, access={"POST": "operators"},
               label="Launch job template"),
        SURVEY,
        Action(name="webhook_key", methods={"GET": show_webhook_key, "POST": rotate_webhook_key},
               access={"GET": "administrators"}),
        Association(name="credentials", resource="credentials", table="template_credentials",
                    parent="template_id", listed="credential_id", check=_check_attached),
        copy_action(
            Copying(resource="job_templates", children={"template_credentials": "template_id", **ATTACHED_TABLES},
                    cleared=FRESH, after=store_copied_webhook)
        ),
        SubList(name="jobs", resource="jobs", by="unified_job_template_id"),
        *ATTACHED_LISTS,
        instance_groups_below("template_instance_groups", "template_id"),
    ),
    has_object_roles=True,
    cached_by_intake=True,
    summarize=lambda _view, _row: {"unified_job_type": "job"},
    prepare=_prepare,
    fill=_fill,
    check=_check,
    after=store_webhook,
    removable=_removable,
)  # fmt: skip


def job_templates(context: ApiContext) -> Resource:
    """Declare the resource; which services there are is known when the receiver starts."""
    return with_services(_RESOURCE, context)
