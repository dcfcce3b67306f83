# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of workflow job templates: what each runs, what it asks of it, and what follows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from playhook.domain.run_options import complain_of_limit, complain_of_line, complain_of_ref
from playhook.domain.survey import questions_of
from playhook.domain.variables import parse_variables
from playhook.errors import InvalidInput, Refusal
from playhook.store.collections import Link, Row
from playhook.store.credentials import ASK
from playhook.store.objects import find_rows
from playhook.store.related import find_credentials_of
from playhook.store.surveys import seal_answers
from playhook.store.tx import Tx
from playhook.store.workflow_graphs import (
    APPROVAL,
    KINDS,
    create_approval,
    delete_approvals,
    delete_node,
    find_children,
    judge_edge,
    lock_graph,
)
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import BIGGEST, UNSET, Field, choice, flag, reference, text
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, Association, NamedPart, Resource, Shown, Unique, Written
from playhook.web.api_v2.resources.attached import instance_groups_below
from playhook.web.api_v2.resources.labels import label_list
from playhook.web.api_v2.resources.node_prompts import NODE_PROMPTS, complain_of_prompts
from playhook.web.api_v2.resources.standard_fields import VERBOSITY
from playhook.web.api_v2.resources.workflow_approval_templates import WORKFLOW_APPROVAL_TEMPLATES
from playhook.web.api_v2.write import Draft, draft_from

_CHILDREN: Final = "children of template nodes"
_WITHOUT_TEMPLATE: Final = ("workflow_job_template_id", "identifier", "all_parents_must_converge")
_TEMPLATE_SUMMARY: Final = (*SUMMARY, "unified_job_type")


def _number(name: str) -> Field:
    return Field(name=name, kind="integer", column=name, nullable=True, default=None, max_value=BIGGEST,
                 min_value=None if name == "timeout" else 0)  # fmt: skip


def _prompted(name: str, **options: Any) -> Field:
    return text(name, nullable=True, default=None, **options)


PROMPT_FIELDS: Final = (
    Field(name="extra_data", kind="json", column="extra_data", default={}, forbidden=True),
    reference("inventory", "inventories", help_text="Inventory applied as a prompt, assuming job template prompts "
              "for inventory"),
    _prompted("scm_branch", max_length=1024, complain=complain_of_ref),
    choice("job_type", (("run", "Run"), ("check", "Check")), nullable=True, default=None),
    _prompted("job_tags", complain=complain_of_line),
    _prompted("skip_tags", max_length=1024, complain=complain_of_line),
    _prompted("limit", complain=complain_of_limit),
    Field(name="diff_mode", kind="boolean", column="diff_mode", nullable=True, default=None),
    choice("verbosity", VERBOSITY, nullable=True, default=None),
    reference("execution_environment", "execution_environments",
              help_text="The container image to be used for execution."),
    *(_number(name) for name in ("forks", "job_slice_count", "timeout")),
)  # fmt: skip
"""What a node may ask of its template; null: as the template says."""


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    view.facts[_CHILDREN].update(find_children(view.connection, [row["id"] for row in rows]))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    fill_node(view.facts[_CHILDREN].get(row["id"]), shown)
    runs = view.find("unified_job_templates", row["unified_job_template_id"])
    if runs is not None and runs["type"] == APPROVAL:
        shown["summary_fields"]["unified_job_template"]["timeout"] = runs["timeout"]


def fill_node(children: Mapping[str, list[int]] | None, shown: Shown) -> None:
    """Show the ids of the nodes that follow a node."""
    for kind in KINDS:
        shown[f"{kind}_nodes"] = children[kind] if children else []


def _check(draft: Draft) -> None:
    if draft.current is not None:
        draft.values.pop("workflow_job_template_id", None)  # a node stays in its workflow
    elif draft.get("workflow_job_template_id") is None:
        raise InvalidInput({"workflow_job_template": ["This field is required."]})
    if draft.current is None and not draft.values.get("identifier"):
        draft.values["identifier"] = str(uuid.uuid4())
    runs = draft.find("unified_job_templates", draft.get("unified_job_template_id"))
    if runs is None:
        draft.values = {name: draft.values[name] for name in _WITHOUT_TEMPLATE if name in draft.values} | (
            {"unified_job_template_id": None} if draft.is_changed("unified_job_template_id") else {}
        )
        return
    _read_extra_data(draft)
    if draft.is_changed("unified_job_template_id") or any(name in draft.body for name in _PROMPT_NAMES):
        node = {name: draft.get(name) for name in (*NODE_PROMPTS.values(), "extra_data") if name in _COLUMNS}
        for name, sentences in complain_of_prompts(runs, node).items():
            draft.fail(name, *sentences)


def _read_extra_data(draft: Draft) -> None:
    given = draft.values.get("extra_data")
    if isinstance(given, str):
        try:
            draft.values["extra_data"] = parse_variables(given)
        except ValueError as error:
            raise InvalidInput({"extra_data": [str(error)]}) from None


_PROMPT_NAMES: Final = tuple(each.name for each in PROMPT_FIELDS)
_COLUMNS: Final = frozenset(each.column for each in PROMPT_FIELDS)


def _before(tx: Tx, draft: Draft) -> None:
    if draft.current is not None:
        lock_graph(tx.connection, draft.current["id"])
    _seal(tx, draft)


def _seal(tx: Tx, draft: Draft) -> None:
    """Encrypt the passwords among a node's answers; `$encrypted$` keeps what it answered before."""
    if "extra_data" not in draft.values:
        return
    template_id, node_id = draft.get("unified_job_template_id") or 0, draft.current["id"] if draft.current else 0
    runs = find_rows(tx.connection, "unified_job_templates", [template_id]).get(template_id)
    before = find_rows(tx.connection, "workflow_job_template_nodes", [node_id]).get(node_id)
    questions = questions_of(runs) if runs is not None else ()
    old = before["survey_passwords"] if before is not None else {}
    sealed = seal_answers(tx.cipher, questions, draft.values["extra_data"], old)
    draft.values |= {"extra_data": dict(sealed.shown), "survey_passwords": dict(sealed.passwords)}


def _store(tx: Tx, written: Written) -> None:
    """Delete the approval that a changed node ran before: it belonged to this node alone."""
    if written.before is not None and written.draft.is_changed("unified_job_template_id"):
        delete_approvals(tx, [written.before["unified_job_template_id"]])


def _check_credential(call: Call, row: Row, credential: Row) -> None:
    """Refuse a credential that the node's template does not ask for (AWX's sentences)."""
    template_id = row["unified_job_template_id"]
    runs = find_rows(call.connection, "unified_job_templates", [template_id or 0]).get(template_id or 0)
    if runs is None:
        raise Refusal("Cannot assign credential when related template is null.", "msg")
    if runs["type"] != "job_template":
        raise Refusal("Related template cannot accept credentials on launch.", "msg")
    if ASK in credential["inputs"].values():
        sentence = "Credential that requires user input on launch cannot be used in saved launch configuration."
        raise Refusal(sentence, "msg")
    if not runs["ask_credential_on_launch"]:
        raise Refusal("Related template is not configured to accept credentials on launch.", "msg")
    _refuse_second(call, row, credential)
    own = find_credentials_of(call.connection, "template_credentials", "template_id", [runs["id"]])
    if credential["id"] in [each["id"] for each in own.get(runs["id"], ())]:
        raise Refusal(f"Related template already uses {credential['name']} credential.", "msg")


def _refuse_second(call: Call, row: Row, credential: Row) -> None:
    attached = find_credentials_of(call.connection, "template_node_credentials", "node_id", [row["id"]])
    types = call.api.resources["credential_types"]
    kind = call.api.read(types, call, credential["credential_type_id"])
    if kind["kind"] == "vault":
        return
    for each in attached.get(row["id"], ()):
        if each["credential_type_id"] == credential["credential_type_id"] and each["id"] != credential["id"]:
            sentence = f"This launch configuration already provides a {kind['name']} credential."
            raise Refusal(sentence, "msg")


def _show_nothing(_call: Call, _row: Row) -> Response:
    return answer({})


def _create_approval(call: Call, row: Row) -> Response:
    """Give the node an approval: a step that waits until somebody approves or denies it."""
    approvals = call.api.resources["workflow_approval_templates"]
    draft = draft_from(call, approvals, None)
    approval_id = call.write(create_approval, row["id"], draft.values, call.principal.id)
    shown = Rendering(call).show(approvals, call.api.read(approvals, call, approval_id))
    return answer(shown, 201, {"Location": shown["url"]})


def _edges(kind: str) -> Association:
    return Association(
        name=f"{kind}_nodes",
        resource="workflow_job_template_nodes",
        table="workflow_job_template_node_edges",
        parent="parent_id",
        listed="child_id",
        kind={"kind": kind},
        judge=judge_edge,
        creates=True,
        given=lambda parent: {"workflow_job_template_id": parent["workflow_job_template_id"]},
    )


WORKFLOW_JOB_TEMPLATE_NODES: Final = Resource(
    name="workflow_job_template_nodes",
    type="workflow_job_template_node",
    model="WorkflowJobTemplateNode",
    table="workflow_job_template_nodes",
    fields=(
        *PROMPT_FIELDS,
        reference("workflow_job_template", "workflow_job_templates", nullable=False),
        reference("unified_job_template", "unified_job_templates", summary=_TEMPLATE_SUMMARY),
        *(Field(name=f"{kind}_nodes", kind="list", read_only=True, default=[]) for kind in KINDS),
        flag("all_parents_must_converge",
             help_text="If enabled then the node will only run if all of the parent nodes have met the criteria to "
             "reach this node"),
        text("identifier", max_length=512, blank=False, default=UNSET,
             help_text="An identifier for this node that is unique within its workflow. It is copied to workflow job "
             "nodes corresponding to this node."),
    ),
    order=("id",),
    search=(),
    links={
        f"{kind}_nodes": Link(target="workflow_job_template_nodes",
                              through=("workflow_job_template_node_edges", "parent_id", "child_id"))
        for kind in KINDS
    } | {
        "credentials": Link(target="credentials", through=("template_node_credentials", "node_id", "credential_id")),
    },
    unique=(
        Unique(columns=("identifier", "workflow_job_template_id"),
               message="Workflow job template node with this Identifier and Workflow job template already exists."),
    ),
    named=(NamedPart(columns=("identifier",)), NamedPart(path="workflow_job_template"),
           NamedPart(path="workflow_job_template__organization")),
    related=("labels", "credentials", "instance_groups", "create_approval_template", "success_nodes",
             "failure_nodes", "always_nodes"),
    authored=False,
    capabilities={},
    summary=("id", "identifier"),
    sub=(
        Action(name="create_approval_template", methods={"GET": _show_nothing, "POST": _create_approval},
               label="Create approval template", fields=WORKFLOW_APPROVAL_TEMPLATES.writable),
        *(_edges(kind) for kind in KINDS),
        Association(name="credentials", resource="credentials", table="template_node_credentials",
                    parent="node_id", listed="credential_id", check=_check_credential),
        label_list("template_node_labels", "node_id"),
        instance_groups_below("template_node_instance_groups", "node_id"),
    ),
    prepare=_prepare,
    fill=_fill,
    check=_check,
    before=_before,
    after=_store,
    remove=lambda tx, row: delete_node(tx, row["id"]),
)  # fmt: skip
