# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`/api/login/` and `/api/logout/`: a form for people and for AWX's clients, which both get a session's cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from playhook.settings import Settings
from playhook.store.sessions import end_session, open_session
from playhook.store.store import Store
from playhook.web.auth import Gate, Verified
from playhook.web.body import read_body
from playhook.web.cookies import (
    SESSION_COOKIE,
    csrf_failure,
    csrf_token,
    drop_session_cookie,
    give_csrf_token,
    set_session_cookie,
)
from playhook.web.errors import answer_error

_HOME: Final = "/api/"
_LARGEST_FORM: Final = 64 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_HTML: Final = frozenset({"text/html", "text/*", "*/*"})
_WRONG: Final = (
    "Please enter a correct username and password. Note that both fields may be case-sensitive."  # AWX's sentence
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = Environment(autoescape=True).from_string(
    """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Log in · Playhook</title></head>
<body>
<main>
<h1>Log in to Playhook</h1>
{% if message %}<p role="alert">{{ message }}</p>
{% endif %}<form method="post" action="/api/login/">
<input type="hidden" name="csrfmiddlewaretoken" value="{{ csrf_token }}">
<input type="hidden" name="next" value="{{ next }}">
<p><label>Username <input name="username" autocomplete="username" autocapitalize="none" maxlength="150" required
 autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Log in</button></p>
</form>
</main>
</body>
</html>
"""
)

Endpoint = Callable[[Request], Awaitable[Response]]


class Login:
    """The two pages of one installation."""

    def __init__(self, store: Store, settings: Settings, gate: Gate) -> None:
        self._store = store
        self._settings = settings
        self._gate = gate

    def routes(self) -> list[Route]:
        """Return the routes of both pages."""
        return [
            Route("/api/login/", _guarded(self._login), methods=["GET", "POST"]),
            Route("/api/logout/", _guarded(self._log_out), methods=["GET", "POST"]),
        ]

    async def _login(self, request: Request) -> Response:
        return await (self._log_in(request) if request.method == "POST" else self._show(request))

    async def _show(self, request: Request) -> Response:
        accepted = {part.split(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")}
        if not accepted & _HTML:
            raise HTTPException(406, "Could not satisfy the request Accept header.")
        return self._page(request, 200, request.query_params.get("next", ""))

    async def _log_in(self, request: Request) -> Response:
        form = await _read_form(request)
        wanted = form.get("next", request.query_params.get("next", ""))
        failure = csrf_failure(request, self._settings, form.get("csrfmiddlewaretoken", ""))
        if failure:
            return self._page(request, 403, wanted, f"CSRF verification failed: {failure} Please try again.")
        try:
            verified = await self._gate.check_password(request, form.get("username", ""), form.get("password", ""))
        except HTTPException as refusal:
            message = _WRONG if refusal.status_code == 401 else refusal.detail
            return self._page(request, refusal.status_code, wanted, message)
        session_id = await run_in_threadpool(self._open, request, verified)
        response = RedirectResponse(safe_next(wanted), 302, _HEADERS | {"X-API-Session-Cookie-Name": SESSION_COOKIE})
        give_csrf_token(response, request, self._settings, fresh=True)
        set_session_cookie(response, request, self._settings, session_id)
        return response

    def _open(self, request: Request, verified: Verified) -> str:
        self._end(request)  # a session that somebody else may have given this browser does not live on
        lifetime = timedelta(seconds=self._settings.session_lifetime)
        return self._store.write(open_session, verified.user_id, verified.password_hash, lifetime)

    def _end(self, request: Request) -> None:
        session_id = request.cookies.get(SESSION_COOKIE)
        if session_id:
            self._store.write(end_session, session_id)

    async def _log_out(self, request: Request) -> Response:
        await run_in_threadpool(self._end, request)
        response = RedirectResponse(safe_next(request.query_params.get("next", "")), 302, _HEADERS)
        drop_session_cookie(response, request, self._settings)
        return response

    def _page(self, request: Request, status: int, wanted: str, message: str = "") -> Response:
        page = _PAGE.render(message=message, next=safe_next(wanted), csrf_token=csrf_token(request))
        retry = {"Retry-After": "60"} if status == 429 else {}
        response = HTMLResponse(page, status, _HEADERS | retry)
        give_csrf_token(response, request, self._settings)
        return response


def safe_next(wanted: str) -> str:
    """Return where a login leads: a path of this receiver, never another site."""
    is_path = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if is_path else _HOME


async def _read_form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, f"The login form is sent as {_FORM}.")
    raw = await read_body(request, _LARGEST_FORM)
    try:
        fields = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError as error:
        raise HTTPException(400, f"The form cannot be read: {type(error).__name__}.") from None
    return {name: values[-1] for name, values in fields.items()}


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:  # noqa: BLE001  the edge of the process: everything becomes an answer
            return answer_error(error)

    return guarded
