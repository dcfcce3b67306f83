# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of intake as one statement, for deliveries that launch or are ignored as judged: nearly all.

It goes the way of `accept` on the assumption that nothing like these deliveries is stored; the others are left to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from playhook.errors import PlayhookError
from playhook.intake.accept import CHANGED, Accepted, Offer, StaleTemplate, Step, make_job, make_post, prepare, tell
from playhook.store import tables as t
from playhook.store.bulk import Part
from playhook.store.deliveries import delivery_part
from playhook.store.families import Inserted, insert_together
from playhook.store.jobs import begin_jobs, job_parts
from playhook.store.status_posts import post_rows
from playhook.store.tx import Tx


class Repeated(PlayhookError):
    """Something like the delivery is stored already; have `accept` decide."""


def can_be_at_once(offer: Offer) -> bool:
    """Tell whether a delivery is one row, and its job needs nothing to be looked up or copied."""
    if len(offer.judged) > 1:
        return False
    entry, columns = offer.judged[0].entry, offer.judged[0].columns
    return entry is None or (entry.template.row["type"] == "job_template" and "inventory_id" not in columns)


def accept_at_once(tx: Tx, offers: Sequence[Offer]) -> list[list[Accepted] | Exception]:
    """Store deliveries and launch what they ask for. Returns StaleTemplate or Repeated for one that is not stored."""
    version = max(offer.version for offer in offers)
    steps = [prepare(tx, offer.judged[0]) for offer in offers if offer.version == version]
    for number, step in enumerate(steps, 1):
        step.delivery_id = number
    launches = [(step, launch) for step in steps if (launch := step.launch) is not None]
    for number, (step, _launch) in enumerate(launches, 1):
        step.job_id = number
    jobs = [make_job(launch) for _step, launch in launches]
    posts = [post for number, (_step, launch) in enumerate(launches, 1) if (post := make_post(launch, number))]
    parts = [
        delivery_part([step.row for step in steps], range(1, len(steps) + 1)),
        *job_parts(tx, jobs, range(1, len(jobs) + 1)),
        *([Part(table=t.status_posts, rows=post_rows(tx, posts))] if posts else []),
    ]
    inserted = insert_together(tx.connection, parts, version=version)
    for step in steps:
        _take_ids(step, inserted)
    launched = [(job, step.job_id) for job, (step, _launch) in zip(jobs, launches, strict=True) if step.job_id]
    begin_jobs(tx, [job for job, _job_id in launched], [job_id for _job, job_id in launched])
    if posts:
        tx.defer("post_status", 0)
    told = iter(_tell(step, is_stale=inserted.version != version) for step in steps)
    return [next(told) if offer.version == version else StaleTemplate(CHANGED) for offer in offers]


def _take_ids(step: Step, inserted: Inserted) -> None:
    """Put ids in place of a step's numbers; none where it is not stored."""
    delivery_id = inserted.ids["webhook_deliveries"][(step.delivery_id or 0) - 1]
    is_stored = delivery_id in inserted.stored
    job_id = inserted.ids["unified_jobs"][step.job_id - 1] if step.job_id else None
    step.delivery_id, step.job_id = (delivery_id, job_id) if is_stored else (None, None)


def _tell(step: Step, *, is_stale: bool) -> list[Accepted] | Exception:
    if is_stale:
        return StaleTemplate(CHANGED)
    return Repeated("something like it is stored already") if step.delivery_id is None else [tell(step)]
