# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a resource declares. Lists, details, OPTIONS, filters, checks and permissions all follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from playhook.store.collections import Collection, Constant, Link, Row
from playhook.store.tx import Tx
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import UNSET, Field
from playhook.web.auth import Level

if TYPE_CHECKING:
    from playhook.web.api_v2.render import Rendering
    from playhook.web.api_v2.write import Draft

Shown = dict[str, Any]

SUMMARY = ("id", "name", "description")
LIST_AND_CREATE = ("GET", "POST")
READ = ("GET",)
CHANGE = ("GET", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may do what; who may write may create unless `create` says otherwise.

    `own` is a column: the user it names may do everything with the object.
    """

    read: Level = "readers"
    write: Level = "administrators"
    create: Level | None = None
    own: str = ""


@dataclass(frozen=True, kw_only=True)
class Unique:
    """Columns that no two objects share, and AWX's sentence about it."""

    columns: tuple[str, ...]
    message: str
    field: str = "__all__"


@dataclass(frozen=True, kw_only=True)
class NamedPart:
    """One part of a named URL: columns of the object, or of what `path` (a field's name, `a__b`) leads to."""

    path: str = ""
    columns: tuple[str, ...] = ("name",)


@dataclass(frozen=True, kw_only=True)
class Action:
    """A path below an object, with a function for each method; `access` says who may use which.

    `fields` are what a POST may say: they are described in OPTIONS and in the schema, and read by the function.
    `silent` methods answer 200 without a body.
    """

    name: str
    methods: Mapping[str, Callable[[Call, Row], Response]]
    access: Mapping[str, Level] = field(default_factory=dict)
    label: str = ""
    formats: frozenset[str] = frozenset({"json"})
    media_types: frozenset[str] = frozenset()
    fields: tuple[Field, ...] = ()
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class SubList:
    """A list below an object: those of `resource` whose column `by` is the object's `key`; it may create them too.

    `where` are filters, as in a query string, that narrow it further.
    """

    name: str
    resource: str
    by: str
    key: str = "id"
    creates: bool = False
    where: Callable[[Call, Row], Sequence[tuple[str, str]]] = lambda _call, _parent: ()


@dataclass(frozen=True, kw_only=True)
class Association:
    """A list below an object that others are put into and taken from, kept in a table between the two.

    `kind` are further columns of that table with the values that belong to this list. `check` judges a pair before it
    is stored; `judge` does so in the transaction that stores it, for what another client may change meanwhile; `left`
    runs in the one that takes a pair out. A list `in_order` is shown as it was put together. With `creates` a body
    without an id makes a new object, whose columns `given` come from the parent, unless `adopt` finds one that is
    there already.
    """

    name: str
    resource: str
    table: str
    parent: str
    listed: str
    access: Level = "administrators"
    check: Callable[[Call, Row, Row], None] = lambda _call, _parent, _other: None
    writable: bool = True
    kind: Mapping[str, str] = field(default_factory=dict)
    judge: Callable[[Tx, Mapping[str, Any]], None] = lambda _tx, _pair: None
    creates: bool = False
    given: Callable[[Row], Mapping[str, Any]] = lambda _parent: {}
    adopt: Callable[[Call, Row], int | None] = lambda _call, _parent: None
    left: Callable[[Tx, Mapping[str, Any]], None] = lambda _tx, _pair: None
    in_order: bool = False


Sub = Action | SubList | Association


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was stored, for the hooks that run in the same transaction. `before` is None for a new object."""

    draft: Draft
    row_id: int
    before: Row | None
    after: Row


def _nothing(*_args: Any) -> None:
    """Stand in for a hook that a resource does not need."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind of object of the API.

    `model` and `label` are AWX's names of the kind in error sentences and in texts. `filters` and `links` are what may
    be filtered on besides the fields. `given_once` are what only a POST may say, and no object shows: the function
    `check` reads them. `related` are the names of paths below the object (`related_paths` where the
    path is called otherwise). `ours` tells what is under the key `playhook`, where there is one.

    The hooks: `prepare` loads what a page needs at once, `fill` completes one object, `prepare_summaries` and
    `summarize` do the same for how others show it; `check` judges what a client wrote, `reveal` adds to the answer
    that says it was created, `before` and `after` run in the transaction that stores it, `removable` raises when it
    may not be deleted.
    """

    name: str
    type: str
    model: str
    table: str
    fields: tuple[Field, ...]
    given_once: tuple[Field, ...] = ()
    label: str = ""
    types: tuple[str, ...] = ()
    order: tuple[str, ...] = ("name",)
    search: tuple[str, ...] = ("description", "name")
    filters: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    unread_in_lists: frozenset[str] = frozenset()
    list_methods: tuple[str, ...] = LIST_AND_CREATE
    detail_methods: tuple[str, ...] = CHANGE
    access: Access = Access()
    unique: tuple[Unique, ...] = ()
    named: tuple[NamedPart, ...] = ()
    related: tuple[str, ...] = ()
    related_paths: Mapping[str, str] = field(default_factory=dict)
    authored: bool = True
    timed: bool = True
    has_object_roles: bool = False
    ours: str = ""
    capabilities: Mapping[str, Level] = field(
        default_factory=lambda: {"edit": "administrators", "delete": "administrators"}
    )
    summary: tuple[str, ...] = SUMMARY
    sub: tuple[Sub, ...] = ()
    cached_by_intake: bool = False
    prepare: Callable[[Rendering, Sequence[Row], bool], None] = _nothing
    fill: Callable[[Rendering, Row, Shown], None] = _nothing
    prepare_summaries: Callable[[Rendering, Sequence[Row]], None] = _nothing
    summarize: Callable[[Rendering, Row], Mapping[str, Any]] = lambda _view, _row: {}
    check: Callable[[Draft], None] = _nothing
    reveal: Callable[[Draft, Shown], None] = _nothing
    before: Callable[[Tx, Draft], None] = _nothing
    after: Callable[[Tx, Written], None] = _nothing
    removable: Callable[[Call, Row], None] = _nothing
    remove: Callable[[Tx, Row], None] | None = None

    @property
    def title(self) -> str:
        return self.label or self.type.replace("_", " ")

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {each.name: each for each in self.fields}

    @cached_property
    def references(self) -> tuple[Field, ...]:
        return tuple(each for each in self.fields if each.kind == "id" and each.column and each.references)

    @cached_property
    def below(self) -> tuple[tuple[str, str], ...]:
        """Return the names in `related`, and what follows the object's own path there."""
        return tuple((name, f"{self.related_paths.get(name, name)}/") for name in self.related)

    @cached_property
    def shown(self) -> Mapping[bool, tuple[tuple[str, str | None, Any], ...]]:
        """Return the fields in order, as a detail (True) shows them and a list: name, column, what stands there without
        a column until the resource fills it.
        """
        return {
            detail: tuple(
                (each.name, each.column, None if each.default is UNSET else each.default)
                for each in self.fields
                if detail or each.in_lists
            )
            for detail in (True, False)
        }

    @cached_property
    def writable(self) -> tuple[Field, ...]:
        return tuple(each for each in self.fields if not each.read_only)

    @cached_property
    def collection(self) -> Collection:
        """Return what may be asked of this resource in a query string."""
        users = {"created_by": "created_by_id", "modified_by": "modified_by_id"} if self.authored else {}
        columns = {"id": "id", **({"created": "created", "modified": "modified"} if self.timed else {})}
        columns |= {each.name: each.column for each in self.fields if each.column}
        columns |= {"type": "type"} if self.types else {}
        links = {each.name: Link(target=each.references, column=each.column or "") for each in self.references}
        links |= {name: Link(target="users", column=column) for name, column in users.items()}
        return Collection(
            model=self.model,
            table=self.table,
            type=self.type,
            types=self.types,
            columns={**columns, **self.filters},
            constants={
                each.name: Constant(kind=each.kind, value=None if each.default is UNSET else each.default)
                for each in self.fields
                if each.is_constant and each.name not in self.filters
            },
            links={**links, **self.links},
            forbidden=self.forbidden | {each.name for each in self.fields if each.forbidden},
            search=self.search,
            order=self.order,
            unread_in_lists=self.unread_in_lists,
            has_roles=self.has_object_roles,
        )
