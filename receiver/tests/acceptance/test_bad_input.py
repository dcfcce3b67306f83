# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders are told, over HTTP, of everything that can be wrong with a delivery. Never 500."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import psutil
import pytest
import requests
from tests.acceptance.conftest import Installation, Template
from tests.acceptance.deliver import deliver_github, github_headers, pull_request

FORBIDDEN = {"detail": "You do not have permission to perform this action."}


@pytest.fixture(scope="module")
def accepting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that runs no jobs and takes small bodies only."""
    home = tmp_path_factory.mktemp("bad-input") / "home"
    with Installation(home, env={"PLAYHOOK_WORKERS": "0", "PLAYHOOK_MAX_BODY": "200000"}) as live:
        live.prepare()
        yield live


@pytest.fixture(scope="module")
def template(accepting: Installation) -> Template:
    return accepting.make_template("bad input")


def _jobs(live: Installation, template: Template) -> int:
    return int(live.get("jobs/", job_template=template.id)["count"])


def _newest(live: Installation) -> int:
    results = live.get("webhook_deliveries/", order_by="-id", page_size=1)["results"]
    return int(results[0]["id"]) if results else 0


def _wait_for_record(live: Installation, after: int, status: int) -> Any:
    """Return the record of the next delivery that was answered so; that of a refused one is written after its answer.

    What an earlier test had refused may be recorded only now, too.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        newer = live.get("webhook_deliveries/", id__gt=after, response_status=status, order_by="id")["results"]
        if newer:
            return newer[0]
        time.sleep(0.02)
    raise AssertionError("no delivery was recorded")


@pytest.mark.parametrize(
    "changes",
    [
        {"X_Hub_Signature_256": None},
        {"X_Hub_Signature_256": ""},
        {"X_Hub_Signature_256": "sha256=" + "0" * 64},
        {"X_Hub_Signature_256": "sha256=zz"},
        {"X_Hub_Signature_256": "0" * 64},
        {"X_Hub_Signature_256": "sha512=" + "0" * 64},
        {"X_Hub_Signature_256": "sha256=\xe9"},
        {"X_Hub_Signature_256": "sha256=" + "0" * 8000},
    ],
)
def test_wrong_missing_or_malformed_signature_is_403_with_a_record(
    accepting: Installation, template: Template, changes: dict[str, str | None]
) -> None:
    before, newest = _jobs(accepting, template), _newest(accepting)
    answer = deliver_github(accepting.url + template.path, template.key, pull_request(), **changes)

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert _jobs(accepting, template) == before
    record = _wait_for_record(accepting, newest, 403)
    assert record["outcome"] == "refused"
    assert record["reason"]


def test_all_refusals_look_alike(accepting: Installation, template: Template) -> None:
    paths = {
        "unknown template": "/api/v2/job_templates/99999/github/",
        "wrong service": f"/api/v2/job_templates/{template.id}/gitlab/",
        "unheard-of service": f"/api/v2/job_templates/{template.id}/nope/",
        "workflow of that id": f"/api/v2/workflow_job_templates/{template.id}/github/",
        "id out of range": f"/api/v2/job_templates/{10**30}/github/",
        "id of 5,000 digits": f"/api/v2/job_templates/{'9' * 5000}/github/",
        "id in other digits": "/api/v2/job_templates/\u0661/github/",
    }
    answers = {name: deliver_github(accepting.url + path, template.key, pull_request()) for name, path in paths.items()}
    assert {name: (a.status_code, a.json()) for name, a in answers.items()} == dict.fromkeys(paths, (403, FORBIDDEN))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{", "not JSON"),
        (b"", "empty"),
        (b"null", "null"),
        (b"[1]", "a list"),
        (b'"text"', "a string"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "nested too deeply"),
        (b'{"a": "\\ud800"}', "a lone surrogate"),
    ],
)
def test_signed_nonsense_is_400_and_unsigned_nonsense_403(
    accepting: Installation, template: Template, body: bytes, what: str
) -> None:
    url = accepting.url + template.path
    signed = deliver_github(url, template.key, body)
    unsigned = deliver_github(url, "another key altogether", body)

    assert signed.status_code == 400, what
    assert signed.json()["detail"]
    assert (unsigned.status_code, unsigned.json()) == (403, FORBIDDEN)


@pytest.mark.parametrize(
    "payload",
    [
        pull_request(pull_request=None),
        pull_request(repository=None),
        pull_request(sender=None, number=None),
        pull_request(pull_request=[]),
        pull_request(pull_request="text"),
        pull_request(pull_request={"head": None, "base": 3, "labels": {"a": 1}, "user": []}),
        pull_request(repository={"full_name": 12, "id": {}}),
        {},
    ],
)
def test_wrong_types_inside_are_accepted(accepting: Installation, template: Template, payload: Any) -> None:
    answer = deliver_github(accepting.url + template.path, template.key, payload)
    assert (answer.status_code, answer.json()["message"]) == (202, "Job queued.")


def test_over_long_guid_is_400(accepting: Installation, template: Template) -> None:
    url = accepting.url + template.path
    assert deliver_github(url, template.key, {}, X_GitHub_Delivery="g" * 256).status_code == 400
    assert deliver_github(url, template.key, {}, X_GitHub_Delivery="g" * 255).status_code == 202


def test_guid_need_not_be_a_uuid(accepting: Installation, template: Template) -> None:
    answer = deliver_github(accepting.url + template.path, template.key, {}, X_GitHub_Delivery="not a uuid; '--")
    assert answer.status_code == 202


def test_missing_event_header_is_400(accepting: Installation, template: Template) -> None:
    answer = deliver_github(accepting.url + template.path, template.key, pull_request(), X_GitHub_Event=None)
    assert answer.status_code == 400


def test_githubs_form_is_taken_and_other_types_are_415(accepting: Installation, template: Template) -> None:
    url = accepting.url + template.path
    form = b"payload=" + quote_plus(json.dumps(pull_request())).encode()
    taken = deliver_github(url, template.key, form, Content_Type="application/x-www-form-urlencoded")
    xml = deliver_github(url, template.key, pull_request(), Content_Type="application/xml")

    assert taken.status_code == 202
    assert xml.status_code == 415


def test_body_over_the_limit_is_413_with_a_record(accepting: Installation, template: Template) -> None:
    url = accepting.url + template.path
    newest = _newest(accepting)
    answer = deliver_github(url, template.key, {"text": "x" * 200_000})
    assert answer.status_code == 413
    assert _wait_for_record(accepting, newest, 413)["outcome"] == "refused"

    def chunks() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 1000

    headers = github_headers(template.key, b"")
    assert requests.post(url, data=chunks(), headers=headers, timeout=30).status_code == 413


def test_sha1_alone_is_refused_unless_the_template_allows_it(accepting: Installation) -> None:
    strict = accepting.make_template("sha1 refused")
    lenient = accepting.make_template("sha1 allowed", playhook={"allow_sha1": True})
    answers = []
    for template in (strict, lenient):
        body = json.dumps(pull_request()).encode()
        sha1 = "sha1=" + hmac.new(template.key.encode(), body, hashlib.sha1).hexdigest()
        changes = {"X_Hub_Signature_256": None, "X_Hub_Signature": sha1}
        answers.append(deliver_github(accepting.url + template.path, template.key, body, **changes).status_code)
    assert answers == [403, 202]


def test_right_sha1_does_not_excuse_a_wrong_sha256(accepting: Installation) -> None:
    lenient = accepting.make_template("sha1 beside", playhook={"allow_sha1": True})
    body = json.dumps(pull_request()).encode()
    sha1 = "sha1=" + hmac.new(lenient.key.encode(), body, hashlib.sha1).hexdigest()
    wrong = {"X_Hub_Signature": sha1, "X_Hub_Signature_256": "sha256=" + "0" * 64}
    assert deliver_github(accepting.url + lenient.path, lenient.key, body, **wrong).status_code == 403


def test_same_guid_five_times_at_once_makes_one_job(accepting: Installation) -> None:
    template = accepting.make_template("five at once")
    with ThreadPoolExecutor(5) as pool:
        answers = list(
            pool.map(
                lambda _: deliver_github(
                    accepting.url + template.path, template.key, pull_request(), X_GitHub_Delivery="one guid"
                ),
                range(5),
            )
        )
    assert [answer.status_code for answer in answers] == [202] * 5
    messages = sorted(answer.json()["message"] for answer in answers)
    assert messages == ["Job queued."] + ["Webhook previously received, aborting."] * 4
    assert _jobs(accepting, template) == 1


def test_path_without_the_trailing_slash_is_taken(accepting: Installation, template: Template) -> None:
    answer = deliver_github(accepting.url + template.path.rstrip("/"), template.key, pull_request())
    assert answer.status_code == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_405(accepting: Installation, template: Template, method: str) -> None:
    answer = requests.request(method, accepting.url + template.path, timeout=60)
    assert answer.status_code == 405


def test_ping_is_answered_200_and_recorded(accepting: Installation, template: Template) -> None:
    before, newest = _jobs(accepting, template), _newest(accepting)
    answer = deliver_github(accepting.url + template.path, template.key, {"zen": "…", "hook_id": 1}, "ping")

    assert (answer.status_code, answer.json()["message"]) == (200, "Webhook ignored")
    assert answer.json()["reason"]
    assert _wait_for_record(accepting, newest, 200)["outcome"] == "ignored"
    assert _jobs(accepting, template) == before


def test_flood_of_forgeries_is_429_and_the_authentic_are_still_heard(tmp_path: Path) -> None:
    with Installation(tmp_path / "home", env={"PLAYHOOK_WORKERS": "0", "PLAYHOOK_REFUSALS_PER_MINUTE": "5"}) as live:
        live.prepare()
        template = live.make_template("flood")
        first = deliver_github(live.url + template.path, template.key, pull_request()).status_code
        codes = [deliver_github(live.url + template.path, "wrong", {}).status_code for _ in range(8)]
        last = deliver_github(live.url + template.path, template.key, pull_request()).status_code
    assert (first, codes, last) == (202, [403] * 5 + [429] * 3, 202)


def test_unfinished_bodies_do_not_fill_the_memory(tmp_path: Path) -> None:
    with Installation(tmp_path / "home", env={"PLAYHOOK_WORKERS": "0"}) as live:
        live.prepare()
        template = live.make_template("memory")
        assert live.process is not None
        process = psutil.Process(live.process.pid)
        before = process.memory_info().rss
        senders = [_begin_body(live, 20_000_000) for _ in range(20)]
        most = max(process.memory_info().rss for _ in range(20) if not time.sleep(0.1))
        for sender in senders:
            sender.close()
        answer = deliver_github(live.url + template.path, template.key, pull_request())

    assert most - before < 300_000_000  # 8 bodies of 25 MiB, and no more
    assert answer.status_code == 202


def _begin_body(live: Installation, size: int) -> socket.socket:
    sender = socket.create_connection(("127.0.0.1", live.port))
    head = f"POST /api/v2/job_templates/9/github/ HTTP/1.1\r\nHost: x\r\nContent-Length: {size + 9}\r\n\r\n"
    with contextlib.suppress(OSError):  # it may be told 503 and cut off meanwhile
        sender.sendall(head.encode() + b"x" * size)
    return sender
