# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import job_template

NEW = {
    "name": "site",
    "project": "site",
    "inventory": "web",
    "playbook": "site.yml",
    "extra_vars": {"colour": "blue", "sizes": [1, 2]},
    "ask_limit_on_launch": True,
    "credentials": ["deploy"],
}


@pytest.fixture(autouse=True)
def objects(request):
    """What a job template refers to, in whichever server the test uses."""
    name = {"controller", "receiver", "awx"} & set(request.fixturenames)
    server = request.getfixturevalue("controller" if "controller" in name else name.pop())
    organization = server.only("organizations")["id"]
    server.add("projects", name="site", organization=organization)
    server.add("inventories", name="web", organization=organization)
    machine = server.find_type("Machine")
    for each in ("deploy", "rescue"):
        server.add("credentials", name=each, organization=organization, credential_type=machine)


def test_a_new_job_template_holds_what_it_was_given(controller, run):
    result = run(job_template, **NEW)

    made = controller.only("job_templates")
    assert result["id"] == made["id"]
    assert json.loads(made["extra_vars"]) == NEW["extra_vars"]
    assert made["project"] == controller.only("projects")["id"]
    assert made["inventory"] == controller.only("inventories")["id"]
    assert made["ask_limit_on_launch"] is True
    assert [controller.objects["credentials"][each]["name"] for each in controller.attached[made["id"]]] == ["deploy"]
    assert [result["webhook_url"], result["key_fingerprint"]] == [None, None]


def test_a_second_run_changes_nothing(controller, run):
    run(job_template, **NEW)
    before = len(controller.writes)

    result = run(job_template, **NEW)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(controller.writes) == before


@pytest.mark.parametrize(
    "change",
    [{}, {"extra_vars": {"colour": "red"}}, {"credentials": ["rescue"]}, {"inventory": "", "limit": "web1"}],
)
def test_check_mode_writes_nothing_and_predicts_the_same_diff(receiver, run, change):
    if change:
        run(job_template, **NEW)
    before = len(receiver.writes)

    predicted = run(job_template, check_mode=True, **dict(NEW, **change))

    assert len(receiver.writes) == before
    actual = run(job_template, **dict(NEW, **change))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_only_what_differs_is_written_and_the_diff_has_names(receiver, run):
    receiver.add("inventories", name="other")
    run(job_template, **NEW)

    result = run(job_template, **dict(NEW, inventory="other"))

    assert [list(each.body) for each in receiver.writes][-1] == ["inventory"]
    assert result["diff"]["before"]["inventory"] == "web"
    assert result["diff"]["after"]["inventory"] == "other"


def test_an_object_of_the_same_name_elsewhere_is_told_apart(receiver, run):
    run(job_template, **NEW)
    first = receiver.only("inventories")["id"]
    second = receiver.add("inventories", name="web")["id"]

    result = run(job_template, **dict(NEW, inventory=str(second)))

    assert receiver.only("job_templates")["inventory"] == second
    assert result["diff"]["before"]["inventory"] == f"web (id {first})"
    assert result["diff"]["after"]["inventory"] == f"web (id {second})"


def test_a_credential_goes_before_another_of_its_type_comes(controller, run):
    run(job_template, **NEW)

    result = run(job_template, **dict(NEW, credentials=["rescue"]))

    assert result["diff"]["before"]["credentials"] == ["deploy"]
    assert result["diff"]["after"]["credentials"] == ["rescue"]
    (attached,) = controller.attached.values()
    assert [controller.objects["credentials"][each]["name"] for each in attached] == ["rescue"]


def test_the_organization_is_the_projects(receiver, run):
    other = receiver.add("organizations", name="Other")["id"]
    receiver.add("job_templates", name="site", organization=other)

    assert run(job_template, **NEW)["changed"] is True
    assert len(receiver.objects["job_templates"]) == 2


def test_a_name_that_fits_two_is_an_error(receiver, run):
    first = receiver.add("job_templates", name="site")["id"]
    second = receiver.add("job_templates", name="site")["id"]

    assert run.fail(job_template, name="site", description="which?") == (
        f"Job template 'site' is not one object on https://receiver.example.com: the ids {first}, {second} fit. "
        "Give the id, or the organization."
    )


def test_absent_deletes_once(controller, run):
    run(job_template, **NEW)

    first = run(job_template, name="site", state="absent")
    second = run(job_template, name="site", state="absent")

    assert [first["changed"], second["changed"]] == [True, False]
    assert controller.objects["job_templates"] == {}


def test_a_project_that_is_missing_is_an_error_before_any_write(receiver, run):
    message = run.fail(job_template, **dict(NEW, project="nowhere"))

    assert message.startswith("Project 'nowhere' does not exist on https://receiver.example.com")
    assert receiver.writes == []


def test_a_project_that_is_missing_is_a_warning_in_check_mode(receiver, run):
    result = run(job_template, check_mode=True, **dict(NEW, project="nowhere"))

    assert result["changed"] is True
    assert result["diff"]["after"]["project"] == "nowhere"
    (warning,) = run.warnings
    assert warning == (
        "Project 'nowhere' does not exist on https://receiver.example.com. "
        "If no task before this one creates it, this one will fail."
    )


def test_the_refusal_of_the_server_is_shown(receiver, run):
    assert run.fail(job_template, **dict(NEW, playbook="missing.yml")) == (
        "https://receiver.example.com answered 400 to POST /api/v2/job_templates/: "
        "playbook: Playbook not found for project."
    )


def test_the_name_is_required(receiver, run):
    assert run.fail(job_template, project="site") == "missing required arguments: name"
