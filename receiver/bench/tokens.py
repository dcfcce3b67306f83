# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that AWX's modules make before each task, and delete after it."""

from __future__ import annotations

import base64
import http.client
import json
import statistics
import time

from tests.live import ADMIN_PASSWORD, LiveReceiver

_TOKEN = json.dumps({"description": "bench", "application": None, "scope": "write"}).encode()


def token_sentence(receiver: LiveReceiver, count: int) -> str:
    """Measure, and say what a pair costs."""
    first, pairs = measure_token_pairs(receiver, count)
    pairs.sort()
    median, p99 = statistics.median(pairs), pairs[len(pairs) * 99 // 100]
    return (
        f"A token made and deleted with the same password: the first pair {first:.1f} ms; then median {median:.1f} ms, "
        f"quickest {pairs[0]:.1f} ms, p99 {p99:.1f} ms of {len(pairs)}."
    )


def measure_token_pairs(receiver: LiveReceiver, count: int) -> tuple[float, list[float]]:
    """Make and delete tokens with Basic; returns the milliseconds of the first pair, and of the others."""
    credentials = base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=30)

    def ask(method: str, path: str, body: bytes | None, status: int) -> bytes:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != status:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode()[:500]}")
        return answer

    def measure_pair() -> float:
        begin = time.perf_counter()
        made = json.loads(ask("POST", "/api/v2/tokens/", _TOKEN, 201))
        ask("DELETE", made["url"], None, 204)
        return (time.perf_counter() - begin) * 1000

    first, *others = [measure_pair() for _each in range(count + 1)]
    connection.close()
    return first, others
