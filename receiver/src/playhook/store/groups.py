# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of an inventory: which hosts and which other groups are in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from playhook.errors import BadQuery, Refusal
from playhook.store import tables as t
from playhook.store.collections import Row
from playhook.store.objects import find_rows, insert_row
from playhook.store.tx import Tx

_children, _members = t.group_children, t.group_hosts


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group: the names of its enabled hosts and of the groups in it, and its variables as they were written."""

    name: str
    variables: str
    hosts: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


def read_groups(connection: Connection, inventory_id: int | None, *, every: bool = False) -> tuple[Group, ...]:
    """Return an inventory's groups in the order of their names; with `every`, disabled hosts are in them too."""
    groups, hosts = t.groups, t.hosts
    rows = connection.execute(
        select(groups.c.id, groups.c.name, groups.c.variables)
        .where(groups.c.inventory_id == inventory_id)
        .order_by(groups.c.name)
    ).all()
    found = {row.id: Group(name=row.name, variables=row.variables) for row in rows}
    members = (
        select(_members.c.group_id, hosts.c.name)
        .join(hosts, hosts.c.id == _members.c.host_id)
        .where(hosts.c.inventory_id == inventory_id, hosts.c.enabled | every)
        .order_by(hosts.c.name)
    )
    for group_id, name in connection.execute(members):
        found[group_id].hosts.append(name)
    for parent_id, child_id in connection.execute(
        select(_children.c.parent_id, _children.c.child_id).where(_children.c.parent_id.in_(list(found)))
    ):
        found[parent_id].children.append(found[child_id].name)
    return tuple(found.values())


def judge_child(tx: Tx, pair: Mapping[str, Any]) -> None:
    """Refuse a group that would contain itself, or come from another inventory, in AWX's words."""
    _same_inventory(tx, "groups", pair["parent_id"], pair["child_id"])
    if pair["parent_id"] in find_descendants(tx.connection, [pair["child_id"]]):
        raise Refusal("Cyclical Group association.")


def judge_member(tx: Tx, pair: Mapping[str, Any]) -> None:
    """Refuse a host of another inventory, in AWX's words."""
    _same_inventory(tx, "hosts", pair["group_id"], pair["host_id"])


def find_descendants(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Return groups and all the groups in them."""
    return _reach(connection, ids, "parent_id", "child_id")


def find_all_hosts(connection: Connection, group_id: int) -> list[int]:
    """Return the hosts of a group and of all the groups in it."""
    within = find_descendants(connection, [group_id])
    found = select(_members.c.host_id).where(_members.c.group_id.in_(within)).distinct()
    return list(connection.execute(found.order_by(_members.c.host_id)).scalars())


def find_all_groups(connection: Connection, host_id: int) -> list[int]:
    """Return the groups that a host is in, directly or through others."""
    direct = connection.execute(select(_members.c.group_id).where(_members.c.host_id == host_id)).scalars()
    return sorted(_reach(connection, direct, "child_id", "parent_id"))


def copy_groups(tx: Tx, new_id: int, row: Row, user_id: int | None) -> None:
    """Give a copied inventory, whose hosts are there already, the groups of the one it was copied from."""
    old_groups = tx.connection.execute(select(t.groups).where(t.groups.c.inventory_id == row["id"])).mappings().all()
    groups = {
        each["id"]: insert_row(
            tx,
            "groups",
            {**{name: each[name] for name in ("name", "description", "variables")}, "inventory_id": new_id},
            user_id,
        )
        for each in old_groups
    }
    old_hosts, new_hosts = _names_of_hosts(tx, row["id"]), _names_of_hosts(tx, new_id)
    hosts = {host_id: new_hosts[name] for name, host_id in old_hosts.items()}
    _copy_pairs(tx, _members, ("group_id", groups), ("host_id", hosts))
    _copy_pairs(tx, _children, ("parent_id", groups), ("child_id", groups))


def _copy_pairs(
    tx: Tx, table: Table, owner: tuple[str, Mapping[int, int]], other: tuple[str, Mapping[int, int]]
) -> None:
    of_owner, of_other = table.c[owner[0]], table.c[other[0]]
    pairs = tx.connection.execute(select(of_owner, of_other).where(of_owner.in_(list(owner[1])))).all()
    if pairs:
        copies = [{owner[0]: owner[1][one], other[0]: other[1][two]} for one, two in pairs]
        tx.connection.execute(insert(table), copies)


def _names_of_hosts(tx: Tx, inventory_id: int) -> dict[str, int]:
    rows = tx.connection.execute(select(t.hosts.c.name, t.hosts.c.id).where(t.hosts.c.inventory_id == inventory_id))
    return {row.name: row.id for row in rows}


def _same_inventory(tx: Tx, table: str, group_id: int, other_id: int) -> None:
    group = find_rows(tx.connection, "groups", [group_id]).get(group_id, {})
    other = find_rows(tx.connection, table, [other_id]).get(other_id, {})
    if group.get("inventory_id") != other.get("inventory_id"):
        raise BadQuery("Cannot associate two items from different inventories.")


def _reach(connection: Connection, ids: Iterable[int], here: str, there: str) -> set[int]:
    reached: set[int] = set()
    following = set(ids)
    while following:
        reached |= following
        found = select(_children.c[there]).where(_children.c[here].in_(following))
        following = set(connection.execute(found).scalars()) - reached
    return reached
