# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client wrote: judged field by field, then as a whole, then stored in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from playhook.errors import Forbidden, InvalidInput, NotFound
from playhook.store.collections import Row
from playhook.store.objects import exists_equal, find_row, find_rows, insert_row, update_row
from playhook.store.query import Reading
from playhook.store.tx import Tx
from playhook.web.api_v2.access import visible_to
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import UNSET, Field, Refused
from playhook.web.api_v2.resource import Resource, Unique, Written

_ALL: Final = "__all__"


@dataclass(kw_only=True)
class Draft:
    """An object that a client wants, before it is stored.

    `values` are columns. `extra` holds what the resource's hooks do with fields that are no column. `current` is the
    stored row, None for a new object.
    """

    call: Call
    resource: Resource
    mode: Literal["POST", "PUT", "PATCH"]
    body: dict[str, Any]
    current: Row | None = None
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def get(self, column: str) -> Any:
        """Return what a column will hold."""
        if column in self.values:
            return self.values[column]
        return self.current[column] if self.current is not None else None

    def is_changed(self, column: str) -> bool:
        """Say whether a column will hold something else than it does."""
        return column in self.values and (self.current is None or self.current[column] != self.values[column])

    def fail(self, name: str, *messages: str) -> None:
        """Note what is wrong with a field."""
        self.errors.setdefault(name, []).extend(messages)

    def find(self, name: str, row_id: int | None) -> Row | None:
        """Read the object that an id refers to."""
        return (
            None if row_id is None else find_row(self.call.connection, self.call.api.resources[name].collection, row_id)
        )

    def finish(self) -> None:
        """Raise InvalidInput when anything is wrong."""
        if self.errors:
            raise InvalidInput(self.errors)


def draft_from(call: Call, resource: Resource, current: Row | None, **fixed: Any) -> Draft:
    """Judge a request's body. `fixed` are columns that the URL decides. Raises InvalidInput."""
    mode: Any = call.method
    draft = Draft(call=call, resource=resource, mode=mode, body=call.body, current=current)
    for each in resource.writable:
        if each.column not in fixed:
            _take(draft, each)
    draft.values |= fixed
    _check_references(draft)
    draft.finish()
    resource.check(draft)
    draft.finish()
    _check_unique(draft, call.connection)
    return draft


def store_draft(tx: Tx, draft: Draft) -> int:
    """Store a judged draft and return the object's id. Raises InvalidInput, NotFound and Conflict."""
    resource, user_id = draft.resource, draft.call.principal.id
    before: Row | None = None
    if draft.current is not None:
        before = find_row(tx.connection, resource.collection, draft.current["id"])
        if before is None:
            raise NotFound(f"No {resource.model} matches the given query.")
    resource.before(tx, draft)
    _check_unique(draft, tx.connection)  # again: another client may have been faster
    if before is None:
        kind = {"type": resource.types[0]} if resource.types else {}
        row_id = insert_row(tx, resource.table, {**kind, **draft.values}, user_id)
    else:
        row_id = int(before["id"])
        update_row(tx, resource.table, row_id, draft.values, user_id)
    after = find_rows(tx.connection, resource.table, [row_id])[row_id]
    resource.after(tx, Written(draft=draft, row_id=row_id, before=before, after=after))
    if resource.cached_by_intake:
        tx.config_changed()
    return row_id


def _take(draft: Draft, each: Field) -> None:
    if each.name in draft.body:
        try:
            value = each.parse(draft.body[each.name])
        except Refused as refusal:
            draft.fail(each.name, str(refusal))
            return
    elif draft.mode == "PATCH":
        return
    elif each.required:
        draft.fail(each.name, "This field is required.")
        return
    elif each.default is not UNSET:
        value = each.default
    elif draft.mode == "POST" and each.kind == "id":
        value = None
    else:
        return
    if each.column is not None:
        draft.values[each.column] = value
    else:
        draft.extra[each.name] = value


def _check_references(draft: Draft) -> None:
    for each in draft.resource.writable:
        wanted = draft.values.get(each.column or "") if each.column else draft.extra.get(each.name)
        if each.kind != "id" or wanted is None or each.name in draft.errors:
            continue
        _refuse_hidden(draft, each)
        if not each.references or draft.find(each.references, wanted) is None:
            draft.fail(each.name, f'Invalid pk "{wanted}" - object does not exist.')


def _refuse_hidden(draft: Draft, each: Field) -> None:
    """Refuse to refer to a kind of object that the caller may not see: the answer would say whether there is one."""
    if each.column and each.references and draft.is_changed(each.column):
        target = draft.call.api.resources[each.references]
        if visible_to(target.access, draft.call) is None:
            raise Forbidden


def _check_unique(draft: Draft, connection: Reading) -> None:
    besides = draft.current["id"] if draft.current is not None else None
    for unique in draft.resource.unique:
        if any(draft.is_changed(column) for column in unique.columns):
            _refuse_equal(draft, connection, unique, besides)


def _refuse_equal(draft: Draft, connection: Reading, unique: Unique, besides: int | None) -> None:
    values = {column: draft.get(column) for column in unique.columns}
    if exists_equal(connection, draft.resource.collection, values, besides=besides):
        raise InvalidInput({unique.field: [unique.message]})
