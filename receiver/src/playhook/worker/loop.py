# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker pool: takes claimed jobs and decides how each of them ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from playhook.dispatch.base import Dispatch
from playhook.domain.job import JobType
from playhook.errors import JobCannotRun, StoreUnavailable
from playhook.logs import get_logger
from playhook.settings import Settings
from playhook.store.claims import (
    Claim,
    ClaimLost,
    Finish,
    claim,
    find_cancel_requests,
    find_next,
    find_orphans,
    finish,
    reap,
    release,
)
from playhook.store.job_inputs import read_installation, read_job_inputs
from playhook.store.store import Store
from playhook.store.workers import bury_lost_workers
from playhook.worker.launcher import Launcher
from playhook.worker.persistence import persist
from playhook.worker.playbook_run import run_playbook_job
from playhook.worker.presence import Presence
from playhook.worker.private_dir import remove_left_overs
from playhook.worker.project_update import run_project_update
from playhook.worker.stop import JobStopped, Stop
from playhook.worker.trees import end_scope
from playhook.worker.workflows import TASK as WORKFLOWS
from playhook.worker.workflows import register_workflows
from playhook.worker.workshop import ClaimedJob, Workshop

TASK: Final = "run_job"
SETTLING: Final = "settle_jobs"
_SWEEP: Final = 5.0  # seconds between looks at what was stored and never rung
_CANCELS: Final = 0.5  # seconds between looks at what is to be canceled, while a job runs
_ENDING: Final = 20.0  # seconds that ended jobs get to be recorded
_KILLED: Final = "The receiver was killed or lost the job while it ran. Its processes were ended; launch it again."
_RUN: Final[dict[JobType, Callable[[Workshop, ClaimedJob], Finish]]] = {
    "job": run_playbook_job,
    "project_update": run_project_update,
}
_log = get_logger(__name__)


class WorkerPool:
    """Runs up to `settings.workers` jobs at a time. It must be the only one of its state directory."""

    def __init__(self, store: Store, launcher: Launcher, settings: Settings, dispatch: Dispatch) -> None:
        self._store, self._settings, self._dispatch, self._launcher = store, settings, dispatch, launcher
        self._shop: Workshop
        self._presence = Presence(store, settings, self._give_up_jobs)
        self._running: dict[int, Stop] = {}
        self._changed = threading.Condition()
        self._claiming = threading.Lock()
        self._stopping = False
        self._cancels = threading.Thread(target=self._watch_cancels, name="cancels", daemon=True)

    def start(self) -> None:
        """Clean up after an earlier worker that was killed, then take jobs."""
        self._shop = self._open_shop()
        if ended := end_scope(self._shop.scope):
            _log.warning("processes of an earlier receiver were ended", count=ended)
        remove_left_overs(self._settings.home)
        self._presence.enter()
        self._settle_orphans()
        self._cancels.start()
        if self._settings.workers:
            self._dispatch.register(TASK, self._take, concurrency=self._settings.workers, every=_SWEEP, keyed=False)
            self._dispatch.register(SETTLING, self._settle, every=_SWEEP, keyed=False)
            register_workflows(self._store, self._dispatch)

    def _open_shop(self) -> Workshop:
        with self._store.reading() as connection:
            scope = f"{read_installation(connection)}/{self._presence.home_id}"
        return Workshop(store=self._store, settings=self._settings, launcher=self._launcher, scope=scope)

    def stop(self) -> None:
        """Take no more jobs; give those that run `shutdown_grace` seconds, then end them."""
        for task in (TASK, SETTLING, WORKFLOWS):
            self._dispatch.stop(task)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if not self._wait_until_idle(self._settings.shutdown_grace):
            self._stop_jobs()
            self._wait_until_idle(_ENDING)
        self._presence.leave()
        self._launcher.close()

    def _take(self, _key: int) -> None:
        """Run the next job, if there is one; which one is the store's decision, whoever rang."""
        if self._stopping or not self._presence.is_sure():
            return
        stop = Stop()
        claimed = self._claim_next(stop)
        if claimed is None:
            return
        self._dispatch.defer(TASK)  # rings at once became one: another thread looks for another job
        try:
            with structlog.contextvars.bound_contextvars(job=claimed.job_id):
                self._run(claimed, stop)
        finally:
            with self._changed:
                del self._running[claimed.job_id]
                self._changed.notify_all()
            self._dispatch.defer(TASK)  # for what waited for this one's lock group

    def _claim_next(self, stop: Stop) -> Claim | None:
        """Claim a job and know that it runs, in one step: between the two it would look like an orphan."""
        with self._claiming:
            while (job_id := self._find_next()) is not None:
                try:
                    claimed = self._store.write(claim, job_id, self._presence.name, self._presence.hostname)
                except ClaimLost:
                    continue
                if claimed is not None:
                    with self._changed:
                        self._running[job_id] = stop
                        self._changed.notify_all()
                    return claimed
        return None

    def _find_next(self) -> int | None:
        with self._store.reading() as connection:
            return find_next(connection, self._settings.queue_names)

    def _run(self, claimed: Claim, stop: Stop) -> None:
        _log.info("job claimed")
        result: Finish | None
        try:
            result = self._execute(claimed, stop)
        except JobStopped as stopped:
            result = Finish(status="canceled") if stopped.reason == "canceled" else None
        try:
            if result is None:
                persist(self._store, release, claimed)
            else:
                persist(self._store, finish, claimed, result)
        except (ClaimLost, StoreUnavailable) as error:
            _log.error("how the job ended was not recorded", reason=str(error))
        else:
            status, why = ("pending", "") if result is None else (result.status, result.explanation)
            _log.info("job ended", status=status, **({"explanation": why} if why else {}))

    def _execute(self, claimed: Claim, stop: Stop) -> Finish:
        """Run the job; the edge at which every error becomes a sentence on the job."""
        try:
            with self._store.reading() as connection:
                inputs = read_job_inputs(connection, self._store.cipher, claimed.job_id)
            return _RUN[claimed.type](self._shop, ClaimedJob(claim=claimed, inputs=inputs, stop=stop))
        except (JobStopped, ClaimLost):
            raise
        except JobCannotRun as error:
            return Finish(status="error", explanation=_sentence(str(error)))
        except Exception:  # noqa: BLE001  the edge of the job: the traceback goes to the log, not to the job
            _log.exception("job failed unexpectedly")
            return Finish(
                status="error",
                explanation="The receiver failed while it ran the job; its log says why (search the job's id).",
            )

    def _settle(self, _key: int) -> None:
        """Look for workers that were lost, and for jobs that nobody runs."""
        if self._presence.may_judge():
            for worker in self._store.write(bury_lost_workers):
                _log.warning("a worker was lost", worker=worker)
        self._settle_orphans()

    def _settle_orphans(self) -> None:
        """Settle claimed jobs that nobody runs: of a worker that is gone, or whose end could not be recorded."""
        with self._claiming, self._store.reading() as connection:
            orphans = find_orphans(connection, self._presence.name, list(self._running))
        for job_id, fence in orphans:
            status = self._store.write(reap, job_id, fence, _KILLED)
            _log.warning("a job without a worker was settled", job=job_id, status=status)

    def _give_up_jobs(self) -> None:
        """End what runs under a lease that was lost: its jobs have been settled, and nothing of it counts any more."""
        self._stop_jobs()
        self._wait_until_idle(_ENDING)

    def _stop_jobs(self) -> None:
        for stop in self._stops():
            stop.request("stopped")

    def _watch_cancels(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._running or self._stopping)
                if self._stopping and not self._running:
                    return
            try:
                with self._store.reading() as connection:
                    canceled = find_cancel_requests(connection, self._presence.name)
            except StoreUnavailable:
                canceled = set()
            with self._changed:
                stops = [stop for job_id, stop in self._running.items() if job_id in canceled]
            for stop in stops:
                stop.request("canceled")
            time.sleep(_CANCELS)

    def _stops(self) -> list[Stop]:
        with self._changed:
            return list(self._running.values())

    def _wait_until_idle(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout)


def _sentence(text: str) -> str:
    text = f"{text[:1].upper()}{text[1:]}"
    return text if text.endswith((".", "!", "?")) else f"{text}."
