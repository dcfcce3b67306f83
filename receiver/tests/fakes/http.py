# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fakes share: routes with recorded requests, failures on purpose, serving in a thread or as a command."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_START_TIMEOUT = 60.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to the fake: header names in lower case, `raw_path` with its percent signs, `status` once answered."""

    method: str
    path: str
    raw_path: str
    params: Mapping[str, Any]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int = 0

    def json(self) -> Any:
        """Return the decoded body; ValueError when it is not JSON."""
        return json.loads(self.body)

    def fields(self) -> dict[str, Any]:
        """Return parameters the way GitLab takes them: from the query, a form or a JSON object."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {**self.query, **dict(parse_qsl(self.body.decode()))}
        return {**self.query, **(self.json() if self.body else {})}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the fake answers; None is an empty body."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Raised where the real service would refuse."""

    def __init__(self, status: int, content: Any) -> None:
        super().__init__(status, content)
        self.answer = Answer(status=status, content=content)


Endpoint = Callable[[Call], Answer]


class FakeServer:
    """A service on loopback. Subclasses give `routes`; `statuses` holds the accepted commit statuses, oldest first."""

    def __init__(self, *, token: str) -> None:
        self.token = token
        self.url = ""
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._requests: list[Call] = []
        self._statuses: list[dict[str, Any]] = []
        self._failures: list[tuple[Answer, str, str]] = []
        self._background: list[threading.Thread] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # What subclasses give.

    def routes(self) -> Sequence[tuple[str, str, Endpoint]]:
        """Return method, path and endpoint of the service's API."""
        raise NotImplementedError

    def deliver_for_control(self, wanted: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Deliver as `POST /_fake/deliver` asks, and return what was answered, per hook."""
        raise NotImplementedError

    def shown_deliveries(self) -> Sequence[Mapping[str, Any]]:
        """Return every delivery so far, oldest first."""
        raise NotImplementedError

    # What tests look at and steer.

    @property
    def requests(self) -> list[Call]:
        """Every request to the API so far, also the refused ones."""
        with self._lock:
            return list(self._requests)

    @property
    def statuses(self) -> list[dict[str, Any]]:
        """The accepted commit statuses: repository, sha, state, context, description, target_url, and the service's."""
        with self._lock:
            return [dict(status) for status in self._statuses]

    def wait_for_statuses(self, count: int, *, timeout: float = 60.0) -> list[dict[str, Any]]:
        """Return the statuses as soon as there are `count` of them; AssertionError when there are not in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._statuses) >= count, timeout):
                raise AssertionError(f"{count} statuses wanted within {timeout} s, got {self._statuses}")
            return self.statuses

    def fail_next(
        self,
        count: int = 1,
        *,
        status: int = 500,
        headers: Mapping[str, str] | None = None,
        content: Any = None,
        method: str = "POST",
        path: str = "/statuses/",
    ) -> None:
        """Answer the next `count` requests whose path contains `path` with this, before anything else is looked at.

        `status=429, headers={"Retry-After": "1"}` limits, `status=302, headers={"Location": url}` redirects.
        """
        answer = Answer(status=status, content=content or {"message": "Failing on purpose"}, headers=headers or {})
        with self._lock:
            self._failures += [(answer, method, path)] * count

    def settle(self, *, timeout: float = 60.0) -> None:
        """Wait until everything that the fake sends by itself (pings, tests, redeliveries) is sent."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads, self._background = self._background, []
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                raise AssertionError(f"A delivery was not answered within {timeout} s")

    # What subclasses use.

    def _add_status(self, status: dict[str, Any]) -> None:
        with self._changed:
            self._statuses.append(status)
            self._changed.notify_all()

    def _in_background(self, action: Callable[[], object]) -> None:
        thread = threading.Thread(target=action, name="fake-delivery", daemon=True)
        with self._lock:
            self._background.append(thread)
        thread.start()

    # Serving.

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> Self:
        """Serve on 127.0.0.1 in a thread; port 0 takes a free one. `url` is set afterwards."""
        listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._app(), log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1, loop="asyncio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name=type(self).__name__, daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"{type(self).__name__} did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving; what is being delivered is waited for."""
        self.settle()
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(_START_TIMEOUT)

    def _app(self) -> Starlette:
        control: list[tuple[str, str, Endpoint]] = [
            ("GET", "/_fake/requests", lambda _: Answer(content=[_shown(call) for call in self.requests])),
            ("GET", "/_fake/statuses", lambda _: Answer(content=self.statuses)),
            ("GET", "/_fake/deliveries", lambda _: Answer(content=list(self.shown_deliveries()))),
            ("POST", "/_fake/deliver", lambda call: Answer(content=list(self.deliver_for_control(call.json())))),
            ("POST", "/_fake/fail", self._fail_for_control),
        ]
        routes = [Route(path, self._route(endpoint), methods=[method]) for method, path, endpoint in control]
        routes += [
            Route(path, self._route(self._recorded(endpoint)), methods=[method])
            for method, path, endpoint in self.routes()
        ]
        return Starlette(routes=routes)

    def _route(self, endpoint: Endpoint) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            call = await _read(request)
            return _response(await run_in_threadpool(_answer, endpoint, call))

        return answer

    def _recorded(self, endpoint: Endpoint) -> Endpoint:
        def record(call: Call) -> Answer:
            answer = self._take_failure(call) or _answer(endpoint, call)
            with self._lock:
                self._requests.append(replace(call, status=answer.status))
            return answer

        return record

    def _take_failure(self, call: Call) -> Answer | None:
        with self._lock:
            for failure in self._failures:
                answer, method, path = failure
                if call.method == method and path in call.path:
                    self._failures.remove(failure)
                    return answer
        return None

    def _fail_for_control(self, call: Call) -> Answer:
        self.fail_next(**call.json())
        return Answer(status=204)


def serve_forever(fake: FakeServer, port: int, **more: Any) -> None:
    """Serve until SIGTERM or SIGINT; the first line on stdout is a JSON object with `url` and `more`."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    # Not `with fake`, which would start it a second time, on another port.
    fake.start(port)
    try:
        print(json.dumps({"url": fake.url, **more}), flush=True)
        stopped.wait()
    finally:
        fake.stop()


def arguments(description: str) -> argparse.ArgumentParser:
    """Return the options that every fake has on its command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (the default) takes a free one")
    parser.add_argument("--token", required=True, help="the only access token that is accepted")
    parser.add_argument("--repository", action="append", required=True, help="a repository that exists; repeatable")
    parser.add_argument("--commit", action="append", help="a commit that exists; repeatable; default: every full SHA")
    return parser


def merged(value: Any, changes: Any) -> Any:
    """Return `value` with `changes` laid over it, object by object (RFC 7396, but None stays None)."""
    if not isinstance(value, dict) or not isinstance(changes, Mapping):
        return changes
    return {**value, **{name: merged(value.get(name), change) for name, change in changes.items()}}


def paged(items: Sequence[Any], call: Call, url: str, *, default: int) -> tuple[list[Any], dict[str, str]]:
    """Return one page and its `Link` header, as both services page: `page` from 1, `per_page` up to 100."""
    size = min(100, _positive(call.query.get("per_page"), default))
    page, last = _positive(call.query.get("page"), 1), max(1, -(-len(items) // size))
    numbers = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = [rel for rel in ("prev", "next", "last", "first") if _is_linked(rel, page, last)]
    links = [f'<{url}{call.raw_path}?page={numbers[rel]}&per_page={size}>; rel="{rel}"' for rel in wanted]
    return list(items[(page - 1) * size : page * size]), {"Link": ", ".join(links)} if links else {}


def _is_linked(rel: str, page: int, last: int) -> bool:
    return page > 1 if rel in ("prev", "first") else page < last


def _positive(value: str | None, default: int) -> int:
    return int(value) if value and value.isdigit() and int(value) > 0 else default


async def _read(request: Request) -> Call:
    return Call(
        method=request.method,
        path=request.url.path,
        raw_path=request.scope.get("raw_path", b"").decode("ascii").partition("?")[0],
        params=request.path_params,
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=await request.body(),
    )


def _answer(endpoint: Endpoint, call: Call) -> Answer:
    try:
        return endpoint(call)
    except Refused as refusal:
        return refusal.answer


def _response(answer: Answer) -> Response:
    body = b"" if answer.content is None else json.dumps(answer.content).encode()
    media_type = "application/json" if body else None
    return Response(body, status_code=answer.status, headers=dict(answer.headers), media_type=media_type)


def _shown(call: Call) -> dict[str, Any]:
    shown = asdict(call)
    del shown["params"]
    return {**shown, "body": call.body.decode("utf-8", "replace")}
