# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivery once more, because an operator asks for it: neither filters nor dedupe hold it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from playhook.domain.delivery import Rule, Verdict
from playhook.domain.event import Event
from playhook.errors import Conflict, NotFound
from playhook.intake.accept import Launch, StaleTemplate, launch, resolve_inventory
from playhook.intake.deadline import Deadline
from playhook.intake.extra_vars import event_of, event_record
from playhook.intake.filters import Facts, ask
from playhook.intake.launch_values import read_values
from playhook.intake.record import for_playbooks
from playhook.intake.rules import compile_rules
from playhook.intake.verdict import Judgement
from playhook.store.deliveries import DeliveryRow, JudgedDelivery, has_body, insert_delivery, read_judged
from playhook.store.hook_templates import HookTemplate, read_config_version
from playhook.store.query import Reading
from playhook.store.store import Store
from playhook.store.tx import Tx

_ATTEMPTS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Redelivered:
    """What a redelivery made: a job, and the delivery that it is of."""

    job_id: int
    delivery_id: int


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A redelivery that has been judged under a config version, and is to be stored while that holds."""

    version: int
    original_id: int
    template: HookTemplate
    row: DeliveryRow
    columns: Mapping[str, Any]


def redeliver(connection: Reading, store: Store, delivery_id: int, user_id: int) -> Redelivered:
    """Store the delivery anew, with a reference to the body that is kept already, and launch its job.

    Its template's values from the event keep their limits. It is read and judged before the transaction that stores
    it, so that no other write waits for that. Raises NotFound and Conflict.
    """
    for _attempt in range(_ATTEMPTS):
        prepared = _prepare(connection, delivery_id, user_id)
        connection.rollback()  # what is read next is newer
        try:
            return store.write(_launch_again, prepared)
        except StaleTemplate:
            continue
    raise Conflict("The template is being changed; redeliver again.")


def _prepare(connection: Reading, delivery_id: int, user_id: int) -> _Prepared:
    version = read_config_version(connection)  # first: what is read may only look older than it is
    judged = read_judged(connection, delivery_id)
    if judged is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    row = judged.row
    template, event = _check(judged)
    said = _judge(template, event, delivery_id, user_id)
    new = replace(
        row,
        outcome="launched",
        response_status=202,
        reason="",
        dedupe_key=None,
        original_id=row.original_id or delivery_id,
        redelivered_by_id=user_id,
        event={**event_record(event), **for_playbooks(said)},
        verdict=said.verdict.record(),
    )
    return _Prepared(
        version=version, original_id=row.original_id or delivery_id, template=template, row=new, columns=said.columns
    )


def _check(judged: JudgedDelivery) -> tuple[HookTemplate, Event]:
    row, stored = judged.row, judged.delivery
    if row.outcome == "refused" or (row.outcome == "duplicate" and not stored.event):
        raise Conflict(f"Delivery {stored.id} was {row.outcome}, and its payload is not kept.")
    if judged.template is None:
        raise Conflict(f"Delivery {stored.id} has no template (any more) that could be launched.")
    if stored.payload is None:
        raise Conflict(f"The payload of delivery {stored.id} has been purged.")
    event = event_of(stored.event, stored.payload)
    if event.kind == "ping":
        raise Conflict("A ping proves that the webhook works; it does not launch.")
    return judged.template, event


def _launch_again(tx: Tx, prepared: _Prepared) -> Redelivered:
    if tx.config_version() != prepared.version or not has_body(tx.connection, prepared.original_id):
        raise StaleTemplate("the template has changed, or the payload has been purged")
    template, columns = prepared.template, dict(prepared.columns)
    if not resolve_inventory(tx, template, columns):
        raise Conflict(f"There is no inventory {prepared.columns['inventory_id']}.")
    row = replace(prepared.row, received=tx.now)
    delivery_id = _store(tx, row)
    (job_id,) = launch(tx, [Launch(template=template, row=row, delivery_id=delivery_id, columns=columns)])
    return Redelivered(job_id=job_id, delivery_id=delivery_id)


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
