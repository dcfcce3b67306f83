# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a query string to what a list is asked for: AWX's filter language, read and checked.

`[or__|chain__][not__]<name>[__<name>…][__<lookup>]=value`; AWX's user guide and the text of its OPTIONS answers
describe it. Error sentences are those of AWX, which are Django's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import regex
from sqlalchemy import Boolean, Column, Float, Integer

from playhook.errors import BadQuery, Forbidden
from playhook.store import tables as t
from playhook.store.collections import Catalog, Collection, Link
from playhook.store.columns import UtcTime

RESERVED: Final = frozenset(
    {"page", "page_size", "format", "order", "order_by", "search", "type", "host_filter", "count_disabled",
     "no_truncate", "limit", "role_level"}
)  # fmt: skip
OPERATORS: Final = frozenset(
    {"exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex",
     "iregex", "gt", "gte", "lt", "lte", "in", "isnull", "search"}
)  # fmt: skip
_DEEPEST: Final = 6
_LONGEST_PATTERN: Final = 256  # a pattern is run against every row
_BIGGEST: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Step:
    """One link on the way to the column that is compared."""

    name: str
    link: Link
    target: Collection


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One comparison. `steps` lead to the collection that has `column`; `negated` covers the whole way."""

    steps: tuple[Step, ...]
    column: str
    operator: str
    value: Any
    negated: bool = False

    def tail(self) -> Lookup:
        """Return the same comparison seen from where the first step leads."""
        return replace(self, steps=self.steps[1:], negated=False)


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """What a list is asked for. Every group must hold: `all_of` at once, one of `any_of`, each of `chained`."""

    all_of: tuple[Lookup, ...] = ()
    any_of: tuple[Lookup, ...] = ()
    chained: tuple[Lookup, ...] = ()
    searches: tuple[tuple[Lookup, ...], ...] = ()
    terms: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    order: tuple[tuple[Lookup, bool], ...] = ()


def parse_query(catalog: Catalog, collection: Collection, pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """Read a query string's pairs. Raises BadQuery and Forbidden."""
    groups: dict[str, list[Lookup]] = {"": [], "or__": [], "chain__": []}
    searches: list[tuple[Lookup, ...]] = []
    reserved: dict[str, str] = {}
    for name, value in pairs:
        if name in RESERVED:
            reserved[name] = value
        elif name.endswith("__search"):
            searches += _read_search(catalog, collection, name, value)
        else:
            group, lookup = _read_filter(catalog, collection, name, value)
            groups[group].append(lookup)
    types = tuple(reserved["type"].split(",")) if reserved.get("type") else None
    order = (reserved.get("order_by") or reserved.get("order") or "").split(",")
    return ListQuery(
        all_of=tuple(groups[""]),
        any_of=tuple(groups["or__"]),
        chained=tuple(groups["chain__"]),
        searches=tuple(searches),
        terms=tuple(reserved.get("search", "").replace(",", " ").split()),
        types=types,
        order=tuple(_read_order(catalog, collection, name) for name in (*order, *collection.order) if name),
    )


def _read_filter(catalog: Catalog, collection: Collection, name: str, text: str) -> tuple[str, Lookup]:
    group = next((prefix for prefix in ("or__", "chain__") if name.startswith(prefix)), "")
    path = name.removeprefix(group)
    negated = path.startswith("not__")
    path = path.removeprefix("not__")
    head, _separator, last = path.rpartition("__")
    path, operator = (head, last) if head and last in OPERATORS else (path, "exact")
    if not path or not path.isascii():
        raise BadQuery("Query string field name not provided." if not path else f"{path!r} is not a field name.")
    steps, column = _follow(catalog, collection, path.split("__"))
    lookup = _compare(steps, steps[-1].target if steps else collection, column, operator, text)
    return group, replace(lookup, negated=lookup.negated ^ negated)


def _read_search(catalog: Catalog, collection: Collection, name: str, text: str) -> list[tuple[Lookup, ...]]:
    path = name.removesuffix("__search")
    steps, column = _follow(catalog, collection, path.split("__"), arrives=True)
    if not steps or column != "id":
        raise BadQuery(f"{path} is not searchable")
    texts = [each for each in text.split(",") if each]
    target = steps[-1].target
    return [
        tuple(Lookup(steps=steps, column=target.columns[each], operator="icontains", value=term)
              for each in target.search)
        for term in texts
    ]  # fmt: skip


def _read_order(catalog: Catalog, collection: Collection, name: str) -> tuple[Lookup, bool]:
    descending = name.startswith("-")
    steps, column = _follow(catalog, collection, name.removeprefix("-").split("__"))
    if any(not step.link.to_one for step in steps):
        raise BadQuery(f"A list cannot be ordered by {name.removeprefix('-')}: it has many values.")
    return Lookup(steps=steps, column=column, operator="order", value=None), descending


def _follow(
    catalog: Catalog, collection: Collection, names: Sequence[str], *, arrives: bool = False
) -> tuple[tuple[Step, ...], str]:
    """Walk the links that `names` spell; return them and the last name's column.

    A name that ends on a link means the id of what it leads to: a foreign key here needs no step for that, unless the
    walk `arrives` there.
    """
    steps: list[Step] = []
    seen: set[tuple[str, str]] = set()
    here: Collection | None = collection
    column = "id"
    for position, name in enumerate(names):
        if here is None:
            raise BadQuery(f"No related model for field {name}.")
        column, link = _find_name(here, name)
        if (here.model, name) in seen or position >= _DEEPEST:
            raise BadQuery(f"Loops not allowed in filters, detected on field {name}.")
        seen.add((here.model, name))
        is_last = position == len(names) - 1
        if link is None:
            here = None
        elif arrives or not (is_last and link.to_one):
            target = catalog[link.target]
            steps.append(Step(name=name, link=link, target=target))
            here, column = target, "id"
    return tuple(steps), column


def _find_name(here: Collection, name: str) -> tuple[str, Link | None]:
    if name in here.forbidden:
        raise Forbidden(f"Filtering on {'password fields' if name == 'password' else name} is not allowed.")
    link = here.links.get(name)
    if link is not None:
        return link.column or "id", link
    if name == "pk":
        return "id", None
    if name not in here.columns:
        raise BadQuery(f"{here.model} has no field named '{name}'")
    return here.columns[name], None


def _compare(steps: tuple[Step, ...], holder: Collection, column: str, operator: str, text: str) -> Lookup:
    stored = t.metadata.tables[holder.table].c[column]
    lookup = Lookup(steps=steps, column=column, operator=operator, value=text)
    if operator == "isnull":
        wanted = _to_boolean(text)
        # "No such object" counts as null, and so does an object without the value: the opposite of "has one".
        return replace(lookup, value=False, negated=wanted) if steps else replace(lookup, value=wanted)
    if operator == "in":
        if not text:
            raise BadQuery("cannot provide empty value for __in")
        return replace(lookup, value=[_to_value(stored, each) for each in text.split(",")])
    if operator in {"regex", "iregex"}:
        return replace(lookup, value=_to_pattern(text))
    return replace(lookup, value=_to_value(stored, text))


def _to_pattern(text: str) -> str:
    if len(text) > _LONGEST_PATTERN:
        raise BadQuery(f"a regular expression may have {_LONGEST_PATTERN} characters")
    try:
        re.compile(text)  # what AWX knows, in its words
        regex.compile(text, regex.VERSION0)  # what is run, see `regexp`
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise BadQuery(str(error)) from None
    return text


def _to_value(column: Column[Any], text: str) -> Any:
    if column.foreign_keys:
        return _to_id(column.name.removesuffix("_id"), text)
    for kind, convert in _CONVERSIONS:
        if isinstance(column.type, kind):
            return convert(text)
    return text


def _to_id(name: str, text: str) -> int | None:
    if text.lower() in {"none", "null"}:
        return None
    try:
        value = int(text)
    except ValueError:
        raise BadQuery(f"Invalid {name} id: {text}") from None
    return value if abs(value) <= _BIGGEST else -1


def _to_boolean(text: str) -> bool:
    words = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise BadQuery(f'Unable to convert "{text}" to boolean') from None


def _to_integer(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise BadQuery(f'["\u201c{text}\u201d value must be an integer."]') from None
    return max(-_BIGGEST, min(_BIGGEST, value))


def _to_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadQuery(f'["\u201c{text}\u201d value must be a float."]') from None


def _to_time(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text.replace(" ", "T", 1) if ":" in text else text)
    except ValueError:
        raise BadQuery(
            f'["\u201c{text}\u201d value has an invalid format. '
            'It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format."]'
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


_CONVERSIONS: Final[tuple[tuple[type, Callable[[str], Any]], ...]] = (
    (Boolean, _to_boolean),
    (Integer, _to_integer),
    (Float, _to_float),
    (UtcTime, _to_time),
)
