# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries: what came, what it was taken for, and what became of it. Ours; AWX keeps none."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from starlette.responses import Response

from playhook.intake.explain import explain_delivery
from playhook.intake.redeliver import redeliver
from playhook.store.collections import Link, Row
from playhook.store.deliveries import read_delivery
from playhook.store.related import find_jobs_of_deliveries
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import computed, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Action, Resource, Shown
from playhook.web.api_v2.resources.standard_fields import USER_SUMMARY

_JOBS: Final = "webhook_deliveries.jobs"
OUTCOMES: Final = (
    ("launched", "Launched"), ("duplicate", "Duplicate"), ("ignored", "Ignored"), ("refused", "Refused"),
)  # fmt: skip


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    view.facts[_JOBS].update(find_jobs_of_deliveries(view.connection, [row["id"] for row in rows]))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    shown["jobs"] = view.facts[_JOBS].get(row["id"], [])
    if row["original_id"] is not None:
        shown["related"]["original"] = view.url(WEBHOOK_DELIVERIES, row["original_id"])
    if view.is_detail:
        delivery = read_delivery(view.connection, row["id"])
        document = delivery.document if delivery else None
        shown["payload"] = delivery.payload if delivery else None
        # Where it was not worked out then, the body is kept as it came.
        digest = row["body_sha256"] or (None if document is None else sha256(document).digest())
        shown["body_sha256"] = digest.hex() if digest else None


def _explain(call: Call, row: Row) -> Response:
    """Answer the verdict that was recorded, and the one of the rules as they are now."""
    return answer(explain_delivery(call.connection, row["id"]))


def _try_rules(call: Call, row: Row) -> Response:
    """Answer what the delivery would do under other rules; the body has those keys of `playhook` that change."""
    return answer(explain_delivery(call.connection, row["id"], call.body))


def _redeliver(call: Call, row: Row) -> Response:
    made = redeliver(call.connection, call.context.store, row["id"], call.principal.id)
    return answer({"job": made.job_id, "delivery": made.delivery_id}, 202)


WEBHOOK_DELIVERIES: Final = Resource(
    name="webhook_deliveries",
    type="webhook_delivery",
    model="WebhookDelivery",
    table="webhook_deliveries",
    fields=(
        computed("received", "datetime", column="received"),
        reference("template", "unified_job_templates", read_only=True),
        reference("endpoint", "webhook_endpoints", read_only=True),
        # No reference, whose row would be read: it has a body.
        computed("original", "id", column="original_id"),
        reference("redelivered_by", "users", read_only=True, summary=USER_SUMMARY),
        computed("service", "string", column="service"),
        computed("event_type", "string", column="event_type"),
        computed("guid", "string", column="guid"),
        computed("outcome", "choice", column="outcome", choices=OUTCOMES),
        computed("reason", "string", column="reason"),
        computed("response_status", "integer", column="response_status"),
        computed("remote_address", "string", column="remote_address"),
        computed("headers", "object", column="headers"),
        computed("body_size", "integer", column="body_size"),
        computed("body_sha256", "string", in_lists=False),
        computed("jobs", "list"),
        computed("event", "object", column="event", in_lists=False),
        computed("verdict", "object", column="verdict"),
        computed("payload", "object", in_lists=False),
    ),
    label="webhook delivery",
    order=("-id",),
    search=("guid", "event_type", "reason"),
    links={
        "jobs": Link(target="jobs", column="delivery_id", back=True),
        "original": Link(target="webhook_deliveries", column="original_id"),
    },
    unread_in_lists=frozenset({"body", "event"}),
    list_methods=("GET",),
    detail_methods=("GET",),
    authored=False,
    timed=False,
    capabilities={"redeliver": "operators"},
    related=("explain", "redeliver"),
    sub=(
        Action(name="explain", methods={"GET": _explain, "POST": _try_rules}, access={"POST": "operators"},
               label="Explain delivery"),
        Action(name="redeliver", methods={"POST": _redeliver}, access={"POST": "operators"}, label="Redeliver"),
    ),
    prepare=_prepare,
    fill=_fill,
)  # fmt: skip
