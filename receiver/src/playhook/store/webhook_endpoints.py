# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhook endpoints: one URL, with keys of its own, whose deliveries go to every template that is bound to it."""

from __future__ import annotations

import re
import secrets
import string
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from playhook.errors import InvalidInput
from playhook.store import tables as t
from playhook.store.encryption import Cipher
from playhook.store.tx import Tx
from playhook.store.webhook_keys import KEY_LENGTH, fingerprint

MOST_TEMPLATES: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_ALPHABET: Final = string.ascii_letters + string.digits
_LAUNCHED: Final = ("job_template", "workflow_job_template")


def is_endpoint_name(name: str) -> bool:
    """Tell whether an endpoint may have this name."""
    return _NAME.fullmatch(name) is not None


def check_endpoint_name(name: object) -> str:
    """Return a name that can stand in a URL, or raise InvalidInput."""
    if not isinstance(name, str) or not is_endpoint_name(name):
        raise InvalidInput(
            {"name": ["A name has letters, digits, dots, hyphens and underscores, and begins with a letter or digit."]}
        )
    return name


def rotate_endpoint_key(tx: Tx, endpoint_id: int, key: str | None = None, grace: int = 0) -> str:
    """Give an endpoint a new key, made here unless one is given; the others stay valid for `grace` seconds."""
    keys = t.webhook_endpoint_keys
    new = key or "".join(secrets.choice(_ALPHABET) for _each in range(KEY_LENGTH))
    tx.connection.execute(
        update(keys)
        .where(keys.c.endpoint_id == endpoint_id, keys.c.expires.is_(None))
        .values(expires=tx.now + timedelta(seconds=grace))
    )
    tx.connection.execute(delete(keys).where(keys.c.endpoint_id == endpoint_id, keys.c.expires <= tx.now))
    tx.connection.execute(
        insert(keys).values(
            endpoint_id=endpoint_id, key=tx.cipher.encrypt(new), fingerprint=fingerprint(new), created=tx.now
        )
    )
    tx.config_changed()
    return new


def delete_endpoint_keys(tx: Tx, endpoint_id: int) -> None:
    """Take all keys away: the endpoint belongs to another service now."""
    keys = t.webhook_endpoint_keys
    tx.connection.execute(delete(keys).where(keys.c.endpoint_id == endpoint_id))
    tx.config_changed()


def find_endpoint_key(connection: Connection, cipher: Cipher, endpoint_id: int) -> str:
    """Return the current key, "" when there is none."""
    keys = t.webhook_endpoint_keys
    stored = connection.execute(
        select(keys.c.key).where(keys.c.endpoint_id == endpoint_id, keys.c.expires.is_(None))
    ).scalar_one_or_none()
    return "" if stored is None else cipher.decrypt(stored)


def find_endpoint_fingerprints(connection: Connection, endpoint_ids: Sequence[int]) -> dict[int, str]:
    """Return the fingerprints of the endpoints' current keys."""
    keys = t.webhook_endpoint_keys
    rows = connection.execute(
        select(keys.c.endpoint_id, keys.c.fingerprint).where(
            keys.c.endpoint_id.in_(endpoint_ids), keys.c.expires.is_(None)
        )
    )
    return {int(row.endpoint_id): str(row.fingerprint) for row in rows}


def find_bindings(connection: Connection, endpoint_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return what is bound to each endpoint, as `bind_templates` takes it."""
    bound = t.webhook_endpoint_templates
    rows = connection.execute(select(bound).where(bound.c.endpoint_id.in_(endpoint_ids)).order_by(bound.c.id))
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row.endpoint_id].append({"template": row.template_id, "repositories": row.repositories})
    return found


def bind_templates(tx: Tx, endpoint_id: int, service: str, bindings: Sequence[Mapping[str, Any]]) -> None:
    """Bind exactly these: `template` is an id, `repositories` a list of globs and ids, or None for all.

    Raises InvalidInput for a template that is none, is of another service, or comes twice. The lists must have been
    checked (intake.rules.validate_repositories).
    """
    if len(bindings) > MOST_TEMPLATES:
        raise InvalidInput({"templates": [f"There are {len(bindings)} templates; {MOST_TEMPLATES} are allowed."]})
    ids = [int(each["template"]) for each in bindings]
    problems = _find_problems(tx, service, ids)
    if problems:
        raise InvalidInput({"templates": problems})
    bound = t.webhook_endpoint_templates
    tx.connection.execute(delete(bound).where(bound.c.endpoint_id == endpoint_id))
    rows = [
        {"endpoint_id": endpoint_id, "template_id": template_id, "repositories": each.get("repositories")}
        for template_id, each in zip(ids, bindings, strict=True)
    ]
    if rows:
        tx.connection.execute(insert(bound), rows)
    tx.config_changed()


def _find_problems(tx: Tx, service: str, ids: Sequence[int]) -> list[str]:
    templates = t.unified_job_templates
    rows = tx.connection.execute(
        select(templates.c.id, templates.c.name, templates.c.type, templates.c.webhook_service).where(
            templates.c.id.in_(ids)
        )
    )
    known = {row.id: row for row in rows if row.type in _LAUNCHED}
    missing = [f"There is no job template {each}." for each in ids if each not in known]
    repeated = [f"The job template {each} comes twice." for each in sorted(set(ids)) if ids.count(each) > 1]
    foreign = [
        f"The job template {row.name} has the webhook service {row.webhook_service}, the endpoint {service}."
        for row in known.values()
        if row.webhook_service not in {"", service}
    ]
    return missing + repeated + foreign
