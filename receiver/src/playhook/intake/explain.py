# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a delivery did or did not launch, and what it would do under other rules. Nothing is run and nothing saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playhook.domain.delivery import Rule
from playhook.errors import Conflict, InvalidInput, NotFound
from playhook.intake.extra_vars import event_of, event_record
from playhook.intake.rules import KEYS, compile_rules, tell_unbound, validate_rules
from playhook.intake.verdict import judge
from playhook.store.deliveries import read_judged
from playhook.store.query import Reading


def explain_delivery(
    connection: Reading, delivery_id: int, changed_rules: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the verdict that was recorded, and the one that the template's rules lead to now.

    `changed_rules` are keys of `playhook` that are tried in place of the template's. `now` is None where nothing can
    be judged: the delivery was refused, or belongs to no template. Raises NotFound, InvalidInput and Conflict.
    """
    judged = read_judged(connection, delivery_id)
    if judged is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    row, delivery = judged.row, judged.delivery
    recorded = row.verdict or {"launch": False, "reason": row.reason, "rules": []}
    answer = {"delivery": delivery_id, "outcome": row.outcome, "recorded": recorded, "now": None}
    if judged.template is None or not delivery.event:
        if changed_rules is not None:
            raise Conflict(f"Delivery {delivery_id} was refused or has no template, so there is nothing to try.")
        return answer
    now = explain(delivery.event, delivery.payload, judged.template.row, changed_rules)
    return {**answer, "now": now}


def explain(
    event: Mapping[str, Any],
    payload: dict[str, Any] | None,
    template: Mapping[str, Any],
    changed_rules: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge a stored event by a template's rules, or by changed ones. Raises InvalidInput for rules that are wrong.

    Without the payload (it has been purged) expressions over it find nothing, and `payload_purged` says so.
    """
    playhook = {**(template["playhook"] or {}), **_check(changed_rules or {})}
    rules = compile_rules(playhook)
    parsed = event_of(event, payload or {})
    said = judge(rules, parsed, event_record(parsed), template)
    reason, given = said.verdict.reason, said.verdict.rules
    unbound = tell_unbound(rules, parsed)
    if unbound:
        given = (Rule(name="bound repositories", passed=False, wanted=list(playhook["repositories"])), *given)
        reason = f"The delivery would be refused: {unbound}."
    launch = not reason
    return {
        "launch": launch,
        "reason": reason,
        "rules": [dict(vars(rule)) for rule in given],
        "variables": dict(said.variables) if launch else {},
        "match": dict(said.match) if launch else {},
        "fields": dict(said.columns) if launch else {},
        "payload_purged": payload is None,
    }


def _check(changed_rules: Mapping[str, Any]) -> Mapping[str, Any]:
    problems = validate_rules(changed_rules)
    unknown = [name for name in changed_rules if name not in KEYS]
    for name in unknown:
        problems[name] = [f"This cannot be tried; there are {', '.join(sorted(KEYS))}."]
    if problems:
        raise InvalidInput(problems)
    return changed_rules
