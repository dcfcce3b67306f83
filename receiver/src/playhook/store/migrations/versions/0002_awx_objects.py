# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients of AWX also keep: teams, labels, groups, surveys, execution environments; and workflows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from playhook.store.columns import BigId, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENTS = ("started", "success", "error", "approvals")


def upgrade() -> None:
    _create_execution_environments()
    _create_teams_and_labels()
    _create_instance_groups()
    _create_notification_templates()
    _create_groups()
    _create_memberships()
    _create_workflow_graphs()
    _create_node_attachments()
    _add_columns()


def _create_execution_environments() -> None:
    _create(
        "execution_environments",
        sa.Column("name", sa.String(512), nullable=False),
        _text("description"),
        *_reference("execution_environments", "organization_id", "organizations", "CASCADE"),
        sa.Column("image", sa.String(1024), nullable=False),
        sa.Column("pull", sa.String(16), server_default="", nullable=False),
        _flag("managed"),
        *_reference("execution_environments", "credential_id", "credentials"),
        *_authored("execution_environments"),
        _unique("execution_environments", "name"),
    )
    _index("execution_environments", "organization_id")


def _create_teams_and_labels() -> None:
    for table, described in (("teams", [_text("description")]), ("labels", [])):
        unique = ("organization_id", "name") if table == "teams" else ("name", "organization_id")
        _create(
            table,
            sa.Column("name", sa.String(512), nullable=False),
            *described,
            *_reference(table, "organization_id", "organizations", "CASCADE", nullable=False),
            *_authored(table),
            _unique(table, *unique),
        )
    _index("labels", "organization_id")


def _create_instance_groups() -> None:
    _create(
        "instance_groups",
        sa.Column("name", sa.String(250), nullable=False),
        _flag("is_container_group"),
        *(_number(name) for name in ("max_concurrent_jobs", "max_forks")),
        *(_number(name) for name in ("policy_instance_percentage", "policy_instance_minimum")),
        sa.Column("policy_instance_list", sa.JSON(), nullable=False),
        _text("pod_spec_override"),
        *_reference("instance_groups", "credential_id", "credentials"),
        *_authored("instance_groups"),
        _unique("instance_groups", "name"),
    )


def _create_notification_templates() -> None:
    _create(
        "notification_templates",
        sa.Column("name", sa.String(512), nullable=False),
        _text("description"),
        *_reference("notification_templates", "organization_id", "organizations", "CASCADE"),
        sa.Column("notification_type", sa.String(32), nullable=False),
        sa.Column("notification_configuration", sa.JSON(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=True),
        *_authored("notification_templates"),
        _unique("notification_templates", "organization_id", "name"),
    )
    _index("notification_templates", "organization_id")


def _create_groups() -> None:
    _create(
        "groups",
        sa.Column("name", sa.String(512), nullable=False),
        _text("description"),
        *_reference("groups", "inventory_id", "inventories", "CASCADE", nullable=False),
        _text("variables"),
        *_authored("groups"),
        _unique("groups", "name", "inventory_id"),
    )
    _index("groups", "inventory_id")
    _between("group_hosts", ("group_id", "groups"), ("host_id", "hosts"))
    _between("group_children", ("parent_id", "groups"), ("child_id", "groups"))


def _create_memberships() -> None:
    organization, template = ("organization_id", "organizations"), ("template_id", "unified_job_templates")
    inventory, job = ("inventory_id", "inventories"), ("job_id", "unified_jobs")
    user, label, group = ("user_id", "users"), ("label_id", "labels"), ("instance_group_id", "instance_groups")
    _between("organization_users", organization, user)
    _between("organization_admins", organization, user)
    _between("team_users", ("team_id", "teams"), user)
    _between("organization_galaxy_credentials", organization, ("credential_id", "credentials"))
    _between("organization_instance_groups", organization, group)
    _between("inventory_instance_groups", inventory, group)
    _between("inventory_labels", inventory, label)
    _between("template_instance_groups", template, group)
    _between("template_labels", template, label)
    _between("job_labels", job, label)
    _between("job_instance_groups", job, group)
    notification = ("notification_template_id", "notification_templates")
    for moment in _MOMENTS:
        _between(f"template_notifications_{moment}", template, notification)
        _between(f"organization_notifications_{moment}", organization, notification)


def _create_workflow_graphs() -> None:
    template_nodes, job_nodes = "workflow_job_template_nodes", "workflow_job_nodes"
    _create(
        template_nodes,
        *_reference(template_nodes, "workflow_job_template_id", "unified_job_templates", "CASCADE", nullable=False),
        *_reference(template_nodes, "unified_job_template_id", "unified_job_templates"),
        *_node(template_nodes),
        _unique(template_nodes, "workflow_job_template_id", "identifier"),
    )
    _index(template_nodes, "unified_job_template_id")
    _create(
        job_nodes,
        *_reference(job_nodes, "workflow_job_id", "unified_jobs", "CASCADE", nullable=False),
        *_reference(job_nodes, "unified_job_template_id", "unified_job_templates"),
        *_reference(job_nodes, "job_id", "unified_jobs"),
        *_node(job_nodes),
        _flag("do_not_run"),
        sa.Column("ancestor_artifacts", sa.JSON(), nullable=False),
        kind=BigId,
    )
    _index(job_nodes, "workflow_job_id")
    _index(job_nodes, "job_id")
    for nodes, kind in ((template_nodes, sa.Integer()), (job_nodes, BigId)):
        edges = f"{nodes.removesuffix('s')}_edges"
        _create(
            edges,
            *_reference(edges, "parent_id", nodes, "CASCADE", nullable=False, kind=kind),
            *_reference(edges, "child_id", nodes, "CASCADE", nullable=False, kind=kind),
            sa.Column("kind", sa.String(8), nullable=False),
            _unique(edges, "parent_id", "child_id"),
            kind=kind,
            autoincrement=False,
        )
        _index(edges, "child_id")


def _create_node_attachments() -> None:
    for prefix, nodes in (("template_node", "workflow_job_template_nodes"), ("job_node", "workflow_job_nodes")):
        for other in ("credentials", "labels", "instance_groups"):
            _between(f"{prefix}_{other}", ("node_id", nodes), (f"{other.removesuffix('s')}_id", other))


def _add_columns() -> None:
    op.add_column("unified_job_templates", sa.Column("survey_spec", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("unified_jobs", _flag("timed_out"))
    op.add_column("unified_jobs", sa.Column("approval_expiration", UtcTime(), nullable=True))
    _add_reference("organizations", "default_environment_id", "execution_environments")
    _add_reference("unified_job_templates", "default_environment_id", "execution_environments")
    _add_reference("unified_job_templates", "execution_environment_id", "execution_environments")
    _add_reference("unified_jobs", "execution_environment_id", "execution_environments")
    _add_reference("unified_jobs", "approved_or_denied_by_id", "users")


def _add_reference(table: str, column: str, target: str) -> None:
    # In words that both databases take: on SQLite, Alembic would copy the whole table for a foreign key, and dropping
    # the old one deletes whatever refers to it.
    name = f"fk_{table}_{column}"
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT {name} REFERENCES {target} (id) ON DELETE SET NULL"
    )


def _create(table: str, *columns: Any, kind: Any = None, autoincrement: bool = True) -> None:
    key = sa.Column("id", kind or sa.Integer(), autoincrement=True, nullable=False)
    primary = sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))
    options = {"sqlite_autoincrement": True} if autoincrement else {}
    op.create_table(table, key, *columns, primary, **options)


def _between(table: str, owner: tuple[str, str], other: tuple[str, str]) -> None:
    columns = [
        part
        for name, target in (owner, other)
        for part in _reference(table, name, target, "CASCADE", nullable=False, kind=_key_kind(target))
    ]
    _create(table, *columns, _unique(table, owner[0], other[0]), autoincrement=False)
    _index(table, other[0])


def _key_kind(table: str) -> Any:
    return BigId if table in {"unified_jobs", "workflow_job_nodes"} else sa.Integer()


def _reference(
    table: str, column: str, target: str, on_delete: str = "SET NULL", *, nullable: bool = True, kind: Any = None
) -> tuple[Any, Any]:
    return (
        sa.Column(column, kind or _key_kind(target), nullable=nullable),
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete),
    )


def _node(table: str) -> list[Any]:
    return [
        sa.Column("identifier", sa.String(512), nullable=False),
        _flag("all_parents_must_converge"),
        sa.Column("extra_data", sa.JSON(), nullable=False),
        *_reference(table, "inventory_id", "inventories"),
        *_reference(table, "execution_environment_id", "execution_environments"),
        *(sa.Column(name, sa.Text()) for name in ("scm_branch", "job_type", "job_tags", "skip_tags", "limit")),
        sa.Column("diff_mode", sa.Boolean()),
        *(sa.Column(name, sa.Integer()) for name in ("verbosity", "forks", "job_slice_count", "timeout")),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("modified", UtcTime(), nullable=False),
    ]


def _authored(table: str) -> list[Any]:
    return [
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("modified", UtcTime(), nullable=False),
        *_reference(table, "created_by_id", "users"),
        *_reference(table, "modified_by_id", "users"),
    ]


def _text(name: str) -> Any:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _flag(name: str) -> Any:
    return sa.Column(name, sa.Boolean(), server_default="0", nullable=False)


def _number(name: str) -> Any:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _unique(table: str, *columns: str) -> Any:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
