# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a query string to what a list is asked for: AWX's filter language, read and checked.

`[or__|chain__][not__]<name>[__<name>…][__<lookup>]=value`; AWX's user guide and the text of its OPTIONS answers
describe it. Error sentences are those of AWX, which are Django's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Final

from sqlalchemy import String

from playhook.errors import BadQuery, Forbidden
from playhook.store import tables as t
from playhook.store.collections import Catalog, Collection, Constant, Link
from playhook.store.lookup_values import holds, read_value, to_id, to_value

RESERVED: Final = frozenset(
    {"page", "page_size", "format", "order", "order_by", "search", "type", "host_filter", "count_disabled",
     "no_truncate", "limit", "role_level", "validate"}
)  # fmt: skip
OPERATORS: Final = frozenset(
    {"exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex",
     "iregex", "gt", "gte", "lt", "lte", "in", "isnull", "search"}
)  # fmt: skip
_OF_RELATIONS: Final = frozenset({"exact", "gt", "gte", "lt", "lte", "in", "isnull"})
_PASSWORD_FIELDS: Final = frozenset({"inputs", "start_args"})
_DEEPEST: Final = 6
_MOST_COMPARISONS: Final = 200
_MOST_VALUES: Final = 10_000  # SQLite takes 32,766 in one statement
_NO_ROLES: Final = (
    "Cannot apply role_level filter to this list because its model does not use roles for access control."
)
_TERM: Final = re.compile(r"""((?:[^\s'"]*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^\s'"]*)+)|\S+)""")


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
    """What a list is asked for. Every group must hold: `all_of` at once, one of `any_of`, each of `chained`.

    `in_own_order` says that no order was asked for.
    """

    all_of: tuple[Lookup, ...] = ()
    any_of: tuple[Lookup, ...] = ()
    chained: tuple[Lookup, ...] = ()
    searches: tuple[tuple[Lookup, ...], ...] = ()
    terms: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    order: tuple[tuple[Lookup, bool], ...] = ()
    in_own_order: bool = False


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Where a path ends: a column, and the link that it belongs to when it is a relation; or a constant."""

    steps: tuple[Step, ...]
    holder: Collection
    column: str
    link: Link | None
    constant: Constant | None = None


def parse_query(catalog: Catalog, collection: Collection, pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """Read a query string's pairs. Raises BadQuery and Forbidden."""
    groups: dict[str, list[Lookup]] = {"": [], "or__": [], "chain__": []}
    searched: list[tuple[str, str]] = []
    reserved: dict[str, str] = {}
    for name, value in pairs:
        if name in RESERVED:
            reserved[name] = value
        elif name.endswith("__search"):
            searched.append((name, value))
        else:
            group, lookup = _read_filter(catalog, collection, name, value)
            groups[group].append(lookup)
    if "role_level" in reserved and not collection.has_roles:
        raise BadQuery(_NO_ROLES)
    types = tuple(reserved["type"].split(",")) if reserved.get("type") else None
    order = (reserved.get("order_by") or reserved.get("order") or "").split(",")
    query = ListQuery(
        all_of=tuple(groups[""]),
        any_of=tuple(groups["or__"]),
        chained=tuple(groups["chain__"]),
        searches=_read_searches(catalog, collection, searched),
        terms=tuple(_read_terms(reserved.get("search", ""))),
        types=types,
        in_own_order=not any(order),
        order=tuple(_read_order(catalog, collection, filter(None, (*order, *collection.order)))),
    )
    _refuse_too_much(query, collection)
    return query


def _refuse_too_much(query: ListQuery, collection: Collection) -> None:
    """Bound what one request makes of the database: each comparison, and each step on the way to it, is SQL."""
    ordered = (lookup for lookup, _descending in query.order)
    lookups = [*query.all_of, *query.any_of, *query.chained, *chain.from_iterable(query.searches), *ordered]
    asked = sum(1 + len(each.steps) for each in lookups) + len(query.terms) * len(collection.search)
    if asked > _MOST_COMPARISONS:
        raise BadQuery(f"A list takes {_MOST_COMPARISONS} comparisons at once; these are {asked}.")
    values = sum(len(each.value) for each in lookups if each.operator == "in") + len(query.types or ())
    if values > _MOST_VALUES:
        raise BadQuery(f"A list compares with {_MOST_VALUES} values at once; these are {values}.")


def _read_filter(catalog: Catalog, collection: Collection, name: str, text: str) -> tuple[str, Lookup]:
    group = next((prefix for prefix in ("or__", "chain__") if name.startswith(prefix)), "")
    path = name.removeprefix(group)
    negated = path.startswith("not__")
    path = path.removeprefix("not__")
    if not path.isascii():
        raise BadQuery(f"{path!r} is not an allowed field name. Must be ascii encodable.")
    if path.endswith("__int"):
        path, text = path.removesuffix("__int"), _check_integer(text)
    head, separator, last = path.rpartition("__")
    path, operator = (head, last) if separator and last in OPERATORS else (path, "exact")
    if not path:
        raise BadQuery("Query string field name not provided.")
    arrival = _follow(catalog, collection, path.split("__"))
    lookup = _compare(arrival, path.rpartition("__")[2], operator, text)
    return group, replace(lookup, negated=lookup.negated ^ negated)


def _check_integer(text: str) -> str:
    try:
        return str(int(text))
    except ValueError as error:
        raise BadQuery(str(error)) from None


def _read_searches(
    catalog: Catalog, collection: Collection, pairs: Iterable[tuple[str, str]]
) -> tuple[tuple[Lookup, ...], ...]:
    """Read searches of related objects: one term must be found, or all of them when a comma parts them."""
    found: list[tuple[Lookup, ...]] = []
    all_wanted = False
    for name, text in pairs:
        path = name.removesuffix("__search")
        arrival = _follow(catalog, collection, path.split("__"), arrives=True)
        if arrival.link is None:
            raise BadQuery(f"{path} is not searchable")
        all_wanted |= "," in text
        found += [_search(arrival, term) for term in text.split(",") if term]
    return tuple(found) if all_wanted or not found else (tuple(each for one in found for each in one),)


def _search(arrival: Arrival, term: str) -> tuple[Lookup, ...]:
    target = arrival.holder
    columns = (target.columns[name] for name in target.search)
    return tuple(Lookup(steps=arrival.steps, column=each, operator="icontains", value=term) for each in columns)


def _read_terms(text: str) -> Iterable[str]:
    """Split a search at blanks and commas; what is in quotation marks stays whole."""
    for match in _TERM.finditer(text):
        term = match[0].strip(",")
        if len(term) > 1 and term[0] in "\"'" and term[0] == term[-1]:
            yield re.sub(r"\\(.)", r"\1", term[1:-1])
        else:
            yield from filter(None, term.split(","))


def _read_order(catalog: Catalog, collection: Collection, names: Iterable[str]) -> Iterator[tuple[Lookup, bool]]:
    for name in names:
        path = name.removeprefix("-")
        arrival = _follow(catalog, collection, path.split("__"))
        if any(not step.link.to_one for step in arrival.steps):
            raise BadQuery(f"A list cannot be ordered by {path}: it has many values.")
        if arrival.constant is None:
            lookup = Lookup(steps=arrival.steps, column=arrival.column, operator="order", value=None)
            yield lookup, name.startswith("-")


def _follow(catalog: Catalog, collection: Collection, names: Sequence[str], *, arrives: bool = False) -> Arrival:
    """Walk the links that `names` spell.

    A name that ends on a link means the id of what it leads to: a foreign key here needs no step for that, unless the
    walk `arrives` there. Raises Forbidden for what the caller may not see.
    """
    steps: list[Step] = []
    seen: set[tuple[str, str]] = set()
    here: Collection | None = collection
    holder, column, link = collection, "id", None
    for position, name in enumerate(names):
        if here is None:
            raise BadQuery(f"No related model for field {name}.")
        holder = here
        column, link = _find_name(here, name)
        if (here.model, name) in seen or position >= _DEEPEST:
            raise BadQuery(f"Loops not allowed in filters, detected on field {name}.")
        seen.add((here.model, name))
        is_last = position == len(names) - 1
        here = catalog[link.target] if link is not None else None
        if link is not None and here is not None and (arrives or not (is_last and link.to_one)):
            if here.hidden:
                raise Forbidden
            steps.append(Step(name=name, link=link, target=here))
            holder, column = here, "id"
    constant = holder.constants.get(names[-1]) if link is None else None
    return Arrival(steps=tuple(steps), holder=holder, column=column, link=link, constant=constant)


def _find_name(here: Collection, name: str) -> tuple[str, Link | None]:
    if name in here.forbidden:
        raise Forbidden(f"Filtering on {'password fields' if name in _PASSWORD_FIELDS else name} is not allowed.")
    link = here.links.get(name)
    if link is not None:
        return link.column or "id", link
    if name == "pk":
        return "id", None
    if name in here.constants:
        return "id", None
    if name not in here.columns:
        raise BadQuery(f"{here.model} has no field named '{name}'")
    return here.columns[name], None


def _compare(arrival: Arrival, name: str, operator: str, text: str) -> Lookup:
    steps = arrival.steps
    if arrival.constant is not None:
        # No object is without an id: that is true of all of them, or of none.
        value = not holds(arrival.constant, name, operator, text)
        return Lookup(steps=steps, column="id", operator="isnull", value=value)
    stored = t.metadata.tables[arrival.holder.table].c[arrival.column]
    relation = arrival.link is not None or bool(stored.foreign_keys)
    read = partial(to_id, name) if relation else partial(to_value, stored)
    lookup = Lookup(steps=steps, column=arrival.column, operator=operator, value=read_value(read, operator, text))
    if operator == "isnull":
        # "No such object" counts as null, and so does an object without the value: the opposite of "has one".
        return replace(lookup, value=False, negated=lookup.value) if steps else lookup
    if operator == "iexact" and (relation or not isinstance(stored.type, String)):
        raise BadQuery(f"{name} is not a text field and cannot be filtered by case-insensitive search")
    if relation and operator not in _OF_RELATIONS:
        raise BadQuery(f"Related Field got invalid lookup: {operator}")
    return lookup
