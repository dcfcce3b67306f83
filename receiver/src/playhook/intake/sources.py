# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that deliveries are sent to, in memory, and never wrong for long enough to matter.

Each entry is as old as the config version it was read under. A delivery that would be accepted is stored only if that
version still holds (checked in the same transaction); one that would be refused is judged again after a fresh read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from playhook.domain.event import Event
from playhook.errors import InvalidInput
from playhook.intake.filters import compile_repositories
from playhook.intake.places import Place
from playhook.intake.rules import Rules, compile_rules, is_within
from playhook.services.base import Configurable, Service
from playhook.store.hook_templates import (
    BoundTemplate,
    HookEndpoint,
    HookTemplate,
    Keys,
    find_hook_endpoint,
    find_hook_template,
    read_config_version,
    valid_keys,
)
from playhook.store.store import Store
from playhook.store.webhook_endpoints import is_endpoint_name

_ENTRIES: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a delivery was sent: /api/v2/<kind>s/<template_id>/<service>/, or /api/v2/webhooks/<service>/<name>/."""

    kind: Literal["job_template", "workflow_job_template", "endpoint"]
    template_id: int = 0
    name: str = ""
    service: str
    remote: str

    @property
    def key(self) -> tuple[str, int, str, str]:
        """Return what is the same for all deliveries to this address."""
        return self.kind, self.template_id, self.name, self.service if self.kind == "endpoint" else ""


@dataclass(frozen=True, kw_only=True)
class CachedTemplate:
    """A template with its rules compiled. `binds` are the repositories for which an endpoint has it."""

    template: HookTemplate
    rules: Rules
    binds: Callable[[Event], bool] | None = None

    def takes(self, event: Event, remote: str) -> bool:
        """Tell whether an endpoint hands it the event: the template's own conditions hold there too."""
        return (
            (self.binds is None or self.binds(event))
            and (self.rules.binds is None or self.rules.binds(event))
            and (not self.rules.networks or is_within(remote, self.rules.networks))
        )


@dataclass(frozen=True, kw_only=True)
class Source:
    """One address: what its deliveries are checked with, and the templates they are for.

    `plugin` is the service as it was configured for this address, None when there is no such service. `rules` say
    whose deliveries are taken here at all.
    """

    service: str
    plugin: Service | None
    keys: Keys = field(repr=False)
    rules: Rules
    templates: tuple[CachedTemplate, ...]
    version: int
    endpoint_id: int | None = None

    def valid_keys(self, now: datetime) -> list[str]:
        """Return the current key and those still in their grace period."""
        return valid_keys(self.keys, now)

    @property
    def is_slow(self) -> bool:
        """Tell whether rules of its templates may take their time."""
        return any(each.rules.slow for each in self.templates)


class SourceCache:
    """Sources by address. What does not exist is not remembered: anyone may ask for it."""

    def __init__(self, store: Store, services: Mapping[str, Service]) -> None:
        self._store = store
        self._services = services
        self._entries: dict[tuple[str, int, str, str], Source] = {}
        self._lock = threading.Lock()

    def known(self, address: Address) -> Source | None:
        """Return the source as last read, None when it has not been."""
        return self._entries.get(address.key)

    def read(self, address: Address) -> Source | None:
        """Read the source now; call it from a thread, for the database may keep it waiting."""
        found: HookTemplate | HookEndpoint | None
        with self._store.reading() as connection:
            version = read_config_version(connection)  # first: an entry may only look older than it is
            if address.kind == "endpoint":
                # What can be no name is not asked for: PostgreSQL, for one, refuses NUL.
                found = (
                    None
                    if not is_endpoint_name(address.name)
                    else find_hook_endpoint(connection, self._store.cipher, address.service, address.name)
                )
            else:
                found = find_hook_template(connection, self._store.cipher, address.kind, address.template_id)
        source = None if found is None else self._make(found, version)
        with self._lock:
            self._entries.pop(address.key, None)
            if source is not None:
                if len(self._entries) >= _ENTRIES:
                    self._entries.clear()
                self._entries[address.key] = source
        return source

    def _make(self, found: HookTemplate | HookEndpoint, version: int) -> Source:
        rules = compile_rules(found.playhook)
        if isinstance(found, HookEndpoint):
            templates = tuple(_cache_bound(each) for each in found.bound)
        else:
            templates = (CachedTemplate(template=found, rules=rules),)
        return Source(
            service=found.service,
            plugin=_configure(self._services.get(found.service), found.playhook.get("service_options") or {}),
            keys=found.keys,
            rules=rules,
            templates=templates,
            version=version,
            endpoint_id=found.id if isinstance(found, HookEndpoint) else None,
        )


def _cache_bound(bound: BoundTemplate) -> CachedTemplate:
    binds = None if bound.repositories is None else compile_repositories(Place(), bound.repositories)
    return CachedTemplate(template=bound.template, rules=compile_rules(bound.template.playhook), binds=binds)


def _configure(plugin: Service | None, options: Mapping[str, Any]) -> Service | None:
    if not isinstance(plugin, Configurable):
        return plugin
    try:
        return plugin.configure(options)
    except InvalidInput:  # they were checked when they were saved; without them nothing can be verified
        return None
