# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `awx` command of awxkit: it logs in with a session and builds its flags from OPTIONS."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import client_environment
from tests.integration.worker.repositories import Repository
from tests.live import LiveReceiver
from tests.tls import Tls

Awx = Callable[..., str]


def make_awx(command: Path, receiver: LiveReceiver, tls: Tls) -> Awx:
    """Return a function that runs the command against a receiver and returns what it prints."""
    environment = client_environment(receiver, tls)

    def run(*arguments: str, status: int = 0, stdin: str = "", **env: str) -> str:
        done = subprocess.run(
            [str(command), *arguments],
            env={**environment, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}\n{receiver.log()[-4000:]}"
        return done.stdout + (done.stderr if status else "")

    return run


@pytest.fixture(scope="module")
def awx(awx_command: Path, receiver: LiveReceiver, tls: Tls) -> Awx:
    """The command, logged in as the administrator."""
    return make_awx(awx_command, receiver, tls)


@pytest.fixture(scope="module")
def template(awx: Awx) -> dict[str, Any]:
    """A job template that can run, made by the command, and all it needs."""
    awx("inventory", "create", "--name", "tills", "--organization", "Default")
    local = json.dumps({"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"})
    awx("hosts", "create", "--name", "till-1", "--inventory", "tills", "--variables", local)
    awx("projects", "create", "--name", "shop", "--organization", "Default", "--local_path", "shop", "--scm_type", "")
    inputs = json.dumps({"token": "a-github-token"})
    kind = "GitHub Personal Access Token"
    awx("credentials", "create", "--name", "statuses", "--organization", "Default", "--credential_type", kind,
        "--inputs", inputs)  # fmt: skip
    made = awx(
        "job_templates", "create", "--name", "deploy", "--project", "shop", "--playbook", "site.yml",
        "--inventory", "tills", "--webhook_service", "github", "--webhook_credential", "statuses",
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(made)
    return answer


def test_login_prints_a_token_that_works(awx: Awx) -> None:
    printed = awx("login", "-f", "human")
    token = re.fullmatch(r"export CONTROLLER_OAUTH_TOKEN=(\w{30})\n", printed)
    assert token is not None
    me = json.loads(awx("me", CONTROLLER_OAUTH_TOKEN=token[1], CONTROLLER_PASSWORD="none"))
    assert me["results"][0]["username"] == "admin"


def test_a_wrong_password_is_an_error(awx: Awx) -> None:
    assert "Error retrieving an OAuth2.0 token" in awx("login", CONTROLLER_PASSWORD="wrong")
    assert "Valid credentials were not provided" in awx("users", "list", status=1, CONTROLLER_PASSWORD="wrong")


def test_an_unknown_authority_is_an_error(awx: Awx) -> None:
    assert "certificate" in awx("me", status=1, REQUESTS_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt").lower()


def test_create_takes_names_for_ids(awx: Awx, template: dict[str, Any]) -> None:
    assert (template["webhook_service"], template["name"]) == ("github", "deploy")
    credential = json.loads(awx("credentials", "get", "statuses"))
    assert (credential["id"], credential["inputs"]) == (template["webhook_credential"], {"token": "$encrypted$"})


def test_list_get_modify_delete(awx: Awx, template: dict[str, Any]) -> None:
    listed = awx("job_templates", "list", "-f", "human", "--filter", "id,name", "--all")
    assert f"{template['id']}  deploy" in listed
    assert json.loads(awx("job_templates", "get", "deploy"))["id"] == template["id"]
    modified = awx("job_templates", "modify", "deploy", "--description", "to all tills", "--verbosity", "1")
    assert json.loads(modified)["description"] == "to all tills"
    awx("job_templates", "create", "--name", "extra", "--project", "shop", "--playbook", "site.yml",
        "--inventory", "tills")  # fmt: skip
    awx("job_templates", "delete", "extra")
    assert json.loads(awx("job_templates", "list", "--name", "extra"))["count"] == 0


def test_flags_are_those_that_the_receiver_describes(awx: Awx) -> None:
    create = awx("job_templates", "create", "--help", status=2)  # it misses what is required, also with AWX
    assert "--playbook TEXT" in create
    assert "--webhook_service {,azure_devops," in create
    launch = awx("job_templates", "launch", "--help", status=2)
    assert "--limit TEXT" in launch
    assert "--inventory ID" in launch
    assert "--user ID" in awx("credentials", "create", "--help", status=2)
    assert "launch" in awx("workflow_job_templates", "--help", status=2)


def test_users_are_shown_in_each_format(awx: Awx) -> None:
    made = awx("users", "create", "--username", "zoe", "--password", "a long password", "--email", "z@example.com",
               "-f", "yaml")  # fmt: skip
    assert "email: z@example.com\n" in made
    assert "password: $encrypted$\n" in made
    assert awx("users", "list", "-f", "jq", "--filter", ".results[] | .username") == "admin\nzoe\n"
    assert "2  zoe      z@example.com" in awx("users", "list", "-f", "human", "--filter", "id,username,email")
    assert awx("users", "modify", "zoe", "--first_name", "Zoe", "-f", "jq", "--filter", ".first_name") == "Zoe\n"
    awx("users", "delete", "zoe")


def test_projects_show_their_updates(awx: Awx, template: dict[str, Any], tmp_path: Path) -> None:
    git = Repository(tmp_path / "repository", {"site.yml": "- hosts: all\n"})
    made = awx("projects", "create", "--name", "git", "--organization", "Default", "--scm_type", "git",
               "--scm_url", f"file://{git.path}", "--monitor")  # fmt: skip
    assert f"project is at {git.first}" in made
    assert f"project is at {git.first}" in awx("projects", "update", "git", "--monitor")
    waited = awx("projects", "update", "git", "--wait", "-f", "jq", "--filter", ".status")
    assert waited.splitlines()[-1] == "successful"
    assert f"project is at {git.first}" in awx("project_updates", "stdout", "1")


def test_what_was_launched_is_waited_for_and_read_later(awx: Awx, template: dict[str, Any]) -> None:
    launch = ("job_templates", "launch", "deploy", "--wait", "--interval", "2.5", "-f", "jq", "--filter")
    job_id = awx(*launch, '"\\(.id) \\(.status)"').splitlines()[-1].removesuffix(" successful")
    assert "hello world" in awx("jobs", "stdout", job_id)
    assert "successful" in awx("jobs", "list", "-f", "human", "--filter", "id,status", "--status", "successful")
    assert "Could not find any job_templates" in awx("job_templates", "launch", "missing", status=2)


def test_launch_monitor_shows_the_output(awx: Awx, template: dict[str, Any]) -> None:
    printed = awx("job_templates", "launch", str(template["id"]), "--monitor")
    assert "hello world" in printed
    assert '"status": "successful"' in printed


def test_associate_adds_a_credential(awx: Awx, template: dict[str, Any]) -> None:
    awx("credentials", "create", "--name", "machines", "--organization", "Default", "--credential_type", "Machine",
        "--inputs", '{"username": "deploy"}')  # fmt: skip
    awx("job_templates", "associate", "deploy", "--credential", "machines")
    job_template = json.loads(awx("job_templates", "get", "deploy"))
    assert [each["name"] for each in job_template["summary_fields"]["credentials"]] == ["machines"]
    awx("job_templates", "disassociate", "deploy", "--credential", "machines")


@pytest.mark.parametrize(
    ("role", "seen", "got", "launched"), [({}, 0, 1, 1), ({"is_system_auditor": True}, 1, 0, 1),
                                          ({"playhook": {"role": "operator"}}, 1, 0, 0)],
    ids=["plain", "auditor", "operator"],
)  # fmt: skip
def test_users_see_and_do_what_they_may(
    awx: Awx, template: dict[str, Any], receiver: LiveReceiver, role: dict[str, Any], seen: int, got: int, launched: int
) -> None:
    """The last three are how many templates are listed, and the command's exit statuses."""
    name, password = f"user{len(role)}{seen}{launched}", "a password of theirs"
    user = receiver.post("users/", {"username": name, "password": password, **role})
    receiver.post("organizations/1/admins/", {"id": user["id"]})  # being one is stored, and gives nobody a right
    as_them = {"CONTROLLER_USERNAME": name, "CONTROLLER_PASSWORD": password}
    path = str(template["id"])
    counted = ("-f", "jq", "--filter", ".count")
    assert awx("job_templates", "list", *counted, **as_them) == f"{seen}\n"
    assert awx("users", "list", *counted, **as_them) != "0\n"
    awx("job_templates", "get", path, status=got, **as_them)
    awx("job_templates", "launch", path, status=launched, **as_them)
    awx("job_templates", "delete", path, status=1, **as_them)
    assert "permission" in awx("organizations", "delete", "1", status=1, **as_them)
    assert awx("me", "-f", "jq", "--filter", ".results[0].username", **as_them) == f"{name}\n"


@pytest.mark.parametrize("resource", ["ping", "config", "me"])
def test_what_is_no_list_is_shown(awx: Awx, resource: str) -> None:
    assert json.loads(awx(resource))


def test_a_workflow_is_made_launched_exported_and_imported(
    awx: Awx, template: dict[str, Any], receiver: LiveReceiver, tls: Tls
) -> None:
    workflow = json.loads(awx("workflow_job_templates", "create", "--name", "release", "--organization", "Default"))
    nodes = [
        json.loads(awx("workflow_job_template_nodes", "create", "--workflow_job_template", str(workflow["id"]),
                       "--unified_job_template", str(template["id"]), "--identifier", name))
        for name in ("one", "two")
    ]  # fmt: skip
    # The command cannot join nodes; import can.
    path = f"/api/v2/workflow_job_template_nodes/{nodes[0]['id']}/success_nodes/"
    joined = receiver.api.post(f"{receiver.url}{path}", json={"id": nodes[1]["id"]}, verify=str(tls.authority))
    assert joined.status_code == 204
    assert '"status": "successful"' in awx("workflow_job_templates", "launch", str(workflow["id"]), "--monitor")
    ask = f"/api/v2/workflow_job_template_nodes/{nodes[1]['id']}/create_approval_template/"
    receiver.api.post(f"{receiver.url}{ask}", json={"name": "May we", "timeout": 60}, verify=str(tls.authority))
    exported = awx("export", "--workflow_job_templates", "release")
    awx("workflow_job_templates", "delete", "release")
    awx("import", stdin=exported)
    assert awx("export", "--workflow_job_templates", "release") == exported
    one, two = (
        node["related"] for node in json.loads(exported)["workflow_job_templates"][0]["related"]["workflow_nodes"]
    )
    assert len(one["success_nodes"]) == 1
    assert two["create_approval_template"] == {"name": "May we", "description": "", "timeout": 60}
