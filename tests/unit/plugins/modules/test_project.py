# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import project

GIT = {"name": "site", "scm_type": "git", "scm_url": "https://git.example.com/site.git", "interval": 0}
MANUAL = {"name": "local", "scm_type": "manual", "local_path": "local"}
RUNNING = {"status": "running"}
GOOD = {"status": "successful", "finished": "2026-01-01T00:00:00Z"}
BAD = {"status": "failed", "failed": True, "finished": "2026-01-01T00:00:00Z", "job_explanation": "No such branch."}


def test_a_new_project_is_waited_for(controller, run):
    controller.progress["update"] = [RUNNING, RUNNING, GOOD]

    result = run(project, **GIT)

    assert result["changed"] is True
    assert controller.only("project_updates")["status"] == "successful"
    made = controller.only("projects")
    assert [made["scm_type"], made["scm_url"]] == ["git", "https://git.example.com/site.git"]


@pytest.mark.parametrize("wanted", [GIT, MANUAL])
def test_a_second_run_changes_nothing(controller, run, wanted):
    run(project, **wanted)
    before = len(controller.writes)

    result = run(project, **wanted)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(controller.writes) == before


@pytest.mark.parametrize("change", [{}, {"scm_branch": "v2"}, {"update_project": True}])
def test_check_mode_writes_nothing_and_predicts_the_same_diff(receiver, run, change):
    if change:
        run(project, **GIT)
    before = len(receiver.writes)

    predicted = run(project, check_mode=True, **dict(GIT, **change))

    assert len(receiver.writes) == before
    actual = run(project, **dict(GIT, **change))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_only_what_differs_is_written(receiver, run):
    run(project, **GIT)

    result = run(project, **dict(GIT, scm_branch="v2"))

    assert receiver.writes[-1].body == {"scm_branch": "v2"}
    assert result["diff"]["before"]["scm_branch"] == ""
    assert result["diff"]["after"]["scm_branch"] == "v2"


def test_an_update_on_request_is_one_update(receiver, run):
    run(project, **dict(GIT, update_project=True))
    assert len(receiver.objects["project_updates"]) == 1

    result = run(project, **dict(GIT, update_project=True))

    assert result["changed"] is True
    assert len(receiver.objects["project_updates"]) == 2


def test_an_update_that_fails_is_an_error(controller, run):
    controller.progress["update"] = [RUNNING, BAD]

    message = run.fail(project, **GIT)

    update = controller.only("project_updates")["id"]
    assert message == f"The update of project 'site' (project update {update}) ended as failed: No such branch."


def test_an_update_that_takes_too_long_is_an_error(receiver, run):
    receiver.progress["update"] = [RUNNING]

    message = run.fail(project, **dict(GIT, timeout=1, interval=0.6))

    assert message.endswith("is still running after 1 seconds. Wait longer, or see why it takes so long.")


def test_an_update_is_not_waited_for_on_request(receiver, run):
    receiver.progress["update"] = [RUNNING]

    assert run(project, **dict(GIT, wait=False))["changed"] is True


def test_the_credential_is_found_by_name_and_removed_by_an_empty_one(receiver, run):
    machine = receiver.add("credentials", name="deploy", credential_type=receiver.find_type("Machine"))
    run(project, **dict(GIT, credential="deploy"))
    assert receiver.only("projects")["credential"] == machine["id"]

    result = run(project, **dict(GIT, credential=""))

    assert receiver.only("projects")["credential"] is None
    assert [result["diff"][moment]["credential"] for moment in ("before", "after")] == ["deploy", None]


def test_absent_deletes_once(controller, run):
    run(project, **MANUAL)

    first = run(project, name="local", state="absent")
    second = run(project, name="local", state="absent")

    assert [first["changed"], second["changed"]] == [True, False]
    assert controller.objects["projects"] == {}


def test_the_refusal_of_the_server_is_shown(receiver, run):
    assert run.fail(project, organization="Elsewhere", **GIT).startswith(
        "Organization 'Elsewhere' does not exist on https://receiver.example.com"
    )
    assert receiver.writes == []


def test_the_name_is_required(receiver, run):
    assert run.fail(project, scm_type="git") == "missing required arguments: name"
