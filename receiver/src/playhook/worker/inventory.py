# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a job: the API's hosts written as a file, and what the project itself holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from playhook.errors import JobCannotRun
from playhook.store.groups import Group
from playhook.store.job_inputs import InventoryRow
from playhook.worker.extra_vars_file import read_variables
from playhook.worker.paths import resolve_inside
from playhook.worker.private_dir import write_private


def write_inventory(directory: Path, inventory: InventoryRow | None, project: Path) -> list[str]:
    """Write the hosts below `directory` and return the inventory's sources. Raises JobCannotRun.

    Variables were written by operators, and may hold templates as in any inventory. A source in the project need not
    be understood here: Ansible is told to fail when it cannot read one.
    """
    if inventory is None:
        raise JobCannotRun("the job has no inventory, or it was deleted: give the job template another one")
    sources = []
    if inventory.hosts or inventory.groups or inventory.variables.strip() or not inventory.source_path:
        file = directory / "hosts.json"  # read by Ansible's yaml inventory plugin
        write_private(file, orjson.dumps(_describe(inventory), default=str, option=orjson.OPT_NON_STR_KEYS))
        sources.append(str(file))
    if inventory.source_path:
        what = f'the source path "{inventory.source_path}" of inventory "{inventory.name}"'
        sources.append(str(resolve_inside(project, inventory.source_path, what)))
    return sources


def _describe(inventory: InventoryRow) -> dict[str, Any]:
    hosts = {}
    for host in inventory.hosts:
        hosts[host.name] = read_variables(host.variables, f'host "{host.name}" of inventory "{inventory.name}"')
    variables = read_variables(inventory.variables, f'inventory "{inventory.name}"')
    groups = {group.name: _describe_group(group, inventory.name) for group in inventory.groups}
    return {"all": {"hosts": hosts, "vars": variables, "children": groups}}


def _describe_group(group: Group, inventory: str) -> dict[str, Any]:
    # What is in a group is named there, and described once, at the top.
    return {
        "hosts": dict.fromkeys(group.hosts),
        "children": dict.fromkeys(group.children),
        "vars": read_variables(group.variables, f'group "{group.name}" of inventory "{inventory}"'),
    }
