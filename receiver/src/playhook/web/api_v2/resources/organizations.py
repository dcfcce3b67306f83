# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations: what everything else belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.errors import Refusal
from playhook.store.collections import Link, Row
from playhook.store.inventories import count_hosts_of
from playhook.store.objects import count_by
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import number
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Association, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.attached import instance_groups_below, notifications_below
from playhook.web.api_v2.resources.checks import check_not_running
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME, VENV, default_environment

_COUNTED: Final = {
    "inventories": ("inventories", {}),
    "projects": ("unified_job_templates", {"type": "project"}),
    "job_templates": ("unified_job_templates", {"type": "job_template"}),
    "teams": ("teams", {}),
    "users": ("organization_users", {}),
    "admins": ("organization_admins", {}),
}


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    ids = [row["id"] for row in rows]
    for name, (table, equal) in _COUNTED.items():
        view.facts[f"organizations.{name}"] = dict(count_by(view.connection, table, "organization_id", ids, **equal))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    counts = {name: view.facts[f"organizations.{name}"].get(row["id"], 0) for name in _COUNTED}
    if view.is_detail and view.call.method != "POST":
        counts["hosts"] = count_hosts_of(view.connection, row["id"])
    shown["summary_fields"]["related_field_counts"] = counts
    shown["summary_fields"]["resource"] = view.ansible_id(ORGANIZATIONS, row["id"])


def _check_galaxy(call: Call, _row: Row, credential: Row) -> None:
    kind = call.api.read(call.api.resources["credential_types"], call, credential["credential_type_id"])
    if kind["kind"] != "galaxy":
        raise Refusal(f"Credential must be a Galaxy credential, not {kind['name']}.", "msg")


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, organization_id=[row["id"]])


ORGANIZATIONS: Final = Resource(
    name="organizations",
    type="organization",
    model="Organization",
    table="organizations",
    fields=(
        NAME,
        DESCRIPTION,
        number("max_hosts", help_text="Maximum number of hosts allowed to be managed by this organization."),
        VENV,
        default_environment(),
    ),
    unique=(Unique(columns=("name",), field="name", message="Organization with this Name already exists."),),
    named=(NamedPart(),),
    related=(
        "execution_environments", "projects", "inventories", "job_templates", "workflow_job_templates", "users",
        "admins", "teams", "credentials", "applications", "activity_stream", "notification_templates",
        "notification_templates_started", "notification_templates_success", "notification_templates_error",
        "notification_templates_approvals", "object_roles", "access_list", "instance_groups", "galaxy_credentials",
    ),
    links={
        "projects": Link(target="projects", column="organization_id", back=True),
        "inventories": Link(target="inventories", column="organization_id", back=True),
        "credentials": Link(target="credentials", column="organization_id", back=True),
        "job_templates": Link(target="job_templates", column="organization_id", back=True),
        "teams": Link(target="teams", column="organization_id", back=True),
    },
    sub=(
        SubList(name="projects", resource="projects", by="organization_id", creates=True),
        SubList(name="inventories", resource="inventories", by="organization_id"),
        SubList(name="job_templates", resource="job_templates", by="organization_id"),
        SubList(name="workflow_job_templates", resource="workflow_job_templates", by="organization_id"),
        SubList(name="execution_environments", resource="execution_environments", by="organization_id", creates=True),
        SubList(name="teams", resource="teams", by="organization_id", creates=True),
        SubList(name="credentials", resource="credentials", by="organization_id", creates=True),
        Association(name="users", resource="users", table="organization_users", parent="organization_id",
                    listed="user_id", creates=True),
        Association(name="admins", resource="users", table="organization_admins", parent="organization_id",
                    listed="user_id", creates=True),
        instance_groups_below("organization_instance_groups", "organization_id"),
        SubList(name="notification_templates", resource="notification_templates", by="organization_id", creates=True),
        *notifications_below("organization", "organization_id", "started", "success", "error", "approvals"),
        Association(name="galaxy_credentials", resource="credentials", table="organization_galaxy_credentials",
                    parent="organization_id", listed="credential_id", check=_check_galaxy, in_order=True),
    ),
    has_object_roles=True,
    prepare=_prepare,
    fill=_fill,
    removable=_removable,
)  # fmt: skip
