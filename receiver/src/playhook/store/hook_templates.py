# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What intake needs of a template, read at once so that it can be cached under the installation's config version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from playhook.store import tables as t
from playhook.store.encryption import Cipher

_LONGEST_ID: Final = 9  # digits: what every database takes for an integer


@dataclass(frozen=True, kw_only=True)
class HookTemplate:
    """A template whose webhook is switched on. `keys` are pairs of key and expiry (None: the current one)."""

    row: Mapping[str, Any] = field(repr=False)
    keys: tuple[tuple[str, datetime | None], ...] = field(repr=False)
    credential_ids: tuple[int, ...]

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
        return [key for key, expires in self.keys if expires is None or expires > now]


def read_config_version(connection: Connection) -> int:
    """Return the count of changes of what is cached from here."""
    version: int = connection.execute(select(t.installation.c.config_version)).scalar_one()
    return version


def find_hook_template(connection: Connection, cipher: Cipher, kind: str, template_id: int) -> HookTemplate | None:
    """Read a template of type `kind`; None where there is none, or its webhook is off."""
    templates, keys, attached = t.unified_job_templates, t.webhook_keys, t.template_credentials
    row = (
        connection.execute(
            select(templates).where(
                templates.c.id == template_id, templates.c.type == kind, templates.c.webhook_service != ""
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    stored = connection.execute(select(keys.c.key, keys.c.expires).where(keys.c.template_id == template_id))
    credential_ids = connection.execute(
        select(attached.c.credential_id).where(attached.c.template_id == template_id).order_by(attached.c.id)
    ).scalars()
    return HookTemplate(
        row=dict(row),
        keys=tuple((cipher.decrypt(each.key), each.expires) for each in stored),
        credential_ids=tuple(credential_ids),
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
