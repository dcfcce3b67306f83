# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl
from urllib.error import URLError

import pytest
from ansible_collections.playhook.webhooks.plugins.module_utils import _http
from ansible_collections.playhook.webhooks.plugins.modules import project
from ansible_collections.playhook.webhooks.tests.unit.fakes.http import Refusal, Response

HOST = "https://receiver.example.com"


def answer_with(monkeypatch, server, refusal):
    def answer(request):
        raise refusal

    monkeypatch.setattr(server, "answer", answer)


def test_a_token_goes_before_a_password(receiver, run):
    run(project, name="x", controller_oauthtoken=receiver.token, controller_password="pl4nt3d-wrong")

    assert {request.headers["Authorization"] for request in receiver.requests} == {"Bearer " + receiver.token}


def test_credentials_are_sent_with_every_request_and_make_no_token(receiver, run):
    run(project, name="x")

    assert all(request.headers["Authorization"].startswith("Basic ") for request in receiver.requests)
    assert [request.path for request in receiver.writes] == ["/api/v2/projects/"]


def test_the_environment_names_the_server(receiver, run, monkeypatch):
    monkeypatch.setenv("CONTROLLER_HOST", HOST)
    monkeypatch.setenv("CONTROLLER_OAUTH_TOKEN", receiver.token)

    nothing = dict.fromkeys(("controller_host", "controller_username", "controller_password"))
    assert run(project, name="x", **nothing)["changed"] is True


@pytest.mark.parametrize("host", ["receiver.example.com", "https://receiver.example.com/"])
def test_an_address_may_lack_its_scheme_or_end_with_a_slash(receiver, run, host):
    assert run(project, name="x", controller_host=host)["changed"] is True


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            {"controller_password": "wrong"},
            (
                "https://receiver.example.com refused the credentials (Invalid username/password.). "
                "Check controller_oauthtoken, or controller_username and controller_password."
            ),
        ),
        (
            {"controller_password": None},
            (
                "No credentials for https://receiver.example.com: give controller_oauthtoken, or controller_username "
                "and controller_password, or set CONTROLLER_OAUTH_TOKEN in the environment."
            ),
        ),
        (
            {"controller_host": "ftp://receiver.example.com"},
            "controller_host must be an http or https address, not 'ftp://receiver.example.com'.",
        ),
        (
            {"controller_host": "https://admin:pass@receiver.example.com"},
            "controller_host must be an address alone, without user, query or fragment.",
        ),
    ],
)
def test_what_cannot_connect_is_refused(receiver, run, option, message):
    assert run.fail(project, name="x", **option) == message
    assert receiver.writes == []


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            Refusal(403, {"detail": "You do not have permission to perform this action."}),
            (
                "https://receiver.example.com answered 403 to GET /api/v2/organizations/: "
                "You do not have permission to perform this action."
            ),
        ),
        (
            Refusal(400, {"name": ["Too long.", "Too odd."], "__all__": ["No."]}),
            "https://receiver.example.com answered 400 to GET /api/v2/organizations/: name: Too long.; Too odd.; No.",
        ),
        (
            Refusal(429, b""),
            "https://receiver.example.com answered 429 to GET /api/v2/organizations/: no reason given.",
        ),
        (
            Refusal(502, b"<html>Bad gateway</html>"),
            "https://receiver.example.com answered 502 to GET /api/v2/organizations/. Its log says why.",
        ),
        (
            Refusal(302, b"", {"Location": "https://elsewhere.example.com/"}),
            (
                "https://receiver.example.com redirects GET /api/v2/organizations/ to https://elsewhere.example.com/, "
                "where credentials are not sent. If that address is right, give it instead."
            ),
        ),
    ],
)
def test_a_refusal_becomes_a_sentence(receiver, run, monkeypatch, refusal, message):
    answer_with(monkeypatch, receiver, refusal)

    assert run.fail(project, name="x") == message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (URLError("[Errno 111] Connection refused"), "gave no answer: [Errno 111] Connection refused."),
        (URLError(ssl.SSLCertVerificationError(1, "self-signed certificate")), "self-signed certificate"),
        (TimeoutError("timed out"), "gave no answer: timed out."),
    ],
)
def test_no_answer_becomes_a_sentence(receiver, run, monkeypatch, error, message):
    def open_url(*args, **kwargs):
        raise error

    monkeypatch.setattr(_http, "open_url", open_url)

    assert message in run.fail(project, name="x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>Log in</html>", "answered GET /api/v2/organizations/ with a page, not JSON. Is this the API?"),
        (b'{"count": 1}', "does not speak the AWX API: no list at organizations/?name=Default. Check controller_host."),
    ],
)
def test_another_kind_of_server_is_an_error(receiver, run, monkeypatch, content, message):
    monkeypatch.setattr(_http, "open_url", lambda *args, **kwargs: Response(200, content))

    assert run.fail(project, name="x") == f"{HOST} {message}"


def test_credentials_over_http_are_a_warning(receiver, run):
    receiver.host = "http://receiver.example.com"

    run(project, name="x", controller_host=receiver.host)

    assert run.warnings == [
        "controller_host is http://receiver.example.com: credentials and keys are sent unencrypted. Use https."
    ]


@pytest.mark.parametrize("host", ["http://127.0.0.1:8052", "http://localhost:8052", "http://[::1]:8052"])
def test_loopback_needs_no_https(receiver, run, host):
    receiver.host = host

    run(project, name="x", controller_host=host)

    assert run.warnings == []


def test_the_options_of_a_connection_reach_the_request(receiver, run, monkeypatch):
    seen = []

    def open_url(url, **given):
        seen.append({name: given[name] for name in ("validate_certs", "timeout", "ca_path")})
        return receiver.open_url(url, **dict(given, validate_certs=True, timeout=10.0, ca_path=None))

    monkeypatch.setattr(_http, "open_url", open_url)

    run(project, name="x", validate_certs=False, request_timeout=3, ca_path="/etc/ssl/own.pem")

    assert seen[0] == {"validate_certs": False, "timeout": 3.0, "ca_path": "/etc/ssl/own.pem"}


def test_paths_below_a_prefix_stay_there(receiver, run, monkeypatch):
    seen = []

    def open_url(url, **given):
        seen.append(url)
        return receiver.open_url(url.replace("/hooks/", "/", 1), **given)

    monkeypatch.setattr(_http, "open_url", open_url)
    run(project, name="x", controller_host=HOST + "/hooks")
    run(project, name="x", description="new", controller_host=HOST + "/hooks")

    assert all(url.startswith(HOST + "/hooks/api/v2/") for url in seen)


def test_a_link_to_another_server_is_not_followed(receiver, run, monkeypatch):
    def find(request):
        return 200, {"count": 1, "next": None, "results": [{"id": 1, "name": "Default", "url": "//evil.example.com/"}]}

    monkeypatch.setattr(receiver, "answer", find)

    assert run.fail(project, name="x", description="new") == (
        f"{HOST} sent a link to another server, //evil.example.com/; it is not followed."
    )
