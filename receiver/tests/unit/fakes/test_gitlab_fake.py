# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake GitLab refuses what GitLab refuses, and delivers what our service takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from tests.fakes.gitlab import GitLabFake

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.status import CommitStatus, StatusCredential
from playhook.services.gitlab import GitLab

SHA = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
KEY = "a-key-of-the-orchard-template-0001"
SIGNING_TOKEN = "whsec_" + base64.b64encode(bytes(range(32))).decode()
STATUS = {"state": "pending", "context": "playhook/prune", "target_url": "https://playhook.example.com/jobs/7"}
ENQUEUE = 'Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")'


@pytest.fixture
def fake() -> Iterator[GitLabFake]:
    with GitLabFake(repositories=["acorn-works/orchard", "acorn-works/fruit/pears"]) as one:
        yield one


def call(fake: GitLabFake, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    every = {"PRIVATE-TOKEN": fake.token, **headers}
    return requests.request(method, fake.url + "/api/v4/projects/" + path, json=body, headers=every, timeout=60)


def test_the_path_of_a_project_is_encoded_or_its_id(fake: GitLabFake) -> None:
    answers = [
        call(fake, "GET", f"{project}/hooks").status_code
        for project in (
            "412",
            "413",
            "acorn-works%2Ffruit%2Fpears",
            "acorn-works/fruit/pears",
            "414",
            "acorn-works%2Fplums",
        )
    ]

    assert answers == [200, 200, 200, 404, 404, 404]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"PRIVATE-TOKEN": "wrong"}, 401),
        ({"PRIVATE-TOKEN": ""}, 401),
        ({"PRIVATE-TOKEN": "", "Authorization": "Bearer glpat-of-the-fake"}, 201),
    ],
)
def test_who_may_post_a_status(fake: GitLabFake, headers: dict[str, str], status: int) -> None:
    assert call(fake, "POST", f"412/statuses/{SHA}", STATUS, **headers).status_code == status


@pytest.mark.parametrize(
    ("states", "answers"),
    [
        (["pending", "running", "success"], [201, 201, 201]),
        (["running", "failed"], [201, 201]),
        (["pending", "canceled"], [201, 201]),
        (["pending", "pending"], [201, 400]),
        (["running", "running"], [201, 400]),
        (["running", "pending"], [201, 400]),
        (["success", "success"], [201, 201]),
        (["success", "pending"], [201, 201]),
    ],
)
def test_a_status_moves_as_in_gitlab(fake: GitLabFake, states: list[str], answers: list[int]) -> None:
    found = [call(fake, "POST", f"412/statuses/{SHA}", {**STATUS, "state": state}).status_code for state in states]

    assert found == answers


def test_the_same_state_again_is_refused_in_gitlabs_words(fake: GitLabFake) -> None:
    answers = [call(fake, "POST", f"412/statuses/{SHA}", STATUS) for _ in range(2)]

    assert (answers[1].status_code, answers[1].json()) == (400, {"message": ENQUEUE})
    assert call(fake, "POST", f"412/statuses/{SHA}", {**STATUS, "context": "another"}).status_code == 201


@pytest.mark.parametrize(
    ("sha", "change", "status", "message"),
    [
        (SHA, {"state": None}, 400, "state does not have a valid value"),
        (SHA, {"state": "failure"}, 400, "state does not have a valid value"),
        (SHA, {"description": "d" * 256}, 400, "is too long (maximum is 255 characters)"),
        (SHA, {"target_url": "https://x.example/" + "u" * 250}, 400, "is too long (maximum is 255 characters)"),
        (SHA, {"target_url": "javascript:alert(1)"}, 400, "is blocked: Only allowed schemes are http, https"),
        ("None", {}, 404, "404 Commit Not Found"),
    ],
)
def test_a_wrong_status_is_refused(
    fake: GitLabFake, sha: str, change: dict[str, Any], status: int, message: str
) -> None:
    answer = call(fake, "POST", f"412/statuses/{sha}", {**STATUS, **change})

    assert answer.status_code == status
    assert message in answer.text
    assert fake.statuses == []


@pytest.mark.parametrize("suffix", ["", "/", "/api/v4"])
def test_the_statuses_of_our_service_are_accepted(fake: GitLabFake, suffix: str) -> None:
    body = json.dumps(fake.payload("Merge_Request_Hook.open")).encode()
    headers = {"content-type": "application/json", "x-gitlab-event": "Merge Request Hook"}
    event = GitLab().parse(Delivery(headers=headers, body=body, received=datetime.now(UTC)))
    credential = StatusCredential(token=fake.token, api_url=fake.url + suffix)
    assert event.status_target is not None
    for state in ("pending", "running", "error"):
        hostile = CommitStatus(
            status=state, context="c" * 300, description="🐛\n" * 300, target_url="https://x/" + "u" * 250
        )
        request = GitLab().status_request(event.status_target, hostile, credential)
        assert request is not None
        answer = requests.request(request.method, request.url, headers=request.headers, json=request.json, timeout=60)
        assert answer.status_code == 201, answer.text

    assert [one["state"] for one in fake.statuses] == ["pending", "running", "failed"]
    assert event.awx_status_api == f"{fake.url}/api/v4/projects/412/statuses/{SHA}"


def test_a_hook_hides_its_tokens(fake: GitLabFake, sink: Any) -> None:
    made = call(fake, "POST", "412/hooks", {"url": sink.url, "token": KEY, "merge_requests_events": True}).json()

    assert KEY not in json.dumps(made)
    assert (made["token_present"], made["signing_token_present"]) == (True, False)
    assert (made["push_events"], made["merge_requests_events"], made["tag_push_events"]) == (True, True, False)


def test_a_new_address_forgets_the_token(fake: GitLabFake, sink: Any) -> None:
    made = call(fake, "POST", "412/hooks", {"url": sink.url, "token": KEY}).json()

    kept = call(fake, "PUT", f"412/hooks/{made['id']}", {"url": sink.url, "note_events": True}).json()
    moved = call(fake, "PUT", f"412/hooks/{made['id']}", {"url": sink.url + "/x"}).json()

    assert (kept["token_present"], kept["note_events"], moved["token_present"]) == (True, True, False)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "url is missing"),
        ({"url": "nowhere"}, 422, "Invalid url given"),
        ({"url": "http://x/", "push_events": "perhaps"}, 400, "push_events is invalid"),
        ({"url": "http://x/", "signing_token": "whsec_AAAA"}, 422, "must be in whsec_<base64> format"),
    ],
)
def test_a_wrong_hook_is_refused(fake: GitLabFake, body: dict[str, Any], status: int, error: str) -> None:
    answer = call(fake, "POST", "412/hooks", body)

    assert answer.status_code == status
    assert error in answer.text


@pytest.mark.parametrize(("field", "key"), [("token", KEY), ("signing_token", SIGNING_TOKEN)])
def test_a_delivery_is_authentic_and_recorded(fake: GitLabFake, sink: Any, field: str, key: str) -> None:
    made = call(fake, "POST", "412/hooks", {"url": sink.url, field: key, "merge_requests_events": True}).json()

    sent = fake.deliver("Merge Request Hook", fake.payload("Merge_Request_Hook.open"))

    (delivery,) = sink.deliveries
    GitLab().verify(delivery, [key], WebhookOptions(now=datetime.now(UTC)))
    assert GitLab().parse(delivery).guid == sent.guid
    (listed,) = call(fake, "GET", f"412/hooks/{made['id']}/events").json()
    assert (listed["trigger"], listed["response_status"]) == ("merge_requests_hooks", "200")
    assert KEY not in json.dumps(listed)


def test_the_test_button_says_how_it_went(fake: GitLabFake, sink: Any) -> None:
    made = call(fake, "POST", "412/hooks", {"url": sink.url, "token": KEY}).json()
    sink.answers += [(202, {}), (403, {}), (302, {"Location": sink.url})]

    answers = [call(fake, "POST", f"412/hooks/{made['id']}/test/push_events").status_code for _ in range(3)]

    assert answers == [201, 422, 422]
    assert call(fake, "POST", f"412/hooks/{made['id']}/test/nonsense").status_code == 400
    assert GitLab().parse(sink.deliveries[0]).kind == "push"


def test_a_hook_that_fails_is_told_to_be_suspended(fake: GitLabFake, sink: Any) -> None:
    made = call(fake, "POST", "412/hooks", {"url": sink.url}).json()
    sink.answers += [(403, {})] * 4

    for _ in range(4):
        fake.deliver("Push Hook", {})

    assert call(fake, "GET", f"412/hooks/{made['id']}").json()["alert_status"] == "temporarily_disabled"


def test_an_event_is_resent_with_the_same_key(fake: GitLabFake, sink: Any) -> None:
    made = call(fake, "POST", "412/hooks", {"url": sink.url}).json()
    sent = fake.deliver("Push Hook", {})

    answer = call(fake, "POST", f"412/hooks/{made['id']}/events/{sent.id}/resend")

    assert answer.json() == {"response_status": 200}
    assert [one.headers["idempotency-key"] for one in sink.deliveries] == [sent.guid, sent.guid]


def test_a_deleted_hook_is_gone(fake: GitLabFake) -> None:
    made = call(fake, "POST", "412/hooks", {"url": "http://127.0.0.1:9/"}).json()

    assert [call(fake, "DELETE", f"412/hooks/{made['id']}").status_code for _ in range(2)] == [204, 404]
