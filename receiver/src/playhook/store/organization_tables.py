# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of what organizations have beside templates: teams, members, labels, where jobs run, whom to tell."""

from __future__ import annotations

from sqlalchemy import JSON, Column, String, Table, UniqueConstraint

from playhook.store.columns import authored, flag, key, metadata, number, text, to


def _between(table: str, owner: str, other: str, owners: str, others: str) -> Table:
    """Make a table that puts objects of one kind into those of another; the order is that of the rows."""
    return Table(
        table,
        metadata,
        key(),
        to(f"{owners}.id", owner, on_delete="CASCADE", nullable=False, index=False),
        to(f"{others}.id", other, on_delete="CASCADE", nullable=False),
        UniqueConstraint(owner, other),
    )


teams = Table(
    "teams",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    to("organizations.id", "organization_id", on_delete="CASCADE", nullable=False, index=False),
    *authored(),
    UniqueConstraint("organization_id", "name"),
    sqlite_autoincrement=True,
)

labels = Table(
    "labels",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    to("organizations.id", "organization_id", on_delete="CASCADE", nullable=False),
    *authored(),
    UniqueConstraint("name", "organization_id"),
    sqlite_autoincrement=True,
)

instance_groups = Table(
    "instance_groups",
    metadata,
    key(),
    Column("name", String(250), nullable=False, unique=True),
    flag("is_container_group"),
    number("max_concurrent_jobs"),
    number("max_forks"),
    number("policy_instance_percentage"),
    number("policy_instance_minimum"),
    Column("policy_instance_list", JSON, nullable=False, default=list),
    text("pod_spec_override"),
    to("credentials.id", "credential_id", index=False),
    *authored(),
    sqlite_autoincrement=True,
)

execution_environments = Table(
    "execution_environments",
    metadata,
    key(),
    Column("name", String(512), nullable=False, unique=True),
    text("description"),
    to("organizations.id", "organization_id", on_delete="CASCADE"),
    Column("image", String(1024), nullable=False),
    text("pull", 16),
    flag("managed"),
    to("credentials.id", "credential_id", index=False),
    *authored(),
    sqlite_autoincrement=True,
)

# Stored for clients of AWX; nothing is sent.
notification_templates = Table(
    "notification_templates",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    to("organizations.id", "organization_id", on_delete="CASCADE"),
    Column("notification_type", String(32), nullable=False),
    Column("notification_configuration", JSON, nullable=False, default=dict),  # secrets are encrypted
    Column("messages", JSON(none_as_null=True)),
    *authored(),
    UniqueConstraint("organization_id", "name"),
    sqlite_autoincrement=True,
)

organization_users = _between("organization_users", "organization_id", "user_id", "organizations", "users")
organization_admins = _between("organization_admins", "organization_id", "user_id", "organizations", "users")
team_users = _between("team_users", "team_id", "user_id", "teams", "users")
organization_galaxy_credentials = _between(
    "organization_galaxy_credentials", "organization_id", "credential_id", "organizations", "credentials"
)
organization_instance_groups = _between(
    "organization_instance_groups", "organization_id", "instance_group_id", "organizations", "instance_groups"
)
inventory_instance_groups = _between(
    "inventory_instance_groups", "inventory_id", "instance_group_id", "inventories", "instance_groups"
)
inventory_labels = _between("inventory_labels", "inventory_id", "label_id", "inventories", "labels")
template_instance_groups = _between(
    "template_instance_groups", "template_id", "instance_group_id", "unified_job_templates", "instance_groups"
)
template_labels = _between("template_labels", "template_id", "label_id", "unified_job_templates", "labels")
job_labels = _between("job_labels", "job_id", "label_id", "unified_jobs", "labels")
job_instance_groups = _between("job_instance_groups", "job_id", "instance_group_id", "unified_jobs", "instance_groups")


def _notified(owners: str, owner: str, prefix: str, moments: tuple[str, ...]) -> dict[str, Table]:
    """Make one table for each moment at which those that are attached would be told."""
    return {
        moment: _between(
            f"{prefix}_notifications_{moment}", owner, "notification_template_id", owners, "notification_templates"
        )
        for moment in moments
    }


template_notifications = _notified(
    "unified_job_templates", "template_id", "template", ("started", "success", "error", "approvals")
)
organization_notifications = _notified(
    "organizations", "organization_id", "organization", ("started", "success", "error", "approvals")
)
