# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates that deliveries are for, in memory, and never wrong for long enough to matter.

Each entry is as old as the config version it was read under. A delivery that would be accepted is stored only if that
version still holds (checked in the same transaction); one that would be refused is judged again after a fresh read.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from playhook.intake.rules import Rules, compile_rules
from playhook.store.hook_templates import HookTemplate, find_hook_template, read_config_version
from playhook.store.store import Store

_ENTRIES: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class CachedTemplate:
    """A template with its rules compiled, and the config version it was read under."""

    template: HookTemplate
    version: int
    rules: Rules


class TemplateCache:
    """Templates by type and id. What does not exist is not remembered: anyone may ask for it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: dict[tuple[str, int], CachedTemplate] = {}
        self._lock = threading.Lock()

    def find(self, kind: str, template_id: int) -> CachedTemplate | None:
        """Return the template as last seen, reading it the first time."""
        return self._entries.get((kind, template_id)) or self.find_fresh(kind, template_id)

    def find_fresh(self, kind: str, template_id: int) -> CachedTemplate | None:
        """Read the template now."""
        with self._store.reading() as connection:
            version = read_config_version(connection)  # first: an entry may only look older than it is
            template = find_hook_template(connection, self._store.cipher, kind, template_id)
        rules = compile_rules(template.playhook) if template is not None else Rules()
        with self._lock:
            self._entries.pop((kind, template_id), None)
            if template is None:
                return None
            if len(self._entries) >= _ENTRIES:
                self._entries.clear()
            entry = CachedTemplate(template=template, version=version, rules=rules)
            self._entries[kind, template_id] = entry
            return entry
