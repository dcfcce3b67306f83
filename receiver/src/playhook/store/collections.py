# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API shows of the tables, as plain data: what may be filtered on, and how one kind leads to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Link:
    """A way from one collection to another.

    `column` is the foreign key: in this collection's table, or, with `back`, in the target's. `through` names a table
    between the two and its columns for this side and for the target's.
    """

    target: str
    column: str = ""
    back: bool = False
    through: tuple[str, str, str] | None = None

    @property
    def to_one(self) -> bool:
        return not self.back and self.through is None


@dataclass(frozen=True, kw_only=True)
class Constant:
    """What a name means that has the same value on every object here; `kind` is that of the field."""

    kind: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One kind of object: its table, and what its API names mean there.

    `model` is AWX's name of the kind, which its error sentences use, `type` the API's. `types` are the values of the
    column `type` that belong to it (none: all rows do). `forbidden` names exist and may not be filtered on. A `hidden`
    collection may not be asked for by this caller at all; of others it has the rows whose columns are as `visible`.
    """

    model: str
    table: str
    type: str = ""
    types: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    search: tuple[str, ...] = ()
    order: tuple[str, ...] = ("id",)
    unread_in_lists: frozenset[str] = frozenset()
    has_roles: bool = False
    hidden: bool = False
    visible: tuple[tuple[str, Any], ...] = ()


Catalog = Mapping[str, Collection]
"""Every collection by its name in the API, as in `job_templates`."""
