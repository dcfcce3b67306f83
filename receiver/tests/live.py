# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real `playhook serve` in a temporary state directory, for acceptance tests, the demo and the benchmark."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tests.tls import Tls

ADMIN_PASSWORD = "correct horse battery staple"
_START_TIMEOUT = 60.0
_reserved: list[socket.socket] = []  # as long as this process runs


class LiveReceiver:
    """One installation; `start` and `kill` may alternate on the same state directory."""

    def __init__(
        self,
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        tls: Tls | None = None,
    ) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.log_file = home.parent / f"{home.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._env = dict(env or {})
        served_with = ("--ssl-certfile", str(tls.certificate), "--ssl-keyfile", str(tls.key)) if tls else ()
        self._options = (*options, *served_with)
        self._trusted = str(tls.authority) if tls else None
        self.api = requests.Session()
        self.api.verify = self._trusted or True
        self.api.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        self.api.auth = ("admin", ADMIN_PASSWORD)

    @property
    def projects(self) -> Path:
        """Where its manual projects are."""
        return self.home / "projects"

    def start(self) -> Self:
        """Start it and wait until it answers."""
        environment = {"PLAYHOOK_PORT": str(self.port), **self._env}
        self.process = start_playhook(self.home, self.log_file, "serve", *self._options, env=environment)
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"playhook serve ended with {self.process.returncode}:\n{self.log()}")
            with suppress(requests.RequestException):  # it listens before it serves, so the first call may just wait
                if requests.get(f"{self.url}/api/v2/ping/", timeout=2, verify=self._trusted).status_code == 200:
                    return
            time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"playhook serve did not answer in {_START_TIMEOUT:.0f} s:\n{self.log()}")

    def kill(self) -> None:
        """End the web process as a crash would (SIGKILL), and only it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def stop(self, timeout: float = 100.0) -> int:
        """End it as systemd would (SIGTERM); returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def log(self) -> str:
        """Return all it has logged."""
        return self.log_file.read_text(errors="replace")

    def get(self, path: str, **params: Any) -> Any:
        """GET below /api/v2/ and return the JSON."""
        return self._json(self.api.get(f"{self.url}/api/v2/{path}", params=params, timeout=60))

    def post(self, path: str, body: Any) -> Any:
        """POST JSON below /api/v2/ and return the JSON."""
        return self._json(self.api.post(f"{self.url}/api/v2/{path}", json=body, timeout=60))

    def patch(self, path: str, body: Any) -> Any:
        """PATCH JSON below /api/v2/ and return the JSON."""
        return self._json(self.api.patch(f"{self.url}/api/v2/{path}", json=body, timeout=60))

    def wait_for_job(self, job_id: int, timeout: float = 90.0) -> Any:
        """Wait until a job is over and its events are stored; returns its detail."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            job = self.get(f"jobs/{job_id}/")
            if job["event_processing_finished"]:
                return job
            time.sleep(0.1)
        raise RuntimeError(f"job {job_id} is still {job['status']} after {timeout:.0f} s:\n{self.log()}")

    @staticmethod
    def _json(response: requests.Response) -> Any:
        if not response.ok:
            raise RuntimeError(
                f"{response.request.method} {response.url}: {response.status_code} {response.text[:2000]}"
            )
        return response.json() if response.content else None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self.api.close()


def start_playhook(
    home: Path, log_file: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start the command with a state directory, and with no settings but these."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PLAYHOOK_", "ANSIBLE_"))},
        "PLAYHOOK_HOME": str(home),
        "PLAYHOOK_ADMIN_PASSWORD": ADMIN_PASSWORD,
        **(env or {}),
    }
    command = [str(Path(sys.executable).parent / "playhook"), *arguments]
    with log_file.open("ab") as log:
        return subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )


def free_port() -> int:
    """Return a port that the system gives to nobody else as long as this process runs.

    What is bound and does not listen keeps others from being given the port, and lets a server listen on it that sets
    SO_REUSEADDR, as they all do (socket(7)); also again after it was killed.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    _reserved.append(reserved)
    return int(reserved.getsockname()[1])
