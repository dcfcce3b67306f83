# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be saved in a template's `playhook` object, with the place of each mistake; presets and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.intake.plain import Plain
from tests.unit.intake.builders import COMMENT, PULL_REQUEST, PUSH, TAG, judged, pull_request

from playhook.domain.event import Event
from playhook.errors import InvalidInput
from playhook.intake.rules import (
    KEYS,
    Dedupe,
    compile_rules,
    effective_filters,
    is_within,
    validate_repositories,
    validate_rules,
)
from playhook.services.base import Service


@pytest.mark.parametrize(
    ("playhook", "place", "message"),
    [
        ({"filters": []}, "filters", "An object is wanted, not a list."),
        ({"filters": {"branch": ["main"]}}, "filters.branch", "There is no such rule here; there are events,"),
        ({"filters": {"branches": "main"}}, "filters.branches", "A list of texts is wanted, not a text."),
        ({"filters": {"branches": []}}, "filters.branches", "The list is empty"),
        ({"filters": {"branches": ["a"] * 101}}, "filters.branches", "The list has 101 entries; 100 are allowed."),
        ({"filters": {"branches": ["main", 1]}}, "filters.branches[1]", "A text is wanted, not a number."),
        ({"filters": {"branches": ["x" * 256]}}, "filters.branches[0]", "The text has 256 characters"),
        ({"filters": {"branches": [" "]}}, "filters.branches[0]", "The text is empty."),
        ({"filters": {"branches": ["!"]}}, "filters.branches[0]", "An empty pattern matches nothing."),
        ({"filters": {"paths": ["a", "**.md"]}}, "filters.paths[1]", "`**` must stand alone between slashes"),
        ({"filters": {"labels": ["a**"]}}, "filters.labels[0]", "`**` must stand alone between slashes"),
        ({"filters": {"events": ["x**"]}}, "filters.events[0]", "`**` must stand alone between slashes"),
        ({"filters": {"repositories": ["x**"]}}, "filters.repositories[0]", "`**` must stand alone between slashes"),
        (
            {"filters": {"actions": ["synchronize"]}},
            "filters.actions[0]",
            "There is no action 'synchronize'; there are",
        ),
        ({"filters": {"drafts": "no"}}, "filters.drafts", "true or false is wanted, not a text."),
        ({"filters": {"comment": "(a+)+"}}, "filters.comment", "a repeat without a limit inside another one"),
        ({"filters": {"comment": "(a"}}, "filters.comment", "The regular expression is refused: column 1: missing )"),
        ({"filters": {"comment": None}}, "filters.comment", "A text is wanted, not null."),
        ({"filters": {"when": ["true", "event ="]}}, "filters.when[1]", "The expression is refused: column 7: "),
        ({"filters": {"when": ["1 * 1"]}}, "filters.when[0]", "arithmetic (*) is not allowed"),
        ({"filters": {"when": ["true"] * 21}}, "filters.when", "21 entries; 20 are allowed"),
        ({"filters": {"any": [{"any": []}]}}, "filters.any[0].any", "There is no such rule here"),
        ({"filters": {"any": [{}, {"when": ["x"]}]}}, "filters.any[1].when[0]", "there is no x"),
        ({"filters": {"any": {}}}, "filters.any", "A list of objects is wanted, not an object."),
        ({"preset": "cd"}, "preset", "There is no such preset; there are all, ci, deploy."),
        ({"dedupe": 5}, "dedupe", "An object is wanted, not a number."),
        ({"dedupe": {"windows": 5}}, "dedupe.windows", "There is no such setting here"),
        ({"dedupe": {"window": 0}}, "dedupe.window", "A whole number from 1 to 315360000 is wanted."),
        ({"dedupe": {"window": True}}, "dedupe.window", "A whole number"),
        ({"dedupe": {"on_repeat": "run"}}, "dedupe.on_repeat", "One of skip and rerun is wanted."),
        ({"dedupe": {"on_repeat": ["skip"]}}, "dedupe.on_repeat", "One of skip and rerun is wanted."),
        ({"dedupe": {"body": 1}}, "dedupe.body", "true or false is wanted"),
        ({"preset": ["ci"]}, "preset", "There is no such preset"),
        ({"repositories": "acme/web"}, "repositories", "A list of texts is wanted"),
        ({"networks": ["192.0.2.0/24", "example.com"]}, "networks[1]", "neither an address nor a network"),
        ({"networks": ["192.0.2.1/24"]}, "networks[0]", "has host bits set"),
        ({"allow_sha1": "yes"}, "allow_sha1", "true or false is wanted"),
        ({"vars_from_payload": ["x"]}, "vars_from_payload", "An object is wanted"),
        ({"vars_from_payload": {"x": "a["}}, "vars_from_payload.x", "This is not JMESPath: column "),
        ({"vars_from_payload": {"x": ""}}, "vars_from_payload.x", "The text is empty."),
        ({"vars_from_payload": {"x": "nope(a)"}}, "vars_from_payload.x", "JMESPath has no function nope."),
        ({"vars_from_payload": {"x": "a[][][]"}}, "vars_from_payload.x", "`[]` may stand 2 times"),
        ({"vars_from_payload": {"a-b": "a"}}, "vars_from_payload.a-b", "A name has letters, digits and underscores"),
        (
            {"vars_from_payload": {"ansible_host": "a"}},
            "vars_from_payload.ansible_host",
            "must not begin with ansible_",
        ),
        ({"vars_from_payload": {"awx_job_id": "a"}}, "vars_from_payload.awx_job_id", "must not begin with"),
        ({"vars_from_payload": {f"v{n}": "a" for n in range(51)}}, "vars_from_payload", "51 entries; 50 are allowed"),
        ({"allowed_values": {"limit": ["a"]}}, "allowed_values.limit", "no entry of this name in vars_from_payload"),
        (
            {"vars_from_payload": {"limit": "a"}, "allowed_values": {"limit": [None]}},
            "allowed_values.limit[0]",
            "A text is wanted, not null.",
        ),
    ],
)
def test_mistakes_are_refused_with_their_place(playhook: dict[str, Any], place: str, message: str) -> None:
    problems = validate_rules(playhook)
    assert list(problems) == [place]
    assert message in problems[place][0]


def test_several_mistakes_are_told_at_once() -> None:
    problems = validate_rules({"preset": "x", "filters": {"when": ["a", "b"]}, "dedupe": {"window": -1}})
    assert sorted(problems) == ["dedupe.window", "filters.when[0]", "filters.when[1]", "preset"]


def test_everything_that_is_documented_may_be_saved() -> None:
    playhook = {
        "preset": "ci",
        "filters": {
            "events": ["push", "pull_request", "Merge Request Hook", "!tag"],
            "actions": ["opened", "!closed"],
            "branches": ["main", "release/**", "!release/old"],
            "base_branches": ["main"],
            "tags": ["v*"],
            "paths": ["roles/**", "!**/*.md"],
            "labels": ["deploy", "!wip"],
            "authors": ["alice"],
            "drafts": False,
            "comment": r"^/deploy (?P<where>\w+)",
            "repositories": ["acme/*", "77"],
            "when": ["event.kind == 'push'"],
            "any": [{"events": ["push"]}, {"drafts": True}],
        },
        "dedupe": {"window": 60, "body": True, "on_repeat": "rerun"},
        "vars_from_payload": {"limit": "payload.host", "version": "event.tag || 'none'"},
        "allowed_values": {"limit": ["web*", 5]},
        "repositories": ["acme/web"],
        "networks": ["192.0.2.7", "2001:db8::/32"],
        "allow_sha1": True,
        "status_context": "not ours",
        "webhook_key": 5,
    }
    assert validate_rules(playhook) == {}
    assert compile_rules(playhook).broken == ""


def test_null_means_the_default() -> None:
    names = [*KEYS]
    assert validate_rules(dict.fromkeys(names)) == {}
    assert compile_rules(dict.fromkeys(names)) == compile_rules({})


class Chosen(Plain):
    """A service that must be told the name of a header."""

    def configure(self, options: Mapping[str, Any]) -> Chosen:
        if options.get("header") != "x-mine":
            raise InvalidInput({"header": ["A header is wanted."]})
        return self


@pytest.mark.parametrize(
    ("service", "options", "problems"),
    [
        (Chosen(), {"header": "x-mine"}, {}),
        (Chosen(), {"header": 5}, {"service_options.header": ["A header is wanted."]}),
        (Chosen(), None, {"service_options.header": ["A header is wanted."]}),
        (Chosen(), [], {"service_options.header": ["A header is wanted."]}),
        (Plain(), {"header": "x"}, {"service_options": ["The service plain has no options."]}),
        (Plain(), None, {}),
        (None, {"header": "x"}, {}),
        (None, 5, {"service_options": ["An object is wanted, not a number."]}),
    ],
)
def test_service_judges_its_own_options(service: Service | None, options: Any, problems: dict[str, list[str]]) -> None:
    assert validate_rules({"service_options": options}, service) == problems


def test_list_of_an_endpoints_repositories_is_checked_by_itself() -> None:
    assert validate_repositories(["acme/*", "77"]) == {}
    assert list(validate_repositories(["a**"], "templates[2].repositories")) == ["templates[2].repositories[0]"]
    assert list(validate_repositories({})) == ["repositories"]


def test_saved_mistake_launches_nothing_and_says_so() -> None:
    said = judged({"filters": {"branches": ["**.md"]}}, PUSH)
    assert said.verdict.launch is False
    assert said.verdict.reason.startswith("The template's filters.branches[0] cannot be used: `**` must")


@pytest.mark.parametrize(
    ("preset", "event", "launches"),
    [
        ("ci", PUSH, True),
        ("ci", replace(PUSH, action="deleted"), False),
        ("ci", TAG, False),
        ("ci", PULL_REQUEST, True),
        ("ci", replace(PULL_REQUEST, action="updated"), True),
        ("ci", replace(PULL_REQUEST, action="labeled"), False),
        ("ci", pull_request(draft=True), False),
        ("ci", replace(PULL_REQUEST, action="ready_for_review"), True),
        ("ci", COMMENT, False),
        ("deploy", PUSH, True),
        ("deploy", replace(PUSH, branch="topic"), False),
        ("deploy", replace(PUSH, action="deleted"), False),
        ("deploy", PULL_REQUEST, False),
        ("all", COMMENT, True),
    ],
)
def test_presets(preset: str, event: Event, launches: bool) -> None:
    assert judged({"preset": preset}, event).verdict.launch is launches


@pytest.mark.parametrize(
    ("playhook", "slow"),
    [
        ({}, False),
        ({"preset": "ci", "filters": {"paths": ["**"]}}, False),
        ({"filters": {"comment": "x"}}, True),
        ({"filters": {"when": ["true"]}}, True),
        ({"filters": {"any": [{"tags": ["v*"]}, {"comment": "x"}]}}, True),
        ({"filters": {"any": [{"tags": ["v*"]}]}}, False),
        ({"vars_from_payload": {"x": "payload"}}, True),
    ],
)
def test_rules_that_a_sender_can_slow_down_are_known(playhook: dict[str, Any], slow: bool) -> None:
    assert compile_rules(playhook).slow is slow


def test_own_rule_replaces_that_of_the_preset() -> None:
    playhook = {"preset": "deploy", "filters": {"branches": ["production"]}}
    assert effective_filters(playhook) == {
        "events": ["push"],
        "actions": ["created", "updated"],
        "branches": ["production"],
    }
    assert judged(playhook, replace(PUSH, branch="production")).verdict.launch
    assert not judged(playhook, PUSH).verdict.launch


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, Dedupe(window=None, body_window=timedelta(minutes=10), body=False, reruns=False)),
        ({"window": 60}, Dedupe(window=timedelta(minutes=1), body_window=timedelta(minutes=1))),
        ({"body": True, "on_repeat": "rerun"}, Dedupe(body=True, reruns=True)),
    ],
)
def test_dedupe(wanted: Any, expected: Dedupe) -> None:
    assert compile_rules({"dedupe": wanted}).dedupe == expected


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.7", True),
        ("192.0.3.7", False),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("2001:db8::1%eth0", True),
        ("2001:db9::1", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_networks(remote: str, expected: bool) -> None:
    assert is_within(remote, compile_rules({"networks": ["192.0.2.0/24", "2001:db8::/32"]}).networks) is expected


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KEYS = ["preset", "filters", "dedupe", "vars_from_payload", "allowed_values", "repositories", "networks", "allow_sha1"]
_RULES = ["events", "actions", "branches", "paths", "labels", "drafts", "comment", "repositories", "when", "any"]


@given(st.dictionaries(st.sampled_from(_KEYS), _ANY | st.dictionaries(st.sampled_from(_RULES), _ANY)))
def test_anything_is_taken_or_refused(playhook: dict[str, Any]) -> None:
    problems = validate_rules(playhook)
    assert all(messages for messages in problems.values())
    assert bool(compile_rules(playhook).broken) is bool(problems)
