# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer: group commit, savepoints, and what callers are told when the database fails."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import wait

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from playhook.errors import StoreUnavailable
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.engine import make_engine
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.writer import Writer

pytestmark = pytest.mark.both_databases


def _add_organization(tx: Tx, name: str) -> int:
    statement = insert(t.organizations).values(name=name, created=tx.now, modified=tx.now)
    return int(tx.connection.execute(statement.returning(t.organizations.c.id)).scalar_one())


def _organizations(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(t.organizations)).scalar_one())


def _occupy(store: Store) -> threading.Event:
    """Hold the writer, so that what is queued meanwhile becomes one batch."""
    holding, release = threading.Event(), threading.Event()

    def hold(_tx: Tx) -> None:
        holding.set()
        release.wait(60)

    store.submit(hold)
    assert holding.wait(60)
    return release


def test_result_is_visible_to_readers_when_the_write_returns(store: Store) -> None:
    store.write(_add_organization, "one")

    assert _organizations(store) == 1


def test_queued_writes_share_one_commit(store: Store) -> None:
    commits: list[int] = []
    release = _occupy(store)
    futures = [store.submit(_remember_transaction, commits, f"organization {n}") for n in range(40)]
    release.set()
    wait(futures, timeout=60)

    assert len(commits) == 40
    assert len(set(commits)) == 1
    assert _organizations(store) == 40


def _remember_transaction(tx: Tx, seen: list[int], name: str) -> None:
    _add_organization(tx, name)
    seen.append(id(tx.connection.get_transaction()))


def test_failing_write_takes_nothing_of_its_batch_down(store: Store) -> None:
    release = _occupy(store)
    first = store.submit(_add_organization, "same name")
    second = store.submit(_add_organization, "same name")
    third = store.submit(_add_organization, "another")
    release.set()

    assert first.result(60) == 1
    with pytest.raises(IntegrityError):
        second.result(60)
    assert third.result(60)
    assert _organizations(store) == 2


def test_half_done_write_is_undone(store: Store) -> None:
    def fail_halfway(tx: Tx) -> None:
        _add_organization(tx, "half")
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        store.write(fail_halfway)
    assert _organizations(store) == 0


@pytest.mark.sqlite_only
def test_locked_database_fails_the_whole_batch_and_the_next_one_works(store: Store, settings: Settings) -> None:
    store.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout=50"))
    other = sqlite3.connect(settings.sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        store.write(_add_organization, "refused")
    other.execute("ROLLBACK")
    other.close()

    store.write(_add_organization, "taken")
    assert _organizations(store) == 1


def test_after_commit_runs_only_for_what_was_committed(store: Store) -> None:
    called: list[str] = []

    def works(tx: Tx) -> None:
        tx.after_commit(lambda: called.append("works"))

    def fails(tx: Tx) -> None:
        tx.after_commit(lambda: called.append("fails"))
        raise RuntimeError

    store.write(works)
    with pytest.raises(RuntimeError):
        store.write(fails)
    store.write(lambda _tx: None)
    assert called == ["works"]


def test_full_queue_is_refused_at_once(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playhook.store.writer.LONGEST_QUEUE", 2)
    writer = Writer(make_engine(settings.database, writes=True), store.cipher)
    started, release = threading.Event(), threading.Event()

    def hold(_tx: Tx) -> None:
        started.set()
        release.wait(60)

    writer.submit(hold)
    assert started.wait(60)
    writer.submit(lambda _tx: None)
    writer.submit(lambda _tx: None)
    with pytest.raises(StoreUnavailable, match="too many writes"):
        writer.submit(lambda _tx: None)
    release.set()
    writer.close()


def test_cancelled_write_is_not_run(store: Store) -> None:
    release = _occupy(store)
    future = store.submit(_add_organization, "cancelled")
    assert future.cancel()
    release.set()
    store.write(_add_organization, "not cancelled")

    assert _organizations(store) == 1


def test_close_finishes_what_is_queued(settings: Settings, store: Store) -> None:
    writer = Writer(make_engine(settings.database, writes=True), store.cipher)
    futures = [writer.submit(_add_organization, f"organization {n}") for n in range(100)]
    writer.close()

    assert all(future.done() for future in futures)
    assert _organizations(store) == 100


def test_config_version_counts_changes_within_and_across_batches(store: Store) -> None:
    before = store.write(lambda tx: tx.config_version())

    def change_twice(tx: Tx) -> int:
        tx.config_changed()
        tx.config_changed()
        return tx.config_version()

    assert store.write(change_twice) == before + 2
    assert store.write(lambda tx: tx.config_version()) == before + 2


def test_error_of_the_driver_itself_does_not_end_the_writer(store: Store) -> None:
    def fail(_tx: Tx) -> None:
        raise MemoryError("the driver has no words for it")

    def fail_in_the_driver(tx: Tx) -> None:
        tx.connection.connection.driver_connection.close()  # type: ignore[union-attr]  so that COMMIT fails

    with pytest.raises(MemoryError):
        store.write(fail)
    with pytest.raises(StoreUnavailable):
        store.write(fail_in_the_driver)
    assert store.write(_add_organization, "after it")
    store.check_writes(60)


def test_call_after_a_commit_that_fails_harms_nobody(store: Store) -> None:
    def ring_badly(tx: Tx) -> int:
        tx.after_commit(lambda: 1 // 0)
        return _add_organization(tx, "committed")

    assert store.write(ring_badly) == 1
    assert store.write(_add_organization, "the next") == 2
