# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How answers slow down as deliveries are kept: with a thousand of them, and with up to a million."""

from __future__ import annotations

from contextlib import ExitStack

from sqlalchemy import Connection, func, insert, literal, select, text, true
from sqlalchemy import Table as SqlTable
from tests.live import LiveReceiver
from tests.postgres import PostgresServer

from bench.jobs import Sender
from bench.sample import pull_request_body
from bench.section import Run, Table, spread
from bench.wrk import Load, run_wrk_get
from playhook.store import tables as t
from playhook.store.engine import make_engine

_QUICK, _FULL = (1_000, 10_000), (1_000, 10_000, 100_000, 1_000_000)
_AT_ONCE = 50_000  # rows of one transaction
_CONNECTIONS = 16
_READERS = 4


def measure(run: Run) -> list[Table]:
    """Fill both databases with copies of a delivery that was received, and its job."""
    rows = []
    with ExitStack() as stack:
        server = PostgresServer(durable=True)
        stack.callback(server.remove)
        for name, url in (("SQLite", None), ("PostgreSQL", server.make_migrated())):
            env = {"PLAYHOOK_WORKERS": "0", "PLAYHOOK_LOG_LEVEL": "warning"}
            if url is not None:
                env["PLAYHOOK_DATABASE_URL"] = url
            with LiveReceiver(run.directory / name.lower(), env=env) as receiver:
                database = url or f"sqlite:///{receiver.home / 'playhook.sqlite3'}"
                rows += _measure_database(run, name, receiver, database)
    head = ("", "stored deliveries", "answers/s", "answer p99 ms", "job list p50 ms", "job list p99 ms")
    note = (
        f"Deliveries of 25 KB on {_CONNECTIONS} connections; then lists of the 25 newest jobs, with their count, on "
        f"{_READERS}. The stored deliveries have their bodies, and each has its job."
    )
    return [Table(title="Stored deliveries, and what they cost the next one", head=head, rows=rows, notes=[note])]


def _measure_database(run: Run, name: str, receiver: LiveReceiver, database: str) -> list[tuple[str, ...]]:
    sender, body = Sender(receiver), pull_request_body()
    sender.send()
    token = receiver.post("tokens/", {"scope": "read"})["token"]
    listed = f"{receiver.url}/api/v2/jobs/?page_size=25&order_by=-id"
    rows = []
    for size in _FULL if run.full else _QUICK:
        fill(database, size)
        taken: list[Load] = []
        read: list[Load] = []
        seconds = 5 if run.full else 2
        for _turn in range(3 if run.full else 1):
            taken.append(sender.load(body, connections=_CONNECTIONS, seconds=seconds))
            read.append(run_wrk_get(listed, token, connections=_READERS, seconds=seconds))
        rows.append(
            (
                name,
                f"{size:,}",
                spread([each.rate for each in taken]),
                spread([each.p99 for each in taken], 1),
                spread([each.p50 for each in read], 1),
                spread([each.p99 for each in read], 1),
            )
        )
        run.tell(f"{name}, {size:,} deliveries: {', '.join(rows[-1][2:])}")
    return rows


def fill(database: str, size: int) -> None:
    """Copy the first delivery and its job until so many are stored."""
    engine = make_engine(database, writes=True)
    try:
        while True:
            with engine.begin() as connection:
                missing = size - connection.execute(select(func.count()).select_from(t.webhook_deliveries)).scalar_one()
                if missing <= 0:
                    break
                _copy(connection, min(missing, _AT_ONCE))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # As PostgreSQL does by itself after a while; SQLite needs no more than it has.
            connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "PRAGMA optimize"))
    finally:
        engine.dispose()


def _copy(connection: Connection, count: int) -> None:
    deliveries, jobs = t.webhook_deliveries, t.unified_jobs
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < count))
    first, last = (
        connection.execute(select(func.min(table.c.id), func.max(table.c.id))).one() for table in (deliveries, jobs)
    )
    for table, (oldest, newest), changed in (
        (deliveries, first, {"dedupe_key": None}),
        (jobs, last, {"status": "successful", "delivery_id": first[1] + numbers.c.n}),
    ):
        values = {
            column.name: changed.get(column.name, column) if column.name != "id" else newest + numbers.c.n
            for column in table.columns
        }
        copied = select(*(_as_column(value).label(name) for name, value in values.items()))
        copied = copied.select_from(table.join(numbers, true())).where(table.c.id == oldest)
        connection.execute(insert(table).from_select(list(values), copied))
        _skip_ids(connection, table)


def _as_column(value: object) -> object:
    return value if hasattr(value, "label") else literal(value)


def _skip_ids(connection: Connection, table: SqlTable) -> None:
    if connection.dialect.name == "postgresql":
        newest = select(func.max(table.c.id)).scalar_subquery()
        connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))
