# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A body of 25 MB takes at most three times its size while it is parsed, or is refused; and what it says is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from urllib.parse import quote_plus

import pytest
from tests.contract.services.deliveries import delivery
from tests.fixtures import load

from playhook.errors import Malformed
from playhook.services.github import GitHub

SIZE = 25 * 1024 * 1024
TOO_MUCH = "would take more than 3 times its size"

# Parses one body in a process of its own and prints the peak of Python's allocations, in sizes of the body.
MEASURE = """
import sys, tracemalloc
from playhook.errors import Malformed
from playhook.services.github import GitHub
from playhook.domain.delivery import Delivery
body = sys.stdin.buffer.read()
headers = {"content-type": sys.argv[1], "x-github-event": "push"}
delivery = Delivery(headers=headers, body=body, received=None)
tracemalloc.start()
try:
    event, said = GitHub().parse(delivery), "parsed"
except Malformed as refusal:
    said = str(refusal)
print(round(tracemalloc.get_traced_memory()[1] / len(body), 2), said)
"""


def parse(body: bytes, content_type: str = "application/json") -> dict[str, Any]:
    return GitHub().parse(delivery(body, {"content-type": content_type, "x-github-event": "push"})).payload


def push(size: int) -> dict[str, Any]:
    """A push with as many commits as `size` holds, each with an id, a message and a time of its own."""
    payload = load("github", "push.branch").payload
    commit = payload["commits"][0]
    count = size // len(json.dumps(commit))
    payload["commits"] = [
        {**commit, "id": f"{number:040x}", "message": f"Prune tree {number} 🌳", "timestamp": f"2026-03-04T{number}Z"}
        for number in range(count)
    ]
    return payload


def as_bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def texts(text: str) -> bytes:
    return as_bytes({"a": [f"{number:010d}{text}" for number in range(SIZE // (len(text) + 13))]})


BODIES = {
    "push": ("parsed", lambda: as_bytes(push(SIZE))),
    "paths": ("parsed", lambda: texts("/roles/webserver/templates/a-longer-name.conf.j2")),
    "one text": ("parsed", lambda: b'{"a":"' + b"x" * SIZE + b'"}'),
    "one text with escapes": ("parsed", lambda: b'{"a":"' + b"\\n" * (SIZE // 2) + b'"}'),
    "one text in latin": ("parsed", lambda: as_bytes({"a": "é" * (SIZE // 2)})),
    "one text with a wide character": (TOO_MUCH, lambda: as_bytes({"a": "x" * SIZE + "🌳"})),
    "one text with a wide escape": (TOO_MUCH, lambda: b'{"a":"' + b"x" * SIZE + b'\\ud83c\\udf33"}'),
    "empty objects": (TOO_MUCH, lambda: b'{"a":[' + b"{}," * (SIZE // 3) + b"{}]}"),
    "numbers": (TOO_MUCH, lambda: b'{"a":[' + b"1," * (SIZE // 2) + b"1]}"),
    "short texts": (TOO_MUCH, lambda: texts("")),
    "short keys": (TOO_MUCH, lambda: as_bytes({f"{number:08d}": 1 for number in range(SIZE // 13)})),
}


def measure(body: bytes, content_type: str) -> tuple[float, str]:
    command = [sys.executable, "-c", MEASURE, content_type]
    done = subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True, timeout=100)
    peak, _, said = done.stdout.decode().strip().partition(" ")
    return float(peak), said


@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_25_mb_takes_three_times_its_size_at_most(name: str) -> None:
    outcome, make = BODIES[name]
    body = make()
    assert SIZE * 0.9 < len(body) < SIZE * 1.05

    peak, said = measure(body, "application/json")

    assert peak <= 3
    assert outcome in said


def test_a_form_of_25_mb_takes_three_times_its_size_at_most() -> None:
    body = as_bytes(push(SIZE))
    for plain, quoted in ((b"%", b"%25"), (b"&", b"%26"), (b"+", b"%2B"), (b'"', b"%22")):
        body = body.replace(plain, quoted)

    peak, said = measure(b"payload=" + body, "application/x-www-form-urlencoded")

    assert peak <= 3
    assert said == "parsed"


def test_a_large_body_says_what_it_says() -> None:
    payload = push(4 * 1024 * 1024)
    payload["odd"] = [
        None,
        True,
        False,
        0,
        -1,
        2**64 - 1,
        -(2**63),
        1.5,
        -0.0,
        1e300,
        "",
        "\0",
        "a" * 100_000,
        {},
        [[]],
    ]
    payload["wide"] = {"ä": "ł" * 70_000, "🌳": "🌳" * 70_000, "escaped": "\ud83c\udf33" * 2}
    body = json.dumps(payload).encode("ascii")

    assert parse(body) == json.loads(body)
    assert parse(b"payload=" + quote_plus(body).encode(), "application/x-www-form-urlencoded") == json.loads(body)


PADDING = b'"' + b"x" * (3 * 1024 * 1024) + b'"'


@pytest.mark.parametrize(
    "end",
    [
        b'"b": NaN', b'"b": 1e999', b'"b": 01', b'"b": "\xff"', b'"b": "\xed\xa0\x80"', b'"b": tru', b'"b": }',
        b'"b": 18446744073709551616', b'"b": -9223372036854775809', b'"b": [1,2', b'"b": ' + b"[" * 100_000,
        b'"b": ' + b"[" * 100 + b"]" * 100, b'"b": [[], ' + b"[" * 99 + b"]" * 99 + b"]",
    ],
    ids=lambda end: repr(end[:30]),
)  # fmt: skip
def test_what_is_refused_small_is_refused_large(end: bytes) -> None:
    with pytest.raises(Malformed):
        parse(b'{"a": ' + PADDING + b", " + end + b"}")


def test_nesting_is_counted_where_a_part_stands_and_not_where_it_stood_before() -> None:
    deep = b"[" * 60 + b"]" * 60
    fits = b'{"a": ' + PADDING + b', "b": ' + deep + b', "c": ' + b"[" * 39 + deep + b"]" * 39 + b"}"

    assert parse(fits) == json.loads(fits)
    with pytest.raises(Malformed, match="nested more than 100 levels"):
        parse(fits.replace(b'"c": [', b'"c": [[').replace(b"]}", b"]]}"))


@pytest.mark.parametrize("body", [b"", b"null", b"[1]", b'"text"', b"{", b"{}{}"])
def test_a_large_body_is_one_object(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(b" " * (3 * 1024 * 1024) + body)
