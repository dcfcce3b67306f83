# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries: what came, what it was taken for, and what became of it. Ours; AWX keeps none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.store.collections import Link, Row
from playhook.store.related import find_jobs_of_deliveries, find_payload
from playhook.web.api_v2.fields import computed, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Resource, Shown

_JOBS: Final = "webhook_deliveries.jobs"
OUTCOMES: Final = (
    ("launched", "Launched"), ("duplicate", "Duplicate"), ("ignored", "Ignored"), ("refused", "Refused"),
)  # fmt: skip


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    view.facts[_JOBS].update(find_jobs_of_deliveries(view.connection, [row["id"] for row in rows]))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    shown["jobs"] = view.facts[_JOBS].get(row["id"], [])
    shown["body_sha256"] = row["body_sha256"].hex() if row["body_sha256"] else None
    if view.is_detail:
        shown["payload"] = find_payload(view.connection, row["id"])


WEBHOOK_DELIVERIES: Final = Resource(
    name="webhook_deliveries",
    type="webhook_delivery",
    model="WebhookDelivery",
    table="webhook_deliveries",
    fields=(
        computed("received", "datetime", column="received"),
        reference("template", "unified_job_templates", read_only=True),
        computed("service", "string", column="service"),
        computed("event_type", "string", column="event_type"),
        computed("guid", "string", column="guid"),
        computed("outcome", "choice", column="outcome", choices=OUTCOMES),
        computed("reason", "string", column="reason"),
        computed("response_status", "integer", column="response_status"),
        computed("remote_address", "string", column="remote_address"),
        computed("headers", "object", column="headers"),
        computed("body_size", "integer", column="body_size"),
        computed("body_sha256", "string"),
        computed("jobs", "list"),
        computed("event", "object", column="event", in_lists=False),
        computed("verdict", "object", column="verdict"),
        computed("payload", "object", in_lists=False),
    ),
    label="webhook delivery",
    order=("-id",),
    search=("guid", "event_type", "reason"),
    links={"jobs": Link(target="jobs", column="delivery_id", back=True)},
    unread_in_lists=frozenset({"body", "event"}),
    list_methods=("GET",),
    detail_methods=("GET",),
    authored=False,
    timed=False,
    capabilities={},
    prepare=_prepare,
    fill=_fill,
)
