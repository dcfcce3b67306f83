# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitLab's own words for AWX's variables, and what makes a delivery authentic or not."""

from __future__ import annotations

import base64
import hmac

import pytest

from playhook.domain.event import StatusTarget
from playhook.errors import NotAuthentic
from playhook.services.gitlab import GitLab
from tests.contract.services.deliveries import (
    GUID,
    KEY,
    NOW,
    SIGNING_TOKEN,
    as_sent,
    delivery,
    gitlab,
    gitlab_signed,
    options,
)
from tests.fixtures import load

SERVICE = GitLab()
BODY = load("gitlab", "Push_Hook.branch").body
HEAD = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
STATUSES = "https://gitlab.com/api/v4/projects/412/statuses/"
OTHER_TOKEN = "whsec_" + base64.b64encode(b"o" * 32).decode()
SIGNATURE = gitlab_signed(BODY).headers["webhook-signature"]


def at(seconds: int) -> str:
    return str(int(NOW.timestamp()) + seconds)


def test_a_signature_made_with_openssl_is_authentic() -> None:
    """One that no Python made, so that both sides cannot share a mistake.

    `printf '%s' 'evt_1.1772625600.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f -binary | base64`
    """
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1772625600",
        "webhook-signature": "v1,juuW9uQpyB+gwzLFZ/93Zwce9HKbgtbH9QvQ3r104/w=",
    }

    SERVICE.verify(delivery(b'{"a":1}', headers), [SIGNING_TOKEN], options())


@pytest.mark.parametrize("others", [["another-key-of-the-template", KEY], [KEY, "another-key-of-the-template"]])
def test_any_of_several_tokens_is_enough(others: list[str]) -> None:
    SERVICE.verify(gitlab(BODY), [SIGNING_TOKEN, *others], options())


def test_a_token_outside_ascii_is_compared_as_it_was_sent() -> None:
    key = "schlüssel-für-den-obstgarten-☃"

    SERVICE.verify(gitlab(BODY, key=key.encode().decode("latin-1")), [key], options())


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_counts_for_five_minutes(seconds: int) -> None:
    SERVICE.verify(gitlab_signed(BODY, timestamp=at(seconds)), [SIGNING_TOKEN], options())


@pytest.mark.parametrize("signature", [f"{SIGNATURE} v1,AAAA", f"v1,AAAA {SIGNATURE}", f"v2,xyz {SIGNATURE}"])
def test_one_right_signature_of_several_is_enough(signature: str) -> None:
    SERVICE.verify(gitlab_signed(BODY, webhook_signature=signature), [OTHER_TOKEN, SIGNING_TOKEN], options())


def test_a_secret_token_counts_where_the_template_has_no_signing_token() -> None:
    """GitLab sends both headers to a hook that has both tokens."""
    SERVICE.verify(gitlab_signed(BODY, x_gitlab_token=KEY), [KEY], options())


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "no X-Gitlab-Token"),
        ("wrong", "not the webhook key"),
        (KEY + "x", "not"),
        (KEY[:-1], "not"),
        ("\u2603", "not"),
    ],
)
def test_a_wrong_token_is_refused(token: str, reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        SERVICE.verify(gitlab(BODY, x_gitlab_token=token), [KEY], options())


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"webhook_signature": "v1,AAAA"}, "another signing token"),
        ({"webhook_signature": SIGNATURE.removeprefix("v1,")}, "another signing token"),
        ({"webhook_signature": "v1a," + SIGNATURE[3:]}, "another signing token"),
        ({"webhook_signature": "v1," + "\u2603" * 44}, "another signing token"),
        ({"webhook_id": "another-id"}, "another signing token"),
        ({"webhook_timestamp": at(1)}, "another signing token"),
        ({"webhook_timestamp": "soon"}, "another signing token"),
        ({"timestamp": at(301)}, "within 300 seconds"),
        ({"timestamp": at(-301)}, "within 300 seconds"),
        ({"timestamp": "soon"}, "within 300 seconds"),
        ({"timestamp": "-1"}, "within 300 seconds"),
        ({"timestamp": "9" * 400}, "within 300 seconds"),
        ({"token": OTHER_TOKEN}, "another signing token"),
    ],
)
def test_a_wrong_signature_is_refused(extra: dict[str, str], reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        SERVICE.verify(gitlab_signed(BODY, **extra), [SIGNING_TOKEN], options())


def test_a_signature_without_an_id_is_refused() -> None:
    key, signed = base64.b64decode(SIGNING_TOKEN[6:]), b"." + at(0).encode() + b"." + BODY
    signature = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()

    with pytest.raises(NotAuthentic, match="no webhook-id"):
        SERVICE.verify(gitlab_signed(BODY, webhook_id="", webhook_signature=signature), [SIGNING_TOKEN], options())


def test_a_right_token_does_not_help_a_wrong_signature() -> None:
    with pytest.raises(NotAuthentic):
        SERVICE.verify(
            gitlab_signed(BODY, webhook_signature="v1,AAAA", x_gitlab_token=KEY), [KEY, SIGNING_TOKEN], options()
        )


def test_a_signing_token_is_no_secret_token() -> None:
    with pytest.raises(NotAuthentic):
        SERVICE.verify(gitlab(BODY, key=SIGNING_TOKEN), [SIGNING_TOKEN], options())


@pytest.mark.parametrize("token", ["whsec_", "whsec_AAAA", "whsec_not base64", "whsec_ä"])
def test_nothing_is_signed_with_a_signing_token_that_is_none(token: str) -> None:
    empty = gitlab_signed(BODY, token="whsec_")

    with pytest.raises(NotAuthentic):
        SERVICE.verify(empty, [token], options())


@pytest.mark.parametrize("keys", [[], [""]])
def test_nothing_is_authentic_without_a_key(keys: list[str]) -> None:
    for key in ("", "no key"):
        with pytest.raises(NotAuthentic, match="no webhook key"):
            SERVICE.verify(gitlab(BODY, key=key), keys, options())


@pytest.mark.parametrize(
    ("extra", "guid"),
    [
        ({"webhook_id": "from-webhook-id"}, "from-webhook-id"),
        ({}, GUID),
        ({"idempotency_key": ""}, "0b9f5a36-6a5e-4b3f-8a0c-3f6fd1c2a7e4"),
        ({"idempotency_key": "", "x_gitlab_event_uuid": ""}, None),
    ],
)
def test_the_guid_is_the_one_that_retries_keep(extra: dict[str, str], guid: str | None) -> None:
    assert SERVICE.parse(gitlab(BODY, **extra)).guid == guid


@pytest.mark.parametrize(
    ("name", "ref", "status_api"),
    [
        ("Push_Hook.branch", HEAD, STATUSES + HEAD),
        ("Push_Hook.deleted", None, None),
        ("Push_Hook.self_managed", HEAD, f"https://git.acorn-works.example:8443/api/v4/projects/412/statuses/{HEAD}"),
        ("Tag_Push_Hook.created", HEAD, STATUSES + HEAD),
        ("Tag_Push_Hook.deleted", None, None),
        ("Merge_Request_Hook.open", HEAD, STATUSES + HEAD),
        ("Merge_Request_Hook.fork", HEAD, STATUSES + HEAD),
        ("Note_Hook.merge_request", None, None),
        ("Pipeline_Hook.merge_request", None, None),
        ("Issue_Hook.open", None, None),
        ("System_Hook.push", None, None),
    ],
)
def test_awx_variables_are_those_of_awx(name: str, ref: str | None, status_api: str | None) -> None:
    event = SERVICE.parse(as_sent(load("gitlab", name)))

    assert (event.awx_ref, event.awx_status_api) == (ref, status_api)
    assert (event.status_target is not None) == (status_api is not None)


def test_a_status_goes_to_the_target_project() -> None:
    event = SERVICE.parse(as_sent(load("gitlab", "Merge_Request_Hook.fork")))

    assert event.status_target == StatusTarget(repository="412", sha=HEAD, origin="https://gitlab.com")


def test_the_test_button_sends_a_push_like_any_other() -> None:
    """GitLab's Test sends the last push of the project; nothing in it tells the two apart."""
    assert SERVICE.parse(gitlab(BODY)).kind == "push"
