# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What intake needs of a template, read at once so that it can be cached under the installation's config version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, or_, select

from playhook.store import tables as t
from playhook.store.encryption import Cipher

_LONGEST_ID: Final = 9  # digits: what every database takes for an integer


Keys = tuple[tuple[str, datetime | None], ...]
"""Pairs of a webhook key and its expiry (None: the current one)."""


@dataclass(frozen=True, kw_only=True)
class HookTemplate:
    """A template. `keys` are those of its own webhook; there are none when that is off."""

    row: Mapping[str, Any] = field(repr=False)
    keys: Keys = field(default=(), repr=False)
    credential_ids: tuple[int, ...]
    label_ids: tuple[int, ...]

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def service(self) -> str:
        return str(self.row["webhook_service"])

    @property
    def playhook(self) -> Mapping[str, Any]:
        return self.row["playhook"] or {}

    def valid_keys(self, now: datetime) -> list[str]:
        """Return the current key and those still in their grace period."""
        return valid_keys(self.keys, now)


@dataclass(frozen=True, kw_only=True)
class BoundTemplate:
    """A template that an endpoint serves; `repositories` None means: whatever the repository."""

    template: HookTemplate
    repositories: list[str] | None


@dataclass(frozen=True, kw_only=True)
class HookEndpoint:
    """A webhook endpoint with its keys and the templates that are bound to it."""

    id: int
    service: str
    playhook: Mapping[str, Any]
    keys: Keys = field(repr=False)
    bound: tuple[BoundTemplate, ...]


def valid_keys(keys: Keys, now: datetime) -> list[str]:
    """Return the current key and those still in their grace period."""
    return [key for key, expires in keys if expires is None or expires > now]


def read_config_version(connection: Connection) -> int:
    """Return the count of changes of what is cached from here."""
    version: int = connection.execute(select(t.installation.c.config_version)).scalar_one()
    return version


def find_hook_template(connection: Connection, cipher: Cipher, kind: str, template_id: int) -> HookTemplate | None:
    """Read a template of type `kind`; None where there is none, or its webhook is off."""
    template = read_template(connection, template_id)
    if template is None or template.row["type"] != kind or not template.service:
        return None
    keys = t.webhook_keys
    stored = connection.execute(select(keys.c.key, keys.c.expires).where(keys.c.template_id == template_id))
    return replace(template, keys=tuple((cipher.decrypt(each.key), each.expires) for each in stored))


def read_template(connection: Connection, template_id: int) -> HookTemplate | None:
    """Read what a launch needs of a template, without its keys."""
    templates = t.unified_job_templates
    row = connection.execute(select(templates).where(templates.c.id == template_id)).mappings().one_or_none()
    if row is None:
        return None
    return HookTemplate(
        row=dict(row),
        credential_ids=_find_attached(connection, t.template_credentials, template_id),
        label_ids=_find_attached(connection, t.template_labels, template_id),
    )


def _find_attached(connection: Connection, between: Table, template_id: int) -> tuple[int, ...]:
    found = select(between.c[2]).where(between.c.template_id == template_id).order_by(between.c.id)
    return tuple(connection.execute(found).scalars())


def find_hook_endpoint(connection: Connection, cipher: Cipher, service: str, name: str) -> HookEndpoint | None:
    """Read an endpoint by its service and name."""
    endpoints, keys, bound = t.webhook_endpoints, t.webhook_endpoint_keys, t.webhook_endpoint_templates
    row = connection.execute(
        select(endpoints).where(endpoints.c.service == service, endpoints.c.name == name)
    ).one_or_none()
    if row is None:
        return None
    stored = connection.execute(select(keys.c.key, keys.c.expires).where(keys.c.endpoint_id == row.id)).all()
    pairs = connection.execute(
        select(bound.c.template_id, bound.c.repositories).where(bound.c.endpoint_id == row.id).order_by(bound.c.id)
    ).all()
    templates = [(read_template(connection, each.template_id), each.repositories) for each in pairs]
    return HookEndpoint(
        id=row.id,
        service=row.service,
        playhook=row.playhook or {},
        keys=tuple((cipher.decrypt(each.key), each.expires) for each in stored),
        bound=tuple(
            BoundTemplate(template=template, repositories=repositories)
            for template, repositories in templates
            if template is not None
        ),
    )


def find_inventory_id(connection: Connection, wanted: int | str, organization_id: int | None) -> int | None:
    """Return the id of an inventory by its id or name; of several with that name the organization's own, or none."""
    inventories = t.inventories
    text = str(wanted)
    named = inventories.c.name == text
    matches = named if not text.isdecimal() or len(text) > _LONGEST_ID else or_(inventories.c.id == int(text), named)
    rows = connection.execute(
        select(inventories.c.id, inventories.c.organization_id, inventories.c.name).where(matches)
    ).all()
    for chosen in (
        [row for row in rows if row.name != text],  # by id
        [row for row in rows if row.organization_id == organization_id],
        rows,
    ):
        if len(chosen) == 1:
            return int(chosen[0].id)
    return None
