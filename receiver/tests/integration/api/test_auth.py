# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: Basic, tokens and their scopes, and the four roles of users."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from tests.api_client import Api
from tests.integration.api.conftest import PASSWORD, World, create

from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.users import hash_password, verify_password

_LOGIN = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
_FORBIDDEN = {"detail": "You do not have permission to perform this action."}
_ROLES = {
    "auditor": {"is_system_auditor": True},
    "operator": {"playhook": {"role": "operator"}},
    "plain": {},
}


def _users(api: Api) -> dict[str, Api]:
    clients = {"superuser": api}
    for name, fields in _ROLES.items():
        create(api, "users", username=name, password=f"{name}'s password", **fields)
        clients[name] = api.login(name, f"{name}'s password")
    return clients


def test_anonymous_callers_see_the_map_and_nothing_else(api: Api, world: World) -> None:
    anonymous = api.anonymous()
    for path in ("/api/", "/api/v2/", "/api/v2/ping/"):
        assert anonymous.get(path).status == 200
    for path in ("/api/v2/me/", "/api/v2/config/", "/api/v2/job_templates/", world.template["url"],
                 world.template["related"]["webhook_key"], "/api/v2/roles/"):  # fmt: skip
        answer = anonymous.get(path)
        assert (answer.status, answer.json()) == (401, {"detail": _LOGIN})
        assert answer.headers["www-authenticate"].startswith("Bearer realm=api")
    assert anonymous.post("/api/v2/organizations/", {"name": "x"}).status == 401


@pytest.mark.parametrize(
    "authorization", ["Basic !!!", "Basic", "Basic OnBhc3M=", "Bearer ", "Bearer nosuchtoken", "Digest x", "x"]
)
def test_credentials_that_are_none_get_401(api: Api, authorization: str) -> None:
    answer = api.anonymous().request("GET", "/api/v2/me/", headers={"authorization": authorization})
    assert (answer.status, answer.json()) == (401, {"detail": _LOGIN})


def test_wrong_passwords_get_401(api: Api) -> None:
    assert api.login("admin", "wrong").get("/api/v2/me/").status == 401
    assert api.login("nobody", PASSWORD).get("/api/v2/me/").status == 401


def test_a_changed_password_counts_at_once(api: Api) -> None:
    user = create(api, "users", username="ann", password="the first password")
    ann = api.login("ann", "the first password")
    assert ann.get("/api/v2/me/").status == 200
    assert api.patch(user["url"], {"password": "the second password"}).status == 200
    assert ann.get("/api/v2/me/").status == 401
    assert api.login("ann", "the second password").get("/api/v2/me/").json()["results"][0]["username"] == "ann"
    api.delete(user["url"])
    assert api.login("ann", "the second password").get("/api/v2/me/").status == 401


def test_passwords_are_never_shown(api: Api, store: Store) -> None:
    user = create(api, "users", username="ann", password="very-secret-password")
    assert user["password"] == "$encrypted$"
    kept = api.patch(user["url"], {"password": "$encrypted$", "first_name": "Ann"})
    assert kept.json()["first_name"] == "Ann"
    assert api.login("ann", "very-secret-password").get("/api/v2/me/").status == 200
    with store.reading() as connection:
        stored = connection.execute(t.users.select()).all()
    assert "very-secret-password" not in str(stored)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed to look at them, in order."""
    seen: list[str] = []

    def watch(password_hash: str | None, password: str) -> bool:
        seen.append(password)
        return verify_password(password_hash, password)

    monkeypatch.setattr("playhook.web.auth.verify_password", watch)
    return seen


def test_a_verified_password_is_remembered(api: Api, hashed: list[str]) -> None:
    for _each in range(10):
        assert api.get("/api/v2/me/").status == 200
    assert hashed == [PASSWORD]
    for _each in range(2):
        assert api.login("admin", "wrong").get("/api/v2/me/").status == 401
    assert hashed == [PASSWORD, "wrong", "wrong"]


def test_floods_of_wrong_passwords_are_refused_without_hashing(api: Api, hashed: list[str]) -> None:
    api.get("/api/v2/me/")
    statuses = [api.login("admin", f"wrong {number}").get("/api/v2/me/").status for number in range(62)]
    assert (statuses[:60], statuses[60:]) == ([401] * 60, [429, 429])
    assert hashed == [PASSWORD, *(f"wrong {number}" for number in range(60))]
    create_token = api.post("/api/v2/tokens/")  # what was verified a moment ago goes on
    assert create_token.status == 201


def test_tokens_are_shown_once_and_stop_when_deleted(api: Api, store: Store) -> None:
    made = create(api, "tokens", scope="write", description="ci")
    client = api.bearer(made["token"])
    assert (len(made["token"]), client.get("/api/v2/me/").status) == (30, 200)
    assert api.get(made["url"]).json()["token"] == "************"
    assert client.get("/api/v2/tokens/", id=made["id"]).json()["results"][0]["description"] == "ci"
    with store.reading() as connection:
        assert made["token"] not in str(connection.execute(t.tokens.select()).all())
    assert client.delete(made["url"]).status == 204
    assert client.get("/api/v2/me/").status == 401


def test_expired_tokens_get_401(api: Api, store: Store) -> None:
    made = create(api, "tokens")

    def expire(tx: Tx) -> None:
        tx.connection.execute(update(t.tokens).values(expires=datetime.now(UTC) - timedelta(seconds=1)))

    store.write(expire)
    assert api.bearer(made["token"]).get("/api/v2/me/").status == 401


def test_the_read_scope_only_reads(api: Api, world: World) -> None:
    reader = api.bearer(create(api, "tokens", scope="read")["token"])
    assert reader.get(world.template["url"]).status == 200
    for method, path in (
        ("POST", "/api/v2/organizations/"), ("PATCH", world.organization["url"]), ("DELETE", world.host["url"]),
        ("POST", world.template["related"]["launch"]), ("POST", "/api/v2/tokens/"),
    ):  # fmt: skip
        answer = reader.request(method, path, {"name": "x"})
        assert (answer.status, answer.json()) == (403, _FORBIDDEN), path


def test_personal_tokens_belong_to_their_user(api: Api) -> None:
    clients = _users(api)
    made = clients["plain"].post("/api/v2/users/plain/personal_tokens/", {"scope": "write"})
    assert (made.status, made.json()["summary_fields"]["user"]["username"]) == (201, "plain")
    assert clients["plain"].get("/api/v2/tokens/").json()["count"] == 1
    assert clients["operator"].get("/api/v2/tokens/").json()["count"] == 0
    assert clients["operator"].get(made.json()["url"]).status == 403
    assert clients["operator"].delete(made.json()["url"]).status == 403
    assert api.post("/api/v2/users/plain/personal_tokens/", {"scope": "write"}).status == 403
    assert api.get("/api/v2/users/plain/personal_tokens/").json()["count"] == 1
    assert clients["plain"].delete(made.json()["url"]).status == 204


@pytest.mark.parametrize(
    ("role", "lists", "reads", "launches", "writes"),
    [
        ("superuser", 1, 200, 201, 200),
        ("auditor", 1, 200, 403, 403),
        ("operator", 1, 200, 201, 403),
        ("plain", 0, 403, 403, 403),
    ],
)
def test_roles(api: Api, world: World, role: str, lists: int, reads: int, launches: int, writes: int) -> None:
    client = _users(api)[role]
    template = world.template
    assert client.get("/api/v2/job_templates/").json()["count"] == lists
    assert client.get(template["url"]).status == reads
    assert client.get(template["related"]["launch"]).status == reads
    launched = client.post(template["related"]["launch"])
    assert launched.status == launches
    assert client.patch(template["url"], {"description": "x"}).status == writes
    assert client.get(template["related"]["webhook_key"]).status == (200 if writes == 200 else 403)
    assert client.post(template["related"]["webhook_key"]).status == (201 if writes == 200 else 403)
    assert client.get("/api/v2/me/").json()["count"] == 1
    assert client.post("/api/v2/organizations/", {"name": "x"}).status == (201 if writes == 200 else 403)
    compared = client.post(f"{world.credential['url']}compare/", {"inputs": {"token": "x"}})
    assert compared.status == (200 if writes == 200 else 403)
    job = api.post(template["related"]["launch"]).json()
    assert client.get(job["url"]).status == reads
    assert client.post(job["related"]["cancel"]).status == (202 if launches == 201 else 403)
    assert client.delete(template["url"]).status in {403, 204, 409}


def test_users_change_themselves_but_not_their_rank(api: Api) -> None:
    plain = _users(api)["plain"]
    me = plain.get("/api/v2/me/").json()["results"][0]
    assert plain.patch(me["url"], {"first_name": "P", "password": "a new password"}).status == 200
    plain = api.login("plain", "a new password")
    for change in ({"is_superuser": True}, {"is_system_auditor": True}, {"playhook": {"role": "operator"}},
                   {"username": "admin2"}):  # fmt: skip
        assert plain.patch(me["url"], change).status == 403
    assert plain.get("/api/v2/users/").json()["count"] == 1
    assert plain.get("/api/v2/users/1/").status == 403
    assert plain.delete(me["url"]).status == 403


def test_administrators_do_not_delete_themselves(api: Api) -> None:
    assert api.delete("/api/v2/users/1/").status == 403


def test_unknown_roles_are_refused(api: Api) -> None:
    answer = api.post("/api/v2/users/", {"username": "x", "password": "y", "playhook": {"role": "king"}})
    assert (answer.status, list(answer.json())) == (400, ["playhook"])


def test_a_new_password_is_hashed_outside_the_event_loop(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def note_thread(password: str) -> str:
        threads.append(threading.current_thread())
        return hash_password(password)

    monkeypatch.setattr("playhook.web.api_v2.resources.users.hash_password", note_thread)
    create(api, "users", username="ann", password="a password")
    assert [each is threading.main_thread() for each in threads] == [False]
