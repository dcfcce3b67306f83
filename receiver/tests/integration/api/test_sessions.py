# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in with the form: the cookies, what they are good for, and how a session ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import update
from tests.api_client import PUBLIC_URL, Answer, Api, make_api
from tests.integration.api.conftest import PASSWORD, create

from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.retention import purge
from playhook.store.store import Store
from playhook.store.tx import Tx

_FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def browser(api: Api) -> Api:
    """A browser that has opened the form."""
    client = api.browser()
    assert client.request("GET", "/api/login/", headers={"accept": "text/html"}).status == 200
    return client


def _log_in(
    client: Api, username: str = "admin", password: str = PASSWORD, *, next_path: str = "/api/", **headers: str
) -> Answer:
    form = {"username": username, "password": password, "next": next_path}
    token = (client.jar or {}).get("csrftoken", "")
    sent = {"content-type": _FORM, "referer": f"{PUBLIC_URL}/api/login/", "x-csrftoken": token, **headers}
    return client.request("POST", "/api/login/", raw=urlencode(form).encode(), headers=sent)


def _post(client: Api, **headers: str) -> Answer:
    sent = {"referer": f"{PUBLIC_URL}/api/v2/tokens/", **headers}
    return client.request("POST", "/api/v2/tokens/", {"scope": "read"}, headers=sent)


def test_the_form_leads_to_a_session(browser: Api) -> None:
    answer = _log_in(browser)
    assert (answer.status, answer.headers["location"], answer.body) == (302, "/api/", b"")
    assert answer.headers["x-api-session-cookie-name"] == "awx_sessionid"
    me = browser.get("/api/v2/me/")
    assert (me.status, me.json()["results"][0]["username"]) == (200, "admin")
    assert me.json()["results"][0]["last_login"] is not None


def test_the_form_without_javascript_carries_its_own_token(browser: Api) -> None:
    form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": browser.jar["csrftoken"]}  # type: ignore[index]
    sent = {"content-type": _FORM, "origin": PUBLIC_URL}
    answer = browser.request("POST", "/api/login/", raw=urlencode(form).encode(), headers=sent)
    assert (answer.status, answer.headers["location"]) == (302, "/api/")


def test_cookies_are_secure_on_tls_and_closed_to_scripts(browser: Api) -> None:
    answer = _log_in(browser)
    session, csrf = answer.cookies["awx_sessionid"], answer.cookies["csrftoken"]
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=1800"} <= set(session.split("; "))
    assert {"Secure", "SameSite=lax", "Path=/"} <= set(csrf.split("; "))
    assert "HttpOnly" not in csrf
    assert browser.get("/api/v2/me/").cookies["awx_sessionid"].startswith(session.split(";")[0])


def test_the_page_is_escaped_and_closed(browser: Api) -> None:
    page = browser.request("GET", '/api/login/?next=/api/"><script>alert(1)</script>', headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; form-action 'self'")
    assert b"<script>" not in page.body
    assert b"/api/&#34;&gt;&lt;script&gt;" in page.body
    assert browser.request("GET", "/api/login/", headers={"accept": "application/json"}).status == 406


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("nobody", PASSWORD), ("", ""), ("ad\0min", "x")]
)
def test_a_wrong_password_gets_the_form_again(browser: Api, username: str, password: str) -> None:
    answer = _log_in(browser, username, password)
    assert (answer.status, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert b"correct username and password" in answer.body
    assert "awx_sessionid" not in answer.cookies
    assert browser.get("/api/v2/me/").status == 401


def test_floods_of_wrong_passwords_are_refused(browser: Api) -> None:
    statuses = [_log_in(browser, password=f"wrong {number}").status for number in range(61)]
    assert (statuses[:60], statuses[60:]) == ([401] * 60, [429])
    assert _log_in(browser).status == 429


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/api/v2/jobs/?page=2", "/api/v2/jobs/?page=2"),
        ("", "/api/"),
        ("//evil.example.com/", "/api/"),
        ("/\\evil.example.com", "/api/"),
        ("https://evil.example.com/", "/api/"),
        ("/\t/evil.example.com", "/api/"),
        ("javascript:alert(1)", "/api/"),
        ("/api/\r\nSet-Cookie: a=b", "/api/"),
    ],
)
def test_a_login_never_leads_to_another_site(browser: Api, wanted: str, location: str) -> None:
    assert _log_in(browser, next_path=wanted).headers["location"] == location


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"x-csrftoken": ""}, "CSRF token missing."),
        ({"x-csrftoken": "x" * 32}, "CSRF token from the 'X-Csrftoken' HTTP header incorrect."),
        ({"x-csrftoken": "short"}, "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length."),
        ({"referer": ""}, "Referer checking failed - no Referer."),
        ({"referer": "https://evil.example.com/"},
         "Referer checking failed - https://evil.example.com/ does not match any trusted origins."),
        ({"origin": "https://evil.example.com"},
         "Origin checking failed - https://evil.example.com does not match any trusted origins."),
        ({"origin": "null"}, "Origin checking failed - null does not match any trusted origins."),
    ],
)  # fmt: skip
def test_forged_requests_are_refused(browser: Api, headers: dict[str, str], sentence: str) -> None:
    assert _log_in(browser, **headers).status == 403
    assert _log_in(browser).status == 302
    token = {"x-csrftoken": browser.jar["csrftoken"]}  # type: ignore[index]
    answer = _post(browser, **{**token, **headers})
    assert (answer.status, answer.json()) == (403, {"detail": f"CSRF Failed: {sentence}"})
    assert _post(browser, **token).status == 201


def test_a_request_without_the_token_cookie_is_refused(browser: Api) -> None:
    _log_in(browser)
    token = browser.jar.pop("csrftoken")  # type: ignore[union-attr]
    answer = _post(browser, **{"x-csrftoken": token})
    assert (answer.status, answer.json()) == (403, {"detail": "CSRF Failed: CSRF cookie not set."})


def test_a_form_cannot_be_posted_to_the_api_with_a_session(browser: Api) -> None:
    _log_in(browser)
    sent = {"content-type": _FORM, "origin": PUBLIC_URL, "x-csrftoken": browser.jar["csrftoken"]}  # type: ignore[index]
    assert browser.request("POST", "/api/v2/tokens/", raw=b"scope=read", headers=sent).status == 415


def test_the_authorization_header_wins_over_the_cookie(browser: Api, api: Api) -> None:
    create(api, "users", username="ann", password="ann's password")
    _log_in(browser)
    basic = api.login("ann", "ann's password").authorization
    assert basic is not None
    me = browser.request("GET", "/api/v2/me/", headers={"authorization": basic})
    assert me.json()["results"][0]["username"] == "ann"
    assert browser.request("GET", "/api/v2/me/", headers={"authorization": "Bearer nosuchtoken"}).status == 401


def test_logging_out_ends_the_session_on_the_server(browser: Api) -> None:
    _log_in(browser)
    kept = dict(browser.jar or {})
    answer = browser.get("/api/logout/")
    assert (answer.status, answer.headers["location"]) == (302, "/api/")
    assert "Max-Age=0" in answer.cookies["awx_sessionid"]
    browser.jar = kept
    assert browser.get("/api/v2/me/").status == 401


def test_a_new_login_ends_the_session_before_it(browser: Api) -> None:
    _log_in(browser)
    first = dict(browser.jar or {})
    _log_in(browser)
    assert browser.get("/api/v2/me/").status == 200
    browser.jar = first
    assert browser.get("/api/v2/me/").status == 401


def test_a_changed_password_ends_every_session(browser: Api, api: Api) -> None:
    user = create(api, "users", username="ann", password="the first password")
    assert _log_in(browser, "ann", "the first password").status == 302
    assert api.patch(user["url"], {"first_name": "Ann"}).status == 200
    assert browser.get("/api/v2/me/").status == 200
    assert api.patch(user["url"], {"password": "the second password"}).status == 200
    assert browser.get("/api/v2/me/").status == 401


def test_a_deleted_user_has_no_session(browser: Api, api: Api) -> None:
    user = create(api, "users", username="ann", password="the first password")
    _log_in(browser, "ann", "the first password")
    assert api.delete(user["url"]).status == 204
    assert browser.get("/api/v2/me/").status == 401


def _age(store: Store, *, expires: timedelta, created: timedelta = timedelta()) -> None:
    def write(tx: Tx) -> None:
        now = datetime.now(UTC)
        tx.connection.execute(update(t.sessions).values(expires=now + expires, created=now - created))

    store.write(write)


def _count(store: Store) -> int:
    with store.reading() as connection:
        return len(connection.execute(t.sessions.select()).all())


@pytest.mark.parametrize(
    ("expires", "created"), [(timedelta(seconds=-1), timedelta()), (timedelta(hours=1), timedelta(days=1))]
)
def test_sessions_expire_and_are_forgotten(
    browser: Api, store: Store, settings: Settings, expires: timedelta, created: timedelta
) -> None:
    _log_in(browser)
    _age(store, expires=expires, created=created)
    assert browser.get("/api/v2/me/").status == 401
    assert browser.get("/api/").status == 200
    assert _count(store) == 1
    purge(store, settings)
    assert _count(store) == 0


def test_use_extends_a_session(browser: Api, store: Store) -> None:
    _log_in(browser)
    _age(store, expires=timedelta(minutes=10))
    assert browser.get("/api/v2/me/").status == 200
    store.write(lambda _tx: None)  # after what was submitted before it
    with store.reading() as connection:
        expires = connection.execute(t.sessions.select()).one().expires
    assert expires - datetime.now(UTC) > timedelta(minutes=29)


def test_only_a_digest_of_the_session_is_stored(browser: Api, store: Store) -> None:
    _log_in(browser)
    with store.reading() as connection:
        stored = str(connection.execute(t.sessions.select()).all())
    assert browser.jar is not None
    assert len(browser.jar["awx_sessionid"]) == 30
    assert browser.jar["awx_sessionid"] not in stored


def test_the_public_address_is_an_origin_of_ours_behind_a_proxy(store: Store, settings: Settings, api: Api) -> None:
    proxied = settings.model_copy(update={"base_url": "https://hooks.example.com"})
    browser = Api(make_api(store, proxied)).browser()
    browser.request("GET", "/api/login/", headers={"accept": "text/html"})
    assert _log_in(browser, origin="https://hooks.example.com").status == 302
    browser.close()


@pytest.mark.parametrize(
    ("headers", "raw", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": _FORM}, b"\xff\xfe", 400),
        ({"content-type": _FORM}, b"a=1&" * 21, 400),
        ({"content-type": _FORM}, b"x" * 70_000, 413),
        ({"content-type": _FORM}, b"", 403),
    ],
)
def test_what_is_no_form_is_refused(api: Api, headers: dict[str, str], raw: bytes, status: int) -> None:
    assert api.browser().request("POST", "/api/login/", raw=raw, headers=headers).status == status


def test_other_methods_are_refused(api: Api) -> None:
    answer = api.request("DELETE", "/api/login/")
    assert (answer.status, "POST" in answer.headers["allow"]) == (405, True)
