# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates: their webhook and its key, what they refuse, and launching by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from tests.api_client import Api
from tests.integration.api.conftest import TOKEN, World, create, type_id

from playhook.store import tables as t
from playhook.store.hook_templates import read_config_version
from playhook.store.store import Store


def _key(api: Api, template: dict[str, Any]) -> str:
    answer = api.get(template["related"]["webhook_key"])
    assert answer.status == 200
    return str(answer.json()["webhook_key"])


def _valid_keys(store: Store, template_id: int, after: timedelta = timedelta(0)) -> list[str]:
    then = datetime.now(UTC) + after
    with store.reading() as connection:
        rows = connection.execute(t.webhook_keys.select().where(t.webhook_keys.c.template_id == template_id)).all()
    return [store.cipher.decrypt(row.key) for row in rows if row.expires is None or row.expires > then]


def test_a_new_webhook_has_a_url_a_key_and_a_fingerprint(api: Api, world: World, store: Store) -> None:
    key = _key(api, world.template)
    path = f"{world.template['url']}github/"
    assert (len(key), key.isalnum(), key.isascii()) == (50, True, True)
    assert world.template["related"]["webhook_receiver"] == path
    assert world.template["playhook"] == {
        "webhook_url": f"https://playhook.example.com{path}",
        "webhook_key": "$encrypted$",
        "webhook_key_fingerprint": sha256(f"playhook-webhook-key:{key}".encode()).hexdigest()[:16],
        "allow_sha1": False,
        "status_context": "",
    }
    assert _valid_keys(store, world.template["id"]) == [key]


def test_a_template_without_a_service_has_no_url_and_no_key(api: Api, world: World) -> None:
    template = create(api, "job_templates", name="By hand", **world.template_fields)
    assert (template["related"]["webhook_receiver"], _key(api, template)) == ("", "")
    ours = template["playhook"]
    assert (ours["webhook_url"], ours["webhook_key"], ours["webhook_key_fingerprint"]) == (None, "", None)


def test_the_key_changes_with_the_service_and_goes_with_it(api: Api, world: World) -> None:
    template = create(api, "job_templates", name="Mine", **world.template_fields, webhook_service="github")
    keys = [_key(api, template)]
    for change in ({"webhook_service": "github", "description": "x"}, {"webhook_service": "gitlab"},
                   {"webhook_service": None}, {"webhook_service": "github"}):  # fmt: skip
        assert api.patch(template["url"], change).status == 200
        keys.append(_key(api, template))
    assert (keys[0], keys[3]) == (keys[1], "")
    assert len(set(keys)) == 4


def test_rotating_refuses_the_old_key_at_once(api: Api, world: World, store: Store) -> None:
    old = _key(api, world.template)
    rotated = api.post(world.template["related"]["webhook_key"], {})
    assert (rotated.status, rotated.json()["webhook_key"] != old) == (201, True)
    assert _valid_keys(store, world.template["id"]) == [rotated.json()["webhook_key"]]


def test_a_grace_period_keeps_the_old_key_for_that_long(api: Api, world: World, store: Store) -> None:
    template_id, old = world.template["id"], _key(api, world.template)
    new = api.post(world.template["related"]["webhook_key"], {"grace": 60}).json()["webhook_key"]
    assert sorted(_valid_keys(store, template_id)) == sorted([old, new])
    assert _valid_keys(store, template_id, timedelta(seconds=61)) == [new]
    newest = api.post(world.template["related"]["webhook_key"], {}).json()["webhook_key"]
    assert sorted(_valid_keys(store, template_id)) == sorted([old, newest])


@pytest.mark.parametrize("key", ["k" * 20, "own-key/with+punctuation=" + "x" * 39])
def test_a_key_of_ones_own(api: Api, world: World, key: str) -> None:
    given = api.post(world.template["related"]["webhook_key"], {"webhook_key": key})
    assert (given.status, given.json()) == (201, {"webhook_key": key})
    assert _key(api, world.template) == key
    template = create(
        api, "job_templates", name="Own", **world.template_fields, webhook_service="github",
        playhook={"webhook_key": key},
    )  # fmt: skip
    assert _key(api, template) == key
    assert api.patch(template["url"], {"playhook": template["playhook"]}).status == 200
    assert _key(api, template) == key


@pytest.mark.parametrize("key", ["k" * 19, "k" * 65, "k" * 20 + "\n", "k" * 20 + "é", 5, ["k" * 20], "k" * 20 + " "])
def test_bad_keys_are_refused_and_the_old_one_stays(api: Api, world: World, key: Any) -> None:
    old = _key(api, world.template)
    refused = api.post(world.template["related"]["webhook_key"], {"webhook_key": key})
    assert (refused.status, list(refused.json())) == (400, ["webhook_key"])
    refused = api.patch(world.template["url"], {"playhook": {"webhook_key": key}})
    assert (refused.status, list(refused.json())) == (400, ["playhook"])
    assert str(key) not in json.dumps(refused.json())
    assert _key(api, world.template) == old


@pytest.mark.parametrize("grace", [-1, "60", 1.5, True, 30 * 24 * 3600 + 1])
def test_bad_grace_periods_are_refused(api: Api, world: World, grace: Any) -> None:
    refused = api.post(world.template["related"]["webhook_key"], {"grace": grace})
    assert (refused.status, list(refused.json())) == (400, ["grace"])


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        ({"allow_sha1": "yes"}, "allow_sha1: true or false is wanted, not a text."),
        ({"status_context": "a\nb"}, "status_context: One line of at most 255 characters is wanted."),
        ({"status_context": "x" * 256}, "status_context: One line of at most 255 characters is wanted."),
        ({"preset": "everything"}, "preset: There is no such preset; there are all, ci, deploy."),
        ({"dedupe": {"w": 5}}, "dedupe.w: There is no such setting here; there are window, body and on_repeat."),
        ("x", 'Expected a dictionary of items but got type "str".'),
    ],
)
def test_our_own_key_is_checked(api: Api, world: World, ours: Any, sentence: str) -> None:
    refused = api.patch(world.template["url"], {"playhook": ours})
    assert (refused.status, refused.json()) == (400, {"playhook": [sentence]})


def test_unknown_keys_of_ours_are_refused_by_name(api: Api, world: World) -> None:
    refused = api.patch(world.template["url"], {"playhook": {"webhook": "x", "preset": "ci"}})
    sentence = refused.json()["playhook"][0]
    assert (refused.status, sentence.startswith('Unknown key "webhook". The keys are: allow_sha1, ')) == (400, True)


def test_rules_are_read_back_and_taken_away_by_null(api: Api, world: World) -> None:
    rules = {"preset": "ci", "filters": {"branches": ["main"]}, "dedupe": {"body": True}}
    shown = api.patch(world.template["url"], {"playhook": rules}).json()["playhook"]
    assert {name: shown[name] for name in rules} == rules
    assert "preset" not in api.patch(world.template["url"], {"playhook": {"preset": None}}).json()["playhook"]


def test_patch_keeps_what_of_ours_it_does_not_name(api: Api, world: World) -> None:
    api.patch(world.template["url"], {"playhook": {"allow_sha1": True}})
    changed = api.patch(world.template["url"], {"playhook": {"status_context": "ci/shop"}}).json()["playhook"]
    assert (changed["allow_sha1"], changed["status_context"]) == (True, "ci/shop")
    whole = {**world.template_fields, "name": "Deploy", "webhook_service": "github", "playhook": {}}
    assert api.put(world.template["url"], whole).json()["playhook"]["allow_sha1"] is False


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"webhook_service": "nowhere"}, {"webhook_service": ['"nowhere" is not a valid choice.']}),
        ({"webhook_service": "gitlab"}, {"webhook_credential": ["Must match the selected webhook service."]}),
        ({"webhook_service": ""}, {"webhook_credential": ["Must match the selected webhook service."]}),
        ({"webhook_credential": "machine"}, {"webhook_credential": ["Must be a Personal Access Token."]}),
        ({"webhook_credential": 99999}, {"webhook_credential": ['Invalid pk "99999" - object does not exist.']}),
        ({"playbook": ""}, {"playbook": ["Must select playbook for project."]}),
        ({"playbook": "none.yml"}, {"playbook": ["Playbook not found for project."]}),
        ({"project": None}, {"project": ["This field is required."]}),
        ({"inventory": None}, {"inventory": ["You must either set a default value or ask to prompt on launch."]}),
        ({"scm_branch": "main"}, {"scm_branch": ["Project does not allow overriding branch."]}),
        ({"job_type": "zz", "verbosity": 99, "diff_mode": "maybe", "forks": "x"},
         {"job_type": ['"zz" is not a valid choice.'], "verbosity": ['"99" is not a valid choice.'],
          "diff_mode": ["Must be a valid boolean."], "forks": ["A valid integer is required."]}),
        ({"extra_vars": "[1]"},
         {"extra_vars": [("Cannot parse as JSON (error: Input type `list` is not a dictionary) or YAML (error: Input "
                         "type `list` is not a dictionary).")]}),
    ],
)  # fmt: skip
def test_refusals_in_awx_words(api: Api, world: World, change: dict[str, Any], wanted: dict[str, Any]) -> None:
    if change.get("webhook_credential") == "machine":
        machine = create(api, "credentials", name="root", organization=1, credential_type=type_id(api, "ssh"))
        change = {"webhook_credential": machine["id"]}
    refused = api.patch(world.template["url"], change)
    assert (refused.status, refused.json()) == (400, wanted)


def test_a_second_template_of_the_same_name_is_refused(api: Api, world: World) -> None:
    same = {**world.template_fields, "name": "Deploy"}
    assert api.post("/api/v2/job_templates/", same).json() == {
        "__all__": ["JobTemplate with this (name, organization) combination already exists."]
    }


def test_yaml_that_would_fill_the_memory_is_refused(api: Api, world: World) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    refused = api.patch(world.template["url"], {"extra_vars": "\n".join(lines)})
    assert refused.status == 400
    assert "more than 100000 values" in refused.json()["extra_vars"][0]


def test_what_intake_caches_is_marked_as_changed(api: Api, world: World, store: Store) -> None:
    def version() -> int:
        with store.reading() as connection:
            return read_config_version(connection)

    changes = [
        lambda: api.patch(world.template["url"], {"description": "x"}),
        lambda: api.post(world.template["related"]["webhook_key"]),
        lambda: api.patch(world.credential["url"], {"description": "x"}),
        lambda: api.patch(world.project["url"], {"description": "x"}),
        lambda: api.post(world.template["related"]["credentials"], {"id": machine["id"]}),
        lambda: api.post(world.template["related"]["credentials"], {"id": machine["id"], "disassociate": True}),
        lambda: api.delete(world.template["url"]),
    ]
    machine = create(api, "credentials", name="root", organization=1, credential_type=type_id(api, "ssh"))
    for change in changes:
        before = version()
        change()
        assert version() > before


def test_attaching_credentials(api: Api, world: World) -> None:
    path = world.template["related"]["credentials"]
    ssh = type_id(api, "ssh")
    machines = [create(api, "credentials", name=f"m{n}", organization=1, credential_type=ssh)["id"] for n in (1, 2)]
    assert api.post(path, {"id": machines[0]}).status == 204
    assert api.post(path, {"id": machines[0]}).status == 204
    assert api.get(world.template["url"]).json()["summary_fields"]["credentials"] == [
        {"id": machines[0], "name": "m1", "description": "", "kind": "ssh", "cloud": False}
    ]
    refused = api.post(path, {"id": machines[1]})
    assert (refused.status, refused.json()) == (400, {"error": "Cannot assign multiple Machine credentials."})
    refused = api.post(path, {"id": world.credential["id"]})
    assert (refused.status, refused.json()) == (400, {"error": "Cannot assign a Credential of kind `token`."})
    assert api.post(path, {"id": machines[0], "disassociate": True}).status == 204
    assert api.get(path).json()["count"] == 0
    assert api.post(path, {"id": 999}).status == 400
    assert api.post(path, {}).status == 400


def test_launching_takes_what_is_asked_for_and_reports_the_rest(api: Api, world: World) -> None:
    asks = {"ask_limit_on_launch": True, "ask_variables_on_launch": True, "extra_vars": "a: 1\nb: 2"}
    api.patch(world.template["url"], asks)
    launched = api.post(
        world.template["related"]["launch"],
        {"limit": "till-1", "extra_vars": {"b": 3, "c": "{{ d }}"}, "forks": 5, "job_tags": "", "verbosity": 0},
    )
    assert launched.status == 201
    job = launched.json()
    assert (job["job"], job["ignored_fields"], job["limit"], job["forks"]) == (job["id"], {"forks": 5}, "till-1", 0)
    assert json.loads(job["extra_vars"]) == {"a": 1, "b": 3, "c": "{{ d }}"}
    assert (job["status"], job["launch_type"], job["webhook_service"]) == ("pending", "manual", "")
    assert launched.headers["location"] == job["url"]


def test_launching_with_other_credentials_and_another_inventory(api: Api, world: World) -> None:
    api.patch(world.template["url"], {"ask_credential_on_launch": True, "ask_inventory_on_launch": True})
    ssh = create(api, "credentials", name="m", organization=1, credential_type=type_id(api, "ssh"))["id"]
    other = create(api, "inventories", name="Other", organization=world.organization["id"])["id"]
    job = api.post(world.template["related"]["launch"], {"credentials": [ssh], "inventory": other}).json()
    assert (job["inventory"], [each["id"] for each in job["summary_fields"]["credentials"]]) == (other, [ssh])
    assert api.get(job["related"]["credentials"]).json()["count"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"extra_vars": "not: [valid"}, "extra_vars"),
        ({"extra_vars": 5}, "extra_vars"),
        ({"inventory": 999}, "inventory"),
        ({"credentials": [999]}, "credentials"),
        ({"credentials": "x"}, "credentials"),
        ({"forks": "many"}, "forks"),
        ({"job_type": "destroy"}, "job_type"),
    ],
)
def test_launches_with_bad_values_are_refused(api: Api, world: World, body: dict[str, Any], field: str) -> None:
    api.patch(world.template["url"], {"ask_credential_on_launch": True, "ask_inventory_on_launch": True})
    refused = api.post(world.template["related"]["launch"], body)
    assert (refused.status, list(refused.json())) == (400, [field])
    assert api.get("/api/v2/jobs/").json()["count"] == 0


def test_secrets_that_would_be_asked_for_keep_a_launch_from_starting(api: Api, world: World) -> None:
    ssh = type_id(api, "ssh")
    asking = create(api, "credentials", name="m", organization=1, credential_type=ssh, inputs={"password": "ASK"})
    api.post(world.template["related"]["credentials"], {"id": asking["id"]})
    shown = api.get(world.template["related"]["launch"]).json()
    assert (shown["can_start_without_user_input"], shown["passwords_needed_to_start"]) == (False, ["ssh_password"])
    refused = api.post(world.template["related"]["launch"])
    assert (refused.status, refused.json()) == (400, {"passwords_needed_to_start": ["ssh_password"]})


def test_no_answer_holds_the_token_of_a_credential(api: Api, world: World) -> None:
    api.post(world.template["related"]["launch"])
    for path in ("credentials", "job_templates", "jobs", "unified_jobs", "credential_types", "organizations"):
        assert TOKEN.encode() not in api.get(f"/api/v2/{path}/").body
    refused = api.post("/api/v2/credentials/", {"name": "x", "credential_type": 4, "inputs": {"token": [TOKEN]}})
    assert (refused.status, TOKEN.encode() in refused.body) == (400, False)


_NO_FILE = "A limit cannot name a file with @; write the names of hosts and groups."
_NO_CONTROL = "Control characters and line breaks are not allowed."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("limit", "@/etc/playhook/secret_key", _NO_FILE),
        ("limit", "web,@hosts", _NO_FILE),
        ("limit", "web, @hosts", _NO_FILE),
        ("limit", "web:@hosts", _NO_FILE),
        ("limit", "]@hosts", _NO_FILE),
        ("limit", "web\nother", _NO_CONTROL),
        ("job_tags", "a\x1bb", _NO_CONTROL),
        ("skip_tags", "a\nb", _NO_CONTROL),
        ("start_at_task", "a\nb", _NO_CONTROL),
        ("scm_branch", "--upload-pack=id", '"--upload-pack=id" is not something that git can fetch.'),
    ],
)
def test_what_ansible_or_git_would_take_for_more_is_refused(
    api: Api, world: World, field: str, value: str, sentence: str
) -> None:
    asks = {"limit": "limit", "job_tags": "tags", "skip_tags": "skip_tags", "scm_branch": "scm_branch"}
    assert api.patch(world.project["url"], {"allow_override": True}).status == 200
    stored = api.patch(world.template["url"], {field: value})
    assert (stored.status, stored.json()) == (400, {field: [sentence]})
    if field in asks:
        assert api.patch(world.template["url"], {f"ask_{asks[field]}_on_launch": True}).status == 200
        launched = api.post(f"{world.template['url']}launch/", {field: value})
        assert (launched.status, launched.json()) == (400, {field: [sentence]})


@pytest.mark.parametrize("limit", ["web:!db:&live", "ada@till-1", "[2001:db8::1]", "tills[0:2],~web.*", ""])
def test_limits_that_name_hosts_are_taken(api: Api, world: World, limit: str) -> None:
    assert api.patch(world.template["url"], {"limit": limit}).json()["limit"] == limit
