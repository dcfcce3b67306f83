# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an authentic delivery launches, and why: every rule with what it compared."""

from __future__ import annotations

from playhook.domain.delivery import Rule, Verdict
from playhook.domain.event import Event


def judge(event: Event) -> Verdict:
    """Apply the rules. A ping proves that the hook works; it never launches (AWX would)."""
    rules = (Rule(name="not a ping", passed=event.kind != "ping", wanted="any other kind", found=event.kind),)
    failed = next((rule for rule in rules if not rule.passed), None)
    if failed is None:
        return Verdict(launch=True, rules=rules)
    return Verdict(launch=False, reason="A ping proves that the webhook works; it does not launch.", rules=rules)
