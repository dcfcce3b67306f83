# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of webhooks: their keys, the endpoints that templates share, deliveries and status posts."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint
from sqlalchemy import text as sql

from playhook.store.columns import BigId, UtcTime, authored, key, metadata, number, text, to


def _index_of_few(table: str, column: str) -> Index:
    """Make the index of a column that is null in nearly every row: it must cost the others nothing."""
    there = sql(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=there, postgresql_where=there)


webhook_keys = Table(
    "webhook_keys",
    metadata,
    key(),
    to("unified_job_templates.id", "template_id", on_delete="CASCADE", nullable=False),
    Column("key", String, nullable=False),  # what Cipher made of it
    text("fingerprint", 16),  # tells keys apart without showing them; see webhook_keys.fingerprint
    Column("expires", UtcTime),  # null: the current key; else an older one in its grace period
    Column("created", UtcTime, nullable=False),
)

# One URL for several templates; `playhook` is as in a template, as far as it says whose deliveries are taken.
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    key(),
    Column("name", String(255), nullable=False),
    text("description"),
    Column("service", String(64), nullable=False),
    Column("playhook", JSON, nullable=False, default=dict),
    *authored(),
    UniqueConstraint("service", "name"),
    sqlite_autoincrement=True,
)

webhook_endpoint_keys = Table(
    "webhook_endpoint_keys",
    metadata,
    key(),
    to("webhook_endpoints.id", "endpoint_id", on_delete="CASCADE", nullable=False),
    Column("key", String, nullable=False),  # what Cipher made of it
    text("fingerprint", 16),
    Column("expires", UtcTime),
    Column("created", UtcTime, nullable=False),
)

webhook_endpoint_templates = Table(
    "webhook_endpoint_templates",
    metadata,
    key(),
    to("webhook_endpoints.id", "endpoint_id", on_delete="CASCADE", nullable=False),
    to("unified_job_templates.id", "template_id", on_delete="CASCADE", nullable=False),
    Column("repositories", JSON(none_as_null=True)),  # null: of every repository
    UniqueConstraint("endpoint_id", "template_id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    key(BigId),
    to("unified_job_templates.id", "template_id"),
    to("webhook_endpoints.id", "endpoint_id", index=False),
    # The delivery whose body this one shares: another template's of the same request, or what was redelivered.
    to("webhook_deliveries.id", "original_id", index=False),
    to("users.id", "redelivered_by_id", index=False),
    Column("service", String(64), nullable=False),
    Column("guid", String(255)),
    Column("dedupe_key", String(300)),  # null: may come again (what did not launch, and redeliveries)
    Column("event_type", String(255)),
    Column("outcome", String(16), nullable=False),  # launched, duplicate, ignored, refused
    Column("reason", String(1024), nullable=False, default=""),
    Column("response_status", Integer, nullable=False),
    Column("remote_address", String(64), nullable=False, default=""),
    Column("received", UtcTime, nullable=False, index=True),
    Column("headers", JSON),
    Column("body_size", Integer, nullable=False, default=0),
    Column("body_sha256", LargeBinary(32)),
    Column("body", LargeBinary),  # zstd; null when refused, shared or purged
    Column("event", JSON),  # the normal form and what status posts and extra vars need
    Column("verdict", JSON),
    UniqueConstraint("template_id", "dedupe_key"),
    *(_index_of_few("webhook_deliveries", name) for name in ("endpoint_id", "original_id", "redelivered_by_id")),
    sqlite_autoincrement=True,
)

status_posts = Table(
    "status_posts",
    metadata,
    key(BigId),
    to("unified_jobs.id", "job_id", on_delete="CASCADE", nullable=False),
    Column("service", String(64), nullable=False),
    to("credentials.id", "credential_id", index=False),
    Column("target", JSON, nullable=False),  # repository, sha, origin
    Column("status", String(20), nullable=False),
    Column("context", String(255), nullable=False),
    text("description", 255),
    Column("state", String(16), nullable=False),  # queued, sent, skipped, failed
    number("attempts"),
    Column("next_attempt", UtcTime, nullable=False),
    Column("sent", UtcTime),
    text("answer", 1024),  # what the service said, or why nothing was sent
    Column("created", UtcTime, nullable=False),
    Index("ix_status_posts_due", "state", "next_attempt"),
    sqlite_autoincrement=True,
)
