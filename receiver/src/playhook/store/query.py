# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list: what was asked for, as one SELECT. A relation is an EXISTS, so that no row comes twice."""

from __future__ import annotations

import operator as operators
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Result,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.exc import DataError, OperationalError

from playhook.errors import BadQuery
from playhook.store import tables as t
from playhook.store.collections import Collection, Row
from playhook.store.engine import read_timed_out
from playhook.store.lookups import ListQuery, Lookup, Step

_ORDERED = {"gt": operators.gt, "gte": operators.ge, "lt": operators.lt, "lte": operators.le}

Reading = Connection
"""An open read transaction, for code that may not name SQLAlchemy."""


@dataclass(frozen=True, kw_only=True)
class Within:
    """Only what one parent has, by a table between the two: its columns for the listed and for the parent's id.

    `kind` are that table's other columns with the values that are asked for. `in_order` is that of the table's rows,
    which is the order of a list that its author ordered.
    """

    table: str
    listed: str
    parent: str
    parent_id: int
    kind: Mapping[str, str] = field(default_factory=dict)
    in_order: bool = False


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the server itself asks for besides the query: columns with a value, and a parent."""

    columns: tuple[tuple[str, Any], ...] = ()
    within: Within | None = None


ANYWHERE: Final = Scope()


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows of a list and how many there are in all; `count` is None when it was not asked for."""

    rows: list[Row]
    count: int | None
    has_next: bool


def read_page(
    connection: Connection,
    collection: Collection,
    query: ListQuery,
    scope: Scope = ANYWHERE,
    *,
    offset: int,
    size: int,
    counted: bool = True,
) -> Page:
    """Read `size` rows from `offset` on, ordered as asked and by id at last. Raises BadQuery for a slow pattern."""
    table = t.metadata.tables[collection.table]
    where = _where(connection, collection, table, query, scope)
    shown = [column for column in table.c if column.name not in collection.unread_in_lists]
    statement = select(*shown).where(where).order_by(*_order(table, query, scope)).offset(offset).limit(size + 1)
    with _bounded(connection):
        rows = to_rows(connection.execute(statement))
        count = None
        if counted:
            known = offset + len(rows) if 0 < len(rows) <= size or (not rows and offset == 0) else None
            count = known if known is not None else count_rows(connection, table, where)
    return Page(rows=rows[:size], count=count, has_next=len(rows) > size)


def count_matching(connection: Connection, collection: Collection, query: ListQuery, scope: Scope = ANYWHERE) -> int:
    """Count what a list holds. Raises BadQuery for a slow pattern."""
    table = t.metadata.tables[collection.table]
    with _bounded(connection):
        return count_rows(connection, table, _where(connection, collection, table, query, scope))


@contextmanager
def _bounded(connection: Connection) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if read_timed_out(connection, error):
            raise BadQuery("The regular expression takes too long; write a simpler one.") from None
        raise
    except DataError as error:  # PostgreSQL's regular expressions lack some of Python's words
        raise BadQuery(f"The database cannot look for this: {error.orig}") from None


def to_rows(result: Result[Any]) -> list[Row]:
    """Return what a SELECT found; for many rows this takes half the time of `mappings()`."""
    names = tuple(result.keys())
    return [dict(zip(names, values, strict=True)) for values in result.all()]


def count_rows(connection: Connection, table: FromClause, where: ColumnElement[bool]) -> int:
    """Count what `where` lets through."""
    return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())


def find_matching(connection: Connection, collection: Collection, query: ListQuery) -> Row | None:
    """Read the first row that matches, None when none does."""
    page = read_page(connection, collection, query, offset=0, size=1, counted=False)
    return page.rows[0] if page.rows else None


def of_types(table: FromClause, types: Iterable[str]) -> ColumnElement[bool]:
    """Keep a shared table's rows of these types; all of them when none is named."""
    named = tuple(types)
    return table.c.type.in_(named) if named else true()


def _where(
    connection: Connection, collection: Collection, table: FromClause, query: ListQuery, scope: Scope
) -> ColumnElement[bool]:
    build = _Builder(sqlite=connection.dialect.name == "sqlite")
    conditions = [of_types(table, collection.types), _in_scope(table, scope)]
    if query.types is not None:
        conditions.append(_of_asked_types(collection, table, query.types))
    conditions.append(build.all_of(table, query.all_of))
    conditions += [build.one(table, each) for each in query.chained]
    if query.any_of:
        conditions.append(or_(*(build.one(table, each) for each in query.any_of)))
    conditions += [or_(false(), *(build.one(table, each) for each in search)) for search in query.searches]
    for term in query.terms:
        fields = [table.c[collection.columns[name]] for name in collection.search]
        conditions.append(or_(false(), *(build.contains(each, term, folded=True) for each in fields)))
    return and_(*conditions)


def _in_scope(table: FromClause, scope: Scope) -> ColumnElement[bool]:
    conditions = [_holds(table, scope.columns)]
    if scope.within is not None:
        between = t.metadata.tables[scope.within.table]
        of_kind = [between.c[name] == value for name, value in scope.within.kind.items()]
        of_parent = between.c[scope.within.parent] == scope.within.parent_id
        listed = select(between.c[scope.within.listed]).where(of_parent, *of_kind)
        conditions.append(table.c.id.in_(listed))
    return and_(true(), *conditions)


def _holds(table: FromClause, columns: Iterable[tuple[str, Any]]) -> ColumnElement[bool]:
    return and_(
        true(), *(table.c[name] == value if value is not None else table.c[name].is_(None) for name, value in columns)
    )


def _of_asked_types(collection: Collection, table: FromClause, types: Sequence[str]) -> ColumnElement[bool]:
    if "type" in table.c:
        return table.c.type.in_(types)
    return true() if collection.type in types else false()


def _order(table: FromClause, query: ListQuery, scope: Scope) -> list[ColumnElement[Any]]:
    if scope.within is not None and scope.within.in_order and query.in_own_order:
        between = t.metadata.tables[scope.within.table]
        listed = between.c[scope.within.listed] == table.c.id
        of_parent = between.c[scope.within.parent] == scope.within.parent_id
        return [select(between.c.id).where(listed, of_parent).correlate(table).scalar_subquery()]
    # Nulls as PostgreSQL puts them, which is what AWX shows: last, and first when descending.
    order = []
    for lookup, descending in query.order:
        column = _ordered_by(table, lookup.steps, lookup.column)
        order.append(column.desc().nulls_first() if descending else column.asc().nulls_last())
    return [*order, table.c.id.asc()]


def _ordered_by(table: FromClause, steps: Sequence[Step], column: str) -> ColumnElement[Any]:
    if not steps:
        return table.c[column]
    target = t.metadata.tables[steps[0].target.table].alias()
    value = _ordered_by(target, steps[1:], column)
    seen = and_(target.c.id == table.c[steps[0].link.column], _holds(target, steps[0].target.visible))
    return select(value).where(seen).correlate(table).scalar_subquery()


@dataclass(frozen=True, kw_only=True)
class _Builder:
    """Turns lookups into conditions; `sqlite` picks the dialect where the two differ."""

    sqlite: bool

    def one(self, table: FromClause, lookup: Lookup) -> ColumnElement[bool]:
        condition = self.all_of(table, [_positive(lookup)])
        # "Not equal" holds for what has no value at all, as in AWX, where SQL would say neither yes nor no.
        return case((condition, false()), else_=true()) if lookup.negated else condition

    def all_of(self, table: FromClause, lookups: Sequence[Lookup]) -> ColumnElement[bool]:
        """Let all hold at once: those that lead the same way are about one and the same object there."""
        conditions: list[ColumnElement[bool]] = [self.one(table, each) for each in lookups if each.negated]
        positive = [each for each in lookups if not each.negated]
        conditions += [self.compare(table, each) for each in positive if not each.steps]
        leading = sorted((each for each in positive if each.steps), key=lambda each: each.steps[0].name)
        for _name, group in groupby(leading, key=lambda each: each.steps[0].name):
            conditions.append(self.through(table, list(group)))
        return and_(true(), *conditions)

    def through(self, table: FromClause, lookups: Sequence[Lookup]) -> ColumnElement[bool]:
        step = lookups[0].steps[0]
        target = t.metadata.tables[step.target.table].alias()
        seen = and_(of_types(target, step.target.types), _holds(target, step.target.visible))
        inner = and_(seen, self.all_of(target, [each.tail() for each in lookups]))
        link = step.link
        if link.through is not None:
            name, here, there = link.through
            between = t.metadata.tables[name].alias()
            return exists().where(between.c[here] == table.c.id, between.c[there] == target.c.id, inner)
        if link.back:
            return exists().where(target.c[link.column] == table.c.id, inner)
        return exists().where(target.c.id == table.c[link.column], inner)

    def compare(self, table: FromClause, lookup: Lookup) -> ColumnElement[bool]:
        column: ColumnElement[Any] = table.c[lookup.column]
        value, operator = lookup.value, lookup.operator
        if operator == "isnull":
            return column.is_(None) if value else column.is_not(None)
        if value is None:
            return column.is_(None)
        if operator == "in":
            return column.in_([each for each in value if each is not None])
        if operator in {"gt", "gte", "lt", "lte"}:
            ordered: ColumnElement[bool] = _ORDERED[operator](column, value)
            return ordered
        if operator == "exact" and not isinstance(value, str):
            return column.is_(value) if isinstance(value, bool) else column == literal(value, column.type)
        as_text = column if isinstance(column.type, String) else cast(column, String)
        return self._compare_text(as_text, operator, value)

    def _compare_text(self, column: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
        text = str(value)
        if operator == "exact":
            return column == text
        if operator == "regex":
            return column.regexp_match(text)
        if operator == "iregex":
            return column.regexp_match(f"(?i){text}") if self.sqlite else column.regexp_match(text, flags="i")
        folded = operator.startswith("i")
        if operator == "iexact":
            return func.lower(column) == func.lower(text)
        where = operator.removeprefix("i")
        if where == "contains":
            return self.contains(column, text, folded=folded)
        left, right = (func.lower(column), func.lower(text)) if folded else (column, literal(text))
        length = func.length(right)
        if where == "startswith":
            return func.substr(left, 1, length) == right
        return and_(func.length(left) >= length, func.substr(left, func.length(left) - length + 1) == right)

    def contains(self, column: ColumnElement[Any], text: str, *, folded: bool) -> ColumnElement[bool]:
        left, right = (func.lower(column), func.lower(text)) if folded else (column, literal(text))
        return (func.instr if self.sqlite else func.strpos)(left, right) > 0


def _positive(lookup: Lookup) -> Lookup:
    return Lookup(steps=lookup.steps, column=lookup.column, operator=lookup.operator, value=lookup.value)
