# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""receive_delivery() on a real store, with a service of the test's own: no plugin is special."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs
from tests.builders import WEBHOOK_KEY, add_template, add_token_credential, add_webhook_key
from tests.integration.intake.plain import NOW, address_of, count_rows, make_delivery, read_job, receive

from playhook.errors import Malformed, NotAuthentic
from playhook.intake.extra_vars import webhook_variables
from playhook.intake.receive import Intake
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases


def test_authentic_delivery_stores_itself_and_a_pending_job(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, limit="web", extra_vars="a: 1")
    accepted = receive(intake, template_id, make_delivery({"title": "Fix"}))

    assert accepted.outcome == "launched"
    job = read_job(store, accepted.job_id)
    assert (job.type, job.status, job.launch_type, job.name) == ("job", "pending", "webhook", "deploy")
    assert (job.playbook, job.limit, job.extra_vars) == ("site.yml", "web", "a: 1")
    assert (job.delivery_id, job.webhook_guid) == (accepted.delivery_id, "guid-1")
    with store.reading() as connection:
        stored = read_delivery(connection, accepted.delivery_id)
    assert stored is not None
    assert stored.payload == {"title": "Fix"}


def test_playbook_variables_have_both_prefixes_and_the_normal_form(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    accepted = receive(intake, template_id, make_delivery({"title": "Fix"}))
    with store.reading() as connection:
        stored = read_delivery(connection, accepted.delivery_id)
    assert stored is not None
    assert stored.payload is not None
    variables = webhook_variables(stored.event, stored.payload)

    names = ["event_type", "event_guid", "event_ref", "status_api", "payload"]
    assert set(variables) == {f"{p}_webhook_{n}" for p in ("awx", "tower") for n in names} | {"playhook_event"}
    assert variables["awx_webhook_payload"] == variables["tower_webhook_payload"] == {"title": "Fix"}
    assert variables["awx_webhook_event_guid"] == "guid-1"
    assert variables["playhook_event"]["kind"] == "push"
    assert "status_target" not in variables["playhook_event"]


def test_five_equal_deliveries_at_once_make_one_job(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)

    async def deliver_all() -> list[Any]:
        return await asyncio.gather(
            *(intake.receive_delivery(address_of(template_id), make_delivery()) for _ in range(5))
        )

    outcomes = sorted(accepted.outcome for (accepted,) in asyncio.run(deliver_all()))
    assert outcomes == ["duplicate"] * 4 + ["launched"]
    assert count_rows(store, t.unified_jobs) == 1
    assert count_rows(store, t.webhook_deliveries, outcome="duplicate") == 4


def test_same_guid_launches_each_of_two_templates(store: Store, intake: Intake) -> None:
    first, second = store.write(add_template), store.write(add_template, name="other")
    assert receive(intake, first, make_delivery()).outcome == "launched"
    assert receive(intake, second, make_delivery()).outcome == "launched"


def test_same_body_with_another_guid_launches_again(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    assert receive(intake, template_id, make_delivery(guid="a")).outcome == "launched"
    assert receive(intake, template_id, make_delivery(guid="b")).outcome == "launched"


@pytest.mark.parametrize(("minutes", "outcome"), [(9, "duplicate"), (11, "launched")])
def test_without_guid_an_equal_body_counts_within_the_window_only(
    store: Store, intake: Intake, minutes: int, outcome: str
) -> None:
    template_id = store.write(add_template)
    first = make_delivery({"n": 1}, guid=None)
    receive(intake, template_id, first)
    later = replace(first, received=NOW + timedelta(minutes=minutes))

    assert receive(intake, template_id, later).outcome == outcome
    assert receive(intake, template_id, make_delivery({"n": 2}, guid=None)).outcome == "launched"


def test_ping_is_recorded_and_launches_nothing(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    accepted = receive(intake, template_id, make_delivery(**{"x-kind": "ping"}))

    assert (accepted.outcome, accepted.job_id) == ("ignored", None)
    assert "does not launch" in accepted.reason
    assert count_rows(store, t.webhook_deliveries, outcome="ignored", response_status=200) == 1
    assert count_rows(store, t.unified_jobs) == 0


@pytest.mark.parametrize(
    ("service", "known_template", "token"),
    [
        ("plain", True, "wrong"),
        ("plain", True, ""),
        ("plain", False, WEBHOOK_KEY),
        ("other", True, WEBHOOK_KEY),
        ("unheard-of", True, WEBHOOK_KEY),
    ],
)
def test_what_is_not_authentic_leaves_a_record_and_no_job(
    store: Store, intake: Intake, service: str, known_template: bool, token: str
) -> None:
    template_id = store.write(add_template)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id if known_template else 999, make_delivery(token=token), service)
    store.write(lambda _tx: None)  # the record is written after the answer

    assert count_rows(store, t.unified_jobs) == 0
    with store.reading() as connection:
        record = connection.execute(select(t.webhook_deliveries)).one()
    assert (record.outcome, record.response_status, record.body, record.event) == ("refused", 403, None, None)
    assert record.template_id == (template_id if known_template else None)
    assert record.reason
    assert record.remote_address == "192.0.2.7"


def test_malformed_delivery_leaves_a_record_with_its_reason(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    with pytest.raises(Malformed):
        receive(intake, template_id, replace(make_delivery(), body=b"{"))
    store.write(lambda _tx: None)

    assert count_rows(store, t.webhook_deliveries, outcome="refused", response_status=400, reason="not JSON") == 1


def test_template_whose_webhook_is_off_refuses(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, webhook_service="")
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery())


@pytest.mark.parametrize(
    ("playhook", "payload"),
    [({}, {}), ({"filters": {"when": ["payload.n == 1"]}}, {"n": 1}), ({}, {"text": "x" * 300_000})],
    ids=["small", "rules that are judged in a thread", "a body that is examined in a thread"],
)
def test_new_key_counts_at_once_and_the_old_one_no_longer(
    store: Store, intake: Intake, playhook: dict[str, Any], payload: dict[str, Any]
) -> None:
    template_id = store.write(add_template, playhook=playhook)
    receive(intake, template_id, make_delivery(payload))  # the template is cached now

    def rotate(tx: Tx) -> None:
        tx.connection.execute(t.webhook_keys.delete())
        add_webhook_key(tx, template_id, "a-brand-new-webhook-key")

    store.write(rotate)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(payload, guid="old"))
    new = make_delivery(payload, guid="new", token="a-brand-new-webhook-key")
    assert receive(intake, template_id, new).outcome == "launched"
    assert count_rows(store, t.unified_jobs) == 2


def test_old_key_counts_during_its_grace_period_only(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)

    def rotate(tx: Tx) -> None:
        tx.connection.execute(update(t.webhook_keys).values(expires=NOW + timedelta(minutes=1)))
        add_webhook_key(tx, template_id, "a-brand-new-webhook-key")

    store.write(rotate)
    assert receive(intake, template_id, make_delivery()).outcome == "launched"
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, replace(make_delivery(guid="late"), received=NOW + timedelta(minutes=2)))


def test_changed_template_launches_what_it_says_now(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    receive(intake, template_id, make_delivery())

    def change(tx: Tx) -> None:
        tx.connection.execute(update(t.unified_job_templates).values(playbook="other.yml"))
        tx.config_changed()

    store.write(change)
    accepted = receive(intake, template_id, make_delivery(guid="after"))
    assert read_job(store, accepted.job_id).playbook == "other.yml"


def test_first_status_is_queued_with_the_job(store: Store, intake: Intake) -> None:
    credential_id = store.write(add_token_credential, token="t")
    template_id = store.write(add_template, webhook_credential_id=credential_id)
    accepted = receive(intake, template_id, make_delivery({"sha": True}))

    with store.reading() as connection:
        post = connection.execute(select(t.status_posts)).one()
    assert (post.job_id, post.status, post.state) == (accepted.job_id, "pending", "queued")
    assert post.context == "playhook/deploy"
    assert post.target == {"repository": "owner/repo", "sha": "a" * 40, "origin": None}


def test_event_without_status_endpoint_says_so_in_the_log(store: Store, intake: Intake) -> None:
    credential_id = store.write(add_token_credential, token="t")
    template_id = store.write(add_template, webhook_credential_id=credential_id)
    with capture_logs() as logs:
        accepted = receive(intake, template_id, make_delivery({}))

    skipped = "Webhook event did not have a status API endpoint associated, skipping."
    assert [line["job"] for line in logs if line["event"] == skipped] == [accepted.job_id]
    assert count_rows(store, t.status_posts) == 0


def test_secret_headers_are_not_stored(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    planted = {
        "x-hub-signature-256": "planted",
        "x-gitlab-token": "planted",
        "authorization": "planted",
        "cookie": "planted",
        "x-forwarded-for": "planted",
        "user-agent": "shown",
    }
    receive(intake, template_id, make_delivery(**planted))
    with store.reading() as connection:
        headers = connection.execute(select(t.webhook_deliveries.c.headers)).scalar_one()

    assert headers == {"x-guid": "guid-1", "user-agent": "shown"}


def test_large_body_is_taken_too(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    accepted = receive(intake, template_id, make_delivery({"text": "x" * 1_000_000}))
    assert accepted.outcome == "launched"
