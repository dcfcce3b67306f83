# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, read, change and delete rows by the name of their table: what all resources of the API have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Delete,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from playhook.domain.job import ACTIVE
from playhook.errors import Conflict, NotFound
from playhook.store import tables as t
from playhook.store.collections import Collection, Row
from playhook.store.query import of_types, to_rows
from playhook.store.tx import Tx


def find_row(connection: Connection, collection: Collection, row_id: int) -> Row | None:
    """Read one object of a collection."""
    rows = to_rows(connection.execute(_by_id(collection.table, collection.types), {"id": row_id}))
    return rows[0] if rows else None


def find_rows(connection: Connection, table_name: str, ids: Iterable[int]) -> dict[int, Row]:
    """Read several rows of a table at once, by id."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = to_rows(connection.execute(_by_ids(table_name), {"ids": wanted}))
    return {int(row["id"]): row for row in rows}


@cache
def _by_id(table_name: str, types: tuple[str, ...]) -> Select[Any]:
    table = t.metadata.tables[table_name]
    return select(table).where(table.c.id == bindparam("id"), of_types(table, types))


@cache
def _insertion(table_name: str) -> ReturningInsert[Any]:
    table = t.metadata.tables[table_name]
    return insert(table).returning(table.c.id)


@cache
def _deletion(table_name: str) -> Delete:
    table = t.metadata.tables[table_name]
    return delete(table).where(table.c.id == bindparam("wanted"))


@cache
def _by_ids(table_name: str) -> Select[Any]:
    table = t.metadata.tables[table_name]
    return select(table).where(table.c.id.in_(bindparam("ids", expanding=True)))


@contextmanager
def _judged_by_the_database() -> Iterator[None]:
    # Another process may have changed what was checked; the constraints have the last word.
    try:
        yield
    except IntegrityError:
        raise Conflict("Another object that this one belongs to, or is equal to, was changed meanwhile.") from None


def insert_row(tx: Tx, table_name: str, values: Mapping[str, Any], user_id: int | None = None) -> int:
    """Store a new object and return its id; who made it and when is added where the table has columns for that."""
    table = t.metadata.tables[table_name]
    with _judged_by_the_database():
        inserted = tx.connection.execute(_insertion(table_name), {**_made(tx, table, user_id), **values})
        return int(inserted.scalar_one())


def update_row(tx: Tx, table_name: str, row_id: int, values: Mapping[str, Any], user_id: int | None = None) -> None:
    """Change an object's columns."""
    table = t.metadata.tables[table_name]
    changed = {name: value for name, value in _made(tx, table, user_id).items() if name.startswith("modified")}
    with _judged_by_the_database():
        tx.connection.execute(update(table).where(table.c.id == row_id).values({**changed, **values}))


def delete_row(tx: Tx, table_name: str, row_id: int) -> None:
    """Delete an object; what refers to it is set to null or deleted as the table says."""
    with _judged_by_the_database():
        tx.connection.execute(_deletion(table_name), {"wanted": row_id})


def exists_equal(
    connection: Connection, collection: Collection, values: Mapping[str, Any], *, besides: int | None = None
) -> bool:
    """Say whether another object has these values. Null is equal to nothing, as in the unique constraints."""
    if any(value is None for value in values.values()):
        return False
    table = t.metadata.tables[collection.table]
    conditions = [table.c[name] == value for name, value in values.items()]
    other = table.c.id != besides if besides is not None else true()
    found = connection.execute(
        select(table.c.id).where(*conditions, other, of_types(table, collection.types)).limit(1)
    ).first()
    return found is not None


def find_named(connection: Connection, table_name: str, name: Any, **belongs: Any) -> int | None:
    """Return the id of what has a name and belongs to the objects whose ids the columns hold; None for no such."""
    whole = isinstance(name, str) and all(_is_id(value) for value in belongs.values())
    if not whole:
        return None
    table = t.metadata.tables[table_name]
    conditions = [table.c[column] == value for column, value in belongs.items()]
    found: int | None = connection.execute(
        select(table.c.id).where(table.c.name == name.strip(), *conditions)
    ).scalar_one_or_none()
    return found


def count_by(connection: Connection, table_name: str, column: str, ids: Sequence[int], **equal: Any) -> dict[int, int]:
    """Count a table's rows by whom they belong to."""
    if not ids:
        return {}
    table = t.metadata.tables[table_name]
    conditions = [table.c[name] == value for name, value in equal.items()]
    counted = connection.execute(
        select(table.c[column], func.count()).where(table.c[column].in_(ids), *conditions).group_by(table.c[column])
    )
    return {int(owner): int(count) for owner, count in counted}


def find_active_jobs(connection: Connection, **columns: Sequence[int]) -> list[Row]:
    """Find jobs that are not finished and have one of the given values in one of the given columns."""
    jobs = t.unified_jobs
    used = or_(*(jobs.c[name].in_(ids) for name, ids in columns.items()))
    rows = connection.execute(select(jobs.c.id, jobs.c.type).where(used, jobs.c.status.in_(ACTIVE)).limit(25))
    return [dict(row) for row in rows.mappings()]


def find_jobs_using_credential(connection: Connection, credential_id: int) -> list[Row]:
    """Find jobs that are not finished and run with a credential."""
    jobs, between = t.unified_jobs, t.job_credentials
    uses = and_(between.c.job_id == jobs.c.id, between.c.credential_id == credential_id)
    rows = connection.execute(select(jobs.c.id, jobs.c.type).join(between, uses).where(jobs.c.status.in_(ACTIVE)))
    return [dict(row) for row in rows.mappings()]


def copy_row(tx: Tx, table_name: str, row_id: int, overrides: Mapping[str, Any], user_id: int | None) -> int:
    """Store an object like another one, but for what `overrides` says. Raises NotFound."""
    table = t.metadata.tables[table_name]
    row = find_rows(tx.connection, table_name, [row_id]).get(row_id)
    if row is None:
        raise NotFound("the object has been deleted")
    kept = {name: value for name, value in row.items() if name not in {"id", *_made(tx, table, None)}}
    return insert_row(tx, table_name, {**kept, **overrides}, user_id)


def copy_children(tx: Tx, table_name: str, owner: str, old_id: int, new_id: int) -> None:
    """Store the rows that belong to one object for another one too."""
    table = t.metadata.tables[table_name]
    rows = tx.connection.execute(select(table).where(table.c[owner] == old_id).order_by(table.c.id)).mappings()
    copies = [{name: value for name, value in row.items() if name != "id"} | {owner: new_id} for row in rows]
    if copies:
        tx.connection.execute(insert(table), copies)


def attach(tx: Tx, table_name: str, values: Mapping[str, Any]) -> None:
    """Put a pair into a table between two, unless it is there."""
    table = t.metadata.tables[table_name]
    same = and_(*(table.c[name] == value for name, value in values.items()))
    if tx.connection.execute(select(table.c.id).where(same)).first() is None:
        with _judged_by_the_database():
            tx.connection.execute(insert(table).values(dict(values)))


def detach(tx: Tx, table_name: str, values: Mapping[str, Any]) -> None:
    """Take a pair out of a table between two."""
    table = t.metadata.tables[table_name]
    tx.connection.execute(delete(table).where(*(table.c[name] == value for name, value in values.items())))


def _made(tx: Tx, table: Table, user_id: int | None) -> dict[str, Any]:
    made = {"created": tx.now, "modified": tx.now, "created_by_id": user_id, "modified_by_id": user_id}
    return {name: value for name, value in made.items() if name in table.c}


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
