# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load by wrk (Debian's package): a fixed signed body, and a guid of its own for each request."""

from __future__ import annotations

import json
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local file = io.open("BODY", "rb"); local body = file:read("*a"); file:close()
local headers = {["Content-Type"]="application/json", ["User-Agent"]="GitHub-Hookshot/bench",
  ["X-GitHub-Event"]="pull_request", ["X-Hub-Signature-256"]="SIGNATURE"}
local count = 0
request = function()
  count = count + 1
  headers["X-GitHub-Delivery"] = "RUN-" .. count
  return wrk.format("POST", "PATH", headers, body)
end
"""
_DONE = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run of wrk saw; times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def run_wrk(url: str, path: str, body: bytes, signature: str, *, connections: int, seconds: int) -> Load:
    """Send deliveries for some seconds; raises RuntimeError when any was not answered 2xx."""
    with tempfile.TemporaryDirectory() as directory:
        body_file, script = Path(directory, "body"), Path(directory, "load.lua")
        body_file.write_bytes(body)
        text = (_SCRIPT + _DONE).replace("BODY", str(body_file)).replace("SIGNATURE", signature)
        script.write_text(text.replace("RUN", uuid.uuid4().hex).replace("PATH", path))
        load = _run(script, url, connections, seconds)
    if load.refused or load.broken:
        raise RuntimeError(f"{load.refused} deliveries were refused and {load.broken} broke off at {url}")
    return load


def run_wrk_get(url: str, token: str, *, connections: int, seconds: int) -> Load:
    """Read one address for some seconds; raises RuntimeError when any request was not answered 2xx."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory, "load.lua")
        script.write_text(f'wrk.headers["Authorization"] = "Bearer {token}"\n{_DONE}')
        load = _run(script, url, connections, seconds)
    if load.refused or load.broken:
        raise RuntimeError(f"{load.refused} requests were refused and {load.broken} broke off at {url}")
    return load


def _run(script: Path, url: str, connections: int, seconds: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script), url]
    out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    return Load(**json.loads(out.strip().splitlines()[-1]))
