# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the webhook endpoints, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from tests.api_client import Answer, Api
from tests.builders import WEBHOOK_KEY, add_endpoint, add_template

from playhook.intake.receive import Intake
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.web.hooks import HookEndpoints

FORBIDDEN = {"detail": "You do not have permission to perform this action."}
FILTERED = {"filters": {"branches": ["main"]}}


@pytest.fixture
def sender(intake: Intake) -> Iterator[Api]:
    hooks = HookEndpoints(intake, max_body=2000, refusals_per_minute=5)
    known, unknown = hooks.routes(("plain",))
    api = Api(Starlette(routes=[*known, *unknown]))
    yield api
    api.close()


def _send(api: Api, path: str, body: Any = None, *, token: str = WEBHOOK_KEY, guid: str = "g") -> Answer:
    return api.request("POST", path, body or {}, headers={"x-token": token, "x-guid": guid})


def _ids(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.execute(select(t.webhook_deliveries.c.id).order_by(t.webhook_deliveries.c.id)).scalars())


@pytest.mark.parametrize("slash", ["/", ""])
def test_template_answers_as_awx_does(store: Store, sender: Api, slash: str) -> None:
    template_id = store.write(add_template, playhook=FILTERED)
    path = f"/api/v2/job_templates/{template_id}/plain{slash}"
    main = {"event": {"branch": "main"}}

    launched = _send(sender, path, main)
    assert (launched.status, launched.json()) == (202, {"message": "Job queued.", "job": 1, "delivery": 1})
    again = _send(sender, path, main)
    assert (again.status, again.json()) == (202, {"message": "Webhook previously received, aborting."})
    ignored = _send(sender, path, {"event": {"branch": "topic"}}, guid="h")
    assert (ignored.status, ignored.json()) == (
        200,
        {
            "message": "Webhook ignored",
            "reason": "The rule branches wants main; the event has topic.",
            "delivery": _ids(store)[2],
        },
    )


@pytest.mark.parametrize("slash", ["/", ""])
def test_endpoint_answers_with_lists(store: Store, sender: Api, slash: str) -> None:
    first = store.write(add_template, name="first", webhook_service="")
    second = store.write(add_template, name="second", webhook_service="", playhook=FILTERED)
    store.write(add_endpoint, {"template": first}, {"template": second}, name="org-wide")
    path = f"/api/v2/webhooks/plain/org-wide{slash}"

    launched = _send(sender, path)
    assert (launched.status, launched.json()) == (202, {"message": "Job queued.", "deliveries": [1, 2], "jobs": [1]})
    again, ids = _send(sender, path), _ids(store)
    assert len(ids) == 4
    assert (again.status, again.json()) == (
        202,
        {"message": "Webhook previously received, aborting.", "deliveries": ids[2:], "jobs": []},
    )


def test_endpoint_says_why_nothing_was_launched(store: Store, sender: Api) -> None:
    names = [store.write(add_template, name=name, webhook_service="", playhook=FILTERED) for name in ("a", "b")]
    store.write(add_endpoint, *({"template": each} for each in names))
    answer = _send(sender, "/api/v2/webhooks/plain/shared/")
    assert (answer.status, answer.json()) == (
        200,
        {
            "message": "Webhook ignored",
            "reason": "The rule branches wants main, and the event does not say.",
            "deliveries": [1, 2],
            "jobs": [],
        },
    )


def test_refusals_tell_nothing_apart(store: Store, sender: Api) -> None:
    template_id = store.write(add_template, playhook={"repositories": ["acme/web"]})
    store.write(add_endpoint)
    for path, token in (
        ("/api/v2/webhooks/plain/shared/", "wrong"),
        ("/api/v2/webhooks/plain/nothing/", WEBHOOK_KEY),
        ("/api/v2/webhooks/nothing/shared/", WEBHOOK_KEY),
        (f"/api/v2/job_templates/{template_id}/plain/", WEBHOOK_KEY),
    ):
        answer = _send(sender, path, token=token)
        assert (answer.status, answer.json()) == (403, FORBIDDEN)
    assert _send(sender, "/api/v2/webhooks/plain/shared/", {"x": "y" * 2000}).status == 413
    assert _send(sender, "/api/v2/webhooks/plain/shared/", token="wrong").status == 429
    assert _send(sender, "/api/v2/webhooks/plain/shared/").status == 200  # the authentic are still heard


@pytest.mark.parametrize("path", ["/api/v2/webhooks/plain/shared/", "/api/v2/job_templates/1/plain/"])
def test_only_post_is_allowed(sender: Api, path: str) -> None:
    refused = sender.get(path)
    assert (refused.status, refused.headers["allow"]) == (405, "POST, OPTIONS")
    assert refused.json() == {"detail": 'Method "GET" not allowed.'}
    described = sender.options(path)
    assert (described.status, described.json()["name"]) == (200, "Plain Webhook Receiver")


def test_a_word_that_is_no_service_is_not_there_for_readers(sender: Api) -> None:
    assert sender.get("/api/v2/job_templates/1/nothing/").status == 404
