# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two cookies of a login session, with AWX's names: the session, and the token against forged requests (CSRF).

The check is Django's: a browser sends the cookie whoever made the request, but only a page of this origin can read it
and repeat it in a header or in a form. Where the browser says which page made the request, that must be ours too.
"""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from playhook.settings import Settings

SESSION_COOKIE: Final = "awx_sessionid"
_CSRF_COOKIE: Final = "csrftoken"
_CSRF_HEADER: Final = "x-csrftoken"
_CSRF_LENGTH: Final = 32
_ALPHABET: Final = string.ascii_letters + string.digits


def set_session_cookie(response: Response, request: Request, settings: Settings, session_id: str) -> None:
    """Give the browser its session, or the same one for longer; no script can read it."""
    response.set_cookie(
        SESSION_COOKIE,
        session_id,
        max_age=settings.session_lifetime,
        expires=settings.session_lifetime,
        secure=_is_secure(request, settings),
        httponly=True,
        samesite="lax",
    )


def drop_session_cookie(response: Response, request: Request, settings: Settings) -> None:
    """Make the browser forget its session."""
    response.delete_cookie(SESSION_COOKIE, secure=_is_secure(request, settings), httponly=True, samesite="lax")


def give_csrf_token(response: Response, request: Request, settings: Settings, *, fresh: bool = False) -> None:
    """Give the browser a token against forged requests; it keeps the one it has unless a fresh one is asked for."""
    value = make_csrf_token() if fresh else csrf_token(request)
    response.set_cookie(_CSRF_COOKIE, value, secure=_is_secure(request, settings), samesite="lax")


def csrf_token(request: Request) -> str:
    """Return the request's token, or a new one; the same for the whole request."""
    known: str | None = getattr(request.state, "csrf_token", None)
    if known is None:
        sent = request.cookies.get(_CSRF_COOKIE, "")
        request.state.csrf_token = known = sent if _is_token(sent) else make_csrf_token()
    return known


def make_csrf_token() -> str:
    return "".join(secrets.choice(_ALPHABET) for _each in range(_CSRF_LENGTH))


def csrf_failure(request: Request, settings: Settings, in_form: str = "") -> str | None:
    """Say in Django's words why the request may be forged; None when it is not."""
    return _wrong_origin(request, settings) or _wrong_token(request, in_form)


def _wrong_origin(request: Request, settings: Settings) -> str | None:
    trusted = set(_origins(request, settings))
    origin = request.headers.get("origin")
    if origin is not None:
        return None if origin in trusted else f"Origin checking failed - {origin} does not match any trusted origins."
    if not _is_secure(request, settings):
        return None
    referer = request.headers.get("referer")
    if not referer:
        return "Referer checking failed - no Referer."
    return (
        None
        if _origin(referer) in trusted
        else f"Referer checking failed - {referer} does not match any trusted origins."
    )


def _wrong_token(request: Request, in_form: str) -> str | None:
    wanted = request.cookies.get(_CSRF_COOKIE, "")
    if not _is_token(wanted):
        return "CSRF cookie not set."
    sent, source = (
        (in_form, "POST") if in_form else (request.headers.get(_CSRF_HEADER, ""), "the 'X-Csrftoken' HTTP header")
    )
    if not sent:
        return "CSRF token missing."
    if len(sent) != _CSRF_LENGTH:
        return f"CSRF token from {source} has incorrect length."
    right = hmac.compare_digest(sent.encode(), wanted.encode())
    return None if right else f"CSRF token from {source} incorrect."


def _is_token(text: str) -> bool:
    return len(text) == _CSRF_LENGTH and set(text) <= set(_ALPHABET)


def _origins(request: Request, settings: Settings) -> Iterator[str]:
    """Yield where pages of this receiver come from: the address asked, and the one it is known by."""
    yield f"{request.url.scheme}://{request.headers.get('host', '')}"
    yield _origin(settings.public_url)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _is_secure(request: Request, settings: Settings) -> bool:
    """Say whether the browser speaks TLS, with us or with a proxy before us."""
    return request.url.scheme == "https" or settings.public_url.startswith("https://")
