# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node of a workflow: what it is, what it shall be, and the writes between the two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.playhook.webhooks.plugins.module_utils._controller.survey import secret_variables
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step

TEMPLATE_TYPES = ("job_template", "project", "workflow_job_template")
_RESOURCES = {"job_template": "job_templates", "project": "projects", "workflow_job_template": "workflow_job_templates"}
_RUN_BY = {"job": "job_template", "project_update": "project", "workflow_job": "workflow_job_template"}
_APPROVAL_FIELDS = ("name", "description", "timeout")
PROMPTS = (
    "limit",
    "scm_branch",
    "job_type",
    "job_tags",
    "skip_tags",
    "diff_mode",
    "verbosity",
    "forks",
    "job_slice_count",
    "timeout",
)
_ASKS = {
    "credentials": "ask_credential_on_launch",
    "job_tags": "ask_tags_on_launch",
    "extra_data": "ask_variables_on_launch",
}
_ENCRYPTED = "$encrypted$"  # how a server shows the answer to a question for a password


@dataclass(frozen=True)
class Node:
    """A node without its edges.

    fields is what is sent, template and inventory as ids; names is how a diff shows those two. approval is the
    approval's own fields, or None for a node that runs a template. credentials are names by id. secrets are those of
    extra_data that answer a question for a password, and anew says that they are sent although the server has some.
    """

    fields: dict[str, Any]
    names: dict[str, Any]
    approval: dict[str, Any] | None = None
    credentials: dict[Any, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    anew: bool = False


def wanted_node(controller, entry, anew):
    """Return the node that an entry of the option describes; what the entry leaves out is not prompted.

    Raises InvalidOption for a prompt that the template does not ask for.
    """
    fields = {"all_parents_must_converge": bool(entry["all_parents_must_converge"])}
    if entry["approval"] is not None:
        approval = {"description": "", "timeout": 0, **{k: v for k, v in entry["approval"].items() if v is not None}}
        return Node(fields, {}, approval)
    within = {}
    if entry["organization"]:
        within["organization"] = controller.get_named("organizations", entry["organization"]).id
    template = controller.get_named(_RESOURCES[entry["type"]], entry["unified_job_template"], **within)
    inventory = controller.get_named("inventories", entry["inventory"]) if entry["inventory"] else None
    fields["unified_job_template"] = template.id
    fields["inventory"] = inventory.id if inventory else None
    fields["extra_data"] = entry["extra_data"] or {}
    fields.update((name, None if entry[name] == "" else entry[name]) for name in PROMPTS)
    names = {"unified_job_template": template.name, "type": entry["type"]}
    names["inventory"] = inventory.name if inventory else None
    credentials = [controller.get_named("credentials", name) for name in entry["credentials"] or ()]
    _refuse_unasked(controller, entry, template)
    secrets = secret_variables(controller, template).intersection(fields["extra_data"]) if fields["extra_data"] else ()
    return Node(fields, names, None, {each.id: each.name for each in credentials}, frozenset(secrets), anew)


def _refuse_unasked(controller, entry, template):
    for name in ("inventory", "credentials", "extra_data", *PROMPTS):
        ask = _ASKS.get(name, f"ask_{name}_on_launch")
        if name == "extra_data" and template.content.get("survey_enabled"):
            continue  # the survey may ask for it, which the server knows
        if entry[name] not in (None, "", [], {}) and template.content.get(ask) is False:
            controller.refuse(
                f"Node {entry['identifier']!r} has {name}, and {template.name!r} does not ask for it. Set {ask} there, "
                "or leave it out here."
            )


def read_node(controller, found, has_credentials):
    """Return the node that the API shows."""
    summary = found.get("summary_fields", {})
    template = summary.get("unified_job_template") or {}
    fields = {"all_parents_must_converge": found["all_parents_must_converge"]}
    if template.get("unified_job_type") == "workflow_approval":
        return Node(fields, {}, {name: template.get(name) for name in _APPROVAL_FIELDS})
    for name in ("unified_job_template", "inventory", "extra_data", *PROMPTS):
        fields[name] = found.get(name)
    names = {
        "unified_job_template": template.get("name"),
        "type": _RUN_BY.get(template.get("unified_job_type")),
        "inventory": (summary.get("inventory") or {}).get("name"),
    }
    credentials = controller.list_all(found["url"] + "credentials/") if has_credentials else ()
    return Node(fields, names, None, {each["id"]: each["name"] for each in credentials})


def new_node(identifier, node):
    """Return the steps that make a node below the template that the plan is about."""
    given = f"node {identifier}"
    body = {name: value for name, value in node.fields.items() if value not in (None, {}, False)}
    steps = [Step("POST", "workflow_nodes/", dict(body, identifier=identifier), given)]
    if node.approval is not None:
        steps.append(Step("POST", "create_approval_template/", node.approval, under=given))
    return steps + [Step("POST", "credentials/", {"id": each}, under=given) for each in node.credentials]


def changed_node(found, before, node):
    """Return the steps that make an existing node what it shall be."""
    url = found["url"]
    gone = [each for each in before.credentials if each not in node.credentials]
    # First those that go: their template may ask for none any more.
    steps = [Step("POST", url + "credentials/", {"id": each, "disassociate": True}) for each in gone]
    fields = dict(node.fields)
    if before.approval is None and node.approval is not None:
        fields.update(inventory=None, extra_data={}, **dict.fromkeys(PROMPTS))
    kept = dict(fields, extra_data=_masked(node)) if fields.get("extra_data") and not node.anew else fields
    body = {
        name: value for name, value in fields.items() if before.fields.get(name) != kept[name] or _unknown(name, value)
    }
    if body:
        steps.append(Step("PATCH", url, body))
    steps += _approval_steps(found, before, node)
    new = [each for each in node.credentials if each not in before.credentials]
    return steps + [Step("POST", url + "credentials/", {"id": each}) for each in new]


def shown_node(node):
    """Return a node as a diff shows it: what is set of it."""
    if node.approval is not None:
        shown = {"approval": {name: value for name, value in node.approval.items() if value}}
    else:
        prompts = {"extra_data": _masked(node), **{name: node.fields[name] for name in PROMPTS}}
        shown = {name: value for name, value in {**node.names, **prompts}.items() if value not in (None, {})}
    if node.fields["all_parents_must_converge"]:
        shown["all_parents_must_converge"] = True
    if node.credentials:
        shown["credentials"] = sorted(node.credentials.values())
    return shown


def _masked(node):
    shown = "changed" if node.anew else _ENCRYPTED
    return {name: shown if name in node.secrets else value for name, value in node.fields["extra_data"].items()}


def _approval_steps(found, before, node):
    if node.approval is None or node.approval == before.approval:
        return []
    if before.approval is None:
        return [Step("POST", found["url"] + "create_approval_template/", node.approval)]
    return [Step("PATCH", found["related"]["unified_job_template"], node.approval)]


def _unknown(name, value):
    # In check mode a template that a task before this one creates has no id yet.
    return name == "unified_job_template" and value is None
