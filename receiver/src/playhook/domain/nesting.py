# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How deeply values are nested: what is taken in must also fit into the answers that show it."""

from __future__ import annotations

from typing import Any, Final

MAX_LEVELS: Final = 100
"""Levels that JSON of the API's clients may have. orjson writes 254, and an answer has a few around what it shows."""


def is_too_deep(value: Any) -> bool:
    """Say whether dictionaries and lists are nested in more levels than may be."""
    level = [value]
    for _each in range(MAX_LEVELS):
        containers = [each for each in level if isinstance(each, (dict, list))]
        if not containers:
            return False
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, (dict, list)) for each in level)
