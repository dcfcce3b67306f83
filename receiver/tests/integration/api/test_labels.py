# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of templates, inventories and jobs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import World, create, names


def test_label_is_made_by_naming_it_below_a_template(api: Api, world: World) -> None:
    path = f"/api/v2/job_templates/{world.template['id']}/labels/"
    body = {"name": "nightly", "organization": world.organization["id"]}
    made = api.post(path, body)
    assert (made.status, made.json()["name"]) == (201, "nightly")
    assert api.post(path, body).status == 204  # the same one, not another
    assert names(api, path) == ["nightly"]
    shown = api.get(f"/api/v2/job_templates/{world.template['id']}/").json()["summary_fields"]["labels"]
    assert shown == {"count": 1, "results": [{"id": made.json()["id"], "name": "nightly"}]}


def test_label_goes_with_the_last_object_that_had_it(api: Api, world: World) -> None:
    label = create(api, "labels", name="blue", organization=world.organization["id"])
    paths = [
        f"/api/v2/{each}/labels/"
        for each in (f"job_templates/{world.template['id']}", f"inventories/{world.inventory['id']}")
    ]
    for path in paths:
        assert api.post(path, {"id": label["id"]}).status == 204
    assert api.post(paths[0], {"id": label["id"], "disassociate": True}).status == 204
    assert names(api, "/api/v2/labels/") == ["blue"]
    assert api.post(paths[1], {"id": label["id"], "disassociate": True}).status == 204
    assert names(api, "/api/v2/labels/") == []


def test_label_cannot_be_deleted_or_made_twice(api: Api, world: World) -> None:
    label = create(api, "labels", name="blue", organization=world.organization["id"])
    assert api.delete(f"/api/v2/labels/{label['id']}/").status == 405
    again = api.post("/api/v2/labels/", {"name": "blue", "organization": world.organization["id"]})
    assert (again.status, again.json()) == (400, {"__all__": ["Label with this Name and Organization already exists."]})


def test_job_keeps_the_labels_that_its_template_had(api: Api, world: World) -> None:
    path = f"/api/v2/job_templates/{world.template['id']}/"
    api.post(f"{path}labels/", {"name": "nightly", "organization": world.organization["id"]})
    job = api.post(f"{path}launch/", {}).json()["job"]
    assert names(api, f"/api/v2/jobs/{job}/labels/") == ["nightly"]
    found = api.get("/api/v2/jobs/", labels__name="nightly").json()["results"]
    assert [each["id"] for each in found] == [job]


def test_labels_of_a_launch_replace_the_template_s_where_it_asks(api: Api, world: World) -> None:
    path = f"/api/v2/job_templates/{world.template['id']}/"
    other = create(api, "labels", name="by hand", organization=world.organization["id"])
    ignored = api.post(f"{path}launch/", {"labels": [other["id"]]}).json()
    assert ignored["ignored_fields"] == {"labels": [other["id"]]}
    api.patch(path, {"ask_labels_on_launch": True})
    job = api.post(f"{path}launch/", {"labels": [other["id"]]}).json()["job"]
    assert names(api, f"/api/v2/jobs/{job}/labels/") == ["by hand"]
    missing = api.post(f"{path}launch/", {"labels": [999_999]})
    assert missing.json() == {"labels": ['Invalid pk "999999" - object does not exist.']}


def test_copy_keeps_labels(api: Api, world: World) -> None:
    path = f"/api/v2/job_templates/{world.template['id']}/"
    api.post(f"{path}labels/", {"name": "nightly", "organization": world.organization["id"]})
    copied = api.post(f"{path}copy/", {"name": "Deploy again"}).json()
    assert names(api, f"/api/v2/job_templates/{copied['id']}/labels/") == ["nightly"]


@pytest.mark.parametrize("organization", [2**63 - 1, 2**64, "x", {}, [1], None])
def test_label_of_what_is_no_organization_is_refused(api: Api, world: World, organization: Any) -> None:
    """PostgreSQL cannot even look for such a number."""
    refused = api.post(world.template["related"]["labels"], {"name": "red", "organization": organization})
    assert (refused.status, list(refused.json())) == (400, ["organization" if organization != 2**64 else "detail"])
