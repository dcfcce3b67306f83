# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that steps workflow jobs: rung by what ends a node's job, swept for what was never rung."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from playhook.dispatch.base import Dispatch
from playhook.store.claims import ClaimLost
from playhook.store.store import Store
from playhook.store.workflow_jobs import find_workflows_to_step, step_workflow

TASK: Final = "step_workflow"
_SWEEP: Final = 5.0  # seconds between looks at what was stored and never rung


def register_workflows(store: Store, dispatch: Dispatch) -> None:
    """Step workflow jobs from now on."""
    dispatch.register(TASK, lambda key: _step(store, dispatch, key) if key else _sweep(store, dispatch), every=_SWEEP)


def _step(store: Store, dispatch: Dispatch, job_id: int) -> None:
    try:
        again = store.write(step_workflow, job_id)
    except ClaimLost:  # another one of its lock group starts at this moment, and rings when it ends
        return
    if again is not None:  # an approval expires
        dispatch.defer(TASK, job_id, again)


def _sweep(store: Store, dispatch: Dispatch) -> None:
    """Ring for each that has something to do: one whose step fails must not keep the others from theirs."""
    with store.reading() as connection:
        waiting = find_workflows_to_step(connection, datetime.now(UTC))
    for job_id in waiting:
        dispatch.defer(TASK, job_id)
