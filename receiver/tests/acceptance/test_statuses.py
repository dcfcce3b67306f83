# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job status on the commit: posted to the pinned API base, in order, and again when the service was not there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.conftest import Installation, Template
from tests.acceptance.deliver import deliver_github, deliver_gitlab
from tests.acceptance.machines import wait_for
from tests.fakes.github import GitHubFake
from tests.fakes.gitlab import GitLabFake

SKIPPED = "Webhook event did not have a status API endpoint associated, skipping."


@pytest.fixture
def github() -> Iterator[GitHubFake]:
    with GitHubFake(token="ghp_right") as fake:
        yield fake


@pytest.fixture
def gitlab() -> Iterator[GitLabFake]:
    with GitLabFake(token="glpat_right") as fake:
        yield fake


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def _github_template(live: Installation, name: str, api_url: str, token: str = "ghp_right", **fields: Any) -> Template:
    kind = "GitHub Personal Access Token"
    credential = live.make_token_credential(name, kind, token=token, api_url=api_url)
    return live.make_template(name, webhook_credential=credential, **fields)


def _gitlab_template(live: Installation, name: str, api_url: str) -> Template:
    kind = "GitLab Personal Access Token"
    credential = live.make_token_credential(name, kind, token="glpat_right", api_url=api_url)
    return live.make_template(name, webhook_credential=credential, webhook_service="gitlab")


def _run(live: Installation, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    return live.wait_for_job(answer.json()["job"])


def test_pull_request_is_pending_then_success(installation: Installation, github: GitHubFake, name: str) -> None:
    template = _github_template(installation, name, github.url)
    payload = github.payload("pull_request.opened")
    job = _run(installation, deliver_github(installation.url + template.path, template.key, payload))
    posted = github.wait_for_statuses(2)

    assert [status["state"] for status in posted] == ["pending", "success"]
    assert {status["sha"] for status in posted} == {payload["pull_request"]["head"]["sha"]}
    assert {status["context"] for status in posted} == {f"playhook/{name}"}
    assert all(status["target_url"].endswith(f"/jobs/{job['id']}/") for status in posted)


def test_failed_playbook_is_failure(installation: Installation, github: GitHubFake, name: str) -> None:
    installation.write_playbook("fail.yml", "- ansible.builtin.fail: {msg: broken}")
    template = _github_template(installation, name, github.url, playbook="fail.yml")
    payload = github.payload("pull_request.opened")
    job = _run(installation, deliver_github(installation.url + template.path, template.key, payload))

    assert job["status"] == "failed"
    assert [status["state"] for status in github.wait_for_statuses(2)] == ["pending", "failure"]


@pytest.mark.parametrize("what", ["playbook", "inventory"])
def test_job_that_cannot_run_is_error_with_a_sentence(
    installation: Installation, github: GitHubFake, name: str, what: str
) -> None:
    template = _break(installation, github, name, what)
    payload = github.payload("pull_request.opened")
    job = _run(installation, deliver_github(installation.url + template.path, template.key, payload))

    assert job["status"] == "error"
    assert len(job["job_explanation"]) > 20
    posted = github.wait_for_statuses(2)
    assert [status["state"] for status in posted] == ["pending", "error"]
    assert posted[-1]["description"] == job["job_explanation"][:140]


def _break(live: Installation, github: GitHubFake, name: str, what: str) -> Template:
    if what == "playbook":
        live.write_playbook("gone.yml", "- ansible.builtin.debug:")
        template = _github_template(live, name, github.url, playbook="gone.yml")
        (live.project_dir / "gone.yml").unlink()
        return template
    (live.project_dir / "hosts.yml").write_text("all: {hosts: [this, is, not, an, inventory]}\n")
    inventory = {"name": name, "organization": live.organization, "playhook": {"source_path": "hosts.yml"}}
    made = live.post("inventories/", inventory)
    return _github_template(live, name, github.url, inventory=made["id"])


def test_project_that_does_not_clone_is_error_with_a_sentence(
    installation: Installation, github: GitHubFake, name: str
) -> None:
    url = f"file://{installation.home}/there-is-no-repository"
    body = {"name": name, "organization": installation.organization, "scm_type": "git", "scm_url": url}
    project = installation.post("projects/", body)
    template = _github_template(installation, name, github.url, project=project["id"])
    payload = github.payload("pull_request.opened")
    job = _run(installation, deliver_github(installation.url + template.path, template.key, payload))

    assert job["status"] == "error"
    assert "clone" in job["job_explanation"] or "repository" in job["job_explanation"]
    assert [status["state"] for status in github.wait_for_statuses(2)] == ["pending", "error"]


def test_gitlab_merge_request_push_and_tag_get_statuses(
    installation: Installation, gitlab: GitLabFake, name: str
) -> None:
    template = _gitlab_template(installation, name, gitlab.url)
    samples = {"Merge_Request_Hook.open": "Merge Request Hook", "Push_Hook.branch": "Push Hook"}
    samples |= {"Tag_Push_Hook.created": "Tag Push Hook"}
    for count, (sample, event) in enumerate(samples.items(), 1):
        payload = gitlab.payload(sample)
        job = _run(installation, deliver_gitlab(installation.url + template.path, template.key, payload, event))
        assert job["status"] == "successful"
        posted = gitlab.wait_for_statuses(3 * count)[-3:]
        assert [status["state"] for status in posted] == ["pending", "running", "success"]


def test_other_events_are_logged_and_skipped(installation: Installation, github: GitHubFake, name: str) -> None:
    template = _github_template(installation, name, github.url)
    payload = github.payload("issues.opened")
    before = installation.log().count(SKIPPED)
    _run(installation, deliver_github(installation.url + template.path, template.key, payload, "issues"))

    assert installation.log().count(SKIPPED) == before + 1
    assert github.statuses == []


def test_payload_cannot_lead_the_token_elsewhere(installation: Installation, github: GitHubFake, name: str) -> None:
    template = _github_template(installation, name, github.url)
    with GitHubFake(token="ghp_right") as elsewhere:
        head = {"repo": {"url": elsewhere.url, "statuses_url": f"{elsewhere.url}/repos/x/y/statuses/{{sha}}"}}
        payload = github.payload("pull_request.opened", {"pull_request": {"head": head}})
        sha = payload["pull_request"]["head"]["sha"]
        payload["pull_request"]["statuses_url"] = f"{elsewhere.url}/repos/acorn-works/orchard/statuses/{sha}"
        payload["repository"]["statuses_url"] = f"{elsewhere.url}/repos/acorn-works/orchard/statuses/{{sha}}"
        payload["repository"]["url"] = f"{elsewhere.url}/repos/acorn-works/orchard"
        _run(installation, deliver_github(installation.url + template.path, template.key, payload))
        github.wait_for_statuses(2)
        assert elsewhere.requests == []


def test_without_api_url_nothing_is_sent_for_another_host(
    installation: Installation, github: GitHubFake, name: str
) -> None:
    kind = "GitHub Personal Access Token"
    credential = installation.make_token_credential(name, kind, token="ghp_right")
    template = installation.make_template(name, webhook_credential=credential)
    payload = github.payload("pull_request.opened")  # its URLs lead to the fake, not to github.com
    job = _run(installation, deliver_github(installation.url + template.path, template.key, payload))

    assert job["status"] == "successful"
    deadline = time.monotonic() + 60
    while not _was_skipped(installation.log(), job["id"]):
        assert time.monotonic() < deadline, installation.log()
        time.sleep(0.1)
    assert github.requests == []


def _was_skipped(log: str, job_id: int) -> bool:
    whole = log[: log.rfind("\n") + 1]  # the last line may be just being written
    entries = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
    return any(entry.get("state") == "skipped" and entry.get("job") == job_id for entry in entries)


@pytest.mark.parametrize(
    ("status", "headers"),
    [(500, {}), (429, {"Retry-After": "1"}), (403, {"X-RateLimit-Remaining": "0"})],
)
def test_status_is_posted_again_until_the_service_takes_it(
    installation: Installation, github: GitHubFake, name: str, status: int, headers: dict[str, str]
) -> None:
    template = _github_template(installation, name, github.url)
    github.fail_next(1, status=status, headers=headers)
    payload = github.payload("pull_request.opened")
    _run(installation, deliver_github(installation.url + template.path, template.key, payload))

    # The first pending post failed; what is newer when it is tried again stands for it.
    states = _states_until(github, "success")
    assert states in (["success"], ["pending", "success"])


def _states_until(github: GitHubFake, last: str, timeout: float = 60.0) -> list[str]:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        states = [status["state"] for status in github.statuses]
        if states[-1:] == [last]:
            return states
        time.sleep(0.1)
    raise AssertionError(f"no {last} within {timeout:.0f} s: {github.statuses}")


def test_redirects_are_not_followed(installation: Installation, github: GitHubFake, name: str) -> None:
    template = _github_template(installation, name, github.url)
    with GitHubFake(token="ghp_right") as elsewhere:
        github.fail_next(2, status=302, headers={"Location": f"{elsewhere.url}/repos/acorn-works/orchard/statuses/x"})
        payload = github.payload("pull_request.opened")
        _run(installation, deliver_github(installation.url + template.path, template.key, payload))
        wait_for(lambda: len(github.requests) >= 2, lambda: github.requests)
        assert elsewhere.requests == []
    assert github.statuses == []
