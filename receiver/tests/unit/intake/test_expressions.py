# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions: what they can say, what is refused when they are saved, and that no payload can bend or stall them."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhook.intake import expressions
from playhook.intake.expressions import Expression, Undecided

NAMES: dict[str, Any] = {
    "event": {"kind": "pull_request", "branch": "release/7", "pull_request": {"draft": False, "labels": ["a", "b"]}},
    "payload": {
        "items": 3,
        "empty": [],
        "title": "Fix WIP",
        "commits": [{"id": "1", "author": {"name": "x"}}, {"id": "2"}, "odd"],
    },
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("event.kind == 'pull_request'", True),
        ("event['kind'] != 'push'", True),
        ("not event.pull_request.draft and 'a' in event.pull_request.labels", True),
        ("event.branch.startswith('release/') or false", True),
        ("'wip' in payload.title | lower", True),
        ("payload.title is search('^Fix')", True),
        ("payload.title is search('fix')", False),
        ("payload.items > 2", True),
        ("payload.commits | length >= 3", True),
        ("payload.commits[0].author.name == 'x'", True),
        ("payload.commits[-1] == 'odd'", True),
        ("'2' in payload.commits | map('id')", True),
        ("payload.commits | map('id') | first == '1'", True),
        ("payload.nothing.at.all is defined", False),
        ("payload.nothing[0]['x']", None),
        ("payload.nothing | default('x') == 'x'", True),
        ("payload.items if event.kind == 'push' else 7", 7),
        ("payload.empty is mapping", False),
        ("payload.items is number and event.kind is string", True),
        ("event.kind in ['push', 'pull_request']", True),
        ("payload.items == -3", False),
        ("payload.keys", None),
        ("payload.title.__class__", None),
    ],
)
def test_values(source: str, expected: Any) -> None:
    assert Expression(source).evaluate(NAMES) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("event.kind = 'push'", "column 12: "),
        ("event.kind ==", "column 14: unexpected 'end'"),
        ("event.kind == 'a' event", "column 19: "),
        ("(event.kind", "column 12: "),
        ("'unclosed", "column 1: "),
        ("", "column 1: "),
        ("{{ event }}", "column 10: "),
        ("kind == 'push'", "there is no kind; expressions are about event and payload"),
        ("'a' * 1000000000", "arithmetic (*) is not allowed"),
        ("2 ** 999999", "arithmetic (**) is not allowed"),
        ("payload.a + payload.b", "arithmetic (+) is not allowed"),
        ("payload.a % payload.b", "arithmetic (%) is not allowed"),
        ("payload.a ~ payload.a", "joining texts (~) is not allowed"),
        ("payload.a[1:9]", "a slice is not allowed"),
        ("{'a': payload}", "a dictionary is not allowed"),
        ("payload | tojson", "there is no filter tojson"),
        ("payload | pprint", "there is no filter pprint"),
        ("payload is divisibleby(2)", "there is no test divisibleby"),
        ("range(9)", "only these may be called"),
        ("payload.format(1)", "only these may be called"),
        ("payload['lower']()", "only these may be called"),
        ("payload.title.lower(*payload.a)", "* and ** are not allowed"),
        ("payload.title is search('(a+)+')", "the pattern of search: a repeat without a limit"),
        ("payload.title is search(payload.pattern)", "one pattern in quotes"),
        ("(" * 400 + "1" + ")" * 400, "nested too deeply"),
        ("1 == " * 199 + "1", "parts; 150 are allowed"),
        ("'" + "a" * 1000 + "'", "1002 characters"),
    ],
)
def test_refused_expressions_say_where_and_why(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Expression(source)


@pytest.mark.parametrize(
    "source",
    ["payload.items > 'x'", "payload.nothing > 1", "event.branch.startswith(1)", "payload.nothing.lower()", "1 in 2"],
)
def test_what_cannot_be_evaluated_is_undecided(source: str) -> None:
    with pytest.raises(Undecided):
        Expression(source).evaluate(NAMES)


def test_clock_stops_an_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Expression(" or ".join(["payload.commits | map('x') | length == -1"] * 12))
    names = {"event": {}, "payload": {"commits": [{}] * 1_000_000}}
    start = time.thread_time()
    with pytest.raises(Undecided, match="took longer than 50 ms"):
        slow.evaluate(names)
    assert time.thread_time() - start < 2.0


def test_payload_cannot_reach_python() -> None:
    for attribute in ("__class__", "__init__", "__globals__", "_evaluate", "update", "pop", "items"):
        assert Expression(f"payload.{attribute}").evaluate({"event": {}, "payload": {}}) is None
        assert Expression(f"payload['{attribute}']").evaluate({"event": {}, "payload": {}}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
_COMPILED = [
    Expression(source)
    for source in (
        "payload.a == payload.b or payload.a > payload.b",
        "payload.a in payload.b",
        "payload.a | length > payload.b | first",
        "payload.a | map('x') | last == payload.b | default(1)",
        "payload.a.startswith(payload.b)",
        "payload.a is search('x') and payload.b | lower | upper | trim",
        "payload.a[payload.b].c[0]",
        "payload.a if payload.b else -payload.a",
    )
]


@given(JSON, JSON)
def test_no_payload_makes_an_expression_raise(first: Any, second: Any) -> None:
    for expression in _COMPILED:
        with contextlib.suppress(Undecided):
            expression.evaluate({"event": {}, "payload": {"a": first, "b": second}})


@given(st.text(st.sampled_from(sorted({*"event.payload()[]|=<>'\" andornotis~+-*/%{}0,:", "\n"})), max_size=60))
def test_any_text_is_compiled_or_refused(source: str) -> None:
    with contextlib.suppress(ValueError):
        Expression(source)


def test_functions_are_those_that_are_documented() -> None:
    assert set(expressions._FILTERS) == {
        "count", "d", "default", "first", "last", "length", "lower", "map", "trim", "upper",
    }  # fmt: skip
