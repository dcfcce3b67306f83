# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An explanation as lines for a terminal: the command line gives them their colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

Tone = Literal["good", "bad", "plain"]
_WIDTH: Final = 26


def verdict_lines(explained: Mapping[str, Any]) -> Iterator[tuple[Tone, str]]:
    """Turn what explain_delivery() returns into lines; nothing in them is markup, and no control character is left."""
    recorded, now = explained["recorded"], explained["now"]
    yield "plain", f"delivery {explained['delivery']}: {explained['outcome']}"
    yield from _verdict(recorded)
    if explained["outcome"] == "duplicate":
        yield "plain", "  but it was received before, and launched then"
    if now is not None and (now["launch"], now["rules"]) != (recorded["launch"], recorded["rules"]):
        yield "plain", "with these rules, now:"
        yield from _verdict(now)
    if now is not None and now["payload_purged"]:
        yield "plain", "The payload has been purged: expressions over it find nothing."


def _verdict(verdict: Mapping[str, Any]) -> Iterator[tuple[Tone, str]]:
    for rule in verdict["rules"]:
        compared = f"{_text(rule['name']):<{_WIDTH}} wanted {_text(rule['wanted'])}, found {_text(rule['found'])}"
        yield ("good", f"  ✓ {compared}") if rule["passed"] else ("bad", f"  ✗ {compared}")
    for kind in ("variables", "fields"):
        for name, value in (verdict.get(kind) or {}).items():
            yield "plain", f"    {name} = {_text(value)}"
    if verdict["launch"]:
        yield "good", "  launches"
    else:
        yield "bad", f"  does not launch: {_text(verdict['reason'])}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(map(str, value)) or "none"
    elif value is None:
        text = "nothing"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(each if each.isprintable() else " " for each in text[:300])
