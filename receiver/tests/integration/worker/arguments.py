# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every user of the machine can see of a job: the arguments of its processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def watched_arguments() -> Iterator[set[bytes]]:
    """Collect the command lines of all processes while the block runs."""
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            # Not Path.glob: it asks each entry whether it exists, and fails on a process that ends meanwhile.
            for process in Path("/proc").iterdir():
                try:
                    seen.add((process / "cmdline").read_bytes())
                except OSError:
                    continue
            stop.wait(0.01)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
