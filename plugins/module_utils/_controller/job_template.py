# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a job template with its credentials and its webhook."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.playhook.webhooks.plugins.module_utils._controller import webhook
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.client import connect
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.fields import (
    plain_field,
    plain_fields,
    plan_absence,
    plan_fields,
    playhook_fields,
    reference_field,
    variables_field,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.survey import with_survey
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step

ASKS = (
    "credential",
    "diff_mode",
    "execution_environment",
    "forks",
    "instance_groups",
    "inventory",
    "job_slice_count",
    "job_type",
    "labels",
    "limit",
    "scm_branch",
    "skip_tags",
    "tags",
    "timeout",
    "variables",
    "verbosity",
)
_PLAIN = (
    "description",
    "job_type",
    "playbook",
    "scm_branch",
    "forks",
    "limit",
    "verbosity",
    "job_tags",
    "skip_tags",
    "start_at_task",
    "force_handlers",
    "timeout",
    "job_slice_count",
    "use_fact_cache",
    "become_enabled",
    "diff_mode",
    "allow_simultaneous",
    "survey_enabled",
    "webhook_service",
    *(f"ask_{name}_on_launch" for name in ASKS),
)
_REFERENCES = {
    "inventory": "inventories",
    "project": "projects",
    "execution_environment": "execution_environments",
    "webhook_credential": "credentials",
}


def ensure_job_template(params, check_mode):
    """Make the job template as the options say and return the module's result."""
    controller = connect(params, check_mode)
    webhook.refuse_unusable(params)
    references, existing = _look_up(controller, params)
    identity = [plain_field("name", params["name"], None)]
    if params["state"] == "absent":
        plan = plan_absence(identity, existing)
    else:
        plan = plan_fields("job_templates", identity, _fields(controller, params, references, existing), existing)
        if params["credentials"] is not None:
            plan = _with_credentials(plan, controller, params["credentials"])
        plan = with_survey(plan, controller, params)
        plan = webhook.with_key(plan, controller, "job_templates", params)
    plan = replace(plan, warnings=tuple(controller.warnings))
    answers = {"subject": plan.subject} if check_mode else plan.apply(controller.send)
    result = dict(plan.result, id=(answers["subject"] or {}).get("id"))
    if params["state"] == "absent":
        return result
    return dict(result, **webhook.shown(controller, "job_templates", params, plan, answers, check_mode))


def _look_up(controller, params):
    """Return the objects that the options name, and the job template or None.

    A job template belongs to its project's organization, so that is where it is looked for.
    """
    organization = {}
    if params["organization"]:
        organization["organization"] = controller.get_named("organizations", params["organization"]).id
    references = {}
    for name, resource in _REFERENCES.items():
        if params[name] is not None:
            within = organization if name == "project" else {}
            references[name] = controller.get_named(resource, params[name], **within) if params[name] else None
    project = references.get("project")
    if project and not organization and (project.id is None or project.content.get("organization")):
        organization["organization"] = project.content.get("organization")
    return references, controller.find("job_templates", params["name"], **organization)


def _fields(controller, params, references, existing):
    fields = plain_fields(_PLAIN, params, existing)
    fields += playhook_fields(controller, ["allow_sha1", "status_context"], params, existing)
    fields += [reference_field(name, named, existing) for name, named in references.items()]
    if params["extra_vars"] is not None:
        fields.append(variables_field("extra_vars", params["extra_vars"], existing))
    return fields + webhook.credential_field(params, references, existing)


def _with_credentials(plan, controller, names):
    wanted = [controller.get_named("credentials", name) for name in names]
    present = {}
    if plan.subject:
        present = {found["id"]: found["name"] for found in controller.list_all(plan.subject["url"] + "credentials/")}
    wanted_ids = [named.id for named in wanted]
    # First those that go: a template holds only one credential of most types.
    gone = [
        Step("POST", "credentials/", {"id": found, "disassociate": True})
        for found in present
        if found not in wanted_ids
    ]
    new = [Step("POST", "credentials/", {"id": found}) for found in wanted_ids if found not in present]
    return replace(
        plan,
        before=dict(plan.before, credentials=sorted(present.values())) if plan.before else {},
        after=dict(plan.after, credentials=sorted(named.name for named in wanted)),
        steps=plan.steps + tuple(gone) + tuple(new),
    )
