# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import inventory

WEB = {
    "name": "web",
    "hosts": [{"name": "web1"}, {"name": "web2"}, {"name": "db1"}],
    "groups": [
        {"name": "site", "children": ["front", "back"], "variables": {"domain": "example.com"}},
        {"name": "front", "hosts": ["web1", "web2"]},
        {"name": "back", "hosts": ["db1"], "description": "databases"},
    ],
}
GROUPED = {
    ("site", "children"): ["back", "front"],
    ("front", "hosts"): ["web1", "web2"],
    ("back", "hosts"): ["db1"],
}


def group(name, **options):
    return {"name": "web", "groups": [dict(name=name, **options)]}


def test_a_new_inventory_has_its_groups(controller, run):
    run(inventory, **WEB)

    assert controller.grouped() == GROUPED
    groups = {each["name"]: each for each in controller.objects["groups"].values()}
    assert json.loads(groups["site"]["variables"]) == {"domain": "example.com"}
    assert groups["back"]["description"] == "databases"


def test_a_second_run_changes_nothing(controller, run):
    run(inventory, **WEB)
    before = len(controller.writes)

    result = run(inventory, **WEB)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(controller.writes) == before


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"groups": [{"name": "front", "hosts": ["db1"], "children": ["new"]}, {"name": "new", "hosts": []}]},
        {"groups": [{"name": "front", "variables": {"a": 1}}], "purge_groups": True},
        {"hosts": [{"name": "web1"}], "purge_hosts": True, "groups": [{"name": "front", "hosts": ["web1"]}]},
    ],
)
def test_check_mode_writes_nothing_and_predicts_the_same_diff(receiver, run, change):
    if change:
        run(inventory, **WEB)
    before = len(receiver.writes)

    predicted = run(inventory, check_mode=True, **dict(WEB, **change))

    assert len(receiver.writes) == before
    actual = run(inventory, **dict(WEB, **change))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_hosts_and_children_become_what_is_listed(receiver, run):
    run(inventory, **WEB)

    result = run(inventory, **group("front", hosts=["web2", "db1"]))

    assert receiver.grouped() == {**GROUPED, ("front", "hosts"): ["db1", "web2"]}
    assert result["diff"]["before"]["groups"] == {"front": {"hosts": ["web1", "web2"]}}
    assert result["diff"]["after"]["groups"] == {"front": {"hosts": ["db1", "web2"]}}


def test_what_is_not_listed_stays(receiver, run):
    run(inventory, **WEB)

    run(inventory, **group("front", variables={"a": 1}))

    assert receiver.grouped() == GROUPED


def test_other_groups_go_on_request(receiver, run):
    run(inventory, **WEB)

    result = run(inventory, purge_groups=True, **group("back"))

    assert receiver.grouped() == {("back", "hosts"): ["db1"]}
    assert sorted(result["diff"]["before"]["groups"]) == ["back", "front", "site"]
    assert sorted(result["diff"]["after"]["groups"]) == ["back"]


def test_a_parent_and_its_child_change_places(receiver, run):
    run(inventory, **WEB)

    run(inventory, name="web", groups=[{"name": "front", "children": ["site"]}, {"name": "site", "children": ["back"]}])

    assert receiver.grouped()[("front", "children")] == ["site"]
    assert receiver.grouped()[("site", "children")] == ["back"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([{"name": "a"}, {"name": "a"}], "groups names 'a' twice. Name every group once."),
        (
            [{"name": "a", "hosts": ["lost"]}],
            (
                "Group 'a' names 'lost' in its hosts, which the inventory does not have. List it in hosts, or "
                "correct the name."
            ),
        ),
        (
            [{"name": "a", "children": ["lost"]}],
            (
                "Group 'a' names 'lost' in its children, which the inventory does not have. List it in groups, or "
                "correct the name."
            ),
        ),
        ([{"name": "back", "children": ["site"]}], "Group 'site' is in itself. Correct the children of the groups."),
        ([{"name": "a", "children": ["a"]}], "Group 'a' is in itself. Correct the children of the groups."),
    ],
)
def test_groups_that_cannot_be_are_refused_before_any_write(receiver, run, groups, message):
    run(inventory, **WEB)
    before = len(receiver.writes)

    assert run.fail(inventory, name="web", groups=groups) == message
    assert len(receiver.writes) == before


def test_purging_needs_the_list(receiver, run):
    assert run.fail(inventory, name="web", purge_groups=True) == (
        "purge_groups is True but all of the following are missing: groups"
    )
