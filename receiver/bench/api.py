# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the API reads: a list of 200 job templates, and one of them, as an AWX client asks for them, and tokens."""

from __future__ import annotations

from tests.live import LiveReceiver

from bench.sample import make_template
from bench.section import Run, Table, spread
from bench.tokens import token_sentence
from bench.wrk import Load, run_wrk_get

TEMPLATES = 200
CONNECTIONS = (1, 8)
PAIRS = 300


def measure(run: Run) -> list[Table]:
    """Fail when the list does not hold what it should."""
    env = {"PLAYHOOK_WORKERS": "0", "PLAYHOOK_LOG_LEVEL": "warning"}
    with LiveReceiver(run.directory / "api", env=env) as receiver:
        path, _key = make_template(receiver)
        detail = path.removeprefix("/api/v2/").rpartition("github/")[0]
        for number in range(1, TEMPLATES):
            receiver.post(f"{detail}copy/", {"name": f"Copy {number}"})
        listed = f"job_templates/?page_size={TEMPLATES}"
        if len(receiver.get(listed)["results"]) != TEMPLATES:
            raise RuntimeError(f"the list does not hold {TEMPLATES} job templates")
        token = receiver.post("tokens/", {"scope": "read"})["token"]
        loads: dict[tuple[str, int], list[Load]] = {}
        for turn in range(run.rounds):
            for name, address in ((f"list of {TEMPLATES} job templates", listed), ("one job template", detail)):
                for connections in CONNECTIONS:
                    load = run_wrk_get(
                        f"{receiver.url}/api/v2/{address}", token, connections=connections, seconds=run.seconds
                    )
                    loads.setdefault((name, connections), []).append(load)
                    run.tell(f"round {turn + 1}: {name}, {connections} connections: {load.rate:.0f}/s")
        tokens = token_sentence(receiver, PAIRS)
    head = ("", "connections", "requests/s", "p50 ms", "p99 ms")
    return [Table(title="Reading, by one process", head=head, rows=_rows(loads), notes=[tokens])]


def _rows(loads: dict[tuple[str, int], list[Load]]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            str(connections),
            spread([each.rate for each in runs]),
            spread([each.p50 for each in runs], 1),
            spread([each.p99 for each in runs], 1),
        )
        for (name, connections), runs in loads.items()
    ]
