# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook endpoints: anonymous, answered as WIRE tells senders, never 500 and never 202 before the commit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.convertors import Convertor, StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from playhook.domain.delivery import Delivery
from playhook.errors import DeliveryRefused, StoreUnavailable, TooLarge
from playhook.intake.accept import Accepted
from playhook.intake.receive import Intake
from playhook.intake.sources import Address
from playhook.logs import get_logger
from playhook.web.hook_answers import (
    HookAnswer,
    tell_accepted,
    tell_late,
    tell_other,
    tell_refused,
    tell_to_come_again,
    tell_too_many,
)
from playhook.web.hook_bodies import HookBodies

_METHODS: Final = ("POST", "OPTIONS", "GET", "HEAD", "PUT", "PATCH", "DELETE")
_LARGEST_ID: Final = 2**31 - 1  # what the database can hold; what is no such number is as unknown as this one
_log = get_logger(__name__)


class HookEndpoints:
    """The addresses of job templates, workflow job templates and endpoints that several templates share."""

    def __init__(self, intake: Intake, *, max_body: int, refusals_per_minute: int) -> None:
        self._intake = intake
        self._limit = RateLimitItemPerMinute(refusals_per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._bodies = HookBodies(max_body)

    def in_front_of(self, app: ASGIApp, services: Iterable[str]) -> ASGIApp:
        """Return an application that takes the deliveries of these services, and leaves all else to `app`.

        It is told by one regular expression: to match a path, Starlette asks one route after the other, and what else
        it does for a request costs a delivery several times as much as its signature.
        """
        find_address = _address_finder(services)

        async def take_or_pass(scope: Scope, receive: Receive, send: Send) -> None:
            address = find_address(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
            if address is None:
                await app(scope, receive, send)
            else:
                answer = await self._take(address, scope, receive)
                await answer.send(send)

        return take_or_pass

    def routes(self, services: Iterable[str]) -> tuple[list[Route], list[Route]]:
        """Return the routes of these services, and those of any other word in their place.

        The first go before the API's some hundred routes; the others go after them, where they cannot take `launch`
        for a service. Each has its path with and without the trailing slash: services do not follow redirects.
        """
        register_url_convertor("webhook_service", _one_of(services))
        return self._routes("webhook_service"), self._routes("str")

    def _routes(self, word: str) -> list[Route]:
        known = word == "webhook_service"
        templates = [
            Route(
                f"/api/v2/{kind}s/{{id:str}}/{{service:{word}}}{slash}", self._endpoint(kind, known), methods=_METHODS
            )
            for kind in ("job_template", "workflow_job_template")
            for slash in ("/", "")
        ]
        shared = [
            Route(
                f"/api/v2/webhooks/{{service:{word}}}/{{name:str}}{slash}",
                self._endpoint("endpoint", known),
                methods=_METHODS,
            )
            for slash in ("/", "")
        ]
        return templates + shared

    def _endpoint(self, kind: Literal["job_template", "workflow_job_template", "endpoint"], known: bool) -> Any:
        async def answer(request: Request) -> Response:
            path = request.path_params
            if request.method == "POST":
                address = Address(
                    kind=kind,
                    template_id=_template_id(path.get("id", "")),
                    name=path.get("name", ""),
                    service=path["service"],
                    remote=_remote(request.scope),
                )
                return (await self._take(address, request.scope, request.receive)).as_response()
            if not known:
                raise HTTPException(404)
            return tell_other(request.method, path["service"]).as_response()

        return answer

    async def _take(self, address: Address, scope: Scope, receive: Receive) -> HookAnswer:
        try:
            return await self._receive(address, scope, receive)
        except StoreUnavailable as error:
            return tell_to_come_again(str(error))
        except (ClientDisconnect, TimeoutError):
            return tell_late()
        except Exception:  # noqa: BLE001  the edge: a sender is told to come again, the log says why
            _log.exception("delivery not taken", template=address.template_id, service=address.service[:64])
            return tell_to_come_again("The delivery could not be taken.")

    async def _receive(self, address: Address, scope: Scope, receive: Receive) -> HookAnswer:
        # Addresses are shared (GitHub's by all its users), so who is refused often is still heard when authentic.
        suspect = not self._limiter.test(self._limit, address.remote)
        try:
            accepted = await self._read_and_receive(address, _read_headers(scope), receive, suspect=suspect)
        except DeliveryRefused as refusal:
            if suspect:
                return tell_too_many()
            self._limiter.hit(self._limit, address.remote)
            return tell_refused(refusal)
        return tell_accepted(accepted, endpoint=address.kind == "endpoint")

    async def _read_and_receive(
        self, address: Address, headers: dict[str, str], receive: Receive, *, suspect: bool
    ) -> list[Accepted]:
        """Raises TooLarge, which is on record then, and what else receive_delivery raises."""
        with self._bodies.room() as room:
            body = await room.read(headers, receive)
            delivery = Delivery(headers=headers, body=body or b"", received=datetime.now(UTC))
            if body is None:
                refusal = TooLarge(f"the body is larger than {self._bodies.largest} bytes")
                self._intake.record_refusal(address, delivery, refusal)
                raise refusal
            return await self._intake.receive_delivery(address, delivery, suspect=suspect)


def _one_of(words: Iterable[str]) -> Convertor[str]:
    class OneOf(StringConvertor):
        regex = "|".join(re.escape(word) for word in words) or "(?!)"

    return OneOf()


def _address_finder(services: Iterable[str]) -> Callable[[Scope], Address | None]:
    words = "|".join(map(re.escape, services)) or "(?!)"
    pattern = re.compile(rf"/api/v2/(?:(workflow_)?job_templates/([^/]+)/({words})|webhooks/({words})/([^/]+))/?")

    def find_address(scope: Scope) -> Address | None:
        found = pattern.fullmatch(scope["path"])
        if found is None:
            return None
        workflow, template_id, service, shared, name = found.groups()
        if shared is not None:
            return Address(kind="endpoint", name=name, service=shared, remote=_remote(scope))
        return Address(
            kind="job_template" if workflow is None else "workflow_job_template",
            template_id=_template_id(template_id),
            service=service,
            remote=_remote(scope),
        )

    return find_address


def _remote(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _read_headers(scope: Scope) -> dict[str, str]:
    """Return the headers; of equal names the first counts, as everywhere else."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


def _template_id(text: str) -> int:
    return min(int(text), _LARGEST_ID) if text.isdecimal() and text.isascii() and len(text) < 20 else _LARGEST_ID
