# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the graph of a workflow job template: one diff for all of its nodes and edges, known before the first write.

The steps are in an order in which no step can meet a cycle or a taken place that a later one would clear: nodes and
edges that go, nodes that come or change, edges that come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.playhook.webhooks.plugins.module_utils._controller.workflow_node import (
    changed_node,
    new_node,
    read_node,
    shown_node,
    wanted_node,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import InvalidOption
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import IdOf, Step

KINDS = ("success", "failure", "always")


@dataclass(frozen=True)
class Graph:
    """A template's nodes by identifier, and its edges: (parent, child) to the kind, both by identifier.

    with_credentials are the ids of the nodes that have credentials of their own: most have none to be read.
    """

    nodes: dict[str, Any]
    edges: dict[tuple[str, str], str]
    with_credentials: frozenset[int] = frozenset()


def refuse_bad_graph(nodes):
    """Raise InvalidOption for a graph that no server would take, whatever it holds."""
    identifiers = [node["identifier"] for node in nodes]
    for identifier in identifiers:
        if not identifier or identifier != identifier.strip():
            # The server would make a name of its own, or drop the spaces, and no later run would find the node.
            raise InvalidOption(
                f"nodes has the identifier {identifier!r}. Give each node a name without spaces around it."
            )
        if identifiers.count(identifier) > 1:
            raise InvalidOption(f"nodes has {identifier!r} more than once. An identifier names one node.")
    edges = {}
    for (parent, child), kind in _edges_of(nodes):
        if edges.setdefault((parent, child), kind) != kind:
            raise InvalidOption(f"Node {parent!r} leads to {child!r} in two ways. Use always_nodes for both.")
    _refuse_cycle(edges)


def read_graph(controller, template):
    """Return the graph that a template has; none when there is no template yet."""
    if template is None:
        return Graph({}, {})
    found = controller.list_all(template["url"] + "workflow_nodes/")
    names = {node["id"]: node["identifier"] for node in found}
    edges = {
        (node["identifier"], names[child]): kind for node in found for kind in KINDS for child in node[kind + "_nodes"]
    }
    holders = controller.list_all(template["url"] + "workflow_nodes/", credentials__isnull="False") if found else ()
    return Graph({node["identifier"]: node for node in found}, edges, frozenset(node["id"] for node in holders))


def with_graph(plan, controller, present, params):
    """Return the plan with the steps that make the listed nodes what they shall be.

    A listed node is what its entry says and nothing more. The others stay, or go with purge_nodes.
    """
    listed = {node["identifier"]: node for node in params["nodes"]}
    others = [identifier for identifier in present.nodes if identifier not in listed]
    gone = others if params["purge_nodes"] else []
    edges = dict(_edges_of(params["nodes"]))
    _refuse_unknown(edges, {*listed, *present.nodes} - set(gone))
    _refuse_cycle(
        {**{pair: kind for pair, kind in present.edges.items() if pair[0] in set(others) - set(gone)}, **edges}
    )
    wanted = {name: wanted_node(controller, node, params["update_survey_secrets"]) for name, node in listed.items()}
    before = {
        name: read_node(controller, node, node["id"] in present.with_credentials)
        for name, node in present.nodes.items()
        if name in {*listed, *gone}
    }
    steps = _steps(present, wanted, before, edges, gone)
    return replace(
        plan,
        before=dict(plan.before, nodes=_shown(before, present.edges)) if plan.before else {},
        after=dict(plan.after, nodes=_shown(wanted, edges)),
        steps=plan.steps + tuple(steps),
    )


def _steps(present, wanted, before, edges, gone):
    """Return the writes in their order; see the module's own words."""
    steps = [Step("DELETE", present.nodes[name]["url"]) for name in gone]
    for (parent, child), kind in present.edges.items():
        if parent in wanted and child not in gone and edges.get((parent, child)) != kind:
            body = {"id": present.nodes[child]["id"], "disassociate": True}
            steps.append(Step("POST", f"{present.nodes[parent]['url']}{kind}_nodes/", body))
    for name, node in wanted.items():
        own = changed_node(present.nodes[name], before[name], node) if name in before else new_node(name, node)
        steps += [replace(step, about=f"Node {name!r}") for step in own]
    for (parent, child), kind in edges.items():
        if present.edges.get((parent, child)) != kind:
            steps.append(_new_edge(present, parent, child, kind))
    return steps


def _new_edge(present, parent, child, kind):
    child_id = present.nodes[child]["id"] if child in present.nodes else IdOf(f"node {child}")
    if parent in present.nodes:
        return Step("POST", f"{present.nodes[parent]['url']}{kind}_nodes/", {"id": child_id})
    return Step("POST", f"{kind}_nodes/", {"id": child_id}, under=f"node {parent}")


def _shown(nodes, edges):
    """Return how a diff shows nodes: by identifier, with what follows each."""
    shown = {}
    for name, node in nodes.items():
        shown[name] = shown_node(node)
        for kind in KINDS:
            children = sorted(child for (parent, child), found in edges.items() if (parent, found) == (name, kind))
            if children:
                shown[name][kind + "_nodes"] = children
    return shown


def _edges_of(nodes):
    return [
        ((node["identifier"], child), kind) for node in nodes for kind in KINDS for child in node[kind + "_nodes"] or ()
    ]


def _refuse_unknown(edges, known):
    for parent, child in edges:
        if child not in known:
            raise InvalidOption(f"Node {parent!r} leads to {child!r}, which is no node. List it, or correct the name.")


def _refuse_cycle(edges):
    """Raise InvalidOption when a node follows itself, and name one such node."""
    children = {}
    for parent, child in edges:
        children.setdefault(parent, set()).add(child)
    for start in children:
        reached, following = set(), {start}
        while following:
            reached |= following
            following = {child for parent in following for child in children.get(parent, ())}
            if start in following:
                raise InvalidOption(f"Node {start!r} follows itself. A workflow must not have a cycle.")
            following -= reached
