# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of inventories: hosts, other groups, and variables for both."""

from __future__ import annotations

from typing import Final

from playhook.store.collections import Link, Row
from playhook.store.groups import find_all_hosts, judge_child, judge_member
from playhook.store.objects import find_named
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import reference, variables
from playhook.web.api_v2.resource import Action, Association, NamedPart, Resource, SubList, Unique
from playhook.web.api_v2.resources.checks import check_not_running, check_variables, show_variable_data
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

_RESERVED: Final = ("all", "_meta")


def _check(draft: Draft) -> None:
    if draft.get("name") in _RESERVED:
        draft.fail("name", "Invalid group name.")
    check_variables(draft, "variables")
    if draft.current is not None:
        draft.values.pop("inventory_id", None)  # as in AWX: a group stays where it was made


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, inventory_id=[row["inventory_id"]])


def _in_all_groups(call: Call, row: Row) -> list[tuple[str, str]]:
    return [("id__in", ",".join(map(str, find_all_hosts(call.connection, row["id"]))) or "0")]


def _adopt_host(call: Call, parent: Row) -> int | None:
    return find_named(call.connection, "hosts", call.body.get("name"), inventory_id=parent["inventory_id"])


GROUPS: Final = Resource(
    name="groups",
    type="group",
    model="Group",
    table="groups",
    fields=(
        NAME,
        DESCRIPTION,
        reference("inventory", "inventories", nullable=False, required=True),
        variables("variables", help_text="Group variables in JSON or YAML format."),
    ),
    unique=(Unique(columns=("name", "inventory_id"), message="Group with this Name and Inventory already exists."),),
    named=(NamedPart(), NamedPart(path="inventory"), NamedPart(path="inventory__organization")),
    links={
        "hosts": Link(target="hosts", through=("group_hosts", "group_id", "host_id")),
        "children": Link(target="groups", through=("group_children", "parent_id", "child_id")),
        "parents": Link(target="groups", through=("group_children", "child_id", "parent_id")),
    },
    related=(
        "variable_data", "hosts", "potential_children", "children", "all_hosts", "job_events", "job_host_summaries",
        "activity_stream", "inventory_sources", "ad_hoc_commands",
    ),
    sub=(
        Action(name="variable_data", methods={"GET": show_variable_data}, label="Group variable data"),
        Association(name="hosts", resource="hosts", table="group_hosts", parent="group_id", listed="host_id",
                    judge=judge_member, creates=True, adopt=_adopt_host,
                    given=lambda parent: {"inventory_id": parent["inventory_id"]}),
        Association(name="children", resource="groups", table="group_children", parent="parent_id", listed="child_id",
                    judge=judge_child, creates=True,
                    given=lambda parent: {"inventory_id": parent["inventory_id"]}),
        SubList(name="all_hosts", resource="hosts", by="inventory_id", key="inventory_id", where=_in_all_groups),
    ),
    capabilities={"copy": "administrators", "edit": "administrators", "delete": "administrators"},
    check=_check,
    removable=_removable,
)  # fmt: skip
