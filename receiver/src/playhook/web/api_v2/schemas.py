# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Schemas of what the API takes and gives, made from the declarations of the resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from playhook.web.api_v2.fields import UNSET, Field, Kind
from playhook.web.api_v2.resource import Action, Resource

Schema = Mapping[str, Any]

ANYTHING: Final[Schema] = {}
TEXT: Final[Schema] = {"type": "string"}
ERROR: Final[Schema] = {"type": "object", "properties": {"detail": TEXT}, "required": ["detail"]}
REFUSAL: Final[Schema] = {
    "type": "object",
    "description": "Field → sentences, or a sentence under `detail`, `error` or `msg`.",
    "minProperties": 1,
}
ASSOCIATED: Final[Schema] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "description": "The object that is put into the list."},
        "disassociate": {"type": "boolean", "description": "Take it out of the list instead."},
    },
}
_TYPES: Final[Mapping[Kind, Schema]] = {
    "string": TEXT,
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "id": {"type": "integer"},
    "json": TEXT,
    "datetime": {"type": "string", "format": "date-time"},
    "float": {"type": "number"},
    "object": {"type": "object"},
    "list": {"type": "array"},
}
_OBJECT: Final[Schema] = {"type": "object"}
_MAY_BE_BLANK: Final = ("string", "choice")


def page_of(name: str) -> Schema:
    """Return the schema of a page of what the schema `name` describes."""
    link = {"type": ["string", "null"], "description": "A path, never a whole URL."}
    return {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "next": link,
            "previous": link,
            "results": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
        },
        "required": ["results"],
        "description": "`count`, `next` and `previous` are left out with `count_disabled`.",
    }


def describe_object(resource: Resource) -> Schema:
    """Return the schema of an object as a list or its detail shows it."""
    properties: dict[str, Schema] = {
        "id": {"type": "integer"},
        "type": {"enum": list(resource.types or (resource.type,))},
        "url": TEXT,
        "related": _OBJECT,
        "summary_fields": _OBJECT,
    }
    if resource.timed:
        properties |= {name: _nullable(_TYPES["datetime"]) for name in ("created", "modified")}
    properties |= {each.name: _describe_shown(each) for each in resource.fields}
    if resource.ours:
        properties["playhook"] = {**_OBJECT, "description": resource.ours}
    # A list of several kinds shows each as its own kind, and not every kind has every field.
    named = {each.name for each in resource.fields if each.in_lists and len(resource.types) < 2}
    required = [name for name in properties if name in named or resource.by_name.get(name) is None]
    return {"type": "object", "properties": properties, "required": required}


def describe_input(resource: Resource, *, whole: bool) -> Schema:
    """Return the schema of what may be written; `whole` is a new object or a PUT, else nothing is required."""
    fields = (*resource.writable, *(resource.given_once if whole else ()))
    properties = {each.name: describe_value(each) for each in fields}
    if resource.ours and resource.writable:
        properties["playhook"] = {**_OBJECT, "description": resource.ours}
    required = [each.name for each in resource.writable if each.required] if whole else []
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def describe_action(action: Action) -> Schema:
    """Return the schema of what an action's POST may say."""
    return {"type": "object", "properties": {each.name: describe_value(each) for each in action.fields}}


def describe_value(field: Field) -> Schema:
    """Return the schema of what a client may write into a field."""
    limits: dict[str, Any] = {}
    if field.max_length is not None:
        limits["maxLength"] = field.max_length
    if not field.blank and field.kind in _MAY_BE_BLANK:
        limits["minLength"] = 1
    if field.min_value is not None:
        limits |= {"minimum": field.min_value, "maximum": field.max_value}
    values = [value for value, _label in field.choices]
    described = {"enum": values} if values else _type_of(field)
    has_default = field.default is not UNSET and (not values or field.default in values)
    default = {"default": field.default} if has_default else {}
    schema = {**described, **limits, **_explained(field), **default}
    return _nullable(schema) if field.nullable else schema


def _describe_shown(field: Field) -> Schema:
    schema = {**_explained(field), **_shown_type(field)}
    return {**schema, "readOnly": True} if field.read_only else schema


def _shown_type(field: Field) -> Schema:
    if field.kind == "choice":
        values = {type(value) for value, _label in field.choices}
        return _nullable(TEXT if values <= {str} else {"type": "integer"})
    known = _type_of(field)
    # What is only read is null until there is a value, and so is a reference whose object has been deleted.
    return _nullable(known) if field.nullable or field.read_only or field.kind == "id" else known


def _type_of(field: Field) -> Schema:
    # AWX calls two things JSON: a text that is written in it, and what only it can hold.
    if field.kind == "json" and not isinstance(field.default, str):
        return ANYTHING
    return _TYPES.get(field.kind, ANYTHING)


def _explained(field: Field) -> dict[str, str]:
    return {"description": field.help_text.format(label="object")} if field.help_text else {}


def _nullable(schema: Schema) -> Schema:
    if "enum" in schema:
        values: Iterable[Any] = schema["enum"]
        return {**schema, "enum": [*values, None] if None not in values else list(values)}
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema
