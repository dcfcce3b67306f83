# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays requests that were recorded from an AWX and compares status, shape and error sentences of the answers.

The recordings are no part of the project: PLAYHOOK_AWX_RECORDINGS names a directory of them, or they lie beside the
checkout; one folder a group, one JSON file a request with its answer. What the project promises by itself is in the
other tests of this folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any

import pytest
from pydantic import SecretStr

from playhook.app import make_app, make_receiver
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential
from playhook.services.registry import load_services
from playhook.settings import Settings
from playhook.store.preload import preload
from playhook.store.status_posts import claim_post, find_due_post
from playhook.store.store import Store
from tests.api_client import Answer, Api
from tests.contract.differences import DIFFERENCES
from tests.contract.replay import DIRECTORY, Replay, recordings
from tests.contract.shapes import compare

ADMIN = ("admin", "password")
_SHA = re.compile(r"/[0-9a-f]{40}$")

pytestmark = pytest.mark.skipif(
    not any(DIRECTORY.glob("*/*.json")),
    reason="PLAYHOOK_AWX_RECORDINGS names no recorded AWX answers, and none lie beside the checkout",
)


@pytest.fixture
def api(store: Store, settings: Settings) -> Iterator[Api]:
    """A whole receiver without a worker, seen by nobody in particular."""
    store.write(preload, settings.model_copy(update={"admin_password": SecretStr(ADMIN[1])}))
    settings.manual_projects.mkdir(parents=True, exist_ok=True)
    client = Api(make_app(make_receiver(settings, store, None)))
    yield client
    client.close()


def _complaints(recording: dict[str, Any], answer: Answer) -> Iterator[str]:
    wanted = recording["response"]
    if answer.status != wanted["status"]:
        yield f"status {answer.status}, not {wanted['status']}"
        return
    for name in ("allow", "location"):
        if name in wanted["headers"] and name not in answer.headers:
            yield f"header {name} missing"
        elif name == "allow" and name in wanted["headers"] and answer.headers[name] != wanted["headers"][name]:
            yield f"header allow {answer.headers[name]}, not {wanted['headers'][name]}"
    if not isinstance(wanted["body"], (dict, list)):
        return
    if answer.status >= 400 or (isinstance(wanted["body"], dict) and set(wanted["body"]) == {"message"}):
        yield from _compare_sentences(wanted["body"], answer.json())
        return
    yield from compare(wanted["body"], answer.json())


def _compare_sentences(wanted: Any, found: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        found = {name: value for name, value in found.items() if name in wanted or wanted.keys() != {"message"}}
    if found != wanted:
        yield f"body {found}, not {wanted}"


def _is_known(key: str, complaint: str) -> bool:
    return any(fnmatch(key, where) and fnmatch(complaint, what) for where, what, _reason in DIFFERENCES)


def _replay_all(api: Api, settings: Settings) -> list[str]:
    replay = Replay(api, api.login(*ADMIN), settings.manual_projects)
    found: list[str] = []
    for recording in recordings():
        answer = replay.send(recording)
        replay.learn(recording, answer)
        found += [f"{recording['key']}: {complaint}" for complaint in _complaints(recording, answer)]
    return found


def test_answers_have_the_recorded_shape(api: Api, settings: Settings) -> None:
    found = _replay_all(api, settings)
    unknown = [each for each in found if not _is_known(*each.split(": ", 1))]
    assert not unknown, "\n" + "\n".join(unknown)
    replayed = [each["key"] for each in recordings()]
    asked = ((where, what) for where, what, _reason in DIFFERENCES if any(fnmatch(key, where) for key in replayed))
    unused = [where for where, what in asked if not any(_matches(each, where, what) for each in found)]
    assert not unused, f"these differences are none any more: {unused}"


def _matches(found: str, where: str, what: str) -> bool:
    key, complaint = found.split(": ", 1)
    return fnmatch(key, where) and fnmatch(complaint, what)


def test_pending_statuses_are_posted_as_awx_posts_them(api: Api, store: Store, settings: Settings) -> None:
    """Method, path, the header with the token, the keys of the body and its state; see WIRE's list of what differs."""
    file = DIRECTORY / "status-callbacks.json"
    if not file.exists():
        pytest.skip("the recordings have no status-callbacks.json")
    _replay_all(api, settings)
    _pin_credentials(api.login(*ADMIN))
    ours = {_describe_request(each) for each in _pending_posts(store)}
    wanted = {_describe_recorded(each) for each in json.loads(file.read_text()) if not each["path"].endswith("/None")}
    assert wanted <= ours, f"not posted: {wanted - ours}"


def _pin_credentials(admin: Api) -> None:
    for row in admin.get("/api/v2/credentials/", credential_type__kind="token", page_size=200).json()["results"]:
        inputs = {**row["inputs"], "api_url": "http://127.0.0.1:15490"}
        assert admin.patch(row["url"], {"inputs": inputs}).status == 200


def _pending_posts(store: Store) -> Iterator[OutgoingRequest]:
    services = load_services()
    while True:
        with store.reading() as connection:
            due = find_due_post(connection, datetime.now(UTC))
        post = store.write(claim_post, due) if due is not None else None
        if post is None:
            return
        inputs = post.credential_inputs or {}
        token = store.cipher.decrypt(inputs["token"])
        status = CommitStatus(status=post.status, context=post.context, description="", target_url="https://x/")
        credential = StatusCredential(token=token, api_url=inputs.get("api_url"))
        request = services[post.service].status_request(post.target, status, credential)
        if request is not None:
            yield request


def _describe_request(request: OutgoingRequest) -> tuple[str, ...]:
    path = request.url.partition("15490")[2]
    secrets = (f"{name.lower()}: {value}" for name, value in request.headers.items() if "tok-" in value)
    return (request.method, *_without_commit(path), *_as_ours(secrets), str(dict(request.json or {})["state"]))


def _describe_recorded(request: dict[str, Any]) -> tuple[str, ...]:
    secrets = (f"{name.lower()}: {value}" for name, value in request["headers"].items() if "tok-" in value)
    state = str(json.loads(request["body"])["state"])
    return (request["method"], *_without_commit(request["path"]), *_as_ours(secrets), state)


def _without_commit(path: str) -> tuple[str]:
    # The pull request's body was too long to be recorded; ours is of another repository.
    return (re.sub(r"^/repos/[^/]+/[^/]+/", "/repos/OWNER/NAME/", _SHA.sub("/SHA", path)),)


def _as_ours(secrets: Iterator[str]) -> Iterator[str]:
    # GitHub takes both words for a personal access token; `Bearer` is the one that it documents.
    return (each.replace(": token ", ": Bearer ") for each in secrets)
