# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dispatch between machines: Procrastinate rings on PostgreSQL, and whoever has a hand free hears it.

Rings are sent after the commit of what they are about, by this process's own loop, and not waited for: intake pays
nothing for them. One that is lost in between is made up for by the sweep, as everywhere in dispatch.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Collection, Coroutine, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.connector import LISTEN_TIMEOUT, Notify
from procrastinate.exceptions import ConnectorException
from psycopg_pool import AsyncConnectionPool

from playhook.dispatch.base import TaskFunction
from playhook.dispatch.bells import forget_lost, name_bell, ring
from playhook.logs import get_logger
from playhook.store.engine import conninfo

_log = get_logger(__name__)
_AGAIN: Final = 1.0  # seconds until the engine is tried again after the database was away
_TIDY: Final = 60.0  # seconds between looks for what killed processes left
_FAREWELL: Final = 2.0  # seconds for what is cancelled to say good-bye to a database that may be away
_ECHO: Final = 0.02  # seconds
_LAST_ECHO: Final = 0.5  # seconds; a busy database may answer the question that was under way after the first one
_LOOK: Final = '{"type": "job_inserted", "job_id": 0}'
_BREATH: Final = 0.01  # seconds after a ring in which others gather: a ring costs several times what a delivery does
_CONNECTIONS: Final = 4


class DistributedDispatch:
    """Implements `Dispatch` for PostgreSQL. `queues` are the instance groups that this process serves, for those
    tasks that are `placed`.
    """

    def __init__(self, url: str, *, queues: str = "", placed: Collection[str] = ()) -> None:
        self._queues, self._placed = queues, frozenset(placed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dispatch", daemon=True)
        self._thread.start()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._app, self._pool, self._bell_ringer = self._call(_open(url, self._placed))

    def register(
        self,
        task: str,
        function: TaskFunction,
        *,
        concurrency: int = 1,
        every: float | None = None,
        keyed: bool = True,  # noqa: ARG002  what is placed has no key, whoever rings; all else has
    ) -> None:
        self._call(self._register(task, function, concurrency, every))

    def defer(self, task: str, key: int = 0, at: datetime | None = None) -> None:
        key = 0 if task in self._placed else key
        seconds = 0.0 if at is None else max((at - datetime.now(UTC)).total_seconds(), 0.0)
        if seconds == 0.0 and self._bell_ringer.is_about_to_ring(task, key):
            return  # as under load: waking the loop costs a delivery as much as its signature does
        with suppress(RuntimeError):  # it is closed, and the sweep of another process makes up for it
            self._loop.call_soon_threadsafe(self._ring_in, seconds, task, key)

    def stop(self, task: str) -> None:
        self._call(self._cancel(task))

    def close(self) -> None:
        """Send the last rings and let go of the database."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _register(self, task: str, function: TaskFunction, concurrency: int, every: float | None) -> None:
        hand = _Hand(task, function, concurrency)
        self._app.task(name=task)(hand.take)
        self._tasks[task] = self._loop.create_task(self._listen(task, concurrency, every))

    async def _listen(self, task: str, concurrency: int, every: float | None) -> None:
        """Hear one task's bell until cancelled; after an error of the database from anew."""
        sweep = asyncio.create_task(self._sweep(task, every))
        try:
            while True:
                try:
                    await self._app.run_worker_async(
                        queues=[name_bell(task, self._queues, self._placed)],
                        name=task,
                        concurrency=concurrency,
                        delete_jobs="always",
                        install_signal_handlers=False,
                        shutdown_graceful_timeout=0,  # what was begun goes on in its thread
                    )
                except (ConnectorException, psycopg.Error) as error:
                    _log.warning("a bell is not heard: the database is away", task=task, error=type(error).__name__)
                except Exception:  # noqa: BLE001  the engine's own trouble must not leave this machine deaf
                    _log.exception("a bell is not heard: the dispatch engine failed", task=task)
                await asyncio.sleep(_AGAIN)
        finally:
            sweep.cancel()

    async def _sweep(self, task: str, every: float | None) -> None:
        while every is not None:
            self._ring_in(0.0, task, 0)
            await asyncio.sleep(every * random.uniform(0.9, 1.1))  # noqa: S311  so that processes do not sweep in step

    def _ring_in(self, seconds: float, task: str, key: int) -> None:
        if seconds > 0:
            self._loop.call_later(seconds, self._bell_ringer.add, task, key)
        else:
            self._bell_ringer.add(task, key)

    async def _cancel(self, task: str) -> None:
        listening = self._tasks.pop(task, None)
        if listening is not None:
            await _end([listening])

    async def _close(self) -> None:
        for task in list(self._tasks):
            await self._cancel(task)
        await self._bell_ringer.close()
        await self._pool.close()


class _Hand:
    """Calls a task's function in threads, at most `concurrency` at a time, also across restarts of the engine."""

    def __init__(self, task: str, function: TaskFunction, concurrency: int) -> None:
        self._task, self._function = task, function
        self._free = asyncio.Semaphore(concurrency)

    async def take(self, key: int) -> None:
        """Call and wait; the call itself goes on when the waiting is cancelled."""
        await self._free.acquire()
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def finish() -> None:
            self._free.release()
            done.set()

        def call() -> None:
            try:
                self._function(key)
            except Exception:  # noqa: BLE001  the edge of a thread; the sweep tries again
                _log.exception("deferred call failed", task=self._task, key=key)
            with suppress(RuntimeError):  # dispatch was closed meanwhile
                loop.call_soon_threadsafe(finish)

        threading.Thread(target=call, name=self._task, daemon=True).start()
        await done.wait()


class _BellRinger:
    """Sends rings, all that have come since the last time at once."""

    def __init__(self, pool: AsyncConnectionPool[Any], placed: Collection[str]) -> None:
        self._pool, self._placed = pool, placed
        self._rings: set[tuple[str, int]] = set()
        self._any = asyncio.Event()
        self._tasks = [asyncio.create_task(each) for each in (self._send_for_ever(), self._tidy_for_ever())]

    def is_about_to_ring(self, task: str, key: int) -> bool:
        """Tell, in any thread, whether a ring like this one is yet to be sent."""
        return (task, key) in self._rings

    def add(self, task: str, key: int) -> None:
        self._rings.add((task, key))
        self._any.set()

    async def close(self) -> None:
        await _end(self._tasks)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._send(), _FAREWELL)

    async def _send_for_ever(self) -> None:
        while await self._any.wait():
            await self._send()
            await asyncio.sleep(_BREATH)

    async def _send(self) -> None:
        rings, self._rings = self._rings, set()
        self._any.clear()
        if rings:
            await _unless_away(ring(self._pool, rings, self._placed))

    async def _tidy_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_TIDY * random.uniform(0.9, 1.1))  # noqa: S311
            await _unless_away(forget_lost(self._pool))


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait; what waits for the database meanwhile is cancelled from that too."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _done, pending = await asyncio.wait(pending, timeout=_FAREWELL)


async def _unless_away(work: Awaitable[None]) -> None:
    try:
        await work
    except psycopg.Error as error:
        _log.warning("the dispatch engine was not reached: the database is away", error=type(error).__name__)


class _Connector(PsycopgConnector):
    """Procrastinate's own, but that its worker looks again where a ring may have been missed.

    The engine's worker looks once and then listens, so that it hears nothing of what is rung in between. And it drops
    a notification that arrives while it asks for work in vain (Worker._fetch_and_process_jobs clears what
    _handle_notification sets). Either way it would look again after seconds only.
    """

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        echoes: set[asyncio.Task[None]] = set()
        heard = 0

        async def notify(*, channel: str, payload: str) -> None:
            nonlocal heard
            heard += 1
            await on_notification(channel=channel, payload=payload)
            echo = asyncio.create_task(repeat(channel, payload, heard))
            echoes.add(echo)
            echo.add_done_callback(echoes.discard)

        async def repeat(channel: str, payload: str, number: int) -> None:
            await asyncio.sleep(_ECHO)
            await on_notification(channel=channel, payload=payload)
            await asyncio.sleep(_LAST_ECHO)
            if number == heard:  # a newer one has echoes of its own
                await on_notification(channel=channel, payload=payload)

        try:
            await super().listen_notify(notify, channels)
        finally:
            for echo in echoes:
                echo.cancel()

    async def _loop_notify(
        self,
        on_notification: Notify,
        connection: psycopg.AsyncConnection[Any],
        timeout: float = LISTEN_TIMEOUT,  # noqa: ASYNC109  as the engine has it
    ) -> None:
        await on_notification(channel="listening", payload=_LOOK)
        await super()._loop_notify(on_notification, connection, timeout)


async def _open(url: str, placed: Collection[str]) -> tuple[App, AsyncConnectionPool[Any], _BellRinger]:
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        conninfo(url), min_size=1, max_size=_CONNECTIONS, configure=_be_quick, open=False, name="dispatch", timeout=5.0
    )
    await pool.open()
    connector = _Connector()
    await connector.open_async(pool)
    return App(connector=connector), pool, _BellRinger(pool, placed)


async def _be_quick(connection: psycopg.AsyncConnection[Any]) -> None:
    # A ring need not survive a power cut; so it does not wait for the disk.
    await connection.execute("SET synchronous_commit = off")
    await connection.commit()
