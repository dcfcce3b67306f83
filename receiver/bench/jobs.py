# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that deliveries launch, and when they end."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import Any

import requests
from tests.live import LiveReceiver

from bench.sample import make_template, pull_request_body, sign
from bench.wrk import Load, run_wrk

_LOOK = 0.05  # seconds at first; looking costs the receiver time that the job would have
_PATIENCE = 600.0


class Sender:
    """Sends signed deliveries to a job template of its own in a receiver."""

    def __init__(self, receiver: LiveReceiver) -> None:
        self.receiver = receiver
        self._path, self._key = make_template(receiver)
        self._http = requests.Session()

    def send(self) -> tuple[int, float]:
        """Return the job's id, and the time of the answer."""
        body = pull_request_body()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": sign(self._key, body),
        }
        answer = self._http.post(f"{self.receiver.url}{self._path}", data=body, headers=headers, timeout=30)
        return answer.json()["job"], time.time()

    def load(self, body: bytes, *, connections: int, seconds: int) -> Load:
        """Send deliveries for some seconds, as many as are answered."""
        signature = sign(self._key, body)
        return run_wrk(self.receiver.url, self._path, body, signature, connections=connections, seconds=seconds)

    def launch(self) -> tuple[int, float]:
        """Launch the job template without a delivery; returns the same."""
        template = self._path.removeprefix("/api/v2/").rpartition("github/")[0]
        return self.receiver.post(f"{template}launch/", {})["job"], time.time()

    def wait(self, job_id: int) -> dict[str, Any]:
        """Wait until the job has succeeded and return it. Raises RuntimeError when it has not."""
        begin = time.monotonic()
        while not (job := self.receiver.get(f"jobs/{job_id}/"))["finished"]:
            waited = time.monotonic() - begin
            if waited > _PATIENCE:
                raise RuntimeError(f"job {job_id} is still {job['status']} after {_PATIENCE:.0f} s")
            time.sleep(max(_LOOK, waited / 20))
        if job["status"] != "successful":
            raise RuntimeError(f"the job ended {job['status']}: {job['job_explanation']}\n{self.receiver.log()}")
        return dict(job)


def finished(job: dict[str, Any]) -> float:
    """Return the time at which the job ended, as the receiver has stored it."""
    return datetime.fromisoformat(job["finished"]).timestamp()
