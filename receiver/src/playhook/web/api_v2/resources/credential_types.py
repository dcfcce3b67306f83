# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential types: the managed ones by AWX's names, and custom ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from playhook.domain.injectors import complain_of_injectors, complain_of_unknown
from playhook.errors import Forbidden
from playhook.store.collections import Link, Row
from playhook.store.credentials import fields_of
from playhook.store.objects import count_by
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import Field, choice, computed
from playhook.web.api_v2.resource import Access, Resource, SubList, Unique
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

KINDS: Final = (
    ("ssh", "Machine"), ("vault", "Vault"), ("net", "Network"), ("scm", "Source Control"), ("cloud", "Cloud"),
    ("registry", "Container Registry"), ("token", "Personal Access Token"), ("insights", "Insights"),
    ("external", "External"), ("kubernetes", "Kubernetes"), ("galaxy", "Galaxy/Automation Hub"),
    ("cryptography", "Cryptography"),
)  # fmt: skip
_CUSTOM_KINDS: Final = ("cloud", "net")
_FIELD_TYPES: Final = ("string", "boolean")
_FIELD_KEYS: Final[Mapping[str, type]] = {
    "id": str, "label": str, "help_text": str, "format": str, "multiline": bool, "secret": bool, "ask_at_runtime": bool,
}  # fmt: skip
_FIELD_ID: Final = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
_FORMATS: Final = ("ssh_private_key", "url", "vault_id")
_SCHEMA_WORDS: Final[Mapping[type, str]] = {str: "string", bool: "boolean"}


def _check(draft: Draft) -> None:
    if draft.current is not None and draft.current["managed"]:
        raise Forbidden("Modifications not allowed for managed credential types")
    if draft.get("kind") not in _CUSTOM_KINDS:
        draft.fail("kind", "Must be 'cloud' or 'net', not " + str(draft.get("kind")))
    inputs = draft.get("inputs") or {}
    if draft.current is not None and draft.is_changed("inputs") and _is_used(draft.call, draft.current["id"]):
        raise Forbidden("Modifications to inputs are not allowed for credential types that are in use")
    wrong = _complaints(inputs)
    if wrong:
        draft.fail("inputs", *wrong)
    elif complaints := complain_of_injectors(fields_of(inputs), draft.get("injectors") or {}):
        draft.fail("injectors", *complaints)


def _is_used(call: Call, type_id: int) -> bool:
    return bool(count_by(call.connection, "credentials", "credential_type_id", [type_id]))


def _complaints(inputs: dict[str, Any]) -> list[str]:
    """Say what is wrong with a custom type's inputs, in AWX's sentences."""
    if "dependencies" in inputs:
        return ["'dependencies' is not supported for custom credentials."]
    wrong = list(complain_of_unknown([], inputs, ("fields", "required")))
    fields, required = inputs.get("fields", []), inputs.get("required", [])
    for name, given in (("fields", fields), ("required", required)):
        if not isinstance(given, list):
            wrong.append(f"{type(given).__name__} provided in relative path ['{name}'], expected array")
    wrong = wrong or [each for number, field in enumerate(fields) for each in _complain_of_field(number, field)]
    wrong += [
        f"{type(each).__name__} provided in relative path ['required', {number}], expected string"
        for number, each in enumerate(required)
        if not isinstance(each, str)
    ]
    return wrong or list(_complain_of_ids(fields))


def _complain_of_field(number: int, field: Any) -> Iterator[str]:
    if not isinstance(field, dict):
        yield f"{type(field).__name__} provided in relative path ['fields', {number}], expected dict"
        return
    yield from complain_of_unknown(["fields", number], field, (*_FIELD_KEYS, "type", "choices", "default"))
    yield from (f"'{name}' is a required property" for name in ("id", "label") if name not in field)
    for name, kind in _FIELD_KEYS.items():
        if name in field and not isinstance(field[name], kind):
            found, expected = type(field[name]).__name__, _SCHEMA_WORDS[kind]
            yield f"{found} provided in relative path ['fields', {number}, '{name}'], expected {expected}"
    if field.get("type", "string") not in _FIELD_TYPES:
        yield f"{field['type']!r} is not one of {list(_FIELD_TYPES)}"
    if field.get("format", "ssh_private_key") not in _FORMATS:
        yield f"{field['format']!r} is not one of {list(_FORMATS)}"
    if isinstance(field.get("id"), str) and not _FIELD_ID.fullmatch(field["id"]):
        yield f"{field['id']} is an invalid variable name"
    choices = field.get("choices", [""])
    if not isinstance(choices, list) or not choices or not all(isinstance(each, str) for each in choices):
        yield f"The choices in relative path ['fields', {number}, 'choices'] must be a list of texts"


def _complain_of_ids(fields: list[dict[str, Any]]) -> Iterator[str]:
    ids: set[str] = set()
    for field in fields:
        name, kind = field["id"], field.get("type", "string")
        if name == "tower":
            yield '"tower" is a reserved field name'
        if name in ids:
            yield f"field IDs must be unique ({name})"
        ids.add(name)
        if "default" in field and not isinstance(field["default"], bool if kind == "boolean" else str):
            yield f"{field['default']} is not a {kind}"
        for key in ("choices", "multiline", "format", "secret"):
            if key in field and kind != "string":
                yield f"{key} not allowed for {kind} type ({name})"


def _removable(call: Call, row: Row) -> None:
    if row["managed"]:
        raise Forbidden("Deletion not allowed for managed credential types")
    if _is_used(call, row["id"]):
        raise Forbidden("Credential types that are in use cannot be deleted")


CREDENTIAL_TYPES: Final = Resource(
    name="credential_types",
    type="credential_type",
    model="CredentialType",
    table="credential_types",
    fields=(
        NAME,
        DESCRIPTION,
        choice("kind", KINDS, default=""),
        computed("namespace", "string", column="namespace",
                 help_text="The namespace to which the resource belongs to"),
        computed("managed", "boolean", column="managed"),
        Field(name="inputs", kind="object", column="inputs", default={},
              help_text="Enter inputs using either JSON or YAML syntax."),
        Field(name="injectors", kind="object", column="injectors", default={},
              help_text="Enter injectors using either JSON or YAML syntax."),
    ),
    order=("kind", "name"),
    access=Access(read="everyone"),
    unique=(Unique(columns=("name", "kind"), message="Credential type with this Name and Kind already exists."),),
    related=("credentials", "activity_stream"),
    links={"credentials": Link(target="credentials", column="credential_type_id", back=True)},
    sub=(SubList(name="credentials", resource="credentials", by="credential_type_id"),),
    cached_by_intake=True,
    check=_check,
    removable=_removable,
)  # fmt: skip
