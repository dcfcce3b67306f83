# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer of an event loop: who waits is written together, whatever else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from playhook.settings import Settings
from playhook.store.loop_writer import LoopWriter
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = [pytest.mark.both_databases, pytest.mark.postgresql_only]
Group = Callable[[Tx, Sequence[int]], list[int]]


@pytest.fixture
def writer(settings: Settings, store: Store) -> Iterator[LoopWriter]:
    writer = LoopWriter(settings.database, store.cipher)
    yield writer
    writer.close()


def _group(seen: list[int]) -> Group:
    def write(_tx: Tx, items: Sequence[int]) -> list[int]:
        seen.append(len(items))
        return list(items)

    return write


def test_groups_that_wait_mixed_up_are_each_written_together(writer: LoopWriter) -> None:
    batches: tuple[list[int], list[int]] = ([], [])
    groups = [_group(each) for each in batches]

    async def write() -> list[int]:
        return await asyncio.gather(*(writer.run_in_group(groups[number % 2], number, 60) for number in range(32)))

    assert asyncio.run(write()) == list(range(32))
    for sizes in batches:
        assert sum(sizes) == 16
        assert len(sizes) <= 3


def test_a_write_does_not_wait_for_one_that_takes_long(writer: LoopWriter) -> None:
    def sleep(tx: Tx, items: Sequence[int]) -> list[int]:
        tx.connection.exec_driver_sql("SELECT pg_sleep(2)")
        return list(items)

    async def write() -> None:
        await writer.run_in_group(_group([]), 1, 60)  # which also connects
        while writer._is_slow:
            await writer.run_in_group(_group([]), 1, 60)
        slow = asyncio.create_task(writer.run_in_group(sleep, 1, 60))
        await asyncio.sleep(0)  # it has the one connection that is used while commits are quick
        await writer.run_in_group(_group([]), 1, 60)
        assert not slow.done()
        await slow

    asyncio.run(write())


def test_another_loop_may_follow(writer: LoopWriter) -> None:
    for number in range(3):
        assert asyncio.run(writer.run_in_group(_group([]), number, 60)) == number


def test_a_write_of_another_thread_has_its_turn(writer: LoopWriter) -> None:
    assert writer.submit(lambda _tx: None, 60) is None, "there is no loop yet"

    async def write() -> None:
        await writer.run_in_group(_group([]), 1, 60)
        trying = writer.submit(lambda tx: tx.connection.exec_driver_sql("SELECT 1 / 0"), 60)
        assert trying is not None
        with pytest.raises(Exception, match="division by zero"):
            await asyncio.wrap_future(trying)

    asyncio.run(write())
