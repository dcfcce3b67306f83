# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of several tables by one statement, which PostgreSQL commits when it has run it: one question, one answer.

The rows do not have their ids yet. They have numbers, from 1 on in each table, and name each other by them; the
statement takes the ids and puts them in. A row is left out with the row that it refers to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Dialect, LargeBinary, Table

from playhook.store.bulk import Part, Row, find_defaults, run_at_driver, write_document

_VERSION: Final = "(SELECT config_version FROM installation)"
_KIND: Final = "kind"  # of a row: the number of what it has in common with others, from 1 on


@dataclass(frozen=True, kw_only=True, slots=True)
class Inserted:
    """What became of it; nothing is stored when the config version is another than was asked for.

    `ids` are each table's, by number less one; `stored` are those of the first part that are stored.
    """

    version: int
    ids: Mapping[str, Sequence[int]]
    stored: frozenset[int]


def insert_together(connection: Connection, parts: Sequence[Part], *, version: int) -> Inserted:
    """Insert the parts, each after those that it refers to, if the config version still is `version`."""
    family = _make_family(connection.dialect, tuple(map(_shape_of, parts)))
    values: list[Any] = [sum(len(part.rows) for part in parts if part.table is table) for table in family.numbered]
    values.append(version)
    for part, columns in zip(parts, family.columns, strict=True):
        values += _write_rows(part.rows, columns)
    found = run_at_driver(connection, family.statement, values).fetchone()
    current, stored, *taken = found
    ids = {table.name: of_table for table, of_table in zip(family.numbered, taken, strict=True)}
    return Inserted(version=current, ids=ids, stored=frozenset(stored))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """The columns of a part by the way in which their values come to the server.

    Bytes come apart: in JSON they would be twice as long, and be read twice. What rows have in common (`shared`) comes
    once for all of them, with the `defaults` of what no row names.
    """

    bytes: Sequence[str]
    own: Sequence[str]
    shared: Sequence[str]
    defaults: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Family:
    """The statement for parts of certain tables and columns: the same text each time, so that it stays prepared."""

    statement: str
    numbered: Sequence[Table]
    columns: Sequence[_Columns]


_Shape = tuple[Table, frozenset[str], frozenset[str], tuple[str, ...]]


def _shape_of(part: Part) -> _Shape:
    own = frozenset[str]().union(*(row.own for row in part.rows))
    return part.table, own, frozenset(part.rows[0].common).difference(own), part.unless_taken


@lru_cache(maxsize=256)
def _make_family(dialect: Dialect, shapes: tuple[_Shape, ...]) -> _Family:
    numbered = list(dict.fromkeys(table for table, own, _common, _unless_taken in shapes if "id" in own))
    columns = [_sort_columns(table, own, common) for table, own, common, _unless_taken in shapes]
    parts: list[str] = []
    stored = defaultdict[Table, list[str]](list)
    for (table, own, common, unless_taken), of_part in zip(shapes, columns, strict=True):
        name = f"part{len(parts)}"
        wanted = [] if parts else ["ids.version = ids.wanted"]
        given = {}
        for column, other in _find_references(table, own | common):
            if other in stored:
                if column in common:
                    raise TypeError(f"{table.name}.{column} is a number, which rows cannot have in common")
                given[column] = _number(column, other)
                wanted.append(f"{given[column]} IN ({' UNION ALL '.join(stored[other])})")
        if table in numbered:
            given["id"] = _number("id", table)
            stored[table].append(f"SELECT id FROM {name}")  # noqa: S608  names of ours
        insert = _insert(dialect, table, of_part, given, wanted)
        tail = f" ON CONFLICT ({', '.join(unless_taken)}) DO NOTHING" if unless_taken else ""
        parts.append(f"{name} AS ({insert}{tail} RETURNING id)")
    taken = ", ".join(_take_ids(table.name) for table in numbered)
    ids = ", ".join(f"ids.{table.name}" for table in numbered)
    statement = (
        f"WITH ids AS MATERIALIZED (SELECT {taken}, %s::int AS wanted, {_VERSION} AS version), {', '.join(parts)}"  # noqa: S608  names of ours
        f" SELECT ids.version, ARRAY(SELECT id FROM part0), {ids} FROM ids"
    )
    return _Family(statement=statement, numbered=numbered, columns=columns)


def _sort_columns(table: Table, own: frozenset[str], common: frozenset[str]) -> _Columns:
    defaults = find_defaults(table, own | common)
    apart = sorted(name for name in own if isinstance(table.c[name].type, LargeBinary))
    shared = sorted({*common, *defaults})
    return _Columns(bytes=apart, own=sorted(own.difference(apart)), shared=shared, defaults=defaults)


def _insert(dialect: Dialect, table: Table, columns: _Columns, given: Mapping[str, str], wanted: Sequence[str]) -> str:
    """Return the INSERT of the rows that are `wanted`, with the columns' values but for those `given`.

    Rows go in as they came: what is attached to a job has its order by it, and two such statements that wait for each
    other's keys would be a deadlock. Names are short: psycopg remembers where the parameters are in a text of up to
    4,096 characters, which deliveries and their jobs need.
    """
    quote = dialect.identifier_preparer.quote
    fields = [f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in columns.own]
    fields += [f"{_KIND} int"] if columns.shared else []
    source = f"ROWS FROM (json_to_recordset(%s::json) AS ({', '.join(fields)})) WITH ORDINALITY o"
    values = dict.fromkeys(columns.bytes, "(%b::bytea[])[o.id]")
    values |= {name: given.get(name, f"o.{quote(name)}") for name in columns.own}
    values |= {name: f"s.{quote(name)}" for name in columns.shared}
    if columns.shared:
        source += f", json_populate_recordset(NULL::{quote(table.name)}, %s::json) WITH ORDINALITY s"
        wanted = [f"o.{_KIND} = s.ordinality", *wanted]
    return (
        f"INSERT INTO {quote(table.name)} ({', '.join(map(quote, values))}) SELECT {', '.join(values.values())}"  # noqa: S608  names of ours
        f" FROM ids, {source} WHERE {' AND '.join(wanted)} ORDER BY o.ordinality"
    )


def _write_rows(rows: Sequence[Row], columns: _Columns) -> Iterator[list[bytes | None] | str]:
    """Yield the values of an INSERT's parameters, in order."""
    for name in columns.bytes:
        yield _list_bytes(name, rows)
    if not columns.shared:
        yield write_document([_pick(row, columns) for row in rows])
        return
    kinds = {id(row.common): row.common for row in rows}
    numbers = {kind: number for number, kind in enumerate(kinds, 1)}
    yield write_document([{**_pick(row, columns), _KIND: numbers[id(row.common)]} for row in rows])
    yield write_document([{**columns.defaults, **common} for common in kinds.values()])


def _pick(row: Row, columns: _Columns) -> dict[str, Any]:
    """Return what is a row's own in its part: also what others have of their own, and this one in common."""
    return {name: row.own[name] if name in row.own else row.common[name] for name in columns.own}


def _list_bytes(name: str, rows: Sequence[Row]) -> list[bytes | None]:
    """Return a column's values by number: the first is that of the row whose `id` is 1.

    The last one is nobody's: a list of nothing but None would have another type, and the statement be prepared again.
    """
    found: list[bytes | None] = [*([None] * max(row.own["id"] for row in rows)), b""]
    for row in rows:
        found[row.own["id"] - 1] = row.own[name]
    return found


def _take_ids(table: str) -> str:
    sequence = f"(SELECT pg_get_serial_sequence('{table}', 'id'))::regclass"
    return f"ARRAY(SELECT nextval({sequence}) FROM generate_series(1, %s)) AS {table}"  # noqa: S608  names of ours


def _number(column: str, table: Table) -> str:
    return f"ids.{table.name}[o.{column}]"


def _find_references(table: Table, names: Collection[str]) -> list[tuple[str, Table]]:
    """Return the columns that are named and refer to other tables."""
    return [
        (str(column.name), key.column.table)
        for column in table.columns
        for key in column.foreign_keys
        if column.name in names and key.column.table is not table
    ]
