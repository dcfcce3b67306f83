# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects have attached to them by a table between the two: labels, instance groups, groups, members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, func, insert, select

from playhook.store import tables as t
from playhook.store.collections import Row
from playhook.store.tx import Tx

_LABELED: Final = ("template_labels", "job_labels", "inventory_labels", "template_node_labels", "job_node_labels")


def find_attached(
    connection: Connection, between: str, owner: str, listed: str, target: str, ids: Sequence[int]
) -> dict[int, list[Row]]:
    """Return the rows of `target` that each object has attached, in the order in which they were attached.

    `owner` and `listed` are the columns of the table `between`.
    """
    if not ids:
        return {}
    pairs, rows = t.metadata.tables[between], t.metadata.tables[target]
    found: dict[int, list[Row]] = defaultdict(list)
    for row in connection.execute(
        select(pairs.c[owner].label("attached_to"), rows)
        .join(rows, rows.c.id == pairs.c[listed])
        .where(pairs.c[owner].in_(ids))
        .order_by(pairs.c.id)
    ).mappings():
        attached = dict(row)
        found[attached.pop("attached_to")].append(attached)
    return found


def count_attached(connection: Connection, between: str, owner: str, ids: Sequence[int]) -> dict[int, int]:
    """Count what each object has attached."""
    if not ids:
        return {}
    pairs = t.metadata.tables[between]
    counted = connection.execute(
        select(pairs.c[owner], func.count()).where(pairs.c[owner].in_(ids)).group_by(pairs.c[owner])
    )
    return {int(row_id): int(count) for row_id, count in counted}


def attach_all(tx: Tx, between: str, owner: Mapping[str, int], listed: str, ids: Sequence[int]) -> None:
    """Attach several objects to one that has nothing attached yet."""
    if ids:
        tx.connection.execute(insert(t.metadata.tables[between]), [{**owner, listed: each} for each in ids])


def delete_unused_label(tx: Tx, pair: Mapping[str, Any]) -> None:
    """Delete a label that was taken from the last object that had it, as AWX does."""
    label_id = pair["label_id"]
    used = [
        exists(select(t.metadata.tables[name].c.id).where(t.metadata.tables[name].c.label_id == label_id))
        for name in _LABELED
    ]
    tx.connection.execute(delete(t.labels).where(t.labels.c.id == label_id, *(~each for each in used)))
