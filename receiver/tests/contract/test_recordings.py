# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays requests that were recorded from an AWX and compares status, shape and error sentences of the answers.

The recordings are no part of the project: PLAYHOOK_AWX_RECORDINGS names a directory of them, one folder a group, one
JSON file a request with its answer. What the project promises by itself is in the other tests of this folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from playhook.settings import Settings
from playhook.store.preload import preload
from playhook.store.store import Store
from tests.api_client import Answer, Api, make_api
from tests.contract.differences import DIFFERENCES
from tests.contract.shapes import compare

DIRECTORY = os.environ.get("PLAYHOOK_AWX_RECORDINGS", "")
GROUPS = ("root", "auth", "objects", "job_templates")
_ID_FIELDS = {
    "organization": "organizations", "inventory": "inventories", "project": "projects",
    "credential_type": "credential_types", "webhook_credential": "credentials", "credential": "credentials",
}  # fmt: skip
_OBJECT = re.compile(r"/api/v2/([a-z_]+)/(\d+)/")

pytestmark = pytest.mark.skipif(
    not DIRECTORY, reason="PLAYHOOK_AWX_RECORDINGS names no directory of recorded AWX answers"
)


class Replay:
    """Sends recorded requests to our API; what AWX numbered or made up is translated into ours."""

    def __init__(self, api: Api, projects: Path) -> None:
        self._api = api
        self._projects = projects
        self._ids: dict[tuple[str, int], int] = {("organizations", 1): 1, ("users", 1): 1}
        self._tokens: dict[str, str] = {}

    def send(self, recording: dict[str, Any]) -> Answer:
        request = recording["request"]
        headers = {name: self._translate_header(name, value) for name, value in request["headers"].items()}
        path = _OBJECT.sub(lambda match: f"/api/v2/{match[1]}/{self._id(match[1], int(match[2]))}/", request["path"])
        client = self._api.anonymous()
        if "raw" in request or "form" in request:
            raw = request.get("raw", "name=form").encode()
            sent = {"content-type": "application/x-www-form-urlencoded", **{k.lower(): v for k, v in headers.items()}}
            return client.request(request["method"], path, raw=raw, headers=sent)
        sent = {name.lower(): value for name, value in headers.items()}
        if "json" in request:
            body = self._translate_body(path, request["json"])
            return client.request(request["method"], path, body, headers=sent)
        return client.request(request["method"], path, headers=sent)

    def learn(self, recording: dict[str, Any], answer: Answer) -> None:
        """Note which of our ids and tokens stand for AWX's."""
        wanted = recording["response"]["body"]
        if not isinstance(wanted, dict) or "json" not in answer.headers.get("content-type", ""):
            return
        found = answer.json()
        self._pair(wanted, found)
        for one, other in zip(wanted.get("results", []), found.get("results", []), strict=False):
            self._pair(one, other)
        if recording["response"]["status"] == 201 and "token" in wanted:
            self._tokens[wanted["token"]] = found["token"]

    def _pair(self, wanted: Any, found: Any) -> None:
        urls = [_OBJECT.fullmatch(str(each.get("url", ""))) for each in (wanted, found)]
        if urls[0] and urls[1]:
            self._ids.setdefault((urls[0][1], int(urls[0][2])), int(urls[1][2]))

    def _id(self, name: str, recorded: int) -> int:
        return self._ids.get((name, recorded), recorded + 90_000 if recorded < 90_000 else recorded)

    def _translate_header(self, name: str, value: str) -> str:
        if name == "Authorization" and value.startswith("Bearer "):
            return f"Bearer {self._tokens.get(value[7:], value[7:])}"
        return value

    def _translate_body(self, path: str, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        translated = dict(body)
        for name, value in body.items():
            target = _ID_FIELDS.get(name) or ("credentials" if name == "id" and "/credentials/" in path else None)
            if target and isinstance(value, int):
                translated[name] = self._id(target, value)
        if str(body.get("local_path", "")).startswith("manual_"):
            directory = self._projects / body["local_path"]
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "site.yml").write_text("- hosts: all\n")
        return translated


def _recordings() -> Iterator[dict[str, Any]]:
    for group in GROUPS:
        for file in sorted(Path(DIRECTORY, group).glob("*.json")):
            yield {**json.loads(file.read_text()), "key": f"{group}/{file.stem}"}


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
    if answer.status >= 400:
        if answer.json() != wanted["body"]:
            yield f"body {answer.json()}, not {wanted['body']}"
        return
    yield from compare(wanted["body"], answer.json())


def _is_known(key: str, complaint: str) -> bool:
    return any(fnmatch(key, where) and fnmatch(complaint, what) for where, what, _reason in DIFFERENCES)


def test_answers_have_the_recorded_shape(store: Store, settings: Settings) -> None:
    store.write(preload, settings.model_copy(update={"admin_password": SecretStr("password")}))
    settings.manual_projects.mkdir(parents=True, exist_ok=True)
    api = Api(make_api(store, settings))
    replay = Replay(api, settings.manual_projects)
    found: list[str] = []
    for recording in _recordings():
        answer = replay.send(recording)
        replay.learn(recording, answer)
        found += [
            f"{recording['key']}: {complaint}"
            for complaint in _complaints(recording, answer)
            if not _is_known(recording["key"], complaint)
        ]
    assert not found, "\n" + "\n".join(found)
