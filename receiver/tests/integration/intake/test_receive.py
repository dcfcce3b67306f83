# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""receive_delivery() on a real store, with a service of the test's own: no plugin is special."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs
from tests.builders import WEBHOOK_KEY, add_template, add_token_credential, add_webhook_key

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event, StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential
from playhook.errors import Malformed, NotAuthentic
from playhook.intake.extra_vars import webhook_variables
from playhook.intake.receive import Address, Intake
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.store import Store
from playhook.store.writer import Tx

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Plain:
    """A service whose token header is the key, and whose guid header may be left out."""

    name: ClassVar[str] = "plain"
    label: ClassVar[str] = "Plain"
    credential_type: ClassVar[str | None] = None

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        if not any(hmac.compare_digest(delivery.headers.get("x-token", ""), key) for key in keys):
            raise NotAuthentic("the token is wrong")

    def parse(self, delivery: Delivery) -> Event:
        try:
            payload = orjson.loads(delivery.body)
        except orjson.JSONDecodeError:
            raise Malformed("not JSON") from None
        kind = delivery.headers.get("x-kind", "push")
        target = StatusTarget(repository="owner/repo", sha="a" * 40, origin=None) if "sha" in payload else None
        guid = delivery.headers.get("x-guid")
        return Event(service="plain", type=kind, kind=kind, guid=guid, payload=payload, status_target=target)  # type: ignore[arg-type]

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        raise AssertionError("intake posts nothing")


@pytest.fixture
def intake(store: Store) -> Intake:
    return Intake(store, {"plain": Plain(), "other": Plain()})


def _delivery(
    payload: Any = None, *, token: str = WEBHOOK_KEY, guid: str | None = "guid-1", **headers: str
) -> Delivery:
    sent = {"x-token": token, **headers, **({"x-guid": guid} if guid else {})}
    return Delivery(headers=sent, body=orjson.dumps({} if payload is None else payload), received=NOW)


def _address(template_id: int, service: str = "plain") -> Address:
    return Address(kind="job_template", template_id=template_id, service=service, remote="192.0.2.7")


def _receive(intake: Intake, template_id: int, delivery: Delivery, service: str = "plain") -> Any:
    return asyncio.run(intake.receive_delivery(_address(template_id, service), delivery))


def _count(store: Store, table: Any, **where: Any) -> int:
    conditions = [table.c[name] == value for name, value in where.items()]
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())


def _job(store: Store, job_id: int) -> Any:
    with store.reading() as connection:
        return connection.execute(select(t.unified_jobs).where(t.unified_jobs.c.id == job_id)).one()


def test_authentic_delivery_stores_itself_and_a_pending_job(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, limit="web", extra_vars="a: 1")
    accepted = _receive(intake, template_id, _delivery({"title": "Fix"}))

    assert accepted.outcome == "launched"
    job = _job(store, accepted.job_id)
    assert (job.type, job.status, job.launch_type, job.name) == ("job", "pending", "webhook", "deploy")
    assert (job.playbook, job.limit, job.extra_vars) == ("site.yml", "web", "a: 1")
    assert (job.delivery_id, job.webhook_guid) == (accepted.delivery_id, "guid-1")
    with store.reading() as connection:
        stored = read_delivery(connection, accepted.delivery_id)
    assert stored is not None
    assert stored.payload == {"title": "Fix"}


def test_playbook_variables_have_both_prefixes_and_the_normal_form(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    accepted = _receive(intake, template_id, _delivery({"title": "Fix"}))
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
        return await asyncio.gather(*(intake.receive_delivery(_address(template_id), _delivery()) for _ in range(5)))

    outcomes = sorted(accepted.outcome for accepted in asyncio.run(deliver_all()))
    assert outcomes == ["duplicate"] * 4 + ["launched"]
    assert _count(store, t.unified_jobs) == 1
    assert _count(store, t.webhook_deliveries, outcome="duplicate") == 4


def test_same_guid_launches_each_of_two_templates(store: Store, intake: Intake) -> None:
    first, second = store.write(add_template), store.write(add_template, name="other")
    assert _receive(intake, first, _delivery()).outcome == "launched"
    assert _receive(intake, second, _delivery()).outcome == "launched"


def test_same_body_with_another_guid_launches_again(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    assert _receive(intake, template_id, _delivery(guid="a")).outcome == "launched"
    assert _receive(intake, template_id, _delivery(guid="b")).outcome == "launched"


@pytest.mark.parametrize(("minutes", "outcome"), [(9, "duplicate"), (11, "launched")])
def test_without_guid_an_equal_body_counts_within_the_window_only(
    store: Store, intake: Intake, minutes: int, outcome: str
) -> None:
    template_id = store.write(add_template)
    first = _delivery({"n": 1}, guid=None)
    _receive(intake, template_id, first)
    later = replace(first, received=NOW + timedelta(minutes=minutes))

    assert _receive(intake, template_id, later).outcome == outcome
    assert _receive(intake, template_id, _delivery({"n": 2}, guid=None)).outcome == "launched"


def test_ping_is_recorded_and_launches_nothing(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    accepted = _receive(intake, template_id, _delivery(**{"x-kind": "ping"}))

    assert (accepted.outcome, accepted.job_id) == ("ignored", None)
    assert "does not launch" in accepted.reason
    assert _count(store, t.webhook_deliveries, outcome="ignored", response_status=200) == 1
    assert _count(store, t.unified_jobs) == 0


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
        _receive(intake, template_id if known_template else 999, _delivery(token=token), service)
    store.write(lambda _tx: None)  # the record is written after the answer

    assert _count(store, t.unified_jobs) == 0
    with store.reading() as connection:
        record = connection.execute(select(t.webhook_deliveries)).one()
    assert (record.outcome, record.response_status, record.body, record.event) == ("refused", 403, None, None)
    assert record.template_id == (template_id if known_template else None)
    assert record.reason
    assert record.remote_address == "192.0.2.7"


def test_malformed_delivery_leaves_a_record_with_its_reason(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    with pytest.raises(Malformed):
        _receive(intake, template_id, replace(_delivery(), body=b"{"))
    store.write(lambda _tx: None)

    assert _count(store, t.webhook_deliveries, outcome="refused", response_status=400, reason="not JSON") == 1


def test_template_whose_webhook_is_off_refuses(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, webhook_service="")
    with pytest.raises(NotAuthentic):
        _receive(intake, template_id, _delivery())


def test_new_key_counts_at_once_and_the_old_one_no_longer(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    _receive(intake, template_id, _delivery())  # the template is cached now

    def rotate(tx: Tx) -> None:
        tx.connection.execute(t.webhook_keys.delete())
        add_webhook_key(tx, template_id, "a-brand-new-webhook-key")

    store.write(rotate)
    with pytest.raises(NotAuthentic):
        _receive(intake, template_id, _delivery(guid="old"))
    assert _receive(intake, template_id, _delivery(guid="new", token="a-brand-new-webhook-key")).outcome == "launched"
    assert _count(store, t.unified_jobs) == 2


def test_old_key_counts_during_its_grace_period_only(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)

    def rotate(tx: Tx) -> None:
        tx.connection.execute(update(t.webhook_keys).values(expires=NOW + timedelta(minutes=1)))
        add_webhook_key(tx, template_id, "a-brand-new-webhook-key")

    store.write(rotate)
    assert _receive(intake, template_id, _delivery()).outcome == "launched"
    with pytest.raises(NotAuthentic):
        _receive(intake, template_id, replace(_delivery(guid="late"), received=NOW + timedelta(minutes=2)))


def test_changed_template_launches_what_it_says_now(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    _receive(intake, template_id, _delivery())

    def change(tx: Tx) -> None:
        tx.connection.execute(update(t.unified_job_templates).values(playbook="other.yml"))
        tx.config_changed()

    store.write(change)
    accepted = _receive(intake, template_id, _delivery(guid="after"))
    assert _job(store, accepted.job_id).playbook == "other.yml"


def test_first_status_is_queued_with_the_job(store: Store, intake: Intake) -> None:
    credential_id = store.write(add_token_credential, token="t")
    template_id = store.write(add_template, webhook_credential_id=credential_id)
    accepted = _receive(intake, template_id, _delivery({"sha": True}))

    with store.reading() as connection:
        post = connection.execute(select(t.status_posts)).one()
    assert (post.job_id, post.status, post.state) == (accepted.job_id, "pending", "queued")
    assert post.context == "playhook/deploy"
    assert post.target == {"repository": "owner/repo", "sha": "a" * 40, "origin": None}


def test_event_without_status_endpoint_says_so_in_the_log(store: Store, intake: Intake) -> None:
    credential_id = store.write(add_token_credential, token="t")
    template_id = store.write(add_template, webhook_credential_id=credential_id)
    with capture_logs() as logs:
        accepted = _receive(intake, template_id, _delivery({}))

    skipped = "Webhook event did not have a status API endpoint associated, skipping."
    assert [line["job"] for line in logs if line["event"] == skipped] == [accepted.job_id]
    assert _count(store, t.status_posts) == 0


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
    _receive(intake, template_id, _delivery(**planted))
    with store.reading() as connection:
        headers = connection.execute(select(t.webhook_deliveries.c.headers)).scalar_one()

    assert headers == {"x-guid": "guid-1", "user-agent": "shown"}


def test_large_body_is_taken_too(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    accepted = _receive(intake, template_id, _delivery({"text": "x" * 1_000_000}))
    assert accepted.outcome == "launched"
