# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential types: the managed ones by AWX's names, and custom ones."""

from __future__ import annotations

from typing import Any, Final

from playhook.errors import Forbidden
from playhook.store.collections import Link, Row
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


def _check(draft: Draft) -> None:
    if draft.current is not None and draft.current["managed"]:
        raise Forbidden("Modifications not allowed for managed credential types")
    if draft.get("kind") not in _CUSTOM_KINDS:
        draft.fail("kind", "Must be 'cloud' or 'net', not " + str(draft.get("kind")))
    inputs = draft.get("inputs") or {}
    if draft.current is not None and draft.is_changed("inputs") and _is_used(draft.call, draft.current["id"]):
        raise Forbidden("Modifications to inputs are not allowed for credential types that are in use")
    for message in _complaints(inputs):
        draft.fail("inputs", message)


def _is_used(call: Call, type_id: int) -> bool:
    return bool(count_by(call.connection, "credentials", "credential_type_id", [type_id]))


def _complaints(inputs: dict[str, Any]) -> list[str]:
    """Say what is wrong with a custom type's inputs."""
    fields = inputs.get("fields", [])
    unknown = sorted(set(inputs) - {"fields", "required", "dependencies", "metadata"})
    complaints = [f"Additional properties are not allowed ('{name}' was unexpected)" for name in unknown]
    if not isinstance(fields, list) or not all(isinstance(each, dict) for each in fields):
        return [*complaints, f"{fields!r} is not of type 'array'"]
    names = [each.get("id") for each in fields]
    for each in fields:
        if not isinstance(each.get("id"), str) or not str(each.get("id")).isidentifier():
            complaints.append(f"{each.get('id')!r} is not a valid field id")
        if not isinstance(each.get("label"), str):
            complaints.append(f"'label' is a required property of field {each.get('id')}")
        if each.get("type", "string") not in _FIELD_TYPES:
            complaints.append(f"{each.get('type')!r} is not one of ['string', 'boolean']")
    required = inputs.get("required", [])
    if not isinstance(required, list) or any(each not in names for each in required):
        complaints.append("'required' must list ids of fields")
    return complaints


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
