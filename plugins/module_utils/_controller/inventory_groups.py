# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the groups of an inventory: what they are, which hosts and groups are in them; part of the inventory's diff."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.playhook.webhooks.plugins.module_utils._controller.fields import (
    plain_field,
    plain_fields,
    plan_fields,
    variables_field,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import InvalidOption
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import IdOf, Step


def with_groups(plan, controller, params, hosts):
    """Return the plan with the groups below the inventory, which may be one that the plan creates.

    hosts are those that the inventory will have: by name, their id or the IdOf the step that makes them.
    """
    listed = _listed(params["groups"])
    present = _present(controller, plan.subject)
    gone = sorted(set(present) - set(listed)) if params["purge_groups"] else []
    groups = {name: IdOf(f"group {name}") for name in listed}
    groups.update((name, group["id"]) for name, group in present.items() if name not in gone)
    _refuse_unknown(listed, {"hosts": hosts, "children": groups})
    _refuse_cycle(_children(controller, listed, {name: present[name] for name in present if name not in gone}))
    before, after = {name: {} for name in gone}, {}
    objects, leaving, joining = [Step("DELETE", present[name]["url"]) for name in gone], [], []
    for name, wanted in listed.items():
        group = present.get(name)
        fields = plain_fields(["description"], wanted, group)
        if wanted["variables"] is not None:
            fields.append(variables_field("variables", wanted["variables"], group))
        changes = plan_fields("groups", [plain_field("name", name, None)], fields, group)
        objects += [_group_step(step, name, group) for step in changes.steps]
        after[name] = _without_name(changes.after)
        if group:
            before[name] = _without_name(changes.before)
        for kind, known in (("hosts", hosts), ("children", groups)):
            if wanted[kind] is None:
                continue
            members = _members(controller, group, kind)
            after[name][kind] = sorted(wanted[kind])
            if group:
                before[name][kind] = sorted(members)
            leaving += [
                _member_step(name, group, kind, {"id": members[each], "disassociate": True})
                for each in members
                if each not in wanted[kind] and each in known
            ]
            joining += [
                _member_step(name, group, kind, {"id": known[each]}) for each in wanted[kind] if each not in members
            ]
    return replace(
        plan,
        before=dict(plan.before, groups=before) if plan.before else {},
        after=dict(plan.after, groups=after),
        steps=plan.steps + tuple(objects) + tuple(leaving) + tuple(joining),
    )


def _listed(groups):
    listed = {}
    for group in groups:
        if group["name"] in listed:
            raise InvalidOption("groups names {!r} twice. Name every group once.".format(group["name"]))
        listed[group["name"]] = group
    return listed


def _present(controller, inventory):
    if inventory is None:
        return {}
    return {group["name"]: group for group in controller.list_all(inventory["url"] + "groups/")}


def _members(controller, group, kind):
    if group is None:
        return {}
    return {each["name"]: each["id"] for each in controller.list_all(group["url"] + kind + "/")}


def _children(controller, listed, present):
    """Return the names of the groups that each group will have in it, where that matters at all."""
    if all(wanted["children"] is None for wanted in listed.values()):
        return {}
    children = {name: list(_members(controller, group, "children")) for name, group in present.items()}
    children.update((name, wanted["children"]) for name, wanted in listed.items() if wanted["children"] is not None)
    return children


def _refuse_unknown(listed, known):
    for name, wanted in listed.items():
        for kind, names in known.items():
            for each in wanted[kind] or ():
                if each not in names:
                    raise InvalidOption(
                        "Group {!r} names {!r} in its {}, which the inventory does not have. List it in {}, or correct "
                        "the name.".format(name, each, kind, "hosts" if kind == "hosts" else "groups")
                    )


def _refuse_cycle(children):
    """Raise InvalidOption when a group is in itself, and name one such group."""
    for start in children:
        reached, following = set(), set(children[start])
        while following:
            if start in following:
                raise InvalidOption(f"Group {start!r} is in itself. Correct the children of the groups.")
            reached |= following
            following = {child for name in following for child in children.get(name, ())} - reached


def _group_step(step, name, group):
    if group is None:
        return Step("POST", "groups/", step.body, f"group {name}")
    return Step(step.method, group["url"], step.body)


def _member_step(name, group, kind, body):
    if group is None:
        return Step("POST", kind + "/", body, under=f"group {name}")
    return Step("POST", group["url"] + kind + "/", body)


def _without_name(shown):
    return {name: value for name, value in shown.items() if name != "name"}
