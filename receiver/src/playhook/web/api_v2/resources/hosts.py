# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of inventories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.store.attached import find_attached
from playhook.store.collections import Link, Row
from playhook.store.groups import find_all_groups, judge_member
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import constant, flag, reference, text, variables
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Association, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.checks import check_not_running, check_variables, show_variable_data
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

_GROUPS: Final = "groups of hosts"
_IN_SUMMARY: Final = 5


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    ids = [row["id"] for row in rows]
    view.facts[_GROUPS].update(find_attached(view.connection, "group_hosts", "host_id", "group_id", "groups", ids))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    groups = view.facts[_GROUPS].get(row["id"], ())
    named = [{"id": group["id"], "name": group["name"]} for group in groups[:_IN_SUMMARY]]
    shown["summary_fields"] |= {"groups": {"count": len(groups), "results": named}, "recent_jobs": []}


def _check(draft: Draft) -> None:
    check_variables(draft, "variables")
    if draft.current is not None:
        draft.values.pop("inventory_id", None)  # as in AWX: a host stays where it was made


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, inventory_id=[row["inventory_id"]])


def _in_any(call: Call, row: Row) -> list[tuple[str, str]]:
    return [("id__in", ",".join(map(str, find_all_groups(call.connection, row["id"]))) or "0")]


HOSTS: Final = Resource(
    name="hosts",
    type="host",
    model="Host",
    table="hosts",
    fields=(
        NAME,
        DESCRIPTION,
        reference("inventory", "inventories", nullable=False, required=True),
        flag("enabled", default=True, help_text="Is this host online and available for running jobs?"),
        text("instance_id", max_length=1024,
             help_text="The value used by the remote inventory source to uniquely identify the host"),
        variables("variables", help_text="Host variables in JSON or YAML format."),
        constant("has_active_failures", False, "boolean"),
        constant("has_inventory_sources", False, "boolean"),
        constant("last_job", None, "id"),
        constant("last_job_host_summary", None, "id"),
        constant("ansible_facts_modified", None, "datetime"),
    ),
    unique=(Unique(columns=("name", "inventory_id"), message="Host with this Name and Inventory already exists."),),
    named=(NamedPart(), NamedPart(path="inventory"), NamedPart(path="inventory__organization")),
    related=(
        "variable_data", "groups", "all_groups", "job_events", "job_host_summaries", "activity_stream",
        "inventory_sources", "smart_inventories", "ad_hoc_commands", "ad_hoc_command_events", "ansible_facts",
    ),
    links={"groups": Link(target="groups", through=("group_hosts", "host_id", "group_id"))},
    sub=(
        Action(name="variable_data", methods={"GET": show_variable_data}, label="Host variable data"),
        Association(name="groups", resource="groups", table="group_hosts", parent="host_id", listed="group_id",
                    judge=judge_member, creates=True,
                    given=lambda parent: {"inventory_id": parent["inventory_id"]}),
        SubList(name="all_groups", resource="groups", by="inventory_id", key="inventory_id", where=_in_any),
    ),
    prepare=_prepare,
    fill=_fill,
    check=_check,
    removable=_removable,
)  # fmt: skip
