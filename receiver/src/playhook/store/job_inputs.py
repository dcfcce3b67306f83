# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that one job needs, as plain data with its secrets decrypted: the worker reads the store once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, select

from playhook.domain.job import JobType, LaunchType
from playhook.errors import NotFound
from playhook.store import tables as t
from playhook.store.deliveries import StoredDelivery, read_delivery
from playhook.store.encryption import Cipher, is_encrypted
from playhook.store.groups import Group, read_groups

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """The job's own columns."""

    id: int
    type: JobType
    name: str
    launch_type: LaunchType
    unified_job_template_id: int | None
    inventory_id: int | None
    project_id: int | None
    delivery_id: int | None
    created_by_id: int | None
    job_type: str
    playbook: str
    scm_branch: str
    forks: int
    limit: str
    verbosity: int
    extra_vars: str
    survey_passwords: Mapping[str, str] = field(repr=False)
    job_tags: str
    skip_tags: str
    start_at_task: str
    force_handlers: bool
    become_enabled: bool
    diff_mode: bool
    timeout: int


@dataclass(frozen=True, kw_only=True)
class TemplateRow:
    """The template a job was launched from, as it is now."""

    id: int
    name: str
    extra_vars: str


@dataclass(frozen=True, kw_only=True)
class UserRow:
    """Who launched the job by hand."""

    id: int
    username: str
    first_name: str
    last_name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class WorkflowRow:
    """The workflow job whose node launched a job."""

    id: int
    name: str
    launch_type: LaunchType


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A credential with its secrets in the clear; `secrets` are the names of the secret inputs.

    `fields` and `injectors` are those of its type, which may be `managed`.
    """

    id: int
    name: str
    kind: str
    namespace: str
    inputs: Mapping[str, Any] = field(repr=False)
    secrets: frozenset[str] = frozenset()
    fields: Sequence[Mapping[str, Any]] = ()
    injectors: Mapping[str, Any] = field(default_factory=dict)
    managed: bool = False

    def text(self, name: str) -> str:
        """Return an input as text; a missing one is empty."""
        return str(self.inputs.get(name) or "")


@dataclass(frozen=True, kw_only=True)
class ProjectRow:
    """Where playbooks come from. `last_job_run` is when its checkout was last brought up to date.

    `galaxies` are the servers that its organization's roles and collections come from, the first asked first.
    """

    id: int
    name: str
    scm_type: str
    scm_url: str
    scm_branch: str
    scm_refspec: str
    scm_revision: str
    scm_clean: bool
    scm_track_submodules: bool
    scm_delete_on_update: bool
    scm_update_on_launch: bool
    scm_update_cache_timeout: int
    allow_override: bool
    local_path: str
    timeout: int
    last_job_run: datetime | None
    credential_id: int | None
    credential: Credential | None = None
    galaxies: tuple[Credential, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostRow:
    """One enabled host; `variables` is YAML or JSON as its author wrote it."""

    name: str
    variables: str


@dataclass(frozen=True, kw_only=True)
class InventoryRow:
    """An inventory with its enabled hosts and its groups. `source_path` is a file or folder in the job's project."""

    id: int
    name: str
    variables: str
    source_path: str
    hosts: tuple[HostRow, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobInputs:
    """All of it. None means: never set, or deleted since the launch.

    `passwords` are answers to the survey in the clear: values of variables that `job.extra_vars` does not show.
    """

    job: JobRow
    template: TemplateRow | None = None
    project: ProjectRow | None = None
    inventory: InventoryRow | None = None
    user: UserRow | None = None
    delivery: StoredDelivery | None = None
    workflow: WorkflowRow | None = None
    credentials: tuple[Credential, ...] = ()
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secrets(self) -> frozenset[str]:
        """Return every secret text that the job or its project was given."""
        own = list(self.credentials)
        if self.project is not None:
            own += self.project.galaxies
            own += [self.project.credential] if self.project.credential is not None else []
        texts = {text for each in own for name in each.secrets if (text := each.text(name))}
        return frozenset(texts | set(self.passwords.values()))


def read_job_inputs(connection: Connection, cipher: Cipher, job_id: int) -> JobInputs:
    """Read what the job needs. Raises NotFound when the job itself is gone."""
    job = _find(connection, t.unified_jobs, job_id, JobRow)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    project_id = job.unified_job_template_id if job.type == "project_update" else job.project_id
    return JobInputs(
        job=job,
        template=_find(connection, t.unified_job_templates, job.unified_job_template_id, TemplateRow),
        project=_find_project(connection, cipher, project_id),
        inventory=_find_inventory(connection, job.inventory_id),
        user=_find(connection, t.users, job.created_by_id, UserRow),
        delivery=None if job.delivery_id is None else read_delivery(connection, job.delivery_id),
        workflow=_find(connection, t.unified_jobs, _find_workflow_job_id(connection, job), WorkflowRow),
        credentials=_read_credentials(connection, cipher, job_id),
        passwords={name: cipher.decrypt(value) for name, value in job.survey_passwords.items()},
    )


def _find_workflow_job_id(connection: Connection, job: JobRow) -> int | None:
    if job.launch_type != "workflow":
        return None
    nodes = t.workflow_job_nodes
    launched = select(nodes.c.workflow_job_id).where(nodes.c.job_id == job.id)
    return connection.execute(launched).scalar_one_or_none()


def read_installation(connection: Connection) -> str:
    """Return the installation's uuid."""
    return str(connection.execute(select(t.installation.c.uuid)).scalar_one())


def _find(connection: Connection, table: Table, row_id: int | None, kind: type[T], **more: Any) -> T | None:
    if row_id is None:
        return None
    names = [each.name for each in fields(kind) if each.name in table.c]  # type: ignore[arg-type]
    row = connection.execute(select(*(table.c[name] for name in names)).where(table.c.id == row_id)).mappings().first()
    return None if row is None else kind(**row, **more)


def _find_project(connection: Connection, cipher: Cipher, project_id: int | None) -> ProjectRow | None:
    templates = t.unified_job_templates.c
    found = connection.execute(
        select(templates.credential_id, templates.organization_id).where(templates.id == project_id)
    ).one_or_none()
    if found is None:
        return None
    own = connection.execute(_credentials().where(t.credentials.c.id == found.credential_id)).mappings()
    between = t.organization_galaxy_credentials.c
    galaxies = connection.execute(
        _credentials()
        .join(t.organization_galaxy_credentials, between.credential_id == t.credentials.c.id)
        .where(between.organization_id == found.organization_id)
        .order_by(between.id)
    ).mappings()
    return _find(
        connection,
        t.unified_job_templates,
        project_id,
        ProjectRow,
        credential=next((_decrypt(row, cipher) for row in own), None),
        galaxies=tuple(_decrypt(row, cipher) for row in galaxies),
    )


def _find_inventory(connection: Connection, inventory_id: int | None) -> InventoryRow | None:
    rows = connection.execute(
        select(t.hosts.c.name, t.hosts.c.variables)
        .where(t.hosts.c.inventory_id == inventory_id, t.hosts.c.enabled)
        .order_by(t.hosts.c.name)
    ).mappings()
    hosts = tuple(HostRow(**row) for row in rows)
    groups = read_groups(connection, inventory_id)
    return _find(connection, t.inventories, inventory_id, InventoryRow, hosts=hosts, groups=groups)


def _read_credentials(connection: Connection, cipher: Cipher, job_id: int) -> tuple[Credential, ...]:
    attached = (
        _credentials()
        .join(t.job_credentials, t.job_credentials.c.credential_id == t.credentials.c.id)
        .where(t.job_credentials.c.job_id == job_id)
        .order_by(t.job_credentials.c.id)
    )
    return tuple(_decrypt(row, cipher) for row in connection.execute(attached).mappings())


def _credentials() -> Any:
    kinds = t.credential_types.c
    return select(
        t.credentials.c.id,
        t.credentials.c.name,
        t.credentials.c.inputs,
        kinds.kind,
        kinds.namespace,
        kinds.managed,
        kinds.injectors,
        kinds.inputs.label("declared"),
    ).join(t.credential_types, kinds.id == t.credentials.c.credential_type_id)


def _decrypt(row: RowMapping, cipher: Cipher) -> Credential:
    declared = (row["declared"] or {}).get("fields", [])
    encrypted = {name for name, value in row["inputs"].items() if is_encrypted(value)}
    return Credential(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        namespace=row["namespace"] or "",
        inputs={name: cipher.decrypt(value) if name in encrypted else value for name, value in row["inputs"].items()},
        secrets=frozenset(encrypted | {each["id"] for each in declared if each.get("secret")}),
        fields=declared,
        injectors=row["injectors"] or {},
        managed=row["managed"],
    )
