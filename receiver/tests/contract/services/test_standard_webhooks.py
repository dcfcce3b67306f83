# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard Webhooks: which keys and signatures count, and where type and guid come from."""

from __future__ import annotations

import base64
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhook.errors import Malformed, NotAuthentic
from playhook.services.standard_webhooks import StandardWebhooks
from tests.contract.services.deliveries import (
    GUID,
    KEY,
    NOW,
    SIGNING_TOKEN,
    as_sent,
    delivery,
    options,
    standard_webhooks,
)
from tests.fixtures import load

SERVICE = StandardWebhooks()
BODY = load("standard_webhooks", "harvest_finished").body
SIGNATURE = standard_webhooks(BODY).headers["webhook-signature"]


def at(seconds: int) -> str:
    return str(int(NOW.timestamp()) + seconds)


def test_the_specifications_example_is_authentic() -> None:
    """The test vector of the libraries that come with the specification."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    SERVICE.verify(
        delivery(b'{"test": 2432232314}', headers),
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        options(now=datetime.fromtimestamp(1614265330, UTC)),
    )


@pytest.mark.parametrize("key", [SIGNING_TOKEN, KEY, "whsec", "ä-key"])
def test_a_key_is_whsec_and_base64_or_taken_as_it_stands(key: str) -> None:
    SERVICE.verify(standard_webhooks(BODY, key=key), ["another-key-of-the-template", key], options())


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_counts_for_five_minutes(seconds: int) -> None:
    SERVICE.verify(standard_webhooks(BODY, timestamp=at(seconds)), [SIGNING_TOKEN], options())


@pytest.mark.parametrize("signature", [f"{SIGNATURE} v1,AAAA", f"v1,AAAA {SIGNATURE}", f"v1a,xyz {SIGNATURE}"])
def test_one_right_signature_of_several_is_enough(signature: str) -> None:
    SERVICE.verify(standard_webhooks(BODY, webhook_signature=signature), [KEY, SIGNING_TOKEN], options())


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"webhook_signature": ""}, "another webhook key"),
        ({"webhook_signature": SIGNATURE.removeprefix("v1,")}, "another webhook key"),
        ({"webhook_signature": "v1a," + SIGNATURE[3:]}, "another webhook key"),
        ({"webhook_signature": SIGNATURE[:-1]}, "another webhook key"),
        ({"webhook_id": "another-id"}, "another webhook key"),
        ({"webhook_id": ""}, "another webhook key"),
        ({"webhook_timestamp": at(1)}, "another webhook key"),
        ({"webhook_timestamp": ""}, "another webhook key"),
        ({"key": KEY}, "another webhook key"),
        ({"timestamp": at(-301)}, "not within 300 seconds"),
        ({"timestamp": at(301)}, "not within 300 seconds"),
        ({"timestamp": "soon"}, "not within 300 seconds"),
    ],
)
def test_a_wrong_signature_is_refused(extra: dict[str, str], reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        SERVICE.verify(standard_webhooks(BODY, **extra), [SIGNING_TOKEN], options())


def test_another_body_is_refused() -> None:
    sent = standard_webhooks(BODY)
    with pytest.raises(NotAuthentic):
        SERVICE.verify(delivery(BODY + b"\n", dict(sent.headers)), [SIGNING_TOKEN], options())


@pytest.mark.parametrize(
    "key", ["", "whsec_", "whsec_AAAA", "whsec_not base64", "whsec_ä", SIGNING_TOKEN[:-1]], ids=repr
)
def test_nothing_is_signed_with_what_is_no_key(key: str) -> None:
    for used in (b"", b"\0\0\0", b"no key", key.encode()):
        signed = f"{GUID}.{at(0)}.".encode() + BODY
        signature = "v1," + base64.b64encode(hmac.digest(used, signed, "sha256")).decode()
        with pytest.raises(NotAuthentic):
            SERVICE.verify(standard_webhooks(BODY, webhook_signature=signature), [key], options())


def test_type_and_guid() -> None:
    event = SERVICE.parse(as_sent(load("standard_webhooks", "harvest_finished")))

    assert (event.type, event.guid, event.kind) == ("harvest.finished", GUID, "other")
    assert (event.status_target, event.awx_ref, event.action) == (None, None, None)


@pytest.mark.parametrize("found", [None, 5, [], {}, "", " ", "a\x00b"])
def test_without_a_type_it_is_an_event(found: Any) -> None:
    for payload in ({"type": found}, {}):
        assert SERVICE.parse(standard_webhooks(json.dumps(payload).encode())).type == "event"


@pytest.mark.parametrize("found", ["x" * 256, "a\nb", "a\x1bb"])
def test_a_type_that_cannot_be_shown_is_malformed(found: str) -> None:
    with pytest.raises(Malformed, match="type"):
        SERVICE.parse(standard_webhooks(json.dumps({"type": found}).encode()))


@pytest.mark.parametrize("guid", ["", "x" * 256, "a\x07"])
def test_a_missing_or_unreadable_id_is_malformed(guid: str) -> None:
    with pytest.raises(Malformed, match="webhook-id"):
        SERVICE.parse(standard_webhooks(b"{}", webhook_id=guid))


@pytest.mark.parametrize("key", [KEY, SIGNING_TOKEN])
def test_a_sample_is_authentic(key: str) -> None:
    body = json.dumps(SERVICE.sample("playhook.sample")).encode()
    headers = SERVICE.sign(body, event_type="playhook.sample", guid=GUID, key=key, now=NOW)
    sent = delivery(body, {"content-type": "application/json", **headers})

    SERVICE.verify(sent, [key], options())
    assert (SERVICE.parse(sent).type, SERVICE.parse(sent).guid) == ("playhook.sample", GUID)


@given(
    payload=st.dictionaries(
        st.sampled_from(["type", "timestamp", "data"]) | st.text(max_size=5),
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=300) | st.lists(st.text()),
    )
)
def test_parse_raises_nothing_but_malformed(payload: dict[str, Any]) -> None:
    with suppress(Malformed):
        assert SERVICE.parse(standard_webhooks(orjson.dumps(payload))).payload == payload
