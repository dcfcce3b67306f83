# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying an object under another name, secrets and what is attached to it included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from playhook.errors import InvalidInput
from playhook.store.collections import Row
from playhook.store.objects import copy_children, copy_row, exists_equal
from playhook.store.tx import Tx
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import Refused
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Resource


def _nothing(_tx: Tx, _row_id: int, _row: Row, _user_id: int) -> None:
    """Stand in where a copy needs nothing more."""


def _always(_row: Row) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Copying:
    """How a resource is copied.

    `children` are tables whose rows belong to the object, and their column that says so. `cleared` are columns that a
    copy starts without. `after` runs in the same transaction. `details` is what GET says besides whether the caller
    can copy it.
    """

    resource: str
    children: Mapping[str, str] = field(default_factory=dict)
    cleared: Mapping[str, Any] = field(default_factory=dict)
    can_copy: Callable[[Row], bool] = _always
    after: Callable[[Tx, int, Row, int], None] = _nothing
    details: Callable[[bool], Mapping[str, Any]] = lambda _can_copy: {}


# A copied template has run nothing yet.
FRESH: Final[Mapping[str, Any]] = {"status": "", "last_job_failed": False, "last_job_run": None, "last_job_id": None}


def copy_action(copying: Copying) -> Action:
    """Declare `copy/` below an object."""
    methods = {"GET": partial(_show, copying), "POST": partial(_copy, copying)}
    return Action(name="copy", methods=methods, label=f"{copying.resource} copy")


def _show(copying: Copying, call: Call, row: Row) -> Response:
    can_copy = call.principal.may("administrators") and copying.can_copy(row)
    return answer({"can_copy": can_copy, **copying.details(can_copy)})


def _copy(copying: Copying, call: Call, row: Row) -> Response:
    resource = call.api.resources[copying.resource]
    if not copying.can_copy(row):
        raise InvalidInput({"__all__": ["A manual project cannot be copied: no two use one directory."]})
    name = _read_name(resource, call, row)
    row_id = call.write(_store, copying, resource, row, name, call.principal.id)
    shown = Rendering(call).show(resource, call.api.read(resource, call, row_id))
    return answer(shown, 201, {"Location": shown["url"]})


def _read_name(resource: Resource, call: Call, row: Row) -> str:
    if "name" not in call.body:
        raise InvalidInput({"name": ["This field is required."]})
    try:
        name = str(resource.by_name["name"].parse(call.body["name"]))
    except Refused as refusal:
        raise InvalidInput({"name": [str(refusal)]}) from None
    if name == row["name"]:
        same = f"The original object is already named {name}, a copy from it cannot have the same name."
        raise InvalidInput({"__all__": [same]})
    return name


def _store(tx: Tx, copying: Copying, resource: Resource, row: Row, name: str, user_id: int) -> int:
    for unique in resource.unique:
        values = {column: name if column == "name" else row[column] for column in unique.columns}
        if exists_equal(tx.connection, resource.collection, values):
            raise InvalidInput({unique.field: [unique.message]})
    row_id = copy_row(tx, resource.table, row["id"], {"name": name, **copying.cleared}, user_id)
    for table, owner in copying.children.items():
        copy_children(tx, table, owner, row["id"], row_id)
    copying.after(tx, row_id, row, user_id)
    if resource.cached_by_intake:
        tx.config_changed()
    return row_id
