"""The store for LangGraph answers as its InMemoryStore does, and keeps what that one forgets."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, PutOp, SearchOp

from benchmarks.langgraph_store import EMBEDDER, Pair
from tests.helpers import fresh_cube
from treemem import ConfigError, InvalidInputError, TreeTextMemory
from treemem.integrations.langgraph import TreememStore

NOTES = ("users", "anna", "notes")


@pytest.mark.parametrize("indexed", [True, False])
def test_random_operations_answer_as_in_memory(location: str, backend: str, indexed: bool) -> None:
    chance = random.Random(7)
    with TreeTextMemory.open(location, cube=fresh_cube(), embedder=EMBEDDER, record_usage=False) as memory:
        pair = Pair(memory, chance, indexed=indexed)
        done = {pair.step() for _ in range(400 if backend == "sqlite" else 60)}
        assert done == {"put", "delete", "get", "search", "namespaces", "batch"}
        assert memory.check() == []


@pytest.fixture
def store(memory: TreeTextMemory) -> Iterator[TreememStore]:
    yield TreememStore(memory, index={"fields": ["text", "more[*].text"]})
    assert memory.check() == []


def test_a_value_that_is_put_again_keeps_its_history(store: TreememStore) -> None:
    store.put(NOTES, "home", {"text": "Anna lives in Porto."})
    first = store.get(NOTES, "home")
    store.put(NOTES, "home", {"text": "Anna lives in Lisbon."})
    store.delete(NOTES, "home")
    assert store.get(NOTES, "home") is None
    store.put(NOTES, "home", {"text": "Anna lives in Faro.", "floor": 3})
    now = store.get(NOTES, "home")
    assert first is not None
    assert now is not None
    assert now.value == {"text": "Anna lives in Faro.", "floor": 3}
    assert now.created_at == first.created_at < now.updated_at
    (hit,) = store.memory.search("Where does Anna live?", 1)
    said = [version.item.memory for version in store.memory.history(hit.id)]
    assert said[0] == "Anna lives in Porto."
    assert "Anna lives in Lisbon." in said
    assert said[-1] == "Anna lives in Faro."


def test_a_question_finds_by_meaning(store: TreememStore) -> None:
    store.put(NOTES, "home", {"text": "Anna lives in Porto."})
    store.put(NOTES, "song", {"more": [{"text": "Anna sings"}, {"text": "in a choir."}]})
    store.put(NOTES, "hidden", {"text": "Anna lives in Rome."}, index=False)
    store.put(("users", "ben"), "home", {"text": "Ben lives in Porto."})
    found = store.search(NOTES, query="Who lives in Porto?")
    assert [(item.key, item.score is None) for item in found] == [("home", False), ("song", False), ("hidden", True)]
    assert [item.key for item in store.search(NOTES, query="choir", limit=1)] == ["song"]
    assert [item.key for item in store.search(NOTES, query="choir", limit=1, offset=1)] == ["home"]
    assert {item.namespace for item in store.search(("users",), query="Porto")} == {NOTES, ("users", "ben")}
    assert [i.key for i in store.search((), query="Porto", filter={"text": "Ben lives in Porto."})] == ["home"]
    unasked = TreememStore(store.memory).search(NOTES, query="choir")
    assert [item.score for item in unasked] == [None, None, None]


def test_values_expire_and_are_swept(memory: TreeTextMemory) -> None:
    store = TreememStore(memory, ttl={"default_ttl": None, "refresh_on_read": False})
    short = 4 / 60
    store.put(NOTES, "short", {"n": 1}, ttl=short)
    store.put(NOTES, "kept", {"n": 2})
    store.put(NOTES, "renewed", {"n": 3}, ttl=10)
    assert store.get(NOTES, "short") is not None
    before = len(memory.operations())
    store.get(NOTES, "renewed", refresh_ttl=True)
    assert len(memory.operations()) == before + 1
    time.sleep(4.1)
    assert store.get(NOTES, "short") is None
    assert {item.key for item in store.search(NOTES)} == {"kept", "renewed"}
    store.put(("gone",), "short", {"n": 1}, ttl=0)
    assert ("gone",) not in store.list_namespaces()
    assert store.sweep_ttl() == 2
    assert store.sweep_ttl(purge=True) == 0
    store.put(NOTES, "short", {"n": 4})  # without a time to live now
    assert store.get(NOTES, "short") is not None


async def test_it_is_asynchronous_too(store: TreememStore) -> None:
    await store.aput(NOTES, "home", {"text": "Anna lives in Porto."})
    item = await store.aget(NOTES, "home")
    assert item is not None
    assert item.value == {"text": "Anna lives in Porto."}
    assert [found.key for found in await store.asearch(("users",), query="Porto")] == ["home"]
    assert await store.alist_namespaces(max_depth=1) == [("users",)]
    done = await store.abatch([GetOp(NOTES, "home"), PutOp(NOTES, "home", None), SearchOp(NOTES)])
    assert (done[0], done[1], [found.key for found in done[2]]) == (item, None, ["home"])
    await store.adelete(NOTES, "home")
    assert await store.aget(NOTES, "home") is None


def test_other_memories_of_the_cube_are_left_alone(store: TreememStore) -> None:
    store.memory.add("Anna plays the piano.")
    assert store.search(()) == []
    assert store.search((), query="piano") == []
    assert store.list_namespaces() == []


def test_what_does_not_fit_is_refused(memory: TreeTextMemory) -> None:
    store = TreememStore(memory)
    with pytest.raises(InvalidInputError, match="JSON"):
        store.put(NOTES, "bad", {"when": object()})
    store.put(NOTES, "n", {"n": 1})
    with pytest.raises(InvalidInputError, match=r"\$near"):
        store.search(NOTES, filter={"n": {"$near": 1}})
    with pytest.raises(InvalidNamespaceError):
        store.batch([GetOp(("a.b",), "k")])
    with pytest.raises(InvalidInputError, match="limit"):
        store.search(NOTES, limit=-1)
    for settings in ({"index": {"dims": 3, "embed": "openai"}}, {"ttl": {"sweep_interval_minutes": 5}}):
        with pytest.raises(ConfigError):
            TreememStore(memory, **settings)  # type: ignore[arg-type]


def test_a_graph_uses_it(store: TreememStore) -> None:
    def node(state: dict[str, Any], *, store: BaseStore) -> dict[str, Any]:
        store.put(NOTES, "fact", {"text": state["text"]})
        return {"text": store.search(NOTES, query="choir")[0].value["text"]}

    builder = StateGraph(dict)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    assert builder.compile(store=store).invoke({"text": "Anna sings in a choir."}) == {"text": "Anna sings in a choir."}
