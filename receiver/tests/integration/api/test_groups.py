# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of inventories."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import World, create, names


@pytest.fixture
def groups(api: Api, world: World) -> dict[str, dict[str, Any]]:
    """`all_tills` holds `front`, which holds till-1; till-2 is in no group."""
    belongs = {"inventory": world.inventory["id"]}
    create(api, "hosts", name="till-2", **belongs)
    made = {
        "all_tills": create(api, "groups", name="all_tills", variables="color: red", **belongs),
        "front": create(api, "groups", name="front", **belongs),
    }
    path = "/api/v2/groups/{}/{}/"
    assert api.post(path.format(made["all_tills"]["id"], "children"), {"id": made["front"]["id"]}).status == 204
    assert api.post(path.format(made["front"]["id"], "hosts"), {"id": world.host["id"]}).status == 204
    return made


def test_lists_of_hosts_and_groups(api: Api, world: World, groups: dict[str, dict[str, Any]]) -> None:
    outer, inner = groups["all_tills"]["id"], groups["front"]["id"]
    assert names(api, f"/api/v2/groups/{outer}/hosts/") == []
    assert names(api, f"/api/v2/groups/{outer}/all_hosts/") == ["till-1"]
    assert names(api, f"/api/v2/groups/{outer}/children/") == ["front"]
    assert names(api, f"/api/v2/groups/{inner}/hosts/") == ["till-1"]
    assert names(api, f"/api/v2/hosts/{world.host['id']}/groups/") == ["front"]
    assert names(api, f"/api/v2/hosts/{world.host['id']}/all_groups/") == ["all_tills", "front"]
    assert names(api, f"/api/v2/inventories/{world.inventory['id']}/root_groups/") == ["all_tills"]
    assert names(api, f"/api/v2/inventories/{world.inventory['id']}/groups/") == ["all_tills", "front"]
    shown = api.get(f"/api/v2/inventories/{world.inventory['id']}/").json()
    assert shown["total_groups"] == 2
    host = api.get(f"/api/v2/hosts/{world.host['id']}/").json()["summary_fields"]["groups"]
    assert host == {"count": 1, "results": [{"id": inner, "name": "front"}]}


def test_script_is_what_an_inventory_script_would_print(
    api: Api, world: World, groups: dict[str, dict[str, Any]]
) -> None:
    path = f"/api/v2/inventories/{world.inventory['id']}/script/"
    assert api.get(path).json() == {
        "all": {"hosts": ["till-2"], "children": ["all_tills", "front"]},
        "all_tills": {"children": ["front"], "vars": {"color": "red"}},
        "front": {"hosts": ["till-1"]},
    }
    hostvars = api.get(path, hostvars="1").json()["_meta"]["hostvars"]
    assert hostvars == {"till-1": {"ansible_connection": "local"}, "till-2": {}}


def test_script_tells_what_the_inventory_plugin_asks_for(api: Api, world: World, groups: dict[str, Any]) -> None:
    """It asks with `hostvars=1&towervars=1&all=1`."""
    path = f"/api/v2/inventories/{world.inventory['id']}/script/"
    host_id = world.host["id"]
    api.patch(world.host["url"], {"enabled": False})
    assert "front" not in api.get(path, hostvars="1").json()
    everything = api.get(path, hostvars="1", towervars="1", all="1").json()
    assert everything["front"] == {"hosts": ["till-1"]}
    assert everything["_meta"]["hostvars"]["till-1"] == {
        "ansible_connection": "local", "remote_tower_enabled": "false", "remote_tower_id": host_id,
        "remote_host_enabled": "false", "remote_host_id": host_id,
    }  # fmt: skip
    assert api.get(path, host="till-1").status == 404
    assert api.get(path, host="till-1", all="1").json() == {"ansible_connection": "local"}


def test_group_cannot_contain_itself(api: Api, groups: dict[str, dict[str, Any]]) -> None:
    inner = groups["front"]["id"]
    for outer in (inner, groups["all_tills"]["id"]):
        refused = api.post(f"/api/v2/groups/{inner}/children/", {"id": outer})
        assert (refused.status, refused.json()) == (400, {"error": "Cyclical Group association."})


def test_another_inventory_s_objects_are_refused(api: Api, world: World, groups: dict[str, dict[str, Any]]) -> None:
    other = create(api, "inventories", name="Elsewhere", organization=world.organization["id"])
    host = create(api, "hosts", name="far", inventory=other["id"])
    refused = api.post(f"/api/v2/groups/{groups['front']['id']}/hosts/", {"id": host["id"]})
    assert refused.status == 400
    assert refused.json() == {"detail": "Cannot associate two items from different inventories."}


def test_hosts_and_groups_are_made_below_a_group(api: Api, groups: dict[str, dict[str, Any]]) -> None:
    path = f"/api/v2/groups/{groups['front']['id']}/"
    assert api.post(f"{path}hosts/", {"name": "till-3"}).status == 201
    assert api.post(f"{path}hosts/", {"name": "till-2"}).status == 204  # it is there already
    assert names(api, f"{path}hosts/") == ["till-1", "till-2", "till-3"]
    assert api.post(f"{path}children/", {"name": "corner"}).status == 201
    assert names(api, f"{path}children/") == ["corner"]


@pytest.mark.parametrize("name", ["all", "_meta"])
def test_reserved_names_are_refused(api: Api, world: World, name: str) -> None:
    refused = api.post("/api/v2/groups/", {"name": name, "inventory": world.inventory["id"]})
    assert (refused.status, refused.json()) == (400, {"name": ["Invalid group name."]})


def test_copied_inventory_has_the_groups(api: Api, world: World, groups: dict[str, dict[str, Any]]) -> None:
    path = f"/api/v2/inventories/{world.inventory['id']}/"
    copied = api.post(f"{path}copy/", {"name": "Tills again"}).json()
    assert api.get(f"{path}script/").json() == api.get(f"/api/v2/inventories/{copied['id']}/script/").json()


def test_deleted_group_leaves_its_hosts(api: Api, world: World, groups: dict[str, dict[str, Any]]) -> None:
    assert api.delete(f"/api/v2/groups/{groups['front']['id']}/").status == 204
    assert names(api, f"/api/v2/hosts/{world.host['id']}/groups/") == []
    assert api.get(f"/api/v2/groups/{groups['front']['id']}/").status == 404
