# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One delivery has one limit of time, however many rules and templates it meets."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.intake.builders import COMMENT, PUSH

from playhook.intake.deadline import Deadline
from playhook.intake.extra_vars import event_record
from playhook.intake.rules import compile_rules, validate_rules
from playhook.intake.verdict import Judgement, judge

SLOW = "x*x*x*x*x*x*x*[yz]"
SLOW_TEXT = "x" * 20_000
UP = "the rules of this delivery took longer than 250 ms"


def _judge(playhook: dict[str, Any], deadline: Deadline | None = None) -> Judgement:
    event = replace(COMMENT, comment=SLOW_TEXT, payload={"text": SLOW_TEXT})
    return judge(compile_rules(playhook), event, event_record(event), {}, deadline)


def test_many_slow_alternatives_share_the_time() -> None:
    alternative = {"comment": SLOW, "when": [f"payload.text is search('{SLOW}')", "payload.text is search('q')"]}
    start = time.thread_time()
    said = _judge({"filters": {"any": [alternative] * 20}})
    assert time.thread_time() - start < 2.0
    assert said.verdict.launch is False
    late = [rule.name for rule in said.verdict.rules if rule.found == UP]
    assert late[-1] == "any"
    assert late[0].startswith("any[")
    assert said.verdict.reason == f"The rule {late[0]} was asked when the time was up: {UP}."


@pytest.mark.parametrize(
    ("playhook", "name"),
    [
        ({"filters": {"drafts": True}}, "drafts"),
        ({"filters": {"any": [{"drafts": True}]}}, "any"),
        ({"vars_from_payload": {"x": "event.kind"}}, "vars_from_payload.x"),
    ],
)
def test_nothing_launches_when_the_time_is_up(playhook: dict[str, Any], name: str) -> None:
    assert _judge(playhook).verdict.launch is True
    said = _judge(playhook, Deadline(0))
    assert said.verdict.launch is False
    assert UP in said.verdict.reason
    assert [rule.name for rule in said.verdict.rules if not rule.passed] == [name]


def test_paths_stop_when_the_time_is_up() -> None:
    event = replace(PUSH, changed_paths=("a/b/c/d/e",) * 1_000_000)
    rules = compile_rules({"filters": {"paths": [f"**/{index}/**/x" for index in range(100)]}})
    start = time.thread_time()
    said = judge(rules, event, {}, {})
    assert time.thread_time() - start < 3.0
    assert UP in said.verdict.reason


def test_searches_of_one_expression_share_its_time() -> None:
    text = " or ".join([f"payload.text is search('{SLOW}')"] * 8)
    start = time.thread_time()
    said = _judge({"filters": {"when": [text]}})
    assert time.thread_time() - start < 0.3
    assert said.verdict.launch is False


def test_number_of_rules_in_alternatives_is_limited() -> None:
    full = {"when": ["true"] * 20}
    assert validate_rules({"filters": {"any": [full] * 3}}) == {}
    assert validate_rules({"filters": {"any": [full] * 3 + [{"drafts": True}]}}) == {
        "filters.any": ["The alternatives have 61 rules in all; 60 are allowed."]
    }
