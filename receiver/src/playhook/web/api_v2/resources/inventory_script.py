# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`inventories/<id>/script/`: what an inventory script would print, which AWX's inventory plugin reads."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from playhook.errors import NotFound
from playhook.store.collections import Row
from playhook.store.groups import Group, read_groups
from playhook.store.inventories import find_script_hosts
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.resource import Action
from playhook.web.api_v2.resources.checks import read_variables

_OFF: Final = {"", "0", "false"}


def _show(call: Call, row: Row) -> Response:
    """Answer the whole inventory, or with `host` the variables of one.

    `hostvars` adds the variables of all hosts, `towervars` to them what AWX knows of a host, `all` the disabled ones.
    """
    every = _asks_for(call, "all")
    hosts = find_script_hosts(call.connection, row["id"], every=every)
    if name := call.query.get("host"):
        return answer(read_variables(_one_of(hosts, name)["variables"]))
    groups = read_groups(call.connection, row["id"], every=every)
    grouped = {name for group in groups for name in group.hosts}
    everything = {
        "vars": read_variables(row["variables"]),
        "hosts": [host["name"] for host in hosts if host["name"] not in grouped],
        "children": [group.name for group in groups],
    }
    script = {"all": everything, **{group.name: _describe_group(group) for group in groups}}
    script = {name: filled for name, each in script.items() if (filled := {k: v for k, v in each.items() if v})}
    if _asks_for(call, "hostvars"):
        known = _describe_host if _asks_for(call, "towervars") else lambda _host: {}
        script["_meta"] = {
            "hostvars": {each["name"]: read_variables(each["variables"]) | known(each) for each in hosts}
        }
    return answer(script)


def _asks_for(call: Call, name: str) -> bool:
    return call.query.get(name, "") not in _OFF


def _one_of(hosts: list[Row], name: str) -> Row:
    for each in hosts:
        if each["name"] == name:
            return each
    raise NotFound("No Host matches the given query.")


def _describe_group(group: Group) -> dict[str, Any]:
    return {"hosts": group.hosts, "children": group.children, "vars": read_variables(group.variables)}


def _describe_host(host: Row) -> dict[str, Any]:
    enabled = str(host["enabled"]).lower()
    return {
        "remote_tower_enabled": enabled,
        "remote_tower_id": host["id"],
        "remote_host_enabled": enabled,
        "remote_host_id": host["id"],
    }


INVENTORY_SCRIPT: Final = Action(name="script", methods={"GET": _show}, label="Inventory script")
