# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bells of distributed dispatch: how a ring gets into the engine's table, and how one that is lost is forgotten.

A task has a bell, which is a queue of the engine's. A task that is placed has one for each set of instance groups that
workers serve, for only its own workers look at the same jobs. A bell that is rung and not yet heard is not rung again:
whoever hears it looks after that, and sees what the second ring is about. So the engine's table stays as short as the
list of bells, however long the queue of jobs is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any, Final

from psycopg_pool import AsyncConnectionPool

from playhook.logs import get_logger

_log = get_logger(__name__)
_RING: Final = """
WITH bells AS (
    SELECT DISTINCT rung.task || coalesce(':' || md5(workers.queues), '') AS queue, rung.task,
        jsonb_build_object('key', rung.key) AS args
    FROM unnest(%s::text[], %s::bigint[]) AS rung(task, key) LEFT JOIN workers ON rung.task = ANY(%s)
    WHERE workers.id IS NOT NULL OR rung.task <> ALL(%s)
)
SELECT procrastinate_defer_jobs_v1(array_agg(
    (queue, task, 0, NULL, NULL, args, NULL)::procrastinate_job_to_defer_v1))
FROM bells WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs AS waiting
    WHERE waiting.queue_name = bells.queue AND waiting.status = 'todo' AND waiting.args = bells.args)
HAVING count(*) > 0
"""
# What a killed process had in hand. It is not rung again: the sweep has done so meanwhile.
_FORGET: Final = "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL"
_PRUNE: Final = "SELECT procrastinate_prune_stalled_workers_v1(%s)"
_SILENT_FOR: Final = 60.0  # seconds after which the engine's own record of a process is dropped


def name_bell(task: str, queues: str, placed: Collection[str]) -> str:
    """Return the engine's queue on which a process that serves `queues` hears a task."""
    if task not in placed:
        return task
    return f"{task}:{hashlib.md5(queues.encode(), usedforsecurity=False).hexdigest()}"


async def ring(pool: AsyncConnectionPool[Any], rings: Iterable[tuple[str, int]], placed: Collection[str]) -> None:
    """Ring tasks with their keys, all at once."""
    tasks, keys = zip(*rings, strict=True)
    async with pool.connection() as connection:
        await connection.execute(_RING, [list(tasks), list(keys), list(placed), list(placed)])


async def forget_lost(pool: AsyncConnectionPool[Any]) -> None:
    """Delete rings that were heard by processes which are gone."""
    async with pool.connection() as connection:
        await connection.execute(_PRUNE, [_SILENT_FOR])
        lost = await connection.execute(_FORGET)
    if lost.rowcount:
        _log.info("rings of lost processes were forgotten", count=lost.rowcount)
