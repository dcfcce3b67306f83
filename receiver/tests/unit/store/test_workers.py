# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases of workers: renewed, expired, taken over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from playhook.store.store import Store
from playhook.store.workers import (
    Worker,
    bury_lost_workers,
    live_workers,
    queues_text,
    register_worker,
    remove_worker,
    renew_lease,
)

pytestmark = pytest.mark.both_databases

LONG, OVER = timedelta(minutes=5), timedelta(seconds=-1)


def worker(name: str, home_id: str = "") -> Worker:
    return Worker(name=name, home_id=home_id or name, hostname="node", version="1.0", capacity=4)


def names(store: Store) -> list[str]:
    with store.reading() as connection:
        return [each.name for each in live_workers(connection)]


def test_workers_are_listed_until_they_leave(store: Store) -> None:
    for name in ("one", "two"):
        store.write(register_worker, worker(name), LONG)
    assert names(store) == ["one", "two"]

    store.write(remove_worker, "one")

    assert names(store) == ["two"]


def test_a_worker_takes_the_place_of_the_earlier_one_of_its_state_directory(store: Store) -> None:
    store.write(register_worker, worker("killed", "home"), LONG)
    store.write(register_worker, worker("other"), LONG)

    store.write(register_worker, worker("next", "home"), LONG)

    assert names(store) == ["other", "next"]


def test_a_worker_without_a_lease_is_alone_and_never_lost(store: Store) -> None:
    store.write(register_worker, worker("of a backup"), None)

    store.write(register_worker, worker("me"), None)

    assert store.write(bury_lost_workers) == []
    assert names(store) == ["me"]


def test_a_lease_that_expired_is_lost_and_cannot_be_renewed(store: Store) -> None:
    store.write(register_worker, worker("stopped"), OVER)
    store.write(register_worker, worker("alive"), LONG)

    assert store.write(bury_lost_workers) == ["stopped"]

    assert store.write(renew_lease, "stopped", LONG) is False
    assert store.write(renew_lease, "alive", LONG) is True
    assert names(store) == ["alive"]


def test_a_lease_that_was_renewed_in_time_is_kept(store: Store) -> None:
    store.write(register_worker, worker("slow"), OVER)

    assert store.write(renew_lease, "slow", LONG) is True

    assert store.write(bury_lost_workers) == []


def test_queues_are_written_alike() -> None:
    assert queues_text(["gpu", "default", "gpu"]) == queues_text(["default", "gpu"]) == "default,gpu"
