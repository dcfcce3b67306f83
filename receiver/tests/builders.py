# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that tests need in the store before what they test."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from playhook.store import tables as t
from playhook.store.tx import Tx
from playhook.store.webhook_endpoints import bind_templates, rotate_endpoint_key

WEBHOOK_KEY = "correct-horse-battery-staple"


def add_template(tx: Tx, **columns: Any) -> int:
    """Add a job template, with its webhook on unless `webhook_service` says otherwise; returns its id."""
    values = {
        "type": "job_template",
        "name": "deploy",
        "playbook": "site.yml",
        "webhook_service": "plain",
        "playhook": {},
        "created": tx.now,
        "modified": tx.now,
    }
    statement = insert(t.unified_job_templates).values({**values, **columns})
    template_id = int(tx.connection.execute(statement.returning(t.unified_job_templates.c.id)).scalar_one())
    add_webhook_key(tx, template_id, WEBHOOK_KEY)
    return template_id


def add_webhook_key(tx: Tx, template_id: int, key: str) -> None:
    """Give a template another valid key."""
    tx.connection.execute(
        insert(t.webhook_keys).values(template_id=template_id, key=tx.cipher.encrypt(key), created=tx.now)
    )
    tx.config_changed()


def add_token_credential(tx: Tx, **inputs: str) -> int:
    """Add a token credential whose inputs are stored as given; returns its id."""
    kind = insert(t.credential_types).values(
        name="Token", kind="token", inputs={}, injectors={}, created=tx.now, modified=tx.now
    )
    kind_id = tx.connection.execute(kind.returning(t.credential_types.c.id)).scalar_one()
    credential = insert(t.credentials).values(
        name="token", credential_type_id=kind_id, inputs=inputs, created=tx.now, modified=tx.now
    )
    return int(tx.connection.execute(credential.returning(t.credentials.c.id)).scalar_one())


def add_endpoint(
    tx: Tx, *bindings: dict[str, Any], name: str = "shared", playhook: dict[str, Any] | None = None
) -> int:
    """Add a webhook endpoint of the service `plain`, with WEBHOOK_KEY and these templates bound; returns its id."""
    row = insert(t.webhook_endpoints).values(
        name=name, service="plain", playhook=playhook or {}, created=tx.now, modified=tx.now
    )
    endpoint_id = int(tx.connection.execute(row.returning(t.webhook_endpoints.c.id)).scalar_one())
    rotate_endpoint_key(tx, endpoint_id, WEBHOOK_KEY)
    bind_templates(tx, endpoint_id, "plain", bindings)
    return endpoint_id
