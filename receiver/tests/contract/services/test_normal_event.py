# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every service with every recorded payload: what the normal event says, told by table."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from playhook.domain.event import PullRequest, Repository
from playhook.services.registry import load_services
from tests.contract.services.deliveries import KEY, as_sent, options
from tests.contract.services.expected import cases
from tests.fixtures import Recorded, load, recorded, recorded_services

SERVICES = load_services()
CASES = cases()
EVERY = [recording for service in recorded_services() for recording in recorded(service)]

_OF_PULL_REQUEST = ("number", "author", "fork")
_OF_EVENT = (
    "kind",
    "action",
    "ref",
    "branch",
    "base_branch",
    "tag",
    "head_sha",
    "before_sha",
    "changed_paths",
    "comment",
)


def test_every_service_has_recorded_payloads() -> None:
    assert recorded_services() == sorted(SERVICES)


def test_every_recorded_payload_is_in_a_table() -> None:
    assert sorted(str(recording) for recording in EVERY) == sorted(str(recording) for recording, _ in CASES)


@pytest.mark.parametrize("recording", EVERY, ids=str)
def test_a_recorded_delivery_is_authentic_and_parses(recording: Recorded) -> None:
    service, delivery = SERVICES[recording.service], as_sent(recording)

    service.verify(delivery, [KEY], options())
    event = service.parse(delivery)

    assert (event.service, event.type, event.payload) == (recording.service, recording.event_type, recording.payload)
    assert orjson.loads(orjson.dumps(event))["payload"] == recording.payload


@pytest.mark.parametrize(("recording", "wanted"), CASES, ids=lambda value: str(value) if "-" in str(value) else "")
def test_the_normal_event_says_what_the_payload_says(recording: Recorded, wanted: dict[str, Any]) -> None:
    event = SERVICES[recording.service].parse(as_sent(recording))

    found = {name: getattr(event, name) for name in _OF_EVENT}
    assert found == {name: wanted.get(name) for name in _OF_EVENT}
    assert event.sender == wanted["sender"]
    _check_pull_request(event.pull_request, wanted)
    _check_repository(event.repository, wanted)


def _check_pull_request(found: PullRequest | None, wanted: dict[str, Any]) -> None:
    if "number" not in wanted:
        assert found is None
        return
    assert found is not None
    assert {name: getattr(found, name) for name in _OF_PULL_REQUEST} == {
        name: wanted[name] for name in _OF_PULL_REQUEST
    }
    for name in ("draft", "labels"):
        if name in wanted:
            assert getattr(found, name) == wanted[name]


def _check_repository(found: Repository | None, wanted: dict[str, Any]) -> None:
    assert (found.full_name if found else None) == wanted["full_name"]
    if found and "clone_url" in wanted:
        assert found.clone_url == wanted["clone_url"]


def test_a_pull_request_is_told_in_full() -> None:
    event = SERVICES["github"].parse(as_sent(load("github", "pull_request.fork")))

    assert event.repository == Repository(
        id="700001", full_name="acorn-works/orchard", clone_url="https://github.com/acorn-works/orchard.git"
    )
    assert event.pull_request == PullRequest(
        number=13,
        title="{{ lookup('pipe', 'touch pwned') }}",
        author="tomas-okafor",
        draft=False,
        labels=(),
        fork=True,
        url="https://github.com/acorn-works/orchard/pull/13",
    )


def test_a_merge_request_is_told_in_full() -> None:
    event = SERVICES["gitlab"].parse(as_sent(load("gitlab", "Merge_Request_Hook.open")))

    assert event.repository == Repository(
        id="412", full_name="acorn-works/orchard", clone_url="https://gitlab.com/acorn-works/orchard.git"
    )
    assert event.pull_request == PullRequest(
        number=12,
        title="Prune the apple trees",
        author="mira-lindqvist",
        draft=False,
        labels=("pruning",),
        fork=False,
        url="https://gitlab.com/acorn-works/orchard/-/merge_requests/12",
    )
