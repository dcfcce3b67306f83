# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where errors become HTTP answers. Bodies are AWX's: `detail`, or field to messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from playhook.errors import (
    BadQuery,
    Conflict,
    DeliveryRefused,
    Forbidden,
    InvalidInput,
    NotFound,
    PlayhookError,
    Refusal,
    StoreUnavailable,
)
from playhook.logs import get_logger

_log = get_logger(__name__)
_RETRY_AFTER = {"Retry-After": "5"}


class InUse(Conflict):
    """The object cannot be deleted now; `body` is AWX's answer, which names the jobs that use it."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("detail", "")))
        self.body = body


def answer_error(error: Exception) -> Response:
    """Turn an error into its answer; anything that is not ours to tell becomes a plain 500."""
    if isinstance(error, HTTPException):
        detail = "Not found." if error.status_code == 404 else error.detail
        return _answer(error.status_code, {"detail": detail}, dict(error.headers or {}))
    if isinstance(error, InUse):
        return _answer(409, error.body)
    if isinstance(error, Refusal):
        return _answer(400, error.body)
    if isinstance(error, InvalidInput):
        return _answer(400, error.messages)
    if isinstance(error, StoreUnavailable):
        return _answer(503, {"detail": str(error)}, _RETRY_AFTER)
    if isinstance(error, DeliveryRefused):
        return _answer(error.status, {"detail": str(error)})
    for kind, status in ((BadQuery, 400), (Forbidden, 403), (NotFound, 404), (Conflict, 409)):
        if isinstance(error, kind):
            return _answer(status, {"detail": str(error)})
    _log.error("request failed", exc_info=error)
    return _answer(500, {"detail": "A server error has occurred."})


def exception_handlers() -> dict[Any, Callable[[Request, Exception], Response]]:
    """Return Starlette's table of handlers; it knows every class of our tree by its base."""

    def on_error(_request: Request, error: Exception) -> Response:
        return answer_error(error)

    return {HTTPException: on_error, PlayhookError: on_error, Exception: on_error}


def _answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")
