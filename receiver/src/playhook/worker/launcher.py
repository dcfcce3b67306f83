# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts jobs, each in a process of its own that a fork server has forked.

One fork server is always there. With warm start there are more, which have imported Ansible as a job's configuration
wants it; whatever they cannot be trusted with starts cold, from the first one.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Final

from playhook.logs import get_logger
from playhook.settings import Settings
from playhook.worker import frames
from playhook.worker.request import RunRequest
from playhook.worker.server_process import ServerProcess, inherited
from playhook.worker.warm_servers import WarmServers, why_never

_log = get_logger(__name__)
_ENDING: Final = 15.0  # seconds
# What Python itself needs to find the same modules; the job's environment is another one, made for each job.
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class LaunchedRun:
    """A job at work in its own process. Its events are read by one thread; any thread may cancel it."""

    def __init__(self, connection: socket.socket, *, warm: bool) -> None:
        self._connection = connection
        self._reader = frames.FrameReader()
        self.warm = warm

    def messages(self, timeout: float | None) -> Iterator[bytes] | None:
        """Wait for encoded messages; an empty iterator after `timeout` seconds, None when the process has ended."""
        self._connection.settimeout(timeout)
        try:
            more = self._reader.read(self._connection)
        except TimeoutError:
            return iter(())
        return self._reader.messages() if more else None

    def cancel(self) -> None:
        """Have the job's processes ended; its outcome still comes."""
        with suppress(OSError):  # it has ended by itself
            frames.send(self._connection, {"cancel": True})

    def close(self) -> None:
        """Have what still runs ended, wait until it has, and let go."""
        self.cancel()
        deadline = time.monotonic() + _ENDING
        while time.monotonic() < deadline and self.messages(_ENDING) is not None:
            pass
        self._connection.close()


class Launcher:
    """Starts jobs; made by `start_launcher`."""

    def __init__(self, warm: WarmServers | None) -> None:
        self._lock = threading.Lock()
        self._server = _start_server()
        self._warm = warm

    def launch(self, request: RunRequest) -> LaunchedRun:
        """Start the job's process; a fork server that has died is started again. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            warm = self._fork_warm(request, theirs)
            if not warm:
                self._fork_cold(request, theirs)
        frames.send(ours, asdict(request))
        return LaunchedRun(ours, warm=warm)

    def _fork_warm(self, request: RunRequest, connection: socket.socket) -> bool:
        server = None if self._warm is None else self._warm.find(request)
        if server is None:
            return False
        try:
            server.fork(request.mark, connection)
        except OSError:  # it has just died; the next job gets another one
            return False
        return True

    def _fork_cold(self, request: RunRequest, connection: socket.socket) -> None:
        if self._server.exit_status is not None:
            _log.error("the launcher had died and was started again", code=self._server.exit_status)
            self._server.close()
            self._server = _start_server()
        self._server.fork(request.mark, connection)

    def close(self, timeout: float = 30.0) -> None:
        """Have running jobs ended and wait for the fork servers to leave."""
        if self._warm is not None:
            self._warm.close(timeout)
        self._server.close()
        self._server.wait(timeout)


def start_launcher(settings: Settings) -> Launcher:
    """Start the launcher's process; call it before anything large is loaded, as it needs a moment to be ready."""
    return Launcher(None if why_never(settings) else WarmServers(settings.home))


def _start_server() -> ServerProcess:
    return ServerProcess(sys.executable, [], inherited(_INHERITED))
