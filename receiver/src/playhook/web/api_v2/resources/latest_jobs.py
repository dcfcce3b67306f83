# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A template's unfinished and its last job, as its `summary_fields`, `related` and status show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.store.collections import Row
from playhook.store.related import find_current_jobs
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Shown

_CURRENT: Final = "current jobs"
_STATE: Final = (*SUMMARY, "status", "failed")
_LAST: Final = (*SUMMARY, "finished", "status", "failed", "canceled_on")


def load_current(view: Rendering, rows: Sequence[Row]) -> None:
    """Read the unfinished jobs of a page's templates."""
    view.facts[_CURRENT].update(find_current_jobs(view.connection, [row["id"] for row in rows]))


def load_latest(view: Rendering, rows: Sequence[Row], jobs: str) -> None:
    """Read the unfinished and the last jobs of a page's templates; `jobs` names their resource."""
    load_current(view, rows)
    current = [job["id"] for job in view.facts[_CURRENT].values()]
    view.load(view.resources[jobs], [*current, *(row["last_job_id"] for row in rows)])


def show_status(view: Rendering, row: Row) -> str:
    """Return a template's status: that of its unfinished job, or how the last one ended."""
    current = view.facts[_CURRENT].get(row["id"])
    return str(current["status"] if current else row["status"] or "never updated")


def show_latest(view: Rendering, row: Row, shown: Shown, jobs: str) -> None:
    """Add the last and the current job, in summaries also under AWX's older names, which only projects link."""
    current = view.facts[_CURRENT].get(row["id"])
    view.add_reference(shown, "last_job", jobs, row["last_job_id"], _LAST)
    view.add_reference(shown, "last_update", jobs, row["last_job_id"], _STATE)
    for name in ("current_job", "current_update"):
        view.add_reference(shown, name, jobs, current["id"] if current else None, _STATE)
    if jobs != "project_updates":
        for name in ("last_update", "current_update"):
            shown["related"].pop(name, None)
