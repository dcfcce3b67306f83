# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sender that only the template knows: where its signature is, what its words are, and which options are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from playhook.errors import InvalidInput, Malformed, NotAuthentic
from playhook.intake.record import kept_headers
from playhook.intake.rules import validate_rules
from playhook.services.generic import Generic
from tests.contract.services.deliveries import GUID, KEY, NOW, delivery, generic, options

BODY = b'{"kind": "frost", "id": 41, "where": {"branch": "main"}}'
USUAL = "sha256=" + hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()


def configured(**values: Any) -> Generic:
    return Generic().configure(values)


def parse(body: bytes = BODY, headers: dict[str, str] | None = None, **values: Any) -> Any:
    return configured(**values).parse(delivery(body, {"content-type": "application/json", **(headers or {})}))


@pytest.mark.parametrize(
    ("algorithm", "encoding", "prefix"),
    [
        ("sha256", "hex", ""),
        ("sha256", "base64", ""),
        ("sha512", "hex", "sha512="),
        ("sha512", "base64", "v1,"),
        ("sha1", "hex", "sha1="),
    ],
)
def test_a_signature_is_looked_for_where_the_options_say(algorithm: str, encoding: str, prefix: str) -> None:
    service = configured(
        signature={"header": "X-Frost-Sign", "algorithm": algorithm, "encoding": encoding, "prefix": prefix}
    )
    digest = hmac.new(KEY.encode(), BODY, algorithm).digest()
    value = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()

    service.verify(delivery(BODY, {"x-frost-sign": prefix + value}), ["an-older-key-of-this-template", KEY], options())
    for wrong in (value[:-4], "x" + prefix + value, prefix + value + "00", "", prefix):
        with pytest.raises(NotAuthentic):
            service.verify(delivery(BODY, {"x-frost-sign": wrong}), [KEY], options())
    with pytest.raises(NotAuthentic):
        service.verify(delivery(BODY + b" ", {"x-frost-sign": prefix + value}), [KEY], options())
    with pytest.raises(NotAuthentic, match="not signed"):
        service.verify(delivery(BODY, {"x-hub-signature-256": USUAL}), [KEY], options())


def test_without_options_the_usual_header_is_checked() -> None:
    Generic().verify(delivery(BODY, {"x-hub-signature-256": USUAL}), [KEY], options())
    sha1 = hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()
    for headers in ({}, {"x-hub-signature-256": "sha1=" + sha1}, {"x-hub-signature": "sha1=" + sha1}):
        with pytest.raises(NotAuthentic):
            Generic().verify(delivery(BODY, headers), [KEY], options(allow_sha1=True))


def test_a_token_is_compared_with_its_prefix() -> None:
    service = configured(token={"header": "Authorization", "prefix": "Bearer "})

    service.verify(
        delivery(BODY, {"authorization": f"Bearer {KEY}"}), ["an-older-key-of-this-template", KEY], options()
    )
    for value in (KEY, f"bearer {KEY}", f"Bearer {KEY}x", "Bearer ", ""):
        with pytest.raises(NotAuthentic, match="is not the webhook key with its prefix"):
            service.verify(delivery(BODY, {"authorization": value}), [KEY], options())
    with pytest.raises(NotAuthentic, match="has no header authorization"):
        service.verify(delivery(BODY, {"x-hub-signature-256": USUAL}), [KEY], options())


@pytest.mark.parametrize(
    "values", [{}, {"token": {"header": "x-token"}}, {"token": {"header": "x-token", "prefix": "t "}}]
)
@pytest.mark.parametrize("keys", [[], [""], ["", ""]])
def test_without_a_key_nothing_is_authentic(values: dict[str, Any], keys: list[str]) -> None:
    empty = "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    for token in ("", "t ", "no key", "t no key"):
        with pytest.raises(NotAuthentic, match="no webhook key"):
            configured(**values).verify(
                delivery(BODY, {"x-token": token, "x-hub-signature-256": empty}), keys, options()
            )


def test_words_come_from_where_the_options_say() -> None:
    event = parse(event_type="payload.kind", guid="payload.id", ref="join('', ['refs/heads/', payload.where.branch])")

    assert (event.type, event.guid, event.ref) == ("frost", "41", "refs/heads/main")
    assert (event.branch, event.tag, event.head_sha, event.awx_ref) == ("main", None, None, "refs/heads/main")
    assert (event.kind, event.payload, event.status_target) == ("other", json.loads(BODY), None)


@pytest.mark.parametrize(
    ("ref", "branch", "tag", "sha"),
    [
        ("refs/tags/v1", None, "v1", None),
        ("main", None, None, None),
        ("ab" * 20, None, None, "ab" * 20),
    ],
)
def test_a_ref_may_be_a_tag_a_name_or_a_commit(ref: str, branch: str | None, tag: str | None, sha: str | None) -> None:
    event = parse(json.dumps({"ref": ref}).encode(), ref="payload.ref")

    assert (event.ref, event.branch, event.tag, event.head_sha) == (ref, branch, tag, sha)


def test_without_options_headers_say_type_and_guid() -> None:
    event = parse(headers={"x-event-type": " frost ", "x-delivery-id": GUID})
    assert (event.type, event.guid) == ("frost", GUID)

    silent = parse(headers={"x-event-type": " "})
    assert (silent.type, silent.guid, silent.ref) == ("event", None, None)


@pytest.mark.parametrize("header", ["authorization", "cookie", "x-token", "x-hook-key", "x-hub-signature-256"])
def test_what_proves_a_delivery_is_not_seen_by_expressions(header: str) -> None:
    event = parse(headers={header: KEY}, token={"header": "X-Token"}, event_type=f'headers."{header}"')

    assert event.type == "event"


@pytest.mark.parametrize("option", ["event_type", "guid", "ref"])
@pytest.mark.parametrize("value", [[], {}, True, 1.5, "x" * 256, "a\x00b", "a\nb"])
def test_what_is_no_word_is_malformed(option: str, value: Any) -> None:
    with pytest.raises(Malformed, match=option):
        parse(json.dumps({"it": value}).encode(), **{option: "payload.it"})


def test_an_expression_that_fails_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"The ref cannot be read"):
        parse(ref="join('', [payload.id])")


@pytest.mark.parametrize(
    ("values", "place", "words"),
    [
        ({"algorithm": "sha256"}, "algorithm", "not permitted"),
        ({"signature": {}}, "signature.header", "required"),
        ({"signature": {"header": "x y"}}, "signature.header", "match pattern"),
        ({"signature": {"header": "x\n"}}, "signature.header", "match pattern"),
        ({"signature": {"header": "x", "algorithm": "md5"}}, "signature.algorithm", "'sha256'"),
        ({"signature": {"header": "x", "encoding": "hexx"}}, "signature.encoding", "'base64'"),
        ({"signature": {"header": "x", "prefix": 5}}, "signature.prefix", "valid string"),
        ({"signature": "x"}, "signature", "valid dictionary"),
        ({"signature": {"header": "x"}, "token": {"header": "x-token"}}, "signature", "not both"),
        ({"token": {"header": "X-Frost"}}, "token.header", "stores headers of this name"),
        ({"token": {"header": "X-Event-Key"}}, "token.header", "stores headers of this name"),
        ({"token": {"header": "x-token", "algorithm": "sha1"}}, "token.algorithm", "not permitted"),
        ({"event_type": "payload."}, "event_type", "not JMESPath"),
        ({"event_type": ""}, "event_type", "at least 1 character"),
        ({"guid": "payload.a" + ".a" * 150}, "guid", "at most 300"),
        ({"guid": None}, "guid", "valid string"),
        ({"ref": "payload.commits[*].id"}, "ref", "projection"),
        ({"ref": "payload.commits[]"}, "ref", "may not be used"),
        ({"ref": "payload.a | sort(keys(@))"}, "ref", "function sort"),
        ({"ref": "(" * 290}, "ref", "not JMESPath"),
    ],
)  # fmt: skip
def test_options_are_refused_with_their_place(values: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        configured(**values)

    assert list(caught.value.messages) == [place]
    assert words in " ".join(caught.value.messages[place])


@pytest.mark.parametrize(
    "values", [{}, {"token": {"header": "X-Token", "prefix": "t "}}, {"signature": {"header": "X-Sign"}}]
)
def test_a_sample_is_authentic_and_says_its_type(values: dict[str, Any]) -> None:
    service = configured(**values)
    body = json.dumps(service.sample("event")).encode()
    headers = service.sign(body, event_type="event", guid=GUID, key=KEY, now=datetime.now(UTC))
    sent = delivery(
        body, {"content-type": "application/json", **{name.lower(): each for name, each in headers.items()}}
    )

    service.verify(sent, [KEY], options(now=NOW))
    assert (service.parse(sent).type, service.parse(sent).guid) == ("event", GUID)


def test_options_are_checked_when_a_template_is_saved() -> None:
    wrong = {"service_options": {"signature": {"header": "x", "algorithm": "md5"}, "ref": "payload.["}}

    assert set(validate_rules(wrong, Generic())) == {"service_options.signature.algorithm", "service_options.ref"}
    assert validate_rules({"service_options": {"event_type": "'frost'"}}, Generic()) == {}
    assert validate_rules({}, Generic()) == {}


@pytest.mark.parametrize("header", ["x-hook-key", "x-frost-sign", "x-token", "key"])
def test_what_proves_a_delivery_is_not_stored(header: str) -> None:
    assert kept_headers({header: KEY, "x-event-key": "frost"}) == {"x-event-key": "frost"}


def test_a_delivery_of_the_tests_is_the_usual_one() -> None:
    Generic().verify(generic(BODY, "frost"), [KEY], options())
