# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects are made, read, changed and deleted as in AWX: same keys, same types, same sentences."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import Api
from tests.contract.awx_objects import OBJECTS
from tests.contract.shapes import OURS, kind
from tests.integration.api.conftest import World, create, names, type_id

# Not built here: environments and their "resolved" one; what only POST or only GET shows is checked where it matters.
_NOT_HERE = {"resolved_environment"}


def _objects(api: Api, world: World) -> dict[str, dict[str, Any]]:
    template = api.get(world.template["url"]).json()
    job = api.post(world.template["related"]["launch"]).json()
    workflow = create(api, "workflow_job_templates", name="Release", organization=world.organization["id"],
                      webhook_service="github", webhook_credential=world.credential["id"])  # fmt: skip
    node = create(api, "workflow_job_template_nodes", workflow_job_template=workflow["id"],
                  unified_job_template=template["id"])  # fmt: skip
    return {
        "workflow_job_template": api.get(workflow["url"]).json(),
        "workflow_job_template_node": api.get(node["url"]).json(),
        "workflow_job": api.get(api.post(workflow["related"]["launch"]).json()["url"]).json(),
        "organization": api.get(world.organization["url"]).json(),
        "inventory": api.get(world.inventory["url"]).json(),
        "host": api.get(world.host["url"]).json(),
        "project": api.get(world.project["url"]).json(),
        "credential": api.get(world.credential["url"]).json(),
        "credential_type": api.get(f"/api/v2/credential_types/{type_id(api, 'ssh')}/").json(),
        "job_template": template,
        "job": api.get(job["url"]).json(),
        "user": api.get("/api/v2/me/").json()["results"][0],
        "o_auth2_access_token": create(api, "tokens", scope="read"),
    }


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_objects_have_the_keys_and_types_of_awx(api: Api, world: World, name: str) -> None:
    shown = _objects(api, world)[name]
    wanted = OBJECTS[name].types()
    assert set(shown) - {OURS} == set(wanted)
    unlike = {key: kind(value) for key, value in shown.items() if key in wanted and value is not None
              and kind(value) not in wanted[key] and wanted[key] != {"null"}}  # fmt: skip
    assert unlike == {}


@pytest.mark.parametrize("name", sorted(set(OBJECTS) - {"job"}))
def test_related_and_summary_fields_have_the_keys_of_awx(api: Api, world: World, name: str) -> None:
    shown = _objects(api, world)[name]
    assert set(OBJECTS[name].related.split()) == set(shown["related"])
    assert set(OBJECTS[name].summary_fields.split()) - _NOT_HERE == set(shown["summary_fields"])


def test_every_related_path_answers(api: Api, world: World) -> None:
    for shown in _objects(api, world).values():
        for name, path in shown["related"].items():
            status = api.get(path).status if path else 200
            assert status == 200 or name == "webhook_receiver", (name, path, status)


def test_what_was_written_is_read_back(api: Api, world: World) -> None:
    extra_vars = "---\n# kept\na:   1\nb: [1, 2]\n"
    written = {
        "extra_vars": extra_vars, "limit": "till-*", "forks": 7, "verbosity": 3, "job_tags": "one,two",
        "timeout": 60, "diff_mode": True, "ask_limit_on_launch": True, "description": "text", "skip_tags": "x",
    }  # fmt: skip
    assert api.patch(world.template["url"], written).status == 200
    read = api.get(world.template["url"]).json()
    assert {name: read[name] for name in written} == written


def test_extra_vars_given_as_an_object_are_stored_as_json(api: Api, world: World) -> None:
    answer = api.patch(world.template["url"], {"extra_vars": {"a": 1}})
    assert answer.json()["extra_vars"] == '{"a": 1}'


def test_unknown_keys_are_ignored(api: Api) -> None:
    assert create(api, "organizations", name="Odd", nonsense=1, id=99, url="/x/")["name"] == "Odd"


def test_put_resets_what_it_leaves_out_and_needs_what_is_required(api: Api, world: World) -> None:
    url = world.organization["url"]
    api.patch(url, {"description": "old", "max_hosts": 5})
    assert api.put(url, {"description": "new"}).json() == {"name": ["This field is required."]}
    changed = api.put(url, {"name": "Shop"}).json()
    assert (changed["description"], changed["max_hosts"]) == ("", 0)


def test_patch_changes_what_it_names(api: Api, world: World) -> None:
    changed = api.patch(world.organization["url"], {"description": "new"}).json()
    assert (changed["name"], changed["description"]) == ("Shop", "new")
    assert changed["modified"] > changed["created"]


def test_deleting_twice_answers_204_and_404(api: Api) -> None:
    url = create(api, "organizations", name="Brief")["url"]
    assert api.delete(url).status == 204
    again = api.delete(url)
    assert (again.status, again.json()) == (404, {"detail": "No Organization matches the given query."})


def test_what_an_unfinished_job_uses_cannot_be_deleted(api: Api, world: World) -> None:
    job = api.post(world.template["related"]["launch"]).json()
    for used in (world.template, world.project, world.inventory, world.organization, world.host):
        answer = api.delete(used["url"])
        assert answer.status == 409, used["url"]
        assert answer.json() == {
            "detail": "Resource is being used by running jobs.",
            "active_jobs": [{"type": "job", "id": str(job["id"])}],
        }


def test_deleting_a_credential_clears_the_references_to_it(api: Api, world: World) -> None:
    assert api.delete(world.credential["url"]).status == 204
    assert api.get(world.template["url"]).json()["webhook_credential"] is None


@pytest.mark.parametrize(
    ("resource", "body", "wanted"),
    [
        ("organizations", {}, {"name": ["This field is required."]}),
        ("organizations", {"name": ""}, {"name": ["This field may not be blank."]}),
        ("organizations", {"name": None}, {"name": ["This field cannot be blank."]}),
        ("organizations", {"name": "x" * 513}, {"name": ["Ensure this field has no more than 512 characters."]}),
        ("organizations", {"name": ["x"]}, {"name": ["Not a valid string."]}),
        ("organizations", {"name": "x\0"}, {"name": ["Null characters are not allowed."]}),
        ("organizations", {"name": "Shop"}, {"name": ["Organization with this Name already exists."]}),
        ("organizations", {"name": "x", "max_hosts": "y"}, {"max_hosts": ["A valid integer is required."]}),
        ("organizations", {"name": "x", "max_hosts": -1},
         {"max_hosts": ["Ensure this value is greater than or equal to 0."]}),
        ("organizations", {"name": "x", "default_environment": 5},
         {"default_environment": ['Invalid pk "5" - object does not exist.']}),
        ("inventories", {"name": "x"}, {"organization": ["This field is required."]}),
        ("inventories", {"name": "x", "organization": "y"},
         {"organization": ["Incorrect type. Expected pk value, received str."]}),
        ("inventories", {"name": "x", "organization": 2**40},
         {"organization": [f'Invalid pk "{2**40}" - object does not exist.']}),
        ("projects", {"name": "x", "scm_type": "git"}, {"scm_url": ["SCM URL is required."]}),
        ("projects", {"name": "x", "local_path": "elsewhere"},
         {"local_path": ["This path is already being used by another manual project."]}),
        ("projects", {"name": "x", "local_path": "../shop"},
         {"local_path": ["This path is already being used by another manual project."]}),
        ("credentials", {"name": "x", "credential_type": 1},
         {"detail": ["Missing 'user', 'team', or 'organization'."]}),
        ("credentials", {"name": "x", "organization": 1, "credential_type": 999},
         {"credential_type": ['Invalid pk "999" - object does not exist.']}),
        ("credentials", {"name": "x", "organization": 1, "credential_type": ""},
         {"credential_type": ["This field may not be null."]}),
        ("tokens", {"scope": "root"},
         {"scope": ["Must be a simple space-separated string with allowed scopes ['read', 'write']."]}),
        ("tokens", {"application": 1}, {"application": ['Invalid pk "1" - object does not exist.']}),
        ("users", {"username": "x"}, {"password": ["Password required for new User."]}),
        ("users", {"username": "admin", "password": "x"}, {"username": ["A user with that username already exists."]}),
    ],
)  # fmt: skip
def test_refusals_name_the_field_in_awx_words(
    api: Api, world: World, resource: str, body: dict[str, Any], wanted: dict[str, Any]
) -> None:
    answer = api.post(f"/api/v2/{resource}/", body)
    assert (answer.status, answer.json()) == (400, wanted)


def test_nobody_logs_in_as_a_user_with_an_empty_password(api: Api) -> None:
    """`awx import` sends one for every user."""
    user = create(api, "users", username="ann", password="")
    assert api.login("ann", "").get("/api/v2/me/").status == 401
    assert api.patch(user["url"], {"password": "ann's own"}).status == 200
    assert api.login("ann", "ann's own").get("/api/v2/me/").json()["count"] == 1


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c touch% x", "--upload-pack=touch x", "ssh://-oProxyCommand=x/y", "http:///x", "fd::1", "https://u:p@h/r",
     "git@host:-x", "https://host/a b"],
)  # fmt: skip
def test_git_is_never_given_a_url_that_could_do_more(api: Api, url: str) -> None:
    answer = api.post("/api/v2/projects/", {"name": "x", "scm_type": "git", "scm_url": url})
    assert answer.status == 400
    assert list(answer.json()) == ["scm_url"]


@pytest.mark.parametrize(
    "url",
    ["https://git.example.com/shop.git", "ssh://git@git.example.com:2222/shop.git", "git@git.example.com:shop.git",
     "/srv/git/shop.git", "file:///srv/git/shop.git"],
)  # fmt: skip
def test_a_new_git_project_is_updated_at_once(api: Api, url: str) -> None:
    project = create(api, "projects", name="git", scm_type="git", scm_url=url)
    update = project["summary_fields"]["current_update"]
    assert update["status"] == "pending"
    shown = api.get(f"/api/v2/project_updates/{update['id']}/").json()
    assert (shown["project"], shown["scm_url"], shown["launched_by"]["name"]) == (project["id"], url, "admin")


def test_a_project_update_can_be_asked_for_but_not_of_a_manual_project(api: Api, world: World) -> None:
    project = create(api, "projects", name="git", scm_type="git", scm_url="https://git.example.com/shop.git")
    update = api.post(project["related"]["update"])
    assert update.status == 202
    assert api.get(update.json()["url"]).json()["type"] == "project_update"
    assert api.post(world.project["related"]["update"]).status == 405


def test_duplicate_names_are_refused_within_an_organization_only(api: Api, world: World) -> None:
    other = create(api, "organizations", name="Other")["id"]
    same = {"name": "Tills", "organization": world.organization["id"]}
    assert api.post("/api/v2/inventories/", same).json() == {
        "__all__": ["Inventory with this Name and Organization already exists."]
    }
    assert create(api, "inventories", name="Tills", organization=other)["organization"] == other


def test_hosts_are_made_below_their_inventory(api: Api, world: World) -> None:
    path = world.inventory["related"]["hosts"]
    assert api.post(path, {"name": "till-2"}).json()["inventory"] == world.inventory["id"]
    assert api.post(path, {"name": "till-2"}).json() == {
        "__all__": ["Host with this Name and Inventory already exists."]
    }
    assert names(api, path) == ["till-1", "till-2"]


def test_the_inventory_script_is_what_ansible_reads(api: Api, world: World) -> None:
    api.patch(world.inventory["url"], {"variables": "a: 1"})
    api.post(world.inventory["related"]["hosts"], {"name": "off", "enabled": False})
    assert api.get(world.inventory["related"]["script"], hostvars=1).json() == {
        "all": {"vars": {"a": 1}, "hosts": ["till-1"]},
        "_meta": {"hostvars": {"till-1": {"ansible_connection": "local"}}},
    }


def test_our_own_key_is_checked_name_by_name(api: Api, world: World) -> None:
    url = world.inventory["url"]
    assert api.patch(url, {"playhook": {"source_path": "inventory/"}}).json()["playhook"] == {
        "source_path": "inventory/"
    }
    wrong = api.patch(url, {"playhook": {"source": "x"}})
    assert (wrong.status, wrong.json()) == (400, {"playhook": ['Unknown key "source". The keys are: source_path.']})
    for path in ("/etc/hosts", "../x", 5):
        assert api.patch(url, {"playhook": {"source_path": path}}).status == 400


def test_objects_are_found_by_their_named_url(api: Api, world: World) -> None:
    odd = create(api, "organizations", name="A+B/C?")
    named = odd["related"]["named_url"]
    assert named == "/api/v2/organizations/A[+]B[2F]C[3F]/"
    assert api.get(named).json()["id"] == odd["id"]
    for shown in (world.template, world.inventory, world.host, world.project, world.credential):
        assert api.get(shown["related"]["named_url"]).json()["id"] == shown["id"]
    assert api.get("/api/v2/job_templates/Deploy++Nowhere/").status == 404
    assert api.get("/api/v2/job_templates/Deploy/").status == 404
    assert api.get("/api/v2/users/admin/").json()["id"] == 1


def test_copies_have_what_the_original_has_but_their_own_key(api: Api, world: World) -> None:
    copy = api.post(world.template["related"]["copy"], {"name": "Deploy too"})
    assert copy.status == 201
    ours, theirs = world.template["playhook"], copy.json()["playhook"]
    assert ours["webhook_key_fingerprint"] != theirs["webhook_key_fingerprint"]
    assert copy.json()["webhook_credential"] == world.credential["id"]
    inventory = api.post(world.inventory["related"]["copy"], {"name": "Tills too"}).json()
    assert names(api, inventory["related"]["hosts"]) == ["till-1"]
    assert api.get(world.project["related"]["copy"]).json() == {"can_copy": False}
    assert api.post(world.template["related"]["copy"], {"name": "Deploy too"}).status == 400
