# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import job_template, workflow_job_template

SURVEY = {
    "name": "Deployment",
    "description": "",
    "spec": [
        {
            "question_name": "Where to?",
            "variable": "target",
            "type": "multiplechoice",
            "required": True,
            "choices": "staging\n\nproduction\n",
            "default": "staging",
        },
        {
            "question_name": "Password?",
            "variable": "secret",
            "type": "password",
            "required": False,
            "default": "pl4nt3d-default",
        },
    ],
}


def changed(number, **fields):
    """Return the survey with one question changed."""
    survey = copy.deepcopy(SURVEY)
    survey["spec"][number].update(fields)
    return survey


@pytest.fixture(params=[job_template, workflow_job_template], ids=lambda module: module.__name__.rpartition(".")[2])
def module(request, controller):
    """A module with a survey, against a server that has what it needs."""
    organization = controller.only("organizations")["id"]
    controller.add("projects", name="site", organization=organization)
    return request.param


@pytest.fixture
def template(module):
    """The options of a template without a survey."""
    own = {"project": "site", "playbook": "site.yml"} if module is job_template else {}
    return dict(name="site", **own)


def test_a_survey_is_set_once(module, template, controller, run):
    first = run(module, **template, survey_enabled=True, survey_spec=SURVEY)
    second = run(module, **template, survey_enabled=True, survey_spec=SURVEY)

    assert controller.surveys == {first["id"]: SURVEY}
    assert [first["changed"], second["changed"]] == [True, False]
    assert second["diff"]["before"] == second["diff"]["after"]


def test_the_diff_shows_the_questions_and_no_password(module, template, run):
    run(module, **template, survey_spec=SURVEY)

    result = run(module, **template, survey_spec=changed(0, default="production"))

    shown = [result["diff"][moment]["survey_spec"]["spec"] for moment in ("before", "after")]
    assert [each[0]["default"] for each in shown] == ["staging", "production"]
    assert [each[1]["default"] for each in shown] == ["set", "set"]


def test_a_password_that_is_held_counts_as_the_same_unless_it_is_to_be_set(module, template, controller, run):
    run(module, **template, survey_spec=SURVEY)
    other = changed(1, default="pl4nt3d-other")

    kept = run(module, **template, survey_spec=other)
    forced = run(module, **template, survey_spec=other, update_survey_secrets=True)

    assert [kept["changed"], forced["changed"]] == [False, True]
    assert forced["diff"]["after"]["survey_spec"]["spec"][1]["default"] == "changed"
    assert list(controller.surveys.values()) == [other]


def test_check_mode_writes_nothing_and_predicts_the_same_diff(module, template, controller, run):
    run(module, **template, survey_spec=SURVEY)
    before = len(controller.writes)
    wanted = changed(0, required=False)

    predicted = run(module, check_mode=True, **template, survey_spec=wanted)

    assert len(controller.writes) == before
    actual = run(module, **template, survey_spec=wanted)
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_an_empty_survey_removes_it_once(module, template, controller, run):
    run(module, **template, survey_spec=SURVEY)

    first = run(module, **template, survey_spec={})
    second = run(module, **template, survey_spec={})

    assert [first["changed"], second["changed"]] == [True, False]
    assert controller.surveys == {}


def test_without_the_option_a_survey_stays(module, template, controller, run):
    run(module, **template, survey_spec=SURVEY)

    assert run(module, **template)["changed"] is False
    assert list(controller.surveys.values()) == [SURVEY]


def test_the_refusal_of_the_server_is_shown(module, template, run):
    message = run.fail(module, **template, survey_spec={"name": "", "description": "", "spec": []})

    assert message.endswith("survey_spec/: 'spec' doesn't contain any items.")
