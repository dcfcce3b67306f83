# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys through the API: the questions, what launches answer, and where passwords are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import World, create
from tests.integration.api.deliveries import deliver, key_of, push
from tests.workflows import nodes_of

from playhook.store import tables as t
from playhook.store.job_inputs import read_job_inputs
from playhook.store.store import Store
from playhook.store.workflow_jobs import step_workflow

DEFAULT, SECRET = "a-planted-default-password", "a-planted-answer"
COLOR = {"question_name": "Which?", "type": "multiplechoice", "variable": "color", "required": True,
         "choices": ["red", "blue"], "default": "blue"}  # fmt: skip
COUNT = {"question_name": "How many?", "type": "integer", "variable": "count", "required": False, "min": 1,
         "default": 3}  # fmt: skip
PASSWORD = {"question_name": "Password?", "type": "password", "variable": "secret", "required": False,
            "default": DEFAULT}  # fmt: skip
SURVEY = {"name": "Deploying", "description": "What to deploy", "spec": [COLOR, COUNT, PASSWORD]}
SHOWN = {**SURVEY, "spec": [COLOR, COUNT, {**PASSWORD, "default": "$encrypted$"}]}


@pytest.fixture
def template(api: Api, world: World) -> dict[str, Any]:
    """A job template with a survey that asks for a color, a count and a password."""
    fields = {**world.template_fields, "extra_vars": "own: yes\ncount: 1", "webhook_service": "github"}
    made = create(api, "job_templates", name="Asking", survey_enabled=True, **fields)
    assert (api.post(made["related"]["survey_spec"], SURVEY).status, api.get(made["url"]).status) == (200, 200)
    return made


@pytest.fixture
def workflow(api: Api, world: World) -> dict[str, Any]:
    """A workflow with the same survey."""
    made = create(api, "workflow_job_templates", name="Flow", organization=world.organization["id"],
                  survey_enabled=True)  # fmt: skip
    assert api.post(made["related"]["survey_spec"], SURVEY).status == 200
    return made


def launch(api: Api, template: dict[str, Any], **variables: Any) -> dict[str, Any]:
    answer = api.post(template["related"]["launch"], {"extra_vars": variables})
    assert answer.status == 201, answer.body
    launched: dict[str, Any] = answer.json()
    return launched


def shown(api: Api, job_id: int, kind: str = "jobs") -> dict[str, Any]:
    """Return the variables that a job's detail shows."""
    variables: dict[str, Any] = json.loads(api.get(f"/api/v2/{kind}/{job_id}/").json()["extra_vars"])
    return variables


def given(store: Store, job_id: int) -> dict[str, Any]:
    """Return the variables that the worker gives to the job."""
    with store.reading() as connection:
        inputs = read_job_inputs(connection, store.cipher, job_id)
    return {**json.loads(inputs.job.extra_vars), **inputs.passwords}


def dump(store: Store) -> str:
    """Return all that is stored of templates, jobs and nodes."""
    with store.reading() as connection:
        tables = (t.unified_job_templates, t.unified_jobs, t.workflow_job_template_nodes, t.workflow_job_nodes)
        return str([connection.execute(each.select()).all() for each in tables])


@pytest.mark.parametrize("kind", ["job_templates", "workflow_job_templates"])
def test_a_survey_is_kept_shown_and_removed(api: Api, world: World, kind: str) -> None:
    path = f"/api/v2/{kind}/{create(api, 'workflow_job_templates', name='Flow')['id']}/"
    path = world.template["url"] if kind == "job_templates" else path
    assert api.get(f"{path}survey_spec/").json() == {}
    assert "survey" not in api.get(path).json()["summary_fields"]
    kept = api.post(f"{path}survey_spec/", SURVEY)
    assert (kept.status, kept.body) == (200, b"")
    assert api.get(f"{path}survey_spec/").json() == SHOWN
    assert api.get(path).json()["summary_fields"]["survey"] == {"title": "Deploying", "description": "What to deploy"}
    removed = api.delete(f"{path}survey_spec/")
    assert (removed.status, removed.body, api.get(f"{path}survey_spec/").json()) == (200, b"", {})


def test_a_wrong_survey_is_refused_and_the_old_one_stays(api: Api, template: dict[str, Any]) -> None:
    refused = api.post(template["related"]["survey_spec"], {**SURVEY, "spec": []})
    assert (refused.status, refused.json()) == (400, {"error": "'spec' doesn't contain any items."})
    assert api.get(template["related"]["survey_spec"]).json() == SHOWN


def test_only_who_may_change_the_template_may_change_its_survey(api: Api, template: dict[str, Any]) -> None:
    create(api, "users", username="olga", password="a long password", playhook={"role": "operator"})
    olga = api.login("olga", "a long password")
    path = template["related"]["survey_spec"]
    assert (olga.get(path).status, olga.post(path, SURVEY).status, olga.delete(path).status) == (200, 403, 403)


def test_the_hidden_default_means_the_one_that_is_stored(api: Api, template: dict[str, Any], store: Store) -> None:
    assert api.post(template["related"]["survey_spec"], SHOWN).status == 200
    assert given(store, launch(api, template, color="red")["id"])["secret"] == DEFAULT
    other = {**SHOWN, "spec": [{**PASSWORD, "variable": "other", "default": "$encrypted$"}]}
    refused = api.post(template["related"]["survey_spec"], other)
    sentence = "$encrypted$ is a reserved keyword, may not be used for new default in position 0."
    assert (refused.status, refused.json()) == (400, {"error": sentence})


def test_a_launch_tells_what_it_asks(api: Api, template: dict[str, Any], workflow: dict[str, Any]) -> None:
    for each in (template, workflow):
        asks = api.get(each["related"]["launch"]).json()
        assert (asks["survey_enabled"], asks["variables_needed_to_start"]) == (True, ["color"])
        assert asks["can_start_without_user_input"] is False
        api.patch(each["url"], {"survey_enabled": False})
        asks = api.get(each["related"]["launch"]).json()
        assert (asks["survey_enabled"], asks["variables_needed_to_start"]) == (False, [])
        assert asks["can_start_without_user_input"] is True


def test_wrong_answers_are_refused(api: Api, template: dict[str, Any], workflow: dict[str, Any]) -> None:
    for each in (template, workflow):
        missing = api.post(each["related"]["launch"], {})
        assert (missing.status, missing.json()) == (400, {"variables_needed_to_start": ["'color' value missing"]})
        wrong = api.post(each["related"]["launch"], {"extra_vars": {"color": "green", "count": 0, "secret": 1}})
        assert wrong.json() == {
            "variables_needed_to_start": [
                "Value green for 'color' expected to be one of ['red', 'blue'].",
                "'count' value 0 is too small (must be at least 1).",
                "Value $encrypted$ for 'secret' expected to be a string.",
            ]
        }


def test_answers_count_over_defaults_and_those_over_the_templates_variables(
    api: Api, template: dict[str, Any], store: Store
) -> None:
    job = launch(api, template, color="red", other=1)
    assert job["ignored_fields"] == {"extra_vars": {"other": 1}}
    assert shown(api, job["id"]) == {"own": True, "count": 3, "color": "red", "secret": "$encrypted$"}
    assert given(store, job["id"]) == {"own": True, "count": 3, "color": "red", "secret": DEFAULT}
    job = launch(api, template, color="red", count=7, secret=SECRET)
    assert given(store, job["id"]) == {"own": True, "count": 7, "color": "red", "secret": SECRET}
    job = launch(api, template, color="red", secret="$encrypted$")
    assert given(store, job["id"])["secret"] == DEFAULT


def test_other_variables_are_taken_where_the_template_asks_for_them(api: Api, template: dict[str, Any]) -> None:
    api.patch(template["url"], {"ask_variables_on_launch": True})
    job = launch(api, template, color="red", other=1)
    assert (job["ignored_fields"], shown(api, job["id"])["other"]) == ({}, 1)


def test_passwords_are_stored_encrypted_and_never_shown(api: Api, template: dict[str, Any], store: Store) -> None:
    job = launch(api, template, color="red", secret=SECRET)
    answers = [api.get(path).body for path in ("/api/v2/jobs/", f"/api/v2/jobs/{job['id']}/", template["url"])]
    answers.append(json.dumps(job).encode())
    for secret in (SECRET, DEFAULT):
        assert secret not in dump(store)
        assert not any(secret.encode() in answer for answer in answers)
    assert api.get("/api/v2/jobs/", survey_passwords__icontains="a").status == 403


def test_a_relaunch_keeps_the_answers(api: Api, template: dict[str, Any], store: Store) -> None:
    job = launch(api, template, color="red", secret=SECRET)
    again = api.post(f"/api/v2/jobs/{job['id']}/relaunch/", {}).json()
    assert given(store, again["id"]) == {"own": True, "count": 3, "color": "red", "secret": SECRET}


def test_a_copy_asks_the_same(api: Api, template: dict[str, Any], store: Store) -> None:
    copy = api.post(template["related"]["copy"], {"name": "Asking too"}).json()
    assert api.get(copy["related"]["survey_spec"]).json() == SHOWN
    assert given(store, launch(api, copy, color="red")["id"])["secret"] == DEFAULT


def test_a_webhook_launches_with_the_defaults(api: Api, template: dict[str, Any], store: Store) -> None:
    accepted = deliver(store, key_of(api, template), push("main"), template_id=template["id"])
    assert given(store, accepted[0].job_id or 0) == {"own": True, "count": 3, "color": "blue", "secret": DEFAULT}
    api.delete(template["related"]["survey_spec"])
    accepted = deliver(store, key_of(api, template), push("main"), template_id=template["id"], guid="guid-2")
    job_id = accepted[0].job_id or 0
    assert "color" not in shown(api, job_id)


def test_a_workflow_hands_its_answers_to_its_nodes(
    api: Api, world: World, workflow: dict[str, Any], store: Store
) -> None:
    node = {"identifier": "one", "unified_job_template": world.template["id"]}
    assert api.post(f"{workflow['url']}workflow_nodes/", node).status == 201
    job = launch(api, workflow, color="red", secret=SECRET)
    store.write(step_workflow, job["id"])
    of_node = nodes_of(store, job["id"])["one"].job_id or 0
    wanted = {"color": "red", "count": 3, "secret": SECRET}
    assert (given(store, job["id"]), given(store, of_node)) == (wanted, wanted)
    assert shown(api, of_node)["secret"] == "$encrypted$"
    again = api.post(f"/api/v2/workflow_jobs/{job['id']}/relaunch/", {}).json()
    assert given(store, again["id"]) == wanted
    assert SECRET not in dump(store)


def test_a_node_answers_for_its_template(
    api: Api, template: dict[str, Any], world: World, store: Store
) -> None:  # fmt: skip
    flow = create(api, "workflow_job_templates", name="Plain", organization=world.organization["id"])
    path = f"{flow['url']}workflow_nodes/"
    node = {"identifier": "one", "unified_job_template": template["id"], "extra_data": {"count": "3"}}
    refused = api.post(path, node)
    sentence = "Value 3 for 'count' expected to be an integer."
    assert (refused.status, refused.json()) == (400, {"variables_needed_to_start": [sentence]})
    refused = api.post(path, {**node, "extra_data": {"other": 1}})
    assert (refused.status, list(refused.json())) == (400, ["extra_data"])
    made = api.post(path, {**node, "extra_data": {"count": 9, "secret": SECRET}}).json()
    assert made["extra_data"] == {"count": 9, "secret": "$encrypted$"}
    assert api.patch(made["url"], {"extra_data": {"count": 8, "secret": "$encrypted$"}}).status == 200
    copy = api.post(flow["related"]["copy"], {"name": "Copy"}).json()
    for each in (flow, copy):
        job = launch(api, each)
        store.write(step_workflow, job["id"])
        of_node = nodes_of(store, job["id"])["one"].job_id or 0
        assert given(store, of_node) == {"own": True, "count": 8, "secret": SECRET, "color": "blue"}
    assert SECRET not in dump(store)
    assert api.patch(made["url"], {"extra_data": {"count": 8}}).json()["extra_data"] == {"count": 8}
