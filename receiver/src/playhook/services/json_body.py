# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of a delivery, decoded strictly. Only authentic bodies come here."""

from __future__ import annotations

import re
from itertools import chain, islice
from sys import getsizeof
from types import NoneType
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw

from playhook.domain.delivery import Delivery
from playhook.errors import Malformed, UnsupportedType

# Real payloads nest ten levels at most. Ansible stops reading variables somewhere before 900 levels, and recursive code
# at about 1,000; 100 leaves room for both sides.
MAX_DEPTH: Final = 100

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_CHUNK: Final = 64 * 1024
_ANY: Final = msgspec.json.Decoder()
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_OBJECT_OF_PARTS: Final = msgspec.json.Decoder(dict[str, Raw])
_LIST_OF_PARTS: Final = msgspec.json.Decoder(list[Raw])

# Decoded, JSON takes up to 27 times its size in memory. A large body is decoded with care, see _Frugal.
_LARGE: Final = 2 * 1024 * 1024
_BUDGET: Final = 3  # times the size of a large body
_LEAST_BUDGET: Final = 64 * 1024 * 1024
_PART_SIZE: Final = 72  # bytes of a part that is not decoded yet, with its place in a list
_SHARED: Final = 256  # bytes of the largest part that is looked for among those seen
_MOST_SHARED: Final = 4096
_LONG_TEXT: Final = 64 * 1024
_HARMLESS: Final = frozenset({str, bool, float, NoneType})
_BELOW_C4, _BELOW_F0 = bytes(range(0xC4)), bytes(range(0xF0))
_WIDE_ESCAPE: Final = re.compile(rb"\\u[dD]")
_ESCAPE: Final = re.compile(rb"\\u(?!00[0-7])")


def decode_body(delivery: Delivery, *, form_field: str | None = None) -> dict[str, Any]:
    """Return the JSON object of the body; `form_field` names the field that holds it in a form, where that is sent.

    Raises UnsupportedType for another content type, and Malformed for what is not one JSON object in UTF-8, is nested
    too deeply or has an integer that 64 bits do not hold. NaN and Infinity are not JSON and are refused.
    """
    content_type = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == _JSON:
        return _decode(delivery.body, budget=_BUDGET * len(delivery.body))
    if content_type == _FORM and form_field:
        value = _form_value(delivery.body, form_field)
        return _decode(value, budget=_BUDGET * len(delivery.body) - len(value))
    wanted = f"{_JSON} or {_FORM}" if form_field else _JSON
    raise UnsupportedType(f"The content type is {content_type[:100]!r}; {wanted} is wanted.")


def _decode(body: bytes | bytearray, *, budget: int) -> dict[str, Any]:
    try:
        if len(body) > _LARGE:
            return _Frugal(max(budget, _LEAST_BUDGET)).decode(body)
        value = _OBJECT.decode(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body is not a JSON object in UTF-8: {error}.") from None
    _check(value)
    return value


def _check(value: dict[str, Any]) -> None:
    """Refuse what code behind us cannot take: deep nesting (see MAX_DEPTH), and integers that orjson cannot write."""
    level: list[Any] = [value]
    for _depth in range(MAX_DEPTH):
        children = chain.from_iterable(node.values() if type(node) is dict else node for node in level)
        level = []
        for child in [each for each in children if type(each) not in _HARMLESS]:
            if type(child) is int:
                _check_integer(child)
            else:
                level.append(child)
        if not level:
            return
    raise _too_deep()


def _check_integer(value: int) -> None:
    if not -(2**63) <= value < 2**64:
        raise Malformed("The body has an integer that 64 bits do not hold.")


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _peak_of(text: bytes) -> int:
    """Return how many times its size a text takes while it is decoded: one wide character makes all of them wide."""
    if _WIDE_ESCAPE.search(text) or text.translate(None, _BELOW_F0):
        return 7
    if _ESCAPE.search(text):
        return 5
    return 3 if b"\\u" in text or text.translate(None, _BELOW_C4) else 2


class _Frugal:
    """Decodes a large body part by part: equal parts become one object, and what all of it takes is counted.

    So the payload of a push with thousands of commits takes less than twice its size, and what would take more than
    the budget is refused before it does.
    """

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._seen: dict[tuple[int, bytes], Any] = {}

    def decode(self, body: bytes | bytearray) -> dict[str, Any]:
        """Return the object. Raises Malformed, and ValueError or RecursionError for what is not JSON."""
        self._expect(body.count(b",") * _PART_SIZE)
        return self._decode_object(body, 1)

    def _decode_object(self, part: Raw | bytes | bytearray, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = _OBJECT_OF_PARTS.decode(part)
        self._take(getsizeof(found) + len(found) * _PART_SIZE)
        for name, inner in found.items():
            found[name] = self._decode_part(inner, depth)
            self._left += _PART_SIZE
        return found

    def _decode_list(self, part: Raw, depth: int) -> list[Any]:
        view = memoryview(part)
        if view.nbytes > _LONG_TEXT:
            self._expect(view.tobytes().count(b",") * _PART_SIZE)
        found: list[Any] = _LIST_OF_PARTS.decode(part)
        self._take(getsizeof(found) + len(found) * _PART_SIZE)
        for place, inner in enumerate(found):
            found[place] = self._decode_part(inner, depth)
            self._left += _PART_SIZE
        return found

    def _decode_part(self, part: Raw, depth: int) -> Any:
        view = memoryview(part)
        if view.nbytes > _SHARED:
            return self._decode_new(part, view, depth)
        key = (depth, view.tobytes())  # with the depth, which is checked where a part is decoded
        if key not in self._seen:
            if len(self._seen) >= _MOST_SHARED:
                self._seen.clear()
            self._seen[key] = self._decode_new(part, view, depth)
        return self._seen[key]

    def _decode_new(self, part: Raw, view: memoryview, depth: int) -> Any:
        first = view[:1].tobytes()
        if first in {b"{", b"["}:
            if depth >= MAX_DEPTH:
                raise _too_deep()
            return (self._decode_object if first == b"{" else self._decode_list)(part, depth + 1)
        if view.nbytes > _LONG_TEXT:
            self._expect(view.nbytes * _peak_of(view.tobytes()))
        value = _ANY.decode(part)
        if type(value) is int:
            _check_integer(value)
        self._take(getsizeof(value))
        return value

    def _take(self, size: int) -> None:
        self._left -= size
        self._expect(0)

    def _expect(self, size: int) -> None:
        if size > self._left:
            raise Malformed(
                f"The body, decoded, would take more than {_BUDGET} times its size in memory. Send less at once."
            )


def _form_value(body: bytes, field: str) -> bytearray:
    fields = re.compile(b"(?:^|&)" + re.escape(field.encode("ascii")) + b"=([^&]*)")
    spans = [found.span(1) for found in islice(fields.finditer(body), 2)]
    if len(spans) != 1:
        raise Malformed(f"The form has not exactly one field {field}.")
    return _unquote(body, *spans[0])


def _unquote(body: bytes, start: int, stop: int) -> bytearray:
    """Decode form encoding piece by piece: at once, `unquote_to_bytes` needs thirty times the memory of the body."""
    decoded = bytearray()
    while start < stop:
        end = min(start + _CHUNK, stop)
        escape = body.rfind(b"%", end - 2, end) if end < stop else -1  # one that this piece would cut
        end = escape if escape > start else end
        decoded += unquote_to_bytes(body[start:end].replace(b"+", b" "))
        start = end
    return decoded
