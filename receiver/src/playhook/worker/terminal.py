# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal of a job's ansible-playbook, read in larger pieces than pexpect reads."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any, Final

import pexpect  # type: ignore[import-untyped]
from pexpect.spawnbase import SpawnBase  # type: ignore[import-untyped]

_LARGEST: Final = 64 * 1024  # bytes; the kernel gives 4 KiB at most
_MUCH: Final = 2048  # bytes; after less, more is waited for
_PAUSE: Final = 0.02  # seconds
_OUTPUT: Final = select.POLLIN | select.POLLPRI


class Terminal(pexpect.spawn):  # type: ignore[misc]
    """Reads until the end of the output, as nothing is ever answered: no pattern is searched for.

    What comes is read fifty times a second at most, unless it is much. So a lively playbook does not have to share its
    processor with a reader that is woken for each line.
    """

    on_read: Callable[[], None] = staticmethod(lambda: None)

    def expect(self, pattern: Any, timeout: float = -1, *_: Any, **__: Any) -> int:
        """Log what comes, for `timeout` seconds or until its end, and return which of both it was in `pattern`."""
        patterns = pattern if isinstance(pattern, list) else [pattern]
        met = self._follow(time.monotonic() + timeout)
        if met not in patterns:
            raise met(f"ansible-playbook's output has not ended after {timeout} seconds")
        return patterns.index(met)

    def _follow(self, deadline: float) -> Any:
        while (left := deadline - time.monotonic()) > 0:
            if not self._wait(_OUTPUT, 0) and not self.isalive() and not self._wait(_OUTPUT, 0):
                self.flag_eof = True  # it has ended, whoever may still hold the terminal
                return pexpect.EOF
            if not self._wait(_OUTPUT, left):
                break
            try:
                read = SpawnBase.read_nonblocking(self, _LARGEST)
            except pexpect.EOF:
                return pexpect.EOF
            self.on_read()
            if len(read) < _MUCH:
                self._wait(0, _PAUSE)  # or until it is closed
        return pexpect.TIMEOUT

    def _wait(self, events: int, seconds: float) -> bool:
        """Wait for one of the events, or for the terminal's being closed; False when nothing came."""
        waiting = select.poll()
        waiting.register(self.child_fd, events)
        return bool(waiting.poll(seconds * 1000))
