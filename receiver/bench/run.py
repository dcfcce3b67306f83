# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sections of the benchmark, print their tables and write them into docs/performance.md."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.machine import describe_machine
from bench.page import PAGE, check_places, fill_place
from bench.section import Run, Table

SECTIONS = ("filters", "intake", "growth", "api", "playbook", "hosts", "dispatch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="measure longer, and what takes long")
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all when none is named"
    )
    options = parser.parse_args()
    names = options.sections or SECTIONS
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    check_places(PAGE.read_text(), names)
    sys.exit(1 if run_sections(names, full=options.full) else 0)


def run_sections(names: Sequence[str], *, full: bool) -> list[str]:
    """Run one after the other; returns those that failed. What was measured before a failure is written."""
    failed = []
    for name in names:
        machine, begin = describe_machine(), time.monotonic()
        _tell(f"== {name}")
        try:
            tables = _measure(name, full=full)
        except Exception:  # noqa: BLE001  the other sections still run
            traceback.print_exc()
            failed.append(name)
            continue
        finally:
            _tell(f"== {name}: {time.monotonic() - begin:.0f} s")
        figures = _render(tables, machine, full=full)
        print(f"\n{figures}\n", flush=True)
        PAGE.write_text(fill_place(PAGE.read_text(), name, figures))
    if failed:
        _tell(f"== failed: {', '.join(failed)}")
    return failed


def _measure(name: str, *, full: bool) -> list[Table]:
    module = importlib.import_module(f"bench.{name}")
    with tempfile.TemporaryDirectory(prefix="playhook-bench-") as directory:
        tables: list[Table] = module.measure(Run(directory=Path(directory), full=full, tell=_tell))
    return tables


def _render(tables: Sequence[Table], machine: str, *, full: bool) -> str:
    command = "make bench-full" if full else "make bench"
    measured = f"Measured on {datetime.now(UTC).date()} by `{command}`: {machine}."
    return "\n\n".join([*(table.markdown() for table in tables), measured])


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
