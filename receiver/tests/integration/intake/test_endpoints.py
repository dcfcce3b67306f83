# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One URL for several templates: one stored body, several verdicts and jobs, in one transaction."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from tests.builders import WEBHOOK_KEY, add_endpoint, add_template, add_token_credential
from tests.integration.intake.plain import NOW, count_rows, make_delivery, read_job

from playhook.domain.delivery import Delivery
from playhook.errors import InvalidInput, NotAuthentic
from playhook.intake.receive import Intake
from playhook.intake.sources import Address
from playhook.store import tables as t
from playhook.store.deliveries import read_delivery
from playhook.store.store import Store
from playhook.store.webhook_endpoints import (
    bind_templates,
    check_endpoint_name,
    find_bindings,
    find_endpoint_fingerprints,
    find_endpoint_key,
    rotate_endpoint_key,
)
from playhook.store.webhook_keys import fingerprint

WEB = {"event": {"repository": {"full_name": "acme/web"}, "branch": "main"}}


def _send(intake: Intake, delivery: Delivery, name: str = "shared", service: str = "plain") -> list[Any]:
    address = Address(kind="endpoint", name=name, service=service, remote="192.0.2.7")
    return asyncio.run(intake.receive_delivery(address, delivery))


def _rows(store: Store) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(select(t.webhook_deliveries).order_by(t.webhook_deliveries.c.id)))


@pytest.fixture
def templates(store: Store) -> list[int]:
    """Three templates without a webhook of their own; the second filters."""
    filtered = {"filters": {"branches": ["next"]}}
    return [
        store.write(add_template, name="first", webhook_service=""),
        store.write(add_template, name="second", webhook_service="", playhook=filtered),
        store.write(add_template, name="third", webhook_service=""),
    ]


def test_one_delivery_reaches_every_bound_template_and_its_body_is_stored_once(
    store: Store, intake: Intake, templates: list[int]
) -> None:
    endpoint_id = store.write(add_endpoint, *({"template": each} for each in templates))
    accepted = _send(intake, make_delivery(WEB))

    assert [each.outcome for each in accepted] == ["launched", "ignored", "launched"]
    rows = _rows(store)
    assert [(row.template_id, row.outcome, row.endpoint_id) for row in rows] == [
        (templates[0], "launched", endpoint_id),
        (templates[1], "ignored", endpoint_id),
        (templates[2], "launched", endpoint_id),
    ]
    assert [row.body is not None for row in rows] == [True, False, False]
    assert [row.original_id for row in rows] == [None, rows[0].id, rows[0].id]
    with store.reading() as connection:
        payloads = [read_delivery(connection, row.id) for row in rows]
    assert [each.payload for each in payloads if each] == [WEB] * 3
    job = read_job(store, accepted[2].job_id)
    assert (job.name, job.delivery_id, job.webhook_service) == ("third", rows[2].id, "plain")


def test_repositories_decide_which_templates_get_a_delivery(store: Store, intake: Intake, templates: list[int]) -> None:
    store.write(
        add_endpoint,
        {"template": templates[0], "repositories": ["acme/api"]},
        {"template": templates[2], "repositories": ["Acme/*"]},
    )
    assert [row.job_id is not None for row in _send(intake, make_delivery(WEB))] == [True]
    assert [row.template_id for row in _rows(store)] == [templates[2]]


def test_templates_own_binding_and_networks_hold_there_too(store: Store, intake: Intake) -> None:
    elsewhere = store.write(add_template, name="a", webhook_service="", playhook={"repositories": ["acme/api"]})
    from_afar = store.write(add_template, name="b", webhook_service="", playhook={"networks": ["198.51.100.0/24"]})
    store.write(add_endpoint, {"template": elsewhere}, {"template": from_afar})
    (accepted,) = _send(intake, make_delivery(WEB))
    assert accepted.outcome == "ignored"
    assert accepted.reason == "No template of this endpoint takes deliveries of the repository acme/web."
    (row,) = _rows(store)
    assert (row.template_id, row.body is not None, row.verdict["launch"]) == (None, True, False)


def test_ping_is_recorded_once_for_the_endpoint(store: Store, intake: Intake, templates: list[int]) -> None:
    store.write(add_endpoint, *({"template": each} for each in templates))
    (accepted,) = _send(intake, make_delivery(**{"x-kind": "ping"}))
    assert "does not launch" in accepted.reason
    assert [(row.template_id, row.outcome) for row in _rows(store)] == [(None, "ignored")]


def test_repeat_runs_only_for_templates_that_had_not_launched(
    store: Store, intake: Intake, templates: list[int]
) -> None:
    endpoint_id = store.write(add_endpoint, {"template": templates[0]})
    _send(intake, make_delivery(WEB))
    store.write(bind_templates, endpoint_id, "plain", [{"template": templates[0]}, {"template": templates[2]}])
    accepted = _send(intake, make_delivery(WEB))

    assert [each.outcome for each in accepted] == ["duplicate", "launched"]
    last = _rows(store)[-1]
    assert (last.template_id, last.body is not None, last.original_id) == (templates[2], True, None)


def test_equal_deliveries_at_once_make_one_job_a_template(store: Store, intake: Intake, templates: list[int]) -> None:
    store.write(add_endpoint, *({"template": each} for each in templates))
    address = Address(kind="endpoint", name="shared", service="plain", remote="")

    async def deliver_all() -> list[Any]:
        return await asyncio.gather(*(intake.receive_delivery(address, make_delivery(WEB)) for _ in range(10)))

    asyncio.run(deliver_all())
    assert count_rows(store, t.unified_jobs) == 2


def test_all_of_it_is_stored_or_nothing(
    store: Store, intake: Intake, templates: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(add_endpoint, {"template": templates[0]}, {"template": templates[2]})
    from playhook.intake import accept as module

    real, calls = module.create_jobs, []

    def break_at_the_second(*args: Any, **kwargs: Any) -> list[int]:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("broken")
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "create_jobs", break_at_the_second)
    with pytest.raises(RuntimeError):
        _send(intake, make_delivery(WEB))
    assert _rows(store) == []
    assert count_rows(store, t.unified_jobs) == 0


@pytest.mark.parametrize(
    ("name", "service", "token"),
    [
        ("shared", "plain", "wrong"),
        ("unknown", "plain", WEBHOOK_KEY),
        ("shared", "other", WEBHOOK_KEY),
        ("no\0name", "plain\0", WEBHOOK_KEY),
    ],
)
def test_what_is_not_authentic_is_refused_and_recorded(
    store: Store, intake: Intake, templates: list[int], name: str, service: str, token: str
) -> None:
    endpoint_id = store.write(add_endpoint, {"template": templates[0]})
    with pytest.raises(NotAuthentic):
        _send(intake, make_delivery(WEB, token=token), name, service)
    store.write(lambda _tx: None)
    (row,) = _rows(store)
    assert row.service.isprintable()
    known = name == "shared" and service == "plain"
    assert (row.outcome, row.template_id, row.endpoint_id) == ("refused", None, endpoint_id if known else None)
    assert count_rows(store, t.unified_jobs) == 0


def test_endpoint_without_templates_says_so(store: Store, intake: Intake) -> None:
    store.write(add_endpoint)
    (accepted,) = _send(intake, make_delivery(WEB))
    assert accepted.reason.startswith("No template of this endpoint takes")


@pytest.mark.parametrize(
    ("playhook", "reason"),
    [
        ({"repositories": ["acme/api"]}, "the repository acme/web is not one that this address is bound to"),
        ({"networks": ["198.51.100.0/24"]}, "the address 192.0.2.7 is not in its networks"),
        ({"networks": ["no network"]}, "The template's networks[0] cannot be used"),
    ],
)
def test_endpoint_refuses_what_is_not_for_it(
    store: Store, intake: Intake, templates: list[int], playhook: dict[str, Any], reason: str
) -> None:
    store.write(add_endpoint, {"template": templates[0]}, playhook=playhook)
    with pytest.raises(NotAuthentic, match=reason.replace("[", r"\[")):
        _send(intake, make_delivery(WEB))


def test_old_and_new_keys_are_valid_during_a_rotation(store: Store, intake: Intake, templates: list[int]) -> None:
    endpoint_id = store.write(add_endpoint, {"template": templates[0]})
    second = store.write(rotate_endpoint_key, endpoint_id, None, 3600)
    third = store.write(rotate_endpoint_key, endpoint_id, None, 60)
    for number, key in enumerate((WEBHOOK_KEY, second, third)):
        fresh = replace(make_delivery(WEB, token=key, guid=str(number)), received=NOW)
        assert _send(intake, fresh)[0].outcome == "launched"
    with store.reading() as connection:
        assert find_endpoint_key(connection, store.cipher, endpoint_id) == third
        assert find_endpoint_fingerprints(connection, [endpoint_id]) == {endpoint_id: fingerprint(third)}
        stored = connection.execute(select(t.webhook_endpoint_keys)).all()
    assert not {WEBHOOK_KEY, second, third} & {row.key for row in stored}

    store.write(rotate_endpoint_key, endpoint_id, "a-brand-new-webhook-key")
    late = make_delivery(WEB, token=third, guid="late")
    with pytest.raises(NotAuthentic):
        _send(intake, replace(late, received=NOW + timedelta(days=36500)))


def test_status_goes_out_with_the_credential_of_each_template(store: Store, intake: Intake) -> None:
    credential_id = store.write(add_token_credential, token="t")
    own = store.write(add_template, name="own", webhook_service="plain", webhook_credential_id=credential_id)
    without = store.write(add_template, name="without", webhook_service="")
    store.write(add_endpoint, {"template": own}, {"template": without})
    accepted = _send(intake, make_delivery({**WEB, "sha": True}))
    with store.reading() as connection:
        posts = connection.execute(select(t.status_posts)).all()
    assert [(post.job_id, post.service, post.context) for post in posts] == [
        (accepted[0].job_id, "plain", "playhook/own")
    ]


def test_bindings_are_checked_and_read_back(store: Store, templates: list[int]) -> None:
    foreign = store.write(add_template, name="foreign", webhook_service="github")
    project = store.write(add_template, name="project", type="project", webhook_service="")
    endpoint_id = store.write(add_endpoint)
    wanted = [{"template": templates[1], "repositories": ["acme/*"]}, {"template": templates[0], "repositories": None}]
    store.write(bind_templates, endpoint_id, "plain", wanted)
    with store.reading() as connection:
        assert find_bindings(connection, [endpoint_id]) == {endpoint_id: wanted}

    for bad, message in (
        ([{"template": 99}], "There is no job template 99."),
        ([{"template": project}], f"There is no job template {project}."),
        ([{"template": templates[0]}] * 2, f"The job template {templates[0]} comes twice."),
        ([{"template": foreign}], "The job template foreign has the webhook service github, the endpoint plain."),
        ([{"template": templates[0]}] * 101, "There are 101 templates; 100 are allowed."),
    ):
        with pytest.raises(InvalidInput) as caught:
            store.write(bind_templates, endpoint_id, "plain", bad)
        assert caught.value.messages == {"templates": [message]}
    with store.reading() as connection:
        assert find_bindings(connection, [endpoint_id]) == {endpoint_id: wanted}


@pytest.mark.parametrize("name", ["", "a/b", "..", "-a", "a b", "x" * 256, 5, None, "é"])
def test_names_that_cannot_stand_in_a_url(name: Any) -> None:
    with pytest.raises(InvalidInput):
        check_endpoint_name(name)


def test_deleting_a_template_keeps_what_others_need_of_a_delivery(
    store: Store, intake: Intake, templates: list[int]
) -> None:
    store.write(add_endpoint, {"template": templates[0]}, {"template": templates[2]})
    accepted = _send(intake, make_delivery(WEB))
    store.write(lambda tx: tx.connection.execute(t.unified_job_templates.delete().where(
        t.unified_job_templates.c.id == templates[0])) and None)  # fmt: skip
    with store.reading() as connection:
        stored = read_delivery(connection, accepted[1].delivery_id)
    assert stored is not None
    assert stored.payload == WEB
