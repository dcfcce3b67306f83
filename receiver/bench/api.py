# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the API reads: a list of 200 job templates, and one of them, as an AWX client asks for them, and tokens."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from tests.live import LiveReceiver

from bench.sample import make_template
from bench.tokens import token_sentence
from bench.wrk import Load, run_wrk_get

TEMPLATES = 200
CONNECTIONS = (1, 8)
PAIRS = 300


def measure_api(directory: Path, *, rounds: int, seconds: int, tell: Callable[[str], None]) -> list[str]:
    """Return the table's lines. Fails when the list does not hold what it should."""
    env = {"PLAYHOOK_WORKERS": "0", "PLAYHOOK_LOG_LEVEL": "warning"}
    with LiveReceiver(directory / "api", env=env) as receiver:
        path, _key = make_template(receiver)
        detail = path.removeprefix("/api/v2/").rpartition("github/")[0]
        for number in range(1, TEMPLATES):
            receiver.post(f"{detail}copy/", {"name": f"Copy {number}"})
        listed = f"job_templates/?page_size={TEMPLATES}"
        if len(receiver.get(listed)["results"]) != TEMPLATES:
            raise RuntimeError(f"the list does not hold {TEMPLATES} job templates")
        token = receiver.post("tokens/", {"scope": "read"})["token"]
        loads: dict[tuple[str, int], list[Load]] = {}
        for turn in range(rounds):
            for name, address in ((f"list of {TEMPLATES} job templates", listed), ("one job template", detail)):
                for connections in CONNECTIONS:
                    load = run_wrk_get(
                        f"{receiver.url}/api/v2/{address}", token, connections=connections, seconds=seconds
                    )
                    loads.setdefault((name, connections), []).append(load)
                    tell(f"round {turn + 1}: {name}, {connections} connections: {load.rate:.0f}/s")
        tokens = token_sentence(receiver, PAIRS)
    return [*_table(loads), "", tokens]


def _table(loads: dict[tuple[str, int], list[Load]]) -> list[str]:
    lines = ["| | connections | requests/s | p50 ms | p99 ms |", "|---|---|---|---|---|"]
    for (name, connections), runs in loads.items():
        rate, p50, p99 = (statistics.median(getattr(run, key) for run in runs) for key in ("rate", "p50", "p99"))
        lines.append(f"| {name} | {connections} | {rate:.0f} | {p50:.1f} | {p99:.1f} |")
    return lines
