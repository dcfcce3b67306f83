# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be understood is refused with the right error, and nothing else is ever raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playhook.domain.event import Event
from playhook.errors import Malformed, NotAuthentic, UnsignedPing, UnsupportedType
from playhook.services.base import Service
from playhook.services.registry import load_services
from tests.contract.services.deliveries import (
    EVENT_HEADERS,
    GUID_HEADERS,
    KEY,
    SENDERS,
    SIGNING_TOKEN,
    delivery,
    options,
)
from tests.fixtures import recorded

SERVICES = load_services()
EVENTS = {
    "bitbucket_cloud": "pullrequest:created",
    "bitbucket_dc": "pr:opened",
    "gitea": "pull_request",
    "github": "pull_request",
    "gitlab": "Merge Request Hook",
}

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
# Where the event type stands in a header, and is one of EVENTS unless told; those that say it in the body have files
# of their own.
typed_by_header = pytest.mark.parametrize(
    "service", [SERVICES[name] for name in EVENT_HEADERS], ids=list(EVENT_HEADERS)
)
with_known_events = pytest.mark.parametrize("service", [SERVICES[name] for name in EVENTS], ids=list(EVENTS))


def parse(service: Service, body: bytes, **headers: str) -> Event:
    every = {
        "content-type": "application/json",
        EVENT_HEADERS.get(service.name, "x-none"): EVENTS.get(service.name, "event"),
    }
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.parse(delivery(body, {**every, **changed}))


@every_service
@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"[]", b"[{}]", b"1", b'"text"', b"true", b"not json", b"{", b'{"a":}', b'{"a":1} x',
        b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": 01}', b"{'a': 1}", b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}', b'{"a": "\\ud800"}', b'{"a": "line\nbreak"}', b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00", b"{}{}",
        b'{"a": 123456789012345678901234567890}', b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", b'{"a": ' * 5000 + b"1" + b"}" * 5000, b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_a_body_that_is_not_one_json_object_is_malformed(service: Service, body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(service, body)


@typed_by_header
def test_nesting_is_allowed_up_to_the_limit(service: Service) -> None:
    body = b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}"

    assert parse(service, body).payload == orjson.loads(body)


@every_service
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/xml", "application/json-seq", "multipart/form-data"]
)
def test_another_content_type_is_unsupported(service: Service, content_type: str) -> None:
    with pytest.raises(UnsupportedType):
        parse(service, b"{}", content_type=content_type)


@typed_by_header
@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", " application/json ;"])
def test_parameters_and_case_of_the_content_type_do_not_matter(service: Service, content_type: str) -> None:
    assert parse(service, b"{}", content_type=content_type).payload == {}


@pytest.mark.parametrize(
    "form",
    [b"", b"payload", b"payload=", b"payload=%7B%7D&payload=%7B%7D", b"other=%7B%7D", b"payload=%ff", b"payload=[]"],
)
def test_a_form_without_one_payload_is_malformed(form: bytes) -> None:
    with pytest.raises(Malformed):
        parse(SERVICES["github"], form, content_type="application/x-www-form-urlencoded")


def test_gitlab_sends_no_forms() -> None:
    with pytest.raises(UnsupportedType):
        parse(SERVICES["gitlab"], b"payload=%7B%7D", content_type="application/x-www-form-urlencoded")


@with_known_events
@pytest.mark.parametrize("value", ["", "  ", "x" * 256, "push\x00", "push\x07", "pu\x9bsh"])
def test_a_missing_or_unreadable_event_type_is_malformed(service: Service, value: str) -> None:
    with pytest.raises(Malformed):
        parse(service, b"{}", **{EVENT_HEADERS[service.name]: value})


@typed_by_header
def test_a_guid_has_at_most_255_characters(service: Service) -> None:
    header = GUID_HEADERS[service.name]

    assert parse(service, b"{}", **{header: "g" * 255}).guid == "g" * 255
    with pytest.raises(Malformed, match="256 characters"):
        parse(service, b"{}", **{header: "g" * 256})


@typed_by_header
def test_an_unknown_event_is_other(service: Service) -> None:
    event = parse(service, b'{"action": "opened"}', **{EVENT_HEADERS[service.name]: "no_such_event"})

    assert (event.kind, event.type, event.status_target, event.awx_ref) == ("other", "no_such_event", None, None)


@with_known_events
@pytest.mark.parametrize("nothing", [None, [], "text", 7, True, {}])
def test_wrong_types_are_unknown(service: Service, nothing: Any) -> None:
    names = (
        "pull_request",
        "repository",
        "sender",
        "action",
        "project",
        "object_attributes",
        "user",
        "changes",
        "labels",
        "pullRequest",
        "pullrequest",
        "actor",
    )

    event = parse(service, orjson.dumps(dict.fromkeys(names, nothing)))

    assert (event.kind, event.head_sha, event.branch, event.sender) == ("pull_request", None, None, None)
    assert (event.awx_ref, event.awx_status_api, event.status_target) == (None, None, None)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["0" * 40, "a" * 40, "refs/heads/", "refs/tags/v1", "https://[", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield (*path, key)
        yield from _paths(child, (*path, key))


def _replace(value: Any, path: tuple[Any, ...], by: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = by


@settings(max_examples=300, deadline=None)
@given(data=st.data())
@every_service
def test_a_real_payload_with_anything_anywhere_parses(service: Service, data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(recorded(service.name)), label="recording")
    payload = recording.payload
    path = data.draw(st.sampled_from(list(_paths(payload))), label="path")
    _replace(payload, path, data.draw(JUNK, label="junk"))

    try:
        event = service.parse(SENDERS[service.name](orjson.dumps(payload), recording.event_type))
    except Malformed:
        assert service.name not in EVENT_HEADERS
        assert path in {("eventType",), ("id",), ("type",)}
        return

    assert event.payload == payload
    orjson.dumps(event)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
@every_service
def test_no_headers_raise_anything_but_refusals(service: Service, data: st.DataObject) -> None:
    """Any of a real delivery's headers may be missing, or be anything that HTTP lets through."""
    recording = data.draw(st.sampled_from(recorded(service.name)), label="recording")
    real = SENDERS[service.name](recording.body, recording.event_type)
    value = st.text(st.characters(max_codepoint=255), max_size=300) | st.sampled_from(list(real.headers.values()))
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(real.headers)), st.none() | value), label="changed")
    headers = {name: text for name, text in {**real.headers, **changed}.items() if text is not None}
    body = data.draw(st.sampled_from([real.body, real.body[:-1], b""]) | st.binary(max_size=64), label="body")

    with suppress(NotAuthentic, UnsignedPing):
        service.verify(delivery(body, headers), [KEY], options())
    with suppress(Malformed, UnsupportedType):
        orjson.dumps(service.parse(delivery(body, headers)))


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=64) | st.text(max_size=64).map(str.encode) | JUNK.map(orjson.dumps),
    event=st.text(max_size=12) | st.sampled_from(["push", "pull_request", "Push Hook", "Note Hook"]),
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain"]) | st.text(),
    guid=st.text(max_size=300),
)
@every_service
def test_parse_raises_nothing_but_refusals(
    service: Service, body: bytes, event: str, content_type: str, guid: str
) -> None:
    words = {
        EVENT_HEADERS.get(service.name, "x-none"): event,
        GUID_HEADERS.get(service.name, "x-none"): guid,
        "content-type": content_type,
    }
    with suppress(Malformed, UnsupportedType):
        orjson.dumps(parse(service, body, **words))


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=64),
    values=st.lists(
        st.text(max_size=80) | st.sampled_from(["v1,AAAA", "sha256=", "1772625600"]), min_size=5, max_size=5
    ),
    keys=st.lists(st.sampled_from([KEY, SIGNING_TOKEN, "whsec_", "whsec_ä", ""])),
    allow_sha1=st.booleans(),
)
@every_service
def test_verify_raises_nothing_but_not_authentic(
    service: Service, body: bytes, values: list[str], keys: list[str], allow_sha1: bool
) -> None:
    names = {
        "azure_devops": ["authorization"],
        "bitbucket_cloud": ["x-hub-signature"],
        "bitbucket_dc": ["x-hub-signature", "x-event-key"],
        "gitea": ["x-gitea-signature", "x-forgejo-signature", "x-gogs-signature", "x-hub-signature-256"],
        "generic": ["x-hub-signature-256"],
        "github": ["x-hub-signature-256", "x-hub-signature"],
        "gitlab": ["x-gitlab-token", "webhook-signature", "webhook-timestamp", "webhook-id"],
        "standard_webhooks": ["webhook-signature", "webhook-timestamp", "webhook-id"],
    }[service.name]

    with pytest.raises(NotAuthentic):
        service.verify(delivery(body, dict(zip(names, values, strict=False))), keys, options(allow_sha1=allow_sha1))
