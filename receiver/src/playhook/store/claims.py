# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs which job: every change of a job's status is one compare-and-set statement on its row.

The statements are the same on SQLite and PostgreSQL. A worker writes with the fence that its claim got, so that one
that was declared dead can no longer change the job.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningUpdate

from playhook.domain.job import ACTIVE, TRANSITIONS, WORKFLOW_TRANSITIONS, JobStatus, JobType, sources_of
from playhook.errors import Conflict
from playhook.store import tables as t
from playhook.store.placement import may_run_on
from playhook.store.status_posts import queue_status
from playhook.store.tx import Tx

RUN_BY_WORKERS: Final[tuple[JobType, ...]] = ("job", "project_update")
_CLAIMED: Final[tuple[JobStatus, ...]] = ("waiting", "running")
_jobs = t.unified_jobs
# Made once: an alias copies every column of its table, which takes longer than the statement.
_active, _earlier, _job, _newer = (_jobs.alias(name) for name in ("active", "earlier", "job", "newer"))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to run one job; `fence` grows with every claim of it."""

    job_id: int
    type: JobType
    worker: str
    fence: int


class ClaimLost(Conflict):
    """The job was taken from this worker, or by another one first; what this one does no longer counts."""


@dataclass(frozen=True, kw_only=True)
class Finish:
    """How a job ended. `scm_revision` None leaves what `start` wrote."""

    status: JobStatus
    explanation: str = ""
    scm_revision: str | None = None
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    host_status_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What was started, for people to read; without secrets."""

    job_args: list[str]
    job_cwd: str
    job_env: Mapping[str, str]


def find_next(connection: Connection, queues: Collection[str] = ()) -> int | None:
    """Return the oldest pending job whose lock group is free and that a worker of these instance groups may run.

    The oldest of all is also the oldest of its group, so the jobs of a group run in order. Read only: with a long
    queue behind one lock group this takes milliseconds, which the writer is spared.
    """
    if connection.dialect.name != "sqlite":
        # PostgreSQL believes for a while that a queue which has just grown is short, and would sort it for each claim.
        connection.execute(text("SET LOCAL enable_sort = off"))
    wanted = select(_jobs.c.id).where(
        _jobs.c.status == "pending", _jobs.c.type.in_(RUN_BY_WORKERS), _is_free(), may_run_on(queues)
    )
    return connection.execute(wanted.order_by(_jobs.c.id).limit(1)).scalar_one_or_none()


def claim(tx: Tx, job_id: int, worker: str, node: str = "") -> Claim | None:
    """Take a pending job; None when another worker was first, it was canceled, or its lock group is taken.

    Raises ClaimLost when its lock group is taken at this very moment.
    """
    row = _take(
        tx,
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.status == "pending", _is_free())
        .values(status="waiting", claimed_by=worker, execution_node=node, fence=_jobs.c.fence + 1, modified=tx.now)
        .returning(_jobs.c.type, _jobs.c.fence),
    )
    if row is None:
        return None
    touch_template(tx, job_id, status="waiting")
    return Claim(job_id=job_id, type=row.type, worker=worker, fence=row.fence)


def start(tx: Tx, claim: Claim, *, scm_revision: str = "") -> bool:
    """Say that the playbook is about to run; from here on it is never run again. False when a cancel came first."""
    started = tx.connection.execute(
        update(_jobs)
        .where(*_held(claim), _jobs.c.status.in_(sources_of("running")), ~_jobs.c.cancel_requested)
        .values(status="running", started=tx.now, modified=tx.now, scm_revision=scm_revision)
    ).rowcount
    if started:
        touch_template(tx, claim.job_id, status="running")
        queue_status(tx, claim.job_id, "running")
    return bool(started)


def record_invocation(tx: Tx, claim: Claim, invocation: Invocation) -> None:
    """Store what was started."""
    tx.connection.execute(update(_jobs).where(*_held(claim)).values(**vars(invocation)))


def finish(tx: Tx, claim: Claim, result: Finish) -> None:
    """End a claimed job. Raises ClaimLost."""
    values: dict[str, Any] = {
        "artifacts": dict(result.artifacts),
        "host_status_counts": dict(result.host_status_counts),
    }
    if result.scm_revision is not None:
        values["scm_revision"] = result.scm_revision
    if not end_job(tx, claim.job_id, result.status, result.explanation, values, *_held(claim)):
        raise ClaimLost(f"job {claim.job_id} is no longer run by {claim.worker}")


def release(tx: Tx, claim: Claim) -> None:
    """Give back a job whose playbook has not started; another claim runs it."""
    released = tx.connection.execute(
        update(_jobs)
        .where(*_held(claim), _jobs.c.status == "waiting")
        .values(status="pending", claimed_by="", execution_node="", modified=tx.now)
    ).rowcount
    if released:
        touch_template(tx, claim.job_id, status="pending")
        tx.defer("run_job", claim.job_id)


def request_cancel(tx: Tx, job_id: int) -> bool:
    """Cancel a job: at once while it is pending, else its worker is told. False when it has ended already."""
    pending: tuple[JobStatus, ...] = ("new", "pending")
    if end_job(tx, job_id, "canceled", "", {}, _jobs.c.id == job_id, _jobs.c.status.in_(pending)):
        return True
    asked = tx.connection.execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.status.in_(ACTIVE))
        .values(cancel_requested=True, modified=tx.now)
        .returning(_jobs.c.type)
    ).scalar_one_or_none()
    if asked == "workflow_job":
        tx.defer("step_workflow", job_id)
    return asked is not None


def start_workflow(tx: Tx, job_id: int) -> bool:
    """Take a workflow job from pending to running, in its turn among those of its lock group; False when it must wait.

    It needs no worker of its own: whoever steps it next goes on. Raises ClaimLost as `claim` does.
    """
    started = _take(
        tx,
        update(_jobs)
        .where(_jobs.c.id == job_id, *_may_start())
        .values(status="running", started=tx.now, modified=tx.now)
        .returning(_jobs.c.id),
    )
    if started:
        touch_template(tx, job_id, status="running")
        queue_status(tx, job_id, "running")
    return started is not None


def find_startable_workflows(connection: Connection, lock_group: str | None = None) -> list[int]:
    """Return the pending workflow jobs whose turn it is: of all, or of one lock group."""
    wanted = select(_jobs.c.id).where(*_may_start()).order_by(_jobs.c.id)
    if lock_group is not None:
        wanted = wanted.where(_jobs.c.lock_group == lock_group)
    return list(connection.execute(wanted).scalars())


def _may_start() -> tuple[ColumnElement[bool], ...]:
    overtakes = exists().where(
        _earlier.c.lock_group == _jobs.c.lock_group, _earlier.c.status == "pending", _earlier.c.id < _jobs.c.id
    )
    may_run = _jobs.c.status.in_(sources_of("running", WORKFLOW_TRANSITIONS))
    return (_jobs.c.type == "workflow_job", may_run, _is_free(), ~overtakes)


def find_cancel_requests(connection: Connection, worker: str) -> set[int]:
    """Return the jobs of a worker that are to be canceled."""
    wanted = select(_jobs.c.id).where(
        _jobs.c.status.in_(_CLAIMED), _jobs.c.cancel_requested, _jobs.c.claimed_by == worker
    )
    return set(connection.execute(wanted).scalars())


def find_orphans(connection: Connection, worker: str, running: Collection[int] = ()) -> list[tuple[int, int]]:
    """Return the claimed jobs that nobody runs, each with its fence.

    They are those of workers that are no longer listed, and of `worker` those that it does not know to be `running`.
    """
    listed = select(t.workers.c.name).where(t.workers.c.name != worker)
    orphans = select(_jobs.c.id, _jobs.c.fence).where(
        _jobs.c.status.in_(_CLAIMED),
        _jobs.c.type.in_(RUN_BY_WORKERS),
        _jobs.c.claimed_by.not_in(listed),
        or_(_jobs.c.claimed_by != worker, _jobs.c.id.not_in(list(running))),
    )
    return [(row.id, row.fence) for row in connection.execute(orphans.order_by(_jobs.c.id))]


def reap(tx: Tx, job_id: int, fence: int, explanation: str) -> JobStatus | None:
    """Settle a job whose worker is gone, unless it was claimed anew since its `fence` was read.

    What had not started runs again: it becomes pending (or canceled, if that was asked for). What had started
    becomes `error`: a playbook is never run twice. Returns the new status, None when the job had ended meanwhile.
    """
    orphan = (_jobs.c.id == job_id, _jobs.c.fence == fence)
    waiting = (*orphan, _jobs.c.status == "waiting")
    if end_job(tx, job_id, "canceled", "", {}, *waiting, _jobs.c.cancel_requested):
        return "canceled"
    # A new fence: whatever may still believe that it runs this job cannot write any more.
    values = {"status": "pending", "claimed_by": "", "execution_node": "", "fence": _jobs.c.fence + 1}
    if tx.connection.execute(update(_jobs).where(*waiting).values(**values, modified=tx.now)).rowcount:
        touch_template(tx, job_id, status="pending")
        tx.defer("run_job", job_id)
        return "pending"
    running = (*orphan, _jobs.c.status == "running")
    return "error" if end_job(tx, job_id, "error", explanation, {"fence": _jobs.c.fence + 1}, *running) else None


def record_project_revision(tx: Tx, project_id: int, revision: str) -> None:
    """Note what a project's checkout holds since just now."""
    templates = t.unified_job_templates
    tx.connection.execute(
        update(templates).where(templates.c.id == project_id).values(scm_revision=revision, last_job_run=tx.now)
    )


def holds(tx: Tx, claim: Claim) -> bool:
    """Say whether the claim is still valid in this transaction."""
    return tx.connection.execute(select(_jobs.c.id).where(*_held(claim))).first() is not None


def _take(tx: Tx, statement: ReturningUpdate[Any]) -> Row[Any] | None:
    """Run a statement that takes a lock group; None when it took nothing.

    Two machines may find a group free at the same moment. The index on active jobs lets one of them have it, and the
    other one gets ClaimLost, which undoes its write.
    """
    try:
        return tx.connection.execute(statement).one_or_none()
    except IntegrityError:
        raise ClaimLost("another machine has just taken a job of the same lock group") from None


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (_jobs.c.id == claim.job_id, _jobs.c.fence == claim.fence, _jobs.c.claimed_by == claim.worker)


def _is_free() -> ColumnElement[bool]:
    taken = select(_active.c.lock_group).where(_active.c.status.in_(_CLAIMED), _active.c.lock_group.is_not(None))
    return or_(_jobs.c.lock_group.is_(None), _jobs.c.lock_group.not_in(taken))


def end_job(
    tx: Tx,
    job_id: int,
    status: JobStatus,
    explanation: str,
    values: Mapping[str, Any],
    *conditions: ColumnElement[bool],
    transitions: Mapping[JobStatus, frozenset[JobStatus]] = TRANSITIONS,
    told: str = "",
) -> bool:
    """End a job from a state that leads there; `told` is what its status post says in place of the explanation.

    What launched it, if that is a workflow, goes on once this is durable. False when the job was not as `conditions`
    say.
    """
    row = tx.connection.execute(
        update(_jobs)
        .where(*conditions, _jobs.c.status.in_(sources_of(status, transitions)))
        .values(
            status=status,
            failed=status != "successful",
            finished=tx.now,
            modified=tx.now,
            canceled_on=tx.now if status == "canceled" else None,
            job_explanation=explanation,
            event_processing_finished=True,
            lock_group=None,  # so that the index on it holds what is active, however many have ended
            **values,
        )
        .returning(_jobs.c.started, _jobs.c.launch_type)
    ).one_or_none()
    if row is None:
        return False
    _record_elapsed(tx, job_id, row)
    touch_template(
        tx, job_id, status=status, last_job_failed=status != "successful", last_job_run=tx.now, last_job_id=job_id
    )
    queue_status(tx, job_id, status, told or explanation)
    if row.launch_type == "workflow":
        _ring_workflow(tx, job_id)
    return True


def _ring_workflow(tx: Tx, job_id: int) -> None:
    nodes = t.workflow_job_nodes
    parents = select(nodes.c.workflow_job_id).where(nodes.c.job_id == job_id)
    for workflow_job_id in tx.connection.execute(parents).scalars():
        tx.defer("step_workflow", workflow_job_id)


def _record_elapsed(tx: Tx, job_id: int, row: Row[Any]) -> None:
    if row.started is not None:
        elapsed = round((tx.now - row.started).total_seconds(), 3)
        tx.connection.execute(update(_jobs).where(_jobs.c.id == job_id).values(elapsed=elapsed))


def touch_template(tx: Tx, job_id: int, **values: Any) -> None:
    """Show the job's state on its template, unless a newer job of it shows there already."""
    templates = t.unified_job_templates
    template_id = select(_job.c.unified_job_template_id).where(_job.c.id == job_id).scalar_subquery()
    overtaken = exists().where(
        _newer.c.unified_job_template_id == templates.c.id,
        _newer.c.id > job_id,
        _newer.c.status.not_in(["new", "pending"]),
    )
    tx.connection.execute(update(templates).where(templates.c.id == template_id, ~overtaken).values(**values))
