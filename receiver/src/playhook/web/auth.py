# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asking: Basic, Bearer or a login session, and what that person may do.

Hashing a password is slow on purpose. It runs in threads, two at a time, and a verified pair is remembered for a
minute under a keyed hash of this process, because AWX's modules make and delete a token around every task.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from playhook.errors import Forbidden
from playhook.settings import Settings
from playhook.store.query import Reading
from playhook.store.sessions import extend_session, find_session, is_to_be_extended
from playhook.store.store import Store
from playhook.store.tokens import find_token, is_use_to_be_noted, note_use
from playhook.store.users import find_user, find_user_by_name, verify_password
from playhook.web.cookies import SESSION_COOKIE, csrf_failure

Level = Literal["everyone", "readers", "operators", "administrators", "nobody"]

NOT_AUTHENTICATED: Final = (
    "Authentication credentials were not provided. To establish a login session, visit /api/login/."
)
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer realm=api authorization_url=/api/o/authorize/"}
_REMEMBERED_FOR: Final = 60.0
_REMEMBERED: Final = 1000
_HASHES_AT_ONCE: Final = 2
_FAILURES: Final = RateLimitItemPerMinute(60)
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, kw_only=True)
class Principal:
    """An authenticated user. `read_only` is set by a token of the scope `read`; `session` is the cookie's value."""

    id: int
    username: str
    is_superuser: bool
    is_system_auditor: bool
    is_operator: bool
    read_only: bool = False
    session: str | None = field(default=None, repr=False)

    def may(self, level: Level) -> bool:
        """Say whether this person belongs to those whom a permission names."""
        return level == "everyone" or self.is_superuser or level in self._levels()

    def _levels(self) -> set[Level]:
        levels: set[Level] = set()
        if self.is_system_auditor or self.is_operator:
            levels.add("readers")
        if self.is_operator:
            levels.add("operators")
        return levels

    def may_use(self, method: str) -> bool:
        """Say whether the token's scope allows the method."""
        return not (self.read_only and method in _UNSAFE)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A user whose password was right, and the hash that it was compared with."""

    user_id: int
    password_hash: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a request says about its sender: a token or a session to look up, or a user whose password was right.

    `forgery` says why a request with a session may come from another site's page.
    """

    token: str | None = field(default=None, repr=False)
    session: str | None = field(default=None, repr=False)
    forgery: str | None = None
    verified: Verified | None = None


@dataclass(frozen=True, kw_only=True)
class _Remembered:
    verified: Verified
    until: float


def not_authenticated() -> HTTPException:
    """Make AWX's 401."""
    return HTTPException(401, NOT_AUTHENTICATED, dict(_CHALLENGE))


class Gate:
    """Authenticates requests against one store. Make it once; it holds what was verified a moment ago."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, _Remembered] = {}
        self._hashing: asyncio.Semaphore | None = None
        self._failures = FixedWindowRateLimiter(MemoryStorage())

    async def identify(self, request: Request) -> Claim | None:
        """Read the request's credentials; None when it has none. Raises 401 and 429.

        What stands in the header counts; the cookie of a session, which browsers send unasked, only without it.
        """
        scheme, _space, rest = request.headers.get("authorization", "").partition(" ")
        ways = {"bearer": self._identify_bearer, "basic": self._identify_basic, "": self._identify_session}
        way = ways.get(scheme.lower())
        return await way(request, rest.strip()) if way else None

    async def _identify_session(self, request: Request, _rest: str) -> Claim | None:
        session_id = request.cookies.get(SESSION_COOKIE)
        if not session_id:
            return None
        forgery = csrf_failure(request, self._settings) if request.method in _UNSAFE else None
        return Claim(session=session_id, forgery=forgery)

    async def _identify_bearer(self, _request: Request, token: str) -> Claim:
        return Claim(token=token)

    async def _identify_basic(self, request: Request, encoded: str) -> Claim:
        return Claim(verified=await self.check_password(request, *_decode_basic(encoded)))

    async def check_password(self, request: Request, username: str, password: str) -> Verified:
        """Return whom a password proves. Raises 401, and 429 after too many wrong ones."""
        digest = hmac.digest(self._key, f"{username}\0{password}".encode(), "sha256")
        remembered = self._verified.get(digest)
        if remembered is not None and remembered.until > self._clock():
            return remembered.verified
        address = request.client.host if request.client else ""
        if not self._failures.test(_FAILURES, address):
            raise HTTPException(429, "Too many failed logins from this address.", {"Retry-After": "60"})
        verified = await self._verify(username, password)
        if verified is None:
            self._failures.hit(_FAILURES, address)
            raise not_authenticated()
        self._remember(digest, verified)
        return verified

    async def _verify(self, username: str, password: str) -> Verified | None:
        if self._hashing is None:
            self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        user = await run_in_threadpool(self._read_user, username)
        async with self._hashing:
            right = await run_in_threadpool(verify_password, str(user["password_hash"]) if user else None, password)
        return Verified(user_id=int(user["id"]), password_hash=str(user["password_hash"])) if right and user else None

    def _read_user(self, username: str) -> Mapping[str, Any] | None:
        if "\0" in username:
            return None  # nobody's name, and no database takes it
        with self._store.reading() as connection:
            return find_user_by_name(connection, username)

    def _remember(self, digest: bytes, verified: Verified) -> None:
        now = self._clock()
        if len(self._verified) >= _REMEMBERED:
            self._verified = {key: each for key, each in self._verified.items() if each.until > now}
        if len(self._verified) < _REMEMBERED:
            self._verified[digest] = _Remembered(verified=verified, until=now + _REMEMBERED_FOR)

    def resolve(self, connection: Reading, claim: Claim) -> Principal | None:
        """Look the claimed user up now, so that what was changed or deleted meanwhile counts at once."""
        if claim.token is not None:
            return self._resolve_token(connection, claim.token)
        if claim.session is not None:
            return self._resolve_session(connection, claim)
        return _resolve_verified(connection, claim.verified) if claim.verified is not None else None

    def _resolve_token(self, connection: Reading, token: str) -> Principal | None:
        now = datetime.now(UTC)
        row = find_token(connection, token, now)
        if row is None:
            return None
        if is_use_to_be_noted(row["last_used"], now):
            self._store.submit(note_use, row["token_id"])
        return _principal(row, read_only="write" not in str(row["scope"]).split())

    def _resolve_session(self, connection: Reading, claim: Claim) -> Principal | None:
        now, lifetime = datetime.now(UTC), timedelta(seconds=self._settings.session_lifetime)
        row = find_session(connection, claim.session or "", now)
        if row is None:
            return None
        if claim.forgery:
            raise Forbidden(f"CSRF Failed: {claim.forgery}")
        if is_to_be_extended(row["expires"], now, lifetime):
            self._store.submit(extend_session, row["session_id"], lifetime)
        return _principal(row, session=claim.session)


def _resolve_verified(connection: Reading, verified: Verified) -> Principal | None:
    user = find_user(connection, verified.user_id)
    if user is None or not _same(str(user["password_hash"]), verified.password_hash):
        return None
    return _principal(user)


def _principal(user: Mapping[str, Any], *, read_only: bool = False, session: str | None = None) -> Principal:
    return Principal(
        id=int(user["id"]),
        username=str(user["username"]),
        is_superuser=bool(user["is_superuser"]),
        is_system_auditor=bool(user["is_system_auditor"]),
        is_operator=user["role"] == "operator",
        read_only=read_only,
        session=session,
    )


def _decode_basic(encoded: str) -> tuple[str, str]:
    try:
        username, _colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise not_authenticated() from None
    return username, password


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(sha256(one.encode()).digest(), sha256(other.encode()).digest())
