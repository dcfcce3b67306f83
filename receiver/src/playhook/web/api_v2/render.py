# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows to the API's objects. What a page refers to is read for the whole page at once, table by table."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from playhook.store.collections import Row
from playhook.store.job_inputs import read_installation
from playhook.store.objects import find_rows
from playhook.web.api_v2.call import PREFIX, Call
from playhook.web.api_v2.named_urls import make_named_url
from playhook.web.api_v2.resource import Resource, Shown

_USER_SUMMARY: Final = ("id", "username", "first_name", "last_name")


class Rendering:
    """One answer in the making: the rows that its objects refer to, and facts that hooks have loaded for them."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.connection = call.connection
        self.resources = call.api.resources
        self.is_detail = False
        self.facts: defaultdict[str, dict[int, Any]] = defaultdict(dict)
        self._rows: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self._references: dict[tuple[str, int | None, Sequence[str]], tuple[str, Shown] | None] = {}
        self._may: dict[str, dict[str, bool]] = {}
        self._of_type = {each.type: each for each in self.resources.values() if len(each.types) == 1}

    def show_all(self, resource: Resource, rows: Sequence[Row], *, detail: bool = False) -> list[Shown]:
        """Return the rows as objects, all of one kind."""
        self.is_detail = detail
        self._load_references(resource, rows)
        resource.prepare(self, rows, detail)
        return [self._show(resource, row, detail=detail) for row in rows]

    def show_mixed(self, rows: Sequence[Row]) -> list[Shown]:
        """Return rows of a shared table as objects, each as its own kind."""
        shown: dict[int, Shown] = {}
        for kind in {row["type"] for row in rows}:
            of_kind = [row for row in rows if row["type"] == kind]
            for row, each in zip(of_kind, self.show_all(self._of_type[kind], of_kind), strict=True):
                shown[row["id"]] = each
        return [shown[row["id"]] for row in rows]

    def show(self, resource: Resource, row: Row, *, detail: bool = True) -> Shown:
        """Return one row as an object."""
        return self.show_all(resource, [row], detail=detail)[0]

    def load(self, resource: Resource, ids: Iterable[int | None]) -> None:
        """Read rows that will be referred to, unless they have been read."""
        known = self._rows[resource.table]
        missing = {each for each in ids if each is not None and each not in known}
        if missing:
            rows = find_rows(self.connection, resource.table, missing)
            known.update(rows)
            for kind in {
                id(each): each for each in (self.resource_of(resource, row) for row in rows.values())
            }.values():
                kind.prepare_summaries(self, [row for row in rows.values() if self.resource_of(resource, row) is kind])

    def find(self, name: str, row_id: int | None) -> Row | None:
        """Return a row of a resource by id; one that was not loaded is read now."""
        if row_id is None:
            return None
        resource = self.resources[name]
        if row_id not in self._rows[resource.table]:
            self.load(resource, [row_id])
        return self._rows[resource.table].get(row_id)

    def resource_of(self, resource: Resource, row: Row | None) -> Resource:
        """Return the resource of a row: in a shared table its type decides, not who refers to it."""
        if row is None or "type" not in row:
            return resource
        return self._of_type.get(str(row["type"]), resource)

    def url(self, resource: Resource, row_id: int) -> str:
        return f"{PREFIX}{resource.name}/{row_id}/"

    def summary(self, resource: Resource, row: Row, keys: Sequence[str] = ()) -> Shown:
        """Return how others show an object in their summary_fields."""
        actual = self.resource_of(resource, row)
        known = {**row, **actual.summarize(self, row)}
        return {key: known[key] for key in keys or actual.summary if key in known}

    def add_reference(self, shown: Shown, name: str, target: str, row_id: int | None, keys: Sequence[str] = ()) -> None:
        """Put another object into `related` and `summary_fields`."""
        known = (target, row_id, keys)
        if known not in self._references:
            self._references[known] = self._describe(target, row_id, keys)
        if (described := self._references[known]) is not None:
            shown["related"][name], summary = described
            shown["summary_fields"][name] = dict(summary)

    def _describe(self, target: str, row_id: int | None, keys: Sequence[str]) -> tuple[str, Shown] | None:
        row = self.find(target, row_id)
        if row is None:
            return None
        resource = self.resource_of(self.resources[target], row)
        return self.url(resource, row["id"]), self.summary(resource, row, keys)

    def ansible_id(self, resource: Resource, row_id: int) -> Shown:
        """Return AWX's id of an object across services; here it follows from the installation's own."""
        if "installation" not in self.facts:
            self.facts["installation"][0] = uuid.UUID(read_installation(self.connection))
        made = uuid.uuid5(self.facts["installation"][0], f"{resource.type}:{row_id}")
        return {"ansible_id": str(made), "resource_type": f"shared.{resource.type}"}

    def _load_references(self, resource: Resource, rows: Sequence[Row]) -> None:
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for field in resource.references:
            column = field.column or ""
            wanted[field.references].update(row[column] for row in rows if row[column] is not None)
        if resource.authored:
            for column in ("created_by_id", "modified_by_id"):
                wanted["users"].update(row[column] for row in rows if row[column] is not None)
        for name, ids in wanted.items():
            self.load(self.resources[name], ids)

    def _show(self, resource: Resource, row: Row, *, detail: bool) -> Shown:
        url = self.url(resource, row["id"])
        related: Shown = {}
        summary: Shown = {}
        shown: Shown = {"id": row["id"], "type": resource.type, "url": url}
        shown |= {"related": related, "summary_fields": summary}
        if detail and resource.named:
            related["named_url"] = make_named_url(self, resource, row)
        for name, path in resource.below:
            related[name] = url + path
        for field in resource.references:
            self.add_reference(shown, field.name, field.references, row[field.column or ""], field.summary)
        if resource.authored:
            for name in ("created_by", "modified_by"):
                self.add_reference(shown, name, "users", row[f"{name}_id"], _USER_SUMMARY)
        if resource.has_object_roles:
            summary["object_roles"] = {}
        if resource.capabilities:
            summary["user_capabilities"] = dict(self._capabilities(resource))
        if resource.timed:
            shown |= {"created": row["created"], "modified": row["modified"]}
        for name, column, fixed in resource.shown[detail]:
            shown[name] = row[column] if column else fixed
        resource.fill(self, row, shown)
        return shown

    def _capabilities(self, resource: Resource) -> dict[str, bool]:
        known = self._may.get(resource.name)
        if known is None:
            principal = self.call.principal
            known = {name: principal.may(level) for name, level in resource.capabilities.items()}
            self._may[resource.name] = known
        return known
