# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitbucket Data Center: AWX's variables, what makes a delivery authentic, the ping, and where statuses go."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from playhook.domain.event import PullRequest, Repository, StatusTarget
from playhook.errors import NotAuthentic, UnsignedPing
from playhook.services.bitbucket_dc import BitbucketDataCenter
from tests.contract.services.deliveries import GUID, KEY, as_sent, bitbucket_dc, delivery, options
from tests.contract.services.expected import BASE, BEFORE, HEAD
from tests.fixtures import load

SERVICE = BitbucketDataCenter()
HOST = "https://bitbucket.acorn-works.example"
BODY = load("bitbucket_dc", "pr__opened").body
SHA1 = "sha1=" + hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()
SHA256 = "sha256=" + hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()
SHA512 = "sha512=" + hmac.new(KEY.encode(), BODY, hashlib.sha512).hexdigest()


def test_a_signature_made_with_openssl_is_authentic() -> None:
    """`printf '%s' '{"test":1}' | openssl dgst -sha256 -hmac orchard-key-0000000001`."""
    signature = "sha256=5b5df61a53a04a50445505566dbbca1e55b0a9f2f504b61631dfdaf39c1ea298"

    SERVICE.verify(delivery(b'{"test":1}', {"x-hub-signature": signature}), ["orchard-key-0000000001"], options())


@pytest.mark.parametrize("keys", [["another-key-of-the-template", KEY], [KEY, "another-key-of-the-template"]])
def test_any_of_several_keys_is_enough(keys: list[str]) -> None:
    SERVICE.verify(bitbucket_dc(BODY), keys, options())


def test_sha1_is_accepted_where_the_template_allows_it() -> None:
    SERVICE.verify(bitbucket_dc(BODY, x_hub_signature=SHA1), [KEY], options(allow_sha1=True))


@pytest.mark.parametrize(
    ("signature", "allow_sha1", "reason"),
    [
        ("", False, "not signed"),
        (SHA1, False, "SHA-1 only"),
        (SHA1[:-1], True, "malformed"),
        ("sha1=" + "0" * 40, True, "another webhook key"),
        (SHA512, True, "malformed"),
        (SHA256[7:], False, "malformed"),
        (SHA256[:-2], False, "malformed"),
        ("sha256=" + "0" * 64, False, "another webhook key"),
        ("sha256=" + "ä" * 64, False, "malformed"),
    ],
)
def test_a_wrong_signature_is_refused(signature: str, allow_sha1: bool, reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason) as caught:
        SERVICE.verify(bitbucket_dc(BODY, x_hub_signature=signature), [KEY], options(allow_sha1=allow_sha1))

    assert SHA256[7:] not in str(caught.value)


@pytest.mark.parametrize("keys", [[], [KEY], ["another-key-of-the-template"]])
def test_a_ping_without_a_signature_is_no_proof_whatever_the_keys(keys: list[str]) -> None:
    with pytest.raises(UnsignedPing):
        SERVICE.verify(bitbucket_dc(b'{"test":true}', "diagnostics:ping", x_hub_signature=""), keys, options())


def test_a_ping_with_a_wrong_signature_is_refused() -> None:
    with pytest.raises(NotAuthentic):
        SERVICE.verify(bitbucket_dc(BODY, "diagnostics:ping", x_hub_signature="sha256=00"), [KEY], options())


def test_only_a_ping_may_come_unsigned() -> None:
    for event in ("diagnostics:ping ", "Diagnostics:Ping", "diagnostics:pings", "repo:refs_changed", ""):
        with pytest.raises(NotAuthentic):
            SERVICE.verify(bitbucket_dc(BODY, event, x_hub_signature=""), [KEY], options())


def test_a_signed_ping_is_a_ping() -> None:
    sent = bitbucket_dc(b'{"test":true}', "diagnostics:ping")
    SERVICE.verify(sent, [KEY], options())

    assert SERVICE.parse(sent).kind == "ping"


def test_the_request_id_is_the_guid() -> None:
    assert SERVICE.parse(bitbucket_dc(BODY, "pr:opened")).guid == GUID
    assert SERVICE.parse(bitbucket_dc(BODY, "pr:opened", x_request_id="")).guid is None


@pytest.mark.parametrize(
    ("name", "ref", "head"),
    [
        ("repo__refs_changed.branch", HEAD, HEAD),
        ("repo__refs_changed.tag", "e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718", HEAD),
        ("repo__refs_changed.deleted", None, None),
        ("mirror__repo_synchronized", HEAD, HEAD),
        # AWX says the target branch's commit, and posted its status there.
        ("pr__opened", BASE, HEAD),
        ("pr__opened.fork", BASE, BEFORE),
        ("pr__from_ref_updated", BASE, HEAD),
        ("pr__modified.title", BASE, HEAD),
        ("pr__merged", None, None),
        ("pr__comment__added", None, None),
        ("repo__comment__added", None, None),
        ("diagnostics__ping", None, None),
    ],
)
def test_awx_variables_are_awxs_and_statuses_go_to_the_head(name: str, ref: str | None, head: str | None) -> None:
    event = SERVICE.parse(as_sent(load("bitbucket_dc", name)))

    assert event.awx_ref == ref
    assert event.awx_status_api == (None if ref is None else f"{HOST}/rest/build-status/1.0/commits/{ref}")
    assert event.status_target == (
        None if head is None else StatusTarget(repository="ACORN/orchard", sha=head, origin=HOST)
    )


def test_a_payload_that_says_little_gets_its_status_too() -> None:
    """What AWX's own tests send: no project, no id."""
    body = (
        '{"actor": {"name": "admin", "links": {"self": [{"href": "http://127.0.0.1:7990/users/admin"}]}},'
        ' "repository": {"slug": "orchard"}, "changes": [{"ref": {"id": "refs/heads/main", "type": "BRANCH"},'
        f' "refId": "refs/heads/main", "fromHash": "{BASE}", "toHash": "{HEAD}", "type": "UPDATE"}}]}}'
    )
    event = SERVICE.parse(bitbucket_dc(body.encode()))

    assert event.awx_status_api == f"http://127.0.0.1:7990/rest/build-status/1.0/commits/{HEAD}"
    assert event.status_target == StatusTarget(repository="", sha=HEAD, origin="http://127.0.0.1:7990")


def test_a_pull_request_is_told_in_full() -> None:
    event = SERVICE.parse(as_sent(load("bitbucket_dc", "pr__opened.fork")))

    assert event.repository == Repository(id="41", full_name="ACORN/orchard", clone_url=f"{HOST}/scm/acorn/orchard.git")
    assert event.pull_request == PullRequest(
        number=13,
        title="{{ lookup('pipe', 'touch pwned') }}",
        author="tomas-okafor",
        draft=False,
        fork=True,
        url=f"{HOST}/projects/ACORN/repos/orchard/pull-requests/13",
    )
