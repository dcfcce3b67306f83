# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow job templates, their nodes and the edges between them, as AWX answers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import PASSWORD, World, create, type_id

TEMPLATES = "/api/v2/workflow_job_templates/"
NODES = "/api/v2/workflow_job_template_nodes/"


@pytest.fixture
def workflow(api: Api, world: World) -> dict[str, Any]:
    return create(api, "workflow_job_templates", name="Release", organization=world.organization["id"])


def node_of(api: Api, workflow: dict[str, Any], runs: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    runs_id = {"unified_job_template": runs["id"]} if runs else {}
    return create(api, "workflow_job_template_nodes", workflow_job_template=workflow["id"], **runs_id, **fields)


def link(api: Api, parent: dict[str, Any], kind: str, child: dict[str, Any]) -> Any:
    return api.post(f"{NODES}{parent['id']}/{kind}_nodes/", {"id": child["id"]})


class TestTemplate:
    def test_prompts_that_are_not_set_are_null(self, workflow: dict[str, Any]) -> None:
        prompts = ("limit", "scm_branch", "job_tags", "skip_tags", "inventory")
        assert {name: workflow[name] for name in prompts} == dict.fromkeys(prompts)

    def test_prompts_are_read_back(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        wanted = {"limit": "web", "scm_branch": "main", "job_tags": "a", "inventory": world.inventory["id"]}
        api.patch(workflow["url"], wanted)
        shown = api.get(workflow["url"]).json()
        assert {name: shown[name] for name in wanted} == wanted

    def test_a_prompt_set_to_null_is_taken_away(self, api: Api, workflow: dict[str, Any]) -> None:
        api.patch(workflow["url"], {"limit": "web"})
        assert api.patch(workflow["url"], {"limit": None}).json()["limit"] is None

    def test_the_organization_may_be_left_out(self, api: Api, world: World) -> None:
        assert create(api, "workflow_job_templates", name="Alone")["organization"] is None

    def test_two_of_one_name_are_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        answer = api.post(TEMPLATES, {"name": "Release", "organization": workflow["organization"]})
        sentence = "WorkflowJobTemplate with this (name, organization) combination already exists."
        assert (answer.status, answer.json()) == (400, {"__all__": [sentence]})

    def test_the_name_is_required(self, api: Api) -> None:
        answer = api.post(TEMPLATES, {})
        assert (answer.status, answer.json()) == (400, {"name": ["This field is required."]})

    def test_a_webhook_gets_a_key_and_an_address(self, api: Api, workflow: dict[str, Any]) -> None:
        shown = api.patch(workflow["url"], {"webhook_service": "github"}).json()
        key = api.get(f"{workflow['url']}webhook_key/").json()["webhook_key"]
        assert shown["related"]["webhook_receiver"] == f"{workflow['url']}github/"
        assert shown["playhook"]["webhook_url"].endswith(f"{workflow['url']}github/")
        assert len(key) == 50

    def test_a_credential_of_another_service_is_refused(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        answer = api.patch(workflow["url"], {"webhook_service": "gitlab", "webhook_credential": world.credential["id"]})
        assert (answer.status, answer.json()) == (
            400,
            {"webhook_credential": ["Must match the selected webhook service."]},
        )

    def test_filters_are_ours_and_kept(self, api: Api, workflow: dict[str, Any]) -> None:
        shown = api.patch(workflow["url"], {"webhook_service": "github", "playhook": {"preset": "ci"}}).json()
        assert shown["playhook"]["preset"] == "ci"

    def test_nodes_post_statuses_when_asked(self, api: Api, workflow: dict[str, Any]) -> None:
        assert workflow["playhook"]["node_statuses"] is False
        shown = api.patch(workflow["url"], {"playhook": {"node_statuses": True}}).json()
        assert shown["playhook"]["node_statuses"] is True
        wrong = api.patch(workflow["url"], {"playhook": {"node_statuses": "yes"}})
        assert (wrong.status, wrong.json()) == (400, {"playhook": ["node_statuses: true or false is wanted."]})

    def test_a_value_that_no_node_would_get_is_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        values = {"limit": "'web1'", "job_type": "'check'"}
        rules = {"vars_from_payload": values, "allowed_values": {"limit": ["web1"], "job_type": ["check"]}}
        wrong = api.patch(workflow["url"], {"playhook": rules})
        sentence = "vars_from_payload.job_type: A workflow hands no job_type to its nodes."
        assert (wrong.status, wrong.json()) == (400, {"playhook": [sentence]})

    def test_it_can_be_named(self, api: Api, workflow: dict[str, Any]) -> None:
        assert api.get(f"{TEMPLATES}Release++Shop/").json()["id"] == workflow["id"]

    def test_it_is_among_the_unified_job_templates(self, api: Api, workflow: dict[str, Any]) -> None:
        found = api.get("/api/v2/unified_job_templates/", name="Release").json()["results"]
        assert [(each["id"], each["type"]) for each in found] == [(workflow["id"], "workflow_job_template")]

    def test_deleting_it_deletes_nodes_and_approvals(self, api: Api, workflow: dict[str, Any]) -> None:
        node = node_of(api, workflow)
        approval = api.post(f"{node['url']}create_approval_template/", {"name": "Ask"}).json()
        assert api.delete(workflow["url"]).status == 204
        assert [api.get(url).status for url in (node["url"], approval["url"], workflow["url"])] == [404] * 3


class TestNode:
    def test_an_identifier_is_made_when_none_is_given(self, api: Api, workflow: dict[str, Any]) -> None:
        first, second = node_of(api, workflow), node_of(api, workflow)
        assert len(first["identifier"]) == 36
        assert first["identifier"] != second["identifier"]

    def test_an_identifier_is_used_once(self, api: Api, workflow: dict[str, Any]) -> None:
        node_of(api, workflow, identifier="one")
        answer = api.post(NODES, {"workflow_job_template": workflow["id"], "identifier": "one"})
        sentence = "Workflow job template node with this Identifier and Workflow job template already exists."
        assert (answer.status, answer.json()) == (400, {"__all__": [sentence]})

    def test_it_belongs_to_a_workflow(self, api: Api, world: World) -> None:
        answer = api.post(NODES, {"unified_job_template": world.template["id"]})
        assert (answer.status, answer.json()) == (400, {"workflow_job_template": ["This field is required."]})

    def test_it_stays_in_its_workflow(self, api: Api, workflow: dict[str, Any]) -> None:
        node = node_of(api, workflow)
        other = create(api, "workflow_job_templates", name="Other")
        changed = api.patch(node["url"], {"workflow_job_template": other["id"]}).json()
        assert changed["workflow_job_template"] == workflow["id"]

    def test_a_template_that_is_not_there_is_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        answer = api.post(NODES, {"workflow_job_template": workflow["id"], "unified_job_template": 999})
        sentence = 'Invalid pk "999" - object does not exist.'
        assert (answer.status, answer.json()) == (400, {"unified_job_template": [sentence]})

    @pytest.mark.parametrize("method", ["post", "patch", "put"])
    def test_an_identifier_is_not_taken_away(self, api: Api, workflow: dict[str, Any], method: str) -> None:
        node = node_of(api, workflow, identifier="build")
        url = NODES if method == "post" else node["url"]
        answer = getattr(api, method)(url, {"workflow_job_template": workflow["id"], "identifier": " "})
        assert (answer.status, answer.json()) == (400, {"identifier": ["This field may not be blank."]})
        kept = api.put(node["url"], {"workflow_job_template": workflow["id"], "all_parents_must_converge": True})
        assert (kept.status, kept.json()["identifier"]) == (200, "build")

    def test_it_is_made_below_its_workflow(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        path = f"{workflow['url']}workflow_nodes/"
        made = api.post(path, {"unified_job_template": world.template["id"], "identifier": "one"})
        assert made.status == 201
        assert [each["identifier"] for each in api.get(path).json()["results"]] == ["one"]
        assert made.json()["workflow_job_template"] == workflow["id"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("limit", "web"), ("scm_branch", "main"), ("job_type", "check"), ("job_tags", "a"), ("skip_tags", "a"),
            ("diff_mode", True), ("verbosity", 2), ("forks", 3), ("job_slice_count", 3), ("timeout", 3),
        ],
    )  # fmt: skip
    def test_a_prompt_that_is_not_asked_for_is_refused(
        self, api: Api, workflow: dict[str, Any], world: World, field: str, value: Any
    ) -> None:
        body = {"workflow_job_template": workflow["id"], "unified_job_template": world.template["id"], field: value}
        answer = api.post(NODES, body)
        assert (answer.status, answer.json()) == (400, {field: ["Field is not configured to prompt on launch."]})

    def test_what_is_asked_for_is_taken(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        api.patch(world.template["url"], {"ask_limit_on_launch": True, "ask_variables_on_launch": True})
        node = node_of(api, workflow, world.template, limit="web", extra_data={"stage": "canary"})
        assert (node["limit"], node["extra_data"]) == ("web", {"stage": "canary"})

    def test_variables_that_are_not_asked_for_are_refused(
        self, api: Api, workflow: dict[str, Any], world: World
    ) -> None:
        answer = api.patch(node_of(api, workflow, world.template)["url"], {"extra_data": {"a": 1, "b": 2}})
        sentence = (
            "Variables a, b are not allowed on launch. Check the Prompt on Launch setting on the Job Template to "
            "include Extra Variables."
        )
        assert (answer.status, answer.json()) == (400, {"extra_data": [sentence]})

    def test_a_project_is_asked_nothing(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        answer = api.patch(node_of(api, workflow, world.project)["url"], {"limit": "web", "extra_data": {"a": 1}})
        never = ["Field is not allowed on launch."]
        assert (answer.status, answer.json()) == (400, {"limit": never, "extra_data": never})

    def test_a_node_whose_template_was_deleted_has_none(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        node = node_of(api, workflow, world.template)
        api.delete(world.template["url"])
        shown = api.get(node["url"]).json()
        assert shown["unified_job_template"] is None
        assert "unified_job_template" not in shown["related"]
        assert api.get(f"{workflow['url']}launch/").json()["node_templates_missing"] == [node["id"]]

    def test_a_workflow_may_be_a_node_of_itself(self, api: Api, workflow: dict[str, Any]) -> None:
        # AWX takes it; the recursion is found when it runs.
        assert node_of(api, workflow, workflow)["unified_job_template"] == workflow["id"]

    def test_a_credential_that_is_not_asked_for_is_refused(
        self, api: Api, workflow: dict[str, Any], world: World
    ) -> None:
        node = node_of(api, workflow, world.template)
        answer = api.post(f"{node['url']}credentials/", {"id": world.credential["id"]})
        sentence = "Related template is not configured to accept credentials on launch."
        assert (answer.status, answer.json()) == (400, {"msg": sentence})

    def test_a_credential_that_is_asked_for_is_attached(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        api.patch(world.template["url"], {"ask_credential_on_launch": True})
        machine = create(api, "credentials", name="ssh", credential_type=type_id(api, "ssh"),
                         organization=world.organization["id"], inputs={})  # fmt: skip
        node = node_of(api, workflow, world.template)
        assert api.post(f"{node['url']}credentials/", {"id": machine["id"]}).status == 204
        assert [each["id"] for each in api.get(f"{node['url']}credentials/").json()["results"]] == [machine["id"]]
        node_of(api, workflow, world.template)
        held = api.get(f"{workflow['url']}workflow_nodes/", credentials__isnull="False").json()
        assert [each["id"] for each in held["results"]] == [node["id"]]

    def test_a_reader_changes_nothing(self, api: Api, workflow: dict[str, Any]) -> None:
        create(api, "users", username="audit", password="only-reads-1", is_system_auditor=True)
        auditor = api.login("audit", "only-reads-1")
        node = node_of(api, workflow)
        assert auditor.get(node["url"]).status == 200
        assert auditor.patch(node["url"], {"identifier": "x"}).status == 403
        assert auditor.post(f"{node['url']}success_nodes/", {"id": node["id"]}).status == 403
        assert auditor.post(f"{workflow['url']}launch/", {}).status == 403


class TestEdges:
    def test_an_edge_leads_from_parent_to_child(self, api: Api, workflow: dict[str, Any]) -> None:
        first, second, third = (node_of(api, workflow) for _each in range(3))
        assert link(api, first, "success", second).status == 204
        assert link(api, first, "failure", third).status == 204
        shown = api.get(first["url"]).json()
        assert shown["success_nodes"] == [second["id"]]
        assert shown["failure_nodes"] == [third["id"]]
        assert [each["id"] for each in api.get(f"{first['url']}failure_nodes/").json()["results"]] == [third["id"]]

    def test_a_cycle_is_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        first, second, third = (node_of(api, workflow) for _each in range(3))
        link(api, first, "success", second)
        link(api, second, "always", third)
        answer = link(api, third, "failure", first)
        assert (answer.status, answer.json()) == (400, {"Error": "Cycle detected."})

    def test_an_edge_to_itself_is_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        node = node_of(api, workflow)
        answer = link(api, node, "success", node)
        assert (answer.status, answer.json()) == (400, {"Error": "Cycle detected."})

    def test_a_second_way_to_the_same_node_is_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        first, second = node_of(api, workflow), node_of(api, workflow)
        link(api, first, "success", second)
        answer = link(api, first, "failure", second)
        assert (answer.status, answer.json()) == (400, {"Error": "Relationship not allowed."})

    def test_the_same_edge_again_is_no_error(self, api: Api, workflow: dict[str, Any]) -> None:
        first, second = node_of(api, workflow), node_of(api, workflow)
        assert [link(api, first, "success", second).status for _each in range(2)] == [204, 204]
        assert api.get(first["url"]).json()["success_nodes"] == [second["id"]]

    def test_a_node_of_another_workflow_is_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        here = node_of(api, workflow)
        there = node_of(api, create(api, "workflow_job_templates", name="Other"))
        answer = link(api, here, "success", there)
        assert answer.status == 400
        assert answer.json()["Error"].startswith("Relationship not allowed")

    def test_an_edge_is_taken_away(self, api: Api, workflow: dict[str, Any]) -> None:
        first, second = node_of(api, workflow), node_of(api, workflow)
        link(api, first, "success", second)
        body = {"id": second["id"], "disassociate": True}
        assert api.post(f"{first['url']}success_nodes/", body).status == 204
        assert api.get(first["url"]).json()["success_nodes"] == []

    def test_a_child_is_made_below_its_parent(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        first = node_of(api, workflow)
        made = api.post(f"{first['url']}always_nodes/", {"unified_job_template": world.template["id"]})
        assert made.status == 201
        assert made.json()["workflow_job_template"] == workflow["id"]
        assert api.get(first["url"]).json()["always_nodes"] == [made.json()["id"]]


class TestApproval:
    def test_a_node_is_given_an_approval(self, api: Api, workflow: dict[str, Any]) -> None:
        node = node_of(api, workflow)
        made = api.post(f"{node['url']}create_approval_template/", {"name": "Ask", "timeout": 60})
        assert made.status == 201
        assert made.json()["type"] == "workflow_approval_template"
        shown = api.get(node["url"]).json()
        assert shown["unified_job_template"] == made.json()["id"]
        summary = shown["summary_fields"]["unified_job_template"]
        assert (summary["unified_job_type"], summary["timeout"]) == ("workflow_approval", 60)

    def test_it_needs_a_name(self, api: Api, workflow: dict[str, Any]) -> None:
        answer = api.post(f"{node_of(api, workflow)['url']}create_approval_template/", {"timeout": 60})
        assert (answer.status, answer.json()) == (400, {"name": ["This field is required."]})

    def test_it_goes_with_its_node(self, api: Api, workflow: dict[str, Any]) -> None:
        node = node_of(api, workflow)
        approval = api.post(f"{node['url']}create_approval_template/", {"name": "Ask"}).json()
        api.delete(node["url"])
        assert api.get(approval["url"]).status == 404

    def test_it_goes_when_the_node_runs_something_else(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        node = node_of(api, workflow)
        approval = api.post(f"{node['url']}create_approval_template/", {"name": "Ask"}).json()
        api.patch(node["url"], {"unified_job_template": world.template["id"]})
        assert api.get(approval["url"]).status == 404

    def test_it_is_changed(self, api: Api, workflow: dict[str, Any]) -> None:
        node = node_of(api, workflow)
        approval = api.post(f"{node['url']}create_approval_template/", {"name": "Ask"}).json()
        assert api.patch(approval["url"], {"timeout": 30}).json()["timeout"] == 30


class TestCopy:
    def test_it_says_what_cannot_be_copied(self, api: Api, workflow: dict[str, Any]) -> None:
        assert api.get(f"{workflow['url']}copy/").json() == {
            "can_copy": True,
            "can_copy_without_user_input": True,
            "templates_unable_to_copy": [],
            "credentials_unable_to_copy": [],
            "inventories_unable_to_copy": [],
        }

    def test_the_graph_is_copied(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        api.patch(world.template["url"], {"ask_limit_on_launch": True})
        first = node_of(api, workflow, world.template, identifier="build", limit="web")
        second = node_of(api, workflow, identifier="ask")
        approval = api.post(f"{second['url']}create_approval_template/", {"name": "Ask", "timeout": 9}).json()
        link(api, first, "failure", second)
        copy = api.post(f"{workflow['url']}copy/", {"name": "Release 2"})
        assert copy.status == 201
        nodes = api.get(f"{copy.json()['url']}workflow_nodes/").json()["results"]
        build, ask = nodes
        assert [(each["identifier"], each["limit"]) for each in nodes] == [("build", "web"), ("ask", None)]
        assert build["failure_nodes"] == [ask["id"]]
        assert ask["unified_job_template"] not in (None, approval["id"])
        assert ask["summary_fields"]["unified_job_template"]["timeout"] == 9
        assert api.get(first["url"]).json()["failure_nodes"] == [second["id"]]

    def test_a_copy_has_a_key_of_its_own(self, api: Api, workflow: dict[str, Any]) -> None:
        api.patch(workflow["url"], {"webhook_service": "github"})
        copy = api.post(f"{workflow['url']}copy/", {"name": "Release 2"}).json()
        keys = [api.get(f"{each['url']}webhook_key/").json()["webhook_key"] for each in (workflow, copy)]
        assert len(set(keys)) == 2


class TestLaunch:
    def test_it_says_what_it_asks_for(self, api: Api, workflow: dict[str, Any], world: World) -> None:
        api.patch(world.template["url"], {"ask_limit_on_launch": True})
        node = node_of(api, workflow, world.template, limit="web")
        api.patch(world.template["url"], {"ask_limit_on_launch": False})
        shown = api.get(f"{workflow['url']}launch/").json()
        assert shown["node_prompts_rejected"] == [node["id"]]
        assert shown["can_start_without_user_input"] is True
        assert shown["defaults"] == {
            "inventory": {"name": None, "id": None}, "limit": None, "scm_branch": None, "job_tags": None,
            "skip_tags": None, "extra_vars": "",
        }  # fmt: skip

    def test_it_makes_a_workflow_job(self, api: Api, workflow: dict[str, Any]) -> None:
        answer = api.post(f"{workflow['url']}launch/", {})
        made = answer.json()
        assert answer.status == 201
        assert made["workflow_job"] == made["id"]
        assert (made["type"], made["status"], made["launch_type"]) == ("workflow_job", "pending", "manual")
        assert (made["limit"], made["extra_vars"], made["ignored_fields"]) == (None, "{}", {})
        assert answer.headers["location"] == made["url"]

    @pytest.mark.parametrize("field", ["limit", "scm_branch", "job_tags", "skip_tags"])
    def test_what_is_not_asked_for_is_refused(self, api: Api, workflow: dict[str, Any], field: str) -> None:
        answer = api.post(f"{workflow['url']}launch/", {field: "web"})
        assert (answer.status, answer.json()) == (400, {field: ["Field is not configured to prompt on launch."]})

    def test_variables_that_are_not_asked_for_are_refused(self, api: Api, workflow: dict[str, Any]) -> None:
        answer = api.post(f"{workflow['url']}launch/", {"extra_vars": {"a": 1}})
        sentence = (
            "Variables a are not allowed on launch. Check the Prompt on Launch setting on the Workflow Job Template "
            "to include Extra Variables."
        )
        assert (answer.status, answer.json()) == (400, {"extra_vars": [sentence]})

    def test_what_is_asked_for_is_taken(self, api: Api, workflow: dict[str, Any]) -> None:
        api.patch(workflow["url"], {"ask_limit_on_launch": True, "ask_variables_on_launch": True, "extra_vars": "a: 1"})
        made = api.post(f"{workflow['url']}launch/", {"limit": "web", "extra_vars": "b: 2"}).json()
        assert (made["limit"], made["extra_vars"]) == ("web", '{"a": 1, "b": 2}')

    def test_an_operator_may_launch(self, api: Api, workflow: dict[str, Any]) -> None:
        create(api, "users", username="op", password="operates-1", playhook={"role": "operator"})
        assert api.login("op", "operates-1").post(f"{workflow['url']}launch/", {}).status == 201
        assert api.login("admin", PASSWORD).get("/api/v2/workflow_jobs/").json()["count"] == 1
