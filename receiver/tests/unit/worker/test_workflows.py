# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that steps workflow jobs, as dispatch calls it."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from tests.workflows import add_runnable, add_workflow, job_of, launch

from playhook.dispatch.embedded import EmbeddedDispatch
from playhook.store import workflow_jobs
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.worker import workflows


def test_a_workflow_whose_step_fails_keeps_no_other_from_its_own(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(tx: Tx, name: str) -> int:
        return launch(tx, add_workflow(tx, {"one": add_runnable(tx, name)}, name=name))

    broken, sound = store.write(add, "broken"), store.write(add, "sound")

    def step(tx: Tx, job_id: int) -> datetime | None:
        if job_id == broken:
            raise RuntimeError("this one cannot be stepped")
        return workflow_jobs.step_workflow(tx, job_id)

    monkeypatch.setattr(workflows, "step_workflow", step)
    dispatch = EmbeddedDispatch()
    workflows.register_workflows(store, dispatch)  # nothing rings: only the sweep finds them
    deadline = time.monotonic() + 30
    while job_of(store, sound).status != "running":
        assert time.monotonic() < deadline, "the sweep never reached it"
        time.sleep(0.05)
    dispatch.stop(workflows.TASK)

    assert job_of(store, broken).status == "pending"
