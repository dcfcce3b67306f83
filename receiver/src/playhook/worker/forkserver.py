# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fork server: `python -m playhook.worker.forkserver FD [STAGE SCRIPT]`.

It has one thread and nothing of the receiver in its memory, has imported ansible_runner once, and forks one child for
each job. It never sees a job's data: a message names the job's mark and passes the socket on which the child will get
the rest. It ends when the receiver's end of its own socket closes, however the receiver died.

With STAGE and SCRIPT it is a warm one: it imports Ansible too, in its environment and directory, and says whether it
is ready or why it never will be.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from playhook.worker import child, frames, trees
from playhook.worker.runner import stage_environment
from playhook.worker.warm_ansible import Refused, WarmAnsible, import_ansible, remove_stage

_MESSAGE: Final = 4096
_LAST_CALL: Final = 20.0  # seconds that jobs get to end their processes when the receiver is gone


class ForkServer:
    """Forks on request, and cleans up after children that died without doing so."""

    def __init__(self, control: socket.socket, warm: WarmAnsible | None = None) -> None:
        self._control, self._warm = control, warm
        self._room = trees.find_room_for_mark()
        self._retires = False
        self._marks: dict[int, str] = {}
        self._wake, wake_end = socket.socketpair()
        self._wake.setblocking(False)
        wake_end.setblocking(False)
        self._wake_end = wake_end

    def run(self) -> None:
        self._catch_signals()
        trees.adopt_orphans()
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            open_ = True
            while open_ and not (self._retires and not self._marks):
                ready = {key.fileobj for key, _events in selector.select()}
                self._reap()
                open_ = self._control not in ready or self._take()
        self._wait_for_children()

    def _catch_signals(self) -> None:
        # Handlers, not SIG_IGN: what is ignored stays ignored in every program that a job executes. A terminal's or a
        # service manager's signal to the whole group is the receiver's business, which drains.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._wake_end.fileno(), warn_on_full_buffer=False)

    def _take(self) -> bool:
        """Fork for one message; False when the receiver is gone."""
        message, descriptors, _flags, _address = socket.recv_fds(self._control, _MESSAGE, 1)
        if not descriptors:
            self._retires = message == frames.RETIRE
            return bool(message)
        with socket.socket(fileno=descriptors[0]) as connection:
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._become_child(connection, parent, message.decode())
        self._marks[pid] = message.decode()
        return True

    def _become_child(self, connection: socket.socket, parent: int, mark: str) -> None:
        trees.carry_mark(mark, self._room)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (self._control, self._wake, self._wake_end):
            each.close()
        child.run_job(connection, parent, self._warm)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            self._wake.recv(_MESSAGE)
        for pid, status in _ended_children():
            mark = self._marks.pop(pid, None)
            if mark is not None and status != 0:
                trees.end_job(mark, keep=self._marks)

    def _wait_for_children(self) -> None:
        deadline = time.monotonic() + _LAST_CALL
        while self._marks and time.monotonic() < deadline:
            time.sleep(0.05)
            self._reap()
        for pid, mark in self._marks.items():
            os.kill(pid, signal.SIGKILL)
            trees.end_marked(mark)


def _ended_children() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def main() -> None:
    """Serve the socket whose descriptor is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if len(sys.argv) == 2:
        ForkServer(control).run()
    else:
        _serve_warm(control, sys.argv[2], sys.argv[3])


def _serve_warm(control: socket.socket, stage: str, script: str) -> None:
    try:
        try:
            os.environ.update(stage_environment(stage))
            warm = import_ansible(stage, script)
        except Refused as reason:
            control.send(str(reason).encode())
            return
        os.chdir("/")
        server = ForkServer(control, warm)
        control.send(frames.READY)
        server.run()
    finally:
        remove_stage(stage)


if __name__ == "__main__":
    main()
