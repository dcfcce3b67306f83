# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The groups of a fake controller's inventories, and what is in them."""

from __future__ import annotations

from ansible_collections.playhook.webhooks.tests.unit.fakes.http import Refusal


class FakeGroups:
    """What a controller knows of groups; members hold the ids by the group's id and hosts or children."""

    def __init__(self):
        super().__init__()
        self.members = {}

    def grouped(self):
        """Return the names that are in each group, by the group's name and hosts or children."""
        resources = {"hosts": "hosts", "children": "groups"}
        return {
            (self.objects["groups"][group]["name"], kind): sorted(
                self.objects[resources[kind]][each]["name"] for each in ids if each in self.objects[resources[kind]]
            )
            for (group, kind), ids in self.members.items()
            if group in self.objects["groups"] and ids
        }

    def _inventories_groups(self, request, found):
        if request.method == "GET":
            groups = [group for group in self.objects["groups"].values() if group["inventory"] == found["id"]]
            return self._list(request, "groups", groups)
        assert request.method == "POST"
        self._check(request.body, "groups")
        return 201, self.show("groups", self.add("groups", inventory=found["id"], **request.body))

    def _groups_hosts(self, request, found):
        return self._group_members(request, found, "hosts", "hosts")

    def _groups_children(self, request, found):
        return self._group_members(request, found, "children", "groups")

    def _group_members(self, request, found, kind, resource):
        members = self.members.setdefault((found["id"], kind), [])
        if request.method == "GET":
            there = [self.objects[resource][each] for each in members if each in self.objects[resource]]
            return self._list(request, resource, there)
        assert request.method == "POST"
        assert request.body["id"] in self.objects[resource]
        if request.body.get("disassociate"):
            members.remove(request.body["id"])
        else:
            if kind == "children" and self._is_below(found["id"], request.body["id"]):
                raise Refusal(400, {"error": "Cyclical Group association."})
            members.append(request.body["id"])
        return 204, None

    def _is_below(self, group, top):
        return group == top or any(self._is_below(group, each) for each in self.members.get((top, "children"), ()))
