# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notification templates: stored for clients of AWX, with their secrets encrypted. Nothing is ever sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from starlette.responses import Response

from playhook.errors import InvalidInput, Refusal
from playhook.store.collections import Row
from playhook.store.credentials import ENCRYPTED, seal_inputs, show_inputs
from playhook.store.objects import find_rows
from playhook.store.tx import Tx
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import Field, choice, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, NamedPart, Resource, Shown, Unique
from playhook.web.api_v2.resources.copies import Copying, copy_action
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

# What each type is configured with, in AWX's order: name → its type, and its default where it has one.
_TYPES: Final[dict[str, tuple[str, dict[str, tuple[Any, ...]]]]] = {
    "awssns": ("AWS SNS", {
        "aws_region": ("string", ""), "aws_access_key_id": ("string", ""), "aws_secret_access_key": ("password", ""),
        "aws_session_token": ("password", ""), "sns_topic_arn": ("string", ""),
    }),
    "email": ("Email", {
        "host": ("string",), "port": ("int",), "username": ("string",), "password": ("password",),
        "use_tls": ("bool",), "use_ssl": ("bool",), "sender": ("string",), "recipients": ("list",),
        "timeout": ("int", 30),
    }),
    "grafana": ("Grafana", {"grafana_url": ("string",), "grafana_key": ("password",)}),
    "irc": ("IRC", {
        "server": ("string",), "port": ("int",), "nickname": ("string",), "password": ("password",),
        "use_ssl": ("bool",), "targets": ("list",),
    }),
    "mattermost": ("Mattermost", {"mattermost_url": ("string",), "mattermost_no_verify_ssl": ("bool",)}),
    "pagerduty": ("Pagerduty", {
        "subdomain": ("string",), "token": ("password",), "service_key": ("string",), "client_name": ("string",),
    }),
    "rocketchat": ("Rocket.Chat", {"rocketchat_url": ("string",), "rocketchat_no_verify_ssl": ("bool",)}),
    "slack": ("Slack", {"token": ("password",), "channels": ("list",)}),
    "twilio": ("Twilio", {
        "account_sid": ("string",), "account_token": ("password",), "from_number": ("string",),
        "to_numbers": ("list",),
    }),
    "webhook": ("Webhook", {
        "url": ("string",), "http_method": ("string", "POST"), "disable_ssl_verification": ("bool", False),
        "username": ("string", ""), "password": ("password", ""), "headers": ("object",),
    }),
}  # fmt: skip
_PYTHON: Final[Mapping[str, type]] = {
    "string": str, "password": str, "int": int, "bool": bool, "list": list, "object": dict,
}  # fmt: skip
_NOT_SENT: Final = "Notifications are stored here and never sent: post statuses to the commit, or notify in a playbook."


def _check(draft: Draft) -> None:
    if "notification_configuration" not in draft.extra:
        return
    declared = _TYPES[draft.get("notification_type")][1]
    given = dict(draft.extra["notification_configuration"])
    given.update({name: each[1] for name, each in declared.items() if name not in given and len(each) > 1})
    if complaints := list(_complain(declared, given)):
        raise InvalidInput({"__all__": complaints})
    draft.extra["notification_configuration"] = given


def _complain(declared: Mapping[str, tuple[Any, ...]], given: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with a configuration, in AWX's words."""
    for name, (kind, *_default) in declared.items():
        if kind == "list" and _is_of(kind, given.get(name)) and not given[name]:
            yield f"No values specified for field '{name}'"
    if str(given.get("http_method", "post")).lower() not in {"put", "post"}:
        yield "HTTP method must be either 'POST' or 'PUT'."
    missing = [name for name in declared if name not in given]
    if missing:
        yield f"Missing required fields for Notification Configuration: {missing}."
    for name, (kind, *_default) in declared.items():
        if name in given and not _is_of(kind, given[name]):
            yield f"Configuration field '{name}' incorrect type, expected {kind}."


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "bool" or not isinstance(value, bool))


def _before(tx: Tx, draft: Draft) -> None:
    """Encrypt the passwords that are new and keep those that say `$encrypted$`."""
    if "notification_configuration" not in draft.extra:
        return
    stored: Mapping[str, Any] = {}
    if draft.current is not None:
        rows = find_rows(tx.connection, "notification_templates", [draft.current["id"]])
        stored = rows[draft.current["id"]]["notification_configuration"]
    kinds = _secrets(draft.get("notification_type"))
    sealed = seal_inputs(tx.cipher, kinds, draft.extra["notification_configuration"], stored)
    draft.values["notification_configuration"] = sealed


def _secrets(notification_type: str) -> dict[str, Any]:
    """Return which fields are secret, as a credential type says it."""
    declared = _TYPES[notification_type][1]
    return {"fields": [{"id": name, "secret": each[0] == "password"} for name, each in declared.items()]}


def _fill(_view: Rendering, row: Row, shown: Shown) -> None:
    shown["summary_fields"]["recent_notifications"] = []
    configuration = row["notification_configuration"]
    shown["notification_configuration"] = show_inputs(_secrets(row["notification_type"]), configuration)


def _test(_call: Call, _row: Row) -> Response:
    raise Refusal(_NOT_SENT)


NOTIFICATION_TEMPLATES: Final = Resource(
    name="notification_templates",
    type="notification_template",
    model="NotificationTemplate",
    table="notification_templates",
    fields=(
        NAME,
        DESCRIPTION,
        reference("organization", "organizations", nullable=False, required=True),
        choice("notification_type", tuple((name, each[0]) for name, each in _TYPES.items()), required=True),
        Field(name="notification_configuration", kind="object", forbidden=True, required=True,
              help_text=f"What the type needs; passwords are shown as {ENCRYPTED}."),
        Field(name="messages", kind="object", column="messages", nullable=True, forbidden=True, default=None,
              help_text="Optional custom messages for notification template."),
    ),
    unique=(
        Unique(columns=("organization_id", "name"),
               message="Notification template with this Organization and Name already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
    capabilities={"edit": "administrators", "delete": "administrators", "copy": "administrators"},
    related=("test", "notifications", "copy"),
    sub=(
        Action(name="test", methods={"POST": _test}, label="Notification template test"),
        copy_action(Copying(resource="notification_templates")),
    ),
    fill=_fill,
    check=_check,
    before=_before,
)  # fmt: skip
