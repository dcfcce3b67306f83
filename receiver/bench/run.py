# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the quick benchmark and print its tables. Absolute figures belong to a machine; the ratios travel."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.api import measure_api
from bench.filters import measure_filters
from bench.intake import measure_intake
from bench.playbook import measure_playbook


def main() -> None:
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    seconds = int(os.environ.get("BENCH_SECONDS", "4"))
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("ansible-core", "ansible-runner", "starlette", "uvicorn")
    )
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}\n")
    with tempfile.TemporaryDirectory(prefix="playhook-bench-") as name:
        directory = Path(name)
        intake = measure_intake(directory, rounds=rounds, seconds=seconds, tell=_tell)
        api = measure_api(directory, rounds=rounds, seconds=seconds, tell=_tell)
        playbook = measure_playbook(directory, rounds=rounds + 2, tell=_tell)
    print("\n## Filters: a verdict on a pull request of 25 KB\n")
    print("\n".join(measure_filters()))
    print("\n## Intake: a signed delivery of 25 KB, durable (WAL, fsync) when it is answered\n")
    print("\n".join(intake))
    print("\n## API: reading, by one process\n")
    print("\n".join(api))
    print("\n## From the delivery to the end of the playbook\n")
    print("\n".join(playbook))


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
