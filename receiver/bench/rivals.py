# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the receiver is measured against, and a disk that is slower than this machine's."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests
from tests.live import free_port

WEBHOOK_KEY = "the-key-of-the-other-program"
WEBHOOK_PATH = "/hooks/bench"
# Each fsync takes 5 ms more: a disk without a cache that survives a power cut, or one behind a network.
_SLOW_FSYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
typedef int (*sync_t)(int);
static int wait_and(const char *name, int file) {
    struct timespec more = {0, 5000000};
    nanosleep(&more, 0);
    return ((sync_t) dlsym(RTLD_NEXT, name))(file);
}
int fsync(int file) { return wait_and("fsync", file); }
int fdatasync(int file) { return wait_and("fdatasync", file); }
"""


@contextlib.contextmanager
def baseline() -> Iterator[str]:
    """Run the yardstick; yields its URL."""
    port = free_port()
    with _running([sys.executable, "-m", "bench.baseline", str(port)], port) as url:
        yield url


@contextlib.contextmanager
def webhook(directory: Path) -> Iterator[str]:
    """Run Debian's `webhook` (https://github.com/adnanh/webhook), which starts /bin/true for each delivery.

    It checks the signature and stores nothing; what it had accepted is gone when it ends.
    """
    signature = {
        "type": "payload-hmac-sha256",
        "secret": WEBHOOK_KEY,
        "parameter": {"source": "header", "name": "X-Hub-Signature-256"},
    }
    hook = {"id": "bench", "execute-command": "/bin/true", "trigger-rule": {"match": signature}}
    hooks = directory / "hooks.json"
    hooks.write_text(json.dumps([hook]))
    port = free_port()
    command = ["webhook", "-hooks", str(hooks), "-ip", "127.0.0.1", "-port", str(port)]
    with _running(command, port) as url:
        yield url


def build_slow_fsync(directory: Path) -> Path:
    """Compile a library that is to be named in LD_PRELOAD. Raises RuntimeError without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("there is no C compiler: install Debian's packages gcc and libc6-dev")
    source, library = directory / "slow_fsync.c", directory / "slow_fsync.so"
    source.write_text(_SLOW_FSYNC)
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@contextlib.contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(url, timeout=2)
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)
