# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sample of every service, through HTTP and into the store: once it launches, twice it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.api_client import Api
from tests.builders import WEBHOOK_KEY, add_template
from tests.integration.intake.plain import count_rows, read_job

from playhook.intake.receive import Intake
from playhook.services.registry import load_services
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.web.hooks import HookEndpoints

SERVICES: Any = load_services()
SAMPLES = [(name, kind) for name, service in SERVICES.items() for kind in service.sample_types]


@pytest.fixture
def sender(store: Store) -> Iterator[Api]:
    endpoints = HookEndpoints(Intake(store, SERVICES), max_body=5000, refusals_per_minute=10)
    api = Api(Starlette(routes=[route for routes in endpoints.routes(SERVICES) for route in routes]))
    yield api
    api.close()


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
def test_a_sample_launches_once(store: Store, sender: Api, name: str, kind: str) -> None:
    template_id = store.write(add_template, webhook_service=name)
    path = f"/api/v2/job_templates/{template_id}/{name}/"
    sample = SERVICES[name].sample(kind)
    # As the client of the tests writes it.
    headers = SERVICES[name].sign(
        json.dumps(sample).encode(), event_type=kind, guid="guid-1", key=WEBHOOK_KEY, now=datetime.now(UTC)
    )

    first, second = (sender.request("POST", path, sample, headers=dict(headers)) for _ in range(2))

    if "ping" in kind:
        assert (first.status, first.json()["message"]) == (200, "Webhook ignored")
        assert count_rows(store, t.unified_jobs) == 0
        return
    assert (first.status, first.json()["message"]) == (202, "Job queued.")
    assert (second.status, second.json()["message"]) == (202, "Webhook previously received, aborting.")
    job = read_job(store, first.json()["job"])
    assert (job.webhook_service, job.webhook_guid) == (name, sample.get("id", "guid-1"))
    assert count_rows(store, t.unified_jobs) == 1
