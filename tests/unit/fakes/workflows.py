# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The graphs of a fake controller: nodes below workflow job templates, edges between nodes, approvals."""

from __future__ import annotations

from ansible_collections.playhook.webhooks.tests.unit.fakes.http import Refusal

_TEMPLATES = {
    "job_templates": "job",
    "projects": "project_update",
    "workflow_job_templates": "workflow_job",
    "workflow_approval_templates": "workflow_approval",
}
_KINDS = ("success", "failure", "always")


class FakeWorkflows:
    """What a controller knows of graphs; edges hold (parent, child) and the kind."""

    def __init__(self):
        super().__init__()
        self.edges = {}

    def node(self, identifier):
        """Return the one node of this identifier."""
        (found,) = (
            each for each in self.objects["workflow_job_template_nodes"].values() if each["identifier"] == identifier
        )
        return found

    def graph(self):
        """Return the edges by identifier: (parent, kind, child), in order."""
        names = {each["id"]: each["identifier"] for each in self.objects["workflow_job_template_nodes"].values()}
        return sorted((names[parent], kind, names[child]) for (parent, child), kind in self.edges.items())

    def show_node(self, shown):
        """Complete a node: what it runs, and what follows it."""
        for kind in _KINDS:
            shown[kind + "_nodes"] = [
                child for (parent, child), found in self.edges.items() if (parent, found) == (shown["id"], kind)
            ]
        survey = self.surveys.get(shown["unified_job_template"], {"spec": []})
        secret = {each["variable"] for each in survey["spec"] if each["type"] == "password"}
        shown["extra_data"] = {
            name: "$encrypted$" if name in secret else value for name, value in (shown["extra_data"] or {}).items()
        }
        shown["related"] = {}
        for resource, run_by in _TEMPLATES.items():
            template = self.objects[resource].get(shown["unified_job_template"])
            if template is not None:
                summary = {name: template[name] for name in ("id", "name", "description")}
                summary["unified_job_type"] = run_by
                if run_by == "workflow_approval":
                    summary["timeout"] = template["timeout"]
                shown["summary_fields"]["unified_job_template"] = summary
                shown["related"]["unified_job_template"] = f"/api/v2/{resource}/{template['id']}/"

    def _workflow_job_templates_workflow_nodes(self, request, found):
        resource = "workflow_job_template_nodes"
        if request.method == "GET":
            own = [each for each in self.objects[resource].values() if each["workflow_job_template"] == found["id"]]
            return self._list(request, resource, own)
        self._check(request.body, resource)
        return 201, self.show(resource, self.add(resource, workflow_job_template=found["id"], **request.body))

    def _workflow_job_template_nodes_create_approval_template(self, request, found):
        assert request.method == "POST"
        self._check(request.body, "workflow_approval_templates")
        made = self.add("workflow_approval_templates", **request.body)
        found["unified_job_template"] = made["id"]
        return 201, self.show("workflow_approval_templates", made)

    def _workflow_job_template_nodes_credentials(self, request, found):
        return self._job_templates_credentials(request, found)

    def _workflow_job_template_nodes_success_nodes(self, request, found):
        return self._edge(request, found, "success")

    def _workflow_job_template_nodes_failure_nodes(self, request, found):
        return self._edge(request, found, "failure")

    def _workflow_job_template_nodes_always_nodes(self, request, found):
        return self._edge(request, found, "always")

    def _edge(self, request, found, kind):
        assert request.method == "POST"
        child = request.body["id"]
        assert child in self.objects["workflow_job_template_nodes"], child
        pair = (found["id"], child)
        if request.body.get("disassociate"):
            assert self.edges.pop(pair) == kind
            return 204, None
        if self.edges.get(pair, kind) != kind:
            raise Refusal(400, {"Error": "Relationship not allowed."})
        if found["id"] in self._after(child):
            raise Refusal(400, {"Error": "Cycle detected."})
        self.edges[pair] = kind
        return 204, None

    def _after(self, node):
        reached, following = set(), {node}
        while following:
            reached |= following
            following = {child for parent, child in self.edges if parent in following} - reached
        return reached
