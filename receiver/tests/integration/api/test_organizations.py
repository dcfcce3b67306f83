# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to organizations: members, teams, instance groups, execution environments, notification templates."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from tests.api_client import Api
from tests.integration.api.conftest import World, create, names, type_id

from playhook.store import tables as t
from playhook.store.store import Store

SLACK = {"token": "xoxb-a-secret-of-slack", "channels": ["#builds"]}


def test_members_and_admins_are_users_of_the_organization(api: Api, world: World) -> None:
    path = f"/api/v2/organizations/{world.organization['id']}/"
    made = api.post(f"{path}users/", {"username": "ada", "password": "a long password"})
    assert made.status == 201
    assert api.post(f"{path}admins/", {"id": made.json()["id"]}).status == 204
    mine = f"/api/v2/users/{made.json()['id']}/"
    assert names(api, f"{mine}organizations/") == names(api, f"{mine}admin_of_organizations/") == ["Shop"]
    counts = api.get(path).json()["summary_fields"]["related_field_counts"]
    assert (counts["users"], counts["admins"], counts["teams"]) == (1, 1, 0)


def test_teams_are_stored_with_their_users(api: Api, world: World) -> None:
    team = create(api, "teams", name="Tillers", organization=world.organization["id"])
    user = create(api, "users", username="ada", password="a long password")
    assert api.post(f"/api/v2/teams/{team['id']}/users/", {"id": user["id"]}).status == 204
    assert names(api, f"/api/v2/users/{user['id']}/teams/") == ["Tillers"]
    assert names(api, f"/api/v2/organizations/{world.organization['id']}/teams/") == ["Tillers"]
    again = api.post("/api/v2/teams/", {"name": "Tillers", "organization": world.organization["id"]})
    assert again.json() == {"__all__": ["Team with this Organization and Name already exists."]}


def test_instance_groups_keep_the_order_they_were_given_in(api: Api, world: World) -> None:
    assert names(api, "/api/v2/instance_groups/") == ["controlplane", "default"]
    first = create(api, "instance_groups", name="zebra")
    second = create(api, "instance_groups", name="ape")
    for owner in (f"organizations/{world.organization['id']}", f"job_templates/{world.template['id']}"):
        path = f"/api/v2/{owner}/instance_groups/"
        for each in (first, second):
            assert api.post(path, {"id": each["id"]}).status == 204
        assert names(api, path) == ["zebra", "ape"]


def test_preloaded_instance_groups_stay(api: Api) -> None:
    group = api.get("/api/v2/instance_groups/", name="default").json()["results"][0]
    assert api.delete(group["url"]).status == 403
    assert api.patch(group["url"], {"name": "other"}).status == 400


def test_instance_groups_of_a_launch_are_taken_where_the_template_asks(api: Api, world: World) -> None:
    path = f"/api/v2/job_templates/{world.template['id']}/"
    group = create(api, "instance_groups", name="zebra")
    ignored = api.post(f"{path}launch/", {"instance_groups": [group["id"]]}).json()
    assert ignored["ignored_fields"] == {"instance_groups": [group["id"]]}
    api.patch(path, {"ask_instance_groups_on_launch": True})
    assert api.post(f"{path}launch/", {"instance_groups": [group["id"]]}).json()["ignored_fields"] == {}


def test_execution_environment_is_stored_where_awx_has_it(api: Api, world: World) -> None:
    made = create(api, "execution_environments", name="slim", image="registry.example.com/slim:1")
    for path in (f"/api/v2/organizations/{world.organization['id']}/", f"/api/v2/projects/{world.project['id']}/"):
        assert api.patch(path, {"default_environment": made["id"]}).json()["default_environment"] == made["id"]
    template = api.patch(f"/api/v2/job_templates/{world.template['id']}/", {"execution_environment": made["id"]})
    assert template.json()["summary_fields"]["execution_environment"]["image"] == "registry.example.com/slim:1"


def test_galaxy_credentials_only(api: Api, world: World) -> None:
    path = f"/api/v2/organizations/{world.organization['id']}/galaxy_credentials/"
    assert api.post(path, {"id": world.credential["id"]}).status == 400
    galaxy = create(
        api,
        "credentials",
        name="hub",
        organization=world.organization["id"],
        credential_type=type_id(api, "galaxy_api_token"),
        inputs={"url": "https://galaxy.example.com/"},
    )
    assert api.post(path, {"id": galaxy["id"]}).status == 204
    assert names(api, path) == ["hub"]


def _template(api: Api, world: World, **fields: Any) -> Any:
    body = {"name": "chat", "organization": world.organization["id"], "notification_type": "slack"}
    return api.post("/api/v2/notification_templates/", {**body, "notification_configuration": SLACK, **fields})


def test_notification_template_never_shows_its_secret(api: Api, world: World, store: Store) -> None:
    made = _template(api, world)
    assert made.status == 201, made.body
    url = made.json()["url"]
    assert api.get(url).json()["notification_configuration"] == {**SLACK, "token": "$encrypted$"}
    kept = {"token": "$encrypted$", "channels": ["#other"]}
    assert api.patch(url, {"notification_configuration": kept}).status == 200
    with store.reading() as connection:
        stored = connection.execute(select(t.notification_templates.c.notification_configuration)).scalar_one()
    assert stored["token"] != SLACK["token"]
    assert store.cipher.decrypt(stored["token"]) == SLACK["token"]


def test_notification_configuration_is_checked_in_awx_s_words(api: Api, world: World) -> None:
    refused = _template(api, world, notification_configuration={"channels": []})
    assert refused.json() == {
        "__all__": [
            "No values specified for field 'channels'",
            "Missing required fields for Notification Configuration: ['token'].",
        ]
    }
    refused = _template(api, world, notification_configuration={**SLACK, "token": 5})
    assert refused.json() == {"__all__": ["Configuration field 'token' incorrect type, expected password."]}


def test_notifications_are_attached_and_honest_about_not_being_sent(api: Api, world: World) -> None:
    made = _template(api, world).json()
    for owner in (f"job_templates/{world.template['id']}", f"projects/{world.project['id']}"):
        path = f"/api/v2/{owner}/notification_templates_error/"
        assert api.post(path, {"id": made["id"]}).status == 204
        assert names(api, path) == ["chat"]
    tested = api.post(f"{made['url']}test/", {})
    assert (tested.status, "never sent" in tested.json()["error"]) == (400, True)


def test_settings_of_the_interface(api: Api) -> None:
    assert api.get("/api/v2/settings/ui/").json()["PENDO_TRACKING_STATE"] == "off"
    assert [each["slug"] for each in api.get("/api/v2/settings/").json()["results"]] == ["ui"]
