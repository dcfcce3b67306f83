# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitbucket Cloud: what makes a delivery authentic, its accounts, and where statuses go."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from playhook.domain.event import PullRequest, Repository, StatusTarget
from playhook.errors import NotAuthentic
from playhook.services.bitbucket_cloud import BitbucketCloud
from tests.contract.services.deliveries import GUID, KEY, as_sent, bitbucket_cloud, delivery, options
from tests.contract.services.expected import BEFORE, HEAD
from tests.fixtures import load

SERVICE = BitbucketCloud()
BODY = load("bitbucket_cloud", "repo__push.branch").body
SHA1 = "sha1=" + hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()
SHA256 = "sha256=" + hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()


def test_the_vendors_example_is_authentic() -> None:
    """The test vector of Atlassian's page Manage webhooks, Securing webhooks."""
    headers = {"x-hub-signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}

    SERVICE.verify(delivery(b"Hello World!", headers), ["It's a Secret to Everybody"], options())


@pytest.mark.parametrize("keys", [["another-key-of-the-template", KEY], [KEY, "another-key-of-the-template"]])
def test_any_of_several_keys_is_enough(keys: list[str]) -> None:
    SERVICE.verify(bitbucket_cloud(BODY), keys, options())


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "not signed"),
        (SHA1, "malformed"),
        (SHA256[7:], "malformed"),
        ("sha256=" + "0" * 64, "another webhook key"),
    ],
)
@pytest.mark.parametrize("allow_sha1", [False, True])
def test_a_wrong_signature_is_refused(signature: str, reason: str, allow_sha1: bool) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        SERVICE.verify(bitbucket_cloud(BODY, x_hub_signature=signature), [KEY], options(allow_sha1=allow_sha1))


@pytest.mark.parametrize("keys", [[], [""]])
def test_nothing_is_authentic_without_a_key(keys: list[str]) -> None:
    with pytest.raises(NotAuthentic, match="no webhook key"):
        SERVICE.verify(bitbucket_cloud(BODY, key="no key"), keys, options())


def test_the_request_uuid_is_the_guid_of_all_attempts() -> None:
    assert SERVICE.parse(bitbucket_cloud(BODY, x_attempt_number="3")).guid == GUID
    assert SERVICE.parse(bitbucket_cloud(BODY, x_request_uuid="")).guid is None


def test_an_account_is_told_by_its_id_and_not_by_the_name_it_chose() -> None:
    mira, tomas = (
        SERVICE.parse(as_sent(load("bitbucket_cloud", name)))
        for name in ("pullrequest__created", "pullrequest__created.fork")
    )

    assert mira.payload["actor"]["nickname"] == tomas.payload["actor"]["nickname"]
    assert mira.sender != tomas.sender
    assert mira.pull_request is not None
    assert mira.pull_request.author == mira.payload["pullrequest"]["author"]["account_id"]


@pytest.mark.parametrize(
    ("name", "sha"),
    [
        ("repo__push.branch", HEAD),
        ("repo__push.tag", HEAD),
        ("repo__push.deleted", None),
        ("repo__push.nothing", None),
        ("pullrequest__created", HEAD[:12]),
        ("pullrequest__created.fork", BEFORE[:12]),
        ("pullrequest__approved", None),
        ("pullrequest__comment_created", None),
        ("repo__commit_comment_created", None),
    ],
)
def test_statuses_go_to_the_head_of_pushes_and_pull_requests(name: str, sha: str | None) -> None:
    event = SERVICE.parse(as_sent(load("bitbucket_cloud", name)))

    assert (event.awx_ref, event.awx_status_api) == (sha, None)
    assert event.status_target == (
        None
        if sha is None
        else StatusTarget(repository="acorn-works/orchard", sha=sha, origin="https://api.bitbucket.org")
    )


def test_a_pull_request_is_told_in_full() -> None:
    event = SERVICE.parse(as_sent(load("bitbucket_cloud", "pullrequest__created.fork")))

    assert event.repository == Repository(id="{00000041-19c1-4d3c-8f0e-91b2f4d07a11}", full_name="acorn-works/orchard")
    assert event.pull_request == PullRequest(
        number=13,
        title="{{ lookup('pipe', 'touch pwned') }}",
        author="557058:tomas-okafor",
        draft=False,
        fork=True,
        url="https://bitbucket.org/acorn-works/orchard/pull-requests/13",
    )
