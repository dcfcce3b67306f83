# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivery once more, asked for by an operator; and why it did or did not launch."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update
from tests.builders import add_template
from tests.integration.intake.plain import count_rows, make_delivery, read_job, receive

from playhook.errors import Conflict, InvalidInput, NotAuthentic, NotFound
from playhook.intake.explain import explain_delivery
from playhook.intake.receive import Intake
from playhook.intake.redeliver import redeliver
from playhook.intake.rules import Rules, compile_rules
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases

FILTERED = {"filters": {"branches": ["main"]}, "vars_from_payload": {"limit": "payload.host"}}
TOPIC = {"event": {"branch": "topic", "repository": {"full_name": "acme/web"}}, "host": "web1"}


@pytest.fixture
def operator_id(store: Store) -> int:
    def add(tx: Tx) -> int:
        row = insert(t.users).values(username="operator", created=tx.now, modified=tx.now)
        return int(tx.connection.execute(row.returning(t.users.c.id)).scalar_one())

    return store.write(add)


def _explain(store: Store, delivery_id: int, changed: dict[str, Any] | None = None) -> dict[str, Any]:
    with store.reading() as connection:
        return explain_delivery(connection, delivery_id, changed)


def _redeliver(store: Store, delivery_id: int, user_id: int) -> int:
    with store.reading() as connection:
        return redeliver(connection, store, delivery_id, user_id).job_id


def _update(store: Store, table: Any, **values: Any) -> None:
    store.write(lambda tx: tx.connection.execute(update(table).values(**values)) and None)


def test_redelivery_launches_what_was_filtered_and_refers_to_the_body(
    store: Store, intake: Intake, operator_id: int
) -> None:
    template_id = store.write(add_template, playhook=FILTERED, ask_limit_on_launch=True)
    first = receive(intake, template_id, make_delivery(TOPIC))
    assert first.outcome == "ignored"
    job = read_job(store, _redeliver(store, first.delivery_id, operator_id))

    assert (job.launch_type, job.status, job.limit, job.webhook_guid) == ("webhook", "pending", "web1", "guid-1")
    with store.reading() as connection:
        new = connection.execute(select(t.webhook_deliveries).where(t.webhook_deliveries.c.id == job.delivery_id)).one()
        stored = read_delivery(connection, job.delivery_id)
    assert (new.outcome, new.original_id, new.redelivered_by_id) == ("launched", first.delivery_id, operator_id)
    assert (new.body, new.dedupe_key) == (None, None)
    assert stored is not None
    assert stored.payload == TOPIC
    assert new.verdict["rules"][0] == {
        "name": "redelivery",
        "passed": True,
        "wanted": f"delivery {first.delivery_id}",
        "found": f"user {operator_id}",
    }


def test_redelivery_always_runs_and_may_be_redelivered_itself(store: Store, intake: Intake, operator_id: int) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))
    second = read_job(store, _redeliver(store, first.delivery_id, operator_id))
    third = read_job(store, _redeliver(store, second.delivery_id, operator_id))

    assert len({first.delivery_id, second.delivery_id, third.delivery_id}) == 3
    with store.reading() as connection:
        originals = connection.execute(select(t.webhook_deliveries.c.original_id)).scalars().all()
    assert originals == [None, first.delivery_id, first.delivery_id]
    assert receive(intake, template_id, make_delivery(TOPIC)).outcome == "duplicate"


def test_redelivery_keeps_the_limits_of_what_comes_from_the_event(
    store: Store, intake: Intake, operator_id: int
) -> None:
    template_id = store.write(add_template, playhook=FILTERED)
    first = receive(intake, template_id, make_delivery(TOPIC))
    with pytest.raises(Conflict, match="neither asks for it on launch"):
        _redeliver(store, first.delivery_id, operator_id)
    assert count_rows(store, t.unified_jobs) == 0


def test_what_cannot_be_redelivered_says_why(store: Store, intake: Intake, operator_id: int) -> None:
    template_id = store.write(add_template)
    with pytest.raises(NotFound):
        _redeliver(store, 99, operator_id)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(TOPIC, token="wrong"))
    store.write(lambda _tx: None)
    with pytest.raises(Conflict, match="was refused"):
        _redeliver(store, 1, operator_id)
    ping = receive(intake, template_id, make_delivery(guid="p", **{"x-kind": "ping"}))
    with pytest.raises(Conflict, match="A ping proves"):
        _redeliver(store, ping.delivery_id, operator_id)
    good = receive(intake, template_id, make_delivery(TOPIC))
    again = receive(intake, template_id, make_delivery(TOPIC))
    with pytest.raises(Conflict, match="was duplicate"):
        _redeliver(store, again.delivery_id, operator_id)
    _update(store, t.webhook_deliveries, body=None)
    with pytest.raises(Conflict, match="has been purged"):
        _redeliver(store, good.delivery_id, operator_id)
    store.write(lambda tx: tx.connection.execute(t.unified_job_templates.delete()) and None)
    with pytest.raises(Conflict, match="has no template"):
        _redeliver(store, good.delivery_id, operator_id)


def test_other_writes_do_not_wait_while_a_redelivery_is_judged(
    store: Store, intake: Intake, operator_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))
    compiled: list[str] = []

    def compile_while_others_write(playhook: dict[str, Any]) -> Rules:
        compiled.append(store.submit(lambda _tx: "written").result(timeout=60))
        return compile_rules(playhook)

    monkeypatch.setattr("playhook.intake.redeliver.compile_rules", compile_while_others_write)
    _redeliver(store, first.delivery_id, operator_id)
    assert compiled == ["written"]


def test_redelivery_is_judged_again_when_the_template_changes_meanwhile(
    store: Store, intake: Intake, operator_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))
    changed = {"vars_from_payload": {"limit": "payload.host"}}

    def change(tx: Tx) -> None:
        tx.connection.execute(update(t.unified_job_templates).values(playhook=changed))
        tx.config_changed()

    def compile_before_a_change(playhook: dict[str, Any]) -> Rules:
        if playhook != changed:
            store.write(change)
        return compile_rules(playhook)

    monkeypatch.setattr("playhook.intake.redeliver.compile_rules", compile_before_a_change)
    with pytest.raises(Conflict, match="neither asks for it on launch"):
        _redeliver(store, first.delivery_id, operator_id)


def test_redelivery_notices_that_the_payload_is_purged_meanwhile(
    store: Store, intake: Intake, operator_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))

    def compile_before_a_purge(playhook: dict[str, Any]) -> Rules:
        _update(store, t.webhook_deliveries, body=None)
        return compile_rules(playhook)

    monkeypatch.setattr("playhook.intake.redeliver.compile_rules", compile_before_a_purge)
    with pytest.raises(Conflict, match="has been purged"):
        _redeliver(store, first.delivery_id, operator_id)
    assert count_rows(store, t.webhook_deliveries) == 1


def test_explanation_tells_what_was_recorded_and_what_holds_now(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"filters": {"branches": ["main"]}})
    first = receive(intake, template_id, make_delivery(TOPIC))
    _update(store, t.unified_job_templates, playhook={"vars_from_payload": {"host": "payload.host"}})

    said = _explain(store, first.delivery_id)
    assert (said["delivery"], said["outcome"]) == (first.delivery_id, "ignored")
    assert said["recorded"]["reason"] == "The rule branches wants main; the event has topic."
    assert said["now"] == {
        "launch": True,
        "reason": "",
        "rules": [
            {"name": "not a ping", "passed": True, "wanted": "any other kind", "found": "push"},
            {"name": "vars_from_payload.host", "passed": True, "wanted": None, "found": "web1"},
        ],
        "variables": {"host": "web1"},
        "match": {},
        "fields": {},
        "payload_purged": False,
    }


def test_other_rules_can_be_tried_without_saving_or_running_anything(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))
    tried = {"filters": {"branches": ["topic"], "when": ["payload.host == 'web2'"]}}
    said = _explain(store, first.delivery_id, tried)["now"]

    assert (said["launch"], said["reason"]) == (
        False,
        "The rule when[0] is not true: payload.host == 'web2' (found: false).",
    )
    with store.reading() as connection:
        assert connection.execute(select(t.unified_job_templates.c.playhook)).scalar_one() == {}
    assert count_rows(store, t.unified_jobs) == 1
    assert count_rows(store, t.webhook_deliveries) == 1


def test_stored_event_gives_the_verdict_that_was_recorded(store: Store, intake: Intake) -> None:
    playhook = {"filters": {"paths": ["a/**"], "labels": ["x"], "repositories": ["acme/*"], "when": ["payload.host"]}}
    facts = {"changed_paths": ["a/b", "c"], "pull_request": {"labels": ["x", "y"], "fork": False}}
    template_id = store.write(add_template, playhook=playhook)
    payload = {**TOPIC, "event": {**TOPIC["event"], **facts}}  # type: ignore[dict-item]
    first = receive(intake, template_id, make_delivery(payload))
    said = _explain(store, first.delivery_id)
    assert {name: said["now"][name] for name in ("launch", "reason", "rules")} == said["recorded"]
    assert said["recorded"]["launch"] is True


def test_explanation_of_a_bound_template(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))
    said = _explain(store, first.delivery_id, {"repositories": ["acme/api"]})["now"]
    assert said["launch"] is False
    assert "would be refused" in said["reason"]
    assert said["rules"][0]["name"] == "bound repositories"


@pytest.mark.parametrize(("repository", "refused"), [({"full_name": "acme/web"}, True), (None, False)])
def test_explanation_of_a_ping_is_that_of_its_receipt(
    store: Store, intake: Intake, repository: dict[str, str] | None, refused: bool
) -> None:
    template_id = store.write(add_template)
    payload = {"event": {"repository": repository}} if repository else {}
    first = receive(intake, template_id, make_delivery(payload, **{"x-kind": "ping"}))
    said = _explain(store, first.delivery_id, {"repositories": ["acme/api"]})["now"]
    assert (said["launch"], "would be refused" in said["reason"]) == (False, refused)


def test_explanation_after_a_purge_says_so(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template, playhook={"filters": {"when": ["payload.host"]}})
    first = receive(intake, template_id, make_delivery(TOPIC))
    _update(store, t.webhook_deliveries, body=None)
    said = _explain(store, first.delivery_id)
    assert (said["recorded"]["launch"], said["now"]["launch"], said["now"]["payload_purged"]) == (True, False, True)


def test_refused_delivery_is_explained_by_its_reason(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(token="wrong"))
    store.write(lambda _tx: None)
    said = _explain(store, 1)
    assert said["recorded"] == {"launch": False, "reason": "the token is wrong", "rules": []}
    assert said["now"] is None
    with pytest.raises(Conflict):
        _explain(store, 1, {})
    with pytest.raises(NotFound):
        _explain(store, 2)


def test_rules_that_are_wrong_cannot_be_tried(store: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    first = receive(intake, template_id, make_delivery(TOPIC))
    with pytest.raises(InvalidInput) as caught:
        _explain(store, first.delivery_id, {"filters": {"when": ["1 +"]}, "status_context": "x"})
    assert sorted(caught.value.messages) == ["filters.when[0]", "status_context"]
