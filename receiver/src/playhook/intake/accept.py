# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one transaction of intake: the delivery, its verdict, its job and the first status post, or nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from playhook.errors import PlayhookError
from playhook.intake.filters import shorten
from playhook.intake.judging import Judged
from playhook.intake.record import BODY_KEY
from playhook.intake.rules import Dedupe
from playhook.store.deliveries import DeliveryRow, expire_dedupe_key, insert_delivery
from playhook.store.hook_templates import HookTemplate, find_inventory_id
from playhook.store.jobs import create_job
from playhook.store.status_posts import describe, insert_status_post, status_context
from playhook.store.writer import Tx


class StaleTemplate(PlayhookError):
    """The template changed since it was read; judge the delivery again."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What became of an authentic delivery. `reason` is empty unless it was ignored."""

    outcome: Literal["launched", "duplicate", "ignored"]
    delivery_id: int | None
    job_id: int | None = None
    reason: str = ""


def accept(tx: Tx, version: int, judged: Sequence[Judged]) -> list[Accepted]:
    """Store a delivery for each of its templates, its body once, and launch what they ask for. Raises StaleTemplate."""
    if tx.config_version() != version:
        raise StaleTemplate("a template has changed")
    accepted: list[Accepted] = []
    original_id: int | None = None
    for each in judged:
        row = each.row if original_id is None else replace(each.row, body=None, original_id=original_id)
        result = _accept_for(tx, each, row)
        accepted.append(result)
        if original_id is None and result.outcome != "duplicate":
            original_id = result.delivery_id
    return accepted


def _accept_for(tx: Tx, judged: Judged, row: DeliveryRow) -> Accepted:
    columns, entry = dict(judged.columns), judged.entry
    if entry is not None and not resolve_inventory(tx, entry.template, columns):
        row = _ignore(row, f"There is no inventory {shorten(str(judged.columns['inventory_id']))}.")
    delivery_id = _insert(tx, row, entry.rules.dedupe if entry else Dedupe())
    if delivery_id is None:
        return _accept_duplicate(tx, row)
    if entry is None or row.outcome == "ignored":
        return Accepted(outcome="ignored", delivery_id=delivery_id, reason=row.reason)
    job_id = launch(tx, entry.template, row, delivery_id, columns)
    return Accepted(outcome="launched", delivery_id=delivery_id, job_id=job_id)


def resolve_inventory(tx: Tx, template: HookTemplate, columns: dict[str, Any]) -> bool:
    """Put the id in place of an inventory's name that came from the event; tells whether there is such an inventory."""
    if "inventory_id" not in columns:
        return True
    found = find_inventory_id(tx.connection, columns["inventory_id"], template.row["organization_id"])
    columns["inventory_id"] = found
    return found is not None


def _insert(tx: Tx, row: DeliveryRow, dedupe: Dedupe) -> int | None:
    """Store the delivery unless it is a repeat that is to be skipped; the unique key decides, at any concurrency."""
    delivery_id = insert_delivery(tx, row)
    if delivery_id is not None or row.dedupe_key is None:
        return delivery_id
    window = dedupe.body_window if row.dedupe_key.startswith(BODY_KEY) else dedupe.window
    if window is not None and expire_dedupe_key(tx, row, window):
        return insert_delivery(tx, row)
    if dedupe.reruns:
        return insert_delivery(tx, replace(row, dedupe_key=None, reason="Received before; the template runs repeats."))
    return None


def _ignore(row: DeliveryRow, reason: str) -> DeliveryRow:
    rule = {"name": "vars_from_payload.inventory", "passed": False, "wanted": "an inventory", "found": None}
    rules = [each for each in (row.verdict or {}).get("rules", ()) if each["name"] != rule["name"]]
    return replace(
        row,
        outcome="ignored",
        response_status=200,
        reason=reason,
        dedupe_key=None,
        verdict={"launch": False, "reason": reason, "rules": [*rules, rule]},
    )


def _accept_duplicate(tx: Tx, row: DeliveryRow) -> Accepted:
    # Kept as a fact without its body, so that people can see that the service sent it twice.
    repeated = replace(
        row, outcome="duplicate", dedupe_key=None, body=None, event=None, reason="This delivery was received before."
    )
    return Accepted(outcome="duplicate", delivery_id=insert_delivery(tx, repeated))


def launch(tx: Tx, template: HookTemplate, row: DeliveryRow, delivery_id: int, columns: Mapping[str, Any]) -> int:
    """Store the job of a delivery and its first status post; returns the job's id."""
    # An endpoint's template may have no webhook of its own; a credential of another service is not for this one.
    other = template.service not in {"", row.service}
    credential_id = None if other else template.row["webhook_credential_id"]
    overrides = {**columns, "delivery_id": delivery_id, "webhook_guid": row.guid or ""}
    if template.service != row.service:
        overrides |= {"webhook_service": row.service, "webhook_credential_id": credential_id}
    job_id = create_job(
        tx, template.row, launch_type="webhook", overrides=overrides, credential_ids=template.credential_ids
    )
    target: Mapping[str, Any] | None = (row.event or {}).get("status_target")
    if target and credential_id:
        insert_status_post(
            tx,
            job_id=job_id,
            service=row.service,
            credential_id=credential_id,
            target=target,
            status="pending",
            context=status_context(template.row["name"], template.playhook),
            description=describe("pending"),
        )
    return job_id
