# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API tells of workers: in `ping`, and as the capacity of instance groups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from tests.api_client import Api
from tests.integration.api.conftest import create

from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.workers import Worker, register_worker

pytestmark = pytest.mark.both_databases


@pytest.fixture
def workers(store: Store) -> None:
    for name, queues, capacity in (("one", "", 4), ("two", "default,gpu", 2)):
        worker = Worker(name=name, home_id=name, hostname=name, version="1.0", capacity=capacity, queues=queues)
        store.write(register_worker, worker, timedelta(minutes=5))


def add_active_job(tx: Tx, worker: str) -> None:
    row = {"type": "job", "name": "j", "launch_type": "manual", "status": "running", "claimed_by": worker}
    tx.connection.execute(insert(t.unified_jobs).values(**row, created=tx.now, modified=tx.now))


def shown(api: Api, group: str) -> dict[str, Any]:
    row: dict[str, Any] = api.get("/api/v2/instance_groups/", name=group).json()["results"][0]
    names = ("capacity", "instances", "jobs_running", "consumed_capacity", "percent_capacity_remaining")
    return {name: row[name] for name in names}


def test_without_workers_there_is_no_capacity(api: Api) -> None:
    assert shown(api, "default")["capacity"] == 0
    ping = api.get("/api/v2/ping/").json()
    assert (ping["ha"], len(ping["instances"]), ping["instances"][0]["capacity"]) == (False, 1, 0)


@pytest.mark.usefixtures("workers")
def test_a_group_has_the_capacity_of_the_workers_that_serve_it(api: Api, store: Store) -> None:
    for name in ("gpu", "far"):
        create(api, "instance_groups", name=name)
    store.write(add_active_job, "two")

    assert shown(api, "gpu") == {
        "capacity": 6,
        "instances": 2,
        "jobs_running": 1,
        "consumed_capacity": 1.0,
        "percent_capacity_remaining": 83.33,
    }
    assert shown(api, "far")["capacity"] == 4


@pytest.mark.usefixtures("workers")
def test_ping_lists_the_workers(api: Api) -> None:
    ping = api.get("/api/v2/ping/").json()

    assert ping["ha"] is True
    found = [(each["node"], each["capacity"], each["version"], each["uuid"]) for each in ping["instances"]]
    assert found == [("one", 4, "1.0", "one"), ("two", 2, "1.0", "two")]
    assert all(each["heartbeat"] for each in ping["instances"])
    assert ping["instance_groups"] == [
        {"name": "controlplane", "capacity": 4, "instances": ["one"]},
        {"name": "default", "capacity": 6, "instances": ["one", "two"]},
    ]
