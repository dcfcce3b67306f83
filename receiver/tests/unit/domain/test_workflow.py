# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workflow does next, by example and by chance."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhook.domain.job import JobStatus
from playhook.domain.workflow import NO_ERROR_PATH, Edge, EdgeKind, Graph, Node, Result, Steps, count_jobs, next_steps

ENDS: tuple[JobStatus, ...] = ("successful", "failed", "error", "canceled")
Outcome = Mapping[int, JobStatus]


def graph_of(edges: Sequence[tuple[int, int, EdgeKind]], **nodes: dict[str, Any]) -> Graph:
    """A graph of the nodes 1, 2, …; `n2={…}` says more of the second."""
    last = max([1, *(end for edge in edges for end in edge[:2]), *(int(name[1:]) for name in nodes)])
    return Graph(
        nodes=[Node(**{"id": each, "name": f"job {each}", **nodes.get(f"n{each}", {})}) for each in range(1, last + 1)],
        edges=[Edge(parent=parent, child=child, kind=kind) for parent, child, kind in edges],
    )


def with_states(graph: Graph, states: Mapping[int, JobStatus], marked: set[int]) -> Graph:
    nodes = [replace(node, status=states.get(node.id), do_not_run=node.id in marked) for node in graph.nodes]
    return replace(graph, nodes=nodes)


class Run:
    """Runs a graph: jobs end as `outcome` says, one at a time, the next of them chosen by `choose`."""

    def __init__(self, graph: Graph, outcome: Outcome, choose: Callable[[list[int]], int] = min) -> None:
        self.graph, self.outcome, self.choose = graph, outcome, choose
        self.states: dict[int, JobStatus] = {}
        self.marked: set[int] = set()
        self.launched: list[int] = []
        self.ended: list[int] = []

    def finish(self, cancel_after: int | None = None) -> Result:
        for step in range(3 * len(self.graph.nodes) + 3):
            cancel = cancel_after is not None and step >= cancel_after
            steps = next_steps(with_states(self.graph, self.states, self.marked), cancel=cancel)
            if steps.result is not None:
                self.marked |= set(steps.do_not_run)
                return steps.result
            assert not (cancel and steps.launch), "nothing is launched after a cancel"
            self.marked |= set(steps.do_not_run)
            self.launched += steps.launch
            self.states |= dict.fromkeys(steps.launch, "running")
            running = [node for node, state in self.states.items() if state == "running"]
            if running:
                chosen = self.choose(running)
                self.states[chosen] = "canceled" if cancel else self.outcome.get(chosen, "successful")
                self.ended.append(chosen)
        raise AssertionError("the run does not end")


DIAMOND: list[tuple[int, int, EdgeKind]] = [
    (1, 2, "success"), (1, 3, "success"), (2, 4, "success"), (3, 4, "success"),
]  # fmt: skip


def test_a_diamond_runs_its_middle_at_once_and_its_end_last() -> None:
    graph = graph_of(DIAMOND)

    first = next_steps(graph)
    middle = next_steps(with_states(graph, {1: "successful"}, set()))
    half = next_steps(with_states(graph, {1: "successful", 2: "successful", 3: "running"}, set()))
    last = next_steps(with_states(graph, {1: "successful", 2: "successful", 3: "successful"}, set()))

    assert first == Steps(launch=(1,))
    assert middle == Steps(launch=(2, 3))
    assert half == Steps(), "any parent is enough, but all of them must have been decided"
    assert last == Steps(launch=(4,))


def test_a_workflow_without_nodes_succeeds() -> None:
    assert next_steps(Graph(nodes=[])) == Steps(result=Result(status="successful"))


@pytest.mark.parametrize("status", ["failed", "error", "canceled"])
def test_a_failed_node_goes_on_by_its_failure_and_always_paths(status: JobStatus) -> None:
    graph = graph_of([(1, 2, "success"), (1, 3, "failure"), (1, 4, "always")])

    steps = next_steps(with_states(graph, {1: status}, set()))

    assert steps == Steps(launch=(3, 4), do_not_run=(2,))


@pytest.mark.parametrize("status", ["failed", "error", "canceled"])
def test_a_failure_that_nothing_follows_fails_the_workflow(status: JobStatus) -> None:
    run = Run(graph_of([(1, 2, "success"), (2, 3, "success")]), {1: status})

    assert run.finish() == Result(status="failed", explanation=NO_ERROR_PATH)
    assert (run.launched, run.marked) == ([1], {2, 3})


@pytest.mark.parametrize("kind", ["failure", "always"])
def test_a_failure_that_is_followed_does_not_fail_the_workflow(kind: EdgeKind) -> None:
    run = Run(graph_of([(1, 2, kind)]), {1: "failed"})

    assert run.finish() == Result(status="successful")
    assert run.launched == [1, 2]


def test_any_parent_is_enough_unless_all_must_converge() -> None:
    edges: list[tuple[int, int, EdgeKind]] = [(1, 3, "success"), (2, 3, "success"), (2, 4, "failure")]

    any_of = Run(graph_of(edges), {2: "failed"})
    all_of = Run(graph_of(edges, n3={"all_parents_must_converge": True}), {2: "failed"})

    assert (any_of.finish().status, any_of.launched) == ("successful", [1, 2, 3, 4])
    assert (all_of.finish().status, all_of.launched, all_of.marked) == ("successful", [1, 2, 4], {3})


@pytest.mark.parametrize("status", ["error", "canceled"])
def test_all_parents_must_converge_counts_errors_and_cancels_as_failures(status: JobStatus) -> None:
    wants_success = graph_of([(1, 3, "success"), (2, 3, "success")], n3={"all_parents_must_converge": True})
    wants_failure = graph_of([(1, 3, "success"), (2, 3, "failure")], n3={"all_parents_must_converge": True})
    states: dict[int, JobStatus] = {1: "successful", 2: status}

    assert next_steps(with_states(wants_success, states, set())).do_not_run == (3,)
    assert next_steps(with_states(wants_failure, states, set())).launch == (3,)


def test_what_can_no_longer_converge_is_marked_before_the_rest_has_ended() -> None:
    graph = graph_of([(1, 3, "success"), (2, 3, "success")], n3={"all_parents_must_converge": True})

    assert next_steps(with_states(graph, {1: "failed", 2: "running"}, set())) == Steps(do_not_run=(3,))


def test_a_node_whose_parents_are_all_skipped_is_skipped() -> None:
    graph = graph_of([(1, 2, "failure"), (2, 3, "always"), (3, 4, "always")])

    assert next_steps(with_states(graph, {1: "successful"}, set())).do_not_run == (2, 3, 4)


def test_a_node_without_a_template_fails_in_its_turn() -> None:
    graph = graph_of([(1, 2, "success"), (2, 3, "failure"), (2, 4, "success")], n2={"has_template": False})

    before = next_steps(with_states(graph, {1: "running"}, set()))
    after = next_steps(with_states(graph, {1: "successful"}, set()))
    handled = Run(graph, {})
    unhandled = Run(graph_of([(1, 2, "success")], n2={"has_template": False}), {})
    never_reached = Run(graph_of([(1, 2, "failure")], n2={"has_template": False}), {})

    assert (before, after) == (Steps(), Steps(launch=(3,), do_not_run=(4,)))
    sentence = "These nodes failed because their template was deleted: job 2"
    assert handled.finish() == Result(status="successful", explanation=sentence)
    assert unhandled.finish() == Result(status="failed", explanation=f"{NO_ERROR_PATH}. {sentence}")
    assert never_reached.finish() == Result(status="successful")


def test_a_cancel_marks_what_has_not_run_and_ends_when_all_jobs_have() -> None:
    graph = with_states(graph_of(DIAMOND), {1: "successful", 2: "running", 3: "canceled"}, set())
    ended = with_states(graph_of(DIAMOND), {1: "successful", 2: "canceled", 3: "canceled"}, {4})

    assert next_steps(graph, cancel=True) == Steps(do_not_run=(4,))
    assert next_steps(ended, cancel=True) == Steps(result=Result(status="canceled"))


def test_nodes_on_a_cycle_do_not_keep_a_run_from_ending() -> None:
    graph = graph_of([(1, 2, "success"), (2, 3, "success"), (3, 2, "success")])

    assert Run(graph, {}).finish() == Result(status="successful")


@pytest.mark.parametrize(
    ("states", "marked", "words"),
    [
        ({1: "successful", 2: "successful"}, set(), "2 of 2 jobs"),
        ({1: "successful", 2: "failed"}, set(), "1 of 2 jobs, failed: job 2"),
        ({1: "error", 2: "failed"}, set(), "0 of 2 jobs, failed: job 1, job 2"),
        ({1: "successful", 2: "canceled"}, set(), "1 of 2 jobs, canceled: job 2"),
        ({1: "successful"}, {2}, "1 of 1 job"),
    ],
)
def test_a_result_is_told_in_a_few_words(states: Any, marked: set[int], words: str) -> None:
    assert count_jobs(with_states(graph_of([(1, 2, "always")]), states, marked).nodes) == words


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, Outcome]:
    """A graph without cycles, and how each of its jobs ends."""
    size = draw(st.integers(1, 12))
    kinds: list[EdgeKind] = ["success", "failure", "always"]
    pairs = [(parent, child) for child in range(2, size + 1) for parent in range(1, child)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=24)) if pairs else []
    edges = [Edge(parent=parent, child=child, kind=draw(st.sampled_from(kinds))) for parent, child in chosen]
    nodes = [
        Node(
            id=each,
            name=f"job {each}",
            has_template=draw(st.integers(0, 9)) > 0,
            all_parents_must_converge=draw(st.booleans()),
        )
        for each in range(1, size + 1)
    ]
    outcome = {each: draw(st.sampled_from(ENDS)) for each in range(1, size + 1)}
    return Graph(nodes=nodes, edges=edges), outcome


@given(graphs(), st.randoms())
def test_every_run_ends_and_no_node_runs_twice(drawn: tuple[Graph, Outcome], chance: random.Random) -> None:
    graph, outcome = drawn
    run = Run(graph, outcome, chance.choice)

    run.finish()

    templates = {node.id for node in graph.nodes if node.has_template}
    assert len(run.launched) == len(set(run.launched))
    assert set(run.launched) <= templates
    assert set(run.launched).isdisjoint(run.marked)
    assert templates <= set(run.launched) | run.marked, "what did not run is marked"


@given(graphs(), st.randoms())
def test_order_respects_the_edges(drawn: tuple[Graph, Outcome], chance: random.Random) -> None:
    graph, outcome = drawn
    run = Run(graph, outcome, chance.choice)
    moments: dict[int, int] = {}

    def choose(running: list[int]) -> int:
        for node in running:
            moments.setdefault(node, len(run.ended))
        return chance.choice(running)

    run.choose = choose
    run.finish()

    for edge in graph.edges:
        if edge.child in moments and edge.parent in moments:
            assert edge.parent in run.ended[: moments[edge.child]]
    met = {"successful": {"success", "always"}}
    for node in graph.nodes:
        incoming = [edge for edge in graph.edges if edge.child == node.id]
        if node.id not in moments or not incoming:
            continue
        asks = [
            edge.kind in met.get(outcome[edge.parent] if edge.parent in moments else "failed", {"failure", "always"})
            and edge.parent not in run.marked
            for edge in incoming
        ]
        assert all(asks) if node.all_parents_must_converge else any(asks)


@given(graphs(), st.randoms(), st.randoms())
def test_the_result_does_not_depend_on_which_job_ends_first(
    drawn: tuple[Graph, Outcome], one: random.Random, other: random.Random
) -> None:
    graph, outcome = drawn
    runs = [Run(graph, outcome, chance.choice) for chance in (one, other)]

    results = [run.finish() for run in runs]

    assert results[0] == results[1]
    assert runs[0].marked == runs[1].marked
    assert set(runs[0].launched) == set(runs[1].launched)


@given(graphs(), st.randoms(), st.integers(0, 20))
def test_a_cancel_at_any_moment_ends_the_run(drawn: tuple[Graph, Outcome], chance: random.Random, moment: int) -> None:
    graph, outcome = drawn
    run = Run(graph, outcome, chance.choice)

    result = run.finish(cancel_after=moment)

    assert result.status in {"successful", "failed", "canceled"}
    assert all(state in ENDS for state in run.states.values())
    if result.status == "canceled":
        assert {node.id for node in graph.nodes} == set(run.states) | run.marked


def test_two_hundred_nodes_are_scheduled_in_less_than_a_second() -> None:
    layers: list[tuple[int, int, EdgeKind]] = [
        (parent, parent + step, "always") for parent in range(1, 200) for step in (1, 10) if parent + step <= 200
    ]
    run = Run(graph_of(layers), {})
    began = time.process_time()

    result = run.finish()

    assert (result.status, len(run.launched)) == ("successful", 200)
    assert time.process_time() - began < 1
