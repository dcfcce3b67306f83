# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to OPTIONS: the `awx` command builds its flags from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import UNSET, Field
from playhook.web.api_v2.pages import MAX_PAGE_SIZE
from playhook.web.api_v2.resource import Action, Association, Resource, SubList

_SUMMARY_FIELDS: Final = (
    "Data structure with name/description for related resources.  The output for some objects may be limited for "
    "performance reasons."
)
_RENDERS: Final = ("application/json", "text/html")


def describe_path(name: str, methods: Iterable[str]) -> dict[str, Any]:
    """Describe a path that is no resource's."""
    return {
        "name": name,
        "description": "",
        "renders": list(_RENDERS),
        "parses": ["application/json"],
        "actions": {method: {} for method in methods if method in {"GET", "POST", "PUT"}},
    }


def describe_action(name: str, action: Action, _call: Call) -> dict[str, Any]:
    """Describe an action and what a POST to it may say."""
    described = describe_path(name, action.methods)
    if "POST" in described["actions"]:
        described["actions"]["POST"] = {each.name: _describe_input(each, action.label) for each in action.fields}
    return described


def describe_list(resource: Resource, call: Call) -> dict[str, Any]:
    """Describe a resource's list and what a POST to it may say."""
    actions = {"POST": _creatable(resource)} if _may_write(resource, "POST", resource.list_methods, call) else {}
    name = f"{resource.title.title()} List"
    described = {**describe_path(name, ()), "actions": {**actions, "GET": _readable(resource)}}
    return {
        **described,
        "types": list(resource.types or (resource.type,)),
        "search_fields": sorted(resource.search),
        "related_search_fields": [f"{each}__search" for each in resource.collection.links],
        "object_roles": [],
        "max_page_size": MAX_PAGE_SIZE,
    }


def describe_association(resource: Resource, sub: Association, call: Call) -> dict[str, Any]:
    """Describe a list that objects are put into by their id; the `awx` command exports it for that."""
    described = describe_list(resource, call)
    actions = {name: each for name, each in described["actions"].items() if name != "POST"}
    if sub.writable and call.principal.may(sub.access):
        posted = described["actions"].get("POST", {}) if sub.creates else {}
        actions = {"POST": {"id": {"required": False, **_standard(resource)["id"]}, **posted}, **actions}
    return {**described, "actions": actions}


def describe_sub_list(resource: Resource, sub: SubList, call: Call) -> dict[str, Any]:
    """Describe a list of what belongs to one object; it may make no new ones."""
    described = describe_list(resource, call)
    if not sub.creates:
        described["actions"].pop("POST", None)
    return described


def describe_detail(resource: Resource, call: Call) -> dict[str, Any]:
    """Describe one object and what a PUT to it may say."""
    actions = {"PUT": _writable(resource)} if _may_write(resource, "PUT", resource.detail_methods, call) else {}
    described = describe_path(f"{resource.title.title()} Detail", ())
    return {
        **described,
        "actions": {**actions, "GET": _readable(resource)},
        "types": list(resource.types or (resource.type,)),
        "object_roles": [],
    }


def _may_write(resource: Resource, method: str, methods: Iterable[str], call: Call) -> bool:
    level = resource.access.create or resource.access.write if method == "POST" else resource.access.write
    return method in methods and call.principal.may(level)


def _creatable(resource: Resource) -> dict[str, Any]:
    once = {each.name: _describe_input(each, resource.title) for each in resource.given_once}
    return {**_writable(resource), **once}


def _writable(resource: Resource) -> dict[str, Any]:
    return {each.name: _describe_input(each, resource.title) for each in resource.writable}


def _readable(resource: Resource) -> dict[str, Any]:
    known = {**_standard(resource), **{each.name: _describe(each, resource.title) for each in resource.fields}}
    return {name: each for name, each in known.items() if each}


def _describe_input(each: Field, title: str) -> dict[str, Any]:
    described = _describe(each, title)
    limits = {"max_length": each.max_length} if each.max_length is not None else {}
    default = {"default": each.default} if _has_default(each) else {}
    return {"type": described.pop("type"), "required": each.required, **described, **limits, **default}


def _has_default(each: Field) -> bool:
    # AWX names an empty default for texts only.
    return each.default is not UNSET and (each.default != "" or each.kind in {"string", "json"})


def _describe(each: Field, title: str) -> dict[str, Any]:
    # What is written as an object is `json` there, by which the `awx` command knows to parse it.
    kind = "json" if each.kind == "object" and not each.read_only else each.kind
    described: dict[str, Any] = {"type": kind, "hidden": False, "label": each.title}
    if each.help_text:
        described["help_text"] = each.help_text.format(label=title)
    if each.min_value is not None:
        described |= {"min_value": each.min_value, "max_value": each.max_value}
    described["filterable"] = each.is_filterable
    if each.choices:
        described["choices"] = [list(one) for one in each.choices]
    return described


def _standard(resource: Resource) -> Mapping[str, Any]:
    title = resource.title
    standard = {
        "id": ("integer", "ID", f"Database ID for this {title}.", True),
        "type": ("choice", "Type", f"Data type for this {title}.", True),
        "url": ("string", "Url", f"URL for this {title}.", False),
        "related": ("object", "Related", "Data structure with URLs of related resources.", False),
        "summary_fields": ("object", "Summary fields", _SUMMARY_FIELDS, False),
    }
    if resource.timed:
        standard["created"] = ("datetime", "Created", f"Timestamp when this {title} was created.", True)
        standard["modified"] = ("datetime", "Modified", f"Timestamp when this {title} was last modified.", True)
    described: dict[str, Any] = {
        name: {"type": kind, "hidden": False, "label": label, "help_text": help_text, "filterable": filterable}
        for name, (kind, label, help_text, filterable) in standard.items()
    }
    types = resource.types or (resource.type,)
    described["type"]["choices"] = [[each, each.replace("_", " ").title()] for each in types]
    return described
