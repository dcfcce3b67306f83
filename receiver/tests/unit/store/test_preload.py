# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first start writes what must be there; later ones complete it and change nothing else."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.migrate import migrate
from playhook.store.preload import preload
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx
from playhook.store.users import verify_password

pytestmark = pytest.mark.both_databases

_NAMES = {
    "Machine", "Source Control", "Vault", "GitHub Personal Access Token", "GitLab Personal Access Token",
    "Bitbucket Data Center HTTP Access Token", "Container Registry", "Ansible Galaxy/Automation Hub API Token",
    "Bitbucket Cloud Access Token", "Gitea Access Token", "Azure DevOps Personal Access Token", "Network",
    "Amazon Web Services", "OpenStack", "VMware vCenter", "Red Hat Satellite 6", "Google Compute Engine",
    "Microsoft Azure Resource Manager", "Red Hat Virtualization", "Red Hat Ansible Automation Platform",
    "OpenShift or Kubernetes API Bearer Token",
}  # fmt: skip


@pytest.fixture
def empty(settings: Settings) -> Iterator[Store]:
    """A migrated store without any row."""
    settings.home.mkdir(parents=True)
    migrate(settings.database)
    opened = open_store(settings)
    yield opened
    opened.close()


def _all(store: Store, table: Any) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(table.select()).all())


def test_the_first_start_makes_the_installation(empty: Store, settings: Settings) -> None:
    given = settings.model_copy(update={"admin_username": "root", "admin_password": SecretStr("a password")})
    assert empty.write(preload, given) is None
    assert len(_all(empty, t.installation)) == 1
    assert [row.name for row in _all(empty, t.organizations)] == ["Default"]
    assert {row.name for row in _all(empty, t.credential_types) if row.managed} == _NAMES
    (user,) = _all(empty, t.users)
    assert (user.username, user.is_superuser, verify_password(user.password_hash, "a password")) == ("root", True, True)


def test_a_generated_password_is_in_a_file_that_only_its_owner_reads(empty: Store, settings: Settings) -> None:
    file = empty.write(preload, settings)
    assert file == settings.home / "admin_password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (user,) = _all(empty, t.users)
    assert verify_password(user.password_hash, file.read_text().strip())


def test_a_file_that_somebody_put_there_is_not_written_into(empty: Store, settings: Settings) -> None:
    other = settings.home / "other"
    other.write_text("")
    (settings.home / "admin_password").symlink_to(other)
    empty.write(preload, settings)
    assert other.read_text() == ""


def test_later_starts_change_nothing(empty: Store, settings: Settings) -> None:
    empty.write(preload, settings)
    tables = (t.installation, t.organizations, t.credential_types, t.users)
    before = [_all(empty, table) for table in tables]
    changed = settings.model_copy(update={"admin_password": SecretStr("another")})
    assert empty.write(preload, changed) is None
    assert [_all(empty, table) for table in tables] == before


def test_a_deleted_organization_stays_deleted(empty: Store, settings: Settings) -> None:
    empty.write(preload, settings)
    empty.write(lambda tx: tx.connection.execute(t.organizations.delete()))
    empty.write(preload, settings)
    assert _all(empty, t.organizations) == []


@pytest.mark.parametrize("aged", [{"inputs": {"fields": []}}, {"injectors": {"env": {}}}])
def test_managed_types_get_the_inputs_and_injectors_of_this_version(
    empty: Store, settings: Settings, aged: dict[str, Any]
) -> None:
    def age(tx: Tx) -> None:
        tx.connection.execute(update(t.credential_types).values(**aged))

    empty.write(preload, settings)
    before = _all(empty, t.credential_types)
    empty.write(age)
    empty.write(preload, settings)
    after = {row.id: (row.inputs, row.injectors) for row in _all(empty, t.credential_types)}
    assert after == {row.id: (row.inputs, row.injectors) for row in before}


def test_token_types_have_a_secret_token_and_an_address(empty: Store, settings: Settings) -> None:
    empty.write(preload, settings)
    for row in _all(empty, t.credential_types):
        if row.kind == "token":
            fields = {each["id"]: bool(each.get("secret")) for each in row.inputs["fields"]}
            assert (fields, row.inputs["required"]) == ({"token": True, "api_url": False}, ["token"])
