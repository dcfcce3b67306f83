# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import inventory

WEB = {
    "name": "web",
    "variables": {"ansible_user": "deploy", "ports": [80, 443]},
    "hosts": [
        {"name": "web1", "variables": {"ansible_port": 2222}},
        {"name": "web2", "enabled": False},
        {"name": "web3", "description": "the third"},
    ],
}


def hosts_of(controller):
    return {host["name"]: host for host in controller.objects["hosts"].values()}


def test_a_new_inventory_holds_its_hosts(controller, run):
    result = run(inventory, **WEB)

    made = controller.only("inventories")
    assert result["id"] == made["id"]
    assert json.loads(made["variables"]) == {"ansible_user": "deploy", "ports": [80, 443]}
    hosts = hosts_of(controller)
    assert {name: host["inventory"] for name, host in hosts.items()} == dict.fromkeys(hosts, made["id"])
    assert json.loads(hosts["web1"]["variables"]) == {"ansible_port": 2222}
    assert [hosts["web2"]["enabled"], hosts["web3"]["description"]] == [False, "the third"]


def test_a_second_run_changes_nothing_also_beyond_the_first_page(controller, run):
    run(inventory, **WEB)
    before = len(controller.writes)

    result = run(inventory, **WEB)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(controller.writes) == before


@pytest.mark.parametrize("change", [{}, {"hosts": [{"name": "web1", "enabled": False}], "purge_hosts": True}])
def test_check_mode_writes_nothing_and_predicts_the_same_diff(receiver, run, change):
    if change:
        run(inventory, **WEB)
    before = len(receiver.writes)

    predicted = run(inventory, check_mode=True, **dict(WEB, **change))

    assert len(receiver.writes) == before
    actual = run(inventory, **dict(WEB, **change))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_other_hosts_stay(receiver, run):
    run(inventory, **WEB)

    result = run(inventory, name="web", hosts=[{"name": "web4"}])

    assert sorted(hosts_of(receiver)) == ["web1", "web2", "web3", "web4"]
    assert result["diff"]["before"]["hosts"] == {}
    assert result["diff"]["after"]["hosts"] == {"web4": {}}


def test_other_hosts_go_on_request(receiver, run):
    run(inventory, **WEB)

    result = run(inventory, name="web", hosts=[{"name": "web2"}], purge_hosts=True)

    assert sorted(hosts_of(receiver)) == ["web2"]
    assert sorted(result["diff"]["before"]["hosts"]) == ["web1", "web2", "web3"]
    assert sorted(result["diff"]["after"]["hosts"]) == ["web2"]


def test_a_host_gets_only_what_differs(receiver, run):
    run(inventory, **WEB)

    run(inventory, name="web", hosts=[{"name": "web2", "enabled": True, "description": ""}])

    assert receiver.writes[-1].method == "PATCH"
    assert receiver.writes[-1].body == {"enabled": True}


@pytest.mark.parametrize(
    "text", ['{"ports": [80, 443], "ansible_user": "deploy"}', "ansible_user: deploy\nports: [80, 443]\n"]
)
def test_variables_are_compared_by_what_they_mean(receiver, run, text):
    run(inventory, **WEB)
    receiver.only("inventories")["variables"] = text

    assert run(inventory, **WEB)["changed"] is False


def test_variables_that_cannot_be_read_are_replaced(receiver, run):
    run(inventory, **WEB)
    receiver.only("inventories")["variables"] = "{ [ neither"

    assert run(inventory, **WEB)["changed"] is True
    assert json.loads(receiver.only("inventories")["variables"]) == WEB["variables"]


def test_absent_deletes_once(controller, run):
    run(inventory, **WEB)

    first = run(inventory, name="web", state="absent")
    second = run(inventory, name="web", state="absent")

    assert [first["changed"], second["changed"]] == [True, False]
    assert controller.objects["inventories"] == {}


def test_an_inventory_that_awx_is_about_to_delete_is_absent(awx, run):
    run(inventory, **WEB)
    awx.only("inventories")["pending_deletion"] = True

    assert run(inventory, name="web", state="absent")["changed"] is False


def test_a_path_in_the_project_is_set_once(receiver, run):
    first = run(inventory, name="web", source_path="inventories/production")
    second = run(inventory, name="web", source_path="inventories/production")
    third = run(inventory, name="web", source_path="")

    assert [first["changed"], second["changed"], third["changed"]] == [True, False, True]
    assert third["diff"]["before"]["playhook"] == {"source_path": "inventories/production"}
    assert receiver.only("inventories")["playhook"] == {"source_path": ""}


def test_an_awx_has_no_path_in_the_project(awx, run):
    assert run.fail(inventory, name="web", source_path="hosts") == (
        "https://receiver.example.com is an AWX, which has no source_path. Omit that."
    )
    assert awx.writes == []


def test_a_host_named_twice_is_refused(receiver, run):
    message = run.fail(inventory, name="web", hosts=[{"name": "web1"}, {"name": "web1", "enabled": False}])

    assert message == "hosts names 'web1' twice. Name every host once."
    assert receiver.writes == []


def test_purging_needs_the_list(receiver, run):
    assert run.fail(inventory, name="web", purge_hosts=True) == (
        "purge_hosts is True but all of the following are missing: hosts"
    )
