# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project update: a job of its own, whose output is what git and ansible-galaxy print."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from playhook.errors import JobCannotRun
from playhook.store.claims import Finish, start
from playhook.store.job_events import JobEvent
from playhook.worker.events import EventRecorder
from playhook.worker.masking import Mask
from playhook.worker.private_dir import private_dir
from playhook.worker.project import update_checkout
from playhook.worker.stop import JobStopped
from playhook.worker.workshop import ClaimedJob, Workshop


def run_project_update(shop: Workshop, job: ClaimedJob) -> Finish:
    """Update the checkout. Raises JobCannotRun, JobStopped."""
    if not shop.store.write(start, job.claim):
        raise JobStopped("canceled")
    recorder = EventRecorder(shop.store, job.claim)
    try:
        with private_dir(shop.settings.home, job.claim.job_id) as private:
            lines = _Lines(recorder, Mask(job.inputs.secrets()))
            revision = update_checkout(shop, job, private, lines.add)
    except JobStopped as stopped:
        if stopped.reason == "canceled":
            raise
        raise JobCannotRun("the receiver was stopped during the update; start it again") from None
    finally:
        recorder.close()
    return Finish(status="successful", scm_revision=revision)


class _Lines:
    """Turns printed lines into job events."""

    def __init__(self, recorder: EventRecorder, mask: Mask) -> None:
        self._recorder, self._mask = recorder, mask
        self._count = 0

    def add(self, line: str) -> None:
        self._recorder.append(
            JobEvent(
                counter=self._count + 1,
                uuid=str(uuid.uuid4()),
                event="verbose",
                stdout=self._mask.text(line),
                start_line=self._count,
                end_line=self._count + 1,
                created=datetime.now(UTC),
            )
        )
        self._count += 1
        self._recorder.flush_if_due()
