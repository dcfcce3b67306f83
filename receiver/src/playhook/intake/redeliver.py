# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivery once more, because an operator asks for it: neither filters nor dedupe hold it back."""

from __future__ import annotations

from dataclasses import replace

from playhook.domain.delivery import Rule, Verdict
from playhook.domain.event import Event
from playhook.errors import Conflict, NotFound
from playhook.intake.accept import launch, resolve_inventory
from playhook.intake.deadline import Deadline
from playhook.intake.extra_vars import event_of, event_record
from playhook.intake.filters import Facts, ask
from playhook.intake.launch_values import read_values
from playhook.intake.record import for_playbooks
from playhook.intake.rules import compile_rules
from playhook.intake.verdict import Judgement
from playhook.store.deliveries import DeliveryRow, insert_delivery, read_judged
from playhook.store.hook_templates import HookTemplate
from playhook.store.writer import Tx


def redeliver(tx: Tx, delivery_id: int, user_id: int) -> int:
    """Store the delivery anew, with a reference to the body that is kept already, and return the id of its job.

    Its template's values from the event keep their limits. Raises NotFound and Conflict.
    """
    judged = read_judged(tx.connection, delivery_id)
    if judged is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    row, stored, template = judged.row, judged.delivery, judged.template
    if row.outcome == "refused" or (row.outcome == "duplicate" and not stored.event):
        raise Conflict(f"Delivery {delivery_id} was {row.outcome}, and its payload is not kept.")
    if template is None:
        raise Conflict(f"Delivery {delivery_id} has no template (any more) that could be launched.")
    if stored.payload is None:
        raise Conflict(f"The payload of delivery {delivery_id} has been purged.")
    event = event_of(stored.event, stored.payload)
    if event.kind == "ping":
        raise Conflict("A ping proves that the webhook works; it does not launch.")
    said = _judge(template, event, delivery_id, user_id)
    columns = dict(said.columns)
    if not resolve_inventory(tx, template, columns):
        raise Conflict(f"There is no inventory {said.columns['inventory_id']}.")
    new = replace(
        row,
        outcome="launched",
        response_status=202,
        received=tx.now,
        reason="",
        dedupe_key=None,
        original_id=row.original_id or delivery_id,
        redelivered_by_id=user_id,
        event={**event_record(event), **for_playbooks(said)},
        verdict=said.verdict.record(),
    )
    return launch(tx, template, new, _store(tx, new), columns)


def _judge(template: HookTemplate, event: Event, delivery_id: int, user_id: int) -> Judgement:
    rules = compile_rules(template.playhook)
    if rules.broken:
        raise Conflict(rules.broken)
    facts = Facts(event, {"event": event_record(event), "payload": event.payload}, Deadline())
    answers = ask(rules.filters, facts)  # for the match, and to be shown; they do not decide
    values = read_values(rules.values, facts, template.row)
    if values.refusal:
        raise Conflict(values.refusal)
    asked = Rule(name="redelivery", passed=True, wanted=f"delivery {delivery_id}", found=f"user {user_id}")
    return Judgement(
        verdict=Verdict(launch=True, rules=(asked, *answers.rules, *values.rules)),
        variables=values.variables,
        match=answers.match,
        columns=values.columns,
    )


def _store(tx: Tx, row: DeliveryRow) -> int:
    delivery_id = insert_delivery(tx, row)
    if delivery_id is None:
        raise RuntimeError("a row without a dedupe key met another")
    return delivery_id
