# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending a job before its time: asked for by one thread, noticed by the one that runs the job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from playhook.errors import PlayhookError

StopReason = Literal["canceled", "stopped"]


class JobStopped(PlayhookError):
    """The job was canceled, or the receiver stops, before the playbook started."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(f"the job was {reason}")
        self.reason = reason


class Stop:
    """One job's stop. The first reason stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._call: Callable[[], None] | None = None
        self.reason: StopReason | None = None

    def request(self, reason: StopReason) -> None:
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            call = self._call
        if call is not None:
            call()

    def call(self, call: Callable[[], None]) -> None:
        """Have `call` called, from another thread, when the stop is requested; at once if it was already."""
        with self._lock:
            self._call = call
            requested = self.reason is not None
        if requested:
            call()

    def check(self) -> None:
        """Raise JobStopped when the stop was requested."""
        if self.reason is not None:
            raise JobStopped(self.reason)
