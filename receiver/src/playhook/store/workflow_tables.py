# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of workflows: the nodes of a template and of a job, and the edges between them.

A workflow job has its own copy of the graph, so that changing the template changes no workflow that runs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Integer, String, Table, Text, UniqueConstraint

from playhook.store.columns import BigId, UtcTime, flag, key, metadata, to


def _prompts() -> list[Column[Any]]:
    """Make the columns of what a node asks its template to do otherwise; null: as the template says."""
    return [
        Column("extra_data", JSON, nullable=False, default=dict),
        Column("survey_passwords", JSON, nullable=False, default=dict, server_default="{}"),  # name → encrypted
        to("inventories.id", "inventory_id", index=False),
        to("execution_environments.id", "execution_environment_id", index=False),
        *(Column(name, Text) for name in ("scm_branch", "job_type", "job_tags", "skip_tags", "limit")),
        Column("diff_mode", Boolean),
        *(Column(name, Integer) for name in ("verbosity", "forks", "job_slice_count", "timeout")),
    ]


def _attached(table: str, of: str, other: str) -> Table:
    """Make a table between nodes and what is attached to them."""
    name = f"{other.removesuffix('s')}_id"
    return Table(
        table,
        metadata,
        key(),
        to(of, "node_id", on_delete="CASCADE", nullable=False, index=False),
        to(f"{other}.id", name, on_delete="CASCADE", nullable=False),
        UniqueConstraint("node_id", name),
    )


workflow_job_template_nodes = Table(
    "workflow_job_template_nodes",
    metadata,
    key(),
    to("unified_job_templates.id", "workflow_job_template_id", on_delete="CASCADE", nullable=False, index=False),
    to("unified_job_templates.id", "unified_job_template_id"),  # null once that template is deleted
    Column("identifier", String(512), nullable=False),
    flag("all_parents_must_converge"),
    *_prompts(),
    Column("created", UtcTime, nullable=False),
    Column("modified", UtcTime, nullable=False),
    UniqueConstraint("workflow_job_template_id", "identifier"),
    sqlite_autoincrement=True,
)

# kind: success, failure or always. Two nodes are joined by one edge at most.
workflow_job_template_node_edges = Table(
    "workflow_job_template_node_edges",
    metadata,
    key(),
    to("workflow_job_template_nodes.id", "parent_id", on_delete="CASCADE", nullable=False, index=False),
    to("workflow_job_template_nodes.id", "child_id", on_delete="CASCADE", nullable=False),
    Column("kind", String(8), nullable=False),
    UniqueConstraint("parent_id", "child_id"),
)

workflow_job_nodes = Table(
    "workflow_job_nodes",
    metadata,
    key(BigId),
    to("unified_jobs.id", "workflow_job_id", on_delete="CASCADE", nullable=False),
    to("unified_job_templates.id", "unified_job_template_id", index=False),
    to("unified_jobs.id", "job_id"),  # what the node launched; null before
    Column("identifier", String(512), nullable=False),
    flag("all_parents_must_converge"),
    flag("do_not_run"),
    Column("ancestor_artifacts", JSON, nullable=False, default=dict),
    *_prompts(),
    Column("created", UtcTime, nullable=False),
    Column("modified", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

workflow_job_node_edges = Table(
    "workflow_job_node_edges",
    metadata,
    key(BigId),
    to("workflow_job_nodes.id", "parent_id", on_delete="CASCADE", nullable=False, index=False),
    to("workflow_job_nodes.id", "child_id", on_delete="CASCADE", nullable=False),
    Column("kind", String(8), nullable=False),
    UniqueConstraint("parent_id", "child_id"),
)

template_node_credentials = _attached("template_node_credentials", "workflow_job_template_nodes.id", "credentials")
template_node_labels = _attached("template_node_labels", "workflow_job_template_nodes.id", "labels")
template_node_instance_groups = _attached(
    "template_node_instance_groups", "workflow_job_template_nodes.id", "instance_groups"
)
job_node_credentials = _attached("job_node_credentials", "workflow_job_nodes.id", "credentials")
job_node_labels = _attached("job_node_labels", "workflow_job_nodes.id", "labels")
job_node_instance_groups = _attached("job_node_instance_groups", "workflow_job_nodes.id", "instance_groups")
