# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of a job template, from its stored row to how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playhook.errors import JobCannotRun
from playhook.store.artifacts import are_kept
from playhook.store.claims import Finish, Invocation, record_invocation, start
from playhook.store.job_inputs import JobInputs
from playhook.worker.credentials import write_credentials
from playhook.worker.environment import job_environment
from playhook.worker.events import EventRecorder
from playhook.worker.extra_vars_file import collect_extra_vars, write_extra_vars
from playhook.worker.inventory import write_inventory
from playhook.worker.launcher import LaunchedRun
from playhook.worker.masking import Mask
from playhook.worker.options import playbook_options
from playhook.worker.persistence import persist
from playhook.worker.private_dir import private_dir
from playhook.worker.project import Checkout, check_out, check_playbook, get_project
from playhook.worker.request import Outcome, RunRequest, Started
from playhook.worker.stop import JobStopped
from playhook.worker.trees import end_marked, make_mark
from playhook.worker.workshop import ClaimedJob, Workshop

_NOT_FOUND: Final = 127
_TOO_LARGE: Final = "What the playbook left with set_stats is larger than 1 MiB and was not kept."


def run_playbook_job(shop: Workshop, job: ClaimedJob) -> Finish:
    """Prepare, start and follow the job. Raises JobCannotRun, and JobStopped while the playbook has not started."""
    with private_dir(shop.settings.home, job.claim.job_id) as private:
        checkout = check_out(shop, job, private)
        request, mask = _prepare(shop, job.inputs, checkout, private)
        job.stop.check()
        if not shop.store.write(start, job.claim, scm_revision=checkout.revision):
            raise JobStopped("canceled")
        recorder = EventRecorder(shop.store, job.claim)
        run = shop.launcher.launch(request)
        try:
            job.stop.call(run.cancel)
            outcome = _Follower(shop, job, recorder, mask).follow(run)
        finally:
            run.close()
        recorder.close()
        return _conclude(job, request, outcome, recorder)


def _prepare(shop: Workshop, inputs: JobInputs, checkout: Checkout, private: Path) -> tuple[RunRequest, Mask]:
    """Write what the job needs below `private`; returns the request, and what keeps its secrets out of its records."""
    job, project = inputs.job, get_project(inputs)
    variables = private / "vars"
    variables.mkdir(mode=0o700)
    access = write_credentials(private, inputs.credentials)
    injected = access.injection
    request = RunRequest(
        mark=make_mark(shop.scope, job.id),
        private_dir=str(private),
        project_dir=str(checkout.path),
        playbook=check_playbook(checkout.path, job.playbook, project, checkout.revision),
        inventory=write_inventory(variables, inputs.inventory, checkout.path),
        options=[
            *access.options,
            *playbook_options(job),
            *write_extra_vars(variables, collect_extra_vars(inputs, checkout.revision), injected.extra_vars),
        ],
        environment={
            **job_environment(private, checkout.path, checkout.requirements),
            "JOB_ID": str(job.id),
            "INVENTORY_ID": str(job.inventory_id),
            "PROJECT_REVISION": checkout.revision,
            **injected.environment,
        },
        timeout=_timeout(job.timeout, shop.settings.job_timeout),
        ssh_key=access.ssh_key,
    )
    return request, Mask(inputs.secrets() | injected.secrets, injected.secret_names)


def _timeout(own: int, default: int) -> int:
    """Return the seconds a job may run, 0 for ever; as in AWX its own 0 means the default, and -1 for ever."""
    return max(own, 0) if own else default


class _Follower:
    """Stores what a launched job tells until it ends."""

    def __init__(self, shop: Workshop, job: ClaimedJob, recorder: EventRecorder, mask: Mask) -> None:
        self._shop, self._job, self._recorder, self._mask = shop, job, recorder, mask

    def follow(self, run: LaunchedRun) -> Outcome | None:
        """Return how it ended; None when its process died without saying so."""
        timeout: float | None = None
        while (messages := run.messages(timeout)) is not None:
            for message in messages:
                outcome = self._take(message)
                if outcome is not None:
                    return outcome
            timeout = self._recorder.flush_if_due()
        return None

    def _take(self, message: bytes) -> Outcome | None:
        document = self._mask.load(message)
        if "event" in document:
            self._recorder.add(document["event"])
        elif "started" in document:
            self._record_start(Started(**document["started"]))
        elif "outcome" in document:
            return Outcome(**document["outcome"])
        return None

    def _record_start(self, started: Started) -> None:
        invocation = Invocation(
            job_args=self._mask.arguments(started.command),
            job_cwd=started.cwd,
            job_env=self._mask.environment(started.environment),
        )
        persist(self._shop.store, record_invocation, self._job.claim, invocation)


def _conclude(job: ClaimedJob, request: RunRequest, outcome: Outcome | None, recorder: EventRecorder) -> Finish:
    if outcome is None:
        end_marked(request.mark)  # the launcher does so too, but nothing of the job may outlive this
        raise JobCannotRun("the process that ran the job ended unexpectedly: it was killed, or memory ran out")
    if outcome.status == "canceled" and job.stop.reason != "canceled":
        raise JobCannotRun("the receiver or its launcher was stopped while the job ran; launch it again")
    if outcome.rc == _NOT_FOUND:
        raise JobCannotRun("ansible-playbook was not found: install ansible-core where the receiver runs")
    if outcome.status == "failed" and not recorder.playbook_began:
        _blame_inventory(job.inputs, request, recorder)
    artifacts = recorder.artifacts
    kept = artifacts if are_kept(artifacts) else {}
    return Finish(
        status="failed" if outcome.status == "timeout" else outcome.status,
        explanation=_explain(request, outcome, recorder) or ("" if kept == artifacts else _TOO_LARGE),
        artifacts=kept,
        host_status_counts=recorder.host_status_counts,
    )


def _blame_inventory(inputs: JobInputs, request: RunRequest, recorder: EventRecorder) -> None:
    """Raise JobCannotRun when Ansible gave up over one of the inventory's sources."""
    for source in request.inventory:
        if any("inventory" in error and source in error for error in recorder.errors):
            relative = source.removeprefix(f"{request.project_dir}/")
            name = inputs.inventory.name if inputs.inventory else ""
            raise JobCannotRun(f'Ansible could not read "{relative}" of inventory "{name}"; the job\'s output says why')


def _explain(request: RunRequest, outcome: Outcome, recorder: EventRecorder) -> str:
    if outcome.status == "timeout":
        return f"The job ran longer than its timeout of {request.timeout} seconds and was ended."
    if outcome.status == "failed" and not recorder.playbook_began:
        return "Ansible could not start the playbook; the job's output says why."
    return ""
