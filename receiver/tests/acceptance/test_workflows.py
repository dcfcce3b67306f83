# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows in a running receiver: from the webhook to the status on the commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Installation, MakeInstallation, Template
from tests.acceptance.deliver import deliver_github
from tests.fakes.github import GitHubFake

Edges = Sequence[tuple[str, str, str]]


@pytest.fixture
def github() -> Iterator[GitHubFake]:
    with GitHubFake(token="ghp_right") as fake:
        yield fake


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def make_workflow(live: Installation, name: str, nodes: Mapping[str, int | None], edges: Edges, **fields: Any) -> Any:
    """Make a workflow of nodes by identifier and template; returns it with the ids of its nodes."""
    body = {"name": name, "organization": live.organization, **fields}
    made = live.post("workflow_job_templates/", body)
    ids: dict[str, int] = {}
    for identifier, template in nodes.items():
        node = {"identifier": identifier, "unified_job_template": template}
        ids[identifier] = live.post(f"workflow_job_templates/{made['id']}/workflow_nodes/", node)["id"]
    for parent, child, kind in edges:
        live.post(f"workflow_job_template_nodes/{ids[parent]}/{kind}_nodes/", {"id": ids[child]})
    return {**made, "nodes": ids}


def make_job(live: Installation, name: str, *tasks: str, **fields: Any) -> int:
    """Make a job template with a playbook of its own."""
    playbook = f"{name.replace(' ', '_')}.yml"
    live.write_playbook(playbook, *tasks)
    body = {"name": name, "project": live.project, "inventory": live.inventory, "playbook": playbook, **fields}
    return int(live.post("job_templates/", body)["id"])


def webhook_of(live: Installation, workflow: Any) -> Template:
    key = live.get(f"workflow_job_templates/{workflow['id']}/webhook_key/")["webhook_key"]
    return Template(id=workflow["id"], path=workflow["related"]["webhook_receiver"], key=key)


def posting(live: Installation, name: str, github: GitHubFake) -> dict[str, Any]:
    """Return the fields of a workflow that has a webhook and posts statuses to the fake."""
    kind = "GitHub Personal Access Token"
    credential = live.make_token_credential(name, kind, token="ghp_right", api_url=github.url)
    return {"webhook_service": "github", "webhook_credential": credential}


def launch(live: Installation, workflow: Any) -> int:
    return int(live.post(f"workflow_job_templates/{workflow['id']}/launch/", {})["workflow_job"])


def wait_until(found: Callable[[], Any], timeout: float = 90.0) -> Any:
    deadline = time.monotonic() + timeout
    while not (value := found()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


def wait_for_workflow(live: Installation, job_id: int) -> Any:
    def ended() -> Any:
        job = live.get(f"workflow_jobs/{job_id}/")
        return job if job["finished"] else None

    return wait_until(ended)


def nodes_of(live: Installation, job_id: int) -> dict[str, Any]:
    """Return a workflow job's nodes by identifier."""
    found = live.get(f"workflow_jobs/{job_id}/workflow_nodes/", page_size=200)["results"]
    return {node["identifier"]: node for node in found}


def states_of(live: Installation, job_id: int) -> dict[str, str]:
    return {
        identifier: "skipped" if node["do_not_run"] else node["summary_fields"].get("job", {}).get("status", "")
        for identifier, node in nodes_of(live, job_id).items()
    }


def wait_for_node(live: Installation, job_id: int, identifier: str, status: str = "pending") -> int:
    """Wait until a node's job has a status; returns the job's id."""
    wait_until(lambda: states_of(live, job_id)[identifier] == status)
    return int(nodes_of(live, job_id)[identifier]["job"])


def test_a_webhook_runs_a_diamond_to_a_green_status(
    installation: Installation, github: GitHubFake, name: str, tmp_path: Path
) -> None:
    live, pwned = installation, tmp_path / "pwned"
    build = make_job(
        live,
        f"build {name}",
        "- ansible.builtin.set_stats:\n    data: {title: '{{ awx_webhook_payload.pull_request.title }}', image: app-1}",
        "- ansible.builtin.set_stats:\n    data: {hidden: true}\n    per_host: true",
    )
    side = make_job(live, f"side {name}", "- ansible.builtin.debug: {msg: '{{ awx_webhook_event_ref }}'}")
    deploy = make_job(
        live,
        f"deploy {name}",
        "- ansible.builtin.debug: {msg: '{{ title }}'}",
        "- ansible.builtin.assert:\n"
        "    that:\n"
        "    - image == 'app-1'\n"
        "    - hidden is undefined\n"
        "    - color == 'of the workflow'\n"
        "    - awx_workflow_job_id == tower_workflow_job_id\n"
        f"    - awx_workflow_job_name == '{name}'\n"
        "    - awx_workflow_job_launch_type == 'webhook'\n"
        "    - awx_job_launch_type == 'workflow'\n"
        "    - playhook_event.kind == 'pull_request'",
        extra_vars="color: of the template",
    )
    workflow = make_workflow(
        live,
        name,
        {"build": build, "left": side, "right": side, "deploy": deploy},
        [("build", "left", "success"), ("build", "right", "success"),
         ("left", "deploy", "success"), ("right", "deploy", "success")],
        extra_vars="color: of the workflow",
        **posting(live, name, github),
    )  # fmt: skip
    hook = webhook_of(live, workflow)
    title = f"{{{{ lookup('pipe', 'touch {pwned}') }}}}"
    payload = github.payload("pull_request.opened", {"pull_request": {"title": title}})

    answer = deliver_github(live.url + hook.path, hook.key, payload)
    job = wait_for_workflow(live, answer.json()["job"])

    assert (job["status"], states_of(live, job["id"])) == (
        "successful", dict.fromkeys(("build", "left", "right", "deploy"), "successful"),
    )  # fmt: skip
    posted = github.wait_for_statuses(2)
    assert [(each["state"], each["description"]) for each in posted] == [
        ("pending", "The workflow is queued."),
        ("success", "4 of 4 jobs"),
    ]
    assert {each["context"] for each in posted} == {f"playhook/{name}"}
    assert all(each["target_url"].endswith(f"/workflow_jobs/{job['id']}/") for each in posted)
    assert not pwned.exists(), "what set_stats leaves is never a template"
    delivery = live.get(f"webhook_deliveries/{answer.json()['delivery']}/")
    assert str(job["id"]) in str(delivery), "the delivery shows its workflow job"


def test_failures_go_their_way_and_each_node_may_post(
    installation: Installation, github: GitHubFake, name: str
) -> None:
    live = installation
    good = make_job(live, f"good {name}", "- ansible.builtin.debug: {msg: fine}")
    bad = make_job(live, f"bad {name}", "- ansible.builtin.fail: {msg: broken}")
    options = {**posting(live, name, github), "playhook": {"node_statuses": True}}
    nodes = {"good": good, "bad": bad, "any": good, "all": good, "mend": bad}
    edges = [("good", "any", "success"), ("bad", "any", "success"), ("good", "all", "success"),
             ("bad", "all", "success"), ("bad", "mend", "failure")]  # fmt: skip
    workflow = make_workflow(live, name, nodes, edges, **options)
    live.patch(f"workflow_job_template_nodes/{workflow['nodes']['all']}/", {"all_parents_must_converge": True})
    hook = webhook_of(live, workflow)

    answer = deliver_github(live.url + hook.path, hook.key, github.payload("pull_request.opened"))
    job = wait_for_workflow(live, answer.json()["job"])

    assert states_of(live, job["id"]) == {
        "good": "successful", "bad": "failed", "any": "successful", "all": "skipped", "mend": "failed",
    }  # fmt: skip
    assert (job["status"], job["job_explanation"]) == (
        "failed", "No error handling paths found, marking workflow as failed",
    )  # fmt: skip
    posted = github.wait_for_statuses(10)
    own = [each for each in posted if each["context"] == f"playhook/{name}"]
    assert own[-1]["state"] == "failure"
    assert own[-1]["description"] == f"2 of 4 jobs, failed: bad {name}, bad {name}"
    last = {each["context"].removeprefix(f"playhook/{name}/"): each["state"] for each in posted if each not in own}
    assert last == {"good": "success", "bad": "failure", "any": "success", "mend": "failure"}


def test_approvals_are_approved_denied_and_expire(installation: Installation, name: str) -> None:
    live = installation
    workflow = make_workflow(
        live, name, dict.fromkeys(("yes", "no", "late", "after"), None), [("yes", "after", "success")]
    )
    for identifier, timeout in (("yes", 0), ("no", 0), ("late", 1), ("after", 0)):
        path = f"workflow_job_template_nodes/{workflow['nodes'][identifier]}/create_approval_template/"
        live.post(path, {"name": identifier, "timeout": timeout})
    job_id = launch(live, workflow)

    asked = {each: wait_for_node(live, job_id, each) for each in ("yes", "no")}
    live.post(f"workflow_approvals/{asked['yes']}/approve/", {})
    live.post(f"workflow_approvals/{asked['no']}/deny/", {})
    live.post(f"workflow_approvals/{wait_for_node(live, job_id, 'after')}/approve/", {})
    job = wait_for_workflow(live, job_id)

    assert job["status"] == "failed"
    assert states_of(live, job_id) == {"yes": "successful", "no": "failed", "late": "failed", "after": "successful"}
    late = live.get(f"workflow_approvals/{nodes_of(live, job_id)['late']['job']}/")
    assert late["timed_out"]
    assert late["job_explanation"] == f"The approval node late ({late['id']}) has expired after 1 seconds."


def test_a_nested_workflow_hands_on_what_its_jobs_left(installation: Installation, name: str) -> None:
    live = installation
    first = make_job(live, f"first {name}", "- ansible.builtin.set_stats: {data: {one: 1}}")
    check = "- ansible.builtin.assert: {that: one == 1}"
    second = make_job(live, f"second {name}", check, "- ansible.builtin.set_stats: {data: {two: 2}}")
    third = make_job(live, f"third {name}", "- ansible.builtin.assert: {that: one + two == 3}")
    inner = make_workflow(live, f"inner {name}", {"second": second}, [])
    nodes = {"first": first, "inner": inner["id"], "third": third}
    outer = make_workflow(live, name, nodes, [("first", "inner", "success"), ("inner", "third", "success")])

    job = wait_for_workflow(live, launch(live, outer))

    assert (job["status"], states_of(live, job["id"])) == ("successful", dict.fromkeys(nodes, "successful"))


def test_a_cancel_in_the_middle_ends_all_of_it(installation: Installation, github: GitHubFake, name: str) -> None:
    live = installation
    sleep = make_job(live, f"sleep {name}", "- ansible.builtin.command: sleep 300")
    nodes = {"now": sleep, "never": sleep}
    workflow = make_workflow(live, name, nodes, [("now", "never", "always")], **posting(live, name, github))
    hook = webhook_of(live, workflow)
    job_id = deliver_github(live.url + hook.path, hook.key, github.payload("pull_request.opened")).json()["job"]
    wait_for_node(live, job_id, "now", "running")

    live.post(f"workflow_jobs/{job_id}/cancel/", {})
    job = wait_for_workflow(live, job_id)

    assert (job["status"], states_of(live, job_id)) == ("canceled", {"now": "canceled", "never": "skipped"})
    last = github.wait_for_statuses(2)[-1]
    assert (last["state"], last["description"]) == ("failure", f"0 of 1 job, canceled: sleep {name}")


def test_a_kill_in_the_middle_runs_no_node_twice(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_WORKERS="2")
    ran, go = live.home / "ran", live.home / "go"
    names = ("one", "two", "three", "four")
    # The third one waits until all the kills are over: none of them is to meet the last one.
    waits = {"three": f"until [ -e {go} ]; do sleep 0.05; done; "}
    jobs = {
        each: make_job(live, each, f"- ansible.builtin.shell: {waits.get(each, '')}echo {each} >> {ran}")
        for each in names
    }
    edges = [(parent, child, "always") for parent, child in pairwise(names)]
    job_id = launch(live, make_workflow(live, "chain", jobs, edges))

    for count in (1, 2):
        wait_until(lambda count=count: ran.exists() and len(ran.read_text().split()) >= count)
        live.kill()
        live.start()
    go.touch()
    job = wait_for_workflow(live, job_id)

    lines = ran.read_text().split()
    assert len(lines) == len(set(lines)), "a node ran twice"
    assert lines == [each for each in names if each in lines], "in order"
    # A playbook that the kill met in its last moment is `error`; it may have done its work, and the chain goes on.
    assert set(states_of(live, job_id).values()) <= {"successful", "error"}
    assert states_of(live, job_id)["four"] == "successful"
    assert job["status"] == "successful"


def test_a_receiver_without_workers_leaves_workflows_pending(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_WORKERS="0")
    job = make_job(live, "job", "- ansible.builtin.debug:")
    job_id = launch(live, make_workflow(live, "waits", {"one": job}, []))

    time.sleep(1)

    assert live.get(f"workflow_jobs/{job_id}/")["status"] == "pending"
    assert nodes_of(live, job_id)["one"]["job"] is None
