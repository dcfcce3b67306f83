# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `playhook send` sends is what the service would: authentic, and an event of the kind it is called."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

from playhook.domain.delivery import Delivery
from playhook.errors import NotAuthentic, UnsignedPing
from playhook.services.base import Sampled
from playhook.services.registry import load_services
from tests.contract.services.deliveries import GUID, KEY, NOW, SIGNING_TOKEN, delivery, options

SERVICES = load_services()
SAMPLES = [(name, kind) for name, service in SERVICES.items() for kind in service.sample_types]

# What each is told as: the service's own event type, kind and action. Nothing is known of what other senders mean.
TOLD = {
    ("azure_devops", "git.push"): ("git.push", "push", "updated"),
    ("azure_devops", "git.pullrequest.created"): ("git.pullrequest.created", "pull_request", "opened"),
    ("azure_devops", "tag"): ("git.push", "tag", "created"),
    ("azure_devops", "ms.vss-code.git-pullrequest-comment-event"): (
        "ms.vss-code.git-pullrequest-comment-event", "comment", "commented",
    ),
    ("bitbucket_cloud", "repo:push"): ("repo:push", "push", "updated"),
    ("bitbucket_cloud", "pullrequest:created"): ("pullrequest:created", "pull_request", "opened"),
    ("bitbucket_cloud", "tag"): ("repo:push", "tag", "created"),
    ("bitbucket_cloud", "pullrequest:comment_created"): ("pullrequest:comment_created", "comment", "commented"),
    ("bitbucket_dc", "repo:refs_changed"): ("repo:refs_changed", "push", "updated"),
    ("bitbucket_dc", "pr:opened"): ("pr:opened", "pull_request", "opened"),
    ("bitbucket_dc", "tag"): ("repo:refs_changed", "tag", "created"),
    ("bitbucket_dc", "pr:comment:added"): ("pr:comment:added", "comment", "commented"),
    ("bitbucket_dc", "diagnostics:ping"): ("diagnostics:ping", "ping", None),
    ("generic", "event"): ("event", "other", None),
    ("gitea", "push"): ("push", "push", "updated"),
    ("gitea", "pull_request"): ("pull_request", "pull_request", "opened"),
    ("gitea", "tag"): ("push", "tag", "created"),
    ("gitea", "release"): ("release", "release", "published"),
    ("gitea", "issue_comment"): ("issue_comment", "comment", "commented"),
    ("github", "push"): ("push", "push", "updated"),
    ("github", "pull_request"): ("pull_request", "pull_request", "opened"),
    ("github", "tag"): ("push", "tag", "created"),
    ("github", "release"): ("release", "release", "published"),
    ("github", "issue_comment"): ("issue_comment", "comment", "commented"),
    ("github", "ping"): ("ping", "ping", None),
    ("gitlab", "Push Hook"): ("Push Hook", "push", "updated"),
    ("gitlab", "Merge Request Hook"): ("Merge Request Hook", "pull_request", "opened"),
    ("gitlab", "Tag Push Hook"): ("Tag Push Hook", "tag", "created"),
    ("gitlab", "Note Hook"): ("Note Hook", "comment", "commented"),
    ("standard_webhooks", "playhook.sample"): ("playhook.sample", "other", None),
}  # fmt: skip
COMMENTABLE = {"pull_request", "comment"}
WITHOUT_GIT = {"generic", "standard_webhooks"}


def signature(body: bytes) -> str:
    return hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()


def standard(body: bytes) -> str:
    signed = f"{GUID}.{int(NOW.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()


# The header that proves a delivery, made here with the standard library.
PROOFS: Mapping[str, Callable[[bytes], tuple[str, str]]] = {
    "azure_devops": lambda body: (
        "Authorization",
        "Basic " + base64.b64encode(b"playhook:" + KEY.encode()).decode(),
    ),
    "bitbucket_cloud": lambda body: ("X-Hub-Signature", "sha256=" + signature(body)),
    "bitbucket_dc": lambda body: ("X-Hub-Signature", "sha256=" + signature(body)),
    "generic": lambda body: ("X-Hub-Signature-256", "sha256=" + signature(body)),
    "gitea": lambda body: ("X-Gitea-Signature", signature(body)),
    "github": lambda body: ("X-Hub-Signature-256", "sha256=" + signature(body)),
    "gitlab": lambda body: ("X-Gitlab-Token", KEY),
    "standard_webhooks": lambda body: ("webhook-signature", standard(body)),
}


def sign(name: str, kind: str, body: bytes, key: str = KEY) -> Mapping[str, str]:
    return SERVICES[name].sign(body, event_type=kind, guid=GUID, key=key, now=NOW)


def send(name: str, kind: str) -> Delivery:
    """The sample as it comes in, with what `playhook send` adds to every request."""
    body = orjson.dumps(SERVICES[name].sample(kind))
    headers = {header.lower(): value for header, value in sign(name, kind, body).items()}
    return delivery(body, {"content-type": "application/json", **headers})


def test_every_service_can_be_played() -> None:
    assert [name for name, service in SERVICES.items() if not isinstance(service, Sampled)] == []
    assert sorted(SAMPLES) == sorted(TOLD)
    assert set(PROOFS) == set(SERVICES)


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
def test_a_sample_is_proved_as_the_service_would(name: str, kind: str) -> None:
    body = orjson.dumps(SERVICES[name].sample(kind))
    headers = {header.lower(): value for header, value in sign(name, kind, body).items()}
    header, value = PROOFS[name](body)

    if kind == "diagnostics:ping":
        assert header.lower() not in headers
    else:
        assert headers[header.lower()] == value


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
def test_a_sample_is_authentic_with_its_key_only(name: str, kind: str) -> None:
    sent = send(name, kind)

    if kind == "diagnostics:ping":
        with pytest.raises(UnsignedPing):
            SERVICES[name].verify(sent, [KEY], options())
        return
    SERVICES[name].verify(sent, [KEY], options())
    with pytest.raises(NotAuthentic):
        SERVICES[name].verify(sent, ["another-key-of-the-template"], options())


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
def test_a_sample_is_what_it_is_called(name: str, kind: str) -> None:
    event = SERVICES[name].parse(send(name, kind))

    assert (event.type, event.kind, event.action) == TOLD[name, kind]
    assert event.guid == (event.payload["id"] if name == "azure_devops" else GUID)
    if name in WITHOUT_GIT or event.kind == "ping":
        return
    assert event.sender
    assert event.repository is not None
    assert event.repository.full_name == ("EXAMPLE/site" if name == "bitbucket_dc" else "example/site")
    if event.kind in {"push", "tag"}:
        assert (event.branch, event.tag) == (("main", None) if event.kind == "push" else (None, "v1.0.0"))
        assert event.head_sha
        assert event.status_target or event.kind == "tag" or name == "github"
    if event.kind == "comment":
        assert event.comment == "/deploy staging"
    if event.kind in COMMENTABLE:
        assert event.pull_request is not None
        assert (event.pull_request.number, event.pull_request.title) == (7, "Add a page")
    if event.kind == "pull_request":
        assert event.pull_request is not None
        assert (event.branch, event.base_branch, event.pull_request.fork) == ("feature-1", "main", False)
        assert event.status_target


def test_a_sample_is_not_a_repeat_of_the_one_before() -> None:
    """Where the guid stands in the payload, the sample brings a new one."""
    first, second = (SERVICES["azure_devops"].sample("git.push") for _ in range(2))

    assert first["id"] != second["id"]
    assert {**first, "id": 0} == {**second, "id": 0}


def test_gitlab_signs_where_the_key_is_a_signing_token() -> None:
    body = b'{"a": 1}'
    signed = f"{GUID}.{int(NOW.timestamp())}.".encode() + body
    digest = hmac.new(base64.b64decode(SIGNING_TOKEN[6:]), signed, hashlib.sha256).digest()

    headers = sign("gitlab", "Push Hook", body, SIGNING_TOKEN)

    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert "X-Gitlab-Token" not in headers


@pytest.mark.parametrize(("name", "kind"), SAMPLES)
def test_samples_are_small_and_new_each_time(name: str, kind: str) -> None:
    sample: dict[str, Any] = dict(SERVICES[name].sample(kind))
    sample["changed"] = True

    assert "changed" not in SERVICES[name].sample(kind)
    assert len(orjson.dumps(sample)) < 2500
