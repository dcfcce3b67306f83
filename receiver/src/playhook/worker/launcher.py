# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver's end of the launcher: a process that forks one child for each job.

It is executed afresh, not forked from the receiver: neither its memory nor its environment then holds anything of the
receiver (keys, database URL, administrator's password), and it can be started again when it has died, also from a
process with threads.
"""

from __future__ import annotations

import os
import socket
import subprocess
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

_log = get_logger(__name__)
_ENDING: Final = 15.0  # seconds
# What Python itself needs to find the same modules; the job's environment is another one, made for each job.
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class LaunchedRun:
    """A job at work in its own process. Its events are read by one thread; any thread may cancel it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = frames.FrameReader()

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

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server, self._control = _start_server()

    def launch(self, request: RunRequest) -> LaunchedRun:
        """Start the job's process; a launcher that has died is started again. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            if self._server.poll() is not None:
                _log.error("the launcher had died and was started again", code=self._server.returncode)
                self._control.close()
                self._server, self._control = _start_server()
            socket.send_fds(self._control, [request.mark.encode()], [theirs.fileno()])
        frames.send(ours, asdict(request))
        return LaunchedRun(ours)

    def close(self, timeout: float = 30.0) -> None:
        """Have running jobs ended and wait for the launcher to leave."""
        self._control.close()
        try:
            self._server.wait(timeout)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


def start_launcher(_settings: Settings) -> Launcher:
    """Start the launcher's process; call it before anything large is loaded, as it needs a moment to be ready."""
    return Launcher()


def _start_server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    # Each message is one packet, and closing is seen: SOCK_SEQPACKET has both.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "playhook.worker.forkserver", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return server, ours
