# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook endpoints: anonymous, answered as WIRE tells senders, never 500 and never 202 before the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from playhook.domain.delivery import Delivery
from playhook.errors import DeliveryRefused, NotAuthentic, StoreUnavailable, TooLarge, UnsignedPing
from playhook.intake.accept import Accepted
from playhook.intake.receive import Intake
from playhook.intake.sources import Address

_FORBIDDEN: Final = {"detail": "You do not have permission to perform this action."}
_READ_TIMEOUT: Final = 60.0  # seconds a sender has for the whole body
_RETRY_AFTER: Final = "30"
_REASON_LENGTH: Final = 1024
_LARGEST_ID: Final = 2**31 - 1  # what the database can hold; a larger one in a path is as unknown as this one


class HookEndpoints:
    """The routes for job templates, workflow job templates and endpoints that several templates share."""

    def __init__(self, intake: Intake, *, max_body: int, refusals_per_minute: int) -> None:
        self._intake = intake
        self._max_body = max_body
        self._limit = RateLimitItemPerMinute(refusals_per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def routes(self) -> list[Route]:
        """Return the routes, with and without the trailing slash: services do not follow redirects."""
        templates = [
            Route(f"/api/v2/{kind}s/{{id:int}}/{{service:str}}{slash}", self._endpoint(kind), methods=["POST"])
            for kind in ("job_template", "workflow_job_template")
            for slash in ("/", "")
        ]
        shared = [
            Route(f"/api/v2/webhooks/{{service:str}}/{{name:str}}{slash}", self._endpoint("endpoint"), methods=["POST"])
            for slash in ("/", "")
        ]
        return templates + shared

    def _endpoint(self, kind: Literal["job_template", "workflow_job_template", "endpoint"]) -> Any:
        async def receive(request: Request) -> Response:
            remote = request.client.host if request.client else ""
            if not self._limiter.test(self._limit, remote):
                return _answer(429, {"detail": "Too many refused deliveries."}, {"Retry-After": "60"})
            path = request.path_params
            address = Address(
                kind=kind,
                template_id=min(path.get("id", 0), _LARGEST_ID),
                name=path.get("name", ""),
                service=path["service"],
                remote=remote,
            )
            try:
                accepted = await self._intake.receive_delivery(address, await self._read(request, address))
            except DeliveryRefused as refusal:
                self._limiter.hit(self._limit, remote)
                return _refuse(refusal)
            except StoreUnavailable as error:
                return _answer(503, {"detail": str(error)}, {"Retry-After": _RETRY_AFTER})
            except (ClientDisconnect, TimeoutError):
                return _answer(408, {"detail": "The body did not arrive in time."})
            return _accept_all(accepted) if kind == "endpoint" else _accept(accepted[0])

        return receive

    async def _read(self, request: Request, address: Address) -> Delivery:
        """Read the body up to the limit. Raises TooLarge, which is on record then."""
        announced = request.headers.get("content-length", "")
        too_large = announced.isdecimal() and int(announced) > self._max_body
        body = bytearray()
        if not too_large:
            async with asyncio.timeout(_READ_TIMEOUT):
                async for chunk in request.stream():
                    body += chunk
                    too_large = len(body) > self._max_body
                    if too_large:
                        break
        delivery = Delivery(headers=dict(request.headers), body=bytes(body), received=datetime.now(UTC))
        if too_large:
            refusal = TooLarge(f"the body is larger than {self._max_body} bytes")
            self._intake.record_refusal(address, delivery, refusal)
            raise refusal
        return delivery


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


def _answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")
