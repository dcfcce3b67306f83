# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's place among the others: its name, and the lease without which its jobs are given up as lost."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from playhook import __version__
from playhook.errors import StoreUnavailable
from playhook.logs import get_logger
from playhook.settings import Settings
from playhook.store.store import Store
from playhook.store.workers import Worker, queues_text, register_worker, remove_worker, renew_lease

_RENEWALS: Final = 4  # of one lease, so that two may fail
_log = get_logger(__name__)


class Presence:
    """Registers the worker of this process, and renews its lease until `leave`.

    On SQLite there is no other worker and no lease. `on_lost` is called when this one was declared lost, and must end
    what it runs; then it goes on under a new name.
    """

    def __init__(self, store: Store, settings: Settings, on_lost: Callable[[], None]) -> None:
        self._store, self._settings, self._on_lost = store, settings, on_lost
        self._lease = None if settings.uses_sqlite else timedelta(seconds=settings.worker_lease)
        self.hostname = socket.gethostname()
        self.home_id = _read_home_id(settings.home, self.hostname)
        self.name = ""
        self._renewed = self._steady_since = 0.0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._renew_for_ever, name="lease", daemon=True)

    def enter(self) -> None:
        """Take the place of any earlier worker of this state directory."""
        self._register()
        if self._lease is not None:
            self._thread.start()

    def leave(self) -> None:
        """Give the lease back; all jobs must have ended."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(StoreUnavailable):  # the lease expires
            self._store.write(remove_worker, self.name)

    def is_sure(self) -> bool:
        """Say whether the lease holds: a process that was stopped for a while learns here that it may not."""
        return self._lease is None or time.monotonic() - self._renewed < self._lease.total_seconds()

    def may_judge(self) -> bool:
        """Say whether it has seen the database for so long that one who was not heard of must be lost.

        After the database itself was away, all have to renew first.
        """
        if self._lease is None:
            return True
        return self.is_sure() and time.monotonic() - self._steady_since > self._lease.total_seconds()

    def _register(self) -> None:
        self.name = f"{self.hostname}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        worker = Worker(
            name=self.name,
            home_id=self.home_id,
            hostname=self.hostname,
            version=__version__,
            capacity=self._settings.workers,
            queues=queues_text(self._settings.queue_names),
        )
        began = time.monotonic()
        self._store.write(register_worker, worker, self._lease)
        self._renewed = self._steady_since = began
        _log.info("worker registered", worker=self.name, queues=worker.queues or "all", capacity=worker.capacity)

    def _renew_for_ever(self) -> None:
        assert self._lease is not None  # noqa: S101  the thread is not started without
        while not self._leaving.wait(self._lease.total_seconds() / _RENEWALS):
            began = time.monotonic()
            try:
                if self._store.write(renew_lease, self.name, self._lease):
                    if not self.is_sure():  # the database was away, or this process did not run
                        self._steady_since = time.monotonic()
                    self._renewed = began
                else:
                    self._start_anew()
            except StoreUnavailable:
                _log.warning("the lease was not renewed: the database is away")

    def _start_anew(self) -> None:
        _log.error("this worker was declared lost: it was not heard of for too long", worker=self.name)
        self._renewed = float("-inf")
        self._on_lost()
        self._register()


def _read_home_id(home: Path, hostname: str) -> str:
    """Return what tells this state directory from all others: on machines of one name, and on copies of a machine."""
    file = home / "worker_id"
    if not file.exists():
        file.write_text(f"{uuid.uuid4()}\n")
    return str(uuid.uuid5(uuid.UUID(file.read_text().strip()), hostname))
