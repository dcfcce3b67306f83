# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One receiver for a whole file of tests, with one object of each kind; for tests that change nothing they rely on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from playhook.settings import Settings
from playhook.store.migrate import migrate
from playhook.store.preload import preload
from playhook.store.store import open_store
from tests.api_client import Api, make_api
from tests.contract.world import ADMIN, add_world


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API as its administrator sees it."""
    settings = Settings(
        home=tmp_path_factory.mktemp("contract") / "home",
        base_url="https://playhook.example.com",
        admin_password=SecretStr(ADMIN[1]),
    )
    settings.home.mkdir()
    migrate(settings.database)
    store = open_store(settings)
    store.write(preload, settings)
    directory = settings.manual_projects / "shop"
    directory.mkdir(parents=True)
    (directory / "site.yml").write_text("- hosts: all\n")
    api = Api(make_api(store, settings)).login(*ADMIN)
    add_world(api)
    yield api
    api.close()
    store.close()
