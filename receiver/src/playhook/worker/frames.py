# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the receiver and a job's process: JSON documents behind their length, over a stream socket."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

# Packets on a fork server's own socket.
READY: Final = b"ready"  # from a warm one; anything else it says is why it cannot be
RETIRE: Final = b"retire"
_LENGTH: Final = 4
_CHUNK: Final = 256 * 1024


def send(connection: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message; blocks while the other side is behind. Raises OSError when it is gone."""
    connection.sendall(frame(message))


def frame(message: Mapping[str, Any]) -> bytes:
    """Return a message as it is sent."""
    document = encode(message)
    return len(document).to_bytes(_LENGTH, "big") + document


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Wait for one message; None when the other side has closed."""
    head = _receive_exactly(connection, _LENGTH)
    document = None if head is None else _receive_exactly(connection, int.from_bytes(head, "big"))
    return None if document is None else orjson.loads(document)


class FrameReader:
    """Cuts what arrives into messages, without waiting for a whole one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def read(self, connection: socket.socket) -> bool:
        """Take what is there; False when the other side has closed or is gone."""
        try:
            chunk = connection.recv(_CHUNK)
        except ConnectionError:
            return False
        self._buffer += chunk
        return bool(chunk)

    def messages(self) -> Iterator[bytes]:
        """Return the complete messages that have arrived, still encoded."""
        start = 0
        while len(self._buffer) - start >= _LENGTH:
            end = start + _LENGTH + int.from_bytes(self._buffer[start : start + _LENGTH], "big")
            if end > len(self._buffer):
                break
            yield bytes(self._buffer[start + _LENGTH : end])
            start = end
        del self._buffer[:start]


def encode(message: Mapping[str, Any]) -> bytes:
    """Return the JSON document; what JSON cannot say (lone surrogates, NaN, huge numbers) is said as near as it can."""
    try:
        return orjson.dumps(message)
    except TypeError:
        return json.dumps(_sayable(message), default=str).encode()


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_sayable(str(key)): _sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _receive_exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        chunk = connection.recv(size - len(parts))
        if not chunk:
            return None
        parts += chunk
    return bytes(parts)
