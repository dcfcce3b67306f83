# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one transaction of intake: the delivery, its verdict, its job and the first status post, or nothing of it.

Deliveries that wait together are stored together, a few statements for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from playhook.errors import PlayhookError
from playhook.intake.filters import shorten
from playhook.intake.judging import Judged
from playhook.intake.record import BODY_KEY
from playhook.intake.rules import Dedupe
from playhook.intake.sources import CachedTemplate
from playhook.store.deliveries import (
    DeliveryRow,
    Outcome,
    Reserved,
    expire_dedupe_key,
    insert_deliveries,
    insert_delivery,
    reserve,
)
from playhook.store.hook_templates import HookTemplate, find_inventory_id
from playhook.store.jobs import NewJob, create_jobs, job_type_of
from playhook.store.status_posts import NewStatusPost, describe, insert_status_posts, status_context
from playhook.store.tx import Tx

CHANGED: Final = "a template has changed"


class StaleTemplate(PlayhookError):
    """The template changed since it was read; judge the delivery again."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What became of an authentic delivery. `reason` is empty unless it was ignored."""

    outcome: Outcome
    delivery_id: int | None
    job_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A delivery as it was judged for each of its templates, under a config version."""

    version: int
    judged: Sequence[Judged]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A delivery that launches `template`; `columns` of its job come from the event."""

    template: HookTemplate
    row: DeliveryRow
    delivery_id: int
    columns: Mapping[str, Any]


@dataclass(kw_only=True)
class _Taking:
    """How far a delivery has come; `original_id` is the first of its rows, which has its body."""

    judged: Sequence[Judged]
    accepted: list[Accepted] = field(default_factory=list)
    original_id: int | None = None


@dataclass(kw_only=True)
class Step:
    """A delivery before one of its templates: the row that is stored for it, and what becomes of that."""

    entry: CachedTemplate | None
    row: DeliveryRow
    columns: Mapping[str, Any]
    delivery_id: int | None = None
    job_id: int | None = None

    @property
    def launch(self) -> Launch | None:
        if self.row.outcome != "launched" or self.entry is None or self.delivery_id is None:
            return None
        return Launch(template=self.entry.template, row=self.row, delivery_id=self.delivery_id, columns=self.columns)


def accept(tx: Tx, offers: Sequence[Offer]) -> list[list[Accepted] | Exception]:
    """Store deliveries, each for each of its templates and its body once, and launch what they ask for.

    Returns StaleTemplate for a delivery that was judged under another config version than this transaction's.
    """
    reserved = reserve(tx, [offer.judged[0].row for offer in offers])
    takings = [_Taking(judged=offer.judged) if offer.version == reserved.version else None for offer in offers]
    current = [taking for taking in takings if taking is not None]
    for turn in range(max((len(taking.judged) for taking in current), default=0)):
        those = [taking for taking in current if turn < len(taking.judged)]
        _accept_turn(tx, those, turn, reserved if turn == 0 else reserve(tx, [each.judged[turn].row for each in those]))
    return [StaleTemplate(CHANGED) if taking is None else taking.accepted for taking in takings]


def _accept_turn(tx: Tx, takings: Sequence[_Taking], turn: int, reserved: Reserved) -> None:
    """Store each delivery for its template number `turn`."""
    steps = [prepare(tx, taking.judged[turn], taking.original_id) for taking in takings]
    delivery_ids = insert_deliveries(tx, [step.row for step in steps], reserved.delivery_ids[: len(steps)])
    for step, delivery_id in zip(steps, delivery_ids, strict=True):
        step.delivery_id = delivery_id
        if delivery_id is None:
            _insert_repeat(tx, step)
    launching = [(step, found) for step in steps if (found := step.launch) is not None]
    job_ids = launch(tx, [found for _step, found in launching], reserved.job_ids[: len(launching)])
    for (step, _launch), job_id in zip(launching, job_ids, strict=True):
        step.job_id = job_id
    for taking, step in zip(takings, steps, strict=True):
        taking.accepted.append(tell(step))
        if taking.original_id is None and step.row.outcome != "duplicate":
            taking.original_id = step.delivery_id


def prepare(tx: Tx, judged: Judged, original_id: int | None = None) -> Step:
    """Return what is to be stored of a delivery for one template; of one that came with another, without its body."""
    row, columns = judged.row, judged.columns
    if original_id is not None:
        row = replace(row, body=None, original_id=original_id)
    if judged.entry is not None and "inventory_id" in columns:
        columns = dict(columns)
        if not resolve_inventory(tx, judged.entry.template, columns):
            row = _ignore(row, f"There is no inventory {shorten(str(judged.columns['inventory_id']))}.")
    return Step(entry=judged.entry, row=row, columns=columns)


def tell(step: Step) -> Accepted:
    """Return what became of a delivery that has been stored."""
    row = step.row
    reason = row.reason if row.outcome == "ignored" else ""
    return Accepted(outcome=row.outcome, delivery_id=step.delivery_id, job_id=step.job_id, reason=reason)


def resolve_inventory(tx: Tx, template: HookTemplate, columns: dict[str, Any]) -> bool:
    """Put the id in place of an inventory's name that came from the event; tells whether there is such an inventory."""
    if "inventory_id" not in columns:
        return True
    found = find_inventory_id(tx.connection, columns["inventory_id"], template.row["organization_id"])
    columns["inventory_id"] = found
    return found is not None


def _ignore(row: DeliveryRow, reason: str) -> DeliveryRow:
    rule = {"name": "vars_from_payload.inventory", "passed": False, "wanted": "an inventory", "found": None}
    rules = [each for each in (row.verdict or {}).get("rules", ()) if each["name"] != rule["name"]]
    return replace(
        row,
        outcome="ignored",
        response_status=200,
        reason=reason,
        dedupe_key=None,
        verdict={"launch": False, "reason": reason, "rules": [*rules, rule]},
    )


def _insert_repeat(tx: Tx, step: Step) -> None:
    """Store what was received before: as the template wants it, else as a mere fact."""
    dedupe, row = step.entry.rules.dedupe if step.entry else Dedupe(), step.row
    window = dedupe.body_window if (row.dedupe_key or "").startswith(BODY_KEY) else dedupe.window
    if window is not None and expire_dedupe_key(tx, row, window):
        step.delivery_id = insert_delivery(tx, row)
    elif dedupe.reruns:
        step.row = replace(row, dedupe_key=None, reason="Received before; the template runs repeats.")
        step.delivery_id = insert_delivery(tx, step.row)
    if step.delivery_id is None:
        # Kept without its body, so that people can see that the service sent it twice.
        reason = "This delivery was received before."
        step.row = replace(row, outcome="duplicate", dedupe_key=None, body=None, event=None, reason=reason)
        step.delivery_id = insert_delivery(tx, step.row)


def launch(tx: Tx, launches: Sequence[Launch], ids: Sequence[int] = ()) -> Sequence[int]:
    """Store the jobs of deliveries and their first status posts; returns the jobs' ids, those taken for them if any."""
    ids = create_jobs(tx, [make_job(each) for each in launches], ids)
    posts = [make_post(each, job_id) for each, job_id in zip(launches, ids, strict=True)]
    insert_status_posts(tx, [post for post in posts if post is not None])
    return ids


def make_job(launch: Launch) -> NewJob:
    """Return the job that a delivery launches."""
    template, row = launch.template, launch.row
    overrides = {**launch.columns, "delivery_id": launch.delivery_id, "webhook_guid": row.guid or ""}
    if template.service != row.service:
        overrides |= {"webhook_service": row.service, "webhook_credential_id": _credential_id(launch)}
    return NewJob(
        template=template.row,
        launch_type="webhook",
        overrides=overrides,
        credential_ids=template.credential_ids,
        label_ids=template.label_ids,
    )


def make_post(launch: Launch, job_id: int) -> NewStatusPost | None:
    """Return the first status post of a job; None where it has nowhere to post to."""
    target: Mapping[str, Any] | None = (launch.row.event or {}).get("status_target")
    credential_id = _credential_id(launch)
    if not target or not credential_id:
        return None
    return NewStatusPost(
        job_id=job_id,
        service=launch.row.service,
        credential_id=credential_id,
        target=target,
        status="pending",
        context=status_context(launch.template.row["name"], launch.template.playhook),
        description=describe("pending", job_type_of(launch.template.row)),
    )


def _credential_id(launch: Launch) -> int | None:
    # An endpoint's template may have no webhook of its own; a credential of another service is not for this one.
    other = launch.template.service not in {"", launch.row.service}
    return None if other else launch.template.row["webhook_credential_id"]
