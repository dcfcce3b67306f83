# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow jobs, their nodes and approvals through the API, stepped as the worker steps them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update
from tests.api_client import Api
from tests.integration.api.conftest import World, create
from tests.workflows import run_to_end

from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx

JOBS = "/api/v2/workflow_jobs/"
DECIDED = {"error": "This workflow step has already been approved or denied."}


@pytest.fixture
def workflow(api: Api, world: World) -> dict[str, Any]:
    """A job, and an approval after it, with a time of a minute."""
    made = create(api, "workflow_job_templates", name="Release", organization=world.organization["id"])
    path = f"{made['url']}workflow_nodes/"
    deploy = api.post(path, {"identifier": "deploy", "unified_job_template": world.template["id"]}).json()
    ask = api.post(f"{deploy['url']}success_nodes/", {"identifier": "ask"}).json()
    api.post(f"{ask['url']}create_approval_template/", {"name": "Ask", "timeout": 60})
    return made


@pytest.fixture
def running(api: Api, store: Store, workflow: dict[str, Any]) -> dict[str, Any]:
    """A workflow job whose first job has ended, and whose approval waits."""
    job: dict[str, Any] = api.post(f"{workflow['url']}launch/", {}).json()
    run_to_end(store, job["id"])
    return job


def nodes_of(api: Api, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["identifier"]: each for each in api.get(f"{job['url']}workflow_nodes/").json()["results"]}


def approval_of(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v2/workflow_approvals/{nodes_of(api, job)['ask']['job']}/").json()
    return found


def test_a_node_shows_its_job_and_what_follows(api: Api, running: dict[str, Any]) -> None:
    deploy, ask = nodes_of(api, running)["deploy"], nodes_of(api, running)["ask"]
    assert deploy["success_nodes"] == [ask["id"]]
    assert deploy["related"]["job"] == f"/api/v2/jobs/{deploy['job']}/"
    assert deploy["summary_fields"]["job"]["status"] == "successful"
    assert ask["related"]["job"] == f"/api/v2/workflow_approvals/{ask['job']}/"
    assert ask["summary_fields"]["job"]["timed_out"] is False
    below = api.get(f"{deploy['url']}success_nodes/").json()["results"]
    assert [each["id"] for each in below] == [ask["id"]]


def test_nodes_are_found_by_the_name_of_their_job(api: Api, running: dict[str, Any]) -> None:
    found = api.get(f"{running['url']}workflow_nodes/", job__name="Deploy").json()["results"]
    assert [each["identifier"] for each in found] == ["deploy"]


def test_nodes_are_read_only(api: Api, running: dict[str, Any]) -> None:
    node = nodes_of(api, running)["deploy"]
    assert api.patch(node["url"], {"identifier": "x"}).status == 405
    assert api.post("/api/v2/workflow_job_nodes/", {}).status == 405


def test_a_job_tells_which_workflow_launched_it(api: Api, running: dict[str, Any]) -> None:
    job = api.get(nodes_of(api, running)["deploy"]["related"]["job"]).json()
    assert job["launch_type"] == "workflow"
    assert job["related"]["source_workflow_job"] == running["url"]
    assert job["summary_fields"]["source_workflow_job"]["name"] == "Release"
    assert job["launched_by"] == {
        "id": running["id"], "name": "Release", "type": "workflow_job", "url": running["url"],
    }  # fmt: skip


def test_an_approval_waits_and_says_until_when(api: Api, running: dict[str, Any]) -> None:
    approval = approval_of(api, running)
    assert (approval["type"], approval["status"], approval["timed_out"]) == ("workflow_approval", "pending", False)
    assert approval["can_approve_or_deny"] is True
    assert approval["approval_expiration"] > approval["created"]
    assert approval["related"]["source_workflow_job"] == running["url"]
    assert api.get("/api/v2/workflow_approvals/", status="pending").json()["count"] == 1


@pytest.mark.parametrize(("decision", "status"), [("approve", "successful"), ("deny", "failed")])
def test_an_approval_is_decided_once(
    api: Api, store: Store, running: dict[str, Any], decision: str, status: str
) -> None:
    approval = approval_of(api, running)
    assert api.post(f"{approval['url']}{decision}/", {}).status == 204
    decided = api.get(approval["url"]).json()
    assert (decided["status"], decided["can_approve_or_deny"], decided["approval_expiration"]) == (status, False, None)
    assert decided["summary_fields"]["approved_or_denied_by"]["username"] == "admin"
    for name in ("approve", "deny"):
        again = api.post(f"{approval['url']}{name}/", {})
        assert (again.status, again.json()) == (400, DECIDED)
    run_to_end(store, running["id"])
    assert api.get(running["url"]).json()["status"] == status


def test_only_operators_decide(api: Api, running: dict[str, Any]) -> None:
    create(api, "users", username="audit", password="only-reads-1", is_system_auditor=True)
    auditor = api.login("audit", "only-reads-1")
    approval = approval_of(auditor, running)
    assert approval["can_approve_or_deny"] is False
    assert auditor.post(f"{approval['url']}approve/", {}).status == 403


def test_the_whole_graph_is_canceled(api: Api, store: Store, running: dict[str, Any]) -> None:
    assert api.get(f"{running['url']}cancel/").json() == {"can_cancel": True}
    assert api.post(f"{running['url']}cancel/", {}).status == 202
    run_to_end(store, running["id"])
    assert api.get(running["url"]).json()["status"] == "canceled"
    assert approval_of(api, running)["status"] == "canceled"
    assert api.post(f"{running['url']}cancel/", {}).status == 405


def test_it_is_launched_again(api: Api, store: Store, running: dict[str, Any]) -> None:
    assert api.get(f"{running['url']}relaunch/").json() == {}
    again = api.post(f"{running['url']}relaunch/", {})
    assert (again.status, again.json()["launch_type"], again.json()["status"]) == (201, "relaunch", "pending")
    assert set(nodes_of(api, again.json())) == {"deploy", "ask"}


def test_a_node_s_job_that_is_launched_again_alone_posts_no_status(
    api: Api, store: Store, world: World, running: dict[str, Any]
) -> None:
    job_id = nodes_of(api, running)["deploy"]["job"]

    def post_of_node(tx: Tx) -> None:  # as the workflow of a delivery has it, with `node_statuses`
        jobs = t.unified_jobs
        own = {"webhook_service": "github", "webhook_credential_id": world.credential["id"], "webhook_guid": "g"}
        tx.connection.execute(update(jobs).where(jobs.c.id == job_id).values(own))

    store.write(post_of_node)
    again = api.post(f"/api/v2/jobs/{job_id}/relaunch/").json()
    posting = [again[name] for name in ("webhook_service", "webhook_credential", "webhook_guid")]
    assert posting == ["", None, ""]


def test_a_running_one_is_not_deleted_and_an_ended_one_goes_with_its_nodes(
    api: Api, store: Store, running: dict[str, Any]
) -> None:
    node = nodes_of(api, running)["deploy"]
    assert api.delete(running["url"]).status == 403
    api.post(f"{approval_of(api, running)['url']}approve/", {})
    run_to_end(store, running["id"])
    assert api.delete(running["url"]).status == 204
    assert api.get(node["url"]).status == 404


def test_all_that_runs_is_in_one_list(api: Api, running: dict[str, Any]) -> None:
    listed = api.get("/api/v2/unified_jobs/", order_by="id").json()["results"]
    assert [each["type"] for each in listed] == ["workflow_job", "job", "workflow_approval"]
    found = api.get("/api/v2/unified_jobs/", unified_job_node__workflow_job=running["id"]).json()["count"]
    assert found == 2
    assert api.get(JOBS, workflow_job_template__name="Release").json()["count"] == 1
