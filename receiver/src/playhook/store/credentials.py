# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of credentials: encrypted field by field, never shown, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final, Literal

from sqlalchemy import Connection, select

from playhook.store import tables as t
from playhook.store.encryption import Cipher, is_encrypted

ENCRYPTED: Final = "$encrypted$"
"""What is shown in place of a secret; sent back it means: keep."""
ASK: Final = "ASK"
"""AWX's word for a secret that is asked for at launch; it is none itself."""

Comparison = Literal["same", "different", "unset"]


def fields_of(inputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a credential type's fields by their id."""
    return {str(each["id"]): each for each in inputs.get("fields", [])}


def secret_fields(inputs: Mapping[str, Any]) -> set[str]:
    """Return the ids of the fields that a credential type marks secret."""
    return {name for name, each in fields_of(inputs).items() if each.get("secret")}


def seal_inputs(
    cipher: Cipher, type_inputs: Mapping[str, Any], new: Mapping[str, Any], old: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is stored: `new`, with secrets encrypted, and with `old` where it says `$encrypted$`."""
    secret = secret_fields(type_inputs)
    stored: dict[str, Any] = {}
    for name, value in new.items():
        if value == ENCRYPTED:
            if name in old:
                stored[name] = _keep(cipher, old[name], secret=name in secret)
        elif isinstance(value, str) and value not in {"", ASK} and (name in secret or is_encrypted(value)):
            stored[name] = cipher.encrypt(value)
        else:
            stored[name] = value
    return stored


def reseal_inputs(cipher: Cipher, type_inputs: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored inputs as another credential type wants them; what was secret stays encrypted."""
    secret = secret_fields(type_inputs)
    return {name: _keep(cipher, value, secret=name in secret) for name, value in stored.items()}


def show_inputs(type_inputs: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs as they may be read."""
    fields = fields_of(type_inputs)
    return {name: _show(fields.get(name, {}), value) for name, value in stored.items()}


def open_inputs(cipher: Cipher, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs in the clear, for the worker and for posting statuses."""
    return {name: cipher.decrypt(value) if is_encrypted(value) else value for name, value in stored.items()}


def compare_inputs(cipher: Cipher, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Comparison]:
    """Say of each wanted field whether the credential has this very value."""
    return {name: _compare(cipher, stored.get(name), value) for name, value in wanted.items()}


def count_uses(connection: Connection, credential_id: int) -> int:
    """Count the templates that refer to a credential."""
    templates, between = t.unified_job_templates, t.template_credentials
    referring = connection.execute(
        select(templates.c.id).where(
            (templates.c.credential_id == credential_id) | (templates.c.webhook_credential_id == credential_id)
        )
    )
    attached = connection.execute(select(between.c.template_id).where(between.c.credential_id == credential_id))
    return len({*referring.scalars(), *attached.scalars()})


def _keep(cipher: Cipher, value: Any, *, secret: bool) -> Any:
    if not secret or not isinstance(value, str) or value in {"", ASK} or is_encrypted(value):
        return value
    return cipher.encrypt(value)


def _show(field: Mapping[str, Any], value: Any) -> Any:
    if value == ASK and field.get("ask_at_runtime"):
        return value
    hidden = is_encrypted(value) or (field.get("secret") and value != "")
    return ENCRYPTED if hidden else value


def _compare(cipher: Cipher, stored: Any, wanted: Any) -> Comparison:
    if stored is None or stored == "":
        return "unset"
    clear = cipher.decrypt(stored) if is_encrypted(stored) else stored
    return "same" if hmac.compare_digest(_bytes(clear), _bytes(wanted)) else "different"


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else f"\0{value!r}".encode()
