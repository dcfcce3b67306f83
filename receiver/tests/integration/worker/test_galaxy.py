# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections from the servers that an organization names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker.arguments import watched_arguments
from tests.integration.worker.conftest import Bench
from tests.integration.worker.galaxy import serve_galaxy
from tests.integration.worker.repositories import Repository

from playhook.store import tables as t
from playhook.store.job_inputs import Credential
from playhook.worker.requirements import galaxy_servers

pytestmark = pytest.mark.usefixtures("pool")

TOKEN = "planted-galaxy-token"


def add_project(bench: Bench, tmp_path: Path, *servers: dict[str, str]) -> int:
    """Add a project that wants acme.tools, in an organization with these servers."""
    organization = bench.insert(t.organizations, name="Shop")
    inputs = {"fields": [{"id": "url", "label": "URL"}, {"id": "token", "label": "Token", "secret": True}]}
    kind = bench.insert(t.credential_types, name="Galaxy", kind="galaxy", inputs=inputs, injectors={})
    for number, each in enumerate(servers):
        stored = {**each, "token": bench.store.cipher.encrypt(each["token"])}
        credential = bench.insert(t.credentials, name=f"g{number}", credential_type_id=kind, inputs=stored)
        bench.insert(t.organization_galaxy_credentials, organization_id=organization, credential_id=credential)
    files = {
        "collections/requirements.yml": "collections: [acme.tools]\n",
        "site.yml": "- {hosts: all, gather_facts: false, roles: [acme.tools.hello]}\n",
    }
    url = f"file://{Repository(tmp_path / 'plays', files).path}"
    columns: dict[str, Any] = {"name": "plays", "scm_type": "git", "scm_url": url, "organization_id": organization}
    return bench.insert(t.unified_job_templates, type="project", **columns)


def test_a_collection_comes_from_the_organizations_server(bench: Bench, tmp_path: Path) -> None:
    with serve_galaxy(tmp_path, TOKEN) as (url, given), watched_arguments() as arguments:
        project = add_project(bench, tmp_path, {"url": url, "token": TOKEN})
        job = bench.run(bench.template({}, project_id=project))

    assert job.status == "successful", job.job_explanation
    assert "from the collection" in bench.stdout(job.id)
    assert "/tools.tar.gz" in given
    assert TOKEN.encode() not in b" ".join(arguments)
    kept = b"".join(path.read_bytes() for path in bench.settings.home.rglob("*") if path.is_file())
    assert TOKEN.encode() not in kept


def test_a_wrong_token_is_an_error_of_the_update(bench: Bench, tmp_path: Path) -> None:
    with serve_galaxy(tmp_path, TOKEN) as (url, given):
        update = bench.run(add_project(bench, tmp_path, {"url": url, "token": "another-token"}))

    assert (update.status, given) == ("error", [])
    assert 'could not install "collections/requirements.yml" of project "plays"' in update.job_explanation
    assert "another-token" not in update.job_explanation + bench.stdout(update.id)


def test_servers_are_asked_in_the_organizations_order() -> None:
    galaxies = [
        Credential(id=number, name="g", kind="galaxy", namespace="", inputs=inputs)
        for number, inputs in enumerate(({"url": "https://hub/", "auth_url": "https://sso/", "token": "t"},
                                         {"url": "https://galaxy.ansible.com/"}))
    ]  # fmt: skip
    assert galaxy_servers(galaxies) == {
        "ANSIBLE_GALAXY_SERVER_LIST": "server0,server1",
        "ANSIBLE_GALAXY_SERVER_SERVER0_URL": "https://hub/",
        "ANSIBLE_GALAXY_SERVER_SERVER0_AUTH_URL": "https://sso/",
        "ANSIBLE_GALAXY_SERVER_SERVER0_TOKEN": "t",
        "ANSIBLE_GALAXY_SERVER_SERVER1_URL": "https://galaxy.ansible.com/",
    }
    assert galaxy_servers([]) == {}
