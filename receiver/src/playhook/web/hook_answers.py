# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders of webhooks are told, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from starlette.responses import Response
from starlette.types import Send

from playhook.errors import DeliveryRefused, NotAuthentic, UnsignedPing
from playhook.intake.accept import Accepted

ALLOW: Final = "POST, OPTIONS"
_RETRY_AFTER: Final = "30"
_REASON_LENGTH: Final = 1024
_NONE: Final[Mapping[str, str]] = {}
_PLAIN_HEADERS: Final = [(b"content-type", b"application/json"), (b"allow", ALLOW.encode())]


class HookAnswer(NamedTuple):
    """One answer, before it is written."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = _NONE

    async def send(self, send: Send) -> None:
        """Write it to an ASGI server; a Response would cost several times as much."""
        body = orjson.dumps(self.body)
        headers = [*_PLAIN_HEADERS, (b"content-length", b"%d" % len(body))]
        headers += [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def as_response(self) -> Response:
        """Return it as Starlette's."""
        headers = {"Allow": ALLOW, **self.headers}
        return Response(orjson.dumps(self.body), self.status, headers, "application/json")


def tell_accepted(accepted: Sequence[Accepted], *, endpoint: bool) -> HookAnswer:
    """Answer for a template, or for an `endpoint`: the most that became of it, and that for each of its templates."""
    return _tell_endpoint(accepted) if endpoint else _tell_template(accepted[0])


def tell_refused(refusal: DeliveryRefused) -> HookAnswer:
    """Give one answer for everything that is not authentic: the true reason is in the record and in the log."""
    if isinstance(refusal, UnsignedPing):
        return HookAnswer(refusal.status, {"message": "Webhook ignored", "reason": str(refusal)})
    detail = "You do not have permission to perform this action."
    return HookAnswer(refusal.status, {"detail": detail if isinstance(refusal, NotAuthentic) else str(refusal)})


def tell_too_many() -> HookAnswer:
    """Answer who was refused too often."""
    return HookAnswer(429, {"detail": "Too many refused deliveries."}, {"Retry-After": "60"})


def tell_to_come_again(why: str) -> HookAnswer:
    """Answer what cannot be taken now."""
    return HookAnswer(503, {"detail": why}, {"Retry-After": _RETRY_AFTER})


def tell_late() -> HookAnswer:
    """Answer, if anybody still listens, where the body did not come."""
    return HookAnswer(408, {"detail": "The body did not arrive in time."})


def tell_other(method: str, service: str) -> HookAnswer:
    """Answer what is no POST, at every address alike: it tells nothing of what is there."""
    if method != "OPTIONS":
        return HookAnswer(405, {"detail": f'Method "{method}" not allowed.'})
    name = f"{service.replace('_', ' ').title()} Webhook Receiver"
    renders = ["application/json", "text/html"]
    return HookAnswer(200, {"name": name, "description": "", "renders": renders, "parses": ["application/json"]})


def _tell_template(accepted: Accepted) -> HookAnswer:
    if accepted.outcome == "duplicate":
        return HookAnswer(202, {"message": "Webhook previously received, aborting."})
    if accepted.outcome == "ignored":
        ignored = {"message": "Webhook ignored", "reason": accepted.reason, "delivery": accepted.delivery_id}
        return HookAnswer(200, ignored)
    return HookAnswer(202, {"message": "Job queued.", "job": accepted.job_id, "delivery": accepted.delivery_id})


def _tell_endpoint(accepted: Sequence[Accepted]) -> HookAnswer:
    outcome = next(each for each in ("launched", "duplicate", "ignored") if each in {one.outcome for one in accepted})
    lists: dict[str, Any] = {
        "deliveries": [each.delivery_id for each in accepted],
        "jobs": [each.job_id for each in accepted if each.job_id is not None],
    }
    if outcome == "ignored":
        reasons = " ".join(dict.fromkeys(each.reason for each in accepted))
        return HookAnswer(200, {"message": "Webhook ignored", "reason": reasons[:_REASON_LENGTH], **lists})
    message = "Job queued." if outcome == "launched" else "Webhook previously received, aborting."
    return HookAnswer(202, {"message": message, **lists})
