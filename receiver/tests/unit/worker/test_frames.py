# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the receiver and a job's process."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from playhook.worker import frames


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


def test_messages_arrive_whole_and_in_order_however_they_are_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    sent = [{"n": number, "text": "ü" * number} for number in range(50)]
    stream = b"".join(len(each).to_bytes(4, "big") + each for each in map(orjson.dumps, sent))
    reader, got = frames.FrameReader(), []

    for start in range(0, len(stream), 7):
        pair[0].sendall(stream[start : start + 7])
        assert reader.read(pair[1])
        got += [orjson.loads(message) for message in reader.messages()]

    assert got == sent


def test_the_end_of_the_other_side_is_seen(pair: tuple[socket.socket, socket.socket]) -> None:
    frames.send(pair[0], {"last": 1})
    pair[0].close()
    reader = frames.FrameReader()

    assert reader.read(pair[1])
    assert [orjson.loads(each) for each in reader.messages()] == [{"last": 1}]
    assert not reader.read(pair[1])
    assert frames.receive(pair[1]) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("\ud800 alone", "? alone"),
        (10**30, 1e30),
        (float("nan"), None),
        ({"deep": ["\udfff", {"\ud801": float("inf")}]}, {"deep": ["?", {"?": None}]}),
        ((1, 2), [1, 2]),
    ],
)
def test_what_json_cannot_say_is_said_as_near_as_it_can(value: Any, expected: Any) -> None:
    assert orjson.loads(frames.encode({"value": value})) == {"value": expected}
