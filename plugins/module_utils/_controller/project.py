# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a project, and wait until its files are there."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.playhook.webhooks.plugins.module_utils._controller.client import connect
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.fields import (
    plain_field,
    plain_fields,
    plan_absence,
    plan_fields,
    reference_field,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.waiting import wait_for_end
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step

_PLAIN = (
    "description",
    "local_path",
    "scm_url",
    "scm_branch",
    "scm_refspec",
    "scm_clean",
    "scm_delete_on_update",
    "scm_track_submodules",
    "scm_update_on_launch",
    "scm_update_cache_timeout",
    "allow_override",
)
# A change of these, and a new project, make the server fetch the files by itself.
_FETCHED_ANEW = ("scm_type", "scm_url", "scm_branch", "scm_refspec")


def ensure_project(params, check_mode):
    """Make the project as the options say and return the module's result."""
    controller = connect(params, check_mode)
    organization = controller.get_named("organizations", params["organization"])
    identity = [plain_field("name", params["name"], None), reference_field("organization", organization, None)]
    existing = controller.find("projects", params["name"], organization=organization.id)
    if params["state"] == "absent":
        plan = plan_absence(identity, existing)
    else:
        plan = _with_update(plan_fields("projects", identity, _fields(controller, params, existing), existing), params)
    plan = replace(plan, warnings=tuple(controller.warnings))
    if check_mode:
        return _result(plan, plan.subject)
    answers = plan.apply(controller.send)
    if params["state"] == "absent":
        return _result(plan, plan.subject)
    return _result(plan, _after_update(controller, params, answers))


def _fields(controller, params, existing):
    fields = plain_fields(_PLAIN, params, existing)
    if params["scm_type"] is not None:
        # The API's name for a directory that nobody fetches is the empty one.
        fields.append(plain_field("scm_type", params["scm_type"].replace("manual", ""), existing))
    if params["credential"] is not None:
        credential = controller.get_named("credentials", params["credential"]) if params["credential"] else None
        fields.append(reference_field("credential", credential, existing))
    return fields


def _with_update(plan, params):
    """Return the plan with an update of the project's files, unless the server starts one by itself."""
    fetched_anew = any(name in _FETCHED_ANEW for step in plan.steps for name in step.body)
    if not params["update_project"] or plan.subject is None or fetched_anew:
        return plan
    after = dict(plan.after, project_update="started")
    return replace(plan, after=after, steps=(*plan.steps, Step("POST", "update/", {}, "update")))


def _after_update(controller, params, answers):
    """Return the project, after the update that runs for it if the module is to wait for one."""
    project = answers["subject"]
    update = answers.get("update") or (project.get("summary_fields") or {}).get("current_update")
    if not params["wait"] or not update:
        return project
    what = "The update of project {!r} (project update {})".format(params["name"], update["id"])
    wait_for_end(controller, "project_updates/{}/".format(update["id"]), what, params["interval"], params["timeout"])
    return controller.send("GET", project["url"])


def _result(plan, project):
    project = project or {}
    return dict(
        plan.result, id=project.get("id"), scm_revision=project.get("scm_revision"), status=project.get("status")
    )
