# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake GitHub refuses what GitHub refuses, and delivers what our service takes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.fakes.github import GitHubFake

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.status import CommitStatus, StatusCredential
from playhook.services.github import GitHub

SHA = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
SECRET = "a-key-of-the-orchard-template-0001"
STATUS = {"state": "pending", "context": "playhook/prune", "target_url": "https://playhook.example.com/jobs/7"}


class Client(requests.Session):
    """Talks to the fake as the collection does."""

    def __init__(self, fake: GitHubFake) -> None:
        super().__init__()
        self.base = fake.url + "/repos/acorn-works/orchard"
        self.headers["Authorization"] = "Bearer " + fake.token

    def send_json(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.request(method, self.base + path, json=body, allow_redirects=False, timeout=60, **more)


@pytest.fixture
def fake() -> Iterator[GitHubFake]:
    with GitHubFake() as one:
        yield one


@pytest.fixture
def client(fake: GitHubFake) -> Client:
    return Client(fake)


def hook(url: str, **changes: Any) -> dict[str, Any]:
    config = {"url": url, "content_type": "json", "secret": SECRET, **changes.pop("config", {})}
    return {"name": "web", "events": ["pull_request"], "config": config, **changes}


def test_a_status_is_kept_and_listed(fake: GitHubFake, client: Client) -> None:
    answer = client.send_json("POST", f"/statuses/{SHA}", STATUS)

    assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    kept = {name: fake.statuses[0][name] for name in ("repository", "sha", *STATUS)}
    assert kept == {"repository": "acorn-works/orchard", "sha": SHA, **STATUS}
    assert [one["context"] for one in client.send_json("GET", f"/commits/{SHA}/statuses").json()] == ["playhook/prune"]


@pytest.mark.parametrize("prefix", ["", "/api/v3"])
@pytest.mark.parametrize("state", ["pending", "successful", "failed", "error", "canceled"])
def test_a_status_of_our_service_is_accepted(fake: GitHubFake, state: Any, prefix: str) -> None:
    event = GitHub().parse(_delivered(fake, "pull_request.opened"))
    assert event.status_target is not None
    hostile = CommitStatus(
        status=state, context="c" * 300, description="🐛\n" + "d" * 300, target_url=STATUS["target_url"]
    )

    request = GitHub().status_request(
        event.status_target, hostile, StatusCredential(token=fake.token, api_url=fake.url + prefix)
    )

    assert request is not None
    answer = requests.request(request.method, request.url, headers=request.headers, json=request.json, timeout=60)
    assert answer.status_code == 201, answer.text
    assert event.awx_status_api == f"{fake.url}/repos/acorn-works/orchard/statuses/{SHA}"


def _delivered(fake: GitHubFake, name: str) -> Delivery:
    body = json.dumps(fake.payload(name)).encode()
    headers = {"content-type": "application/json", "x-github-event": name.partition(".")[0]}
    return Delivery(headers=headers, body=body, received=datetime.now(UTC))


@pytest.mark.parametrize(
    ("sha", "change", "message"),
    [
        (SHA, {"state": "successful"}, "state is not included in the list"),
        (SHA, {"state": None}, "state is not included in the list"),
        (SHA, {"description": "d" * 141}, "description is too long (maximum is 140 characters)"),
        (SHA, {"description": "a 🐛"}, "description doesn't accept 4-byte Unicode"),
        (SHA, {"context": "c" * 256}, "context is too long (maximum is 255 characters)"),
        (SHA, {"target_url": "javascript:alert(1)"}, "target_url must use http(s) scheme"),
        (SHA[:7], {}, f"No commit found for SHA: {SHA[:7]}"),
        ("None", {}, "No commit found for SHA: None"),
    ],
)
def test_a_wrong_status_is_refused(
    fake: GitHubFake, client: Client, sha: str, change: dict[str, Any], message: str
) -> None:
    answer = client.send_json("POST", f"/statuses/{sha}", {**STATUS, **change})

    told = answer.json()
    assert (answer.status_code, told.get("errors", [told])[0]["message"]) == (422, message)
    assert fake.statuses == []


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"Authorization": "Bearer wrong"}, "/acorn-works/orchard", 401),
        ({"Authorization": ""}, "/acorn-works/orchard", 401),
        ({}, "/acorn-works/other", 404),
        ({"Authorization": "token ghp_of-the-fake"}, "/Acorn-Works/Orchard", 201),
        ({"User-Agent": ""}, "/acorn-works/orchard", 403),
        ({"X-GitHub-Api-Version": "2019-01-01"}, "/acorn-works/orchard", 400),
    ],
)
def test_who_may_post_a_status(
    fake: GitHubFake, client: Client, headers: dict[str, str], path: str, status: int
) -> None:
    answer = client.post(f"{fake.url}/repos{path}/statuses/{SHA}", json=STATUS, headers=headers, timeout=60)

    assert answer.status_code == status
    assert [call.status for call in fake.requests] == [status]


def test_failures_on_purpose_come_first_and_end(fake: GitHubFake, client: Client) -> None:
    fake.fail_next(2, status=429, headers={"Retry-After": "1"})
    fake.fail_next(status=302, headers={"Location": "http://127.0.0.1:9/"})

    answers = [client.send_json("POST", f"/statuses/{SHA}", STATUS) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [429, 429, 302, 201]
    assert answers[0].headers["Retry-After"] == "1"
    assert len(fake.statuses) == 1


def test_a_new_hook_is_pinged_with_a_signature(fake: GitHubFake, client: Client, sink: Any) -> None:
    made = client.send_json("POST", "/hooks", hook(sink.url)).json()
    fake.settle()

    assert made["config"] == {"url": sink.url, "content_type": "json", "insecure_ssl": "0", "secret": "********"}
    (ping,) = sink.deliveries
    GitHub().verify(ping, [SECRET], WebhookOptions(now=datetime.now(UTC)))
    event = GitHub().parse(ping)
    assert (event.kind, event.payload["hook_id"]) == ("ping", made["id"])
    assert ping.headers["user-agent"].startswith("GitHub-Hookshot/")


@pytest.mark.parametrize("content_type", ["json", "form"])
def test_a_delivery_is_authentic_and_recorded(fake: GitHubFake, client: Client, sink: Any, content_type: str) -> None:
    made = client.send_json("POST", "/hooks", hook(sink.url, config={"content_type": content_type})).json()
    fake.settle()

    sent = fake.deliver("pull_request", fake.payload("pull_request.fork", {"number": 77}))

    delivery = sink.deliveries[-1]
    GitHub().verify(delivery, [SECRET], WebhookOptions(now=datetime.now(UTC)))
    assert GitHub().parse(delivery).payload["number"] == 77
    assert (sent.status, sent.body, sent.guid) == (200, "ok", delivery.headers["x-github-delivery"])
    listed = client.send_json("GET", f"/hooks/{made['id']}/deliveries").json()
    assert [(one["event"], one["status_code"]) for one in listed] == [("pull_request", 200), ("ping", 200)]
    assert listed[0]["guid"] == sent.guid
    detail = client.send_json("GET", f"/hooks/{made['id']}/deliveries/{sent.id}").json()
    assert detail["response"]["payload"] == "ok"


def test_a_redelivery_has_the_same_guid(fake: GitHubFake, client: Client, sink: Any) -> None:
    made = client.send_json("POST", "/hooks", hook(sink.url)).json()
    fake.settle()
    sent = fake.deliver("pull_request", fake.payload("pull_request.opened"))

    answer = client.send_json("POST", f"/hooks/{made['id']}/deliveries/{sent.id}/attempts")
    fake.settle()

    assert answer.status_code == 202
    assert [one.headers["x-github-delivery"] for one in sink.deliveries[-2:]] == [sent.guid, sent.guid]
    assert [one.redelivery for one in fake.deliveries[-2:]] == [False, True]


def test_redirects_are_not_followed(fake: GitHubFake, client: Client, sink: Any) -> None:
    client.send_json("POST", "/hooks", hook(sink.url))
    fake.settle()
    sink.answers.append((302, {"Location": sink.url}))

    sent = fake.deliver("pull_request", {"action": "opened"})

    assert (sent.status, len(sink.deliveries)) == (302, 2)


def test_nobody_listening_is_a_502(fake: GitHubFake, client: Client) -> None:
    client.send_json("POST", "/hooks", hook("http://127.0.0.1:9/hook"))

    assert fake.deliver("pull_request", {}).status == 502


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"config": {}}, "url cannot be blank"),
        ({"config": {"url": "nowhere"}}, "url is not valid"),
        ({"config": {"url": "http://x/", "content_type": "xml"}}, "content_type is not included in the list"),
        ({"config": {"url": "http://x/", "fingerprint": "1"}}, "Invalid config attribute: fingerprint"),
        ({"config": {"url": "http://x/"}, "events": ["merge_requests"]}, "The following events are not supported"),
        ({"config": {"url": "http://x/"}, "name": "jenkins"}, "name is invalid"),
        ({"config": {"url": "http://127.0.0.1:9/hook"}, "events": ["push", "pull_request"]}, "Hook already exists"),
    ],
)
def test_a_wrong_hook_is_refused(client: Client, body: dict[str, Any], message: str) -> None:
    present = {"events": ["pull_request"], "config": {"url": "http://127.0.0.1:9/hook", "secret": SECRET}}
    assert client.send_json("POST", "/hooks", present).status_code == 201

    answer = client.send_json("POST", "/hooks", body)

    assert (answer.status_code, answer.json()["errors"][0]["message"][: len(message)]) == (422, message)


def test_github_defaults_to_a_form_and_pushes(client: Client) -> None:
    made = client.send_json("POST", "/hooks", {"config": {"url": "http://127.0.0.1:9/hook"}}).json()

    assert (made["events"], made["active"]) == (["push"], True)
    assert made["config"] == {"url": "http://127.0.0.1:9/hook", "content_type": "form", "insecure_ssl": "0"}


def test_a_config_in_a_patch_forgets_the_secret_and_its_own_address_keeps_it(fake: GitHubFake, client: Client) -> None:
    made = client.send_json("POST", "/hooks", hook("http://127.0.0.1:9/hook")).json()

    kept = client.send_json("PATCH", f"/hooks/{made['id']}/config", {"insecure_ssl": "1"}).json()
    forgotten = client.send_json("PATCH", f"/hooks/{made['id']}", {"config": {"url": "http://127.0.0.1:9/x"}}).json()

    assert (kept["secret"], kept["insecure_ssl"]) == ("********", "1")
    assert "secret" not in forgotten["config"]


def test_lists_have_pages(client: Client) -> None:
    for number in range(3):
        client.send_json("POST", "/hooks", hook(f"http://127.0.0.1:9/{number}"))

    first = client.send_json("GET", "/hooks?per_page=2")
    second = client.get(first.links["next"]["url"], timeout=60)

    assert [len(first.json()), len(second.json())] == [2, 1]
    assert "next" not in second.links


def test_a_deleted_hook_is_gone(client: Client) -> None:
    made = client.send_json("POST", "/hooks", hook("http://127.0.0.1:9/hook")).json()

    answers = [client.send_json("DELETE", f"/hooks/{made['id']}").status_code for _ in range(2)]

    assert answers == [204, 404]


def test_only_known_commits_where_they_are_given() -> None:
    with GitHubFake(commits=[SHA]) as fake:
        client = Client(fake)

        assert client.send_json("POST", f"/statuses/{SHA}", STATUS).status_code == 201
        assert client.send_json("POST", f"/statuses/{'b' * 40}", STATUS).status_code == 422


def test_it_is_a_command_that_is_steered_from_outside(sink: Any) -> None:
    command = [sys.executable, "-m", "tests.fakes.github", "--token", "t", "--repository", "acorn-works/orchard"]
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            headers = {"Authorization": "Bearer t"}
            hooks = f"{url}/repos/acorn-works/orchard/hooks"
            assert requests.post(hooks, json=hook(sink.url), headers=headers, timeout=60).status_code == 201

            wanted = {"sample": "pull_request.opened", "changes": {"pull_request": {"title": "Water the pears"}}}
            answers = requests.post(url + "/_fake/deliver", json=wanted, timeout=60).json()
            requests.post(url + "/_fake/fail", json={"count": 1, "status": 500}, timeout=60)
            posts = [
                requests.post(
                    f"{url}/repos/acorn-works/orchard/statuses/{SHA}", json=STATUS, headers=headers, timeout=60
                )
                for _ in range(2)
            ]

            assert [answer["status"] for answer in answers] == [200]
            titles = [json.loads(one.body).get("pull_request", {}).get("title") for one in sink.deliveries]
            assert "Water the pears" in titles
            assert [post.status_code for post in posts] == [500, 201]
            assert [one["state"] for one in requests.get(url + "/_fake/statuses", timeout=60).json()] == ["pending"]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
