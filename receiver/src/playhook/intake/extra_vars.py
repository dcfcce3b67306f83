# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook learns about the delivery that launched it.

Names and values are AWX's ("Payload output" in the user guide's chapter on webhooks), under both of its prefixes;
`playhook_event`, the normal form, is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Final

from playhook.domain.event import Event

_NOT_FOR_PLAYBOOKS: Final = {"awx_ref", "awx_status_api", "status_target"}
PREFIXES: Final = ("awx", "tower")


def event_record(event: Event) -> dict[str, Any]:
    """Return what is stored of an event: all of it but the payload, which is stored once, as the delivery's body."""
    return {name: _plain(value) for name, value in vars(event).items() if name != "payload"}


def _plain(value: Any) -> Any:
    # Nested records are one level deep; dataclasses.asdict() would copy the payload before it is dropped.
    return dict(vars(value)) if is_dataclass(value) else value


def webhook_variables(record: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Build the extra variables of a job from its delivery's stored event and payload."""
    facts = {
        "event_type": record.get("type"),
        "event_guid": record.get("guid"),
        "event_ref": record.get("awx_ref"),
        "status_api": record.get("awx_status_api"),
        "payload": payload,
    }
    variables = {f"{prefix}_webhook_{name}": value for prefix in PREFIXES for name, value in facts.items()}
    normal = {name: value for name, value in record.items() if name not in _NOT_FOR_PLAYBOOKS}
    return {**variables, "playhook_event": normal}
