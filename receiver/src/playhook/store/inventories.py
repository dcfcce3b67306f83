# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories as Ansible sees them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from playhook.store import tables as t
from playhook.store.collections import Row


def find_enabled_hosts(connection: Connection, inventory_id: int) -> list[Row]:
    """Return the names and variables of an inventory's enabled hosts."""
    hosts = t.hosts
    rows = connection.execute(
        select(hosts.c.name, hosts.c.variables)
        .where(hosts.c.inventory_id == inventory_id, hosts.c.enabled)
        .order_by(hosts.c.name)
    )
    return [dict(row) for row in rows.mappings()]
