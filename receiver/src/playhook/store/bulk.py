# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rows by one statement: what a batch of deliveries costs the database, its driver and this process.

SQLAlchemy writes the statement and converts the values; what else it does for each row costs more than the database
does. And one statement gives up the interpreter's lock once, not once a row: getting it back means waiting for the
event loop each time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import Column, Connection, Dialect, Table, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

_ROWS: Final = 64  # of one statement
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_VERSION: Final = "SELECT (SELECT config_version FROM installation)"
_LAST_ID: Final = ", (SELECT seq FROM sqlite_sequence WHERE name = '{table}')"
_NEXT_IDS: Final = ", ARRAY(SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, %s))"
_NOTHING: Final[Mapping[str, Any]] = {}

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row to insert: values that it has in common with others, which are converted once, and its own, which win."""

    common: Values = field(default_factory=lambda: _NOTHING)
    own: Values


def take_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """Return the ids for this transaction's next `count` rows of the table, in order."""
    ids: list[int] = take_version_and_ids(connection, {table: count})[1]
    return ids


def take_version_and_ids(connection: Connection, counts: Mapping[Table, int]) -> list[Any]:
    """Return the config version, and the ids for this transaction's next so many rows of each table, in order."""
    if connection.dialect.name == "sqlite":  # whoever has begun to write is the only one until the commit
        version, *last = run_at_driver(connection, _opening(_LAST_ID, *counts)).fetchone()
        return [version, *(_following(each or 0, count) for each, count in zip(last, counts.values(), strict=True))]
    return list(run_at_driver(connection, _opening(_NEXT_IDS, *counts), list(counts.values())).fetchone())


@lru_cache(maxsize=64)
def _opening(each: str, *tables: Table) -> str:
    return _VERSION + "".join(each.format(table=table.name) for table in tables)


def _following(last: int, count: int) -> list[int]:
    return list(range(last + 1, last + count + 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Rows of one table, which all name the same columns; the others get their defaults."""

    table: Table
    rows: Sequence[Row]
    unless_taken: tuple[str, ...] = ()


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], *, unless_taken: tuple[str, ...] = ()
) -> int:
    """Insert rows that all name the same columns; the others get their defaults.

    A row whose values of the columns `unless_taken` are there already is left out. Returns how many were inserted.
    """
    inserted = 0
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        names = frozenset(part[0].common.keys() | part[0].own)
        insert = _insertion(connection.dialect, table, names, unless_taken)
        inserted += run_at_driver(connection, insert.statement(len(part)), insert.bind(part)).rowcount
    return inserted


def find_missing(connection: Connection, table: Table, ids: Sequence[int]) -> set[int]:
    """Return those of the ids that there is no row for."""
    return set(ids).difference(connection.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())


def run_at_driver(connection: Connection, statement: str, values: Sequence[Any] = ()) -> Any:
    """Run a statement in the driver's own words; returns its cursor. Raises what SQLAlchemy would."""
    driver = connection.connection.cursor()
    try:
        driver.execute(statement, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error, hide_parameters=True
        ) from error
    return driver


class _Insertion(Protocol):
    """An INSERT into certain columns, for any number of rows."""

    def statement(self, count: int) -> str:
        """Return the text for so many rows, the same object each time: the driver looks its prepared one up by it."""

    def bind(self, rows: Sequence[Row]) -> list[Any]:
        """Return the rows' values as the driver takes them."""


class _Values:
    """SQLite's: the values one after the other."""

    def __init__(self, dialect: Dialect, table: Table, names: Iterable[str], defaults: Values, tail: str) -> None:
        compiled = sqlite_insert(table).compile(dialect=dialect, column_keys=[*names, *defaults])
        self._head, _values, self._row = str(compiled).partition(" VALUES ")
        self._tail = tail
        order = list(compiled.positiontup or ())
        self._statements: dict[int, str] = {}
        self._places = {name: place for place, name in enumerate(order)}
        self._processors = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order}
        self._blank = [None] * len(order)
        self._fill(self._blank, defaults)

    def statement(self, count: int) -> str:
        if count not in self._statements:
            self._statements[count] = f"{self._head} VALUES {', '.join([self._row] * count)}{self._tail}"
        return self._statements[count]

    def bind(self, rows: Sequence[Row]) -> list[Any]:
        bound: list[Any] = []
        common: dict[int, list[Any]] = {}
        for row in rows:
            values = common.get(id(row.common))
            if values is None:
                values = common[id(row.common)] = self._fill(self._blank.copy(), row.common)
            bound += self._fill(values.copy(), row.own)
        return bound

    def _fill(self, values: list[Any], given: Values) -> list[Any]:
        for name, value in given.items():
            process = self._processors[name]
            values[self._places[name]] = value if process is None else process(value)
        return values


class _Document:
    """PostgreSQL's: all rows as one JSON document.

    psycopg looks for the places of parameters in a text again each time, and the server parses it, unless it is short.
    With a text that never changes, 64 deliveries cost a fifth of what their some thousand parameters would.
    """

    def __init__(self, dialect: Dialect, table: Table, names: Iterable[str], defaults: Values, tail: str) -> None:
        quote = dialect.identifier_preparer.quote
        columns, name = ", ".join(quote(each) for each in [*names, *defaults]), quote(table.name)
        records = f"json_populate_recordset(NULL::{name}, %s::json)"
        self._statement = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {records}{tail}"  # noqa: S608  names of ours
        self._defaults = defaults

    def statement(self, count: int) -> str:  # noqa: ARG002
        return self._statement

    def bind(self, rows: Sequence[Row]) -> list[Any]:
        return [write_document([{**self._defaults, **row.common, **row.own} for row in rows])]


def write_document(records: Sequence[Values]) -> str:
    """Return records as the JSON document that PostgreSQL reads them from."""
    document = orjson.dumps(records, default=_write_bytes, option=orjson.OPT_NAIVE_UTC)
    if b"\\u0000" in document:  # which PostgreSQL's text cannot hold
        document = _NUL.sub(rb"\1\\ufffd", document)
    return document.decode()


def _write_bytes(value: Any) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError


@lru_cache(maxsize=256)
def _insertion(dialect: Dialect, table: Table, names: frozenset[str], unless_taken: tuple[str, ...]) -> _Insertion:
    defaults = find_defaults(table, names)
    tail = f" ON CONFLICT ({', '.join(unless_taken)}) DO NOTHING" if unless_taken else ""
    kind = _Values if dialect.name == "sqlite" else _Document
    return kind(dialect, table, names, defaults, tail)


def find_defaults(table: Table, names: Collection[str]) -> dict[str, Any]:
    """Return the defaults of the columns that are not among `names`."""
    return {
        str(column.name): _constant(column)
        for column in table.columns
        if column.name not in names and column.default is not None
    }


def _constant(column: Column[Any]) -> Any:
    default: Any = column.default
    return default.arg(None) if default.is_callable else default.arg
