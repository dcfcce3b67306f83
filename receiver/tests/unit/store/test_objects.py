# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database itself refuses is a conflict, not a failure."""

from __future__ import annotations

import pytest

from playhook.errors import Conflict
from playhook.store.objects import delete_row, insert_row, update_row
from playhook.store.store import Store


def test_an_equal_object_is_a_conflict(store: Store) -> None:
    store.write(insert_row, "organizations", {"name": "Shop"})
    other = store.write(insert_row, "organizations", {"name": "Other"})
    with pytest.raises(Conflict):
        store.write(insert_row, "organizations", {"name": "Shop"})
    with pytest.raises(Conflict):
        store.write(update_row, "organizations", other, {"name": "Shop"})


def test_a_reference_to_nothing_is_a_conflict(store: Store) -> None:
    with pytest.raises(Conflict):
        store.write(insert_row, "hosts", {"name": "h", "inventory_id": 99})


def test_deleting_what_others_need_is_a_conflict(store: Store) -> None:
    values = {"name": "Own", "inputs": {}, "injectors": {}}
    kind = store.write(insert_row, "credential_types", values)
    store.write(insert_row, "credentials", {"name": "c", "credential_type_id": kind, "inputs": {}})
    with pytest.raises(Conflict):
        store.write(delete_row, "credential_types", kind)
