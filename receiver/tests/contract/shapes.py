# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of JSON answers: which keys there are and of which types, without the values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Keys whose content is somebody's own: its shape says nothing about the API.
OPAQUE = frozenset({"inputs", "injectors", "artifacts", "job_env", "event_data", "variables", "ignored_fields"})
OURS = "playhook"
"""The one key that is ours on AWX's objects."""


def compare(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield what differs in shape, each as a path and a word. Null has every type; an empty list every content."""
    if wanted is None or found is None:
        return
    if kind(wanted) != kind(found):
        yield f"{path or '.'} {kind(found)}, not {kind(wanted)}"
    elif isinstance(wanted, dict):
        yield from _compare_keys(wanted, found, path)
    elif isinstance(wanted, list) and wanted and found:
        yield from compare(wanted[0], found[0], f"{path}[]")


def kind(value: Any) -> str:
    """Return the name of a JSON type."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "list"}
    return names.get(type(value), "null")


def _compare_keys(wanted: dict[str, Any], found: dict[str, Any], path: str) -> Iterator[str]:
    for name in sorted(set(wanted) - set(found)):
        yield f"{path}.{name} missing"
    for name in sorted(set(found) - set(wanted) - {OURS}):
        yield f"{path}.{name} added"
    for name in sorted(set(wanted) & set(found) - OPAQUE):
        yield from compare(wanted[name], found[name], f"{path}.{name}")
