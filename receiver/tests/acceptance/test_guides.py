# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks and commands of the README and the guides, run against a real receiver and fake services."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from markdown_it import MarkdownIt
from tests.acceptance.conftest import Installation, MakeInstallation
from tests.acceptance.test_workflows import wait_for_node, wait_for_workflow
from tests.fakes.github import GitHubFake
from tests.fakes.gitlab import GitLabFake

TOP = Path(__file__).parents[3]
GITHUB_TOKEN, GITLAB_TOKEN = "ghp_of-the-guides", "glpat-of-the-guides"
SITE = "- name: Site\n  hosts: all\n  gather_facts: false\n  tasks: []\n"


def blocks(page: str, language: str) -> list[str]:
    tokens = MarkdownIt().parse((TOP / page).read_text())
    return [each.content for each in tokens if each.type == "fence" and each.info == language]


def playbook_with(page: str, module: str) -> str:
    (found,) = [block for block in blocks(page, "yaml") if module in block]
    return found


@pytest.fixture
def live(make_installation: MakeInstallation) -> Installation:
    return make_installation(PLAYHOOK_WORKERS="1")


@pytest.fixture
def github() -> Iterator[GitHubFake]:
    with GitHubFake(token=GITHUB_TOKEN, repositories=["example/site"]) as fake:
        yield fake


@pytest.fixture
def gitlab() -> Iterator[GitLabFake]:
    with GitLabFake(token=GITLAB_TOKEN, repositories=["group/site"]) as fake:
        yield fake


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A repository with the playbook that the guides name."""
    repository = tmp_path / "source"
    repository.mkdir()
    (repository / "site.yml").write_text(SITE)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    for command in (("init", "-q", "-b", "main"), ("add", "."), (*identity, "commit", "-q", "-m", "Add a playbook")):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return f"file://{repository}"


class Reader:
    """Does what a page says, with other addresses."""

    def __init__(self, live: Installation, source: str, directory: Path) -> None:
        self._live, self._source, self._directory = live, source, directory
        collection = directory / "collections/ansible_collections/playhook/webhooks"
        collection.parent.mkdir(parents=True)
        collection.symlink_to(TOP)
        token = live.post("tokens/", {"scope": "write"})["token"]
        self.environment = {
            **{name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
            "CONTROLLER_HOST": live.url,
            "CONTROLLER_OAUTH_TOKEN": token,
        }

    def run_playbook(self, text: str, api_url: str = "", *options: str, **variables: str) -> int:
        """Run a playbook; returns how many of its tasks changed something."""
        text = re.sub(r'scm_url: ("?)https://[\w./]+', rf"scm_url: \1{self._source}", text)
        (play,) = yaml.safe_load(text)
        if api_url:
            play["module_defaults"] = {"playhook.webhooks.repository_webhook": {"api_url": api_url}}
        tokens = dict.fromkeys(("github_token", "github_status_token", "github_hook_token"), GITHUB_TOKEN)
        tokens |= dict.fromkeys(("gitlab_status_token", "gitlab_hook_token"), GITLAB_TOKEN)
        (self._directory / "vars.json").write_text(json.dumps({**tokens, **variables}))
        (self._directory / "guide.yml").write_text(yaml.safe_dump([play]))
        output = self._run(["ansible-playbook", "guide.yml", "--extra-vars", "@vars.json", *options])
        recap = re.search(r"changed=(\d+)", output)
        assert recap is not None, output
        return int(recap[1])

    def run_commands(self, commands: list[str], changes: Mapping[str, str]) -> list[Any]:
        """Run commands that answer JSON and return the answers."""
        script = "\n".join(["set -e", *commands])
        for old, new in {"https://playhook.example.com": self._live.url, **changes}.items():
            script = script.replace(old, new)
        decoder, rest, answers = json.JSONDecoder(), self._run(["bash", "-c", script]).strip(), []
        while rest:
            answer, end = decoder.raw_decode(rest)
            answers.append(answer)
            rest = rest[end:].lstrip()
        return answers

    def _run(self, command: list[str]) -> str:
        result = subprocess.run(
            command,
            cwd=self._directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\n{self._live.log()}"
        return result.stdout


@pytest.fixture
def reader(live: Installation, source: str, tmp_path: Path) -> Reader:
    directory = tmp_path / "guide"
    directory.mkdir()
    return Reader(live, source, directory)


@pytest.mark.parametrize("page", ["README.md", "docs/howto/github.md"])
def test_githubs_webhook_as_code(page: str, live: Installation, github: GitHubFake, reader: Reader) -> None:
    playbook = playbook_with(page, "repository_webhook")
    assert reader.run_playbook(playbook, github.url) == 5
    if page == "README.md":
        assert reader.run_playbook(playbook, github.url) == 0, "the page says that a second run changes nothing"
    (template,) = live.get("job_templates/", name="site")["results"]
    (hook,) = github.hooks
    assert (hook.config["url"], hook.events) == (template["playhook"]["webhook_url"], ("pull_request",))
    assert [(each.event, each.status) for each in github.deliveries][-1] == ("ping", 200)
    assert live.wait_for_job(answer_of(github)["job"])["status"] == "successful"


def answer_of(github: GitHubFake) -> Any:
    delivery = github.deliver("pull_request", github.payload("pull_request.opened"))
    assert delivery.status == 202, delivery
    return json.loads(delivery.body)


def test_a_workflow_as_code(live: Installation, github: GitHubFake, reader: Reader) -> None:
    """The whole way of the guide: the graph and the hook, a pull request, an approval, and the commit's status."""
    live.make_token_credential(
        "github-statuses", "GitHub Personal Access Token", token=GITHUB_TOKEN, api_url=github.url
    )
    host = {"name": "review", "inventory": live.inventory, "variables": "ansible_connection: local"}
    live.post("hosts/", host)  # the deployment is limited to it
    for name in ("build", "test", "deploy", "tell-the-team"):
        asks = dict.fromkeys(("ask_variables_on_launch", "ask_limit_on_launch"), True)
        live.make_template(name, webhook_service="", allow_simultaneous=True, **asks)
    playbook = playbook_with("docs/howto/workflows.md", "repository_webhook")
    assert reader.run_playbook(playbook, github.url, "--check") == 2
    assert live.get("workflow_job_templates/")["count"] == 0
    assert reader.run_playbook(playbook, github.url) == 2
    assert reader.run_playbook(playbook, github.url) == 0, "the page says that a second run changes nothing"

    job_id = answer_of(github)["job"]
    live.post(f"workflow_approvals/{wait_for_node(live, job_id, 'ask')}/approve/", {})

    assert wait_for_workflow(live, job_id)["status"] == "successful"
    last = github.wait_for_statuses(2)[-1]
    assert (last["state"], last["context"], last["description"]) == ("success", "playhook/release", "5 of 5 jobs")


def test_gitlabs_webhook_as_code(live: Installation, gitlab: GitLabFake, reader: Reader) -> None:
    playbook = playbook_with("docs/howto/gitlab.md", "repository_webhook")
    playbook = playbook.replace("https://gitlab.example.com/group", "https://elsewhere/group")
    playbook = playbook.replace("https://gitlab.example.com", gitlab.url)
    assert reader.run_playbook(playbook) == 5
    delivery = gitlab.deliver("Merge Request Hook", gitlab.payload("Merge_Request_Hook.open"))
    assert delivery.status == 202, delivery
    (credential,) = live.get("credentials/", name="gitlab-statuses")["results"]
    assert credential["inputs"] == {"token": "$encrypted$", "api_url": gitlab.url}


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_a_webhook_by_hand(service: str, live: Installation, reader: Reader) -> None:
    template = live.make_template("site", webhook_service="")
    prelude, *commands = blocks(f"docs/howto/{service}.md", "bash")
    path = f"job_templates/{template.id}/"
    changes = {"job_templates/7/": path, '"webhook_credential": 3': '"webhook_credential": 1'}
    types, credential, patched, key, _newest, refused = reader.run_commands([prelude, *commands], changes)
    assert [each["id"] for each in types["results"]] == [credential["credential_type"]]
    assert credential["name"] == f"{service}-statuses"
    assert patched["webhook_credential"] == credential["id"]
    assert patched["playhook"]["webhook_url"] == f"{live.url}/api/v2/{path}{service}/"
    assert len(key["webhook_key"]) == 50
    assert refused["results"] == []


def test_a_webhook_moves_from_awx_with_its_key(github: GitHubFake, reader: Reader) -> None:
    assert reader.run_playbook(playbook_with("docs/howto/github.md", "repository_webhook"), github.url) == 5
    hooks = f"{github.url}/repos/example/site/hooks"
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {GITHUB_TOKEN}"
    session.delete(f"{hooks}/{github.hooks[0].id}", timeout=10).raise_for_status()
    key = "a-key-that-awx-made-long-ago"
    config = {"url": "https://awx.example.com/api/v2/job_templates/7/github/", "content_type": "json", "secret": key}
    made = session.post(
        hooks, json={"name": "web", "active": True, "events": ["pull_request"], "config": config}, timeout=10
    )
    made.raise_for_status()
    move = playbook_with("docs/howto/from-awx.md", "webhook_key")
    assert reader.run_playbook(move, github.url, awx_webhook_key=key) == 2
    assert answer_of(github)["message"] == "Job queued."
