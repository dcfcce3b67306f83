# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of inventories."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from playhook.domain.variables import parse_variables
from playhook.store.collections import Row
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import constant, flag, reference, text, variables
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, NamedPart, Resource, Shown, Unique
from playhook.web.api_v2.resources.checks import check_not_running, check_variables
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft


def _fill(_view: Rendering, _row: Row, shown: Shown) -> None:
    shown["summary_fields"] |= {"groups": {"count": 0, "results": []}, "recent_jobs": []}


def _check(draft: Draft) -> None:
    check_variables(draft, "variables")
    if draft.current is not None:
        draft.values.pop("inventory_id", None)  # as in AWX: a host stays where it was made


def _removable(call: Call, row: Row) -> None:
    check_not_running(call, inventory_id=[row["inventory_id"]])


def _variable_data(_call: Call, row: Row) -> Response:
    try:
        return answer(parse_variables(row["variables"]))
    except ValueError:
        return answer({})


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
    sub=(Action(name="variable_data", methods={"GET": _variable_data}, label="Host variable data"),),
    fill=_fill,
    check=_check,
    removable=_removable,
)  # fmt: skip
