# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request as the API's functions see it, and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import orjson
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response

from playhook.errors import Forbidden
from playhook.services.base import Service
from playhook.settings import Settings
from playhook.store.query import Reading
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.web.auth import Level, Principal, not_authenticated

if TYPE_CHECKING:
    from playhook.web.api_v2.endpoints import Endpoints

P = ParamSpec("P")
R = TypeVar("R")
PREFIX: Final = "/api/v2/"


@dataclass(frozen=True, kw_only=True)
class ApiContext:
    """What the API needs of the installation."""

    store: Store
    settings: Settings
    services: Mapping[str, Service]


@dataclass(kw_only=True)
class Call:
    """A request that may be answered: its method is allowed, its body is a JSON object ({} when there is none)."""

    context: ApiContext
    api: Endpoints
    method: str
    path: str
    params: Mapping[str, Any]
    query: QueryParams
    connection: Reading
    caller: Principal | None
    accept: str = "*/*"
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """Return who is asking. Raises 401."""
        if self.caller is None:
            raise not_authenticated()
        return self.caller

    def require(self, level: Level) -> None:
        """Raise Forbidden unless the caller belongs to those."""
        if not self.principal.may(level):
            raise Forbidden

    def write(self, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Write, and wait until it is durable; what is read after it sees it."""
        self.connection.rollback()
        return self.context.store.write(function, *args, **kwargs)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Make a JSON answer; times are written as AWX writes them."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, headers, "application/json")


def no_content() -> Response:
    return Response(status_code=204)


def not_allowed(method: str) -> HTTPException:
    """Make AWX's 405; the answer's Allow header is added where it is sent."""
    return HTTPException(405, f'Method "{method}" not allowed.')
