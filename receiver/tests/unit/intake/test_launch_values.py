# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job takes from its event: within what the template allows, and never a value that could be an option."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.intake.builders import COMMENT, PULL_REQUEST, PUSH, judged, pull_request

from playhook.domain.event import Event
from playhook.intake.extra_vars import event_record, webhook_variables


def _event(**payload: Any) -> Event:
    return Event(service="github", type="push", guid="g", payload=payload, kind="push", branch="main")


def _judge(field: str, value: Any, *, ask: bool = True, allowed: list[Any] | None = None) -> Any:
    playhook: dict[str, Any] = {"vars_from_payload": {field: "payload.v"}}
    if allowed is not None:
        playhook["allowed_values"] = {field: allowed}
    asks = {"job_tags": "tags"}.get(field, field)
    return judged(playhook, _event(v=value), **{f"ask_{asks}_on_launch": ask})


@pytest.mark.parametrize(
    ("field", "value", "column", "stored"),
    [
        ("limit", "web1", "limit", "web1"),
        ("limit", "web1,db-2.example.com", "limit", "web1,db-2.example.com"),
        ("limit", ["web1", "web2"], "limit", "web1,web2"),
        ("scm_branch", "release/1.2", "scm_branch", "release/1.2"),
        ("scm_branch", "a" * 40, "scm_branch", "a" * 40),
        ("inventory", "Production", "inventory_id", "Production"),
        ("inventory", 7, "inventory_id", 7),
        ("job_tags", "deploy,restart", "job_tags", "deploy,restart"),
        ("skip_tags", "slow", "skip_tags", "slow"),
        ("job_type", "check", "job_type", "check"),
        ("verbosity", 3, "verbosity", 3),
        ("diff_mode", True, "diff_mode", True),
    ],
)
def test_fields_become_columns_where_the_template_asks(field: str, value: Any, column: str, stored: Any) -> None:
    said = _judge(field, value)
    assert said.verdict.launch, said.verdict.reason
    assert said.columns == {column: stored}
    assert said.variables == {}


@pytest.mark.parametrize("field", ["job_type", "verbosity", "diff_mode"])
def test_a_field_that_a_workflow_does_not_hand_to_its_nodes_launches_nothing(field: str) -> None:
    values = {"job_type": "check", "verbosity": 3, "diff_mode": True}
    playhook = {"vars_from_payload": {field: "payload.v"}, "allowed_values": {field: ["check", "3", "true"]}}
    event = _event(v=values[field])

    of_job, of_workflow = (judged(playhook, event, type=each) for each in ("job_template", "workflow_job_template"))

    assert of_job.columns == {field: values[field]}
    assert not of_workflow.verdict.launch
    assert f"a workflow hands no {field} to its nodes" in of_workflow.verdict.reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "@/etc/passwd"),
        ("limit", "web1,@hosts"),
        ("limit", "-e x=1"),
        ("limit", "--private-key=x"),
        ("limit", "*"),
        ("limit", "!web1"),
        ("limit", "~.*"),
        ("limit", "web1:db"),
        ("limit", "web1\n"),
        ("limit", "web1,,web2"),
        ("limit", {"a": 1}),
        ("limit", [["web1"]]),
        ("limit", ["web1", None]),
        ("limit", ",".join(["web"] * 300)),
        ("scm_branch", "--upload-pack=touch x"),
        ("scm_branch", "a..b"),
        ("scm_branch", "a@{1}"),
        ("scm_branch", "a b"),
        ("scm_branch", "a/.b"),
        ("scm_branch", "a.lock"),
        ("scm_branch", "a//b"),
        ("scm_branch", "a:b"),
        ("scm_branch", "-b"),
        ("scm_branch", "a\n"),
        ("scm_branch", "a" * 256),
        ("scm_branch", 7),
        ("inventory", True),
        ("inventory", ["x"]),
        ("inventory", 2**31),
        ("inventory", 0),
        ("inventory", "x" * 513),
        ("job_tags", "--list-hosts"),
        ("job_type", "scan"),
        ("verbosity", 6),
        ("verbosity", "3"),
        ("verbosity", True),
        ("diff_mode", 1),
    ],
)
def test_values_that_could_be_more_than_a_value_are_refused(field: str, value: Any) -> None:
    said = _judge(field, value)
    assert said.verdict.launch is False
    assert said.verdict.reason.startswith(f"The value of {field} from the event is refused: ")


@pytest.mark.parametrize("value", [None, "", []])
def test_field_without_a_value_is_refused_because_an_empty_limit_is_every_host(value: Any) -> None:
    said = _judge("limit", value)
    assert said.verdict.launch is False
    assert "the event has none" in said.verdict.reason


def test_field_needs_to_be_asked_for_or_listed() -> None:
    said = _judge("limit", "web1", ask=False)
    assert said.verdict.launch is False
    assert "neither asks for it on launch nor lists it in allowed_values" in said.verdict.reason
    assert [(rule.name, rule.passed, rule.found) for rule in said.verdict.rules[1:]] == [
        ("vars_from_payload.limit", False, "web1")
    ]


@pytest.mark.parametrize(
    ("value", "launches"), [("web1", True), ("web1,web2", True), ("web1,db1", False), ("db1", False), (["web3"], True)]
)
def test_list_of_allowed_values_decides_with_or_without_asking(value: Any, launches: bool) -> None:
    for ask in (True, False):
        said = _judge("limit", value, ask=ask, allowed=["web*"])
        assert said.verdict.launch is launches
        assert launches or "is not one of its allowed_values" in said.verdict.reason


def test_numbers_may_be_listed() -> None:
    assert _judge("verbosity", 1, ask=False, allowed=[0, 1]).verdict.launch
    assert not _judge("verbosity", 5, ask=False, allowed=[0, 1]).verdict.launch


@pytest.mark.parametrize(("fork", "launches"), [(False, True), (True, False), (None, False)])
def test_branch_of_a_fork_is_never_checked_out(fork: bool | None, launches: bool) -> None:
    playhook = {"vars_from_payload": {"scm_branch": "event.branch"}}
    said = judged(playhook, pull_request(fork=fork), ask_scm_branch_on_launch=True)
    assert said.verdict.launch is launches
    assert launches or "from a fork" in said.verdict.reason


@pytest.mark.parametrize(
    ("event_type", "kind", "launches"),
    [
        ("push", "push", True),
        ("push", "tag", True),
        ("release", "release", True),
        ("create", "other", True),
        ("merge_group", "other", True),
        ("workflow_run", "other", False),
        ("check_suite", "other", False),
        ("status", "other", False),
        ("commit_comment", "comment", False),
        ("issue_comment", "comment", False),
    ],
)
def test_commit_is_taken_from_events_about_the_repositorys_own_only(event_type: str, kind: Any, launches: bool) -> None:
    playhook = {"vars_from_payload": {"scm_branch": "event.head_sha"}}
    event = replace(PUSH, type=event_type, kind=kind, head_sha="a" * 40)
    said = judged(playhook, event, ask_scm_branch_on_launch=True)
    assert said.verdict.launch is launches
    assert launches or "from a fork" in said.verdict.reason
    other = judged(playhook, replace(event, service="generic"), ask_scm_branch_on_launch=True)
    assert other.verdict.launch is (kind in {"push", "tag", "release"})


def test_other_names_become_variables_of_any_kind() -> None:
    playhook = {
        "vars_from_payload": {
            "version": "payload.ref",
            "everything": "payload",
            "numbers": "[payload.forced, event.kind, `7`]",
            "missing": "payload.nothing.at.all",
            "labels": "event.pull_request.labels",
        }
    }
    said = judged(playhook, PUSH)
    assert said.verdict.launch
    assert said.variables == {
        "version": "refs/heads/main",
        "everything": {"ref": "refs/heads/main", "forced": False},
        "numbers": [False, "push", 7],
        "missing": None,
        "labels": None,
    }
    assert judged(playhook, PULL_REQUEST).variables["labels"] == ["deploy", "area/web"]


@pytest.mark.parametrize(
    ("source", "payload", "message"),
    [
        ("sum(payload.v)", {"v": "x"}, "sum"),
        ("contains(payload.v, `1`)", {"v": "x"}, "requires string"),
        ("payload.v", {"v": "x" * 70_000}, "larger than 65536 bytes"),
        ("&payload.v", {"v": 1}, "not JSON serializable"),
    ],
)
def test_variable_that_cannot_be_made_is_refused(source: str, payload: dict[str, Any], message: str) -> None:
    said = judged({"vars_from_payload": {"x": source}}, _event(**payload))
    assert said.verdict.launch is False
    assert message in said.verdict.reason


def test_variables_can_be_limited_too() -> None:
    playhook = {"vars_from_payload": {"stage": "payload.v"}, "allowed_values": {"stage": ["test", "prod"]}}
    assert judged(playhook, _event(v="prod")).verdict.launch
    assert not judged(playhook, _event(v="{{ x }}")).verdict.launch


@pytest.mark.parametrize(
    ("value", "launches"),
    [("prod,staging", False), (["prod", "staging"], True), (["prod", "x"], False), ([], False), ([["prod"]], False)],
)
def test_commas_part_lists_only(value: Any, launches: bool) -> None:
    allowed = ["prod", "staging"]
    playhook = {"vars_from_payload": {"stage": "payload.v"}, "allowed_values": {"stage": allowed}}
    assert judged(playhook, _event(v=value)).verdict.launch is launches
    assert _judge("inventory", value, allowed=allowed).verdict.launch is False
    assert _judge("limit", "prod,staging", allowed=allowed).verdict.launch


def test_variables_reach_the_playbook_and_never_hide_ours() -> None:
    record = {
        **event_record(COMMENT),
        "variables": {"version": "1", "awx_webhook_payload": "forged", "playhook_event": "forged"},
        "match": {"where": "prod"},
    }
    variables = webhook_variables(record, COMMENT.payload)
    assert variables["version"] == "1"
    assert variables["awx_webhook_payload"] == COMMENT.payload
    assert variables["playhook_match"] == {"where": "prod"}
    assert variables["playhook_event"]["kind"] == "comment"
    assert not {"variables", "match"} & set(variables["playhook_event"])
