# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written wrongly gets AWX's status and sentence: one row a request, none of which changes anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api_client import Api

REQUIRED = ["This field is required."]
MISSING = {"detail": "Not found."}
DENIED = {"detail": "You do not have permission to perform this action."}
NOT_JSON = (
    "You did not use correct Content-Type in your HTTP request. If you are using our REST API, the Content-Type must "
    "be application/json"
)
NO_DICTIONARY = "Input type `list` is not a dictionary"
TRAILING = "JSON parse error - {}: line 1 column 2 (char 1)\nPossible cause: trailing comma."
ATTACHED = "job_templates/Deploy++Shop/credentials/"
TEMPLATE = {"name": "New", "inventory": 1, "project": 1, "playbook": "site.yml"}

# Method, path below /api/v2/, body, status, answer.
REFUSED: list[tuple[str, str, Any, int, dict[str, Any]]] = [
    ("POST", "organizations/", {}, 400, {"name": REQUIRED}),
    ("POST", "organizations/", {"name": None}, 400, {"name": ["This field cannot be blank."]}),
    ("POST", "organizations/", {"name": " "}, 400, {"name": ["This field may not be blank."]}),
    ("POST", "organizations/", {"name": ["x"]}, 400, {"name": ["Not a valid string."]}),
    ("POST", "organizations/", {"name": True}, 400, {"name": ["Not a valid string."]}),
    ("POST", "organizations/", {"name": "x" * 513}, 400,
     {"name": ["Ensure this field has no more than 512 characters."]}),
    ("POST", "organizations/", {"name": "Shop"}, 400, {"name": ["Organization with this Name already exists."]}),
    ("POST", "organizations/", {"name": "a\0b"}, 400, {"name": ["Null characters are not allowed."]}),
    ("PUT", "organizations/1/", {}, 400, {"name": REQUIRED}),
    ("PATCH", "organizations/1/", {"name": ""}, 400, {"name": ["This field may not be blank."]}),
    ("POST", "inventories/", {"name": "x"}, 400, {"organization": REQUIRED}),
    ("POST", "inventories/", {"name": "x", "organization": None}, 400,
     {"organization": ["This field may not be null."]}),
    ("POST", "inventories/", {"name": "x", "organization": "Shop"}, 400,
     {"organization": ["Incorrect type. Expected pk value, received str."]}),
    ("POST", "inventories/", {"name": "x", "organization": [1]}, 400,
     {"organization": ["Incorrect type. Expected pk value, received list."]}),
    ("POST", "inventories/", {"name": "x", "organization": True}, 400,
     {"organization": ["Incorrect type. Expected pk value, received bool."]}),
    ("POST", "inventories/", {"name": "x", "organization": 999}, 400,
     {"organization": ['Invalid pk "999" - object does not exist.']}),
    ("POST", "hosts/", {"name": "x"}, 400, {"inventory": REQUIRED}),
    ("POST", "hosts/", {"name": "x", "inventory": 1, "enabled": "maybe"}, 400,
     {"enabled": ["Must be a valid boolean."]}),
    ("POST", "hosts/", {"name": "x", "inventory": 1, "variables": "[1]"}, 400,
     {"variables": [f"Cannot parse as JSON (error: {NO_DICTIONARY}) or YAML (error: {NO_DICTIONARY})."]}),
    ("POST", "job_templates/", {**TEMPLATE, "forks": None}, 400, {"forks": ["This field may not be null."]}),
    ("POST", "job_templates/", {**TEMPLATE, "forks": -1}, 400,
     {"forks": ["Ensure this value is greater than or equal to 0."]}),
    ("POST", "job_templates/", {**TEMPLATE, "forks": 2**31}, 400,
     {"forks": ["Ensure this value is less than or equal to 2147483647."]}),
    ("POST", "job_templates/", {**TEMPLATE, "forks": 1.5}, 400, {"forks": ["A valid integer is required."]}),
    ("POST", "job_templates/", {**TEMPLATE, "job_type": "scan"}, 400, {"job_type": ['"scan" is not a valid choice.']}),
    ("POST", "job_templates/", {**TEMPLATE, "job_type": None}, 400, {"job_type": ['"" is not a valid choice.']}),
    ("POST", "job_templates/", {**TEMPLATE, "verbosity": "6"}, 400, {"verbosity": ['"6" is not a valid choice.']}),
    ("POST", "job_templates/", {**TEMPLATE, "name": "Deploy"}, 400,
     {"__all__": ["JobTemplate with this (name, organization) combination already exists."]}),
    ("POST", "job_templates/", {**TEMPLATE, "webhook_credential": 1}, 400,
     {"webhook_credential": ["Must match the selected webhook service."]}),
    ("POST", "job_templates/", {"name": "x", "forks": "x", "diff_mode": 7}, 400,
     {"forks": ["A valid integer is required."], "diff_mode": ["Must be a valid boolean."]}),
    ("PUT", "job_templates/Deploy++Shop/", {"inventory": 1}, 400, {"name": REQUIRED}),
    # associations
    ("POST", ATTACHED, {}, 400, {"msg": "Credential 'id' field is missing."}),
    ("POST", ATTACHED, {"id": "1"}, 400, {"msg": '"id" field must be an integer.'}),
    ("POST", ATTACHED, {"id": 999}, 400, {"detail": "Credential matching query does not exist."}),
    ("POST", ATTACHED, {"disassociate": True}, 400, {"msg": '"id" is required to disassociate'}),
    ("POST", ATTACHED, {"id": 1}, 400,
     {"error": "Cannot assign a Credential of kind `token`."}),
    # what is not there, and what cannot be done
    ("GET", "job_templates/999/", None, 404, {"detail": "No JobTemplate matches the given query."}),
    ("DELETE", "hosts/999/", None, 404, {"detail": "No Host matches the given query."}),
    ("PATCH", "hosts/999/", {}, 404, {"detail": "No Host matches the given query."}),
    ("POST", "job_templates/999/launch/", {}, 404, {"detail": "No JobTemplate matches the given query."}),
    ("GET", "inventories/nobody++nothing/", None, 404, {"detail": "No Inventory matches the given query."}),
    ("DELETE", "job_templates/Deploy++Shop/", None, 409,
     {"detail": "Resource is being used by running jobs.",
      "active_jobs": [{"type": "job", "id": "1"}, {"type": "job", "id": "2"}]}),
    ("DELETE", "hosts/", None, 405, {"detail": 'Method "DELETE" not allowed.'}),
    ("POST", "hosts/1/", {}, 405, {"detail": 'Method "POST" not allowed.'}),
    ("PUT", "job_templates/Deploy++Shop/launch/", {}, 405, {"detail": 'Method "PUT" not allowed.'}),
    ("POST", "schedules/", {}, 405, {"detail": 'Method "POST" not allowed.'}),
    ("POST", "hosts/?format=xml", {}, 404, MISSING),
]  # fmt: skip


def _row_name(row: Any) -> str:
    return f"{row[0]} {row[1]} {str(row[2])[:50]}"


@pytest.mark.parametrize("row", REFUSED, ids=_row_name)
def test_refusals(shared_api: Api, row: tuple[str, str, Any, int, dict[str, Any]]) -> None:
    method, path, body, status, wanted = row
    headers = {"content-type": "application/json"} if body is not None else {}
    raw = None if body is None else json.dumps(body).encode()
    answer = shared_api.request(method, f"/api/v2/{path}", raw=raw, headers=headers)
    assert (answer.status, answer.json()) == (status, wanted)
    if status == 405:
        assert method not in answer.headers["allow"]


@pytest.mark.parametrize(
    ("raw", "content_type", "status", "detail"),
    [
        (b"{bad", "application/json", 400,
         TRAILING.format("Expecting property name enclosed in double quotes")),
        (b"[1]", "application/json", 400, "JSON parse error - not a JSON object"),
        (b'"x"', "application/json", 400, "JSON parse error - not a JSON object"),
        (b"name=x", "application/x-www-form-urlencoded", 415, NOT_JSON),
        (b"name=x", "text/plain", 415, NOT_JSON),
        (b"{}", "", 415, NOT_JSON),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_bodies_that_are_none(
    shared_api: Api, method: str, raw: bytes, content_type: str, status: int, detail: str
) -> None:
    path = "/api/v2/organizations/" if method == "POST" else "/api/v2/organizations/1/"
    answer = shared_api.request(method, path, raw=raw, headers={"content-type": content_type})
    assert (answer.status, answer.json()) == (status, {"detail": detail})


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("organizations/", "GET, POST, HEAD, OPTIONS"),
        ("organizations/1/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("organizations/999/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("job_templates/Deploy++Shop/launch/", "GET, POST, HEAD, OPTIONS"),
        ("job_templates/Deploy++Shop/webhook_key/", "GET, POST, HEAD, OPTIONS"),
        ("job_templates/Deploy++Shop/credentials/", "GET, POST, HEAD, OPTIONS"),
        ("jobs/1/", "GET, DELETE, HEAD, OPTIONS"),
        ("schedules/", "GET, HEAD, OPTIONS"),
        ("ping/", "GET, HEAD, OPTIONS"),
    ],
)
def test_every_address_says_what_it_allows(shared_api: Api, path: str, allow: str) -> None:
    described = shared_api.options(f"/api/v2/{path}")
    assert (described.status, described.headers["allow"]) == (200, allow)
    assert {"name", "description", "renders", "parses"} <= described.json().keys()
    head = shared_api.request("HEAD", f"/api/v2/{path}")
    assert (head.headers["allow"], head.status) == (allow, shared_api.get(f"/api/v2/{path}").status)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_missing_slash_is_a_redirect(shared_api: Api, method: str) -> None:
    answer = shared_api.request(method, "/api/v2/hosts?name=x")
    assert (answer.status, answer.headers["location"]) == (301, "/api/v2/hosts/?name=x")


def test_what_cannot_be_written_is_ignored(shared_api: Api) -> None:
    before = shared_api.get("/api/v2/organizations/1/").json()
    body = {"id": 77, "type": "x", "url": "/x/", "created": "2000-01-01T00:00:00Z", "nothing": {}, "related": {}}
    after = shared_api.patch("/api/v2/organizations/1/", body)
    assert after.status == 200
    assert {**after.json(), "modified": ""} == {**before, "modified": "", "related": after.json()["related"],
                                                "summary_fields": after.json()["summary_fields"]}  # fmt: skip


def test_deleting_twice_is_404(shared_api: Api) -> None:
    made = shared_api.post("/api/v2/organizations/", {"name": "Short-lived"})
    assert made.headers["location"] == made.json()["url"]
    statuses = [shared_api.delete(made.json()["url"]).status for _twice in range(2)]
    assert statuses == [204, 404]
