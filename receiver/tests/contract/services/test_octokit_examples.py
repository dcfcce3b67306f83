# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of npm's @octokit/webhooks-examples parses, and says what its payload says.

The package is not part of the project. To run this file, fetch it once:

    npm pack @octokit/webhooks-examples
    mkdir -p ~/.cache/playhook/webhooks-examples
    tar -xzf octokit-webhooks-examples-*.tgz --strip-components 1 -C ~/.cache/playhook/webhooks-examples

or name the unpacked package in PLAYHOOK_WEBHOOKS_EXAMPLES.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from playhook.domain.event import Event
from playhook.services.github import GitHub
from tests.contract.services.deliveries import KEY, github, options

HOME = Path(os.environ.get("PLAYHOOK_WEBHOOKS_EXAMPLES") or Path.home() / ".cache/playhook/webhooks-examples")
INDEX = HOME / "api.github.com/index.json"
SERVICE = GitHub()
KINDS = {
    "pull_request": "pull_request",
    "pull_request_review": "review",
    "pull_request_review_comment": "comment",
    "pull_request_review_thread": "other",
}

pytestmark = pytest.mark.skipif(
    not INDEX.exists(),
    reason=f"{INDEX} is not there: fetch npm's @octokit/webhooks-examples, see this file's docstring",
)


def examples() -> list[tuple[str, dict[str, Any]]]:
    events = orjson.loads(INDEX.read_bytes()) if INDEX.exists() else []
    return [(event["name"], payload) for event in events for payload in event["examples"]]


EXAMPLES = examples()


def parse(name: str, payload: dict[str, Any]) -> Event:
    sent = github(orjson.dumps(payload), name)
    SERVICE.verify(sent, [KEY], options())
    return SERVICE.parse(sent)


def test_all_of_them_are_there() -> None:
    assert len(EXAMPLES) >= 329


def test_every_example_parses() -> None:
    for name, payload in EXAMPLES:
        event = parse(name, payload)
        assert (event.type, event.payload) == (name, payload)
        full_name = (payload.get("repository") or {}).get("full_name")
        assert (event.repository.full_name if event.repository else None) == full_name
        assert event.sender == (payload.get("sender") or {}).get("login")


def test_pull_requests_and_their_reviews_are_told_by_their_payload() -> None:
    told = 0
    for name, payload in EXAMPLES:
        request = payload.get("pull_request")
        if not name.startswith("pull_request") or not isinstance(request, dict):
            continue
        event, told = parse(name, payload), told + 1
        assert event.kind == KINDS[name]
        assert (event.head_sha, event.branch) == (request["head"]["sha"], request["head"]["ref"])
        assert event.base_branch == request["base"]["ref"]
        assert event.pull_request is not None
        assert (event.pull_request.number, event.pull_request.author) == (request["number"], request["user"]["login"])
        head = request["head"]["repo"]
        assert event.pull_request.fork == (head is None or head["id"] != request["base"]["repo"]["id"])
        if name == "pull_request":
            assert event.action is not None
    assert told > 29


def test_pushes_and_tags_are_told_by_their_payload() -> None:
    kinds: Counter[str] = Counter()
    for name, payload in EXAMPLES:
        if name != "push":
            continue
        event = parse(name, payload)
        kinds[event.kind] += 1
        deleted, created = (set(payload[end]) == {"0"} for end in ("after", "before"))
        assert event.ref == payload["ref"]
        assert f"refs/{'tags' if event.tag else 'heads'}/{event.tag or event.branch}" == payload["ref"]
        assert event.head_sha == (None if deleted else payload["after"])
        assert event.before_sha == (None if created else payload["before"])
        assert event.action == ("deleted" if deleted else "created" if created else "updated")
    assert kinds["push"] > 0
    assert kinds["tag"] > 0


def test_what_people_say_is_a_comment_and_what_they_publish_a_release() -> None:
    for name, payload in EXAMPLES:
        event = parse(name, payload)
        if name in {"issue_comment", "commit_comment", "discussion_comment"}:
            assert (event.kind, event.comment) == ("comment", payload["comment"]["body"])
        if name == "release":
            assert (event.kind, event.tag) == ("release", payload["release"]["tag_name"])
        if name == "ping":
            assert event.kind == "ping"
