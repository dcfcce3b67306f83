# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places in docs/performance.md that hold the figures."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def check_places(text: str, sections: Collection[str]) -> None:
    """Raise ValueError when a section has no place on the page."""
    missing = [name for name in sections if not _place(name).search(text)]
    if missing:
        raise ValueError(
            f"docs/performance.md has no <!-- bench:{missing[0]} --> with its <!-- /bench:{missing[0]} -->"
        )


def fill_place(text: str, section: str, figures: str) -> str:
    """Return the page with a section's figures in place of the older ones."""
    return _place(section).sub(lambda found: f"{found[1]}\n{figures}\n{found[2]}", text, count=1)


def _place(section: str) -> re.Pattern[str]:
    name = re.escape(section)
    return re.compile(rf"(<!-- bench:{name} -->)\n.*?(<!-- /bench:{name} -->)", re.DOTALL)
