# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of several tables by one statement, which PostgreSQL commits when it has run it: one question, one answer.

The rows do not have their ids yet. They have numbers, from 1 on in each table, and name each other by them; the
statement takes the ids and puts them in. A row is left out with the row that it refers to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Table

from playhook.store.bulk import Part, find_defaults, run_at_driver, write_document

_VERSION: Final = "(SELECT config_version FROM installation)"


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
    family = _make_family(connection.dialect, tuple((part.table, part.names, part.unless_taken) for part in parts))
    counts = [sum(len(part.rows) for part in parts if part.table is table) for table in family.numbered]
    first, *others = (
        write_document(defaults, part.rows) for defaults, part in zip(family.defaults, parts, strict=True)
    )
    found = run_at_driver(connection, family.statement, [*counts, first, version, *others]).fetchone()
    current, stored, *taken = found
    ids = {table.name: of_table for table, of_table in zip(family.numbered, taken, strict=True)}
    return Inserted(version=current, ids=ids, stored=frozenset(stored))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Family:
    """The statement for parts of certain tables and columns: the same text each time, so that it stays prepared."""

    statement: str
    numbered: Sequence[Table]
    defaults: Sequence[Mapping[str, Any]]


_Shape = tuple[Table, frozenset[str], tuple[str, ...]]


@lru_cache(maxsize=256)
def _make_family(dialect: Dialect, shapes: tuple[_Shape, ...]) -> _Family:
    quote = dialect.identifier_preparer.quote
    numbered = list(dict.fromkeys(table for table, names, _unless_taken in shapes if "id" in names))
    defaults = [find_defaults(table, names) for table, names, _unless_taken in shapes]
    taken = ", ".join(_take_ids(quote(table.name)) for table in numbered)
    parts, stored = [], defaultdict[Table, list[str]](list)
    for place, (table, names, unless_taken) in enumerate(shapes):
        referred = {name: other for name, other in _find_references(table, names) if other in stored}
        wanted = [f"{_VERSION} = %s"] if place == 0 else []
        wanted += [
            f"{_number(name, other)} IN ({' UNION ALL '.join(stored[other])})" for name, other in referred.items()
        ]
        values = {name: _number(name, other) for name, other in referred.items()}
        if table in numbered:
            values["id"] = _number("id", table)
            stored[table].append(f"SELECT id FROM part{place}")  # noqa: S608  names of ours
        columns = [*names, *defaults[place]]
        tail = f" ON CONFLICT ({', '.join(unless_taken)}) DO NOTHING" if unless_taken else ""
        parts.append(
            f"part{place} AS (INSERT INTO {quote(table.name)} ({', '.join(map(quote, columns))})"  # noqa: S608  names of ours
            f" SELECT {', '.join(values.get(name, quote(name)) for name in columns)}"
            f" FROM ids, json_populate_recordset(NULL::{quote(table.name)}, %s::json)"
            f" WHERE {' AND '.join(wanted)}{tail} RETURNING id)"
        )
    ids = ", ".join(f"ids.{quote(table.name)}" for table in numbered)
    statement = (
        f"WITH ids AS MATERIALIZED (SELECT {taken}), {', '.join(parts)}"  # noqa: S608  names of ours
        f" SELECT {_VERSION}, ARRAY(SELECT id FROM part0), {ids} FROM ids"
    )
    return _Family(statement=statement, numbered=numbered, defaults=defaults)


def _take_ids(table: str) -> str:
    sequence = f"(SELECT pg_get_serial_sequence('{table}', 'id'))::regclass"
    return f"ARRAY(SELECT nextval({sequence}) FROM generate_series(1, %s)) AS {table}"  # noqa: S608  names of ours


def _number(column: str, table: Table) -> str:
    return f"ids.{table.name}[{column}]"


def _find_references(table: Table, names: Collection[str]) -> list[tuple[str, Table]]:
    """Return the columns that are named and refer to other tables."""
    return [
        (str(column.name), key.column.table)
        for column in table.columns
        for key in column.foreign_keys
        if column.name in names and key.column.table is not table
    ]
