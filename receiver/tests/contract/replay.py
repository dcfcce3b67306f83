# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests that were recorded from an AWX to a receiver; what AWX numbered or made up is translated into ours."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.api_client import PUBLIC_URL, Answer, Api

BESIDE: Final = Path(__file__).resolve().parents[4] / "shared" / "awx-recordings"
DIRECTORY: Final = Path(os.environ.get("PLAYHOOK_AWX_RECORDINGS") or BESIDE)
# A body that was too long to be recorded: one of ours of the same event stands for it.
LONG_BODY: Final = Path(__file__).resolve().parents[1] / "fixtures" / "github" / "pull_request.opened.json"
_ID_FIELDS: Final = {
    "organization": "organizations", "inventory": "inventories", "project": "projects", "team": "teams",
    "credential_type": "credential_types", "webhook_credential": "credentials", "credential": "credentials",
    "job_template": "job_templates", "workflow_job_template": "workflow_job_templates", "user": "users",
    "unified_job_template": "unified_job_templates", "job": "jobs", "host": "hosts", "group": "groups",
}  # fmt: skip
_LISTED: Final = {
    "credentials": "credentials", "labels": "labels", "success_nodes": "workflow_job_template_nodes",
    "failure_nodes": "workflow_job_template_nodes", "always_nodes": "workflow_job_template_nodes",
    "galaxy_credentials": "credentials", "instance_groups": "instance_groups", "children": "groups", "users": "users",
}  # fmt: skip
_UNIFIED: Final = ("job_templates", "projects", "workflow_job_templates")
_OBJECT: Final = re.compile(r"/api/v2/([a-z_]+)/(\d+)/")
_KEY: Final = re.compile(r"(/api/v2/(?:workflow_)?job_templates/\d+/)webhook_key/")


def recordings() -> Iterator[dict[str, Any]]:
    """Yield every recording with its `key`, in the order in which they were made."""
    files = sorted(DIRECTORY.glob("*/*.json"), key=lambda file: file.name)
    for file in files:
        yield {**json.loads(file.read_text()), "key": f"{file.parent.name}/{file.stem}"}


class Replay:
    """One run through the recordings."""

    def __init__(self, api: Api, admin: Api, projects: Path) -> None:
        self._api = api
        self._browser = api.browser()
        self._admin = admin
        self._projects = projects
        self._ids: dict[tuple[str, int], int] = {("organizations", 1): 1, ("users", 1): 1}
        self._tokens: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def send(self, recording: dict[str, Any]) -> Answer:
        """Send one request as it was recorded."""
        request = recording["request"]
        headers = {name.lower(): self._translate_header(name, value) for name, value in request["headers"].items()}
        path = self._translate_path(request["path"])
        client = self._api
        if recording["name"].startswith("session-"):
            client = self._browser
            headers.setdefault("referer", PUBLIC_URL)  # AWX was asked without TLS, where it need not be there
        if "json" in request:
            body = self._translate_body(path, request["json"])
            return client.request(request["method"], path, body, headers=headers)
        raw = self._raw(recording, path, headers)
        if "form" in request:
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        return client.request(request["method"], path, raw=raw, headers=headers)

    def learn(self, recording: dict[str, Any], answer: Answer) -> None:
        """Note which of our ids and tokens stand for AWX's, and take over its webhook keys: what it signed is ours."""
        wanted = recording["response"]["body"]
        if not isinstance(wanted, dict) or "json" not in answer.headers.get("content-type", ""):
            return
        found = answer.json()
        self._pair(wanted, found)
        for one, other in zip(wanted.get("results", []), found.get("results", []), strict=False):
            self._pair(one, other)
        if recording["response"]["status"] == 201 and "token" in wanted:
            self._tokens[wanted["token"]] = found.get("token", "")
        self._learn_key(recording, wanted)

    def _learn_key(self, recording: dict[str, Any], wanted: dict[str, Any]) -> None:
        match = _KEY.fullmatch(self._translate_path(recording["request"]["path"]))
        if match and wanted.get("webhook_key"):
            self._keys[match[1]] = wanted["webhook_key"]
            self._admin.post(f"{match[1]}webhook_key/", {"webhook_key": wanted["webhook_key"]})

    def _pair(self, wanted: Any, found: Any) -> None:
        urls = [_OBJECT.fullmatch(str(each.get("url", ""))) for each in (wanted, found)]
        if urls[0] and urls[1]:
            self._ids.setdefault((urls[0][1], int(urls[0][2])), int(urls[1][2]))

    def _id(self, name: str, recorded: int) -> int:
        kinds = _UNIFIED if name == "unified_job_templates" else (name,)
        known = (self._ids[each, recorded] for each in kinds if (each, recorded) in self._ids)
        return next(known, recorded + 90_000 if recorded < 90_000 else recorded)

    def _translate_path(self, path: str) -> str:
        bare, mark, query = path.partition("?")
        bare = _OBJECT.sub(lambda match: f"/api/v2/{match[1]}/{self._id(match[1], int(match[2]))}/", bare)
        pairs = [
            (name, str(self._id(_ID_FIELDS[name], int(value))) if name in _ID_FIELDS and value.isdecimal() else value)
            for name, value in parse_qsl(query, keep_blank_values=True)
        ]
        return f"{bare}{mark}{urlencode(pairs)}"

    def _translate_header(self, name: str, value: str) -> str:
        if name == "Authorization" and value.startswith("Bearer "):
            return f"Bearer {self._tokens.get(value[7:], value[7:])}"
        if name == "X-CSRFToken" and self._browser.jar is not None:
            return self._browser.jar["csrftoken"]
        return f"{PUBLIC_URL}{urlsplit(value).path}" if name == "Referer" else value

    def _raw(self, recording: dict[str, Any], path: str, headers: dict[str, str]) -> bytes:
        request = recording["request"]
        if "raw" in request:
            return str(request["raw"]).encode()
        if "form" in request:
            return urlencode(request["form"]).encode()
        if "raw_length" not in request:
            return b""
        raw = LONG_BODY.read_bytes()
        if recording["response"]["status"] < 300:
            key = self._keys[f"{path.rstrip('/').rpartition('/')[0]}/"].encode()
            for name, algorithm in (("x-hub-signature", "sha1"), ("x-hub-signature-256", "sha256")):
                if name in headers:
                    headers[name] = f"{algorithm}={hmac.new(key, raw, getattr(hashlib, algorithm)).hexdigest()}"
        return raw

    def _translate_body(self, path: str, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        translated = dict(body)
        listed = _LISTED.get(path.rstrip("/").rpartition("/")[2])
        for name, value in body.items():
            target = _ID_FIELDS.get(name) or (listed if name == "id" else None)
            if target and isinstance(value, int) and not isinstance(value, bool):
                translated[name] = self._id(target, value)
        if str(body.get("local_path", "")).startswith("manual_"):
            directory = self._projects / body["local_path"]
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "site.yml").write_text("- hosts: all\n")
        return translated
