"""New memories by one statement on Neo4j: the same graph as by the steps of apply, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.neo4j_server import driver
from treemem import MemoryExistsError, TreeTextMemory
from treemem.store.neo4j import creating
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import Statement

pytestmark = pytest.mark.neo4j
LONG = "Anna Moss wrote about the harbour of Porto. " * 120


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that ran."""
    names: list[str] = []
    run = Transaction.run

    def noting(tx: Transaction, statement: Statement, **given: Any) -> Any:
        names.append(statement.name)
        return run(tx, statement, **given)

    monkeypatch.setattr(Transaction, "run", noting)
    return names


@pytest.fixture
def opened(neo4j_uri: str) -> Iterator[Callable[..., TreeTextMemory]]:
    memories: list[TreeTextMemory] = []

    def new(**options: Any) -> TreeTextMemory:
        options = {"cube": fresh_cube("creating"), "clock": FakeClock(), **options}
        memories.append(TreeTextMemory.open(neo4j_uri, embedder=HashEmbedder(), record_usage=False, **options))
        return memories[-1]

    yield new
    for memory in memories:
        memory.close()


def filled(memory: TreeTextMemory) -> None:
    memory.add({"id": "first", "memory": "the cube is made"}, operation_id="o0")
    memory.add({"id": "a", "memory": "Anna Moss lives in Lisbon."}, operation_id="o1", actor="ann", reason="told")
    memory.add(
        {
            "id": "b",
            "memory": "Bob Marsh lived in Porto.",
            "metadata": {"key": "Bob", "tags": ["x"], "info": {"n": 1, "deep": {"a": [1]}}, "type": "topic"},
        },
        at="2019-01-01",
        until="2020-01-01",
        operation_id="o2",
    )
    memory.add({"id": "c", "memory": LONG}, operation_id="o3", entities=["Porto", "harbour"])
    memory.add(
        [
            {"id": "d", "memory": "We ship on Friday.", "metadata": {"memory_type": "WorkingMemory"}},
            {"id": "e", "memory": "Nothing of it holds.", "metadata": {"status": "archived"}},
        ],
        operation_id="o4",
    )


def graph(uri: str, cube: str) -> tuple[list[Any], list[Any]]:
    """All that a cube has, without the name of the cube, from which ids of entities are derived."""
    from treemem.store.neo4j.rows import scope_token

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(scope_token(cube), "TOKEN")
        return value.to_native() if hasattr(value, "to_native") else value

    def shown(properties: dict[str, Any]) -> list[tuple[str, str]]:
        left_out = {"cube_id", "payload_hash", "tiebreak"}
        return sorted((k, repr(plain(v))) for k, v in properties.items() if k not in left_out)

    with driver(uri, notifications_min_severity="OFF") as plain_driver:
        entities = {
            row["id"]: row["name"]
            for row in plain_driver.execute_query(
                "MATCH (e:Entity {cube_id: $c}) RETURN e.id AS id, e.name AS name", c=cube
            )[0]
        }
        nodes = plain_driver.execute_query(
            "MATCH (n) WHERE n.cube_id = $c OR (n:Cube AND n.id = $c) RETURN labels(n) AS l, properties(n) AS p", c=cube
        )[0]
        edges = plain_driver.execute_query(
            "MATCH (a {cube_id: $c})-[r]->(b) RETURN a.id AS a, type(r) AS t, properties(r) AS p, b.id AS b", c=cube
        )[0]
    named = [
        (sorted(n["l"]), shown({**n["p"], "id": entities.get(n["p"]["id"], n["p"]["id"].replace(cube, "CUBE"))}))
        for n in nodes
    ]
    joined = [(e["a"], e["t"], shown(e["p"]), entities.get(e["b"], e["b"])) for e in edges]
    return sorted(named, key=repr), sorted(joined, key=repr)


def test_the_same_graph_as_by_the_steps_of_apply(
    opened: Callable[..., TreeTextMemory], neo4j_uri: str, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = opened()
    filled(one)
    assert ran.count("create_memories") == 5
    assert ran.count("begin_change") == 1, "the first makes the cube"
    ran.clear()
    monkeypatch.setattr(creating, "only_creates", lambda changes: False)
    other = opened()
    filled(other)
    assert "create_memories" not in ran
    assert graph(neo4j_uri, one.cube_id) == graph(neo4j_uri, other.cube_id)
    assert one.check() == other.check() == []
    monkeypatch.undo()
    one.undo("o3")
    one.update("a", "Anna Moss lives in Porto.")
    assert one.check() == []


def test_an_add_is_one_statement(opened: Callable[..., TreeTextMemory], ran: list[str]) -> None:
    memory = opened()
    memory.add("the cube is made")
    ran.clear()
    memory.add("Anna Moss lives in Lisbon.")
    memory.add("Bob Marsh, too.")
    assert ran == ["create_memories"] * 2
    assert memory.search("Where does Anna live?")[0].memory == "Anna Moss lives in Lisbon."


def test_a_clock_that_another_one_moved_is_told(opened: Callable[..., TreeTextMemory], ran: list[str]) -> None:
    """Whose clock is behind hears of the cube's time, and writes after it by a second try."""
    behind = opened()
    behind.add("the cube is made")
    late = FakeClock()
    late.time += timedelta(hours=1)
    ahead = opened(cube=behind.cube_id, clock=late)
    ahead.add("said an hour later")
    ran.clear()
    behind.add("said after that", operation_id="after")
    assert ran == ["create_memories"] * 2
    times = [o.recorded_at for o in behind.operations()]
    assert times == sorted(times, reverse=True)
    assert times[0] - times[1] == timedelta(microseconds=1)
    assert behind.check() == []


def test_what_is_there_is_left_to_apply(opened: Callable[..., TreeTextMemory], ran: list[str]) -> None:
    memory = opened()
    memory.add({"id": "a", "memory": "one"}, operation_id="same")
    ran.clear()
    assert memory.add({"id": "a", "memory": "one"}, operation_id="same") == ["a"]
    assert ran[:2] == ["create_memories", "begin_change"]
    assert memory.add({"id": "a", "memory": "one"}) == ["a"], "it says the same"
    with pytest.raises(MemoryExistsError):
        memory.add({"id": "a", "memory": "two"})
    assert memory.stats().memories == 1
    assert memory.check() == []
