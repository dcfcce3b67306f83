# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects: a git repository, or a directory that somebody fills by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import Response

from playhook.store.collections import Link, Row
from playhook.store.jobs import create_job
from playhook.store.objects import find_rows
from playhook.store.project_files import find_playbooks, list_manual_projects
from playhook.store.projects import list_used_directories
from playhook.store.tx import Tx
from playhook.web.api_v2.call import Call, answer, not_allowed
from playhook.web.api_v2.fields import choice, computed, constant, flag, number, reference, text
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, NamedPart, Resource, Shown, SubList, Unique, Written
from playhook.web.api_v2.resources.attached import notifications_below
from playhook.web.api_v2.resources.checks import check_not_running
from playhook.web.api_v2.resources.copies import FRESH, Copying, copy_action
from playhook.web.api_v2.resources.latest_jobs import load_current, load_latest, show_latest, show_status
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, JOB_STATUS, NAME, VENV, default_environment
from playhook.web.api_v2.write import Draft

SCM_TYPES: Final = (("", "Manual"), ("git", "Git"))
_STATUS: Final = (*JOB_STATUS, ("never updated", "Never Updated"), ("ok", "OK"), ("missing", "Missing"))
_SCHEMES: Final = ("git", "http", "https", "ssh", "file")
_SCP_LIKE: Final = re.compile(r"^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!/?-)[^\s:][^\s]*$")
_REF: Final = re.compile(r"^[^\s~^:?*\[\\\x00-\x1f-][^\s~^:?*\[\\\x00-\x1f]*$")
_REFSPEC: Final = re.compile(
    r"^\+?[^\s~^?\[\\\x00-\x1f:-][^\s~^?\[\\\x00-\x1f:]*:[^\s~^?\[\\\x00-\x1f:-][^\s~^?\[\\\x00-\x1f:]*$"
)
_CLONED: Final = ("scm_type", "scm_url", "scm_branch", "scm_refspec", "credential_id", "scm_track_submodules")


def _prepare_summaries(view: Rendering, rows: Sequence[Row]) -> None:
    load_current(view, [row for row in rows if row["scm_type"]])


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_latest(view, [row for row in rows if row["scm_type"]], "project_updates")


def _summarize(view: Rendering, row: Row) -> Mapping[str, Any]:
    return {"status": _status(view, row), "unified_job_type": "project_update"}


def _status(view: Rendering, row: Row) -> str:
    if not row["scm_type"]:
        directory = _directory(view.call, row)
        return "ok" if directory is not None and directory.is_dir() else "missing"
    return show_status(view, row)


def _directory(call: Call, row: Row) -> Path | None:
    return call.context.settings.manual_projects / row["local_path"] if row["local_path"] else None


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    updated = row["last_job_run"]
    if not row["scm_type"]:
        updated = _modified(_directory(view.call, row))
        shown["summary_fields"]["user_capabilities"] |= {"start": False, "schedule": False, "copy": False}
    else:
        show_latest(view, row, shown, "project_updates")
    shown |= {"status": _status(view, row), "last_job_run": updated, "last_updated": updated}
    shown["last_update_failed"] = row["last_job_failed"]


def _modified(directory: Path | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(directory.stat().st_mtime, UTC) if directory else None
    except OSError:
        return None


def _check(draft: Draft) -> None:
    scm_type = draft.get("scm_type") or ""
    _check_local_path(draft, scm_type)
    if not scm_type:
        return
    url = draft.get("scm_url") or ""
    if not url:
        draft.fail("scm_url", "SCM URL is required.")
    elif "scm_url" in draft.values and (complaint := _complain_of_url(url)):
        draft.fail("scm_url", complaint)
    for column, pattern in (("scm_branch", _REF), ("scm_refspec", _REFSPEC)):
        value = draft.values.get(column)
        if value and not all(pattern.match(each) for each in value.split(",")):
            draft.fail(column, f'"{value}" is not something that git can fetch.')
    credential = draft.find("credentials", draft.get("credential_id"))
    kind = credential and draft.find("credential_types", credential["credential_type_id"])
    if kind and kind["kind"] != "scm":
        draft.fail("credential", "Credential kind must be 'scm'.")


def _check_local_path(draft: Draft, scm_type: str) -> None:
    path = draft.values.get("local_path")
    if scm_type:
        if draft.current is None or "local_path" in draft.values:
            draft.values["local_path"] = draft.current["local_path"] if draft.current else ""
        return
    if path is None or (draft.current is not None and path == draft.current["local_path"]):
        return
    root = draft.call.context.settings.manual_projects
    # AWX has one sentence for a directory that is not there and for one that is taken.
    if path not in list_manual_projects(root) or path in list_used_directories(draft.call.connection):
        draft.fail("local_path", "This path is already being used by another manual project.")


def _complain_of_url(url: str) -> str | None:
    """Say why git may not clone from a URL (SECURITY S16), or None."""
    if _SCP_LIKE.match(url) or (url.startswith("/") and not re.search(r"\s", url)):
        return None
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return "Invalid URL."
    if parts.scheme not in _SCHEMES:
        return f'Unsupported URL scheme "{parts.scheme}". Use one of {", ".join(_SCHEMES)}.'
    if re.search(r"[\s\x00-\x1f]", url) or (parts.hostname or "").startswith("-") or parts.path.startswith("/-"):
        return "Invalid URL."
    if parts.scheme != "file" and not parts.hostname:
        return "Invalid URL: it names no host."
    return "Put the password into a Source Control credential." if parts.password else None


def _after(tx: Tx, written: Written) -> None:
    """Update a project whose source is new or has changed, as AWX does."""
    before, after = written.before, written.after
    changed = before is None or any(before[name] != after[name] for name in _CLONED)
    if after["scm_type"] and changed:
        create_job(tx, after, launch_type="manual", user_id=written.draft.call.principal.id)


def _update_copy(tx: Tx, row_id: int, _row: Row, user_id: int) -> None:
    create_job(tx, find_rows(tx.connection, "unified_job_templates", [row_id])[row_id], launch_type="manual",
               user_id=user_id)  # fmt: skip


def _playbooks(call: Call, row: Row) -> Response:
    if row["scm_type"]:
        return answer(row["playbook_files"] or [])
    directory = _directory(call, row)
    return answer(find_playbooks(directory) if directory else [])


def _can_update(_call: Call, row: Row) -> Response:
    return answer({"can_update": bool(row["scm_type"])})


def _update(call: Call, row: Row) -> Response:
    if not row["scm_type"]:
        raise not_allowed("POST")
    job_id = call.write(create_job, row, launch_type="manual", user_id=call.principal.id)
    updates = call.api.resources["project_updates"]
    shown = Rendering(call).show(updates, call.api.read(updates, call, job_id))
    return answer({**shown, "project_update": job_id}, 202, {"Location": shown["url"]})


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, project_id=[row["id"]], unified_job_template_id=[row["id"]])


PROJECTS: Final = Resource(
    name="projects",
    type="project",
    types=("project",),
    model="Project",
    table="unified_job_templates",
    fields=(
        NAME,
        DESCRIPTION,
        text("local_path", max_length=1024,
             help_text="Local path (relative to PROJECTS_ROOT) containing playbooks and related files for this "
             "project: a directory that is there, and that no other project uses."),
        choice("scm_type", SCM_TYPES, nullable=True,
               help_text="Specifies the source control system used to store the project."),
        text("scm_url", max_length=1024, help_text="The location where the project is stored."),
        text("scm_branch", max_length=256, help_text="Specific branch, tag or commit to checkout."),
        text("scm_refspec", max_length=1024, help_text="For git projects, an additional refspec to fetch."),
        flag("scm_clean", help_text="Discard any local changes before syncing the project."),
        flag("scm_track_submodules", help_text="Track submodules latest commits on defined branch."),
        flag("scm_delete_on_update", help_text="Delete the project before syncing."),
        reference("credential", "credentials"),
        number("timeout", minimum=-2147483648,
               help_text="The amount of time (in seconds) to run before the task is canceled."),
        computed("scm_revision", "string", column="scm_revision",
                 help_text="The last revision fetched by a project update"),
        computed("last_job_run", "datetime", column="last_job_run"),
        computed("last_job_failed", "boolean", column="last_job_failed"),
        constant("next_job_run", None, "datetime"),
        computed("status", "choice", column="status", choices=_STATUS),
        reference("organization", "organizations",
                  help_text="The organization used to determine access to this template."),
        flag("scm_update_on_launch",
             help_text="Update the project when a job is launched that uses the project."),
        number("scm_update_cache_timeout",
               help_text="The number of seconds after the last project update ran that a new project update will be "
               "launched as a job dependency."),
        flag("allow_override",
             help_text="Allow changing the SCM branch or revision in a job template that uses this project."),
        VENV,
        default_environment(),
        reference("signature_validation_credential", "", column=None,
                  help_text="An optional credential used for validating files in the project against unexpected "
                  "changes."),
        computed("last_update_failed", "boolean"),
        computed("last_updated", "datetime"),
    ),
    order=("id",),
    filters={"last_update_failed": "last_job_failed", "last_updated": "last_job_run"},
    links={
        "last_job": Link(target="project_updates", column="last_job_id"),
        "last_update": Link(target="project_updates", column="last_job_id"),
        "job_templates": Link(target="job_templates", column="project_id", back=True),
    },
    summary=(*SUMMARY, "status", "scm_type", "allow_override"),
    capabilities={"edit": "administrators", "delete": "administrators", "start": "operators",
                  "schedule": "nobody", "copy": "administrators"},
    unique=(
        Unique(columns=("name", "organization_id"),
               message="Project with this (name, organization) combination already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
    related=(
        "teams", "playbooks", "inventory_files", "update", "project_updates", "scm_inventory_sources", "schedules",
        "activity_stream",
        "notification_templates_started", "notification_templates_success", "notification_templates_error",
        "access_list", "object_roles", "copy",
    ),
    related_paths={"inventory_files": "inventories"},
    sub=(
        copy_action(
            Copying(resource="projects", cleared={**FRESH, "local_path": "", "scm_revision": ""},
                    can_copy=lambda row: bool(row["scm_type"]), after=_update_copy)
        ),
        Action(name="playbooks", methods={"GET": _playbooks}, label="Project playbooks"),
        Action(name="update", methods={"GET": _can_update, "POST": _update}, access={"POST": "operators"},
               label="Project update view"),
        *notifications_below("template", "template_id", "started", "success", "error"),
        SubList(name="project_updates", resource="project_updates", by="unified_job_template_id"),
    ),
    has_object_roles=True,
    cached_by_intake=True,
    prepare=_prepare,
    prepare_summaries=_prepare_summaries,
    summarize=_summarize,
    fill=_fill,
    check=_check,
    after=_after,
    removable=_removable,
)  # fmt: skip
