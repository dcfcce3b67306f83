# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both dispatchers: rings become calls, in time, and an error ends nothing."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pydantic import SecretStr
from tests.integration.worker.conftest import wait_for

from playhook.dispatch.base import Dispatch
from playhook.dispatch.distributed import DistributedDispatch
from playhook.dispatch.embedded import EmbeddedDispatch

pytestmark = pytest.mark.both_databases


@pytest.fixture
def dispatch(database_url: SecretStr | None) -> Iterator[Dispatch]:
    made: Dispatch = EmbeddedDispatch()
    if database_url is not None:
        made = DistributedDispatch(database_url.get_secret_value())
    yield made
    made.close()


def test_what_is_deferred_is_called_with_its_key(dispatch: Dispatch) -> None:
    calls: queue.Queue[int] = queue.Queue()
    dispatch.register("work", calls.put)

    dispatch.defer("work", 7)

    assert calls.get(timeout=60) == 7
    dispatch.stop("work")


@pytest.mark.sqlite_only
def test_a_ring_for_nobody_is_forgotten(dispatch: Dispatch) -> None:
    dispatch.defer("work", 7)
    calls: queue.Queue[int] = queue.Queue()
    dispatch.register("work", calls.put)

    with pytest.raises(queue.Empty):
        calls.get(timeout=0.2)
    dispatch.stop("work")


def wait_until_rung(database_url: SecretStr | None, key: int) -> None:
    """Wait until a ring, and all before it, are where those who hear them look; without PostgreSQL that is at once."""
    if database_url is None:
        return
    with psycopg.connect(database_url.get_secret_value(), autocommit=True) as connection:
        ring = "SELECT id FROM procrastinate_jobs WHERE args->>'key' = %s"
        wait_for(lambda: connection.execute(ring, [str(key)]).fetchone(), 60)


def test_equal_rings_become_one_call(dispatch: Dispatch, database_url: SecretStr | None) -> None:
    calls: queue.Queue[int] = queue.Queue()
    begun, go = threading.Event(), threading.Event()

    def work(key: int) -> None:
        begun.set()
        go.wait(60)
        calls.put(key)

    dispatch.register("work", work)
    dispatch.defer("work", 1)
    assert begun.wait(60)
    for key in (2, 2, 2, 3):
        dispatch.defer("work", key)
    wait_until_rung(database_url, 3)
    for key in (2, 3, 4):
        dispatch.defer("work", key)
    wait_until_rung(database_url, 4)
    go.set()
    got = [calls.get(timeout=60) for _ in range(4)]
    time.sleep(0.3)
    dispatch.stop("work")

    assert sorted(got) == [1, 2, 3, 4]
    assert calls.empty()


@pytest.mark.sqlite_only
def test_rings_without_keys_become_one_call(dispatch: Dispatch) -> None:
    calls: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def work(key: int) -> None:
        begun.set()
        go.wait(60)
        calls.append(key)

    dispatch.register("work", work, keyed=False)
    dispatch.defer("work", 1)
    assert begun.wait(60)
    for key in (2, 3, 4):
        dispatch.defer("work", key)
    go.set()
    wait_for(lambda: len(calls) == 2, 60)
    time.sleep(0.3)
    dispatch.stop("work")

    assert calls == [0, 0]


def test_a_later_ring_waits_and_an_earlier_one_for_the_same_key_wins(dispatch: Dispatch) -> None:
    calls: queue.Queue[tuple[int, float]] = queue.Queue()
    dispatch.register("work", lambda key: calls.put((key, time.monotonic())))
    begin, now = time.monotonic(), datetime.now(UTC)

    dispatch.defer("work", 1, now + timedelta(seconds=0.4))
    dispatch.defer("work", 2, now + timedelta(seconds=60))
    dispatch.defer("work", 2, now + timedelta(seconds=0.2))
    got = dict(calls.get(timeout=50) for _ in range(2))
    dispatch.stop("work")

    assert set(got) == {1, 2}  # on a busy machine both may be due when somebody looks, in whatever order
    assert got[2] - begin >= 0.2
    assert got[1] - begin >= 0.4
    assert calls.empty()


def test_the_sweep_comes_at_once_and_again(dispatch: Dispatch) -> None:
    calls: queue.Queue[int] = queue.Queue()
    dispatch.register("work", calls.put, every=0.1)

    assert [calls.get(timeout=60) for _ in range(3)] == [0, 0, 0]
    dispatch.stop("work")


def test_calls_run_at_the_same_time_up_to_the_concurrency(dispatch: Dispatch) -> None:
    lock = threading.Lock()
    running, most = 0, 0
    three = threading.Barrier(3, timeout=60)
    done = threading.Semaphore(0)

    def work(_key: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        three.wait()
        with lock:
            running -= 1
        done.release()

    dispatch.register("work", work, concurrency=3)
    for key in range(9):
        dispatch.defer("work", key)
    assert all(done.acquire(timeout=60) for _ in range(9))
    dispatch.stop("work")

    assert most == 3


def test_an_error_does_not_end_the_thread(dispatch: Dispatch) -> None:
    calls: queue.Queue[int] = queue.Queue()

    def work(key: int) -> None:
        calls.put(key)
        raise RuntimeError("on purpose")

    dispatch.register("work", work)
    dispatch.defer("work", 1)
    dispatch.defer("work", 2)

    assert {calls.get(timeout=60), calls.get(timeout=60)} == {1, 2}
    dispatch.stop("work")


def test_nothing_is_called_after_the_stop(dispatch: Dispatch) -> None:
    calls: queue.Queue[int] = queue.Queue()
    dispatch.register("work", calls.put)
    dispatch.stop("work")
    dispatch.defer("work", 1)

    with pytest.raises(queue.Empty):
        calls.get(timeout=0.2)
