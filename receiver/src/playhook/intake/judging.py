# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One authentic delivery before the templates of its address: a verdict, and a row to store, for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playhook.domain.delivery import Delivery, Rule, Verdict
from playhook.domain.event import Event
from playhook.intake.deadline import Deadline
from playhook.intake.extra_vars import event_record
from playhook.intake.filters import shorten
from playhook.intake.record import describe_delivery, prepare_row
from playhook.intake.rules import Rules
from playhook.intake.sources import CachedTemplate, Source
from playhook.intake.verdict import Judgement, judge
from playhook.store.deliveries import DeliveryRow


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is to be stored for one template, and the columns of its job that come from the event.

    `entry` is None for what no template of an endpoint takes.
    """

    entry: CachedTemplate | None
    row: DeliveryRow
    columns: Mapping[str, Any] = field(default_factory=dict)


def judge_delivery(source: Source, remote: str, delivery: Delivery, event: Event) -> list[Judged]:
    """Judge a delivery for every template that it is for; there is always one result at least."""
    record = event_record(event)
    facts = describe_delivery(delivery, event, remote, source.endpoint_id)
    entries = source.templates
    if source.endpoint_id is not None:
        entries = tuple(each for each in entries if event.kind != "ping" and each.takes(event, remote))
    judged = []
    deadline = Deadline()
    for entry in entries:
        said = judge(entry.rules, event, record, entry.template.row, deadline)
        row = prepare_row(
            facts, delivery, event, record, said, template_id=entry.template.id, dedupe=entry.rules.dedupe
        )
        judged.append(Judged(entry=entry, row=row, columns=said.columns))
    if not judged:
        said = _judge_for_none(event, record, len(source.templates))
        judged.append(Judged(entry=None, row=prepare_row(facts, delivery, event, record, said)))
    return judged


def _judge_for_none(event: Event, record: Mapping[str, Any], bound: int) -> Judgement:
    if event.kind == "ping":
        return judge(Rules(), event, record, {})
    name = shorten(event.repository.full_name or event.repository.id) if event.repository else None
    rule = Rule(name="bound templates", passed=False, wanted=f"one of {bound}", found=name)
    reason = f"No template of this endpoint takes deliveries of the repository {name or 'that is not named'}."
    return Judgement(verdict=Verdict(launch=False, reason=reason, rules=(rule,)))
