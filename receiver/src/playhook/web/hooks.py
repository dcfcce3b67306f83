# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook endpoints: anonymous, answered as WIRE tells senders, never 500 and never 202 before the commit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.convertors import Convertor, StringConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from playhook.domain.delivery import Delivery
from playhook.errors import DeliveryRefused, NotAuthentic, StoreUnavailable, TooLarge, UnsignedPing
from playhook.intake.accept import Accepted
from playhook.intake.receive import Intake
from playhook.intake.sources import Address
from playhook.logs import get_logger

_FORBIDDEN: Final = {"detail": "You do not have permission to perform this action."}
ALLOW: Final = "POST, OPTIONS"
_METHODS: Final = ("POST", "OPTIONS", "GET", "HEAD", "PUT", "PATCH", "DELETE")
_READ_TIMEOUT: Final = 60.0  # seconds a sender has for the whole body
_RETRY_AFTER: Final = "30"
_REASON_LENGTH: Final = 1024
_LARGEST_ID: Final = 2**31 - 1  # what the database can hold; what is no such number is as unknown as this one
_BODIES_AT_ONCE: Final = 8  # of the largest size
_LEAST_ROOM: Final = 64 * 1024 * 1024  # bytes
_log = get_logger(__name__)


def _one_of(words: Iterable[str]) -> Convertor[str]:
    class OneOf(StringConvertor):
        regex = "|".join(re.escape(word) for word in words) or "(?!)"

    return OneOf()


class _Bodies:
    """How many bytes of bodies are in memory; whoever sends them need not be authentic. One event loop uses it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def room(self) -> Iterator[_Room]:
        """Lend room for one body until its delivery is answered."""
        room = _Room(self)
        try:
            yield room
        finally:
            self.held -= room.taken


class _Room:
    def __init__(self, bodies: _Bodies) -> None:
        self._bodies = bodies
        self.taken = 0

    def take(self, size: int) -> int:
        """Count `size` bytes more; returns the body's size so far. Raises StoreUnavailable when there is no room."""
        self.taken += size
        self._bodies.held += size
        if self._bodies.held > self._bodies.most:
            raise StoreUnavailable("too many large deliveries are arriving at once")
        return self.taken


class HookEndpoints:
    """The routes for job templates, workflow job templates and endpoints that several templates share."""

    def __init__(self, intake: Intake, *, max_body: int, refusals_per_minute: int) -> None:
        self._intake = intake
        self._max_body = max_body
        self._limit = RateLimitItemPerMinute(refusals_per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._bodies = _Bodies(max(_BODIES_AT_ONCE * max_body, _LEAST_ROOM))

    def routes(self, services: Iterable[str]) -> tuple[list[Route], list[Route]]:
        """Return the routes of these services, and those of any other word in their place.

        The first go before the API's some hundred routes, for matching those costs a delivery more than its signature;
        the others go after them, where they cannot take `launch` for a service. Each has its path with and without
        the trailing slash: services do not follow redirects.
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
        async def receive(request: Request) -> Response:
            if request.method != "POST":
                return _answer_other(request.method, request.path_params["service"], known=known)
            remote = request.client.host if request.client else ""
            path = request.path_params
            address = Address(
                kind=kind,
                template_id=_template_id(path.get("id", "")),
                name=path.get("name", ""),
                service=path["service"],
                remote=remote,
            )
            try:
                return await self._receive(request, address)
            except StoreUnavailable as error:
                return _answer(503, {"detail": str(error)}, {"Retry-After": _RETRY_AFTER})
            except (ClientDisconnect, TimeoutError):
                return _answer(408, {"detail": "The body did not arrive in time."})
            except Exception:  # noqa: BLE001  the edge: a sender is told to come again, the log says why
                _log.exception("delivery not taken", template=address.template_id, service=address.service[:64])
                return _answer(503, {"detail": "The delivery could not be taken."}, {"Retry-After": _RETRY_AFTER})

        return receive

    async def _receive(self, request: Request, address: Address) -> Response:
        # Addresses are shared (GitHub's by all its users), so who is refused often is still heard when authentic.
        suspect = not self._limiter.test(self._limit, address.remote)
        try:
            with self._bodies.room() as room:
                delivery = await self._read(request, address, room)
                accepted = await self._intake.receive_delivery(address, delivery, suspect=suspect)
        except DeliveryRefused as refusal:
            if suspect:
                return _answer(429, {"detail": "Too many refused deliveries."}, {"Retry-After": "60"})
            self._limiter.hit(self._limit, address.remote)
            return _refuse(refusal)
        return _accept_all(accepted) if address.kind == "endpoint" else _accept(accepted[0])

    async def _read(self, request: Request, address: Address, room: _Room) -> Delivery:
        """Read the body up to the limit. Raises TooLarge, which is on record then, and StoreUnavailable."""
        announced = request.headers.get("content-length", "")
        too_large = announced.isdecimal() and int(announced[:20]) > self._max_body
        chunks: list[bytes] = []
        if not too_large:
            async with asyncio.timeout(_READ_TIMEOUT):
                async for chunk in request.stream():
                    chunks.append(chunk)
                    too_large = room.take(len(chunk)) > self._max_body
                    if too_large:
                        chunks.clear()
                        break
        delivery = Delivery(headers=dict(request.headers), body=b"".join(chunks), received=datetime.now(UTC))
        if too_large:
            refusal = TooLarge(f"the body is larger than {self._max_body} bytes")
            self._intake.record_refusal(address, delivery, refusal)
            raise refusal
        return delivery


def _template_id(text: str) -> int:
    return min(int(text), _LARGEST_ID) if text.isdecimal() and text.isascii() and len(text) < 20 else _LARGEST_ID


def _accept(accepted: Accepted) -> Response:
    if accepted.outcome == "duplicate":
        return _answer(202, {"message": "Webhook previously received, aborting."})
    if accepted.outcome == "ignored":
        ignored = {"message": "Webhook ignored", "reason": accepted.reason, "delivery": accepted.delivery_id}
        return _answer(200, ignored)
    return _answer(202, {"message": "Job queued.", "job": accepted.job_id, "delivery": accepted.delivery_id})


def _accept_all(accepted: Sequence[Accepted]) -> Response:
    """Answer for an endpoint: the most that became of it, and what became of it for each template."""
    outcome = next(each for each in ("launched", "duplicate", "ignored") if each in {one.outcome for one in accepted})
    lists: dict[str, Any] = {
        "deliveries": [each.delivery_id for each in accepted],
        "jobs": [each.job_id for each in accepted if each.job_id is not None],
    }
    if outcome == "ignored":
        reasons = " ".join(dict.fromkeys(each.reason for each in accepted))
        return _answer(200, {"message": "Webhook ignored", "reason": reasons[:_REASON_LENGTH], **lists})
    message = "Job queued." if outcome == "launched" else "Webhook previously received, aborting."
    return _answer(202, {"message": message, **lists})


def _refuse(refusal: DeliveryRefused) -> Response:
    if isinstance(refusal, UnsignedPing):
        return _answer(refusal.status, {"message": "Webhook ignored", "reason": str(refusal)})
    # One answer for everything that is not authentic: the true reason is in the delivery's record and the log.
    return _answer(refusal.status, _FORBIDDEN if isinstance(refusal, NotAuthentic) else {"detail": str(refusal)})


def _answer_other(method: str, service: str, *, known: bool) -> Response:
    """Answer what is no POST, at every address alike: it tells nothing of what is there."""
    if not known:
        return Response(orjson.dumps({"detail": "Not found."}), 404, media_type="application/json")
    if method != "OPTIONS":
        return _answer(405, {"detail": f'Method "{method}" not allowed.'})
    name = f"{service.replace('_', ' ').title()} Webhook Receiver"
    renders = ["application/json", "text/html"]
    return _answer(200, {"name": name, "description": "", "renders": renders, "parses": ["application/json"]})


def _answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, {"Allow": ALLOW, **(headers or {})}, "application/json")
