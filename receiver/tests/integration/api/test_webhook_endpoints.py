# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that several templates share, and the list of services."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select
from tests.api_client import Api
from tests.integration.api.conftest import World, create, names
from tests.integration.api.deliveries import deliver, key_of, push

from playhook.errors import NotAuthentic
from playhook.services.registry import load_services
from playhook.store import tables as t
from playhook.store.hook_templates import read_config_version
from playhook.store.store import Store

_LIST = "/api/v2/webhook_endpoints/"
_OWN = "a-key-of-my-own-0123456789"


@pytest.fixture
def check(api: Api, world: World) -> dict[str, Any]:
    """A template without a webhook of its own."""
    return create(api, "job_templates", name="Check", **world.template_fields)


@pytest.fixture
def endpoint(api: Api, world: World, check: dict[str, Any]) -> dict[str, Any]:
    """An endpoint with two templates; one of them only for the tills."""
    bound = [{"template": check["id"]}, {"template": world.template["id"], "repositories": ["shop/till*"]}]
    return create(api, "webhook_endpoints", name="shop", service="github", templates=bound)


def _keys(store: Store) -> list[str]:
    with store.reading() as connection:
        rows = connection.execute(select(t.webhook_endpoint_keys.c.key).order_by(t.webhook_endpoint_keys.c.id))
        return [store.cipher.decrypt(row.key) for row in rows]


def test_a_new_endpoint_has_an_address_a_key_and_its_templates(
    api: Api, world: World, check: dict[str, Any], endpoint: dict[str, Any], store: Store
) -> None:
    key = key_of(api, endpoint)
    assert (len(key), key.isalnum(), _keys(store)) == (50, True, [key])
    assert endpoint["related"]["webhook_receiver"] == "/api/v2/webhooks/github/shop/"
    assert endpoint["playhook"] == {
        "webhook_url": "https://playhook.example.com/api/v2/webhooks/github/shop/",
        "webhook_key": "$encrypted$",
        "webhook_key_fingerprint": sha256(f"playhook-webhook-key:{key}".encode()).hexdigest()[:16],
        "allow_sha1": False,
    }
    assert endpoint["templates"] == [
        {"template": check["id"], "repositories": None},
        {"template": world.template["id"], "repositories": ["shop/till*"]},
    ]
    assert [each["name"] for each in endpoint["summary_fields"]["templates"]] == ["Check", "Deploy"]
    assert api.get(endpoint["url"]).json() == endpoint


def test_a_delivery_to_the_endpoint_is_for_every_template_of_its_repository(
    api: Api, world: World, check: dict[str, Any], endpoint: dict[str, Any], store: Store
) -> None:
    address = {"kind": "endpoint", "name": "shop"}
    both = deliver(store, key_of(api, endpoint), push("main"), **address)
    one = deliver(store, key_of(api, endpoint), push("main", "shop/office"), guid="guid-2", **address)
    assert ([each.outcome for each in both], [each.outcome for each in one]) == (["launched"] * 2, ["launched"])
    listed = api.get("/api/v2/webhook_deliveries/", endpoint=endpoint["id"], order_by="id").json()["results"]
    assert [each["template"] for each in listed] == [check["id"], world.template["id"], check["id"]]
    assert [each["original"] for each in listed] == [None, listed[0]["id"], None]
    shown = api.get(listed[1]["url"]).json()
    assert (shown["related"]["endpoint"], shown["payload"]) == (endpoint["url"], push("main"))
    assert shown["summary_fields"]["endpoint"] == {
        "id": endpoint["id"], "name": "shop", "description": "", "service": "github",
    }  # fmt: skip


def test_keys_rotate_with_grace_and_may_be_ones_own(api: Api, endpoint: dict[str, Any], store: Store) -> None:
    path, first = endpoint["related"]["webhook_key"], key_of(api, endpoint)
    second = api.post(path, {"grace": 60})
    assert (second.status, set(_keys(store))) == (201, {first, second.json()["webhook_key"]})
    assert api.post(path, {"webhook_key": _OWN}).json() == {"webhook_key": _OWN}
    api.patch(endpoint["url"], {"playhook": {"webhook_key": f"{_OWN}-2"}})
    assert (key_of(api, endpoint), _OWN in _keys(store)) == (f"{_OWN}-2", False)
    api.patch(endpoint["url"], {"playhook": {"webhook_key": "$encrypted$"}, "description": "kept"})
    assert key_of(api, endpoint) == f"{_OWN}-2"
    for body in ({"webhook_key": "short"}, {"grace": -1}, {"grace": True}):
        assert (api.post(path, body).status, key_of(api, endpoint)) == (400, f"{_OWN}-2")


def test_the_rotated_key_is_the_one_that_counts(api: Api, endpoint: dict[str, Any], store: Store) -> None:
    first = key_of(api, endpoint)
    api.post(endpoint["related"]["webhook_key"])
    with pytest.raises(NotAuthentic):
        deliver(store, first, push("main"), kind="endpoint", name="shop")


def test_keys_are_neither_listed_nor_searched(api: Api, world: World, endpoint: dict[str, Any]) -> None:
    api.post(endpoint["related"]["webhook_key"], {"webhook_key": _OWN})
    assert _OWN.encode() not in api.get(_LIST).body + api.get(endpoint["url"]).body
    refused = api.get(_LIST, webhook_key__startswith="a")
    assert (refused.status, refused.json()) == (403, {"detail": "Filtering on webhook_key is not allowed."})
    assert api.get(_LIST, search=_OWN).json()["count"] == 0
    create(api, "users", username="olga", password="a long password", playhook={"role": "operator"})
    olga = api.login("olga", "a long password")
    path = endpoint["related"]["webhook_key"]
    assert (olga.get(endpoint["url"]).status, olga.get(path).status, olga.post(path).status) == (200, 403, 403)
    assert (olga.post(_LIST, {"name": "x", "service": "github"}).status, olga.delete(endpoint["url"]).status) == (
        403, 403,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": "a/b"}, "name", "A name has letters"),
        ({"service": "nowhere"}, "service", '"nowhere" is not a valid choice.'),
        ({"service": None}, "service", '"" is not a valid choice.'),
        ({"templates": {}}, "templates", "Expected a list"),
        ({"templates": [5]}, "templates", "templates[0]: An object with template"),
        ({"templates": [{"template": 1, "branch": "x"}]}, "templates", "templates[0]: An object with template"),
        ({"templates": [{"template": True}]}, "templates", "templates[0].template: The id"),
        ({"templates": [{"template": 2**40}]}, "templates", "templates[0].template: The id"),
        ({"templates": [{"template": 999}]}, "templates", "There is no job template 999."),
        ({"templates": [{"template": 1}] * 101}, "templates", "There are 101 templates; 100 are allowed."),
        ({"playhook": {"filters": {}}}, "playhook", 'Unknown key "filters".'),
        ({"playhook": {"networks": ["nowhere"]}}, "playhook", "networks[0]: "),
        ({"playhook": {"webhook_key": "short"}}, "playhook", "webhook_key: "),
        ({"playhook": {"service_options": {"x": 1}}}, "playhook", "service_options: The service github has no"),
        ({"name": "other"}, "__all__", "WebhookEndpoint with this (service, name) combination already exists."),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_changes(
    api: Api, endpoint: dict[str, Any], change: dict[str, Any], field: str, sentence: str
) -> None:
    create(api, "webhook_endpoints", name="other", service="github")
    refused = api.patch(endpoint["url"], change)
    assert (refused.status, list(refused.json())) == (400, [field])
    assert refused.json()[field][0].startswith(sentence)
    assert api.get(endpoint["url"]).json() == endpoint


def test_bad_repositories_are_refused_with_their_place(api: Api, world: World) -> None:
    bound = [{"template": world.template["id"], "repositories": [["x"]]}]
    refused = api.post(_LIST, {"name": "x", "service": "github", "templates": bound})
    assert (refused.status, list(refused.json())) == (400, ["templates"])
    assert refused.json()["templates"][0].startswith("templates[0].repositories")


def test_required_fields(api: Api) -> None:
    missing = ["This field is required."]
    assert api.post(_LIST, {}).json() == {"name": missing, "service": missing}


def test_templates_are_rebound_and_stay_where_they_are_not_named(
    api: Api, world: World, endpoint: dict[str, Any]
) -> None:
    described = api.patch(endpoint["url"], {"description": "x"}).json()
    assert described["templates"] == endpoint["templates"]
    rebound = api.patch(endpoint["url"], {"templates": [{"template": world.template["id"]}]}).json()
    assert rebound["templates"] == [{"template": world.template["id"], "repositories": None}]
    assert names(api, f"{_LIST}?templates={world.template['id']}") == ["shop"]
    assert api.patch(endpoint["url"], {"templates": []}).json()["templates"] == []
    assert names(api, f"{_LIST}?templates={world.template['id']}") == []


def test_another_service_needs_templates_of_it_and_gets_a_new_key(
    api: Api, check: dict[str, Any], endpoint: dict[str, Any], store: Store
) -> None:
    api.post(endpoint["related"]["webhook_key"], {"grace": 60})
    refused = api.patch(endpoint["url"], {"service": "gitlab"})
    assert refused.json()["templates"] == [
        "The job template Deploy has the webhook service github, the endpoint gitlab."
    ]
    before = _keys(store)
    moved = api.patch(endpoint["url"], {"service": "gitlab", "templates": [{"template": check["id"]}]}).json()
    assert moved["related"]["webhook_receiver"] == "/api/v2/webhooks/gitlab/shop/"
    after = _keys(store)
    assert (len(before), len(after), set(before) & set(after)) == (2, 1, set())


def test_what_intake_caches_of_endpoints_is_marked_as_changed(api: Api, endpoint: dict[str, Any], store: Store) -> None:
    def version() -> int:
        with store.reading() as connection:
            return read_config_version(connection)

    changes: list[Callable[[], Any]] = [
        lambda: api.patch(endpoint["url"], {"description": "x"}),
        lambda: api.patch(endpoint["url"], {"templates": []}),
        lambda: api.post(endpoint["related"]["webhook_key"]),
        lambda: api.delete(endpoint["url"]),
    ]
    for change in changes:
        before = version()
        assert change().status in {200, 201, 204}
        assert version() > before


def test_deleted_endpoints_leave_their_deliveries(api: Api, endpoint: dict[str, Any], store: Store) -> None:
    deliver(store, key_of(api, endpoint), push("main"), kind="endpoint", name="shop")
    assert api.delete(endpoint["url"]).status == 204
    assert api.get(endpoint["url"]).status == 404
    listed = api.get("/api/v2/webhook_deliveries/").json()["results"]
    assert [each["endpoint"] for each in listed] == [None, None]
    assert _keys(store) == []


def test_services_are_listed_with_what_they_can(api: Api) -> None:
    answer = api.get("/api/v2/webhook_services/", page_size=200)
    assert answer.status == 200
    found = {each["name"]: each for each in answer.json()["results"]}
    assert (answer.json()["count"], list(found)) == (len(load_services()), sorted(load_services()))
    github = found["github"]
    assert (github["label"], github["credential_type"], github["posts_statuses"]) == ("GitHub", "github_token", True)
    assert (github["settings"], {"push", "pull_request"} <= set(github["sample_event_types"])) == ([], True)
    generic = found["generic"]
    assert (generic["credential_type"], generic["posts_statuses"]) == (None, False)
    assert generic["settings"] == ["signature", "token", "event_type", "guid", "ref"]


def test_the_list_of_services_has_pages_and_a_login(api: Api) -> None:
    first = api.get("/api/v2/webhook_services/", page_size=1).json()
    second = api.get(first["next"]).json()
    assert (len(first["results"]), second["previous"]) == (1, "/api/v2/webhook_services/?page=1&page_size=1")
    assert second["results"] != first["results"]
    assert api.get("/api/v2/webhook_services/", page=9).json() == {"detail": "Invalid page."}
    assert api.post("/api/v2/webhook_services/").status == 405
    assert api.anonymous().get("/api/v2/webhook_services/").status == 401


def test_templates_have_their_service_options_checked(api: Api, world: World) -> None:
    refused = api.patch(world.template["url"], {"playhook": {"service_options": {"guid": "x"}}})
    assert refused.json() == {"playhook": ["service_options: The service github has no options."]}
    options = {"token": {"header": "x-token"}, "event_type": "payload.kind"}
    generic = {"webhook_service": "generic", "webhook_credential": None}
    mistaken = api.patch(world.template["url"], {**generic, "playhook": {"service_options": {"guid": "payload["}}})
    assert (mistaken.status, mistaken.json()["playhook"][0].startswith("service_options.guid: ")) == (400, True)
    kept = api.patch(world.template["url"], {**generic, "playhook": {"service_options": options}}).json()
    assert kept["playhook"]["service_options"] == options
    back = api.patch(world.template["url"], {"webhook_service": "github"})
    assert back.json() == {"playhook": ["service_options: The service github has no options."]}
    cleared = api.patch(world.template["url"], {"webhook_service": "github", "playhook": {"service_options": None}})
    assert (cleared.status, "service_options" in cleared.json()["playhook"]) == (200, False)
