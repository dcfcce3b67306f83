# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: secrets go in, are kept, compared and never shown."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import TOKEN, World, create, names, type_id

from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.credentials import open_inputs
from playhook.store.store import Store


def _stored(store: Store, credential_id: int) -> dict[str, Any]:
    with store.reading() as connection:
        row = connection.execute(t.credentials.select().where(t.credentials.c.id == credential_id)).one()
        return open_inputs(store.cipher, row.inputs)


def test_secrets_are_encrypted_at_rest_and_hidden(api: Api, world: World, store: Store, settings: Settings) -> None:
    assert world.credential["inputs"] == {"token": "$encrypted$"}
    assert _stored(store, world.credential["id"]) == {"token": TOKEN}
    files = [settings.sqlite_file, settings.sqlite_file.with_name(settings.sqlite_file.name + "-wal")]
    assert all(TOKEN.encode() not in file.read_bytes() for file in files if file.exists())


def test_encrypted_sent_back_means_keep(api: Api, world: World, store: Store) -> None:
    inputs = {"token": "$encrypted$", "api_url": "https://git.example.com/api/v3"}
    changed = api.patch(world.credential["url"], {"inputs": inputs}).json()
    assert changed["inputs"] == inputs
    assert _stored(store, world.credential["id"]) == {**inputs, "token": TOKEN}


def test_inputs_that_are_left_out_are_gone(api: Api, world: World, store: Store) -> None:
    assert api.patch(world.credential["url"], {"inputs": {"token": "new"}}).status == 200
    assert _stored(store, world.credential["id"]) == {"token": "new"}
    assert api.patch(world.credential["url"], {"description": "kept"}).json()["inputs"] == {"token": "$encrypted$"}
    assert api.patch(world.credential["url"], {"inputs": {}}).json()["inputs"] == {}


def test_values_that_look_encrypted_are_only_text(api: Api, world: World, store: Store) -> None:
    looks = "$playhook1$gAAAAAB-not-ours"
    made = create(api, "credentials", name="odd", organization=1, credential_type=1, inputs={"username": looks})
    assert _stored(store, made["id"]) == {"username": looks}


def test_ask_is_shown_where_the_type_allows_asking(api: Api, world: World) -> None:
    made = create(
        api, "credentials", name="m", organization=1, credential_type=1, inputs={"username": "u", "password": "ASK"}
    )
    assert made["inputs"] == {"username": "u", "password": "ASK"}
    moved = api.patch(made["url"], {"credential_type": 2}).json()
    assert (moved["kind"], moved["inputs"]) == ("scm", {"username": "u", "password": "$encrypted$"})


def test_comparing_answers_same_different_or_unset(api: Api, world: World) -> None:
    path = f"{world.credential['url']}compare/"
    for wanted, result in ((TOKEN, "same"), (TOKEN + "x", "different"), ("", "different"), (None, "different")):
        assert api.post(path, {"inputs": {"token": wanted}}).json() == {"inputs": {"token": result}}
    assert api.post(path, {"inputs": {"api_url": "x", "nope": 1}}).json() == {
        "inputs": {"api_url": "unset", "nope": "unset"}
    }
    assert api.post(path, {"inputs": "x"}).status == 400
    assert api.get(path).status == 405


def test_comparing_is_limited(api: Api, world: World) -> None:
    path = f"{world.credential['url']}compare/"
    statuses = [api.post(path, {"inputs": {"token": str(number)}}).status for number in range(125)]
    assert (statuses[0], statuses[-1]) == (200, 429)


@pytest.mark.parametrize(
    ("namespace", "inputs", "sentence"),
    [
        ("github_token", {"nope": "x"}, "Additional properties are not allowed ('nope' was unexpected)"),
        ("github_token", {"a": "x", "b": "y"}, "Additional properties are not allowed ('a', 'b' were unexpected)"),
        ("github_token", {"token": 7}, "token is not of type 'string'"),
        ("github_token", {"api_url": "ftp://x"},
         "api_url must be an http:// or https:// URL without user, query or fragment."),
        ("github_token", {"api_url": "https://u:p@host/"},
         "api_url must be an http:// or https:// URL without user, query or fragment."),
        ("ssh", {"ssh_key_data": "not a key"},
         "Invalid private key in ssh_key_data: it must begin with -----BEGIN … PRIVATE KEY-----."),
        ("registry", {"verify_ssl": "yes"}, "verify_ssl is not of type 'boolean'"),
    ],
)  # fmt: skip
def test_bad_inputs_are_refused_without_repeating_them(
    api: Api, world: World, namespace: str, inputs: dict[str, Any], sentence: str
) -> None:
    body = {"name": "x", "organization": 1, "credential_type": type_id(api, namespace), "inputs": inputs}
    refused = api.post("/api/v2/credentials/", body)
    assert (refused.status, refused.json()) == (400, {"inputs": [sentence]})


def test_a_credential_of_a_user_is_theirs(api: Api, world: World) -> None:
    user = create(api, "users", username="ann", password="a long password")["id"]
    made = create(api, "credentials", name="own", user=user, credential_type=1)
    assert made["summary_fields"]["owners"] == [
        {"id": user, "type": "user", "name": "ann", "description": "", "url": f"/api/v2/users/{user}/"}
    ]
    ann = api.login("ann", "a long password")
    assert (ann.get("/api/v2/credentials/").json()["count"], ann.get(made["url"]).status) == (1, 200)
    both = {"name": "x", "organization": 1, "user": user, "credential_type": 1}
    sentence = "Only one of 'user', 'team', or 'organization' should be provided, received organization, user fields."
    assert api.post("/api/v2/credentials/", both).json() == {"detail": [sentence]}
    assert names(api, made["related"]["owner_users"]) == ["ann"]
    assert names(api, made["related"]["owner_teams"]) == []
    assert names(ann, f"/api/v2/users/{user}/credentials/") == ["own"]


def test_a_credential_of_a_team_is_its_organizations_too(api: Api, world: World) -> None:
    team = create(api, "teams", name="Night", organization=world.organization["id"])
    made = create(api, "credentials", name="keys", team=team["id"], credential_type=1)
    assert made["organization"] == world.organization["id"]
    assert [(each["type"], each["name"]) for each in made["summary_fields"]["owners"]] == [
        ("organization", "Shop"), ("team", "Night"),
    ]  # fmt: skip
    assert made["related"]["team"] == team["url"]
    assert names(api, made["related"]["owner_teams"]) == ["Night"]
    assert names(api, made["related"]["owner_users"]) == []
    assert names(api, team["related"]["credentials"]) == ["keys"]
    assert names(api, "/api/v2/teams/?credentials__name=keys") == ["Night"]
    assert api.delete(team["url"]).status == 204
    assert [each["type"] for each in api.get(made["url"]).json()["summary_fields"]["owners"]] == ["organization"]


def test_a_credential_is_made_below_its_owner(api: Api, world: World) -> None:
    team = create(api, "teams", name="Night", organization=world.organization["id"])
    for number, owner in enumerate((world.organization, team, api.get("/api/v2/users/1/").json())):
        made = api.post(owner["related"]["credentials"], {"name": f"c{number}", "credential_type": 1})
        assert (made.status, made.json()["summary_fields"]["owners"][-1]["url"]) == (201, owner["url"])
        assert f"c{number}" in names(api, owner["related"]["credentials"])


@pytest.mark.parametrize("owner", [{"team": 99}, {"user": 99}, {"user": "ann"}, {"team": True}])
def test_an_owner_that_there_is_not_is_refused(api: Api, world: World, owner: dict[str, Any]) -> None:
    refused = api.post("/api/v2/credentials/", {"name": "x", "credential_type": 1, **owner})
    ((name, value),) = owner.items()
    assert (refused.status, refused.json()) == (400, {name: [f'Invalid pk "{value}" - object does not exist.']})


def test_a_type_in_use_stays(api: Api, world: World) -> None:
    moved = api.patch(world.credential["url"], {"credential_type": type_id(api, "gitlab_token")})
    assert (moved.status, list(moved.json())) == (400, ["credential_type"])


def test_managed_types_cannot_be_changed_and_used_ones_not_deleted(api: Api, world: World) -> None:
    managed = f"/api/v2/credential_types/{type_id(api, 'ssh')}/"
    assert api.patch(managed, {"name": "x"}).json() == {
        "detail": "Modifications not allowed for managed credential types"
    }
    assert api.delete(managed).json() == {"detail": "Deletion not allowed for managed credential types"}
    fields = {"fields": [{"id": "key", "label": "Key", "type": "string", "secret": True}]}
    own = create(api, "credential_types", name="Own", kind="cloud", inputs=fields)
    made = create(api, "credentials", name="x", organization=1, credential_type=own["id"], inputs={"key": "s"})
    assert (made["inputs"], made["cloud"]) == ({"key": "$encrypted$"}, True)
    assert api.delete(own["url"]).json() == {"detail": "Credential types that are in use cannot be deleted"}
    assert api.delete(made["url"]).status == 204
    assert api.delete(own["url"]).status == 204


FIELD = {"id": "key", "label": "Key"}
UNEXPECTED = "Additional properties are not allowed ('x' was unexpected)"


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"x": 1}, f"Schema validation error in relative path [] ({UNEXPECTED})"),
        ({"dependencies": {}}, "'dependencies' is not supported for custom credentials."),
        ({"fields": {}}, "dict provided in relative path ['fields'], expected array"),
        ({"fields": ["x"]}, "str provided in relative path ['fields', 0], expected dict"),
        ({"fields": [{"id": "key"}]}, "'label' is a required property"),
        ({"fields": [{**FIELD, "secret": "yes"}]},
         "str provided in relative path ['fields', 0, 'secret'], expected boolean"),
        ({"fields": [{**FIELD, "type": "number"}]}, "'number' is not one of ['string', 'boolean']"),
        ({"fields": [{**FIELD, "id": "a-b"}]}, "a-b is an invalid variable name"),
        ({"fields": [{**FIELD, "id": "tower"}]}, '"tower" is a reserved field name'),
        ({"fields": [FIELD, FIELD]}, "field IDs must be unique (key)"),
        ({"fields": [{**FIELD, "type": "boolean", "default": "x"}]}, "x is not a boolean"),
        ({"fields": [{**FIELD, "type": "boolean", "secret": True}]}, "secret not allowed for boolean type (key)"),
        ({"required": "key"}, "str provided in relative path ['required'], expected array"),
    ],
)  # fmt: skip
def test_wrong_inputs_of_a_type_are_told(api: Api, world: World, inputs: dict[str, Any], sentence: str) -> None:
    refused = api.post("/api/v2/credential_types/", {"name": "Own", "kind": "cloud", "inputs": inputs})
    assert (refused.status, refused.json()) == (400, {"inputs": [sentence]})


def test_injectors_may_use_the_types_own_fields_alone(api: Api, world: World) -> None:
    body = {"name": "Own", "kind": "net", "inputs": {"fields": [FIELD]}}
    refused = api.post("/api/v2/credential_types/", {**body, "injectors": {"env": {"A": "{{ other }}"}}})
    assert (refused.status, refused.json()) == (
        400,
        {"injectors": ["A uses an undefined field ('other' is undefined)"]},
    )
    injectors = {"env": {"A": "{{ key }}"}, "extra_vars": {"b": "{{ key }}"}}
    assert create(api, "credential_types", **body, injectors=injectors)["injectors"] == injectors


def test_credentials_of_clouds_and_clusters_say_what_they_are(api: Api, world: World) -> None:
    for namespace, cloud, kubernetes in (("aws", True, False), ("kubernetes_bearer_token", False, True)):
        made = create(api, "credentials", name=namespace, organization=1, credential_type=type_id(api, namespace))
        assert (made["kind"], made["cloud"], made["kubernetes"]) == (namespace, cloud, kubernetes)
        attached = api.post(f"{world.template['url']}credentials/", {"id": made["id"]})
        assert attached.status == 204
