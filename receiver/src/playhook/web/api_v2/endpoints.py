# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every resource can do: list, create, show, change, delete, and the lists below an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from playhook.errors import BadQuery, NotFound, Refusal
from playhook.logs import get_logger
from playhook.store.collections import Catalog, Collection, Row
from playhook.store.lookups import parse_query
from playhook.store.objects import attach, delete_row, detach, find_row
from playhook.store.query import Scope, Within, count_matching, find_matching, read_page
from playhook.store.tx import Tx
from playhook.web.api_v2.access import require_access, visible_to
from playhook.web.api_v2.call import Call, answer, no_content
from playhook.web.api_v2.fields import BIGGEST
from playhook.web.api_v2.named_urls import parse_named_url
from playhook.web.api_v2.pages import answer_page, answer_whole, page_wanted
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Association, Resource, Shown, SubList
from playhook.web.api_v2.write import Draft, draft_from, store_draft
from playhook.web.auth import Level

_log = get_logger(__name__)
_GET_LEVEL: Final[Level] = "readers"

Answer = Callable[[Call], Response]


class Endpoints:
    """The answers of all resources; each function is one method of one URL."""

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        self.resources = resources
        self.catalog = {name: each.collection for name, each in resources.items()}

    def catalog_of(self, call: Call) -> Catalog:
        """Return the collections as the caller may ask for them: no filter tells more than a list would."""
        if call.principal.may("readers") and call.principal.may("administrators"):
            return self.catalog
        return {name: _narrow(each, call) for name, each in self.resources.items()}

    # lists

    def list_all(
        self, resource: Resource, call: Call, scope: Scope | None = None, where: Sequence[tuple[str, str]] = ()
    ) -> Response:
        """Answer a page of a list; what the caller may not see is not in it."""
        visible = visible_to(resource.access, call)
        query = parse_query(self.catalog_of(call), resource.collection, [*call.query.multi_items(), *where])
        if visible is None:
            return answer_whole(call, [])
        asked = scope or Scope()
        narrowed = replace(asked, columns=(*asked.columns, *visible))
        select = call.connection, resource.collection, query, narrowed
        number, size = page_wanted(call, partial(count_matching, *select))
        counted = "count_disabled" not in call.query
        page = read_page(*select, offset=(number - 1) * size, size=size, counted=counted)
        view = Rendering(call)
        rows = page.rows
        mixed = len(resource.types) > 1
        return answer_page(call, view.show_mixed(rows) if mixed else view.show_all(resource, rows), page, number)

    def create(self, resource: Resource, call: Call, **fixed: Any) -> Response:
        """Store a new object and show it."""
        call.require(resource.access.create or resource.access.write)
        draft = draft_from(call, resource, None, **fixed)
        row_id = call.write(store_draft, draft)
        _log.info("created", resource=resource.name, id=row_id, user=call.principal.username)
        shown = self._show_stored(resource, call, row_id)
        resource.reveal(draft, shown)
        return answer(shown, 201, {"Location": shown["url"]})

    # one object

    def read(self, resource: Resource, call: Call, row_id: int) -> Row:
        """Return an object by id. Raises NotFound."""
        row = find_row(call.connection, resource.collection, row_id)
        if row is None:
            raise NotFound(f"No {resource.model} matches the given query.")
        return row

    def find(self, resource: Resource, call: Call) -> Row:
        """Return the object that the path names, by id or by its named URL. Raises NotFound."""
        key = str(call.params["key"])
        row: Row | None = None
        if key.isascii() and key.isdecimal() and len(key) < 19:
            row = find_row(call.connection, resource.collection, int(key))
        else:
            filters = parse_named_url(resource, key) if resource.named else None
            if filters is not None:
                query = parse_query(self.catalog, resource.collection, filters)
                row = find_matching(call.connection, resource.collection, query)
        if row is None:
            raise NotFound(f"No {resource.model} matches the given query.")
        return row

    def show(self, resource: Resource, call: Call) -> Response:
        """Answer one object."""
        row = self.find(resource, call)
        require_access(resource.access, resource.access.read, call, row)
        return answer(Rendering(call).show(resource, row))

    def change(self, resource: Resource, call: Call) -> Response:
        """Store what a PUT or PATCH says and show the object."""
        row = self.find(resource, call)
        require_access(resource.access, resource.access.write, call, row)
        draft = draft_from(call, resource, row)
        call.write(store_draft, draft)
        _log.info("changed", resource=resource.name, id=row["id"], user=call.principal.username)
        return answer(self._show_stored(resource, call, row["id"]))

    def delete(self, resource: Resource, call: Call) -> Response:
        """Delete one object."""
        row = self.find(resource, call)
        require_access(resource.access, resource.access.write, call, row)
        resource.removable(call, row)
        call.write(_remove, resource, row)
        _log.info("deleted", resource=resource.name, id=row["id"], user=call.principal.username)
        return no_content()

    def _show_stored(self, resource: Resource, call: Call, row_id: int) -> Shown:
        return Rendering(call).show(resource, self.read(resource, call, row_id))

    # below one object

    def act(self, resource: Resource, action: Action, call: Call) -> Response:
        """Run an action's function for the request's method."""
        row = self.find(resource, call)
        method = "GET" if call.method == "HEAD" else call.method
        level = action.access.get(method, _GET_LEVEL if method == "GET" else resource.access.write)
        require_access(resource.access, level, call, row)
        return action.methods[method](call, row)

    def list_below(self, resource: Resource, sub: SubList | Association, call: Call) -> Response:
        """Answer a page of what belongs to one object."""
        row = self.find(resource, call)
        require_access(resource.access, resource.access.read, call, row)
        listed = self.resources[sub.resource]
        if isinstance(sub, SubList):
            return self.list_all(listed, call, Scope(columns=((sub.by, row[sub.key]),)), sub.where(call, row))
        within = Within(
            table=sub.table,
            listed=sub.listed,
            parent=sub.parent,
            parent_id=row["id"],
            kind=sub.kind,
            in_order=sub.in_order,
        )
        return self.list_all(listed, call, Scope(within=within))

    def create_below(self, resource: Resource, sub: SubList, call: Call) -> Response:
        """Store a new object that belongs to the one in the path."""
        row = self.find(resource, call)
        require_access(resource.access, resource.access.read, call, row)
        return self.create(self.resources[sub.resource], call, **{sub.by: row["id"]})

    def associate(self, resource: Resource, sub: Association, call: Call) -> Response:
        """Put an object into a list below another, or take it out."""
        row = self.find(resource, call)
        require_access(resource.access, sub.access, call, row)
        leaves = "disassociate" in call.body
        listed = self.resources[sub.resource]
        adopted = sub.adopt(call, row) if sub.creates and not leaves and not call.body.get("id") else None
        if sub.creates and adopted is None and not leaves and not call.body.get("id"):
            return self._create_associated(resource, sub, call, row)
        other_id = adopted or _id_of_other(call, listed, leaves=leaves)
        other = find_row(call.connection, listed.collection, other_id)
        if other is None:
            raise BadQuery(f"{listed.model} matching query does not exist.")
        pair = {sub.parent: row["id"], sub.listed: other_id, **sub.kind}
        if leaves:
            call.write(_detach, resource, sub, pair)
        else:
            sub.check(call, row, other)
            call.write(_attach, resource, sub, pair)
        return no_content()

    def _create_associated(self, resource: Resource, sub: Association, call: Call, row: Row) -> Response:
        """Store a new object and put it into the list below another."""
        listed = self.resources[sub.resource]
        call.require(listed.access.create or listed.access.write)
        draft = draft_from(call, listed, None, **sub.given(row))
        new_id = call.write(_store_and_attach, resource, sub, draft, row["id"])
        _log.info("created", resource=listed.name, id=new_id, user=call.principal.username)
        shown = self._show_stored(listed, call, new_id)
        return answer(shown, 201, {"Location": shown["url"]})

    def empty_list(self, resource: Resource, call: Call) -> Response:
        """Answer the list below an object of what is not built here."""
        row = self.find(resource, call)
        require_access(resource.access, resource.access.read, call, row)
        return answer_whole(call, [])


def bind(function: Callable[..., Response], *arguments: Any) -> Answer:
    """Fix a function's first arguments; what is left takes a call."""
    return partial(function, *arguments)


def _id_of_other(call: Call, listed: Resource, *, leaves: bool) -> int:
    """Return which object is put into a list or taken out. Raises Refusal."""
    other_id = call.body.get("id")
    if not other_id:
        missing = '"id" is required to disassociate' if leaves else f"{listed.title.title()} 'id' field is missing."
        raise Refusal(missing, "msg")
    if not isinstance(other_id, int) or isinstance(other_id, bool):
        raise Refusal('"id" field must be an integer.', "msg")
    return min(other_id, BIGGEST) if other_id > 0 else 0


def _narrow(resource: Resource, call: Call) -> Collection:
    seen = visible_to(resource.access, call)
    return replace(resource.collection, hidden=seen is None, visible=seen or ())


def _remove(tx: Tx, resource: Resource, row: Row) -> None:
    if resource.remove is not None:
        resource.remove(tx, row)
    else:
        delete_row(tx, resource.table, row["id"])
    if resource.cached_by_intake:
        tx.config_changed()


def _store_and_attach(tx: Tx, resource: Resource, sub: Association, draft: Draft, parent_id: int) -> int:
    row_id = store_draft(tx, draft)
    _attach(tx, resource, sub, {sub.parent: parent_id, sub.listed: row_id, **sub.kind})
    return row_id


def _attach(tx: Tx, resource: Resource, sub: Association, pair: Mapping[str, Any]) -> None:
    sub.judge(tx, pair)
    attach(tx, sub.table, pair)
    if resource.cached_by_intake:
        tx.config_changed()


def _detach(tx: Tx, resource: Resource, sub: Association, pair: Mapping[str, Any]) -> None:
    detach(tx, sub.table, pair)
    sub.left(tx, pair)
    if resource.cached_by_intake:
        tx.config_changed()
