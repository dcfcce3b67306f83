# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gitea, Forgejo and Gogs: whose headers count, what makes a delivery authentic, and where statuses go."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote_plus

import pytest

from playhook.domain.event import StatusTarget
from playhook.errors import Malformed, NotAuthentic, UnsupportedType
from playhook.services.gitea import Gitea
from tests.contract.services.deliveries import GUID, KEY, as_sent, delivery, gitea, options
from tests.contract.services.expected import BEFORE, HEAD, TAG_OBJECT
from tests.fixtures import load

SERVICE = Gitea()
BODY = load("gitea", "push.branch").body
RIGHT = hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()
SHA1 = hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()
WRONG = "0" * 64


def test_a_signature_made_with_openssl_is_authentic() -> None:
    """`printf '%s' '{"test":1}' | openssl dgst -sha256 -hmac orchard-key-0000000001`."""
    signature = "5b5df61a53a04a50445505566dbbca1e55b0a9f2f504b61631dfdaf39c1ea298"

    SERVICE.verify(delivery(b'{"test":1}', {"x-gitea-signature": signature}), ["orchard-key-0000000001"], options())


@pytest.mark.parametrize("kinds", [("forgejo", "gitea", "gogs"), ("gitea", "gogs"), ("gogs",)])
def test_gitea_and_its_relatives_are_authentic_and_say_the_same(kinds: tuple[str, ...]) -> None:
    sent = gitea(BODY, kinds=kinds)
    SERVICE.verify(sent, ["another-key-of-the-template", KEY], options())

    event = SERVICE.parse(sent)

    assert (event.service, event.type, event.guid, event.head_sha) == ("gitea", "push", GUID, HEAD)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forgejo-signature": RIGHT},
        {"x-gitea-signature": RIGHT},
        {"x-gogs-signature": RIGHT},
        {"x-hub-signature-256": f"sha256={RIGHT}"},
    ],
)
def test_each_signature_is_enough_alone(headers: dict[str, str]) -> None:
    SERVICE.verify(delivery(BODY, headers), [KEY], options())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "not signed"),
        # What is sent where the webhook has no secret.
        ({"x-gitea-signature": "", "x-hub-signature-256": "sha256="}, "not signed"),
        ({"x-hub-signature-256": "sha256="}, "not signed"),
        ({"x-hub-signature": f"sha1={SHA1}"}, "not signed"),
        ({"x-gitea-signature": SHA1}, "malformed"),
        ({"x-gitea-signature": f"sha256={RIGHT}"}, "malformed"),
        ({"x-hub-signature-256": RIGHT}, "malformed"),
        ({"x-gitea-signature": WRONG}, "another webhook key"),
        # None helps another out.
        ({"x-forgejo-signature": WRONG, "x-gitea-signature": RIGHT}, "another webhook key"),
        ({"x-gitea-signature": WRONG, "x-gogs-signature": RIGHT}, "another webhook key"),
        ({"x-gitea-signature": WRONG, "x-hub-signature-256": f"sha256={RIGHT}"}, "another webhook key"),
        ({"x-gitea-signature": "", "x-hub-signature-256": f"sha256={RIGHT}"}, "not signed"),
    ],
)
@pytest.mark.parametrize("allow_sha1", [False, True])
def test_a_wrong_signature_is_refused(headers: dict[str, str], reason: str, allow_sha1: bool) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        SERVICE.verify(delivery(BODY, headers), [KEY], options(allow_sha1=allow_sha1))


@pytest.mark.parametrize("keys", [[], [""]])
def test_nothing_is_authentic_without_a_key(keys: list[str]) -> None:
    with pytest.raises(NotAuthentic, match="no webhook key"):
        SERVICE.verify(gitea(BODY, key="no key"), keys, options())


def test_a_form_is_refused_with_the_remedy() -> None:
    """Gitea signs the JSON in a form, not the form: it would have to be decoded before it is known to be authentic."""
    form, kind = b"payload=" + quote_plus(BODY).encode(), "application/x-www-form-urlencoded"

    with pytest.raises(NotAuthentic, match="set the webhook's content type to application/json"):
        SERVICE.verify(delivery(form, {"content-type": kind, "x-gitea-signature": RIGHT}), [KEY], options())
    with pytest.raises(UnsupportedType):
        SERVICE.parse(delivery(form, {"content-type": kind, "x-gitea-event": "push"}))


@pytest.mark.parametrize(
    ("headers", "event_type"),
    [
        ({"x-gitea-event": "pull_request", "x-gitea-event-type": "pull_request_sync"}, "pull_request"),
        # Some versions leave the first header empty for packages.
        ({"x-gitea-event": "", "x-gitea-event-type": "package"}, "package"),
        ({"x-forgejo-event": "push", "x-gitea-event": "release", "x-gogs-event": "create"}, "push"),
        ({"x-gogs-event": "create"}, "create"),
    ],
)
def test_the_event_type_is_the_general_one(headers: dict[str, str], event_type: str) -> None:
    assert SERVICE.parse(delivery(b"{}", {"content-type": "application/json", **headers})).type == event_type


def test_a_delivery_for_another_services_receiver_has_no_event() -> None:
    with pytest.raises(Malformed, match="X-Gitea-Event"):
        SERVICE.parse(delivery(b"{}", {"content-type": "application/json", "x-github-event": "push"}))


@pytest.mark.parametrize(
    ("name", "ref", "sha"),
    [
        ("push.branch", HEAD, HEAD),
        ("push.deleted", None, None),
        # An annotated tag's SHA is not a commit's.
        ("push.tag", TAG_OBJECT, None),
        ("pull_request.opened", HEAD, HEAD),
        ("pull_request.fork", BEFORE, BEFORE),
        ("pull_request.gogs", None, None),
        ("pull_request_approved.reviewed", HEAD, None),
        ("release.published", "v1.4.0", None),
        ("create.branch", "spring/2026", None),
        ("issue_comment.on_pull_request", None, None),
    ],
)
def test_statuses_go_to_the_head_of_pushes_and_pull_requests(name: str, ref: str | None, sha: str | None) -> None:
    event = SERVICE.parse(as_sent(load("gitea", name)))

    assert (event.awx_ref, event.awx_status_api) == (ref, None)
    assert event.status_target == (
        None
        if sha is None
        else StatusTarget(repository="acorn-works/orchard", sha=sha, origin="https://git.acorn-works.example")
    )


def test_paths_are_told_only_where_all_commits_are_listed() -> None:
    complete, cut, unknown = (
        SERVICE.parse(as_sent(load("gitea", f"push.{name}"))).changed_paths
        for name in ("branch", "more_than_listed", "before_1_16")
    )

    assert (len(complete or ()), cut, unknown) == (4, None, None)
