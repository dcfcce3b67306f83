# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a route to an answer, in AWX's order: representation, sender, scope, method, body, and then the view."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson
from anyio import to_thread
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from playhook.domain.nesting import MAX_LEVELS, is_too_deep
from playhook.errors import Forbidden, StoreUnavailable
from playhook.store.trouble import LOCKED
from playhook.web.api_v2.call import ApiContext, Call, not_allowed
from playhook.web.api_v2.endpoints import Endpoints
from playhook.web.api_v2.resource import Resource, Sub
from playhook.web.auth import Claim, Gate, Principal, not_authenticated
from playhook.web.body import read_body
from playhook.web.cookies import give_csrf_token, set_session_cookie
from playhook.web.errors import answer_error

PRODUCT_VERSION: Final = "24.6.1"
"""The AWX whose API this is; our own version is in `ping`."""
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ORDER: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_ACCEPTED: Final = frozenset({"*/*", "application/*", "application/json", "text/html", "text/*"})
_WRONG_TYPE: Final = (
    "You did not use correct Content-Type in your HTTP request. If you are using our REST API, the Content-Type must "
    "be application/json"
)
_LARGEST_BODY: Final = 10 * 1024 * 1024

Answerer = Callable[[Call], Response]


@dataclass(frozen=True, kw_only=True)
class View:
    """What one URL can do. `describe` answers OPTIONS. `formats` are what `?format=` may ask for.

    `resource` is what the answers are about, `sub` the declaration of a path below another object. `patience` is how
    many seconds an answer may take, where one that comes late is worth nothing.
    """

    methods: Mapping[str, Answerer]
    describe: Callable[[Call], Mapping[str, Any]]
    anonymous: bool = False
    gives_csrf_token: bool = False
    formats: frozenset[str] = frozenset({"json"})
    media_types: frozenset[str] = frozenset()
    patience: float | None = None

    resource: Resource | None = None
    sub: Sub | None = None
    is_list: bool = False

    @property
    def other_types(self) -> frozenset[str]:
        """Return the media types of answers that are no JSON."""
        return self.media_types | ({"text/html"} if "html" in self.formats else set())

    @property
    def allow(self) -> str:
        offered = {*self.methods, "OPTIONS", *(["HEAD"] if "GET" in self.methods else [])}
        return ", ".join(method for method in _ORDER if method in offered)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Turns views into routes of one installation."""

    context: ApiContext
    gate: Gate
    api: Endpoints

    def routes(self, path: str, view: View) -> list[Route]:
        """Return the route of a path that ends with a slash, and the one that redirects to it."""
        bare = Route(path.rstrip("/"), _redirect, methods=_METHODS)
        route = Route(path, self._endpoint(view), methods=_METHODS)
        return [route] if path == "/" else [route, bare]

    def _endpoint(self, view: View) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            caller: list[Principal] = []
            try:
                response = await self._serve(request, view, caller)
            except Exception as error:  # noqa: BLE001  the edge of the process: everything becomes an answer
                response = answer_error(error)
            response.headers["Allow"] = view.allow
            response.headers["Vary"] = "Accept, Cookie"
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["X-API-Product-Name"] = "AWX"
            if caller:
                response.headers["X-API-Product-Version"] = PRODUCT_VERSION
            self._set_cookies(response, request, view, caller)
            return response

        return endpoint

    def _set_cookies(self, response: Response, request: Request, view: View, caller: Sequence[Principal]) -> None:
        settings = self.context.settings
        if view.gives_csrf_token:
            give_csrf_token(response, request, settings)
        for session in (each.session for each in caller if each.session):
            set_session_cookie(response, request, settings, session)

    async def _serve(self, request: Request, view: View, caller: list[Principal]) -> Response:
        _check_representation(request, view)
        claim = await self.gate.identify(request)
        if claim is None and not view.anonymous:
            raise not_authenticated()
        raw = (
            await read_body(request, _LARGEST_BODY)
            if request.method in _WITH_BODY and request.method in view.methods
            else b""
        )
        if view.patience is None:
            return await run_in_threadpool(self._answer, request, view, claim, raw, caller)
        try:
            async with asyncio.timeout(view.patience):
                call = partial(self._answer, request, view, claim, raw, caller)
                return await to_thread.run_sync(call, abandon_on_cancel=True)
        except TimeoutError:
            raise StoreUnavailable(LOCKED) from None

    def _answer(
        self, request: Request, view: View, claim: Claim | None, raw: bytes, caller: list[Principal]
    ) -> Response:
        with self.context.store.reading() as connection:
            principal = self.gate.resolve(connection, claim) if claim is not None else None
            if principal is None and not view.anonymous:
                raise not_authenticated()
            caller += [principal] if principal else []
            if principal is not None and not principal.may_use(request.method):
                raise Forbidden
            call = Call(
                context=self.context,
                api=self.api,
                method=request.method,
                path=request.url.path,
                params=request.path_params,
                query=request.query_params,
                connection=connection,
                caller=principal,
                accept=request.headers.get("accept", "*/*"),
                body=_parse_body(request, raw),
            )
            return _find_answerer(view, request.method)(call)


def _find_answerer(view: View, method: str) -> Answerer:
    if method == "OPTIONS":
        return lambda call: _describe(view, call)
    try:
        return view.methods["GET" if method == "HEAD" else method]
    except KeyError:
        raise not_allowed(method) from None


def _describe(view: View, call: Call) -> Response:
    return Response(json.dumps(view.describe(call)), media_type="application/json")


async def _redirect(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=301, headers={"Location": f"{request.url.path}/{query}"})


def _check_representation(request: Request, view: View) -> None:
    wanted = request.query_params.get("format")
    if wanted is not None and wanted not in view.formats:
        raise HTTPException(404, "Not found.")
    accept = request.headers.get("accept", "*/*")
    types = {part.split(";")[0].strip().lower() for part in accept.split(",")}
    if not types & (_ACCEPTED | view.media_types):
        raise HTTPException(406, "Could not satisfy the request Accept header.")


def _parse_body(request: Request, raw: bytes) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    # A form's type is refused even without a body: it is all that a page of another site could send.
    if content_type != "application/json" and (raw or (content_type and request.method in _WITH_BODY)):
        raise HTTPException(415, _WRONG_TYPE)
    if not raw:
        return {}
    try:
        body = json.loads(raw.decode(), parse_constant=_refuse_constant)
        orjson.dumps(body)  # what it refuses (half a surrogate pair, 65 bits) no database could hold either
    except (ValueError, TypeError, RecursionError) as error:
        sentence = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise HTTPException(400, f"JSON parse error - {sentence}\nPossible cause: trailing comma.") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "JSON parse error - not a JSON object")
    if is_too_deep(body):
        raise HTTPException(400, f"JSON parse error - nested more than {MAX_LEVELS} levels deep")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"Out of range float values are not JSON compliant: {name}")
