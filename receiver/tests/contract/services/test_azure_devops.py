# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure DevOps: the password that makes a delivery authentic, the guid in the payload, and where statuses go."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from playhook.domain.event import PullRequest, Repository, StatusTarget
from playhook.errors import Malformed, NotAuthentic
from playhook.services.azure_devops import AzureDevOps
from tests.contract.services.deliveries import KEY, as_sent, azure_devops, delivery, options
from tests.contract.services.expected import BEFORE, HEAD
from tests.fixtures import load

SERVICE = AzureDevOps()
BODY = load("azure_devops", "git_push.branch").body
IDS = "7d0f2c1e-5b3a-4e0e-9f5e-4c8f1d9a2b60/5f4a1c02-19c1-4d3c-8f0e-91b2f4d07a11"


def basic(text: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(text.encode()).decode()}"


def parse(payload: Any) -> Any:
    return SERVICE.parse(azure_devops(json.dumps(payload).encode()))


def test_the_example_of_the_rfc_is_authentic() -> None:
    """RFC 7617, section 2: the user Aladdin with the password `open sesame`."""
    headers = {"authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}

    SERVICE.verify(delivery(b"{}", headers), ["another-key", "open sesame"], options())


@pytest.mark.parametrize("authorization", [basic(f"anybody:{KEY}"), basic(f":{KEY}"), basic(f"azure:{KEY}", "BASIC")])
def test_the_user_name_does_not_matter(authorization: str) -> None:
    SERVICE.verify(azure_devops(BODY, authorization=authorization), ["another-key-of-the-template", KEY], options())


def test_a_key_may_have_colons_and_letters_outside_ascii() -> None:
    key = "schlüssel:für:den:obstgarten"

    SERVICE.verify(azure_devops(BODY, authorization=basic(f"azure:{key}")), [key], options())


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        ("", "no basic authentication"),
        ("Basic", "no basic authentication"),
        ("Basic ", "no basic authentication"),
        (f"Bearer {KEY}", "no basic authentication"),
        (KEY, "no basic authentication"),
        (f"Basic {KEY}", "no basic authentication"),
        ("Basic ä", "no basic authentication"),
        ("Basic \u2603", "no basic authentication"),
        (basic(KEY), "no basic authentication"),
        (basic(f"{KEY}:"), "not the webhook key"),
        (basic(f"azure:{KEY} "), "not the webhook key"),
        (basic(f"azure:{KEY[:-1]}"), "not the webhook key"),
        (basic("azure:"), "not the webhook key"),
    ],
)
def test_a_wrong_password_is_refused(authorization: str, reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason) as caught:
        SERVICE.verify(azure_devops(BODY, authorization=authorization), [KEY], options())

    assert KEY not in str(caught.value)


@pytest.mark.parametrize("keys", [[], [""]])
def test_nothing_is_authentic_without_a_key(keys: list[str]) -> None:
    for key in ("", "no key"):
        with pytest.raises(NotAuthentic, match="no webhook key"):
            SERVICE.verify(azure_devops(BODY, key=key), keys, options())


def test_the_guid_is_the_notifications_id_unless_it_is_a_placeholder() -> None:
    event = SERVICE.parse(azure_devops(BODY))

    assert event.guid == event.payload["id"]
    assert SERVICE.parse(as_sent(load("azure_devops", "git_push.without_guid"))).guid is None
    assert parse({"eventType": "git.push"}).guid is None


@pytest.mark.parametrize(
    "payload",
    [
        {}, {"eventType": None}, {"eventType": ""}, {"eventType": 7}, {"eventType": ["git.push"]},
        {"eventType": "x" * 256}, {"eventType": "git\x07push"}, {"eventId": 7},
        {"eventType": "git.push", "id": 7}, {"eventType": "git.push", "id": "g" * 256},
        {"eventType": "git.push", "id": "g\nh"},
    ],
)  # fmt: skip
def test_a_type_or_guid_that_cannot_be_one_is_malformed(payload: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse(payload)


def test_the_type_may_be_called_an_id() -> None:
    """As in the samples of the documentation for Repository renamed and its like."""
    assert parse({"eventId": "git.repository.renamed", "resource": {}}).type == "git.repository.renamed"


@pytest.mark.parametrize("nothing", [None, [], "text", 7, True, {}])
@pytest.mark.parametrize("event_type", ["git.push", "git.pullrequest.updated", "git.pullrequest.merged", "workitem.x"])
def test_wrong_types_are_unknown(event_type: str, nothing: Any) -> None:
    for payload in (
        {"eventType": event_type, "resource": nothing, "message": nothing},
        {"eventType": event_type, "resource": dict.fromkeys(("repository", "refUpdates", "createdBy"), nothing)},
    ):
        event = parse(payload)
        assert (event.head_sha, event.branch, event.awx_ref, event.status_target) == (None, None, None, None)


@pytest.mark.parametrize(
    ("name", "ref", "sha"),
    [
        ("git_push.branch", HEAD, HEAD),
        ("git_push.deleted", None, None),
        # An annotated tag's SHA is not a commit's.
        ("git_push.tag", "e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718", None),
        ("git_push.minimal_details", None, None),
        ("git_pullrequest_created.opened", HEAD, HEAD),
        ("git_pullrequest_created.fork", BEFORE, BEFORE),
        ("git_pullrequest_updated.vote", HEAD, HEAD),
        ("ms_vss-code_git-pullrequest-comment-event.created", None, None),
        ("build_complete", None, None),
    ],
)
def test_statuses_go_to_the_head_of_pushes_and_pull_requests(name: str, ref: str | None, sha: str | None) -> None:
    event = SERVICE.parse(as_sent(load("azure_devops", name)))

    assert (event.awx_ref, event.awx_status_api) == (ref, None)
    assert event.status_target == (
        None if sha is None else StatusTarget(repository=IDS, sha=sha, origin="https://dev.azure.com")
    )


def test_a_pull_request_is_told_in_full() -> None:
    event = SERVICE.parse(as_sent(load("azure_devops", "git_pullrequest_created.fork")))

    assert event.repository == Repository(
        id="5f4a1c02-19c1-4d3c-8f0e-91b2f4d07a11",
        full_name="Fruit/orchard",
        clone_url="https://acorn-works@dev.azure.com/acorn-works/Fruit/_git/orchard",
    )
    assert event.pull_request == PullRequest(
        number=13,
        title="{{ lookup('pipe', 'touch pwned') }}",
        author="tomas@acorn-works.example",
        draft=False,
        labels=(),
        fork=True,
        url="https://dev.azure.com/acorn-works/Fruit/_git/orchard/pullrequest/13",
    )
