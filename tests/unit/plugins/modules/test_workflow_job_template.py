# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import job_wait, workflow_job_template
from ansible_collections.playhook.webhooks.tests.unit.fakes.run import PLANTED, keep_out_of_check

DIAMOND = [
    {"identifier": "build", "unified_job_template": "build", "success_nodes": ["left", "right"]},
    {"identifier": "left", "unified_job_template": "test", "limit": "web1", "success_nodes": ["ask"]},
    {"identifier": "right", "unified_job_template": "test", "extra_data": {"side": "right"}, "success_nodes": ["ask"]},
    {
        "identifier": "ask",
        "approval": {"name": "Deploy?", "timeout": 60},
        "all_parents_must_converge": True,
        "success_nodes": ["deploy"],
        "failure_nodes": ["tell"],
    },
    {"identifier": "deploy", "unified_job_template": "site", "type": "project"},
    {"identifier": "tell", "unified_job_template": "test", "credentials": ["deploy"], "inventory": "web"},
]
EDGES = [
    ("ask", "failure", "tell"),
    ("ask", "success", "deploy"),
    ("build", "success", "left"),
    ("build", "success", "right"),
    ("left", "success", "ask"),
    ("right", "success", "ask"),
]
ASKS = {f"ask_{name}_on_launch": True for name in ("limit", "variables", "inventory", "credential")}
NEW = {"name": "release", "organization": "Default", "nodes": DIAMOND}


@pytest.fixture(autouse=True)
def objects(request):
    """What a workflow refers to, in whichever server the test uses."""
    name = {"controller", "receiver", "awx"} & set(request.fixturenames)
    server = request.getfixturevalue("controller" if "controller" in name else name.pop())
    organization = server.only("organizations")["id"]
    server.add("projects", name="site", organization=organization)
    server.add("inventories", name="web", organization=organization)
    for each in ("build", "test"):
        server.add("job_templates", name=each, organization=organization, **ASKS)
    kind = server.find_type("Machine")
    server.add("credentials", name="deploy", organization=organization, credential_type=kind)


def with_node(identifier, **changes):
    """Return the diamond with one node changed; None takes something out of its entry."""
    changed = [dict(node, **changes) if node["identifier"] == identifier else node for node in DIAMOND]
    return [{name: value for name, value in node.items() if value is not None} for node in changed]


def test_a_graph_is_made_as_it_is_written(controller, run):
    result = run(workflow_job_template, **NEW)

    assert result["id"] == controller.only("workflow_job_templates")["id"]
    assert controller.graph() == EDGES
    assert controller.node("left")["limit"] == "web1"
    assert controller.node("right")["extra_data"] == {"side": "right"}
    assert controller.node("ask")["all_parents_must_converge"] is True
    assert controller.only("workflow_approval_templates")["timeout"] == 60
    assert controller.node("deploy")["unified_job_template"] == controller.only("projects")["id"]
    tell = controller.node("tell")
    assert tell["inventory"] == controller.only("inventories")["id"]
    assert [controller.objects["credentials"][each]["name"] for each in controller.attached[tell["id"]]] == ["deploy"]


def test_a_second_run_changes_nothing(controller, run):
    run(workflow_job_template, **NEW)
    before = len(controller.writes)

    result = run(workflow_job_template, **NEW)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(controller.writes) == before


def test_no_request_is_made_for_each_node_that_stays(controller, run):
    def count(nodes):
        run(workflow_job_template, name="release", organization="Default", nodes=nodes)
        before = len(controller.requests)
        run(workflow_job_template, name="release", organization="Default", nodes=nodes)
        return len(controller.requests) - before

    def chain(length):
        return [{"identifier": f"n{number}", "unified_job_template": "test"} for number in range(length)]

    assert count(chain(6)) == count(chain(1)), "the other five are there all the same"


TURNED = {"build": ["right"], "left": [], "ask": ["deploy", "left"]}
CHANGES = {
    "a prompt": with_node("left", limit="web2"),
    "a prompt that goes": with_node("left", limit=None),
    "an edge": with_node("build", success_nodes=["left"], failure_nodes=["right"]),
    "an edge that goes": with_node("ask", failure_nodes=[]),
    "an edge that turns round": [
        dict(node, success_nodes=TURNED.get(node["identifier"], node.get("success_nodes", []))) for node in DIAMOND
    ],
    "another template": with_node("left", unified_job_template="build"),
    "an approval's time": with_node("ask", approval={"name": "Deploy?", "timeout": 90}),
    "an approval in place of a template": with_node(
        "left", unified_job_template=None, limit=None, approval={"name": "Look?"}
    ),
    "a template in place of an approval": with_node("ask", approval=None, unified_job_template="test"),
    "a credential that goes": with_node("tell", credentials=None),
    "convergence": with_node("ask", all_parents_must_converge=False),
    "a new node": [*with_node("tell", always_nodes=["more"]), {"identifier": "more", "unified_job_template": "test"}],
}


@pytest.mark.parametrize("nodes", CHANGES.values(), ids=CHANGES)
def test_a_change_is_predicted_made_and_then_there(controller, run, nodes):
    run(workflow_job_template, **NEW)
    before = len(controller.writes)

    predicted = run(workflow_job_template, check_mode=True, **dict(NEW, nodes=nodes))
    assert len(controller.writes) == before
    made = run(workflow_job_template, **dict(NEW, nodes=nodes))
    again = run(workflow_job_template, **dict(NEW, nodes=nodes))

    assert predicted["changed"] is made["changed"] is True
    assert predicted["diff"] == made["diff"]
    assert made["diff"]["before"] != made["diff"]["after"]
    assert again["changed"] is False


def test_check_mode_before_anything_exists_predicts_the_diff(receiver, run):
    predicted = run(workflow_job_template, check_mode=True, **NEW)

    assert receiver.writes == []
    assert predicted["diff"] == run(workflow_job_template, **NEW)["diff"]


def test_the_diff_shows_the_graph_by_name(receiver, run):
    result = run(workflow_job_template, **NEW)

    assert result["diff"]["after"]["nodes"]["ask"] == {
        "approval": {"name": "Deploy?", "timeout": 60},
        "all_parents_must_converge": True,
        "success_nodes": ["deploy"],
        "failure_nodes": ["tell"],
    }
    assert result["diff"]["after"]["nodes"]["left"] == {
        "unified_job_template": "test",
        "type": "job_template",
        "limit": "web1",
        "success_nodes": ["ask"],
    }


def test_what_is_not_listed_stays_unless_it_is_purged(controller, run):
    run(workflow_job_template, **NEW)
    rest = [node for node in with_node("ask", failure_nodes=None) if node["identifier"] != "tell"]

    kept = run(workflow_job_template, **dict(NEW, nodes=rest))
    assert kept["changed"] is True
    assert controller.node("tell")["inventory"] is not None
    purged = run(workflow_job_template, purge_nodes=True, **dict(NEW, nodes=rest))

    assert purged["changed"] is True
    assert "tell" in purged["diff"]["before"]["nodes"]
    assert "tell" not in purged["diff"]["after"]["nodes"]
    names = [each["identifier"] for each in controller.objects["workflow_job_template_nodes"].values()]
    assert sorted(names) == ["ask", "build", "deploy", "left", "right"]


def test_without_nodes_the_graph_stays(controller, run):
    run(workflow_job_template, **NEW)
    run(workflow_job_template, name="release", organization="Default", limit="web")
    assert controller.graph() == EDGES
    assert controller.only("workflow_job_templates")["limit"] == "web"


def test_an_empty_prompt_is_none(controller, run):
    run(workflow_job_template, name="release", limit="web", extra_vars={"a": 1})
    assert json.loads(controller.only("workflow_job_templates")["extra_vars"]) == {"a": 1}
    assert run(workflow_job_template, name="release", limit="")["changed"] is True
    assert controller.only("workflow_job_templates")["limit"] is None
    assert run(workflow_job_template, name="release", limit="")["changed"] is False


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        (with_node("deploy", always_nodes=["build"]), "follows itself"),
        (with_node("build", success_nodes=["build"]), "'build' follows itself"),
        (with_node("build", success_nodes=["nowhere"]), "'build' leads to 'nowhere', which is no node"),
        ([*DIAMOND, DIAMOND[0]], "'build' more than once"),
        (with_node("build", failure_nodes=["left"]), "'build' leads to 'left' in two ways"),
        ([dict(DIAMOND[0], identifier="")], "nodes has the identifier ''"),
        ([dict(DIAMOND[0], identifier=" build")], "nodes has the identifier ' build'"),
        ([{"identifier": "a"}], "one of the following is required: unified_job_template, approval"),
        ([{"identifier": "a", "unified_job_template": "missing"}], "Job template 'missing' does not exist"),
    ],
)
def test_a_graph_that_cannot_be_is_refused_before_anything_is_written(receiver, run, nodes, sentence):
    message = run.fail(workflow_job_template, **dict(NEW, nodes=nodes))
    assert sentence in message
    assert receiver.writes == []


def test_a_prompt_that_a_template_does_not_ask_for_is_refused_before_anything_is_written(receiver, run):
    (template,) = (each for each in receiver.objects["job_templates"].values() if each["name"] == "test")
    template["ask_limit_on_launch"] = False

    message = run.fail(workflow_job_template, **NEW)

    assert message == (
        "Node 'left' has limit, and 'test' does not ask for it. Set ask_limit_on_launch there, or leave it out here."
    )
    assert receiver.writes == []
    run(workflow_job_template, check_mode=True, **NEW)
    assert [each for each in run.warnings if "ask_limit_on_launch" in each] != []


def test_a_password_that_a_node_answers_is_neither_shown_nor_sent_again(controller, run):
    (template,) = (each for each in controller.objects["job_templates"].values() if each["name"] == "test")
    template["survey_enabled"] = True
    question = {"question_name": "Password?", "variable": "password", "type": "password", "required": True}
    controller.surveys[template["id"]] = {"name": "", "description": "", "spec": [question]}
    answers = {"side": "right", "password": PLANTED}
    with_answers = dict(NEW, nodes=with_node("right", extra_data=answers))

    made = run(workflow_job_template, **with_answers)
    again = run(workflow_job_template, **with_answers)
    anew = run(workflow_job_template, update_survey_secrets=True, **with_answers)

    assert [each["changed"] for each in (made, again, anew)] == [True, False, True]
    assert made["diff"]["after"]["nodes"]["right"]["extra_data"] == {"side": "right", "password": "$encrypted$"}
    assert anew["diff"]["after"]["nodes"]["right"]["extra_data"] == {"side": "right", "password": "changed"}
    assert controller.node("right")["extra_data"] == answers
    keep_out_of_check(run, made)  # a module's arguments are in its output, for -vvv; a task with a secret has no_log
    sent = [each.body["extra_data"] for each in controller.writes if "extra_data" in (each.body or {})]
    assert sent == [answers, answers]


def test_a_cycle_through_a_node_that_is_not_listed_is_refused(receiver, run):
    run(workflow_job_template, **NEW)
    before = len(receiver.writes)
    nodes = [{"identifier": "deploy", "unified_job_template": "site", "type": "project", "success_nodes": ["build"]}]
    assert "follows itself" in run.fail(workflow_job_template, **dict(NEW, nodes=nodes))
    assert len(receiver.writes) == before


def test_a_webhook_has_an_address_and_a_key(controller, run):
    made = run(workflow_job_template, webhook_service="github", **NEW)
    asked = keep_out_of_check(run, run(workflow_job_template, name="release", return_webhook_key=True))
    template = controller.only("workflow_job_templates")
    assert made["webhook_url"].endswith(f"/api/v2/workflow_job_templates/{template['id']}/github/")
    assert asked["webhook_key"] == controller.keys[template["id"]]
    assert asked["changed"] is False


def test_a_rotation_needs_a_webhook(receiver, run):
    run(workflow_job_template, **NEW)
    message = run.fail(workflow_job_template, name="release", rotate_webhook_key=True)
    assert message == "rotate_webhook_key needs webhook_service: workflow job template 'release' has no webhook."


def test_absence_is_made_once(controller, run):
    run(workflow_job_template, **NEW)
    absent = {"name": "release", "organization": "Default", "state": "absent"}
    assert run(workflow_job_template, **absent)["changed"] is True
    assert run(workflow_job_template, **absent)["changed"] is False
    assert controller.objects["workflow_job_templates"] == {}


def test_a_workflow_job_is_waited_for(receiver, run):
    job = receiver.add("workflow_jobs", status="running")
    receiver.progress[job["id"]] = [{"status": "successful", "finished": "now"}]
    result = run(job_wait, job_id=job["id"], job_type="workflow_jobs", interval=0.01)
    assert result["status"] == "successful"
