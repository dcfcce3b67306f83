# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What judging costs: ten rules, each of another kind, on a pull request of 25 KB."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from bench.sample import pull_request_body
from bench.section import Run, Table
from playhook.domain.delivery import Delivery
from playhook.domain.event import Event
from playhook.intake.extra_vars import event_record
from playhook.intake.rules import compile_rules
from playhook.intake.verdict import judge
from playhook.services.registry import load_services

RULES = {
    "filters": {
        "events": ["push", "pull_request"],
        "actions": ["opened", "updated"],
        "branches": ["topic", "release/**"],
        "base_branches": ["main", "release-*"],
        "labels": ["deploy", "!wip"],
        "authors": ["bench", "!*-bot"],
        "drafts": False,
        "repositories": ["bench/*"],
        "paths": ["roles/**", "!**/*.md"],
        "when": ["payload.pull_request.base.ref == 'main' and not event.pull_request.draft"],
    }
}
_CALLS, _BATCHES = 200, 100


def measure(run: Run) -> list[Table]:
    """Fail when the event does not pass every rule, for then less would be measured."""
    event = _pull_request()
    record = event_record(event)
    ten, none = compile_rules(RULES), compile_rules({})
    verdict = judge(ten, event, record, {}).verdict
    if not verdict.launch or len(verdict.rules) != 1 + len(RULES["filters"]):
        raise RuntimeError(f"the sample does not pass: {verdict.reason}")
    gc.collect()
    gc.freeze()  # as the receiver does
    rows = []
    for name, rules in (("no rules", none), ("ten rules", ten)):
        times = _time(lambda rules=rules: judge(rules, event, record, {}))  # type: ignore[misc]
        run.tell(f"{name}: {statistics.median(times):.1f} µs")
        rows.append((name, f"{statistics.median(times):.1f}", f"{min(times):.1f}"))
    gc.unfreeze()
    title = "A verdict on a pull request of 25 KB"
    return [Table(title=title, head=("", "median µs of processor time", "least µs"), rows=rows)]


def _pull_request() -> Event:
    headers = {"content-type": "application/json", "x-github-event": "pull_request", "x-github-delivery": "bench"}
    body = json.loads(pull_request_body())
    body["pull_request"] |= {"draft": False, "labels": [{"name": "deploy"}, {"name": "area/web"}]}
    delivery = Delivery(headers=headers, body=json.dumps(body).encode(), received=datetime.now(UTC))
    event = load_services()["github"].parse(delivery)
    # GitHub tells the paths of pushes only; here they are compared all the same.
    return replace(event, changed_paths=tuple(f"roles/role_{number}/tasks/main.yml" for number in range(20)))


def _time(call: Callable[[], object]) -> list[float]:
    """Return the CPU microseconds of a call, batch by batch: other programs on the machine do not count."""
    times = []
    for _ in range(_BATCHES):
        start = time.process_time()
        for _ in range(_CALLS):
            call()
        times.append((time.process_time() - start) / _CALLS * 1e6)
    return times
