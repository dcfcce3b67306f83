# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories and their hosts. `playhook.source_path` is ours: an inventory file or folder in the job's project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from playhook.errors import InvalidInput
from playhook.store.collections import Link, Row
from playhook.store.groups import copy_groups
from playhook.store.objects import count_by
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import choice, computed, constant, flag, reference, text, variables
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.attached import instance_groups_below
from playhook.web.api_v2.resources.checks import (
    check_keys,
    check_not_running,
    check_variables,
    show_variable_data,
)
from playhook.web.api_v2.resources.copies import Copying, copy_action
from playhook.web.api_v2.resources.inventory_script import INVENTORY_SCRIPT
from playhook.web.api_v2.resources.labels import label_link, label_list, load_labels, show_labels
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

_COUNTED: Final = {"hosts": "inventories.hosts", "groups": "inventories.groups"}
_COPIED: Final = ("hosts", "inventory_labels", "inventory_instance_groups")
_LONGEST_PATH: Final = 1024
_NEVER: Final = {
    "has_active_failures": False, "hosts_with_active_failures": 0, "has_inventory_sources": False,
    "total_inventory_sources": 0, "inventory_sources_with_failures": 0,
}  # fmt: skip
_SUMMARY: Final = (
    *SUMMARY, "has_active_failures", "total_hosts", "hosts_with_active_failures", "total_groups",
    "has_inventory_sources", "total_inventory_sources", "inventory_sources_with_failures", "organization_id", "kind",
)  # fmt: skip


def _prepare_summaries(view: Rendering, rows: Sequence[Row]) -> None:
    ids = [row["id"] for row in rows]
    for table, facts in _COUNTED.items():
        view.facts[facts].update(count_by(view.connection, table, "inventory_id", ids))


def _summarize(view: Rendering, row: Row) -> Mapping[str, Any]:
    return {**_NEVER, **_totals(view, row)}


def _totals(view: Rendering, row: Row) -> dict[str, int]:
    return {f"total_{table}": view.facts[facts].get(row["id"], 0) for table, facts in _COUNTED.items()}


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    _prepare_summaries(view, rows)
    load_labels(view, rows, "inventory_labels", "inventory_id")


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    shown |= _totals(view, row)
    show_labels(view, row, shown)
    shown["playhook"] = {"source_path": row["source_path"]}


def _check(draft: Draft) -> None:
    check_variables(draft, "variables")
    if "playhook" in draft.body:
        given = check_keys(draft.body["playhook"], {"source_path": True})
        if "source_path" in given:
            draft.values["source_path"] = _check_source_path(given["source_path"])


def _check_source_path(path: Any) -> str:
    inside = isinstance(path, str) and not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
    if not inside or "\0" in path or len(path) > _LONGEST_PATH:
        sentence = f"source_path: it must be a path inside the project, of at most {_LONGEST_PATH} characters."
        raise InvalidInput({"playhook": [sentence]})
    return str(path)


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, inventory_id=[row["id"]])


def _without_parents(_call: Call, _row: Row) -> list[tuple[str, str]]:
    return [("parents__isnull", "true")]


INVENTORIES: Final = Resource(
    name="inventories",
    type="inventory",
    model="Inventory",
    table="inventories",
    fields=(
        NAME,
        DESCRIPTION,
        reference("organization", "organizations", nullable=False, required=True,
                  help_text="Organization containing this inventory."),
        choice("kind", (("", "Hosts have a direct link to this inventory."),), nullable=True,
               help_text="Kind of inventory being represented."),
        text("host_filter", default=None, nullable=True, help_text="Filter that will be applied to the hosts."),
        variables("variables", help_text="Inventory variables in JSON or YAML format."),
        constant("has_active_failures", False, "boolean"),
        computed("total_hosts", "integer"),
        constant("hosts_with_active_failures", 0, "integer"),
        computed("total_groups", "integer"),
        constant("has_inventory_sources", False, "boolean"),
        constant("total_inventory_sources", 0, "integer"),
        constant("inventory_sources_with_failures", 0, "integer"),
        constant("pending_deletion", False, "boolean"),
        flag("prevent_instance_group_fallback",
             help_text="If enabled, the inventory will prevent adding any organization instance groups to the list of "
             "preferred instances groups to run associated job templates on."),
    ),
    unique=(
        Unique(columns=("name", "organization_id"),
               message="Inventory with this Name and Organization already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
    summary=_SUMMARY,
    capabilities={"edit": "administrators", "delete": "administrators", "copy": "administrators", "adhoc": "nobody"},
    related=(
        "hosts", "variable_data", "script", "activity_stream", "job_templates", "ad_hoc_commands", "access_list",
        "object_roles", "instance_groups", "copy", "labels", "groups", "root_groups", "update_inventory_sources",
        "inventory_sources", "tree",
    ),
    links={
        "hosts": Link(target="hosts", column="inventory_id", back=True),
        "groups": Link(target="groups", column="inventory_id", back=True),
        "labels": label_link("inventory_labels", "inventory_id"),
    },
    ours='`source_path`: a file or directory of the project that the hosts come from.',
    sub=(
        SubList(name="hosts", resource="hosts", by="inventory_id", creates=True),
        SubList(name="groups", resource="groups", by="inventory_id", creates=True),
        SubList(name="root_groups", resource="groups", by="inventory_id", where=_without_parents),
        SubList(name="job_templates", resource="job_templates", by="inventory_id"),
        copy_action(
            Copying(resource="inventories", children=dict.fromkeys(_COPIED, "inventory_id"),
                    after=copy_groups)
        ),
        label_list("inventory_labels", "inventory_id"),
        instance_groups_below("inventory_instance_groups", "inventory_id"),
        INVENTORY_SCRIPT,
        Action(name="variable_data", methods={"GET": show_variable_data}, label="Inventory variable data"),
    ),
    has_object_roles=True,
    prepare=_prepare,
    prepare_summaries=_prepare_summaries,
    summarize=_summarize,
    fill=_fill,
    check=_check,
    removable=_removable,
)  # fmt: skip
