# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan an inventory with its hosts and groups."""

from __future__ import annotations

from dataclasses import replace

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
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.inventory_groups import with_groups
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import InvalidOption
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import IdOf, Step


def ensure_inventory(params, check_mode):
    """Make the inventory, its hosts and its groups as the options say and return the module's result."""
    controller = connect(params, check_mode)
    organization = controller.get_named("organizations", params["organization"])
    identity = [plain_field("name", params["name"], None), reference_field("organization", organization, None)]
    existing = controller.find("inventories", params["name"], organization=organization.id)
    if params["state"] == "absent":
        # AWX deletes an inventory later, and shows it until then.
        plan = plan_absence(identity, None if (existing or {}).get("pending_deletion") else existing)
    else:
        plan = plan_fields("inventories", identity, _fields(controller, params, existing), existing)
        present = {}
        if params["hosts"] is not None or params["groups"] is not None:
            present = _present_hosts(controller, existing)
        if params["hosts"] is not None:
            plan = _with_hosts(plan, params, present)
        if params["groups"] is not None:
            plan = with_groups(plan, controller, params, _hosts_to_be(params, present))
    plan = replace(plan, warnings=tuple(controller.warnings))
    subject = plan.subject if check_mode else plan.apply(controller.send)["subject"]
    return dict(plan.result, id=(subject or {}).get("id"))


def _fields(controller, params, existing):
    fields = plain_fields(["description"], params, existing)
    fields += playhook_fields(controller, ["source_path"], params, existing)
    if params["variables"] is not None:
        fields.append(variables_field("variables", params["variables"], existing))
    return fields


def _present_hosts(controller, existing):
    if existing is None:
        return {}
    return {host["name"]: host for host in controller.list_all(existing["url"] + "hosts/")}


def _hosts_to_be(params, present):
    """Return the hosts that the inventory will have: by name, their id or the IdOf the step that makes them."""
    listed = {host["name"] for host in params["hosts"] or ()}
    hosts = {name: IdOf(f"host {name}") for name in listed}
    hosts.update((name, host["id"]) for name, host in present.items() if name in listed or not params["purge_hosts"])
    return hosts


def _with_hosts(plan, params, present):
    """Return the plan with the hosts below the inventory, which may be one that the plan creates."""
    before, after, steps = {}, {}, []
    for wanted in params["hosts"]:
        name = wanted["name"]
        if name in after:
            raise InvalidOption(f"hosts names {name!r} twice. Name every host once.")
        host = present.get(name)
        fields = plain_fields(["description", "enabled"], wanted, host)
        if wanted["variables"] is not None:
            fields.append(variables_field("variables", wanted["variables"], host))
        changes = plan_fields("hosts", [plain_field("name", name, None)], fields, host)
        after[name] = _without_name(changes.after)
        if host:
            before[name] = _without_name(changes.before)
        steps += [_host_step(step, name, host) for step in changes.steps]
    for name in sorted(set(present) - set(after)) if params["purge_hosts"] else ():
        before[name] = {}
        steps.append(Step("DELETE", present[name]["url"]))
    return replace(
        plan,
        before=dict(plan.before, hosts=before) if plan.before else {},
        after=dict(plan.after, hosts=after),
        steps=plan.steps + tuple(steps),
    )


def _host_step(step, name, host):
    if host is None:
        return Step("POST", "hosts/", step.body, f"host {name}")
    return Step(step.method, host["url"], step.body)


def _without_name(shown):
    return {name: value for name, value in shown.items() if name != "name"}
