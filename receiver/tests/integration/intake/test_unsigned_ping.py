# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitbucket Data Center's "Test connection" is not signed: every address answers it alike, and nothing starts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from tests.api_client import Answer, Api
from tests.builders import WEBHOOK_KEY, add_template
from tests.integration.intake.plain import count_rows

from playhook.intake.receive import Intake
from playhook.services.registry import load_services
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.web.hooks import HookEndpoints

IGNORED = {
    "message": "Webhook ignored",
    "reason": "Bitbucket does not sign its pings, so this one proves nothing.",
}


@pytest.fixture
def sender(store: Store) -> Iterator[Api]:
    hooks = HookEndpoints(Intake(store, load_services()), max_body=2000, refusals_per_minute=6)
    api = Api(Starlette(routes=[*hooks.routes(())[1]]))
    yield api
    api.close()


def ping(api: Api, path: str, **headers: str) -> Answer:
    return api.request("POST", path, {"test": True}, headers={"x-event-key": "diagnostics:ping", **headers})


def test_every_address_answers_alike(store: Store, sender: Api) -> None:
    there = store.write(add_template, webhook_service="bitbucket_dc")
    other = store.write(add_template, name="other", webhook_service="github")
    off = store.write(add_template, name="off", webhook_service="")
    paths = [f"/api/v2/job_templates/{each}/bitbucket_dc/" for each in (there, other, off, 999)]
    paths += ["/api/v2/workflow_job_templates/1/bitbucket_dc/", "/api/v2/webhooks/bitbucket_dc/nothing/"]

    answers = [ping(sender, path) for path in paths]

    assert [(answer.status, answer.json()) for answer in answers] == [(200, IGNORED)] * 6
    # They count as refusals do: each is a row in the database that nobody has vouched for.
    assert ping(sender, paths[0]).status == 429


def test_it_is_kept_as_what_it_is_and_launches_nothing(store: Store, sender: Api) -> None:
    template_id = store.write(add_template, webhook_service="bitbucket_dc")
    ping(sender, f"/api/v2/job_templates/{template_id}/bitbucket_dc/")
    store.write(lambda tx: None)  # refusals are recorded after the answer

    with store.reading() as connection:
        (row,) = connection.execute(select(t.webhook_deliveries)).all()
    assert (row.template_id, row.outcome, row.response_status) == (template_id, "refused", 200)
    assert row.reason == IGNORED["reason"]
    assert count_rows(store, t.unified_jobs) == 0


def test_a_signature_counts_when_there_is_one(store: Store, sender: Api) -> None:
    template_id = store.write(add_template, webhook_service="bitbucket_dc")
    path = f"/api/v2/job_templates/{template_id}/bitbucket_dc/"
    right = hmac.new(WEBHOOK_KEY.encode(), b'{"test": true}', hashlib.sha256).hexdigest()

    assert ping(sender, path, **{"x-hub-signature": "sha256=" + "0" * 64}).status == 403
    answer = ping(sender, path, **{"x-hub-signature": f"sha256={right}"})
    assert (answer.status, answer.json()["message"]) == (200, "Webhook ignored")
    assert answer.json()["delivery"]


def test_the_other_services_have_no_such_ping(store: Store, sender: Api) -> None:
    template_id = store.write(add_template, webhook_service="github")

    answer = ping(sender, f"/api/v2/job_templates/{template_id}/github/", **{"x-github-event": "ping"})

    assert answer.status == 403
