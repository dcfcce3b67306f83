# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: secrets go in and never come out; what is stored can be compared with what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from playhook.errors import InvalidInput
from playhook.store.collections import Link, Row
from playhook.store.credentials import (
    ASK,
    ENCRYPTED,
    compare_inputs,
    count_uses,
    fields_of,
    reseal_inputs,
    seal_inputs,
    show_inputs,
)
from playhook.store.objects import find_jobs_using_credential, find_rows
from playhook.store.tx import Tx
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import Field, Refused, check_text, computed, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Access, Action, NamedPart, Resource, Shown, Unique
from playhook.web.api_v2.resources.checks import refuse_in_use
from playhook.web.api_v2.resources.copies import Copying, copy_action
from playhook.web.api_v2.resources.credential_owners import OWNER_LISTS, check_owner, load_owners, show_owners
from playhook.web.api_v2.resources.standard_fields import CREDENTIAL_SUMMARY, DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

_COMPARISONS: Final = RateLimitItemPerMinute(120)
_limiter: Final = FixedWindowRateLimiter(MemoryStorage())
_OWNER: Final = (
    "Write-only field used to add {} to owner role. If provided, do not give either {} or {}. Only valid for creation."
)
_TYPE_IS_USED: Final = (
    "You cannot change the credential type of the credential, as it may break the functionality of the resources using "
    "it."
)


def _summarize(view: Rendering, row: Row) -> Mapping[str, Any]:
    kind = view.find("credential_types", row["credential_type_id"]) or {}
    return {
        "kind": kind.get("namespace") or "",
        "cloud": kind.get("kind") == "cloud",
        "kubernetes": kind.get("kind") == "kubernetes",
    }


def _prepare_summaries(view: Rendering, rows: Any) -> None:
    view.load(view.resources["credential_types"], (row["credential_type_id"] for row in rows))


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    load_owners(view, rows)


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    kind = view.find("credential_types", row["credential_type_id"]) or {}
    shown["inputs"] = show_inputs(kind.get("inputs") or {}, row["inputs"])
    shown |= _summarize(view, row)
    show_owners(view, row, shown)


def _check(draft: Draft) -> None:
    check_owner(draft)
    kind = draft.find("credential_types", draft.get("credential_type_id"))
    if kind is None:
        return
    is_moved = draft.current is not None and draft.is_changed("credential_type_id")
    if is_moved and draft.current and count_uses(draft.call.connection, draft.current["id"]):
        draft.fail("credential_type", _TYPE_IS_USED)
    draft.extra["type_inputs"] = kind["inputs"]
    if "inputs" in draft.extra:
        for message in _complaints(kind["inputs"], draft.extra["inputs"]):
            draft.fail("inputs", message)


def _complaints(type_inputs: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with inputs; the sentences are jsonschema's, as AWX's."""
    fields = fields_of(type_inputs)
    unknown = [f"'{name}'" for name in given if name not in fields]
    complaints = []
    if unknown:
        were = "was" if len(unknown) == 1 else "were"
        complaints.append(f"Additional properties are not allowed ({', '.join(unknown)} {were} unexpected)")
    for name, field in fields.items():
        if name in given:
            complaints += _complain(field, given[name])
    return complaints


def _complain(field: Mapping[str, Any], value: Any) -> list[str]:
    kind = field.get("type", "string")
    if not isinstance(value, bool if kind == "boolean" else str):
        return [f"{field['id']} is not of type '{kind}'"]
    if not isinstance(value, str) or value in {"", ENCRYPTED}:
        return []
    try:
        check_text(value)
    except Refused as refusal:
        return [f"{field['id']}: {refusal}"]
    choices = field.get("choices")
    if choices and value not in choices:
        return [f"{field['id']} must be one of {', '.join(map(str, choices))}"]
    if field.get("format") == "ssh_private_key" and value != ASK and "-----BEGIN" not in value:
        return [f"Invalid private key in {field['id']}: it must begin with -----BEGIN … PRIVATE KEY-----."]
    if field.get("format") == "url" and not _is_base_url(value):
        return [f"{field['id']} must be an http:// or https:// URL without user, query or fragment."]
    return []


def _is_base_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain and value.isascii()


def _before(tx: Tx, draft: Draft) -> None:
    """Encrypt what is new and keep what says `$encrypted$`, against the row as it is now."""
    stored: dict[str, Any] = {}
    if draft.current is not None:
        stored = find_rows(tx.connection, "credentials", [draft.current["id"]])[draft.current["id"]]["inputs"]
    type_inputs = draft.extra["type_inputs"]
    if "inputs" in draft.extra:
        draft.values["inputs"] = seal_inputs(tx.cipher, type_inputs, draft.extra["inputs"], stored)
    elif draft.is_changed("credential_type_id"):
        draft.values["inputs"] = reseal_inputs(tx.cipher, type_inputs, stored)


def _compare(call: Call, row: Row) -> Response:
    inputs = call.body.get("inputs")
    if not isinstance(inputs, dict) or len(inputs) > 50:
        raise InvalidInput({"inputs": ["A dictionary of fields and the values they are compared with is required."]})
    if not _limiter.hit(_COMPARISONS, str(call.principal.id), str(row["id"])):
        raise HTTPException(429, "This credential was compared too often.", {"Retry-After": "60"})
    return answer({"inputs": compare_inputs(call.context.store.cipher, row["inputs"], inputs)})


def _removable(call: Call, row: Row) -> None:
    refuse_in_use(find_jobs_using_credential(call.connection, row["id"]))


CREDENTIALS: Final = Resource(
    name="credentials",
    type="credential",
    model="Credential",
    table="credentials",
    fields=(
        NAME,
        DESCRIPTION,
        reference("organization", "organizations",
                  help_text="Inherit permissions from organization roles. If provided on creation, do not give either "
                  "user or team."),
        reference("credential_type", "credential_types", nullable=False, required=True,
                  help_text="Specify the type of credential you want to create. Refer to the documentation for details "
                  "on each type."),
        computed("managed", "boolean", column="managed"),
        Field(name="inputs", kind="object", default={}, forbidden=True,
              help_text="Enter inputs using either JSON or YAML syntax."),
        computed("kind", "string"),
        computed("cloud", "boolean"),
        computed("kubernetes", "boolean"),
    ),
    given_once=(
        reference("user", "users", help_text=_OWNER.format("user", "team", "organization")),
        reference("team", "teams", help_text=_OWNER.format("team", "user", "organization")),
    ),
    access=Access(own="user_id"),
    summary=CREDENTIAL_SUMMARY,
    capabilities={"edit": "administrators", "delete": "administrators", "copy": "administrators",
                  "use": "administrators"},
    unique=(
        Unique(columns=("organization_id", "name", "credential_type_id"),
               message="Credential with this Organization, Name and Credential type already exists."),
    ),
    named=(
        NamedPart(), NamedPart(path="credential_type", columns=("name", "kind")), NamedPart(path="organization"),
    ),
    related=(
        "activity_stream", "access_list", "object_roles", "owner_users", "owner_teams", "copy", "input_sources",
    ),
    links={"user": Link(target="users", column="user_id"), "team": Link(target="teams", column="team_id")},
    sub=(
        *OWNER_LISTS,
        Action(name="compare", methods={"POST": _compare}),
        copy_action(Copying(resource="credentials", cleared={"managed": False})),
    ),
    has_object_roles=True,
    cached_by_intake=True,
    prepare=_prepare,
    prepare_summaries=_prepare_summaries,
    summarize=_summarize,
    fill=_fill,
    check=_check,
    before=_before,
    removable=_removable,
)  # fmt: skip
