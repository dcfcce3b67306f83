# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables share: the schema they belong to, and kinds of columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite autoincrements only INTEGER; PostgreSQL needs 64 bits for what grows.
BigId = BigInteger().with_variant(Integer, "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC times; SQLite stores them without an offset, so both ends convert."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was given to the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


_GROWING = {"unified_jobs", "webhook_deliveries", "workflow_job_nodes"}


def key(kind: Any = Integer) -> Column[Any]:
    """Make the primary key `id`; ids are never used twice, so that a link to a deleted object stays dead."""
    return Column("id", kind, primary_key=True, autoincrement=True)


def to(
    target: str,
    name: str,
    *,
    on_delete: str = "SET NULL",
    nullable: bool = True,
    index: bool = True,
    closes_cycle: bool = False,
) -> Column[Any]:
    """Make a foreign key column; one `closes_cycle` of tables that refer to each other, and does not order them."""
    kind = BigId if target.split(".", maxsplit=1)[0] in _GROWING else Integer
    return Column(
        name, kind, ForeignKey(target, ondelete=on_delete, use_alter=closes_cycle), nullable=nullable, index=index
    )


def text(name: str, length: int | None = None, *, default: str | None = "") -> Column[Any]:
    """Make a text column; with a default it is never null."""
    return Column(
        name, String(length) if length else Text, nullable=default is None, default=default, server_default=default
    )


def flag(name: str, *, default: bool = False) -> Column[Any]:
    """Make a boolean column that is never null."""
    return Column(name, Boolean, nullable=False, default=default, server_default="1" if default else "0")


def number(name: str, *, default: int | None = 0) -> Column[Any]:
    """Make an integer column; with a default it is never null."""
    server_default = None if default is None else str(default)
    return Column(name, Integer, nullable=default is None, default=default, server_default=server_default)


def authored() -> list[Column[Any]]:
    """Make the columns that every object written by a person has."""
    return [
        Column("created", UtcTime, nullable=False),
        Column("modified", UtcTime, nullable=False),
        to("users.id", "created_by_id", index=False),
        to("users.id", "modified_by_id", index=False),
    ]
