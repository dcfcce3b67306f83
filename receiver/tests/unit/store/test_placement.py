# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance groups select workers: a launch's before its template's, and `default` for those that name none."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert
from tests.builders import add_template

from playhook.store import tables as t
from playhook.store.claims import find_next
from playhook.store.objects import insert_row
from playhook.store.store import Store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases


def make_job(tx: Tx, of_template: list[str], of_launch: list[str]) -> int:
    template_id = add_template(tx)
    row = {"type": "job", "name": "j", "launch_type": "manual", "status": "pending"}
    values = {**row, "unified_job_template_id": template_id, "created": tx.now, "modified": tx.now}
    job_id = int(
        tx.connection.execute(insert(t.unified_jobs).values(values).returning(t.unified_jobs.c.id)).scalar_one()
    )
    groups = {name: _id(insert_row(tx, "instance_groups", {"name": name})) for name in {*of_template, *of_launch}}
    for name in of_template:
        pair = {"template_id": template_id, "instance_group_id": groups[name]}
        tx.connection.execute(insert(t.template_instance_groups).values(pair))
    for name in of_launch:
        pair = {"job_id": job_id, "instance_group_id": groups[name]}
        tx.connection.execute(insert(t.job_instance_groups).values(pair))
    return job_id


def _id(row: Any) -> int:
    return row if isinstance(row, int) else int(row["id"])


@pytest.mark.parametrize(
    ("of_template", "of_launch", "queues", "runs"),
    [
        ([], [], [], True),
        (["gpu"], ["lab"], [], True),
        ([], [], ["default"], True),
        ([], [], ["gpu"], False),
        (["gpu"], [], ["gpu", "lab"], True),
        (["gpu"], [], ["default"], False),
        (["gpu", "lab"], [], ["lab"], True),
        (["gpu"], ["lab"], ["lab"], True),
        (["gpu"], ["lab"], ["gpu"], False),
        (["gpu"], ["lab"], ["default"], False),
    ],
)
def test_a_worker_finds_what_it_may_run(
    store: Store, of_template: list[str], of_launch: list[str], queues: list[str], runs: bool
) -> None:
    job_id = store.write(make_job, of_template, of_launch)

    with store.reading() as connection:
        assert find_next(connection, queues) == (job_id if runs else None)
