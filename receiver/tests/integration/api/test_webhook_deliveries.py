# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries over the API: explained, tried under other rules, sent again; and the statuses that were posted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from tests.api_client import Api
from tests.integration.api.conftest import World, create
from tests.integration.api.deliveries import deliver, key_of, push

from playhook.errors import NotAuthentic
from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx

_PASSWORD = "a long password"
_ONLY_MAIN = {"filters": {"branches": ["main"]}}


@pytest.fixture
def ignored(api: Api, world: World, store: Store) -> dict[str, Any]:
    """A delivery that a filter held back."""
    api.patch(world.template["url"], {"playhook": _ONLY_MAIN})
    key = key_of(api, world.template)
    (accepted,) = deliver(store, key, push("topic"), template_id=world.template["id"])
    assert accepted.outcome == "ignored"
    shown: dict[str, Any] = api.get(f"/api/v2/webhook_deliveries/{accepted.delivery_id}/").json()
    return shown


def _count(store: Store) -> tuple[int, int]:
    with store.reading() as connection:
        tables = (t.webhook_deliveries, t.unified_jobs)
        deliveries, jobs = (connection.execute(select(func.count()).select_from(each)).scalar_one() for each in tables)
    return deliveries, jobs


def test_a_delivery_leads_to_its_explanation_and_to_its_redelivery(ignored: dict[str, Any], world: World) -> None:
    related = ignored["related"]
    assert (related["explain"], related["redeliver"]) == (f"{ignored['url']}explain/", f"{ignored['url']}redeliver/")
    assert related["template"] == world.template["url"]
    assert (ignored["endpoint"], ignored["original"], ignored["redelivered_by"]) == (None, None, None)
    assert [(rule["name"], rule["passed"], rule["found"]) for rule in ignored["verdict"]["rules"]] == [
        ("not a ping", True, "push"),
        ("branches", False, "topic"),
    ]


def test_explain_tells_the_recorded_verdict_and_the_present_one(
    api: Api, ignored: dict[str, Any], world: World
) -> None:
    api.patch(world.template["url"], {"playhook": {"filters": {"branches": ["topic"]}}})
    answer = api.get(ignored["related"]["explain"])
    assert answer.status == 200
    told = answer.json()
    assert (told["delivery"], told["outcome"]) == (ignored["id"], "ignored")
    assert (told["recorded"]["launch"], told["now"]["launch"], told["now"]["reason"]) == (False, True, "")
    assert told["recorded"] == ignored["verdict"]


def test_changed_rules_are_tried_and_neither_saved_nor_run(
    api: Api, ignored: dict[str, Any], world: World, store: Store
) -> None:
    before = _count(store)
    wider = api.post(ignored["related"]["explain"], {"filters": {"branches": ["top*"]}})
    assert (wider.status, wider.json()["now"]["launch"]) == (200, True)
    narrower = api.post(ignored["related"]["explain"], {"filters": {"repositories": ["other/*"]}})
    assert narrower.json()["now"]["launch"] is False
    assert api.get(world.template["url"]).json()["playhook"]["filters"] == _ONLY_MAIN["filters"]
    assert _count(store) == before


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ({"filters": {"branches": 5}}, "filters.branches"),
        ({"filters": {"comment": "("}}, "filters.comment"),
        ({"status_context": "x"}, "status_context"),
    ],
)
def test_rules_that_cannot_be_tried_are_refused_with_their_place(
    api: Api, ignored: dict[str, Any], rules: dict[str, Any], place: str
) -> None:
    refused = api.post(ignored["related"]["explain"], rules)
    assert (refused.status, list(refused.json())) == (400, [place])


def test_redelivery_launches_and_says_what_it_repeats(
    api: Api, ignored: dict[str, Any], world: World, store: Store
) -> None:
    answer = api.post(ignored["related"]["redeliver"])
    assert (answer.status, set(answer.json())) == (202, {"job", "delivery"})
    new = api.get(f"/api/v2/webhook_deliveries/{answer.json()['delivery']}/").json()
    assert (new["outcome"], new["jobs"], new["original"]) == ("launched", [answer.json()["job"]], ignored["id"])
    assert new["related"]["original"] == ignored["url"]
    assert new["payload"] == push("topic")
    assert new["summary_fields"]["redelivered_by"]["username"] == "admin"
    job = api.get(f"/api/v2/jobs/{answer.json()['job']}/").json()
    assert (job["launch_type"], job["webhook_guid"], job["job_template"]) == (
        "webhook", "guid-1", world.template["id"],
    )  # fmt: skip
    found = api.get("/api/v2/webhook_deliveries/", original=ignored["id"], redelivered_by__username="admin").json()
    assert [each["id"] for each in found["results"]] == [new["id"]]
    again = api.post(f"{new['url']}redeliver/").json()["delivery"]
    assert api.get(f"/api/v2/webhook_deliveries/{again}/").json()["original"] == ignored["id"]


def test_what_was_refused_is_neither_tried_nor_sent_again(api: Api, world: World, store: Store) -> None:
    with pytest.raises(NotAuthentic):
        deliver(store, "not the key of this template", push("main"), template_id=world.template["id"])
    store.write(lambda _tx: None)  # the record is written after the answer, and before this
    url = api.get("/api/v2/webhook_deliveries/", outcome="refused").json()["results"][0]["url"]
    told = api.get(f"{url}explain/").json()
    assert (told["outcome"], told["now"]) == ("refused", None)
    before = _count(store)
    for path, body in (("explain/", _ONLY_MAIN), ("redeliver/", {})):
        refused = api.post(url + path, body)
        assert (refused.status, "refused" in refused.json()["detail"]) == (409, True)
    assert _count(store) == before


def test_a_purged_payload_is_explained_and_not_sent_again(api: Api, ignored: dict[str, Any], store: Store) -> None:
    def purge(tx: Tx) -> None:
        tx.connection.execute(update(t.webhook_deliveries).values(body=None))

    store.write(purge)
    assert api.get(ignored["related"]["explain"]).json()["now"]["payload_purged"] is True
    refused = api.post(ignored["related"]["redeliver"])
    assert (refused.status, "purged" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("role", "reads", "tries", "launches"),
    [
        ({}, 403, 403, 403),
        ({"is_system_auditor": True}, 200, 403, 403),
        ({"playhook": {"role": "operator"}}, 200, 200, 202),
    ],
    ids=["plain", "auditor", "operator"],
)
def test_who_may_explain_and_redeliver(
    api: Api, ignored: dict[str, Any], role: dict[str, Any], reads: int, tries: int, launches: int
) -> None:
    create(api, "users", username="ann", password=_PASSWORD, **role)
    ann = api.login("ann", _PASSWORD)
    explain, again = ignored["related"]["explain"], ignored["related"]["redeliver"]
    statuses = (ann.get(explain).status, ann.post(explain).status, ann.post(again).status)
    assert statuses == (reads, tries, launches)
    assert (api.anonymous().get(explain).status, api.anonymous().post(again).status) == (401, 401)


def test_unknown_deliveries_and_methods(api: Api, ignored: dict[str, Any]) -> None:
    assert api.get("/api/v2/webhook_deliveries/999/explain/").status == 404
    assert api.post("/api/v2/webhook_deliveries/999/redeliver/").status == 404
    refused = api.get(ignored["related"]["redeliver"])
    assert (refused.status, refused.headers["allow"]) == (405, "POST, OPTIONS")


def test_status_posts_are_listed_and_shown(api: Api, world: World, store: Store) -> None:
    job_id = api.post(world.template["related"]["launch"]).json()["id"]

    def post(tx: Tx) -> None:
        target = {"repository": "shop/till", "sha": "a" * 40, "origin": None}
        values = {
            "job_id": job_id, "service": "github", "credential_id": world.credential["id"], "target": target,
            "status": "successful", "context": "playhook/Deploy", "state": "skipped", "next_attempt": tx.now,
            "created": tx.now, "answer": "The token was refused.",
        }  # fmt: skip
        tx.connection.execute(insert(t.status_posts).values(**values))

    store.write(post)
    (listed,) = api.get("/api/v2/status_posts/", job=job_id, state="skipped").json()["results"]
    shown = api.get(listed["url"]).json()
    assert (shown["type"], shown["status"], shown["answer"]) == ("status_post", "successful", "The token was refused.")
    assert shown["target"]["sha"] == "a" * 40
    assert shown["related"] == {"job": f"/api/v2/jobs/{job_id}/", "credential": world.credential["url"]}
    assert api.post("/api/v2/status_posts/").status == 405
    assert api.delete(listed["url"]).status == 405
    create(api, "users", username="ann", password=_PASSWORD)
    ann = api.login("ann", _PASSWORD)
    assert (ann.get("/api/v2/status_posts/").json()["count"], ann.get(listed["url"]).status) == (0, 403)
