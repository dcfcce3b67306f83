# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer that breaks off, is no gzip, stalls or trickles is no answer: the post may be tried again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from playhook.domain.status import OutgoingRequest
from playhook.outbound import client
from playhook.outbound.client import NoAnswer, OutboundClient

_HEAD = b"HTTP/1.1 201 Created\r\n"


def _stall(peer: socket.socket) -> None:
    peer.sendall(_HEAD + b"Content-Length: 9\r\n\r\nx")
    peer.recv(1)  # until the client goes


def _trickle(peer: socket.socket) -> None:
    peer.sendall(_HEAD + b"Content-Length: 900\r\n\r\n")
    for _each in range(800):
        peer.sendall(b"x")
        time.sleep(0.05)


def _break_off(peer: socket.socket) -> None:
    peer.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")


def _lie(peer: socket.socket) -> None:
    peer.sendall(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


@pytest.mark.parametrize("behave", [_stall, _trickle, _break_off, _lie])
def test_what_is_no_answer(monkeypatch: pytest.MonkeyPatch, behave: Callable[[socket.socket], None]) -> None:
    monkeypatch.setattr(client, "_READ_TIMEOUT", 0.3)
    monkeypatch.setattr(client, "_ANSWER_TIMEOUT", 0.5, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, behave))
        thread.start()
        base = f"http://127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        sender = OutboundClient()
        with pytest.raises(NoAnswer, match=r"^127\.0\.0\.1:\d+ did not answer"):
            sender.send(OutgoingRequest(method="POST", url=f"{base}/x", api_base=base, headers={}))
        assert time.monotonic() - started < 30  # what trickles takes 40
        sender.close()
        thread.join()


def _serve(server: socket.socket, behave: Callable[[socket.socket], None]) -> None:
    peer, _address = server.accept()
    with peer, suppress(OSError):  # the client goes, as it should
        peer.recv(65536)
        behave(peer)
