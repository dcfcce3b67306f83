# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath by hostile payloads and careless operators: every cost ends early."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.intake.builders import PUSH, judged

from playhook.intake.deadline import Deadline, OutOfTime
from playhook.intake.payload_path import PayloadPath
from playhook.intake.rules import validate_rules


def _search(source: str, seconds: float = 5.0, **payload: Any) -> Any:
    return PayloadPath(source).search({"event": {}, "payload": payload}, Deadline(seconds))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("payload.a", [3, 1, 2]),
        ("sort(payload.a)", [1, 2, 3]),
        ("payload.a[?@ > `1`]", [3, 2]),
        ("payload.a[1:]", [1, 2]),
        ("payload.[b, a][]", [["x"], 3, 1, 2]),
        ("payload.b == payload.c", True),
        ("payload.b != payload.a", True),
        ("contains(payload.a, `2`)", True),
        ("join('-', payload.c[0])", "x"),
        ("to_string(payload.b)", '[["x"]]'),
        ("map(&to_string(@), payload.a)", ["3", "1", "2"]),
    ],
)
def test_values(source: str, expected: Any) -> None:
    assert _search(source, a=[3, 1, 2], b=[["x"]], c=[["x"]]) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("payload" + ".[@, @]" * 16, "Multiselects may multiply what they select 1000 times at most"),
        ("payload" + ".{a: @, b: @}" * 10, "Multiselects may multiply"),
        ("payload.a[][][]", "`[]` may stand 2 times"),
        ("shout(payload)", "JMESPath has no function shout"),
        ("payload.", "This is not JMESPath: column 9: "),
    ],
)
def test_costly_expressions_are_not_saved(source: str, message: str) -> None:
    (said,) = validate_rules({"vars_from_payload": {"x": source}})["vars_from_payload.x"]
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("payload" + ".[@, @]" * 9, "larger than 65536 bytes"),
        ("to_string(payload)", "larger than 65536 bytes"),
        ("payload.[a, a] == payload.[b, b]", "larger than 65536 bytes"),
        ("payload" + ".a | join(',', [@, @])" + " | join('', [@, @])" * 3, "larger than 65536 bytes"),
        ("join(payload.text, payload.texts)", "larger than 65536 bytes"),
        ("sort(payload.many)", r"sort\(\) is given 200000 entries"),
        ("payload.many[]", "is given 200000 entries"),
        ("sum(payload)", r"sum\(\) does not take object"),
        ("contains(payload.b, payload.a)", "looks for texts"),
        ("to_number('inf')", "a number that JSON does not hold"),
        ("[to_number('nan')]", "a number that JSON does not hold"),
    ],
)
def test_what_becomes_too_large_is_not_walked_through(source: str, message: str) -> None:
    big = {"a": ["x" * 40_000], "b": ["x" * 40_000], "text": "x" * 2000, "texts": ["y"] * 100, "many": [1] * 200_000}
    start = time.thread_time()
    with pytest.raises(ValueError, match=message):
        _search(source, **{**big, "a": "x" * 20_000} if "join('" in source else big)
    assert time.thread_time() - start < 0.5


def test_time_of_a_value_is_limited() -> None:
    start = time.thread_time()
    with pytest.raises(OutOfTime, match="took longer than 250 ms"):
        _search("payload.many[?a == `1`][?a == `1`]", 0.05, many=[{"a": 1}] * 1_000_000)
    assert time.thread_time() - start < 0.5


def test_integer_that_json_does_not_hold_is_refused_and_shown_as_text() -> None:
    said = judged({"vars_from_payload": {"x": "to_number(payload.ref)"}}, replace(PUSH, payload={"ref": "9" * 30}))
    assert said.verdict.launch is False
    assert "64-bit" in said.verdict.reason
    assert said.verdict.record()["rules"][-1]["found"] == "9" * 30
