# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be in the store before anything else: written at the first start, completed at every later one."""

from __future__ import annotations

import os
import secrets
import uuid
from pathlib import Path
from typing import Final

from sqlalchemy import func, insert, select, text, update

from playhook.errors import SettingsError, StoreUnavailable
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.managed_types import MANAGED_TYPES
from playhook.store.objects import insert_row
from playhook.store.tx import Tx
from playhook.store.type_declarations import ManagedType
from playhook.store.users import create_superuser, hash_password

DEFAULT_ORGANIZATION: Final = "Default"
_KNOWN: Final = "playhook"
_ADVISORY_LOCK: Final = 0x706C61796C6F6164  # "playload"
PRELOADED_GROUPS: Final = ("controlplane", "default")
"""AWX's instance groups, in its order: they can be neither renamed nor deleted."""


def preload(tx: Tx, settings: Settings) -> Path | None:
    """Write the installation, its administrator, organization, groups and credential types, where they are missing.

    Returns the file that holds the administrator's password when one was generated. Raises SettingsError when this
    installation's secrets were encrypted with another key.
    """
    if tx.connection.dialect.name != "sqlite":  # the first starts of several machines take turns
        tx.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    is_first = tx.connection.execute(select(t.installation.c.id)).first() is None
    if is_first:
        tx.connection.execute(insert(t.installation).values(uuid=str(uuid.uuid4()), created=tx.now))
    _check_key(tx, settings)
    if _is_empty(tx, "organizations") and is_first:
        insert_row(tx, "organizations", {"name": DEFAULT_ORGANIZATION, "description": "The default organization."})
    for name in PRELOADED_GROUPS:
        _ensure_group(tx, name)
    for managed in MANAGED_TYPES:
        _ensure_type(tx, managed)
    return _create_administrator(tx, settings) if _is_empty(tx, "users") else None


def _check_key(tx: Tx, settings: Settings) -> None:
    known = tx.connection.execute(select(t.installation.c.key_check)).scalar_one()
    if not known:
        tx.connection.execute(update(t.installation).values(key_check=tx.cipher.encrypt(_KNOWN)))
        return
    try:
        tx.cipher.decrypt(known)
    except StoreUnavailable:
        raise SettingsError(
            f"the secret key file {settings.secret_key} is not the one that this database's secrets were encrypted "
            "with: all machines of an installation need the same"
        ) from None


def _is_empty(tx: Tx, table_name: str) -> bool:
    table = t.metadata.tables[table_name]
    return tx.connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def _ensure_group(tx: Tx, name: str) -> None:
    table = t.instance_groups
    if tx.connection.execute(select(table.c.id).where(table.c.name == name)).first() is None:
        insert_row(tx, "instance_groups", {"name": name})


def _ensure_type(tx: Tx, managed: ManagedType) -> None:
    table = t.credential_types
    stored = tx.connection.execute(
        select(table.c.id, table.c.inputs, table.c.injectors).where(
            table.c.namespace == managed.namespace, table.c.managed
        )
    ).one_or_none()
    values = {
        "name": managed.name,
        "kind": managed.kind,
        "inputs": managed.inputs,
        "injectors": dict(managed.injectors),
    }
    if stored is None:
        fixed = {"namespace": managed.namespace, "managed": True}
        insert_row(tx, "credential_types", {**values, **fixed})
        tx.config_changed()
    elif (stored.inputs, stored.injectors) != (managed.inputs, values["injectors"]):
        tx.connection.execute(update(table).where(table.c.id == stored.id).values(**values, modified=tx.now))
        tx.config_changed()


def _create_administrator(tx: Tx, settings: Settings) -> Path | None:
    given = settings.admin_password.get_secret_value() if settings.admin_password else ""
    password = given or secrets.token_urlsafe(18)
    create_superuser(tx, settings.admin_username, hash_password(password))
    return None if given else _write_password(settings.home / "admin_password", password)


def _write_password(file: Path, password: str) -> Path:
    # Never into a file that somebody else may have opened: made anew, readable by its owner alone.
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(password + "\n")
        out.flush()
        os.fsync(out.fileno())
    return file
