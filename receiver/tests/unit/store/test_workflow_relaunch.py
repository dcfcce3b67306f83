# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relaunching a workflow job: the graph, prompts and labels that it had, and nothing of what it ran."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from tests.builders import add_token_credential
from tests.workflows import (
    DIAMOND,
    add_jobs,
    add_row,
    add_runnable,
    add_workflow,
    change_node,
    job_of,
    launch,
    run_to_end,
)

from playhook.store import tables as t
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.workflow_jobs import relaunch_workflow

pytestmark = pytest.mark.both_databases


def test_a_relaunch_has_the_same_graph_and_prompts(store: Store) -> None:
    workflow_id = store.write(add_jobs, DIAMOND)
    store.write(change_node, workflow_id, "test", limit="web", extra_data={"a": 1})
    first = store.write(launch, workflow_id, limit="db", extra_vars='{"b": 2}')
    run_to_end(store, first, {"build": "failed"})

    def forget(tx: Tx) -> None:
        tx.connection.execute(delete(t.unified_job_templates).where(t.unified_job_templates.c.id == workflow_id))

    store.write(forget)
    second = store.write(relaunch_workflow, first, None)

    job = job_of(store, second)
    assert (job.launch_type, job.status, job.limit, job.extra_vars) == ("relaunch", "pending", "db", '{"b": 2}')
    nodes = t.workflow_job_nodes
    with store.reading() as connection:
        node = connection.execute(
            select(nodes).where(nodes.c.workflow_job_id == second, nodes.c.identifier == "test")
        ).one()
    assert (node.limit, node.extra_data, node.job_id, node.do_not_run) == ("web", {"a": 1}, None, False)
    assert len(run_to_end(store, second)) == 4


def test_a_relaunch_has_the_labels_of_its_launch_and_posts_as_it_did(store: Store) -> None:
    def add(tx: Tx) -> tuple[int, int, int, int]:
        credential = add_token_credential(tx)
        organization = add_row(tx, t.organizations, name="Shop")
        own = {"webhook_service": "github", "webhook_credential_id": credential, "webhook_guid": "g"}
        label, of_template = (
            add_row(tx, t.labels, name=name, organization_id=organization)
            for name in ("of the launch", "of the template")
        )
        workflow_id = add_workflow(tx, {"one": add_runnable(tx, "one")})
        add_row(tx, t.template_labels, template_id=workflow_id, label_id=of_template)
        alone = launch(tx, workflow_id, **own)
        tx.connection.execute(update(t.job_labels).where(t.job_labels.c.job_id == alone).values(label_id=label))
        return alone, launch(tx, workflow_id, launch_type="workflow", **own), credential, label

    alone, nested, credential, label = store.write(add)

    again, of_nested = (store.write(relaunch_workflow, each, None) for each in (alone, nested))

    with store.reading() as connection:
        labels = connection.execute(select(t.job_labels.c.label_id).where(t.job_labels.c.job_id == again)).scalars()
        assert list(labels) == [label]
    posting = [
        (job_of(store, each).webhook_credential_id, job_of(store, each).webhook_guid) for each in (again, of_nested)
    ]
    assert posting == [(credential, "g"), (None, "")]
