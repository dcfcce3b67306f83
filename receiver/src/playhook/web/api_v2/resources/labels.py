# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: made by naming one, gone with the last object that had it. They cannot be deleted otherwise (AWX)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.errors import InvalidInput
from playhook.store.attached import delete_unused_label, find_attached
from playhook.store.collections import Link, Row
from playhook.store.objects import count_by, find_named
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import Refused, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Association, NamedPart, Resource, Shown, Unique
from playhook.web.api_v2.resources.standard_fields import NAME

_LABELS: Final = "labels of a page"
_MOST: Final = 100  # AWX's bound for one object
_IN_SUMMARY: Final = 10


def load_labels(view: Rendering, rows: Sequence[Row], table: str, owner: str) -> None:
    """Read the labels of a page's objects; the table between them and its column for the object."""
    ids = [row["id"] for row in rows]
    view.facts[_LABELS].update(find_attached(view.connection, table, owner, "label_id", "labels", ids))


def show_labels(view: Rendering, row: Row, shown: Shown) -> None:
    """Add the labels to an object's summary_fields."""
    labels = sorted(view.facts[_LABELS].get(row["id"], ()), key=lambda label: str(label["name"]))
    named = [{"id": label["id"], "name": label["name"]} for label in labels[:_IN_SUMMARY]]
    shown["summary_fields"]["labels"] = {"count": len(labels), "results": named}


def label_link(table: str, owner: str) -> Link:
    """Declare that objects may be filtered by their labels."""
    return Link(target="labels", through=(table, owner, "label_id"))


def label_list(table: str, owner: str, *, writable: bool = True) -> Association:
    """Declare `labels/` below an object: a label that is not there yet is made."""
    return Association(
        name="labels",
        resource="labels",
        table=table,
        parent=owner,
        listed="label_id",
        writable=writable,
        creates=True,
        adopt=_adopt,
        check=lambda call, parent, _label: _check_count(call, parent, table, owner),
        left=delete_unused_label,
    )


def _adopt(call: Call, _parent: Row) -> int | None:
    """Return the label that a body without an id names, if there is one."""
    try:
        name, organization = (LABELS.by_name[each].parse(call.body.get(each)) for each in ("name", "organization"))
    except Refused:
        return None  # what is wrong is told where the label would be made
    return find_named(call.connection, "labels", name, organization_id=organization)


def _check_count(call: Call, parent: Row, table: str, owner: str) -> None:
    if count_by(call.connection, table, owner, [parent["id"]]).get(parent["id"], 0) >= _MOST:
        raise InvalidInput({"msg": [f"Maximum number of labels for {parent['name']} reached."]})


LABELS: Final = Resource(
    name="labels",
    type="label",
    model="Label",
    table="labels",
    fields=(
        NAME,
        reference("organization", "organizations", nullable=False, required=True,
                  help_text="Organization this label belongs to."),
    ),
    search=("name",),
    summary=("id", "name"),
    detail_methods=("GET", "PUT", "PATCH"),
    capabilities={},
    unique=(
        Unique(columns=("name", "organization_id"), message="Label with this Name and Organization already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
)  # fmt: skip
