# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API with an administrator, and the objects that most of it is about."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr
from tests.api_client import Api, make_api
from tests.postgres import PostgresServer

from playhook.settings import Settings
from playhook.store.migrate import migrate
from playhook.store.preload import preload
from playhook.store.store import Store, open_store

PASSWORD = "an administrator's password"
TOKEN = "a-token-for-statuses"


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The state directory as the first start leaves it; making it takes longer than most tests."""
    settings = Settings(home=tmp_path_factory.mktemp("first") / "home", admin_password=SecretStr(PASSWORD))
    settings.home.mkdir()
    migrate(settings.database)
    return _start_first(settings)


@pytest.fixture(scope="session")
def first_start_on_postgresql(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same, with its database on PostgreSQL."""
    settings = Settings(
        home=tmp_path_factory.mktemp("first") / "home",
        admin_password=SecretStr(PASSWORD),
        database_url=SecretStr(postgres.make_migrated()),
    )
    settings.home.mkdir()
    return _start_first(settings)


def _start_first(settings: Settings) -> Settings:
    opened = open_store(settings)
    opened.write(preload, settings)
    opened.close()
    return settings


@pytest.fixture
def started(backend: str, request: pytest.FixtureRequest) -> Settings:
    """The first start, on this test's database."""
    name = "first_start" if backend == "sqlite" else "first_start_on_postgresql"
    settings: Settings = request.getfixturevalue(name)
    return settings


@pytest.fixture
def database_url(started: Settings, request: pytest.FixtureRequest) -> Iterator[SecretStr | None]:
    """A copy of the first start's database on PostgreSQL; None on SQLite."""
    if started.database_url is None:
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.copy(started.database)
    yield SecretStr(url)
    server.drop(url)


@pytest.fixture
def store(started: Settings, settings: Settings) -> Iterator[Store]:
    """A copy of that state, opened."""
    shutil.copytree(started.home, settings.home)
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def api(store: Store, settings: Settings) -> Iterator[Api]:
    """The API as its administrator sees it."""
    directory = settings.manual_projects / "shop"
    directory.mkdir(parents=True)
    (directory / "site.yml").write_text("- hosts: all\n")
    client = Api(make_api(store, settings)).login("admin", PASSWORD)
    yield client
    client.close()


@dataclass(frozen=True, kw_only=True)
class World:
    """Objects as the API answered them when they were made."""

    organization: dict[str, Any]
    inventory: dict[str, Any]
    host: dict[str, Any]
    project: dict[str, Any]
    credential: dict[str, Any]
    template: dict[str, Any]

    @property
    def template_fields(self) -> dict[str, Any]:
        """What a job template needs besides its name."""
        return {"inventory": self.inventory["id"], "project": self.project["id"], "playbook": "site.yml"}


@pytest.fixture
def world(api: Api) -> World:
    """One object of each kind, all in one organization."""
    organization = create(api, "organizations", name="Shop")
    belongs = {"organization": organization["id"]}
    inventory = create(api, "inventories", name="Tills", **belongs)
    host = create(api, "hosts", name="till-1", inventory=inventory["id"], variables="ansible_connection: local")
    project = create(api, "projects", name="Shop playbooks", local_path="shop", **belongs)
    kind = type_id(api, "github_token")
    credential = create(api, "credentials", name="bot", credential_type=kind, inputs={"token": TOKEN}, **belongs)
    template = create(
        api,
        "job_templates",
        name="Deploy",
        inventory=inventory["id"],
        project=project["id"],
        playbook="site.yml",
        webhook_service="github",
        webhook_credential=credential["id"],
    )
    return World(
        organization=organization,
        inventory=inventory,
        host=host,
        project=project,
        credential=credential,
        template=template,
    )


def create(api: Api, resource: str, **fields: Any) -> dict[str, Any]:
    """Make an object; the test fails when the API refuses."""
    answer = api.post(f"/api/v2/{resource}/", fields)
    assert answer.status == 201, answer.body
    created: dict[str, Any] = answer.json()
    return created


def type_id(api: Api, namespace: str) -> int:
    """Return the id of a managed credential type."""
    found = api.get("/api/v2/credential_types/", namespace=namespace).json()["results"]
    return int(found[0]["id"])


def names(api: Api, path: str) -> list[str]:
    """Return the names in a list, in order; of users those that they log in with."""
    answer = api.get(path)
    assert answer.status == 200, answer.body
    return [each.get("name") or each["username"] for each in answer.json()["results"]]
