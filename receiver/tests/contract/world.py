# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects for the contract's tests; their names are what the tables of expectations speak of."""

from __future__ import annotations

from typing import Any, Final

from tests.api_client import Api

ADMIN: Final = ("admin", "a password for tests")
PLAIN: Final = ("plain", "another password for tests")
TOKEN: Final = "ghp_never_shown"


def add_world(api: Api) -> None:
    """Make one object of each kind, five hosts and two jobs."""
    shop = _create(api, "organizations", name="Shop")
    _create(api, "organizations", name="Hidden")
    plain = _create(api, "users", username=PLAIN[0], password=PLAIN[1])
    tills = _create(api, "inventories", name="Tills", organization=shop, variables="a: 1")
    for name, description, enabled in (
        ("alpha", "First", True), ("Beta", "", False), ("gamma_1", "first", True), ("gammaX1", "third, last", True),
        ("till-1", "", True),
    ):  # fmt: skip
        _create(api, "hosts", name=name, description=description, enabled=enabled, inventory=tills)
    project = _create(api, "projects", name="Shop playbooks", local_path="shop", organization=shop)
    kind = api.get("/api/v2/credential_types/?namespace=github_token").json()["results"][0]["id"]
    bot = _create(api, "credentials", name="bot", credential_type=kind, inputs={"token": TOKEN}, organization=shop)
    _create(api, "credentials", name="own", credential_type=kind, inputs={"token": TOKEN}, user=plain)
    fields = {"inventory": tills, "project": project, "playbook": "site.yml", "ask_variables_on_launch": True}
    template = _create(api, "job_templates", name="Deploy", webhook_service="github", webhook_credential=bot, **fields)
    _create(api, "job_templates", name="Check", job_type="check", **fields)
    for _number in range(2):
        assert api.post(f"/api/v2/job_templates/{template}/launch/").status == 201


def _create(api: Api, resource: str, **fields: Any) -> int:
    answer = api.post(f"/api/v2/{resource}/", fields)
    assert answer.status == 201, answer.body
    return int(answer.json()["id"])
