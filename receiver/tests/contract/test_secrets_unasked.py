# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret can be guessed by asking a list: none is among what can be filtered, ordered or searched, on any way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playhook.services.registry import load_services
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.web.api_v2 import ApiContext
from playhook.web.api_v2.resource import Resource
from playhook.web.api_v2.resources import all_resources
from tests.api_client import Api

# Columns that hold secrets, or may: what people write into variables is theirs to know.
SECRET = {
    "password_hash", "password_digest", "token_digest", "session_digest", "key_check", "inputs", "survey_spec",
    "notification_configuration", "survey_passwords", "extra_vars", "extra_data", "webhook_key", "previous_key", "key",
    "keys", "host_config_key", "body",
}  # fmt: skip
NO_STORE: Any = None  # the declarations do not read
RESOURCES = all_resources(
    ApiContext(store=NO_STORE, settings=Settings(home=Path("/nonexistent")), services=load_services())
)
NOT_SECRET = {("credential_types", "inputs")}  # which fields a credential has


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
def test_no_secret_can_be_asked_for(resource: Resource) -> None:
    """Whatever leads to a resource, by any number of links, ends at one of its names."""
    collection = resource.collection
    asked = {name: column for name, column in collection.columns.items() if name not in collection.forbidden}
    secret = {(resource.name, column) for column in asked.values()} - NOT_SECRET
    assert [column for _name, column in secret if column in SECRET] == []
    assert set(collection.search) <= set(asked)
    for link in collection.links.values():
        assert link.target in RESOURCES


def test_the_names_of_secrets_are_up_to_date() -> None:
    """A column that is encrypted or hashed is named like one that is known."""
    columns = {column.name for table in t.metadata.tables.values() for column in table.columns}
    suspicious = {each for each in columns if any(word in each for word in ("password", "secret", "digest", "key"))}
    assert suspicious - SECRET == {"dedupe_key"}


@pytest.mark.parametrize(
    "query",
    [
        "credentials/?inputs__token__startswith=a", "credentials/?order_by=inputs",
        "credentials/?order_by=-inputs__token",
        "job_templates/?webhook_credential__inputs__contains=a", "job_templates/?order_by=webhook_key",
        "organizations/?credentials__inputs__regex=a", "hosts/?created_by__password__startswith=a",
        "jobs/?launched_by__password=a", "job_templates/?order_by=created_by__password",
        "users/?password__isnull=false", "tokens/?token__startswith=a", "jobs/?extra_vars__contains=a",
        "jobs/?survey_passwords__contains=a", "job_templates/?survey_spec__contains=a",
        "notification_templates/?notification_configuration__contains=a",
    ],
)  # fmt: skip
def test_lookups_of_secrets_are_refused(shared_api: Api, query: str) -> None:
    assert shared_api.get(f"/api/v2/{query}").status in {400, 403}
