# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables. Field names are AWX's where AWX has the field.

Templates (projects, job templates, workflow job templates) are one table, and so are jobs (jobs, project updates,
workflow jobs): AWX numbers each family from one sequence and serves both families as one list, and dispatch treats
everything that runs alike.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table, UniqueConstraint
from sqlalchemy import text as sql_text

from playhook.store.columns import BigId, UtcTime, authored, flag, key, metadata, number, text, to
from playhook.store.inventory_tables import group_children, group_hosts, groups, hosts, inventories
from playhook.store.organization_tables import (
    execution_environments,
    instance_groups,
    inventory_instance_groups,
    inventory_labels,
    job_instance_groups,
    job_labels,
    labels,
    notification_templates,
    organization_admins,
    organization_galaxy_credentials,
    organization_instance_groups,
    organization_notifications,
    organization_users,
    team_users,
    teams,
    template_instance_groups,
    template_labels,
    template_notifications,
)
from playhook.store.session_tables import sessions
from playhook.store.webhook_tables import (
    status_posts,
    webhook_deliveries,
    webhook_endpoint_keys,
    webhook_endpoint_templates,
    webhook_endpoints,
    webhook_keys,
)
from playhook.store.worker_tables import workers
from playhook.store.workflow_tables import (
    job_node_credentials,
    job_node_instance_groups,
    job_node_labels,
    template_node_credentials,
    template_node_instance_groups,
    template_node_labels,
    workflow_job_node_edges,
    workflow_job_nodes,
    workflow_job_template_node_edges,
    workflow_job_template_nodes,
)

__all__ = (
    "ASK_ON_LAUNCH", "credential_types", "credentials", "execution_environments", "group_children",
    "group_hosts", "groups", "hosts", "installation", "instance_groups", "inventories",
    "inventory_instance_groups", "inventory_labels", "job_credentials", "job_events", "job_host_summaries",
    "job_instance_groups", "job_labels", "job_node_credentials", "job_node_instance_groups",
    "job_node_labels", "labels", "metadata", "notification_templates", "organization_admins",
    "organization_galaxy_credentials", "organization_instance_groups", "organization_notifications",
    "organization_users", "organizations", "sessions", "status_posts", "team_users", "teams",
    "template_credentials", "template_instance_groups", "template_labels", "template_node_credentials",
    "template_node_instance_groups", "template_node_labels", "template_notifications", "tokens",
    "unified_job_templates", "unified_jobs", "users", "webhook_deliveries", "webhook_endpoint_keys",
    "webhook_endpoint_templates", "webhook_endpoints", "webhook_keys", "workers", "workflow_job_node_edges",
    "workflow_job_nodes", "workflow_job_template_node_edges", "workflow_job_template_nodes",
)  # fmt: skip

# One row. config_version counts changes of what intake caches; see store/tx.py.
installation = Table(
    "installation",
    metadata,
    key(),
    Column("uuid", String(36), nullable=False),
    number("config_version"),
    text("key_check"),  # a known text, encrypted: a process with another secret key learns so at its start
    Column("created", UtcTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    key(),
    Column("username", String(150), nullable=False, unique=True),
    text("password_hash"),
    text("first_name", 150),
    text("last_name", 150),
    text("email", 254),
    flag("is_superuser"),
    flag("is_system_auditor"),
    text("role", 20),  # "" or "operator": ours
    Column("last_login", UtcTime),
    Column("created", UtcTime, nullable=False),
    Column("modified", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    key(),
    to("users.id", "user_id", on_delete="CASCADE", nullable=False),
    Column("token_digest", String(64), nullable=False, unique=True),  # SHA-256; the token has 160 random bits
    text("scope", 20, default="write"),
    text("description"),
    Column("expires", UtcTime, nullable=False),
    Column("last_used", UtcTime),
    Column("created", UtcTime, nullable=False),
    Column("modified", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

organizations = Table(
    "organizations",
    metadata,
    key(),
    Column("name", String(512), nullable=False, unique=True),
    text("description"),
    number("max_hosts"),
    to("execution_environments.id", "default_environment_id", index=False, closes_cycle=True),
    *authored(),
    sqlite_autoincrement=True,
)

credential_types = Table(
    "credential_types",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    text("kind", 32),
    text("namespace", 1024, default=None),
    flag("managed"),
    Column("inputs", JSON, nullable=False),
    Column("injectors", JSON, nullable=False),
    *authored(),
    UniqueConstraint("name", "kind"),
    sqlite_autoincrement=True,
)

credentials = Table(
    "credentials",
    metadata,
    key(),
    Column("name", String(512), nullable=False),
    text("description"),
    to("organizations.id", "organization_id", on_delete="CASCADE"),
    to("users.id", "user_id", on_delete="CASCADE"),
    to("teams.id", "team_id"),
    to("credential_types.id", "credential_type_id", on_delete="RESTRICT", nullable=False),
    flag("managed"),
    Column("inputs", JSON, nullable=False),  # field → text; secret fields hold what Cipher made of them
    *authored(),
    UniqueConstraint("organization_id", "name", "credential_type_id"),
    sqlite_autoincrement=True,
)

ASK_ON_LAUNCH = (
    "scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type", "verbosity", "inventory",
    "credential", "execution_environment", "labels", "forks", "job_slice_count", "timeout", "instance_groups",
)  # fmt: skip

unified_job_templates = Table(
    "unified_job_templates",
    metadata,
    key(),
    # project, job_template, workflow_job_template, workflow_approval_template
    Column("type", String(32), nullable=False),
    Column("name", String(512), nullable=False),
    text("description"),
    to("organizations.id", "organization_id"),
    text("status", 32),
    flag("last_job_failed"),
    Column("last_job_run", UtcTime),
    Column("last_job_id", BigId),  # no foreign key: the two families would refer to each other
    *authored(),
    # project, some of them shared with job templates
    to("execution_environments.id", "default_environment_id", index=False),
    text("local_path", 1024),
    text("scm_type", 8),
    text("scm_url", 1024),
    text("scm_branch", 256),
    text("scm_refspec", 1024),
    text("scm_revision", 1024),
    flag("scm_clean"),
    flag("scm_track_submodules"),
    flag("scm_delete_on_update"),
    flag("scm_update_on_launch"),
    number("scm_update_cache_timeout"),
    flag("allow_override"),
    Column("playbook_files", JSON),  # what the last update found
    to("credentials.id", "credential_id"),
    # job template and workflow job template
    text("job_type", 64, default="run"),
    to("inventories.id", "inventory_id"),
    to("unified_job_templates.id", "project_id"),
    text("playbook", 1024),
    number("forks"),
    text("limit"),
    number("verbosity"),
    text("extra_vars"),
    text("job_tags"),
    flag("force_handlers"),
    text("skip_tags"),
    text("start_at_task", 1024),
    number("timeout"),
    flag("use_fact_cache"),
    text("host_config_key", 1024),
    *(flag(f"ask_{what}_on_launch") for what in ASK_ON_LAUNCH),
    flag("survey_enabled"),
    Column("survey_spec", JSON, nullable=False, default=dict, server_default="{}"),  # defaults of passwords encrypted
    to("execution_environments.id", "execution_environment_id", index=False),
    flag("become_enabled"),
    flag("diff_mode"),
    flag("allow_simultaneous"),
    number("job_slice_count", default=1),
    flag("prevent_instance_group_fallback"),
    text("webhook_service", 64),
    to("credentials.id", "webhook_credential_id"),
    Column("playhook", JSON, nullable=False, default=dict),  # everything of ours, as in the API's `playhook` key
    UniqueConstraint("type", "name", "organization_id"),
    sqlite_autoincrement=True,
)

template_credentials = Table(
    "template_credentials",
    metadata,
    key(),
    to("unified_job_templates.id", "template_id", on_delete="CASCADE", nullable=False),
    to("credentials.id", "credential_id", on_delete="CASCADE", nullable=False),
    UniqueConstraint("template_id", "credential_id"),
)

unified_jobs = Table(
    "unified_jobs",
    metadata,
    key(BigId),
    Column("type", String(32), nullable=False, index=True),  # job, project_update, workflow_job, workflow_approval
    Column("name", String(512), nullable=False),
    text("description"),
    to("unified_job_templates.id", "unified_job_template_id"),
    to("organizations.id", "organization_id", index=False),
    Column("launch_type", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    flag("failed"),
    flag("cancel_requested"),
    Column("started", UtcTime),
    Column("finished", UtcTime),
    Column("canceled_on", UtcTime),
    Column("elapsed", Float, nullable=False, default=0.0),
    text("job_explanation"),
    text("result_traceback"),
    text("execution_node", 256),
    Column("job_args", JSON, nullable=False, default=list),
    text("job_cwd", 1024),
    Column("job_env", JSON, nullable=False, default=dict),
    flag("event_processing_finished"),
    *authored(),
    # the claim: compare-and-set only; a worker writes with the fence it got
    text("claimed_by", 256),
    number("fence"),
    Column("lock_group", String(256), index=True),  # at most one active job of a group runs; null: no lock
    # job
    text("job_type", 64, default="run"),
    to("inventories.id", "inventory_id", index=False),
    to("unified_job_templates.id", "project_id", index=False),
    text("playbook", 1024),
    text("scm_branch", 1024),
    text("scm_revision", 1024),
    text("scm_type", 8),
    text("scm_url", 1024),
    text("local_path", 1024),
    number("forks"),
    text("limit"),
    number("verbosity"),
    text("extra_vars"),  # template's and launch's; webhook variables are added on read, from the delivery
    Column("survey_passwords", JSON, nullable=False, default=dict, server_default="{}"),  # name → encrypted
    text("job_tags"),
    flag("force_handlers"),
    text("skip_tags"),
    text("start_at_task", 1024),
    number("timeout"),
    flag("use_fact_cache"),
    flag("become_enabled"),
    flag("diff_mode"),
    flag("allow_simultaneous"),
    number("job_slice_count", default=1),
    Column("artifacts", JSON, nullable=False, default=dict),
    Column("host_status_counts", JSON, nullable=False, default=dict),
    to("execution_environments.id", "execution_environment_id", index=False),
    # workflow approval
    flag("timed_out"),
    Column("approval_expiration", UtcTime),
    to("users.id", "approved_or_denied_by_id", index=False),
    # webhook
    to("webhook_deliveries.id", "delivery_id"),
    text("webhook_service", 64),
    to("credentials.id", "webhook_credential_id", index=False),
    text("webhook_guid", 255),
    Index("ix_unified_jobs_queue", "status", "id"),
    # What a claim looks at before it takes a job, and what decides where two machines take one at the same moment.
    Index(
        "uq_unified_jobs_active_lock_group",
        "lock_group",
        unique=True,
        sqlite_where=sql_text("status IN ('waiting', 'running')"),
        postgresql_where=sql_text("status IN ('waiting', 'running')"),
    ),
    sqlite_autoincrement=True,
)

job_credentials = Table(
    "job_credentials",
    metadata,
    key(),
    to("unified_jobs.id", "job_id", on_delete="CASCADE", nullable=False),
    to("credentials.id", "credential_id", on_delete="CASCADE", nullable=False),
    UniqueConstraint("job_id", "credential_id"),
)

job_events = Table(
    "job_events",
    metadata,
    key(BigId),
    to("unified_jobs.id", "job_id", on_delete="CASCADE", nullable=False, index=False),
    Column("counter", Integer, nullable=False),
    Column("uuid", String(64), nullable=False),
    text("parent_uuid", 64),
    Column("event", String(100), nullable=False),
    Column("event_data", JSON, nullable=False),
    flag("failed"),
    flag("changed"),
    text("host_name", 1024),
    text("playbook", 1024),
    text("play", 1024),
    text("task", 1024),
    text("role", 1024),
    text("stdout"),
    number("start_line"),
    number("end_line"),
    number("verbosity"),
    Column("created", UtcTime, nullable=False),
    UniqueConstraint("job_id", "counter"),
)

job_host_summaries = Table(
    "job_host_summaries",
    metadata,
    key(BigId),
    to("unified_jobs.id", "job_id", on_delete="CASCADE", nullable=False, index=False),
    Column("host_name", String(1024), nullable=False),
    *(number(what) for what in ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued", "skipped")),
    flag("failed"),
    Column("created", UtcTime, nullable=False),
    Column("modified", UtcTime, nullable=False),
    UniqueConstraint("job_id", "host_name"),
)
