# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workflow does next: from its graph and how its nodes stand, to the next steps. No clock, no database.

The rules are AWX's ("Workflows" in its user guide): a node runs once all its parents are decided and what became of
them asks for it; one that can no longer run is marked `do_not_run`. Where AWX's scheduler forgets `error` and
`canceled` at a convergence of all parents, they count as failures here, as everywhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final, Literal

from playhook.domain.job import FINISHED, JobStatus

EdgeKind = Literal["success", "failure", "always"]
# skipped: do_not_run. waits: it, or one before it, is not decided yet.
_Fate = Literal["success", "failure", "skipped", "running", "launch", "waits"]

NO_ERROR_PATH: Final = "No error handling paths found, marking workflow as failed"
"""AWX's sentence on a workflow that failed."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a workflow job. `status` is that of the job it launched, None before; `name` is for people."""

    id: int
    name: str = ""
    has_template: bool = True
    all_parents_must_converge: bool = False
    do_not_run: bool = False
    status: JobStatus | None = None


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The child runs when the parent ended as `kind` says."""

    parent: int
    child: int
    kind: EdgeKind


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A workflow job's nodes and edges."""

    nodes: Sequence[Node]
    edges: Sequence[Edge] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a workflow ended."""

    status: Literal["successful", "failed", "canceled"]
    explanation: str = ""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What is to be done now: nodes to launch, nodes to mark, and the result once nothing more can happen."""

    launch: tuple[int, ...] = ()
    do_not_run: tuple[int, ...] = ()
    result: Result | None = None


def next_steps(graph: Graph, *, cancel: bool = False) -> Steps:
    """Decide what a running workflow does next; with `cancel` nothing more is launched."""
    if cancel:
        return _cancel(graph)
    fates = _decide(graph)
    launch = tuple(sorted(node.id for node in graph.nodes if fates[node.id] == "launch"))
    marks = tuple(sorted(node.id for node in graph.nodes if fates[node.id] == "skipped" and not node.do_not_run))
    undecided = {"launch", "running", "waits"}
    result = None if undecided.intersection(fates.values()) else _conclude(graph, fates)
    return Steps(launch=launch, do_not_run=marks, result=result)


def count_jobs(nodes: Iterable[Node]) -> str:
    """Return a workflow's result in a few words, as a status post tells it: "3 of 4 jobs, failed: deploy"."""
    ran = [node for node in nodes if not node.do_not_run]
    successful = sum(node.status == "successful" for node in ran)
    parts = [f"{successful} of {len(ran)} {'job' if len(ran) == 1 else 'jobs'}"]
    for word, statuses in (("failed", {"failed", "error"}), ("canceled", {"canceled"})):
        names = [node.name for node in ran if node.status in statuses]
        if names:
            parts.append(f"{word}: {', '.join(names)}")
    missing = [node.name for node in ran if node.status is None and not node.has_template]
    return ", ".join([*parts, *([f"without a template: {', '.join(missing)}"] if missing else [])])


def _cancel(graph: Graph) -> Steps:
    marks = tuple(sorted(node.id for node in graph.nodes if node.status is None and not node.do_not_run))
    ended = all(node.status is None or node.status in FINISHED for node in graph.nodes)
    return Steps(do_not_run=marks, result=Result(status="canceled") if ended else None)


def _decide(graph: Graph) -> dict[int, _Fate]:
    """Decide each node after its parents."""
    nodes = {node.id: node for node in graph.nodes}
    incoming: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        incoming[edge.child].append(edge)
    fates: dict[int, _Fate] = {}
    for node_id in _in_order(nodes, incoming):
        fates[node_id] = _decide_node(nodes[node_id], incoming[node_id], fates)
    # What is on a cycle waits for itself. Cycles are refused where edges are made; this only keeps a run from hanging.
    return {node_id: fates.get(node_id, "skipped") for node_id in nodes}


def _in_order(nodes: Iterable[int], incoming: Mapping[int, Sequence[Edge]]) -> Iterator[int]:
    sorter = TopologicalSorter({node_id: [edge.parent for edge in incoming[node_id]] for node_id in nodes})
    with suppress(CycleError):  # it still gives all that does not depend on the cycle
        sorter.prepare()
    while ready := sorter.get_ready():
        yield from ready
        sorter.done(*ready)


def _decide_node(node: Node, incoming: Sequence[Edge], fates: Mapping[int, _Fate]) -> _Fate:
    if node.status is not None:
        if node.status not in FINISHED:
            return "running"
        return "success" if node.status == "successful" else "failure"
    if node.do_not_run:
        return "skipped"
    asked = _is_asked_for(node, [(edge.kind, fates[edge.parent]) for edge in incoming])
    if not asked:
        return "waits" if asked is None else "skipped"
    return "launch" if node.has_template else "failure"


def _is_asked_for(node: Node, parents: Sequence[tuple[EdgeKind, _Fate]]) -> bool | None:
    """Say whether what became of the parents asks for a node; None while that is open."""
    if not parents:
        return True
    decided = [(kind, fate) for kind, fate in parents if fate in ("success", "failure", "skipped")]
    met = [fate == kind or (kind == "always" and fate != "skipped") for kind, fate in decided]
    if node.all_parents_must_converge and not all(met):
        return False
    if len(decided) < len(parents):
        return None
    return all(met) if node.all_parents_must_converge else any(met)


def _conclude(graph: Graph, fates: Mapping[int, _Fate]) -> Result:
    handled = {edge.parent for edge in graph.edges if edge.kind != "success"}
    failed = [node for node in graph.nodes if fates[node.id] == "failure"]
    unhandled = any(node.id not in handled for node in failed)
    missing = [node.name for node in failed if node.status is None]
    sentences = [NO_ERROR_PATH] if unhandled else []
    if missing:
        sentences.append(f"These nodes failed because their template was deleted: {', '.join(missing)}")
    return Result(status="failed" if unhandled else "successful", explanation=". ".join(sentences))
