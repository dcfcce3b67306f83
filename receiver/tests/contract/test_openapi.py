# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document is valid and whole, and schemathesis finds no answer that it does not describe.

PLAYHOOK_API_EXAMPLES is the number of requests that are made up for each operation.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from playhook.app import Receiver, make_app, make_receiver
from playhook.settings import Settings
from playhook.store.migrate import migrate
from playhook.store.preload import preload
from playhook.store.store import open_store
from playhook.web.api_v2 import ApiContext, api_routes
from tests.api_client import Api
from tests.contract.world import ADMIN, TOKEN, add_world

EXAMPLES = int(os.environ.get("PLAYHOOK_API_EXAMPLES") or "4")
RECEIVERS = {
    "/api/v2/job_templates/{key}/{service}/", "/api/v2/workflow_job_templates/{key}/{service}/",
    "/api/v2/webhooks/{service}/{name}/",
}  # fmt: skip
PARTS = 4  # so that several processes can share the work
PHASES = [Phase.explicit, Phase.generate]
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
REFERENCES = ("organization", "inventory", "project", "credential", "credential_type", "id", "webhook_credential")
UNKNOWN = ("999999", "x", "Deploy++Shop")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A whole receiver without a worker."""
    home = tmp_path_factory.mktemp("openapi") / "home"
    options = Settings(home=home, base_url="https://playhook.example.com", admin_password=SecretStr(ADMIN[1]))
    home.mkdir()
    migrate(options.database)
    store = open_store(options)
    store.write(preload, options)
    directory = options.manual_projects / "shop"
    directory.mkdir(parents=True)
    (directory / "site.yml").write_text("- hosts: all\n")
    yield make_receiver(options, store, None)
    store.close()


@pytest.fixture(scope="module")
def app(receiver: Receiver) -> Any:
    return make_app(receiver)


@pytest.fixture(scope="module")
def admin(app: Any) -> Iterator[Api]:
    api = Api(app)
    admin = api.login(*ADMIN)
    add_world(admin)
    made = [admin.post("/api/v2/tokens/", {"scope": "write"}).json() for _each in range(4)]
    yield api.bearer(made[-1]["token"])
    api.close()


@pytest.fixture(scope="module")
def document(admin: Api) -> dict[str, Any]:
    answer = admin.get("/api/v2/schema/")
    assert answer.status == 200
    described: dict[str, Any] = answer.json()
    return described


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_it(receiver: Receiver, document: dict[str, Any]) -> None:
    context = ApiContext(store=receiver.store, settings=receiver.settings, services=receiver.services)
    routes = {route.path for route in api_routes(context) if route.path.endswith("/")}
    assert routes | RECEIVERS == set(document["paths"])


def test_every_method_is_in_it(admin: Api, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        if "{service}" in path or "log" in path:
            continue
        allowed = admin.options(path.replace("{key}", "1")).headers["allow"].split(", ")
        documented = {each.upper() for each in operations if each != "parameters"}
        assert documented == set(allowed) - {"HEAD", "OPTIONS"}, path


def test_names_of_operations_are_their_own(document: dict[str, Any]) -> None:
    names = [
        each["operationId"]
        for operations in document["paths"].values()
        for method, each in operations.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_it_is_for_those_who_are_logged_in(admin: Api) -> None:
    assert admin.anonymous().get("/api/v2/schema/").status == 401


def test_secrets_are_in_no_schema(document: dict[str, Any]) -> None:
    assert TOKEN not in str(document)
    assert ADMIN[1] not in str(document)


@pytest.fixture(scope="module")
def operations(app: Any, document: dict[str, Any]) -> list[Any]:
    """What schemathesis makes requests of."""
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return [each.ok() for each in schema.get_all_operations()]


@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_as_described(operations: list[Any], admin: Api, part: int) -> None:
    found = [complaint for each in operations[part::PARTS] for complaint in _try(each, admin)]
    assert not found, "\n\n".join(found)


def _try(operation: Any, admin: Api) -> Iterator[str]:
    keys = _keys(operation.path, admin)

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=PHASES,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        _aim(case, keys)
        response = case.call(headers={"Authorization": admin.authorization})
        case.validate_response(response, checks=CHECKS)
        assert response.status_code != 401 or "log" in operation.path, "the test has logged itself out"
        assert TOKEN not in response.text

    try:
        send()
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every operation is tried before the test fails
        yield f"{operation.label}: {error}"


def _keys(path: str, admin: Api) -> list[str]:
    """Return keys of objects that are there, but for the administrator and their token, and some of none."""
    listed = admin.get(f"{path.partition('{')[0]}?order_by=-id&page_size=3") if "{key}" in path else None
    found = listed.json()["results"] if listed is not None and listed.status == 200 else []
    logged_in = {"/api/v2/users/1/", f"/api/v2/tokens/{4}/"}
    return [str(each["id"]) for each in found if each["url"] not in logged_in] * 2 + list(UNKNOWN)


def _aim(case: Any, keys: list[str]) -> None:
    """Let made-up ids be those of objects that are there, mostly."""
    if "key" in case.path_parameters:
        case.path_parameters["key"] = keys[zlib.crc32(str(case.path_parameters["key"]).encode()) % len(keys)]
    if isinstance(case.body, dict):
        aimed = {name: case.body[name] % 5 for name in REFERENCES if isinstance(case.body.get(name), int)}
        case.body = {**case.body, **aimed}
