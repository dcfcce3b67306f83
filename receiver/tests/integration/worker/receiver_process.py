# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that runs a worker pool on a state directory, to be killed: `python receiver_process.py HOME`."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from playhook.dispatch.embedded import EmbeddedDispatch
from playhook.settings import Settings
from playhook.store.store import open_store
from playhook.worker.launcher import start_launcher
from playhook.worker.loop import WorkerPool


def main() -> None:
    settings = Settings(home=Path(sys.argv[1]), shutdown_grace=0.5)
    launcher = start_launcher(settings)
    store = open_store(settings)
    dispatch = EmbeddedDispatch()
    store.on_defer(lambda tx, task, key: tx.after_commit(lambda: dispatch.defer(task, key)))
    pool = WorkerPool(store, launcher, settings, dispatch)
    terminated = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    pool.start()
    terminated.wait()
    pool.stop()
    store.close()


if __name__ == "__main__":
    main()
