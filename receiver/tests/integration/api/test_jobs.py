# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, their output and events, and the deliveries that launched them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import insert, update
from tests.api_client import Api
from tests.integration.api.conftest import World, create

from playhook.store import tables as t
from playhook.store.compression import compress
from playhook.store.deliveries import DeliveryRow, insert_delivery
from playhook.store.jobs import create_job
from playhook.store.objects import find_rows
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases

_PAYLOAD = {"pull_request": {"title": "{{ 7 * 7 }}"}}
_EVENT = {
    "service": "github", "type": "pull_request", "guid": "guid-1", "kind": "pull_request", "awx_ref": "abc",
    "awx_status_api": "https://api.github.com/repos/shop/till/statuses/abc",
}  # fmt: skip
_LINES = ["\x1b[0;32mok: [till-1]\x1b[0m\r\n", "<b>&\n", "PLAY RECAP"]


def _deliver(tx: Tx, template_id: int) -> tuple[int, int]:
    """Store what intake stores for a launched delivery; returns the ids of the delivery and of the job."""
    body = orjson.dumps(_PAYLOAD)
    row = DeliveryRow(
        template_id=template_id, service="github", outcome="launched", response_status=202, remote_address="192.0.2.9",
        received=datetime.now(UTC), guid="guid-1", event_type="pull_request", event=_EVENT,
        headers={"x-github-event": "pull_request"},
        body_size=len(body), body_sha256=b"\1" * 32, body=compress(body),
        verdict={"launch": True, "reason": "", "rules": []},
    )  # fmt: skip
    delivery_id = insert_delivery(tx, row)
    assert delivery_id is not None
    template = find_rows(tx.connection, "unified_job_templates", [template_id])[template_id]
    overrides = {"delivery_id": delivery_id, "webhook_guid": "guid-1"}
    return delivery_id, create_job(tx, template, launch_type="webhook", overrides=overrides)


def _run(tx: Tx, job_id: int) -> None:
    """Store what a worker stores of a job that ran."""
    for counter, text in enumerate(_LINES, start=1):
        tx.connection.execute(
            insert(t.job_events).values(
                job_id=job_id, counter=counter, uuid=f"uuid-{counter}", event="runner_on_ok", stdout=text,
                event_data={"res": {}}, host_name="till-1", start_line=counter - 1, end_line=counter, created=tx.now,
                task="Say it",
            )
        )  # fmt: skip
    tx.connection.execute(
        insert(t.job_host_summaries).values(job_id=job_id, host_name="till-1", ok=2, created=tx.now, modified=tx.now)
    )
    ended = {
        "status": "successful",
        "started": tx.now,
        "finished": tx.now,
        "elapsed": 1.5,
        "event_processing_finished": True,
        "job_args": ["ansible-playbook", "site.yml"],
        "host_status_counts": {"ok": 2},
    }
    tx.connection.execute(update(t.unified_jobs).where(t.unified_jobs.c.id == job_id).values(**ended))


@pytest.fixture
def job(api: Api, world: World, store: Store) -> dict[str, Any]:
    """The detail of a finished job that a delivery launched."""
    api.patch(world.template["url"], {"extra_vars": "own: 1\nawx_webhook_event_type: mine"})
    _delivery_id, job_id = store.write(_deliver, world.template["id"])
    store.write(_run, job_id)
    shown: dict[str, Any] = api.get(f"/api/v2/jobs/{job_id}/").json()
    return shown


def test_a_webhook_job_shows_the_variables_that_it_gets(job: dict[str, Any]) -> None:
    shown = json.loads(job["extra_vars"])
    assert (shown["own"], shown["awx_webhook_event_type"]) == (1, "pull_request")
    for prefix in ("awx", "tower"):
        assert shown[f"{prefix}_webhook_payload"] == _PAYLOAD
        assert shown[f"{prefix}_webhook_event_guid"] == "guid-1"
        assert shown[f"{prefix}_webhook_event_ref"] == "abc"
        assert shown[f"{prefix}_webhook_status_api"] == _EVENT["awx_status_api"]
    assert shown["playhook_event"]["kind"] == "pull_request"


def test_a_webhook_job_says_where_it_comes_from(job: dict[str, Any], world: World) -> None:
    template = world.template
    assert (job["launch_type"], job["webhook_service"], job["webhook_guid"]) == ("webhook", "github", "guid-1")
    assert job["launched_by"] == {
        "id": template["id"], "name": "Deploy", "type": "job_template", "url": template["url"],
    }  # fmt: skip
    assert job["webhook_credential"] == world.credential["id"]
    assert ("created_by" in job["related"], "webhook_credential" in job["related"]) == (False, False)
    assert isinstance(job["playhook"]["delivery"], int)


def test_lists_leave_the_payload_out(api: Api, job: dict[str, Any]) -> None:
    for path in ("jobs", "unified_jobs"):
        listed = api.get(f"/api/v2/{path}/").json()["results"][0]
        variables = json.loads(listed["extra_vars"])
        assert ("awx_webhook_payload" in variables, variables["awx_webhook_event_guid"]) == (False, "guid-1")
        assert not {"job_args", "job_env", "result_traceback", "host_status_counts"} & set(listed)


def test_a_purged_payload_is_said_to_be_gone(api: Api, store: Store, job: dict[str, Any]) -> None:
    def purge(tx: Tx) -> None:
        tx.connection.execute(update(t.webhook_deliveries).values(body=None))

    store.write(purge)
    shown = json.loads(api.get(job["url"]).json()["extra_vars"])
    delivery = job["playhook"]["delivery"]
    assert shown["awx_webhook_payload"] == f"The payload of delivery {delivery} has been purged."
    assert shown["awx_webhook_event_guid"] == "guid-1"


def test_a_finished_job_shows_how_it_ran(job: dict[str, Any]) -> None:
    assert json.loads(job["job_args"]) == ["ansible-playbook", "site.yml"]
    assert (job["status"], job["failed"], job["elapsed"]) == ("successful", False, 1.5)
    assert (job["event_processing_finished"], job["host_status_counts"]) == (True, {"ok": 2})


@pytest.mark.parametrize(
    ("form", "content_type", "wanted"),
    [
        ("txt", "text/plain", b"ok: [till-1]\r\n<b>&\nPLAY RECAP\n"),
        ("ansi", "text/plain", b"\x1b[0;32mok: [till-1]\x1b[0m\r\n<b>&\nPLAY RECAP\n"),
        ("txt_download", "text/plain", b"ok: [till-1]\r\n<b>&\nPLAY RECAP\n"),
        ("ansi_download", "text/plain", b"\x1b[0;32mok: [till-1]\x1b[0m\r\n<b>&\nPLAY RECAP\n"),
    ],
)
def test_output_as_text(api: Api, job: dict[str, Any], form: str, content_type: str, wanted: bytes) -> None:
    answer = api.get(job["related"]["stdout"], format=form)
    assert (answer.status, answer.headers["content-type"].split(";")[0], answer.body) == (200, content_type, wanted)
    suffix = {"txt_download": "", "ansi_download": ".ansi"}.get(form)
    named = None if suffix is None else f'attachment; filename="job_{job["id"]}{suffix}.txt"'
    assert answer.headers.get("content-disposition") == named


def test_output_as_a_page_is_escaped(api: Api, job: dict[str, Any]) -> None:
    answer = api.get(job["related"]["stdout"], format="html")
    assert answer.headers["content-type"].startswith("text/html")
    assert (b"&lt;b&gt;&amp;" in answer.body, b"<b>" in answer.body) == (True, False)
    assert answer.headers["content-security-policy"] == "default-src 'none'"


def test_output_as_json_by_lines(api: Api, job: dict[str, Any]) -> None:
    path = job["related"]["stdout"]
    assert api.get(path, format="json").json() == {
        "range": {"start": 0, "end": 3, "absolute_end": 3}, "content": "ok: [till-1]\r\n<b>&\nPLAY RECAP\n",
    }  # fmt: skip
    assert api.get(path, format="json", start_line=1, end_line=2).json() == {
        "range": {"start": 1, "end": 2, "absolute_end": 3}, "content": "<b>&\n",
    }  # fmt: skip
    raw = api.get(path, format="json", content_format="ansi", content_encoding="base64").json()["content"]
    assert base64.b64decode(raw).decode() == "\x1b[0;32mok: [till-1]\x1b[0m\r\n<b>&\nPLAY RECAP\n"
    wanted = api.request("GET", path, headers={"accept": "application/json"}).json()
    assert wanted["range"]["absolute_end"] == 3
    assert api.request("GET", path, headers={"accept": "text/plain"}).body.startswith(b"ok: ")
    assert api.get(path, format="pdf").status == 404


def test_events_are_listed_in_order_and_cut_short(api: Api, store: Store, job: dict[str, Any]) -> None:
    def lengthen(tx: Tx) -> None:
        tx.connection.execute(update(t.job_events).where(t.job_events.c.counter == 2).values(stdout="x" * 5000))

    store.write(lengthen)
    path = job["related"]["job_events"]
    events = api.get(path, order_by="start_line").json()["results"]
    assert [each["counter"] for each in events] == [1, 2, 3]
    assert (events[0]["event_display"], events[0]["event_level"], events[0]["job"]) == ("Host OK", 3, job["id"])
    assert events[0]["summary_fields"]["job"]["job_template_name"] == "Deploy"
    assert len(events[1]["stdout"]) == 1025
    assert len(api.get(path, no_truncate="True").json()["results"][1]["stdout"]) == 5000
    assert len(api.get(events[1]["url"]).json()["stdout"]) == 5000
    assert api.get(path, host_name="nobody").json()["count"] == 0
    assert api.get(path, event__in="runner_on_ok", counter__gt=2).json()["count"] == 1


def test_host_summaries(api: Api, job: dict[str, Any]) -> None:
    found = api.get(job["related"]["job_host_summaries"]).json()["results"]
    assert [(each["host_name"], each["ok"], each["failed"]) for each in found] == [("till-1", 2, False)]
    assert api.get(found[0]["url"]).json()["summary_fields"]["job"]["job_template_name"] == "Deploy"


def test_jobs_are_found_by_their_template_and_state(api: Api, world: World, job: dict[str, Any]) -> None:
    for query in (
        f"job_template={world.template['id']}", f"unified_job_template={world.template['id']}", "status=successful",
        "job_template__name=Deploy", "launch_type=webhook", "finished__isnull=false", "webhook_guid=guid-1",
        f"id={job['id']}", "order_by=-id",
    ):  # fmt: skip
        assert api.get(f"/api/v2/jobs/?{query}").json()["count"] == 1, query
    assert api.get("/api/v2/jobs/?status__in=pending,running").json()["count"] == 0


def test_a_pending_job_is_canceled_at_once(api: Api, world: World) -> None:
    pending = api.post(world.template["related"]["launch"]).json()
    cancel = pending["related"]["cancel"]
    assert api.get(cancel).json() == {"can_cancel": True}
    accepted = api.post(cancel)
    assert (accepted.status, accepted.body) == (202, b"")
    shown = api.get(pending["url"]).json()
    assert (shown["status"], shown["failed"], shown["canceled_on"] is not None) == ("canceled", True, True)
    assert api.get(cancel).json() == {"can_cancel": False}
    refused = api.post(cancel)
    assert (refused.status, refused.json()) == (405, {"detail": 'Method "POST" not allowed.'})


def test_only_ended_jobs_are_deleted(api: Api, world: World, job: dict[str, Any]) -> None:
    pending = api.post(world.template["related"]["launch"]).json()
    refused = api.delete(pending["url"])
    assert (refused.status, refused.json()) == (403, {"detail": "Cannot delete running job resource."})
    assert api.delete(job["url"]).status == 204
    assert api.get(job["url"]).json() == {"detail": "No Job matches the given query."}


def test_relaunching_gives_the_same_payload_again(api: Api, job: dict[str, Any]) -> None:
    assert api.get(job["related"]["relaunch"]).json() == {
        "passwords_needed_to_start": [], "retry_counts": {"all": 2, "failed": 0},
    }  # fmt: skip
    again = api.post(job["related"]["relaunch"])
    assert again.status == 201
    shown = again.json()
    assert (shown["launch_type"], shown["launched_by"]["name"]) == ("relaunch", "admin")
    assert json.loads(shown["extra_vars"])["awx_webhook_payload"] == _PAYLOAD


def test_a_relaunch_needs_its_template(api: Api, world: World, job: dict[str, Any]) -> None:
    assert api.delete(world.template["url"]).status == 204
    assert api.post(job["related"]["relaunch"]).status == 400


def test_the_template_shows_its_recent_jobs(api: Api, world: World, job: dict[str, Any]) -> None:
    newest = api.post(world.template["related"]["launch"]).json()["id"]
    recent = api.get(world.template["url"]).json()
    assert [each["id"] for each in recent["summary_fields"]["recent_jobs"]] == [newest, job["id"]]
    assert set(recent["summary_fields"]["recent_jobs"][0]) == {"id", "status", "finished", "canceled_on", "type"}
    assert recent["status"] == "pending"
    current = {"id": newest, "name": "Deploy", "description": "", "status": "pending", "failed": False}
    assert recent["summary_fields"]["current_job"] == recent["summary_fields"]["current_update"] == current
    assert recent["related"]["current_job"] == f"/api/v2/jobs/{newest}/"
    assert "current_update" not in recent["related"]


def test_deliveries_are_listed_without_and_shown_with_their_payload(
    api: Api, world: World, job: dict[str, Any]
) -> None:
    listed = api.get("/api/v2/webhook_deliveries/", outcome="launched").json()["results"]
    assert [(each["guid"], each["jobs"], "payload" in each) for each in listed] == [("guid-1", [job["id"]], False)]
    shown = api.get(listed[0]["url"]).json()
    assert (shown["payload"], shown["body_sha256"]) == (_PAYLOAD, "01" * 32)
    assert shown["headers"] == {"x-github-event": "pull_request"}
    assert shown["related"]["template"] == world.template["url"]
    assert shown["event"]["kind"] == "pull_request"
    create(api, "users", username="ann", password="a long password")
    ann = api.login("ann", "a long password")
    assert (ann.get("/api/v2/webhook_deliveries/").json()["count"], ann.get(listed[0]["url"]).status) == (0, 403)
    assert api.post("/api/v2/webhook_deliveries/", {}).status == 405
    assert api.delete(listed[0]["url"]).status == 405


def test_events_have_children(api: Api, store: Store, job: dict[str, Any]) -> None:
    def adopt(tx: Tx) -> None:
        events = t.job_events
        tx.connection.execute(update(events).where(events.c.counter > 1).values(parent_uuid="uuid-1"))

    store.write(adopt)
    first = api.get(job["related"]["job_events"], counter=1).json()["results"][0]
    assert [each["counter"] for each in api.get(first["related"]["children"]).json()["results"]] == [2, 3]
