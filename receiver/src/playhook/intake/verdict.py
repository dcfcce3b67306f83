# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an authentic delivery launches, and why: every rule with what it compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from playhook.domain.delivery import Rule, Verdict
from playhook.domain.event import Event
from playhook.intake.deadline import Deadline, OutOfTime
from playhook.intake.filters import Facts, ask
from playhook.intake.launch_values import read_values
from playhook.intake.rules import Rules

_REASON_LENGTH: Final = 1024


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict, and what the job gets from the event: extra variables, a comment's named groups, columns."""

    verdict: Verdict
    variables: Mapping[str, Any] = field(default_factory=dict)
    match: Mapping[str, str | None] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)


def judge(
    rules: Rules,
    event: Event,
    record: Mapping[str, Any],
    template: Mapping[str, Any],
    deadline: Deadline | None = None,
) -> Judgement:
    """Apply a template's rules; `record` is the event as expressions and playbooks see it. Never raises.

    The templates of one delivery share its `deadline`. A ping proves that the hook works; it never launches, as AWX's
    would.
    """
    facts = Facts(event, {"event": record, "payload": event.payload}, deadline or Deadline())
    ping = Rule(name="not a ping", passed=event.kind != "ping", wanted="any other kind", found=event.kind)
    if not ping.passed:
        return _refuse("A ping proves that the webhook works; it does not launch.", ping)
    if rules.broken:
        return _refuse(rules.broken, ping, Rule(name="rules", passed=False, found=rules.broken))
    answers = ask(rules.filters, facts)
    if answers.failed is not None:
        late = next((rule for rule in answers.rules if rule.found == str(OutOfTime())), None)
        return _refuse(_sentence(late or answers.failed), ping, *answers.rules)
    values = read_values(rules.values, facts, template)
    said = (ping, *answers.rules, *values.rules)
    if values.refusal:
        return _refuse(values.refusal, *said)
    return Judgement(
        verdict=Verdict(launch=True, rules=said),
        variables=values.variables,
        match=answers.match,
        columns=values.columns,
    )


def _refuse(reason: str, *rules: Rule) -> Judgement:
    return Judgement(verdict=Verdict(launch=False, reason=reason[:_REASON_LENGTH], rules=rules))


def _sentence(rule: Rule) -> str:
    wanted = ", ".join(map(str, rule.wanted)) if isinstance(rule.wanted, list) else str(rule.wanted)
    if rule.found == str(OutOfTime()):
        return f"The rule {rule.name} was asked when the time was up: {rule.found}."
    if rule.name == "drafts":
        return "The pull request is a draft, and the rule drafts lets none launch."
    if rule.name.startswith("when"):
        return f"The rule {rule.name} is not true: {wanted} (found: {_show(rule.found)})."
    if rule.name == "any":
        return "The rule any has no alternative that passes."
    if rule.found is None:
        return f"The rule {rule.name} wants {wanted}, and the event does not say."
    return f"The rule {rule.name} wants {wanted}; the event has {_show(rule.found)}."


def _show(found: Any) -> str:
    if isinstance(found, list):
        return ", ".join(map(str, found)) or "none"
    return {None: "nothing", True: "true", False: "false"}.get(found, str(found))
