"""The public conformance suite for checkpointers, all of it, and what it does not ask."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.conformance.capabilities import Capability
from langgraph.checkpoint.conformance.initializer import RegisteredCheckpointer
from langgraph.checkpoint.conformance.validate import validate
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from tests.helpers import fresh_cube
from treemem import InvalidInputError
from treemem.integrations.keeping import MOST_BYTES
from treemem.integrations.langgraph import TreememSaver, open_without_vectors


def _tests_of(capability: str) -> int:
    module = importlib.import_module(f"langgraph.checkpoint.conformance.spec.test_{capability}")
    return len(getattr(module, f"ALL_{capability.upper()}_TESTS"))


#: The tests of each capability, base and extended; all of them must be found and pass.
SUITE = {each.value: _tests_of(each.value) for each in Capability}


@pytest.fixture
def saver(location: str) -> Iterator[TreememSaver]:
    with open_without_vectors(location, cube=fresh_cube()) as memory:
        yield TreememSaver(memory)


@pytest.mark.parametrize("capability", SUITE)
async def test_conformance(location: str, capability: str) -> None:
    async def factory() -> Any:
        with open_without_vectors(location, cube=fresh_cube()) as memory:
            yield TreememSaver(memory)

    report = await validate(RegisteredCheckpointer("treemem", factory), capabilities={capability})
    result = report.results[capability]
    assert (result.detected, result.failures, result.tests_skipped) == (True, [], 0)
    assert result.tests_passed == SUITE[capability]


class State(TypedDict):
    lines: Annotated[list[str], operator.add]


def _graph(saver: TreememSaver) -> Any:
    def ask(state: State) -> State:
        return {"lines": [f"you said {interrupt('what?')}"]}

    builder = StateGraph(State)
    builder.add_node("first", lambda state: {"lines": ["first"]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "first")
    builder.add_edge("first", "ask")
    builder.add_edge("ask", END)
    return builder.compile(checkpointer=saver)


def test_a_graph_stops_goes_on_and_travels_back(saver: TreememSaver) -> None:
    graph, thread = _graph(saver), {"configurable": {"thread_id": "t"}}
    assert "__interrupt__" in graph.invoke({"lines": ["begin"]}, thread)
    again = _graph(TreememSaver(saver.memory))  # another process
    assert again.invoke(Command(resume="yes"), thread) == {"lines": ["begin", "first", "you said yes"]}
    history = list(again.get_state_history(thread))
    assert history[0].values["lines"] == ["begin", "first", "you said yes"]
    (before,) = [state for state in history if state.next == ("first",)]
    assert "__interrupt__" in again.invoke(None, before.config)
    assert len(list(again.get_state_history(thread))) > len(history)
    saver.prune(["t"])
    assert len(list(again.get_state_history(thread))) == 1
    assert again.get_state(thread).next == ("ask",)
    saver.delete_thread("t")
    assert again.get_state(thread).values == {}
    assert [item.id for page in saver.memory.pages() for item in page.items] == []
    assert saver.memory.check() == []


async def test_a_graph_runs_asynchronously(saver: TreememSaver) -> None:
    graph, thread = _graph(saver), {"configurable": {"thread_id": "t"}}
    await graph.ainvoke({"lines": ["begin"]}, thread)
    assert (await graph.ainvoke(Command(resume="no"), thread))["lines"][-1] == "you said no"
    assert len([state async for state in graph.aget_state_history(thread)]) == 4


def test_a_state_may_be_larger_than_a_memory(saver: TreememSaver) -> None:
    config: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    large = bytes(2 * MOST_BYTES + 1)
    checkpoint = {**empty_checkpoint(), "channel_values": {"c": large}, "channel_versions": {"c": "1"}}
    stored = saver.put(config, checkpoint, {"source": "input", "step": -1, "parents": {}}, {"c": "1"})
    saver.put_writes(stored, [("c", large)], "task")
    found = saver.get_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"]["c"] == large
    assert found.pending_writes == [("task", "c", large)]
    saver.delete_for_runs(["none"])
    saver.prune(["t"], strategy="delete")
    assert saver.get_tuple(config) is None


def test_what_differences_rest_on_is_not_pruned(saver: TreememSaver) -> None:
    config: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    for step, values in enumerate(({}, {"d": ["snapshot"]}, {}, {})):
        checkpoint = {**empty_checkpoint(), "channel_values": values, "channel_versions": {"d": str(step)}}
        counters = {"counters_since_delta_snapshot": {"d": [1, 1]}} if step > 1 else {}
        config = saver.put(config, checkpoint, {"source": "loop", "step": step, "parents": {}, **counters}, {})
        saver.put_writes(config, [("d", step)], f"task{step}")
    saver.prune(["t"])
    assert [found.metadata["step"] for found in saver.list({"configurable": {"thread_id": "t"}})] == [3, 2, 1]
    history = saver.get_delta_channel_history(config=config, channels=["d"])["d"]
    assert history["seed"] == ["snapshot"]
    assert [write[2] for write in history["writes"]] == [1, 2]
    with pytest.raises(InvalidInputError, match="strategy"):
        saver.prune(["t"], strategy="keep_some")
