# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's job is launched with: prompts, variables, artifacts, and who posts its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from tests.builders import add_token_credential
from tests.workflows import (
    add_row,
    add_runnable,
    add_workflow,
    change_node,
    end_node_job,
    job_of,
    launch,
    nodes_of,
)

from playhook.settings import Settings
from playhook.store import node_jobs, workflow_jobs
from playhook.store import tables as t
from playhook.store.artifacts import LARGEST
from playhook.store.job_inputs import read_job_inputs
from playhook.store.retention import purge
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.store.workflow_jobs import step_workflow

pytestmark = pytest.mark.both_databases
ASKS_ALL = {
    f"ask_{each}_on_launch": True
    for each in ("scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type", "verbosity",
                 "inventory", "credential", "labels", "forks", "timeout", "instance_groups")
}  # fmt: skip
SAID = {
    "scm_branch": "topic", "diff_mode": True, "limit": "web", "job_tags": "a", "skip_tags": "b", "job_type": "check",
    "verbosity": 2, "forks": 3, "timeout": 9,
}  # fmt: skip


def start_one(store: Store, template: Mapping[str, Any], node: Mapping[str, Any], **launched: Any) -> Any:
    """Launch a workflow of one node; returns the node's job."""

    def add(tx: Tx) -> int:
        workflow_id = add_workflow(tx, {"one": add_runnable(tx, "one", **template)})
        change_node(tx, workflow_id, "one", **node)
        return launch(tx, workflow_id, **launched)

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    return nodes_of(store, job_id)["one"].job


def test_a_node_s_prompts_reach_a_job_whose_template_asks(store: Store) -> None:
    job = start_one(store, ASKS_ALL, SAID)

    assert {name: getattr(job, name) for name in SAID} == SAID


def test_what_the_template_does_not_ask_for_is_ignored(store: Store) -> None:
    job = start_one(store, {"limit": "db", "extra_vars": "a: 1"}, {**SAID, "extra_data": {"a": 2, "b": 3}})

    kept = (job.limit, job.scm_branch, job.job_type, job.verbosity, job.timeout, job.extra_vars)
    assert kept == ("db", "", "run", 0, 0, "a: 1")


def test_the_workflow_s_prompts_win_over_the_node_s(store: Store) -> None:
    inventory = store.write(add_row, t.inventories, name="other")

    job = start_one(store, ASKS_ALL, SAID, limit="db", job_tags="x", inventory_id=inventory)
    deaf = start_one_named(store, "deaf", limit="db", inventory_id=inventory)

    assert (job.limit, job.job_tags, job.skip_tags, job.inventory_id) == ("db", "x", "b", inventory)
    assert (deaf.limit, deaf.inventory_id == inventory) == ("", False)


def start_one_named(store: Store, name: str, **launched: Any) -> Any:
    def add(tx: Tx) -> int:
        workflow_id = add_workflow(tx, {"one": add_runnable(tx, name)}, name=f"workflow {name}")
        return launch(tx, workflow_id, **launched)

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    return nodes_of(store, job_id)["one"].job


def test_variables_win_in_awx_s_order(store: Store) -> None:
    def add(tx: Tx) -> int:
        own = "{a: template, b: template, c: template, d: template}"
        second = add_runnable(tx, "second", extra_vars=own, ask_variables_on_launch=True)
        workflow_id = add_workflow(
            tx, {"first": add_runnable(tx, "first"), "second": second}, (("first", "second", "success"),)
        )
        change_node(tx, workflow_id, "second", extra_data={"b": "node", "c": "node", "d": "node"})
        return launch(tx, workflow_id, extra_vars="d: workflow")

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    artifacts = {"c": "artifact", "d": "artifact", "e": "artifact"}
    end_node_job(store, nodes_of(store, job_id)["first"].job_id or 0, artifacts=artifacts)
    store.write(step_workflow, job_id)

    job = nodes_of(store, job_id)["second"].job
    assert json.loads(job.extra_vars) == {
        "a": "template", "b": "node", "c": "artifact", "d": "workflow", "e": "artifact",
    }  # fmt: skip


def test_survey_variables_are_taken_without_being_asked_for(store: Store) -> None:
    survey = {"survey_enabled": True, "survey_spec": {"spec": [{"variable": "color"}]}}

    job = start_one(store, survey, {"extra_data": {"color": "red", "other": 1}})

    assert json.loads(job.extra_vars) == {"color": "red"}


def test_credentials_replace_those_of_their_type_and_labels_are_attached(store: Store) -> None:
    def add(tx: Tx) -> tuple[int, list[int], int]:
        token = add_token_credential(tx)
        kind = tx.connection.execute(select(t.credentials.c.credential_type_id)).scalar_one()
        other = add_row(tx, t.credential_types, name="Vault", kind="vault", inputs={}, injectors={})
        made = [add_row(tx, t.credentials, name=f"c{number}", credential_type_id=type_id, inputs=inputs)
                for number, (type_id, inputs) in enumerate(
                    ((kind, {}), (other, {"vault_id": "a"}), (other, {"vault_id": "b"})))]  # fmt: skip
        template = add_runnable(tx, "one", **ASKS_ALL)
        for each in (token, made[1]):
            add_row(tx, t.template_credentials, template_id=template, credential_id=each)
        workflow_id = add_workflow(tx, {"one": template})
        node = change_node(tx, workflow_id, "one", limit=None)
        organization = add_row(tx, t.organizations, name="o")
        label = add_row(tx, t.labels, name="urgent", organization_id=organization)
        for each in (made[0], made[2]):
            add_row(tx, t.template_node_credentials, node_id=node, credential_id=each)
        add_row(tx, t.template_node_labels, node_id=node, label_id=label)
        return launch(tx, workflow_id), [made[0], made[1], made[2]], label

    job_id, wanted, label = store.write(add)
    store.write(step_workflow, job_id)
    one = nodes_of(store, job_id)["one"].job_id

    with store.reading() as connection:
        attached = connection.execute(
            select(t.job_credentials.c.credential_id).where(t.job_credentials.c.job_id == one)
        ).scalars()
        labels = connection.execute(select(t.job_labels.c.label_id).where(t.job_labels.c.job_id == one)).scalars()
        assert (sorted(attached), list(labels)) == (wanted, [label])


def test_artifacts_reach_all_descendants_the_later_parent_first(store: Store) -> None:
    def add(tx: Tx) -> int:
        names = ("root", "left", "right", "end", "aside")
        edges = [("root", "left", "success"), ("root", "right", "success"), ("left", "end", "success"),
                 ("right", "end", "success")]  # fmt: skip
        return launch(tx, add_workflow(tx, {each: add_runnable(tx, each) for each in names}, edges))

    job_id = store.write(add)
    left = {"root": {"a": 1, "b": 1}, "left": {"b": 2, "c": 2}, "right": {"c": 3}, "aside": {"z": 0}}
    for names in (("root", "aside"), ("right", "left")):
        store.write(step_workflow, job_id)
        for name in names:
            end_node_job(store, nodes_of(store, job_id)[name].job_id or 0, artifacts=left[name])
    store.write(step_workflow, job_id)

    nodes = nodes_of(store, job_id)
    # Of two parents the later node's count, and its own ancestors' with them: AWX merges them in this order.
    assert nodes["end"].ancestor_artifacts == {"a": 1, "b": 1, "c": 3}
    assert json.loads(nodes["end"].job.extra_vars) == {"a": 1, "b": 1, "c": 3}
    assert nodes["aside"].ancestor_artifacts == {}


def test_artifacts_that_are_too_large_fail_the_node_with_a_sentence(store: Store) -> None:
    def add(tx: Tx) -> int:
        nodes = {each: add_runnable(tx, each) for each in ("one", "two", "sum")}
        return launch(tx, add_workflow(tx, nodes, [("one", "sum", "success"), ("two", "sum", "success")]))

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    for name in ("one", "two"):
        large = {name: "x" * (LARGEST // 2)}
        end_node_job(store, nodes_of(store, job_id)[name].job_id or 0, artifacts=large)
    store.write(step_workflow, job_id)

    failed = nodes_of(store, job_id)["sum"].job
    assert (failed.status, failed.job_explanation) == ("failed", node_jobs._TOO_LARGE)
    assert job_of(store, job_id).status == "failed"


def test_a_workflow_says_that_what_its_jobs_left_is_too_large_to_be_handed_on(store: Store) -> None:
    def add(tx: Tx) -> int:
        return launch(tx, add_workflow(tx, {each: add_runnable(tx, each) for each in ("one", "two")}))

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    for name in ("one", "two"):
        large = {name: "x" * (LARGEST // 2)}
        end_node_job(store, nodes_of(store, job_id)[name].job_id or 0, artifacts=large)
    store.write(step_workflow, job_id)

    ended = job_of(store, job_id)
    assert (ended.status, ended.artifacts) == ("successful", {})
    assert ended.job_explanation == workflow_jobs._TOO_LARGE


@pytest.fixture
def delivery(store: Store) -> int:
    def add(tx: Tx) -> int:
        target = {"repository": "a/b", "sha": "a" * 40, "origin": None}
        row = insert(t.webhook_deliveries).values(
            service="github", outcome="launched", response_status=202, received=tx.now, remote_address="",
            event={"type": "push", "status_target": target}, headers={}, body_size=0,
        )  # fmt: skip
        return int(tx.connection.execute(row.returning(t.webhook_deliveries.c.id)).scalar_one())

    return store.write(add)


def posts_of(store: Store, job_id: int) -> list[tuple[str, str, str]]:
    posts = t.status_posts
    with store.reading() as connection:
        rows = connection.execute(select(posts).where(posts.c.job_id == job_id).order_by(posts.c.id)).all()
    return [(row.context, row.status, row.description) for row in rows]


@pytest.mark.parametrize("asked", [False, True])
def test_a_delivery_reaches_every_node_and_nodes_post_only_when_asked(store: Store, delivery: int, asked: bool) -> None:
    def add(tx: Tx) -> int:
        inner = add_workflow(tx, {"deep": add_runnable(tx, "deep")}, name="inner")
        own = {"webhook_service": "github", "webhook_credential_id": add_token_credential(tx)}
        nodes = {"one": add_runnable(tx, "one", **own), "inner": inner}
        workflow_id = add_workflow(tx, nodes, playhook={"node_statuses": asked})
        return launch(tx, workflow_id, delivery_id=delivery, **own)

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    nodes = nodes_of(store, job_id)
    store.write(step_workflow, nodes["inner"].job_id or 0)
    deep = nodes_of(store, nodes["inner"].job_id or 0)["deep"].job
    end_node_job(store, nodes["one"].job_id or 0)

    assert [each.delivery_id for each in (nodes["one"].job, nodes["inner"].job, deep)] == [delivery] * 3
    wanted = [("playhook/release/one", "pending", "The job is queued."),
              ("playhook/release/one", "running", "The job is running."),
              ("playhook/release/one", "successful", "The job succeeded.")]  # fmt: skip
    assert posts_of(store, nodes["one"].job_id or 0) == (wanted if asked else [])
    assert posts_of(store, deep.id) == [], "a nested workflow's nodes have options of their own"
    assert posts_of(store, job_id) == [("playhook/release", "running", "The workflow is running.")]
    with store.reading() as connection:
        inputs = read_job_inputs(connection, store.cipher, deep.id)
    assert inputs.workflow is not None
    assert (inputs.workflow.id, inputs.workflow.name) == (nodes["inner"].job_id, "inner")


def test_a_workflow_that_runs_in_two_nodes_posts_under_the_context_of_each(store: Store, delivery: int) -> None:
    def add(tx: Tx) -> int:
        asked = {"node_statuses": True}
        inner = add_workflow(
            tx, {"deep": add_runnable(tx, "deep")}, name="inner", allow_simultaneous=True, playhook=asked
        )
        own = {"webhook_service": "github", "webhook_credential_id": add_token_credential(tx)}
        workflow_id = add_workflow(tx, {"east": inner, "west": inner}, playhook=asked)
        return launch(tx, workflow_id, delivery_id=delivery, **own)

    job_id = store.write(add)
    store.write(step_workflow, job_id)
    contexts = {}
    for name, node in nodes_of(store, job_id).items():
        store.write(step_workflow, node.job_id or 0)
        deep = nodes_of(store, node.job_id or 0)["deep"].job_id or 0
        contexts[name] = {context for each in (node.job_id or 0, deep) for context, _, _ in posts_of(store, each)}

    assert contexts == {
        "east": {"playhook/release/east", "playhook/release/east/deep"},
        "west": {"playhook/release/west", "playhook/release/west/deep"},
    }


def test_a_delivery_is_kept_until_the_workflow_has_ended(store: Store, settings: Settings, delivery: int) -> None:
    def add(tx: Tx) -> int:
        return launch(tx, add_workflow(tx, {"one": add_runnable(tx, "one")}), delivery_id=delivery)

    def headers() -> Any:
        with store.reading() as connection:
            return connection.execute(select(t.webhook_deliveries.c.headers)).scalar_one()

    much_later = datetime.now(UTC) + timedelta(days=10_000)
    job_id = store.write(add)
    store.write(step_workflow, job_id)
    purge(store, settings, much_later)
    before = headers()
    end_node_job(store, nodes_of(store, job_id)["one"].job_id or 0)
    purge(store, settings, much_later)
    between = headers()
    store.write(step_workflow, job_id)
    purge(store, settings, much_later)

    assert (before, between, headers()) == ({}, {}, None)


def test_a_secret_that_must_be_asked_for_fails_the_node(store: Store) -> None:
    def add(tx: Tx) -> int:
        template = add_runnable(tx, "one")
        credential = add_token_credential(tx, token="ASK")
        add_row(tx, t.template_credentials, template_id=template, credential_id=credential)
        return launch(tx, add_workflow(tx, {"one": template}))

    job_id = store.write(add)
    store.write(step_workflow, job_id)

    job = nodes_of(store, job_id)["one"].job
    assert (job.status, job.job_explanation.endswith("required manual credentials")) == ("failed", True)


def test_a_deleted_workflow_job_takes_its_nodes_along(store: Store) -> None:
    start_one(store, {}, {})

    def forget(tx: Tx) -> int:
        tx.connection.execute(update(t.workflow_job_nodes).values(job_id=None))
        tx.connection.execute(t.unified_jobs.delete().where(t.unified_jobs.c.type == "workflow_job"))
        return len(tx.connection.execute(select(t.workflow_job_nodes.c.id)).all())

    assert store.write(forget) == 0
