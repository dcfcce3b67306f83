# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the services: every module of this folder, and every entry point of the group `playhook.services`.

Nothing else lists them: adding a service is adding a file here, or installing a package that brings one.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final

import playhook.services
from playhook.errors import SettingsError
from playhook.services.base import Service

GROUP: Final = "playhook.services"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_METHODS: Final = ("verify", "parse", "status_request")
_WORDS: Final = ("name", "label", "credential_type")


def load_services() -> Mapping[str, Service]:
    """Return every service by its name, in the order of the names.

    Raises SettingsError when a plugin cannot be loaded, is none, or takes the name of another.
    """
    found: dict[str, type[Service]] = {}
    for plugin in (*_find_in_folder(), *_find_installed(entry_points(group=GROUP))):
        known = found.setdefault(plugin.name, plugin)
        if known is not plugin:
            raise SettingsError(
                f"Two service plugins are named {plugin.name}: {_path(known)} and {_path(plugin)}. Uninstall one."
            )
    return MappingProxyType({name: found[name]() for name in sorted(found)})


def _find_in_folder() -> Iterator[type[Service]]:
    for module_info in pkgutil.iter_modules(playhook.services.__path__, "playhook.services."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and _complaint(value) is None:
                yield value


def _find_installed(installed: Iterable[EntryPoint]) -> Iterator[type[Service]]:
    for entry in installed:
        try:
            plugin = entry.load()
        except Exception as error:  # foreign code, which may raise anything while it is imported
            raise SettingsError(
                f"The service plugin {entry.name} ({entry.value}) cannot be loaded: {error}. Repair or uninstall it."
            ) from error
        complaint = _complaint(plugin)
        if complaint:
            raise SettingsError(f"The service plugin {entry.name} ({entry.value}) {complaint}. Repair or uninstall it.")
        yield plugin


def _complaint(plugin: Any) -> str | None:
    """Say why `plugin` is not a service, or None when it is one."""
    if not isinstance(plugin, type):
        return "is not a class"
    missing = [name for name in (*_WORDS, *_METHODS) if not hasattr(plugin, name)]
    if missing:
        return f"has no {', '.join(missing)}"
    name = getattr(plugin, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "has a name that is not a word of small letters, digits and underscores"
    return None


def _path(plugin: type[Service]) -> str:
    return f"{plugin.__module__}.{plugin.__qualname__}"
