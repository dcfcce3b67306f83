# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver's end of a fork server: a process of its own that forks one child for each job.

It is executed afresh, not forked from the receiver: neither its memory nor its environment then holds anything of the
receiver (keys, database URL, administrator's password), and it can be started from a process with threads.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from playhook.worker import frames, trees

_MESSAGE: Final = 4096


class ServerProcess:
    """A running fork server. `arguments` are those of playhook.worker.forkserver."""

    def __init__(self, python: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: str = "/") -> None:
        # Each message is one packet, and closing is seen: SOCK_SEQPACKET has both.
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [python, "-P", "-m", "playhook.worker.forkserver", str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=cwd,
                env={**environment, trees.MARK: trees.ROOM_FOR_MARK},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def fork(self, mark: str, connection: socket.socket) -> None:
        """Have it fork a child that gets `connection`. Raises OSError when it has died."""
        socket.send_fds(self._control, [mark.encode()], [connection.fileno()])

    def answer(self, timeout: float) -> str | None:
        """Wait for what it has to say about itself; None when it says nothing in time, "" when it has died."""
        self._control.settimeout(timeout)
        try:
            return self._control.recv(_MESSAGE).decode()
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:
            return ""
        finally:
            self._control.settimeout(None)

    def retire(self) -> None:
        """Have it leave when the last of its jobs has ended; its exit is to be looked for."""
        with suppress(OSError):  # it has died
            self._control.send(frames.RETIRE)

    def close(self) -> None:
        """Have it end its jobs and leave."""
        self._control.close()

    def wait(self, timeout: float) -> None:
        """Wait until it has left, and kill it when it does not."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def inherited(names: Sequence[str]) -> dict[str, str]:
    """Return these variables of the receiver's own environment, where they are set."""
    return {name: os.environ[name] for name in names if name in os.environ}
