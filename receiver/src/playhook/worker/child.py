# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job in its own process, forked by the fork server: runs it, streams its events, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from dataclasses import asdict
from typing import Any, NoReturn

from playhook.worker import frames, trees
from playhook.worker.request import RunRequest, Started
from playhook.worker.runner import run_playbook
from playhook.worker.warm_ansible import WarmAnsible


def run_job(connection: socket.socket, parent: int, warm: WarmAnsible | None) -> NoReturn:
    """Take the request from the socket, run it, and leave without returning to the fork server's code."""
    code = 1
    try:
        os.setsid()
        trees.adopt_orphans()
        message = frames.receive(connection)
        if message is not None:
            _Job(connection, RunRequest.from_json(message), warm).run(parent)
        code = 0
    except BaseException:  # noqa: BLE001  the edge of a process; the receiver sees the socket close without an outcome
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


class _Job:
    def __init__(self, connection: socket.socket, request: RunRequest, warm: WarmAnsible | None) -> None:
        self._connection = connection
        self._request, self._warm = request, warm
        self._canceled = threading.Event()
        self._swept = False
        self._kept = bytearray()  # events on their way, in frames

    def run(self, parent: int) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: self._cancel())
        trees.die_with_parent(parent, signal.SIGUSR1)
        os.environ.clear()
        os.environ.update(self._request.environment)
        os.environ[trees.MARK] = self._request.mark
        os.umask(0o022)
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            outcome = run_playbook(
                self._request,
                warm=self._warm,
                on_start=self._tell_start,
                on_event=self._keep_event,
                on_read=self._send_kept,
                on_exit=self._sweep_last,
                is_canceled=self._canceled.is_set,
            )
        finally:
            if not self._swept:
                self._sweep()
            self._send_kept()
        self._send(frames.frame({"outcome": asdict(outcome)}))

    def _tell_start(self, started: Started) -> None:
        self._send(frames.frame({"started": asdict(started)}))

    def _keep_event(self, event: dict[str, Any]) -> None:
        self._kept += frames.frame({"event": event})

    def _send_kept(self) -> None:
        kept, self._kept = self._kept, bytearray()
        if kept:
            self._send(kept)

    def _send(self, encoded: bytes | bytearray) -> None:
        try:
            self._connection.sendall(encoded)
        except OSError:  # the receiver is gone, and nobody is left to tell
            self._canceled.set()

    def _watch(self) -> None:
        """Wait for the cancel; the receiver's end of the socket also closes when the receiver dies."""
        frames.receive(self._connection)
        self._cancel()

    def _cancel(self) -> None:
        self._canceled.set()
        self._sweep()

    def _sweep_last(self) -> None:
        self._sweep()
        self._swept = True  # ansible-playbook itself has ended: nothing new can come

    def _sweep(self) -> None:
        trees.end_job(self._request.mark)
