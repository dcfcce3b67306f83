# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of workflow jobs: the copy of the graph that one launch runs, and what each of its nodes launched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from playhook.store.collections import Link, Row
from playhook.store.workflow_graphs import KINDS, find_children
from playhook.web.api_v2.fields import Field, computed, reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Association, Resource, Shown
from playhook.web.api_v2.resources.attached import instance_groups_below
from playhook.web.api_v2.resources.job_fields import JOB_SUMMARY
from playhook.web.api_v2.resources.labels import label_list
from playhook.web.api_v2.resources.workflow_job_template_nodes import PROMPT_FIELDS, fill_node

_CHILDREN: Final = "children of job nodes"


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    view.facts[_CHILDREN].update(find_children(view.connection, [row["id"] for row in rows], of_jobs=True))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_node(view.facts[_CHILDREN].get(row["id"]), shown)
    job = view.find("unified_jobs", row["job_id"])
    if job is not None and job["type"] == "workflow_approval":
        shown["summary_fields"]["job"]["timed_out"] = job["timed_out"]


def _edges(kind: str) -> Association:
    return Association(
        name=f"{kind}_nodes",
        resource="workflow_job_nodes",
        table="workflow_job_node_edges",
        parent="parent_id",
        listed="child_id",
        kind={"kind": kind},
        writable=False,
    )


WORKFLOW_JOB_NODES: Final = Resource(
    name="workflow_job_nodes",
    type="workflow_job_node",
    model="WorkflowJobNode",
    table="workflow_job_nodes",
    fields=(
        *(replace(each, read_only=True) for each in PROMPT_FIELDS),
        reference("job", "unified_jobs", read_only=True, summary=JOB_SUMMARY),
        reference("workflow_job", "workflow_jobs", read_only=True, summary=SUMMARY),
        reference("unified_job_template", "unified_job_templates", read_only=True,
                  summary=(*SUMMARY, "unified_job_type")),
        *(Field(name=f"{kind}_nodes", kind="list", read_only=True, default=[]) for kind in KINDS),
        computed("all_parents_must_converge", "boolean", column="all_parents_must_converge",
                 help_text="If enabled then the node will only run if all of the parent nodes have met the criteria "
                 "to reach this node"),
        computed("do_not_run", "boolean", column="do_not_run",
                 help_text="Indicates that a job will not be created when True. Workflow runtime semantics will mark "
                 "this True if the node is in a path that will decidedly not be ran. A value of False means the node "
                 "may not run."),
        computed("identifier", "string", column="identifier",
                 help_text="An identifier coresponding to the workflow job template node that this node was created "
                 "from."),
    ),
    order=("id",),
    search=(),
    list_methods=("GET",),
    detail_methods=("GET",),
    links={
        f"{kind}_nodes": Link(target="workflow_job_nodes",
                              through=("workflow_job_node_edges", "parent_id", "child_id"))
        for kind in KINDS
    } | {
        "credentials": Link(target="credentials", through=("job_node_credentials", "node_id", "credential_id")),
    },
    authored=False,
    capabilities={},
    summary=("id", "identifier"),
    related=("labels", "credentials", "instance_groups", "success_nodes", "failure_nodes", "always_nodes"),
    sub=(
        *(_edges(kind) for kind in KINDS),
        Association(name="credentials", resource="credentials", table="job_node_credentials", parent="node_id",
                    listed="credential_id", writable=False),
        label_list("job_node_labels", "node_id", writable=False),
        instance_groups_below("job_node_instance_groups", "node_id", writable=False),
    ),
    prepare=_prepare,
    fill=_fill,
)  # fmt: skip
