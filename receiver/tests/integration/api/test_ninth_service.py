# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package with an entry point adds a service, and no file of the receiver changes: it is chosen by the API, its
options are checked, its deliveries launch jobs, and their statuses wait to be posted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from tests.api_client import Answer, Api
from tests.integration.api.conftest import create, type_id
from tests.integration.api.deliveries import key_of

from playhook.intake.receive import Intake
from playhook.services.registry import load_services
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.web.hooks import HookEndpoints

PACKAGE = Path(__file__).parents[2] / "ninth_service"
SHA = "c0ffee" + "0" * 34


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as pip would install it."""
    site = tmp_path / "site-packages"
    info = site / "orchard_bell-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: orchard-bell\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[playhook.services]\norchard_bell = orchard_bell:OrchardBell\n")
    (site / "orchard_bell.py").write_bytes((PACKAGE / "orchard_bell.py").read_bytes())
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("orchard_bell", None)


# `api` comes after `installed`, which is used by itself.
def make_template(api: Api, **more: Any) -> dict[str, Any]:
    token = {"token": "t", "api_url": "https://bell.example"}
    credential = create(
        api, "credentials", name="bell", organization=1, credential_type=type_id(api, "gitea_token"), inputs=token
    )
    inventory = create(api, "inventories", name="Trees", organization=1)
    project = create(api, "projects", name="Orchard", local_path="shop", organization=1)
    return create(
        api,
        "job_templates",
        name="Prune",
        inventory=inventory["id"],
        project=project["id"],
        playbook="site.yml",
        webhook_service="orchard_bell",
        webhook_credential=credential["id"],
        **more,
    )


def ring(store: Store, path: str, key: str, *, header: str = "x-bell", branch: str = "main") -> Answer:
    services = load_services()
    endpoints = HookEndpoints(Intake(store, services), max_body=900, refusals_per_minute=9)
    hooks = Api(Starlette(routes=[route for routes in endpoints.routes(services) for route in routes]))
    try:
        return hooks.request("POST", path, {"branch": branch, "sha": SHA}, headers={header: key, "x-ring": "ring-1"})
    finally:
        hooks.close()


def test_its_delivery_launches_a_job_and_queues_its_status(api: Api, store: Store) -> None:
    template = make_template(api)
    path = template["related"]["webhook_receiver"]
    assert path == f"/api/v2/job_templates/{template['id']}/orchard_bell/"

    assert ring(store, path, "another-key").status == 403
    answer = ring(store, path, key_of(api, template))

    assert (answer.status, answer.json()["message"]) == (202, "Job queued.")
    job = api.get(f"/api/v2/jobs/{answer.json()['job']}/").json()
    assert (job["webhook_service"], job["webhook_guid"]) == ("orchard_bell", "ring-1")
    with store.reading() as connection:
        (post,) = connection.execute(select(t.status_posts)).all()
    assert (post.service, post.status, post.target["sha"]) == ("orchard_bell", "pending", SHA)


def test_its_options_are_checked_and_used(api: Api, store: Store) -> None:
    template = make_template(api, playhook={"service_options": {"header": "x-gong"}, "filters": {"branches": ["main"]}})
    path, key = template["related"]["webhook_receiver"], key_of(api, template)

    wrong = api.patch(template["url"], {"playhook": {"service_options": {"colour": "red"}}})

    assert wrong.status == 400
    assert "There is one option, header, a text." in str(wrong.json())
    assert ring(store, path, key).status == 403
    assert ring(store, path, key, header="x-gong", branch="topic").json()["message"] == "Webhook ignored"
    assert ring(store, path, key, header="x-gong").status == 202


def test_it_is_listed_with_the_others(api: Api) -> None:
    found = {each["name"]: each for each in api.get("/api/v2/webhook_services/").json()["results"]}

    assert set(found) == set(load_services())
    assert found["orchard_bell"]["label"] == "Orchard Bell"


def test_no_file_of_the_receiver_knows_it() -> None:
    source = Path(__file__).parents[3] / "src"

    assert [path for path in source.rglob("*.py") if "orchard_bell" in path.read_text().lower()] == []
