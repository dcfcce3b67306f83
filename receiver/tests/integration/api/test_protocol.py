# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as AWX speaks it: methods, representations, bodies that are none, redirects, OPTIONS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import World

_AWX_MAP = {
    "ping",
    "instances",
    "instance_groups",
    "receptor_addresses",
    "config",
    "settings",
    "me",
    "dashboard",
    "organizations",
    "users",
    "execution_environments",
    "projects",
    "project_updates",
    "teams",
    "credentials",
    "credential_types",
    "credential_input_sources",
    "applications",
    "tokens",
    "metrics",
    "inventory",
    "constructed_inventory",
    "inventory_sources",
    "inventory_updates",
    "groups",
    "hosts",
    "host_metrics",
    "host_metric_summary_monthly",
    "job_templates",
    "jobs",
    "ad_hoc_commands",
    "system_job_templates",
    "system_jobs",
    "schedules",
    "roles",
    "notification_templates",
    "notifications",
    "labels",
    "unified_job_templates",
    "unified_jobs",
    "activity_stream",
    "workflow_job_templates",
    "workflow_jobs",
    "workflow_approvals",
    "workflow_job_template_nodes",
    "workflow_job_nodes",
    "mesh_visualizer",
    "bulk",
    "analytics",
    "service_index",
    "role_definitions",
    "role_user_assignments",
    "role_team_assignments",
}


def test_the_map_has_every_key_of_awx_and_every_path_answers(api: Api) -> None:
    found = api.get("/api/v2/").json()
    assert set(found) >= _AWX_MAP
    assert (found["inventory"], found["service_index"]) == ("/api/v2/inventories/", "/api/v2/service-index/")
    assert {path: api.get(path).status for path in found.values()} == dict.fromkeys(found.values(), 200)


def test_what_is_not_built_is_an_empty_list_that_takes_nothing(api: Api) -> None:
    assert api.get("/api/v2/schedules/").json() == {"count": 0, "next": None, "previous": None, "results": []}
    refused = api.post("/api/v2/schedules/", {"name": "x"})
    assert (refused.status, refused.json()) == (405, {"detail": 'Method "POST" not allowed.'})
    assert api.post("/api/gateway/v1/tokens/", {}).status == 404


def test_ping_tells_awx_clients_and_people_the_version(api: Api) -> None:
    found = api.anonymous().get("/api/v2/ping/")
    assert found.json()["version"].startswith("24.6.")
    assert found.json()["playhook"]["version"] == "0.2.0"
    assert (found.headers["x-api-product-name"], "x-api-product-version" in found.headers) == ("AWX", False)
    assert api.get("/api/v2/ping/").headers["x-api-product-version"].startswith("24.6.")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v2/job_templates/", "GET, POST, HEAD, OPTIONS"),
        ("DELETE", "/api/v2/jobs/", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v2/me/", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v2/organizations/1/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ],
)
def test_other_methods_get_405_with_allow(api: Api, method: str, path: str, allow: str) -> None:
    answer = api.request(method, path, {})
    assert (answer.status, answer.json()) == (405, {"detail": f'Method "{method}" not allowed.'})
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    ("accept", "status"),
    [("*/*", 200), ("application/json", 200), ("text/html,application/xhtml+xml;q=0.9", 200),
     ("application/json; indent=4", 200), ("image/png", 406), ("application/xml", 406)],
)  # fmt: skip
def test_representations(api: Api, accept: str, status: int) -> None:
    answer = api.request("GET", "/api/v2/organizations/", headers={"accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")


@pytest.mark.parametrize(
    ("raw", "content_type", "status", "detail"),
    [
        (b"{bad", "application/json", 400,
         ("JSON parse error - Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
         "Possible cause: trailing comma.")),
        (b"[1]", "application/json", 400, "JSON parse error - not a JSON object"),
        (b"null", "application/json", 400, "JSON parse error - not a JSON object"),
        (b'{"name": NaN}', "application/json", 400,
         "JSON parse error - Out of range float values are not JSON compliant: NaN\nPossible cause: trailing comma."),
        (b"[" * 100_000, "application/json", 400,
         "JSON parse error - nested too deeply\nPossible cause: trailing comma."),
        (b"name=x", "application/x-www-form-urlencoded", 415,
         ("You did not use correct Content-Type in your HTTP request. If you are using our REST API, the Content-Type "
         "must be application/json")),
    ],
)  # fmt: skip
def test_bodies_that_are_no_json_object(api: Api, raw: bytes, content_type: str, status: int, detail: str) -> None:
    answer = api.request("POST", "/api/v2/organizations/", raw=raw, headers={"content-type": content_type})
    assert (answer.status, answer.json()) == (status, {"detail": detail})


def test_a_form_without_a_body_is_refused_too(api: Api, world: World) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = api.request("POST", world.template["related"]["launch"], raw=b"", headers=form)
    assert (answer.status, api.get("/api/v2/jobs/").json()["count"]) == (415, 0)


def test_what_is_nested_too_deeply_is_refused(api: Api, world: World) -> None:
    """One level more than orjson writes, and no list that has it could be shown again."""
    belongs = {"organization": world.organization["id"], "notification_type": "webhook"}
    configuration = {"url": "https://chat.example.com/", "headers": {}}
    for levels, status in ((98, 201), (99, 400), (245, 400), (900, 400)):
        messages = json.loads("[" * levels + "]" * levels)
        body = {"name": f"chat {levels}", "notification_configuration": configuration, **belongs}
        assert api.post("/api/v2/notification_templates/", {**body, "messages": {"a": messages}}).status == status
    assert api.get("/api/v2/notification_templates/").json()["count"] == 1


@pytest.mark.parametrize("text", ["1: one\n2.5: [{yes: x}]", '{"a": 123456789012345678901}', '{"a": "\\ud800"}'])
def test_variables_that_json_lacks_are_shown_or_refused(api: Api, world: World, text: str) -> None:
    if api.patch(world.host["url"], {"variables": text}).status == 200:
        assert api.get(world.host["related"]["variable_data"]).json() == {"1": "one", "2.5": [{"true": "x"}]}
    assert api.get(f"{world.inventory['url']}script/", hostvars="1").status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b'{"name": 1' + b"0" * 5000 + b"}",
        b'{"x": 18446744073709551616}',
        b'{"x": ' + b"[" * 300 + b"]" * 300 + b"}",
    ],
)
def test_bodies_that_no_database_could_hold_are_refused(api: Api, raw: bytes) -> None:
    answer = api.request("POST", "/api/v2/organizations/", raw=raw, headers={"content-type": "application/json"})
    assert answer.status == 400


def test_too_large_a_body_is_refused(api: Api) -> None:
    answer = api.request("POST", "/api/v2/organizations/", {"name": "x" * (11 * 1024 * 1024)})
    assert answer.status == 413


def test_an_empty_body_is_an_empty_object(api: Api, world: World) -> None:
    assert api.request("POST", world.template["related"]["launch"]).status == 201


def test_a_missing_slash_redirects(api: Api, world: World) -> None:
    for method, path in (("GET", "/api/v2/me?a=1"), ("POST", "/api/v2/organizations"), ("GET", "/api")):
        answer = api.request(method, path)
        bare, _mark, query = path.partition("?")
        assert (answer.status, answer.headers["location"]) == (301, f"{bare}/{'?' + query if query else ''}")


@pytest.mark.parametrize("path", ["/api/v2/nope/", "/api/v1/", "/api/v2/job_templates/1/nope/", "/nope"])
def test_unknown_paths_get_404(api: Api, world: World, path: str) -> None:
    answer = api.get(path)
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("key", ["999", "0", "-1", "9" * 30, "x", "%00", "a++b++c", "1e3", "٣"])
def test_unknown_objects_get_404(api: Api, key: str) -> None:
    answer = api.get(f"/api/v2/job_templates/{key}/")
    assert (answer.status, answer.json()) == (404, {"detail": "No JobTemplate matches the given query."})


def test_options_describe_what_can_be_written(api: Api, world: World) -> None:
    actions = api.options("/api/v2/job_templates/").json()["actions"]
    assert actions["POST"]["name"] == {
        "type": "string", "required": True, "hidden": False, "label": "Name",
        "help_text": "Name of this job template.", "filterable": True, "max_length": 512,
    }  # fmt: skip
    assert actions["POST"]["forks"] == {
        "type": "integer", "required": False, "hidden": False, "label": "Forks", "min_value": 0,
        "max_value": 2147483647, "filterable": True, "default": 0,
    }  # fmt: skip
    service = actions["POST"]["webhook_service"]
    assert service["choices"][:1] == [["", "---------"]]
    assert {"github", "gitlab"} <= {name for name, _label in service["choices"]}
    assert "organization" not in actions["POST"]
    assert set(actions["POST"]) < set(actions["GET"])


def test_options_of_an_object_that_is_not_there_answer_for_their_allow_header(api: Api) -> None:
    answer = api.options("/api/v2/job_templates/999/")
    assert (answer.status, answer.headers["allow"]) == (200, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS")
    assert set(answer.json()["actions"]) == {"PUT", "GET"}


def test_options_offer_only_what_the_caller_may_do(api: Api) -> None:
    api.post("/api/v2/users/", {"username": "ann", "password": "a long password", "is_system_auditor": True})
    ann = api.login("ann", "a long password")
    assert list(ann.options("/api/v2/job_templates/").json()["actions"]) == ["GET"]


def test_options_are_written_for_every_path_of_the_map(api: Api) -> None:
    for path in api.get("/api/v2/").json().values():
        described: dict[str, Any] = api.options(path).json()
        assert set(described) >= {"name", "description", "renders", "parses", "actions"}


def test_head_answers_as_get_does(api: Api) -> None:
    assert api.request("HEAD", "/api/v2/me/").status == 200
