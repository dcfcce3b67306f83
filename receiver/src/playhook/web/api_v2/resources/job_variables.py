# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `extra_vars` of a job, put together on read: a delivery's payload is stored once, with the delivery."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from playhook.domain.variables import parse_variables
from playhook.intake.extra_vars import PREFIXES, webhook_variables
from playhook.store.collections import Row
from playhook.store.related import find_delivery_events, find_payload
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Shown

_EVENTS: Final = "events of jobs"
_PURGED: Final = "The payload of delivery {} has been purged."


def load_events(view: Rendering, rows: Sequence[Row]) -> None:
    """Read the events of the deliveries that launched a page's jobs."""
    deliveries = [row["delivery_id"] for row in rows if row["delivery_id"] is not None]
    view.facts[_EVENTS].update(find_delivery_events(view.connection, deliveries))


def show_variables(view: Rendering, row: Row, shown: Shown, *, detail: bool) -> None:
    """Show a job's variables, and the delivery that some of them come from."""
    shown["extra_vars"] = json.dumps(_extra_vars(view, row, detail=detail))
    shown["playhook"] = {"delivery": row["delivery_id"]}


def _extra_vars(view: Rendering, row: Row, *, detail: bool) -> dict[str, Any]:
    """Return a job's variables as AWX's job details show them; a list leaves the payload out."""
    try:
        own = parse_variables(row["extra_vars"])
    except ValueError:
        own = {}  # the job ends with that very complaint
    event: Mapping[str, Any] | None = view.facts[_EVENTS].get(row["delivery_id"] or 0)
    if event is None:
        return own
    payload = find_payload(view.connection, row["delivery_id"]) if detail else None
    from_webhook = webhook_variables(event, payload or {})
    for name in (f"{prefix}_webhook_payload" for prefix in PREFIXES):
        if not detail:
            del from_webhook[name]
        elif payload is None:
            from_webhook[name] = _PURGED.format(row["delivery_id"])
    return {**own, **from_webhook}
