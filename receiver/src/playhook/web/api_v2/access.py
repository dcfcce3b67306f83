# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see and do what; the rules are in each resource's `Access`."""

from __future__ import annotations

from typing import Any

from playhook.errors import Forbidden
from playhook.store.collections import Row
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.resource import Access
from playhook.web.auth import Level


def visible_to(access: Access, call: Call) -> tuple[tuple[str, Any], ...] | None:
    """Return the columns that narrow a list to what the caller may see; None when that is nothing."""
    if call.principal.may(access.read):
        return ()
    return ((access.own, call.principal.id),) if access.own else None


def require_access(access: Access, level: Level, call: Call, row: Row) -> None:
    """Raise Forbidden unless the caller has the level or owns the object."""
    owns = bool(access.own) and row[access.own] == call.principal.id
    if not owns and not call.principal.may(level):
        raise Forbidden
