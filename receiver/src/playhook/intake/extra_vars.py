# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook learns about the delivery that launched it.

Names and values are AWX's ("Payload output" in the user guide's chapter on webhooks), under both of its prefixes;
`playhook_event`, the normal form, is ours, and so is `playhook_match`, the named groups of the filter `comment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, Final

from playhook.domain.event import Event, PullRequest, Repository, StatusTarget

_NOT_FOR_PLAYBOOKS: Final = {"awx_ref", "awx_status_api", "status_target", "variables", "match"}
_EVENT_FIELDS: Final = tuple(each.name for each in fields(Event) if each.name != "payload")
_SCALARS: Final = frozenset({str, int, bool, NoneType})
PREFIXES: Final = ("awx", "tower")


def event_record(event: Event) -> dict[str, Any]:
    """Return what is stored of an event: all of it but the payload, which is stored once, as the delivery's body."""
    return {name: _plain(value) for name, value in vars(event).items() if name != "payload"}


def _plain(value: Any) -> Any:
    # dataclasses.asdict() would copy the payload before it is dropped.
    if type(value) in _SCALARS:
        return value
    if is_dataclass(value):
        return {name: _plain(each) for name, each in vars(value).items()}
    return list(value) if isinstance(value, tuple) else value


def event_of(record: Mapping[str, Any], payload: dict[str, Any]) -> Event:
    """Return the event that a record was made of."""
    kinds = {"repository": Repository, "pull_request": PullRequest, "status_target": StatusTarget}
    values: dict[str, Any] = {name: record.get(name) for name in _EVENT_FIELDS if name in record}
    for name, kind in kinds.items():
        if values.get(name) is not None:
            values[name] = kind(**{key: _frozen(value) for key, value in values[name].items()})
    return Event(**{name: _frozen(value) for name, value in values.items()}, payload=payload)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def webhook_variables(record: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Build the extra variables of a job from its delivery's stored event and payload.

    All of them come from the sender and none may ever be a template. AWX's names and ours win over what the
    template's `vars_from_payload` made.
    """
    facts = {
        "event_type": record.get("type"),
        "event_guid": record.get("guid"),
        "event_ref": record.get("awx_ref"),
        "status_api": record.get("awx_status_api"),
        "payload": payload,
    }
    variables = {f"{prefix}_webhook_{name}": value for prefix in PREFIXES for name, value in facts.items()}
    normal = {name: value for name, value in record.items() if name not in _NOT_FOR_PLAYBOOKS}
    match = {"playhook_match": record["match"]} if "match" in record else {}
    return {**(record.get("variables") or {}), **variables, **match, "playhook_event": normal}
