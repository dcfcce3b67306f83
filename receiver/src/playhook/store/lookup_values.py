# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of a query string, as their columns hold them. Error sentences are Django's, which AWX passes on."""

from __future__ import annotations

import math
import operator as operators
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, Final

import regex
from sqlalchemy import Boolean, Column, Float, Integer

from playhook.errors import BadQuery
from playhook.store.collections import Constant
from playhook.store.columns import UtcTime

_LONGEST_PATTERN: Final = 256  # a pattern is run against every row
_PATTERN_TIME: Final = 0.1  # seconds; constants are short
_ORDERS: Final = {"gt": operators.gt, "gte": operators.ge, "lt": operators.lt, "lte": operators.le}
_BIGGEST: Final = 2**63 - 1
_DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?"
    r"\s*(Z|[+-]\d{2}(?::?\d{2})?)?"
)


def to_value(column: Column[Any], text: str) -> Any:
    """Read a value for a column. Raises BadQuery."""
    for kind, convert in _CONVERSIONS:
        if isinstance(column.type, kind):
            return convert(text)
    return text


def read_value(read: Callable[[str], Any], operator: str, text: str) -> Any:
    """Read what an operator compares with, given how one value is read. Raises BadQuery."""
    if operator == "isnull":
        return to_boolean(text)
    if operator == "in":
        if not text:
            raise BadQuery("cannot provide empty value for __in")
        return [read(each) for each in text.split(",")]
    if operator in {"regex", "iregex"}:
        return to_pattern(text)
    return text if operator == "iexact" else read(text)


def holds(constant: Constant, name: str, operator: str, text: str) -> bool:
    """Say whether a comparison with a constant is true. Raises BadQuery."""
    read = _KINDS.get(constant.kind, str)
    wanted = read_value(partial(to_id, name) if constant.kind == "id" else read, operator, text)
    value = constant.value
    if operator in {"isnull", "in", "exact"}:
        return bool((value is None) == wanted if operator == "isnull" else value in wanted if operator == "in"
                    else value == wanted)  # fmt: skip
    if value is None:
        return False
    if operator in _ORDERS:
        return bool(_ORDERS[operator](value, wanted))
    return _holds_for_text(str(value), operator, str(wanted))


def _holds_for_text(value: str, operator: str, wanted: str) -> bool:
    if operator in {"regex", "iregex"}:
        flags = regex.IGNORECASE if operator == "iregex" else 0
        return regex.search(wanted, value, flags | regex.VERSION0, timeout=_PATTERN_TIME) is not None
    if operator.startswith("i"):
        value, wanted, operator = value.lower(), wanted.lower(), operator.removeprefix("i")
    tests = {"exact": value.__eq__, "contains": value.__contains__, "startswith": value.startswith,
             "endswith": value.endswith}  # fmt: skip
    return bool(tests[operator](wanted))


def to_id(name: str, text: str) -> int | None:
    """Read the id that a relation is compared with; `null` is None. Raises BadQuery, which names the relation."""
    if text.lower() in {"none", "null"}:
        return None
    try:
        value = int(text)
    except ValueError:
        raise BadQuery(f"Invalid {name} id: {text}") from None
    return value if abs(value) <= _BIGGEST else -1


def to_boolean(text: str) -> bool:
    """Read a boolean. Raises BadQuery."""
    words = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise BadQuery(f'Unable to convert "{text}" to boolean') from None


def to_pattern(text: str) -> str:
    """Check a regular expression. Raises BadQuery."""
    if len(text) > _LONGEST_PATTERN:
        raise BadQuery(f"a regular expression may have {_LONGEST_PATTERN} characters")
    try:
        re.compile(text)  # what AWX knows, in its words
        regex.compile(text, regex.VERSION0)  # what is run, see `regexp`
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise BadQuery(str(error)) from None
    return text


def _to_integer(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise _invalid(text, "value must be an integer.") from None
    return max(-_BIGGEST, min(_BIGGEST, value))


def _to_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if math.isnan(value):
        raise _invalid(text, "value must be a decimal number.")
    return value


def _to_time(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        value = _to_loose_time(text)
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise _invalid(text, "value has the correct format but it is out of range.") from None


def _to_loose_time(text: str) -> datetime:
    """Read what Django takes besides ISO 8601: one digit for a month or an hour, blanks before the zone."""
    match = _TIME.fullmatch(text) or _DATE.fullmatch(text)
    if match is None:
        raise _invalid(text, "value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format.")
    parts = match.groups()
    has_time = len(parts) > 3
    year, month, day, hour, minute, second = (int(each or 0) for each in (*parts[:6], 0, 0, 0)[:6])
    microsecond = int((parts[6] or "0").ljust(6, "0")) if has_time else 0
    try:
        zone = _to_zone(parts[7]) if has_time else None
        return datetime(year, month, day, hour, minute, second, microsecond, zone)
    except ValueError:
        known = "(YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) but it is an invalid date/time."
        wrong = known if has_time else "(YYYY-MM-DD) but it is an invalid date."
        raise _invalid(text, f"value has the correct format {wrong}") from None


def _to_zone(text: str | None) -> timezone | None:
    if text is None or text == "Z":
        return UTC if text else None
    minutes = int(text[1:3]) * 60 + int(text[-2:] if len(text) > 3 else 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _invalid(text: str, complaint: str) -> BadQuery:
    return BadQuery(f'["\u201c{text}\u201d {complaint}"]')


_KINDS: Final[dict[str, Callable[[str], Any]]] = {
    "boolean": to_boolean, "integer": _to_integer, "float": _to_float, "datetime": _to_time,
}  # fmt: skip
_CONVERSIONS: Final[tuple[tuple[type, Callable[[str], Any]], ...]] = (
    (Boolean, to_boolean),
    (Integer, _to_integer),
    (Float, _to_float),
    (UtcTime, _to_time),
)
