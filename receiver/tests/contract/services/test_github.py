# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub's own words for AWX's variables, and what makes a delivery authentic or not."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from playhook.domain.event import Event, StatusTarget
from playhook.errors import NotAuthentic
from playhook.services.github import GitHub
from tests.contract.services.deliveries import GUID, KEY, as_sent, delivery, github, github_form, options
from tests.fixtures import load

SERVICE = GitHub()
BODY = load("github", "pull_request.opened").body
HEAD = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
BEFORE = "b27e61c0d94f3a85127be0c4d3f2a19988776655"
STATUSES = "https://api.github.com/repos/acorn-works/orchard/statuses/"
SHA1 = "sha1=" + hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()
SHA256 = "sha256=" + hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()
WRONG = "sha256=" + 64 * "0"


def test_the_vendors_example_is_authentic() -> None:
    """The test vector of docs.github.com, Validating webhook deliveries."""
    headers = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}

    SERVICE.verify(delivery(b"Hello, World!", headers), ["It's a Secret to Everybody"], options())


@pytest.mark.parametrize("keys", [["another-key-of-the-template", KEY], [KEY, "another-key-of-the-template"]])
def test_any_of_several_keys_is_enough(keys: list[str]) -> None:
    SERVICE.verify(github(BODY), keys, options())


def test_sha256_alone_is_enough() -> None:
    SERVICE.verify(github(BODY, x_hub_signature=""), [KEY], options())


def test_sha1_alone_is_accepted_where_the_template_allows_it() -> None:
    SERVICE.verify(github(BODY, x_hub_signature_256=""), [KEY], options(allow_sha1=True))


def test_a_form_is_signed_as_a_form() -> None:
    SERVICE.verify(github_form(BODY), [KEY], options())


@pytest.mark.parametrize(
    ("headers", "allow_sha1", "reason"),
    [
        ({}, False, "not signed"),
        ({}, True, "not signed"),
        ({"x-hub-signature": SHA1}, False, "SHA-1 only"),
        ({"x-hub-signature": SHA256}, False, "SHA-1 only"),
        ({"x-hub-signature": SHA256}, True, "malformed"),
        ({"x-hub-signature-256": WRONG, "x-hub-signature": SHA1}, True, "another webhook key"),
        ({"x-hub-signature-256": "", "x-hub-signature": SHA1}, True, "malformed"),
        ({"x-hub-signature-256": WRONG}, False, "another webhook key"),
        ({"x-hub-signature-256": SHA1}, False, "malformed"),
        ({"x-hub-signature-256": SHA1}, True, "malformed"),
        ({"x-hub-signature-256": SHA256[7:]}, False, "malformed"),
        ({"x-hub-signature-256": SHA256[:-1]}, False, "malformed"),
        ({"x-hub-signature-256": SHA256 + ", " + SHA256}, False, "malformed"),
        ({"x-hub-signature-256": "sha512" + SHA256[6:]}, False, "malformed"),
        ({"x-hub-signature-256": "sha256=" + "ä" * 64}, False, "malformed"),
        ({"x-hub-signature-256": "sha256=" + "\u2603" * 64}, False, "malformed"),
    ],
)
def test_a_wrong_signature_is_refused(headers: dict[str, str], allow_sha1: bool, reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        SERVICE.verify(delivery(BODY, headers), [KEY], options(allow_sha1=allow_sha1))


@pytest.mark.parametrize("keys", [[], [""], ["", ""]])
def test_nothing_is_authentic_without_a_key(keys: list[str]) -> None:
    for key in ("", "no key"):
        with pytest.raises(NotAuthentic, match="no webhook key"):
            SERVICE.verify(github(BODY, key=key), keys, options())


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(NotAuthentic):
        SERVICE.verify(github(BODY + b" ", x_hub_signature_256=SHA256), [KEY], options())


def test_a_refusal_tells_no_signature_and_no_key() -> None:
    with pytest.raises(NotAuthentic) as caught:
        SERVICE.verify(github(BODY, x_hub_signature_256=WRONG), [KEY], options())

    assert SHA256[7:] not in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_form_says_the_same_as_json() -> None:
    as_json, as_form = SERVICE.parse(github(BODY, "pull_request")), SERVICE.parse(github_form(BODY, "pull_request"))

    assert as_form == as_json


def test_the_delivery_header_is_the_guid() -> None:
    assert SERVICE.parse(github(BODY)).guid == GUID
    assert SERVICE.parse(github(BODY, x_github_delivery="")).guid is None


@pytest.mark.parametrize(
    ("name", "ref", "status_api"),
    [
        ("push.branch", HEAD, None),
        ("push.deleted", None, None),
        ("push.tag", "e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718", None),
        ("pull_request.opened", HEAD, STATUSES + HEAD),
        ("pull_request.merged", HEAD, STATUSES + HEAD),
        ("pull_request.fork", BEFORE, STATUSES + BEFORE),
        ("pull_request_review.approved", HEAD, None),
        ("pull_request_review_comment.created", HEAD, None),
        ("release.published", "v1.4.0", None),
        ("commit_comment.created", HEAD, None),
        ("create.branch", "spring/2026", None),
        ("delete.branch", None, None),
        ("page_build", HEAD, None),
        ("issue_comment.on_pull_request", None, None),
        ("issues.opened", None, None),
        ("ping", None, None),
    ],
)
def test_awx_variables_are_those_of_awx(name: str, ref: str | None, status_api: str | None) -> None:
    event = SERVICE.parse(as_sent(load("github", name)))

    assert (event.awx_ref, event.awx_status_api) == (ref, status_api)
    # Statuses go where AWX posts them: to pull requests, and nowhere else.
    assert (event.status_target is not None) == (status_api is not None)


def test_a_status_goes_to_the_base_repository_and_the_head_commit() -> None:
    event = SERVICE.parse(as_sent(load("github", "pull_request.fork")))

    assert event.status_target == StatusTarget(
        repository="acorn-works/orchard", sha=BEFORE, origin="https://api.github.com"
    )


def parse_changed(name: str, change: Callable[[dict[str, Any]], object]) -> Event:
    payload = load("github", name).payload
    change(payload)
    return SERVICE.parse(github(json.dumps(payload).encode(), name.partition(".")[0]))


def test_a_merged_pull_request_can_still_be_labeled() -> None:
    event = parse_changed("pull_request.merged", lambda payload: payload.update(action="labeled"))

    assert event.action == "labeled"


def test_a_head_that_says_no_repository_is_neither_fork_nor_not() -> None:
    event = parse_changed("pull_request.opened", lambda payload: payload["pull_request"]["head"].pop("repo"))

    assert event.pull_request is not None
    assert event.pull_request.fork is None


def test_a_text_with_a_nul_is_unknown() -> None:
    event = parse_changed("pull_request.opened", lambda payload: payload["pull_request"].update(title="Prune\0"))

    assert event.pull_request is not None
    assert event.pull_request.title is None


def test_a_pull_request_without_statuses_url_has_a_target_for_a_pinned_api() -> None:
    event = parse_changed("pull_request.opened", lambda payload: payload["pull_request"].pop("statuses_url"))

    assert event.awx_status_api is None
    assert event.status_target == StatusTarget(repository="acorn-works/orchard", sha=HEAD, origin=None)
