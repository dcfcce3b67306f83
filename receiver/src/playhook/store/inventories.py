# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories as Ansible sees them."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from playhook.store import tables as t
from playhook.store.collections import Row


def find_script_hosts(connection: Connection, inventory_id: int, *, every: bool) -> list[Row]:
    """Return an inventory's enabled hosts, or every one of them, with their variables."""
    hosts = t.hosts
    rows = connection.execute(
        select(hosts.c.id, hosts.c.name, hosts.c.enabled, hosts.c.variables)
        .where(hosts.c.inventory_id == inventory_id, hosts.c.enabled | every)
        .order_by(hosts.c.name)
    )
    return [dict(row) for row in rows.mappings()]


def count_hosts_of(connection: Connection, organization_id: int) -> int:
    """Count the hosts in all inventories of an organization."""
    counted = (
        select(func.count())
        .select_from(t.hosts)
        .join(t.inventories, t.inventories.c.id == t.hosts.c.inventory_id)
        .where(t.inventories.c.organization_id == organization_id)
    )
    return int(connection.execute(counted).scalar_one())
