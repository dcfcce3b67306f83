# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that calls the ASGI application in this process, so that tests need no port."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from starlette.applications import Starlette

from playhook.services.registry import load_services
from playhook.settings import Settings
from playhook.store.store import Store
from playhook.web.api_v2 import ApiContext, api_routes
from playhook.web.errors import exception_handlers
from playhook.web.grouped_routes import GroupedRoutes

PUBLIC_URL: Final = "https://playhook.example.com"
_SAME: Any = object()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)  # name → the whole Set-Cookie

    def json(self) -> Any:
        return json.loads(self.body)


def make_api(store: Store, settings: Settings) -> Starlette:
    """Build an application of the API's routes alone."""
    context = ApiContext(store=store, settings=settings, services=load_services())
    return Starlette(routes=[GroupedRoutes(api_routes(context))], exception_handlers=exception_handlers())


class Api:
    """Sends requests as one user; `login` and `bearer` make others of the same application."""

    def __init__(self, app: Starlette, authorization: str | None = None, runner: asyncio.Runner | None = None) -> None:
        self._app = app
        self.authorization = authorization
        self._runner = runner or asyncio.Runner()
        self.jar: dict[str, str] | None = None  # cookies that are kept and sent, as a browser does

    def login(self, username: str, password: str) -> Api:
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return Api(self._app, f"Basic {pair}", self._runner)

    def bearer(self, token: str) -> Api:
        return Api(self._app, f"Bearer {token}", self._runner)

    def anonymous(self) -> Api:
        return Api(self._app, None, self._runner)

    def browser(self) -> Api:
        """Return a client that keeps cookies."""
        client = self.anonymous()
        client.jar = {}
        return client

    def close(self) -> None:
        self._runner.close()

    def get(self, path: str, **query: Any) -> Answer:
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any = _SAME) -> Answer:
        return self.request("POST", path, {} if body is _SAME else body)

    def put(self, path: str, body: Any) -> Answer:
        return self.request("PUT", path, body)

    def patch(self, path: str, body: Any) -> Answer:
        return self.request("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def options(self, path: str) -> Answer:
        return self.request("OPTIONS", path)

    def request(
        self,
        method: str,
        path: str,
        body: Any = _SAME,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"host": "playhook.example.com", **({"authorization": self.authorization} if self.authorization else {})}
        content = raw if raw is not None else b"" if body is _SAME else json.dumps(body).encode()
        if body is not _SAME:
            sent["content-type"] = "application/json"
        if self.jar:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        sent |= {"content-length": str(len(content)), **(headers or {})}
        answer = self._runner.run(self._call(method, path, sent, content))
        if self.jar is not None:
            self.jar |= {name: cookie.partition("=")[2].partition(";")[0] for name, cookie in answer.cookies.items()}
        return answer

    async def _call(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        bare, _mark, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
            "path": bare, "raw_path": bare.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("192.0.2.1", 40000), "server": ("playhook.example.com", 443), "state": {},
        }  # fmt: skip
        waiting = [{"type": "http.request", "body": content, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start = sent[0]
        return Answer(
            status=start["status"],
            headers=_to_dict(start["headers"]),
            body=b"".join(message.get("body", b"") for message in sent[1:]),
            cookies=_cookies(start["headers"]),
        )


def _to_dict(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in headers}


def _cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    given = [value.decode("latin-1") for name, value in headers if name.lower() == b"set-cookie"]
    return {cookie.partition("=")[0]: cookie for cookie in given}
