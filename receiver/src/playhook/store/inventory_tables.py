# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of inventories: hosts, groups, and which of them are in which group."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, UniqueConstraint

from playhook.store.columns import authored, flag, key, metadata, text, to

inventories = Table(
    "inventories",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    to("organizations.id", "organization_id", on_delete="CASCADE"),
    text("kind", 32),
    text("host_filter", default=None),
    text("variables"),
    text("source_path", 1024),  # ours: an inventory file or folder in the job's project, used besides the hosts
    flag("prevent_instance_group_fallback"),
    *authored(),
    UniqueConstraint("name", "organization_id"),
    sqlite_autoincrement=True,
)

hosts = Table(
    "hosts",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    to("inventories.id", "inventory_id", on_delete="CASCADE", nullable=False),
    flag("enabled", default=True),
    text("instance_id", 1024),
    text("variables"),
    *authored(),
    UniqueConstraint("name", "inventory_id"),
    sqlite_autoincrement=True,
)

groups = Table(
    "groups",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    to("inventories.id", "inventory_id", on_delete="CASCADE", nullable=False),
    text("variables"),
    *authored(),
    UniqueConstraint("name", "inventory_id"),
    sqlite_autoincrement=True,
)

group_hosts = Table(
    "group_hosts",
    metadata,
    key(),
    to("groups.id", "group_id", on_delete="CASCADE", nullable=False, index=False),
    to("hosts.id", "host_id", on_delete="CASCADE", nullable=False),
    UniqueConstraint("group_id", "host_id"),
)

group_children = Table(
    "group_children",
    metadata,
    key(),
    to("groups.id", "parent_id", on_delete="CASCADE", nullable=False, index=False),
    to("groups.id", "child_id", on_delete="CASCADE", nullable=False),
    UniqueConstraint("parent_id", "child_id"),
)
