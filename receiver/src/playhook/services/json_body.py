# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of a delivery, decoded strictly. Only authentic bodies come here."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from playhook.domain.delivery import Delivery
from playhook.errors import Malformed, UnsupportedType

# Real payloads nest ten levels at most. Ansible stops reading variables somewhere before 900 levels, and recursive code
# at about 1,000; 100 leaves room for both sides.
MAX_DEPTH: Final = 100

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_CHUNK: Final = 64 * 1024
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def decode_body(delivery: Delivery, *, form_field: str | None = None) -> dict[str, Any]:
    """Return the JSON object of the body; `form_field` names the field that holds it in a form, where that is sent.

    Raises UnsupportedType for another content type, and Malformed for what is not one JSON object in UTF-8, is nested
    too deeply or has an integer that 64 bits do not hold. NaN and Infinity are not JSON and are refused.
    """
    content_type = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == _JSON:
        return _decode(delivery.body)
    if content_type == _FORM and form_field:
        return _decode(_form_value(delivery.body, form_field))
    wanted = f"{_JSON} or {_FORM}" if form_field else _JSON
    raise UnsupportedType(f"The content type is {content_type[:100]!r}; {wanted} is wanted.")


def _decode(body: bytes) -> dict[str, Any]:
    try:
        value = _OBJECT.decode(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body is not a JSON object in UTF-8: {error}.") from None
    _check(value)
    return value


def _check(value: dict[str, Any]) -> None:
    """Refuse what code behind us cannot take: deep nesting (see MAX_DEPTH), and integers that orjson cannot write."""
    level: list[Any] = [value]
    for _depth in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            for child in node.values() if type(node) is dict else node:
                kind = type(child)
                if kind is dict or kind is list:
                    below.append(child)
                elif kind is int and not -(2**63) <= child < 2**64:
                    raise Malformed("The body has an integer that 64 bits do not hold.")
        if not below:
            return
        level = below
    raise Malformed(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _form_value(body: bytes, field: str) -> bytes:
    prefix = field.encode("ascii") + b"="
    values = [pair[len(prefix) :] for pair in body.split(b"&", maxsplit=10) if pair.startswith(prefix)]
    if len(values) != 1:
        raise Malformed(f"The form has not exactly one field {field}.")
    return _unquote(values[0])


def _unquote(value: bytes) -> bytes:
    """Decode form encoding piece by piece: at once, `unquote_to_bytes` needs thirty times the memory of the body."""
    decoded, start = bytearray(), 0
    while start < len(value):
        end = start + _CHUNK
        escape = value.rfind(b"%", end - 2, end)  # one that this piece would cut
        end = escape if escape >= 0 else end
        decoded += unquote_to_bytes(value[start:end].replace(b"+", b" "))
        start = end
    return bytes(decoded)
