# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service needs to check a delivery: headers read strictly, comparisons in constant time."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import Any, Final

from playhook.domain.delivery import Delivery
from playhook.errors import Malformed

_MAX_LENGTH: Final = 255  # of the columns that hold event types and guids

SECRET_HEADER: Final = re.compile(
    r"token|sign|secret|auth|password|cookie|credential|forwarded|real-ip|(?<!event-)(?<!idempotency-)key"
)
"""What is in the names, in lower case, of headers that are never stored, shown or given to expressions."""


def find_word(delivery: Delivery, name: str) -> str | None:
    """Return a header that becomes an event type or a guid; None when it is missing or empty.

    Raises Malformed when it is longer than 255 characters or has unprintable ones.
    """
    return as_word(delivery.headers.get(name), f"The header {name}")


def get_word(delivery: Delivery, name: str) -> str:
    """Return such a header. Raises Malformed also when it is missing."""
    value = find_word(delivery, name)
    if value is None:
        raise Malformed(f"The delivery has no header {name}.")
    return value


def as_word(value: Any, what: str) -> str | None:
    """Return a value that becomes an event type or a guid; None when there is none.

    Raises Malformed when it is no text, longer than 255 characters or has unprintable ones.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed(f"{what} is not a text.")
    word = value.strip()
    if len(word) > _MAX_LENGTH:
        raise Malformed(f"{what} has {len(word)} characters; {_MAX_LENGTH} are allowed.")
    if not word.isprintable():
        raise Malformed(f"{what} has unprintable characters.")
    return word or None


def header_bytes(value: str) -> bytes:
    """Return the bytes of a header as they were on the wire. What cannot have been there equals nothing."""
    return value.encode("latin-1", "backslashreplace")


def equals_one_of(given: bytes, wanted: Iterable[bytes]) -> bool:
    """Compare with every wanted value in constant time, without stopping at a match."""
    found = False
    for each in wanted:
        found |= hmac.compare_digest(given, each)
    return found
