# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request from a service, before anything in it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The raw request. `headers` has lower-case names and the values as sent (latin-1 decoded); `body` is untouched."""

    headers: Mapping[str, str]
    body: bytes
    received: datetime


@dataclass(frozen=True, kw_only=True)
class WebhookOptions:
    """What a template says about how its deliveries are checked. `now` is the clock, so that services stay pure."""

    now: datetime
    allow_sha1: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a verdict: what was compared, and whether it let the delivery pass."""

    name: str
    passed: bool
    wanted: Any = None
    found: Any = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Why a delivery launches (`launch`), or the sentence that says why it does not (`reason`)."""

    launch: bool
    reason: str = ""
    rules: tuple[Rule, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the verdict as plain data, as it is stored."""
        return {"launch": self.launch, "reason": self.reason, "rules": [dict(vars(rule)) for rule in self.rules]}
