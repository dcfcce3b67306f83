# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a managed credential type is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ManagedType:
    """One credential type that always exists and cannot be changed; see domain/injectors.py for its `injectors`."""

    name: str
    kind: str
    namespace: str
    fields: tuple[dict[str, Any], ...]
    required: tuple[str, ...] = ()
    injectors: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, Any]:
        inputs: dict[str, Any] = {"fields": [dict(each) for each in self.fields]}
        return {**inputs, "required": list(self.required)} if self.required else inputs


def input_field(name: str, label: str, help_text: str = "", **more: Any) -> dict[str, Any]:
    """Declare an input: a text, unless `more` says otherwise."""
    declared = {"id": name, "label": label, "type": "string", **more}
    return {**declared, "help_text": help_text} if help_text else declared


def secret_field(name: str, label: str, help_text: str = "", **more: Any) -> dict[str, Any]:
    """Declare an input that is encrypted and never shown."""
    return input_field(name, label, help_text, secret=True, **more)


def private_key(label: str, help_text: str = "") -> dict[str, Any]:
    """Declare the input of a private key."""
    return input_field("ssh_key_data", label, help_text, format="ssh_private_key", secret=True, multiline=True)
