# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one transaction of intake: the delivery, its verdict, its job and the first status post, or nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal

from playhook.domain.delivery import Verdict
from playhook.errors import PlayhookError
from playhook.intake.templates import CachedTemplate
from playhook.store.deliveries import DeliveryRow, expire_dedupe_key, insert_delivery
from playhook.store.hook_templates import HookTemplate
from playhook.store.jobs import create_job
from playhook.store.status_posts import describe, insert_status_post, status_context
from playhook.store.writer import Tx

# Only where the service sends no guid of its own: an equal body later than this is a new event.
_BODY_WINDOW: Final = timedelta(minutes=10)


class StaleTemplate(PlayhookError):
    """The template changed since it was read; judge the delivery again."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What became of an authentic delivery. `reason` is empty unless it was ignored."""

    outcome: Literal["launched", "duplicate", "ignored"]
    delivery_id: int | None
    job_id: int | None = None
    reason: str = ""


def accept(tx: Tx, entry: CachedTemplate, row: DeliveryRow, verdict: Verdict) -> Accepted:
    """Store a judged delivery and launch what it asks for. Raises StaleTemplate."""
    if tx.config_version() != entry.version:
        raise StaleTemplate("the template has changed")
    delivery_id = insert_delivery(tx, row)
    if delivery_id is None and _may_repeat(row) and expire_dedupe_key(tx, row, _BODY_WINDOW):
        delivery_id = insert_delivery(tx, row)
    if delivery_id is None:
        return _accept_duplicate(tx, row)
    if not verdict.launch:
        return Accepted(outcome="ignored", delivery_id=delivery_id, reason=verdict.reason)
    return Accepted(outcome="launched", delivery_id=delivery_id, job_id=_launch(tx, entry.template, row, delivery_id))


def _may_repeat(row: DeliveryRow) -> bool:
    return row.dedupe_key is not None and row.dedupe_key.startswith("body:")


def _accept_duplicate(tx: Tx, row: DeliveryRow) -> Accepted:
    # Kept as a fact without its body, so that people can see that the service sent it twice.
    repeated = replace(
        row, outcome="duplicate", dedupe_key=None, body=None, event=None, reason="This delivery was received before."
    )
    return Accepted(outcome="duplicate", delivery_id=insert_delivery(tx, repeated))


def _launch(tx: Tx, template: HookTemplate, row: DeliveryRow, delivery_id: int) -> int:
    job_id = create_job(
        tx,
        template.row,
        launch_type="webhook",
        overrides={"delivery_id": delivery_id, "webhook_guid": row.guid or ""},
        credential_ids=template.credential_ids,
    )
    target: Mapping[str, Any] | None = (row.event or {}).get("status_target")
    credential_id = template.row["webhook_credential_id"]
    if target and credential_id:
        insert_status_post(
            tx,
            job_id=job_id,
            service=template.service,
            credential_id=credential_id,
            target=target,
            status="pending",
            context=status_context(template.row["name"], template.playhook),
            description=describe("pending"),
        )
    return job_id
