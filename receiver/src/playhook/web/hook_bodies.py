# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the bodies of deliveries within limits: of one, of all that are read at once, and of time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from playhook.errors import StoreUnavailable

_READ_TIMEOUT: Final = 60.0  # seconds a sender has for the whole body
_AT_ONCE: Final = 8  # bodies of the largest size
_LEAST_ROOM: Final = 64 * 1024 * 1024  # bytes


class HookBodies:
    """How many bytes of bodies are in memory; whoever sends them need not be authentic. One event loop uses it."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.most = max(_AT_ONCE * largest, _LEAST_ROOM)
        self.held = 0

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Lend room for one body until its delivery is answered."""
        room = Room(self)
        try:
            yield room
        finally:
            self.held -= room.taken


class Room:
    """What one body takes of it."""

    def __init__(self, bodies: HookBodies) -> None:
        self._bodies = bodies
        self.taken = 0

    async def read(self, headers: Mapping[str, str], receive: Receive) -> bytes | None:
        """Read a whole body; None when it is too large.

        Raises StoreUnavailable when there is no room, ClientDisconnect and TimeoutError.
        """
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._bodies.largest:
            return None
        chunks: list[bytes] = []
        async with asyncio.timeout(_READ_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientDisconnect
                chunk: bytes = message.get("body", b"")
                if self._take(len(chunk)) > self._bodies.largest:
                    return None
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunk if len(chunks) == 1 else b"".join(chunks)

    def _take(self, size: int) -> int:
        """Count `size` bytes more; returns the body's size so far."""
        self.taken += size
        self._bodies.held += size
        if self._bodies.held > self._bodies.most:
            raise StoreUnavailable("too many large deliveries are arriving at once")
        return self.taken
