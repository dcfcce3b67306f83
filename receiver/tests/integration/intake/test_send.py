# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playhook send`: a signed sample that the receiver takes for the service's own; and the verdict for a terminal."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from tests.builders import add_endpoint, add_template
from tests.integration.intake.plain import Plain

from playhook.domain.delivery import Delivery
from playhook.errors import Conflict, DeliveryRefused, NotFound
from playhook.intake.explain import explain_delivery
from playhook.intake.receive import Intake
from playhook.intake.send import find_address, send_sample
from playhook.intake.show import verdict_lines
from playhook.intake.sources import Address
from playhook.outbound.client import NoAnswer
from playhook.services.base import Sampled
from playhook.services.registry import load_services
from playhook.store.store import Store


class Sampler(Plain):
    """The tests' own service, with samples."""

    sample_types: ClassVar[Sequence[str]] = ("push", "ping")

    def sample(self, event_type: str) -> Mapping[str, Any]:
        return {"event": {"branch": "main"}, "sample": event_type}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        return {"X-Token": key, "X-Kind": event_type, "X-Guid": guid, "X-Length": str(len(body))}


class Receiver(ThreadingHTTPServer):
    """Answers as the web layer would, and keeps what came."""

    def __init__(self, store: Store) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.intake = Intake(store, {"plain": Sampler()})
        self.store = store
        self.got: list[tuple[str, Delivery]] = []
        self.answer: bytes | None = None
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery = Delivery(headers=headers, body=body, received=datetime.now(UTC))
        self.server.got.append((self.path, delivery))
        status, answer = 202, self.server.answer
        if answer is None:
            parts = self.path.strip("/").split("/")
            address = (
                find_address(self.server.store, endpoint="/".join(parts[-2:]))
                if parts[2] == "webhooks"
                else find_address(self.server.store, template_id=int(parts[3]))
            )
            status, answer = self._receive(address, delivery)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer)

    def _receive(self, address: Address, delivery: Delivery) -> tuple[int, bytes]:
        try:
            accepted = asyncio.run(self.server.intake.receive_delivery(address, delivery))
        except DeliveryRefused as refusal:
            return refusal.status, json.dumps({"detail": str(refusal)}).encode()
        ids = {"deliveries": [each.delivery_id for each in accepted]}
        return 202, json.dumps({"message": "Job queued.", **ids}).encode()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver(store: Store) -> Iterator[Receiver]:
    with Receiver(store) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


SERVICES = {"plain": Sampler()}


def test_sample_is_signed_sent_and_launched(store: Store, receiver: Receiver) -> None:
    template_id = store.write(add_template)
    address = find_address(store, template_id=template_id)
    sent = send_sample(store, SERVICES, address, receiver.url)

    assert (sent.status, sent.message, sent.event_type) == (202, "Job queued.", "push")
    ((path, delivery),) = receiver.got
    assert path == f"/api/v2/job_templates/{template_id}/plain/"
    assert json.loads(delivery.body) == {"event": {"branch": "main"}, "sample": "push"}
    assert delivery.headers["x-length"] == str(len(delivery.body))
    assert delivery.headers["content-type"] == "application/json"
    with store.reading() as connection:
        (explained,) = [explain_delivery(connection, each) for each in sent.deliveries]
    assert explained["outcome"] == "launched"
    assert list(verdict_lines(explained)) == [
        ("plain", f"delivery {sent.deliveries[0]}: launched"),
        ("good", "  ✓ not a ping                 wanted any other kind, found push"),
        ("good", "  launches"),
    ]


def test_payload_of_ones_own_is_sent_byte_for_byte_to_an_endpoint(store: Store, receiver: Receiver) -> None:
    templates = [
        store.write(add_template, name=name, webhook_service="", playhook={"filters": {"branches": ["main"]}})
        for name in ("a", "b")
    ]
    store.write(add_endpoint, *({"template": each} for each in templates))
    address = find_address(store, endpoint="plain/shared")
    sent = send_sample(store, SERVICES, address, receiver.url, event_type="push", payload=b'{ "a":  1 }')

    assert receiver.got[0][0] == "/api/v2/webhooks/plain/shared/"
    assert receiver.got[0][1].body == b'{ "a":  1 }'
    assert len(sent.deliveries) == 2
    with store.reading() as connection:
        lines = list(verdict_lines(explain_delivery(connection, sent.deliveries[0])))
    assert lines[-1] == ("bad", "  does not launch: The rule branches wants main, and the event does not say.")


def test_verdict_shows_what_other_rules_would_do(store: Store, receiver: Receiver) -> None:
    template_id = store.write(add_template)
    sent = send_sample(store, SERVICES, find_address(store, template_id=template_id), receiver.url)
    tried = {"filters": {"when": ["payload.sample == 'x'"]}, "vars_from_payload": {"v": "payload.sample"}}
    with store.reading() as connection:
        lines = list(verdict_lines(explain_delivery(connection, sent.deliveries[0], tried)))
    assert lines[3:] == [
        ("plain", "with these rules, now:"),
        ("good", "  ✓ not a ping                 wanted any other kind, found push"),
        ("bad", "  ✗ when[0]                    wanted payload.sample == 'x', found false"),
        ("bad", "  does not launch: The rule when[0] is not true: payload.sample == 'x' (found: false)."),
    ]


SAMPLED = {name: service for name, service in load_services().items() if isinstance(service, Sampled)}


@pytest.mark.parametrize(
    ("name", "event_type"), [(name, kind) for name, service in SAMPLED.items() for kind in service.sample_types]
)
def test_samples_of_every_service_are_taken(store: Store, receiver: Receiver, name: str, event_type: str) -> None:
    receiver.intake = Intake(store, SAMPLED)
    template_id = store.write(add_template, webhook_service=name)
    address = find_address(store, template_id=template_id)
    sent = send_sample(store, SAMPLED, address, receiver.url, event_type=event_type)

    if sent.status == 200:  # an unsigned ping: the service has no others
        assert ("ping" in event_type, sent.deliveries) == (True, ())
        return
    assert (sent.status, len(sent.deliveries)) == (202, 1)
    with store.reading() as connection:
        explained = explain_delivery(connection, sent.deliveries[0])
    assert explained["outcome"] == ("ignored" if "ping" in event_type else "launched")


@pytest.mark.parametrize(
    ("answer", "message"),
    [(b"<html>Bad gateway", "<html>Bad gateway"), (b"[1]", "[1]"), (b'{"detail": "No."}', "No."), (b"", "")],
)
def test_any_answer_is_taken(store: Store, receiver: Receiver, answer: bytes, message: str) -> None:
    template_id = store.write(add_template)
    receiver.answer = answer
    sent = send_sample(store, SERVICES, find_address(store, template_id=template_id), receiver.url)
    assert (sent.message, sent.deliveries) == (message, ())


def test_what_cannot_be_sent_says_why(store: Store) -> None:
    off = store.write(add_template, name="off", webhook_service="")
    project = store.write(add_template, name="project", type="project")
    template_id = store.write(add_template)
    for wrong in (99, project):
        with pytest.raises(NotFound, match=f"There is no job template {wrong}"):
            find_address(store, template_id=wrong)
    with pytest.raises(NotFound, match="is off"):
        find_address(store, template_id=off)
    with pytest.raises(NotFound, match="There is no webhook endpoint nothing of the service plain"):
        send_sample(store, SERVICES, find_address(store, endpoint="plain/nothing"), "http://127.0.0.1:1")
    address = find_address(store, template_id=template_id)
    with pytest.raises(NotFound, match="There is no sample of tag; there are push, ping"):
        send_sample(store, SERVICES, address, "http://127.0.0.1:1", event_type="tag")
    with pytest.raises(Conflict, match="brings no samples"):
        send_sample(store, {"plain": Plain()}, address, "http://127.0.0.1:1")
    with pytest.raises(NoAnswer):
        send_sample(store, SERVICES, address, "http://127.0.0.1:1")
