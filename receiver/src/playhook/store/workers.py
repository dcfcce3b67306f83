# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workers there are: each holds a lease that it renews, and without which its jobs are not its own.

Times are the database's, so that machines whose clocks differ judge alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from playhook.store import tables as t
from playhook.store.tx import Tx


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One process that runs jobs. `queues` are names of instance groups, empty for all."""

    name: str
    home_id: str
    hostname: str
    version: str
    capacity: int
    queues: str = ""


@dataclass(frozen=True, kw_only=True)
class LiveWorker(Worker):
    """A worker as the database knows it."""

    heartbeat: datetime

    def serves(self, group: str) -> bool:
        """Say whether it runs the jobs of an instance group."""
        return not self.queues or group in self.queues.split(",")


def queues_text(names: Iterable[str]) -> str:
    """Write names of instance groups as one text, the same for the same names."""
    return ",".join(sorted(set(names)))


def register_worker(tx: Tx, worker: Worker, lease: timedelta | None) -> None:
    """Enter a worker in place of any earlier one of its state directory; of all, where it is alone (no lease)."""
    earlier = delete(t.workers)
    tx.connection.execute(earlier if lease is None else earlier.where(t.workers.c.home_id == worker.home_id))
    now = _clock(tx)
    expires = None if lease is None else now + lease
    tx.connection.execute(insert(t.workers).values(**vars(worker), started=now, heartbeat=now, expires=expires))


def renew_lease(tx: Tx, name: str, lease: timedelta) -> bool:
    """Prolong a worker's lease; False when it was declared lost meanwhile."""
    now = _clock(tx)
    renewed = update(t.workers).where(t.workers.c.name == name).values(heartbeat=now, expires=now + lease)
    return bool(tx.connection.execute(renewed).rowcount)


def remove_worker(tx: Tx, name: str) -> None:
    """Take a worker that stops out of the list."""
    tx.connection.execute(delete(t.workers).where(t.workers.c.name == name))


def bury_lost_workers(tx: Tx) -> Sequence[str]:
    """Remove the workers whose lease has expired, which makes their jobs orphans; returns their names."""
    lost = delete(t.workers).where(t.workers.c.expires < _clock(tx)).returning(t.workers.c.name)
    return tx.connection.execute(lost).scalars().all()


def live_workers(connection: Connection) -> list[LiveWorker]:
    """Return the workers, in the order in which they were started."""
    columns = [t.workers.c[name] for name in LiveWorker.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(t.workers.c.id)).mappings()
    return [LiveWorker(**row) for row in rows]


def count_active_jobs(connection: Connection) -> dict[str, int]:
    """Return how many jobs each worker has in hand, by its name."""
    jobs = t.unified_jobs.c
    active = jobs.status.in_(("waiting", "running"))
    rows = connection.execute(select(jobs.claimed_by, func.count()).where(active).group_by(jobs.claimed_by))
    return {name: count for name, count in rows if name}


def _clock(tx: Tx) -> datetime:
    if tx.connection.dialect.name == "sqlite":  # one machine
        return tx.now
    now: datetime = tx.connection.execute(select(func.clock_timestamp())).scalar_one()
    return now
