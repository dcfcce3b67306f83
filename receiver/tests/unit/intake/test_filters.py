# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule by a table: what is wanted, an event, and whether it launches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.intake.builders import COMMENT, PING, PULL_REQUEST, PUSH, TAG, filtered, judged, pull_request

from playhook.domain.event import Action, Event, Kind, PullRequest, Repository
from playhook.intake.extra_vars import event_of, event_record
from playhook.intake.filters import RULES, shorten
from playhook.intake.rules import compile_rules
from playhook.intake.verdict import judge

UNKNOWN = Event(service="github", type="push", guid=None, payload={}, kind="push")


@pytest.mark.parametrize(
    ("wanted", "event", "launches"),
    [
        (["push"], PUSH, True),
        (["push"], TAG, False),
        (["tag"], TAG, True),
        (["push", "tag"], TAG, True),
        (["pull_request"], PUSH, False),
        (["issue_comment"], COMMENT, True),
        (["issue_*"], COMMENT, True),
        (["comment"], COMMENT, True),
        (["!push"], PUSH, False),
        (["!push"], TAG, True),
        (["!comment", "!tag"], PULL_REQUEST, True),
        (["Push Hook"], replace(PUSH, type="Push Hook"), True),
        (["other"], replace(PUSH, type="workflow_run", kind="other"), True),
    ],
)
def test_events(wanted: list[str], event: Event, launches: bool) -> None:
    assert filtered({"events": wanted}, event) is launches


@pytest.mark.parametrize(
    ("wanted", "event", "launches"),
    [
        (["opened", "updated"], PULL_REQUEST, True),
        (["closed"], PULL_REQUEST, False),
        (["!deleted"], PUSH, True),
        (["!updated"], PUSH, False),
        (["!deleted"], replace(PUSH, action=None), False),
    ],
)
def test_actions(wanted: list[str], event: Event, launches: bool) -> None:
    assert filtered({"actions": wanted}, event) is launches


@pytest.mark.parametrize(
    ("rule", "wanted", "event", "launches"),
    [
        ("branches", ["main"], PUSH, True),
        ("branches", ["topic/*"], PULL_REQUEST, True),
        ("branches", ["main"], PULL_REQUEST, False),
        ("branches", ["**", "!main"], PUSH, False),
        ("branches", ["**"], TAG, False),
        ("base_branches", ["main", "release-*"], PULL_REQUEST, True),
        ("base_branches", ["release-*"], PULL_REQUEST, False),
        ("base_branches", ["main"], PUSH, False),
        ("tags", ["v*"], TAG, True),
        ("tags", ["v2*"], TAG, False),
        ("tags", ["v*"], PUSH, False),
        ("authors", ["ALICE"], PULL_REQUEST, True),
        ("authors", ["bob"], PULL_REQUEST, False),
        ("authors", ["bob"], PUSH, True),
        ("authors", ["bob"], COMMENT, True),
        ("authors", ["alice"], COMMENT, False),
        ("authors", ["!*bot"], replace(PUSH, sender="renovate-bot"), False),
        ("authors", ["**"], pull_request(author=None), False),
        ("repositories", ["acme/*"], PUSH, True),
        ("repositories", ["acme/api"], PUSH, False),
        ("repositories", ["77"], PUSH, True),
        ("repositories", ["!acme/web"], PUSH, False),
        ("repositories", ["!acme/api"], PUSH, True),
        ("repositories", ["**"], UNKNOWN, False),
        ("repositories", ["acme/api", "77"], replace(PUSH, repository=Repository(id="77")), True),
        ("repositories", ["!acme/api"], replace(PUSH, repository=Repository(id="77")), False),
    ],
)
def test_names(rule: str, wanted: list[str], event: Event, launches: bool) -> None:
    assert filtered({rule: wanted}, event) is launches


def _run(event_type: str, **run: Any) -> Event:
    return replace(PUSH, type=event_type, kind="other", payload={event_type: run})


@pytest.mark.parametrize(
    ("event", "launches"),
    [
        (_run("workflow_run", head_repository={"id": 77}), True),
        (_run("workflow_run", head_repository={"id": 78, "full_name": "Acme/Web"}), False),
        (_run("workflow_run", head_repository=None), False),
        (_run("workflow_run"), False),
        (replace(_run("workflow_run", head_repository={"id": None}), repository=Repository()), False),
        (replace(_run("workflow_run"), payload={"workflow_run": []}), False),
        (_run("workflow_job", head_branch="main"), False),
        (_run("check_suite"), True),
        (_run("check_suite", head_repository={"id": 77}), True),
        (_run("check_suite", head_repository={"id": 78}), False),
        (_run("deployment"), True),
        (replace(_run("workflow_run"), service="generic"), True),
    ],
)
def test_branch_of_another_repository_is_no_branch(event: Event, launches: bool) -> None:
    assert filtered({"branches": ["main"]}, event) is launches
    assert filtered({"branches": ["!next"]}, event) is launches


@pytest.mark.parametrize(
    ("wanted", "paths", "launches"),
    [
        (["roles/**"], ("roles/web/tasks/main.yml", "docs/index.md"), True),
        (["inventories/**"], ("roles/web/tasks/main.yml",), False),
        (["**", "!docs/**"], ("docs/index.md",), False),
        (["**", "!docs/**"], ("docs/index.md", "site.yml"), True),
        (["!docs/**"], ("docs/index.md", "site.yml"), True),
        (["*.yml"], ("roles/a.yml",), False),
        (["**/*.yml"], ("roles/a.yml",), True),
        (["**"], (), False),
        (["**"], None, False),
    ],
)
def test_paths(wanted: list[str], paths: tuple[str, ...] | None, launches: bool) -> None:
    assert filtered({"paths": wanted}, replace(PUSH, changed_paths=paths)) is launches


@pytest.mark.parametrize(
    ("wanted", "event", "launches"),
    [
        (["deploy"], PULL_REQUEST, True),
        (["area/*"], PULL_REQUEST, True),
        (["wip", "urgent"], PULL_REQUEST, False),
        (["!wip"], PULL_REQUEST, True),
        (["!deploy"], PULL_REQUEST, False),
        (["deploy", "!area/*"], PULL_REQUEST, False),
        (["!wip"], PUSH, True),
        (["deploy"], PUSH, False),
        (["deploy"], pull_request(labels=None), False),
        (["!wip"], pull_request(labels=()), True),
    ],
)
def test_labels(wanted: list[str], event: Event, launches: bool) -> None:
    assert filtered({"labels": wanted}, event) is launches


@pytest.mark.parametrize(
    ("wanted", "event", "launches"),
    [
        (False, PULL_REQUEST, True),
        (False, pull_request(draft=True), False),
        (True, pull_request(draft=True), True),
        (False, pull_request(draft=None), True),
        (False, PUSH, True),
    ],
)
def test_drafts(wanted: bool, event: Event, launches: bool) -> None:
    assert filtered({"drafts": wanted}, event) is launches


@pytest.mark.parametrize(
    ("wanted", "event", "launches"),
    [
        ("^/deploy", COMMENT, True),
        ("^/destroy", COMMENT, False),
        ("", PUSH, False),
        ("^/deploy", PUSH, False),
        (r"(\w|\w)*$", replace(COMMENT, comment="a" * 5000 + "!"), False),
    ],
)
def test_comment(wanted: str, event: Event, launches: bool) -> None:
    assert filtered({"comment": wanted or "."}, event) is launches


def test_named_groups_of_a_comment_become_the_match() -> None:
    said = judged({"filters": {"comment": r"^/deploy (?P<where>\w+)(?: (?P<force>--force))?"}}, COMMENT)
    assert said.match == {"where": "prod", "force": None}


def test_slow_comment_says_so() -> None:
    said = judged({"filters": {"comment": r"(a|a)*$"}}, replace(COMMENT, comment="a" * 5000 + "!"))
    assert "took longer than 50 ms" in said.verdict.reason


@pytest.mark.parametrize(
    ("wanted", "event", "launches"),
    [
        (["event.branch == 'main'"], PUSH, True),
        (["event.branch == 'main'", "payload.forced"], PUSH, False),
        (["payload.number == 7 and event.pull_request.labels | length == 2"], PULL_REQUEST, True),
        (["payload.number > 'x'"], PULL_REQUEST, False),
        (["payload.missing"], PUSH, False),
    ],
)
def test_when(wanted: list[str], event: Event, launches: bool) -> None:
    assert filtered({"when": wanted}, event) is launches


EITHER = [{"events": ["push"], "branches": ["main"]}, {"events": ["pull_request"], "base_branches": ["main"]}]


@pytest.mark.parametrize(
    ("event", "launches"),
    [
        (PUSH, True),
        (PULL_REQUEST, True),
        (replace(PUSH, branch="topic"), False),
        (replace(PULL_REQUEST, base_branch="next"), False),
        (TAG, False),
    ],
)
def test_any_of_several_alternatives(event: Event, launches: bool) -> None:
    assert filtered({"any": EITHER}, event) is launches
    assert filtered({"any": EITHER, "authors": ["nobody"]}, event) is False


def test_events_shows_the_kind_and_the_services_own_word() -> None:
    said = judged({"filters": {"events": ["push"]}}, COMMENT).verdict
    assert said.reason == "The rule events wants push; the event has comment, issue_comment."


def test_match_comes_from_the_alternative_that_passes() -> None:
    alternatives = [
        {"comment": r"^/(?P<verb>\w+)", "authors": ["nobody"]},
        {"comment": r"deploy (?P<where>\w+)"},
    ]
    assert judged({"filters": {"any": alternatives}}, COMMENT).match == {"where": "prod"}


def test_verdict_holds_every_rule_with_what_it_compared() -> None:
    said = judged({"filters": {"branches": ["next"], "drafts": False, "any": EITHER}}, PUSH).verdict
    assert said.launch is False
    assert said.reason == "The rule branches wants next; the event has main."
    assert [(rule.name, rule.passed, rule.wanted, rule.found) for rule in said.rules] == [
        ("not a ping", True, "any other kind", "push"),
        ("branches", False, ["next"], "main"),
        ("drafts", True, False, None),
        ("any[0].events", True, ["push"], ["push"]),
        ("any[0].branches", True, ["main"], "main"),
        ("any[1].events", False, ["pull_request"], ["push"]),
        ("any[1].base_branches", False, ["main"], None),
        ("any", True, "one of 2 alternatives", ["any[0]"]),
    ]


@pytest.mark.parametrize(
    ("filters", "event", "reason"),
    [
        ({"branches": ["main"]}, TAG, "The rule branches wants main, and the event does not say."),
        ({"drafts": False}, pull_request(draft=True), "The pull request is a draft, and the rule drafts lets none"),
        ({"when": ["payload.forced"]}, PUSH, "The rule when[0] is not true: payload.forced (found: false)."),
        ({"labels": ["x"]}, pull_request(labels=()), "The rule labels wants x; the event has none."),
        ({"any": [{"drafts": False, "tags": ["x"]}]}, PUSH, "The rule any has no alternative that passes."),
        ({}, PING, "A ping proves that the webhook works; it does not launch."),
    ],
)
def test_reason(filters: dict[str, Any], event: Event, reason: str) -> None:
    assert judged({"filters": filters}, event).verdict.reason.startswith(reason)


@pytest.mark.parametrize("playhook", [{}, {"filters": {}}, {"filters": None}, {"preset": "all"}, {"preset": None}])
def test_without_rules_everything_but_a_ping_launches(playhook: dict[str, Any]) -> None:
    for event in (PUSH, TAG, PULL_REQUEST, COMMENT, UNKNOWN):
        assert judged(playhook, event).verdict.launch
    assert not judged(playhook, PING).verdict.launch


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 300, "x" * 255 + "…"),
        ("a\x1b[31mb\0\nc", "a [31mb  c"),
        (tuple("abcdefghijkl"), [*"abcdefghij", "… 12 in all"]),
        ({"a": 1}, "an object with 1 keys"),
        (True, True),
        (None, None),
        ([["x" * 300]], [["x" * 255 + "…"]]),
    ],
)
def test_values_are_cut_before_they_are_kept(value: Any, expected: Any) -> None:
    assert shorten(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        pytest.param(1 << 16609, "an integer of 16610 bits", id="huge"),
        (float("inf"), "inf"),
        ([float("nan"), 0.5, 0], ["nan", 0.5, 0]),
        (["a", [1, [2]], {"b": 1}], ["a", [1, "a list with 1 entries"], "an object with 1 keys"]),
    ],
)
def test_what_json_does_not_hold_is_kept_as_text(value: Any, expected: Any) -> None:
    assert shorten(value) == expected


def test_event_is_the_same_after_it_was_stored() -> None:
    for event in (PUSH, TAG, PULL_REQUEST, COMMENT, PING):
        assert event_of(event_record(event), event.payload) == event


_NAMES = st.none() | st.text(max_size=12) | st.sampled_from(["main", "topic/x", "acme/web", "a" * 300, "\0", "/", "//"])
_LISTS = st.none() | st.lists(st.text(max_size=12), max_size=4).map(tuple)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "ref"]), inner, max_size=3),
    max_leaves=12,
)
_EVENTS = st.builds(
    Event,
    service=st.just("github"),
    type=st.text(max_size=12),
    guid=_NAMES,
    payload=st.dictionaries(st.sampled_from(["a", "b", "ref"]), _JSON, max_size=3),
    kind=st.sampled_from(get_args(Kind)),
    action=st.none() | st.sampled_from(get_args(Action)),
    repository=st.none() | st.builds(Repository, id=_NAMES, full_name=_NAMES),
    branch=_NAMES,
    base_branch=_NAMES,
    tag=_NAMES,
    pull_request=st.none()
    | st.builds(
        PullRequest, author=_NAMES, draft=st.none() | st.booleans(), labels=_LISTS, fork=st.none() | st.booleans()
    ),
    changed_paths=_LISTS,
    comment=st.none() | st.text(max_size=60),
    sender=_NAMES,
)
_EVERY_RULE = compile_rules(
    {
        "filters": {
            "any": [
                {
                    "events": ["push", "pull*", "!tag"],
                    "actions": ["opened", "!closed"],
                    "branches": ["main", "**/x", "!a*"],
                    "base_branches": ["*"],
                    "tags": ["v?"],
                    "paths": ["**/a*b/**", "!b"],
                    "labels": ["*", "!x"],
                    "authors": ["a*"],
                    "drafts": False,
                    "comment": r"(?P<x>\w+)\s",
                    "repositories": ["acme/**", "1"],
                    "when": ["payload.a > payload.b", "event.branch in payload.ref", "payload.a | map('b') | first"],
                },
                {},
            ]
        },
        "vars_from_payload": {
            "limit": "payload.a",
            "x": "payload.ref[].b",
            "scm_branch": "event.branch",
            "y": "sum(payload.a)",
        },
    }
)


@given(_EVENTS)
def test_no_event_makes_a_rule_raise(event: Event) -> None:
    said = judge(_EVERY_RULE, event, event_record(event), {"ask_limit_on_launch": True})
    assert _EVERY_RULE.broken == ""
    assert {rule.name.split("].")[-1].split("[")[0] for rule in said.verdict.rules} >= (
        set() if event.kind == "ping" else set(RULES)
    )
    assert said.verdict.launch or said.verdict.reason
