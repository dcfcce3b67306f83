# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a workflow job template with its graph and its webhook."""

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
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.workflow_graph import (
    read_graph,
    refuse_bad_graph,
    with_graph,
)

RESOURCE = "workflow_job_templates"
ASKS = ("inventory", "labels", "limit", "scm_branch", "skip_tags", "tags", "variables")
_PLAIN = (
    "description",
    "allow_simultaneous",
    "survey_enabled",
    "webhook_service",
    *(f"ask_{name}_on_launch" for name in ASKS),
)
_PROMPTS = ("limit", "scm_branch", "job_tags", "skip_tags")
_REFERENCES = {"inventory": "inventories", "webhook_credential": "credentials"}


def ensure_workflow_job_template(params, check_mode):
    """Make the workflow job template as the options say and return the module's result."""
    controller = connect(params, check_mode)
    webhook.refuse_unusable(params)
    refuse_bad_graph(params["nodes"] or ())
    identity, existing = _look_up(controller, params)
    if params["state"] == "absent":
        plan = plan_absence(identity, existing)
    else:
        plan = plan_fields(RESOURCE, identity, _fields(controller, params, existing), existing)
        if params["nodes"] is not None:
            plan = with_graph(plan, controller, read_graph(controller, existing), params)
        plan = with_survey(plan, controller, params)
        plan = webhook.with_key(plan, controller, RESOURCE, params)
    plan = replace(plan, warnings=tuple(controller.warnings))
    answers = {"subject": plan.subject} if check_mode else plan.apply(controller.send)
    result = dict(plan.result, id=(answers["subject"] or {}).get("id"))
    if params["state"] == "absent":
        return result
    return dict(result, **webhook.shown(controller, RESOURCE, params, plan, answers, check_mode))


def _look_up(controller, params):
    """Return what finds the workflow job template, and the template itself or None."""
    identity = [plain_field("name", params["name"], None)]
    if not params["organization"]:
        return identity, controller.find(RESOURCE, params["name"])
    organization = controller.get_named("organizations", params["organization"])
    identity.append(reference_field("organization", organization, None))
    return identity, controller.find(RESOURCE, params["name"], organization=organization.id)


def _fields(controller, params, existing):
    fields = plain_fields(_PLAIN, params, existing)
    # The API's name for what is not prompted is null.
    fields += [plain_field(name, params[name] or None, existing) for name in _PROMPTS if params[name] is not None]
    fields += playhook_fields(controller, ["allow_sha1", "status_context", "node_statuses"], params, existing)
    references = {
        name: controller.get_named(resource, params[name]) if params[name] else None
        for name, resource in _REFERENCES.items()
        if params[name] is not None
    }
    fields += [reference_field(name, named, existing) for name, named in references.items()]
    if params["extra_vars"] is not None:
        fields.append(variables_field("extra_vars", params["extra_vars"], existing))
    return fields + webhook.credential_field(params, references, existing)
