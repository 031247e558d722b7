"""New memories by one statement on Neo4j: the same graph as by the steps of apply, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.neo4j_server import driver
from treemem import InvalidChangeError, MemoryExistsError, TextualMemoryItem, TreeTextMemory
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Log, Model, NodeKind, Part, StateAssert
from treemem.contents import content_of, fields_of
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
    memory.add_messages(
        [{"id": "m1", "role": "user", "content": "Where does Anna Moss live?", "chat_time": "2025-03-01"}],
        conversation_id="talk",
        operation_id="o5",
    )
    memory.add_messages(
        [{"id": "m2", "role": "assistant", "content": "Anna Moss lives in Lisbon.", "chat_time": "2025-03-01"}],
        conversation_id="talk",
        operation_id="o6",
    )


def graph(uri: str, cube: str) -> tuple[list[Any], list[Any]]:
    """All that a cube has, without the name of the cube, from which ids of names and sources are derived."""
    from treemem.store.neo4j.rows import scope_token

    named: dict[str, str] = {cube: "CUBE", scope_token(cube): "TOKEN"}

    def shown(properties: dict[str, Any]) -> list[tuple[str, str]]:
        left_out = {"cube_id", "payload_hash", "tiebreak"}
        return sorted((k, plain(v)) for k, v in properties.items() if k not in left_out)

    def plain(value: Any) -> str:
        text = repr(value.to_native() if hasattr(value, "to_native") else value)
        for name, other in named.items():
            text = text.replace(name, other)
        return text

    with driver(uri, notifications_min_severity="OFF") as plain_driver:
        named_otherwise = "MATCH (e:Entity|Source {cube_id: $c}) RETURN e.id, coalesce(e.name, e.content)"
        named |= dict(map(tuple, plain_driver.execute_query(named_otherwise, c=cube)[0]))
        nodes = plain_driver.execute_query(
            "MATCH (n) WHERE n.cube_id = $c OR (n:Cube AND n.id = $c) RETURN labels(n) AS l, properties(n) AS p", c=cube
        )[0]
        edges = plain_driver.execute_query(
            "MATCH (a {cube_id: $c})-[r]->(b) RETURN a.id AS a, type(r) AS t, properties(r) AS p, b.id AS b", c=cube
        )[0]
    found = [(sorted(n["l"]), shown(n["p"])) for n in nodes]
    joined = [(e["a"], e["t"], shown(e["p"]), plain(e["b"])) for e in edges]
    return sorted(found, key=repr), sorted(joined, key=repr)


def test_the_same_graph_as_by_the_steps_of_apply(
    opened: Callable[..., TreeTextMemory], neo4j_uri: str, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = opened()
    filled(one)
    assert ran.count("create_memories") == 7
    assert ran.count("begin_change") == 1, "the first makes the cube"
    ran.clear()
    monkeypatch.setattr(creating, "only_creates", lambda changes: False)
    other = opened()
    filled(other)
    assert "create_memories" not in ran
    for mine, theirs in zip(graph(neo4j_uri, one.cube_id), graph(neo4j_uri, other.cube_id), strict=True):
        assert [each for each in mine if each not in theirs] == [each for each in theirs if each not in mine] == []
        assert len(mine) == len(theirs)
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


def test_a_conversation_that_went_on_meanwhile_is_gone_on_behind(
    opened: Callable[..., TreeTextMemory], ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was planned from an older end of the conversation is not written so; it is planned again."""
    memory = opened()
    other = opened(cube=memory.cube_id)

    def say(of: TreeTextMemory, text: str) -> None:
        of.add_messages([{"role": "user", "content": text}], conversation_id="talk")

    say(memory, "The first one.")
    create, said = creating.create, []

    def between(*given: Any) -> Any:
        if not said:
            said.append("now")
            say(other, "The second one, by somebody else.")
        return create(*given)

    monkeypatch.setattr(creating, "create", between)
    say(memory, "The third one.")
    assert said
    log = memory.messages("talk")
    assert [m.content.split()[1] for m in log] == ["first", "second", "third"]
    assert len({m.id for m in log}) == 3
    assert memory.check() == []


def test_an_end_that_is_not_there_is_refused(opened: Callable[..., TreeTextMemory], ran: list[str]) -> None:
    memory = opened()
    memory.add({"id": "there", "memory": "the cube is made"})

    def linked(memory_id: str, end: str) -> ChangeSet:
        fields = fields_of(TextualMemoryItem(memory=f"linked to {end}"))
        state = StateAssert(memory_id, content_of(fields, HashEmbedder().embed(["x"])), create=True)
        edge = EdgeAssert(EdgeType.CAUSES, memory_id, end)
        model = Model(HashEmbedder.name, HashEmbedder.dimension)
        return ChangeSet(
            memory.cube_id, memory_id, "test", 1_767_225_601_000_000, states=(state,), edges=(edge,), model=model
        )

    ran.clear()
    memory.store.apply(linked("one", "there"))
    assert ran == ["create_memories"]
    with pytest.raises(InvalidChangeError, match="no memory 'nowhere'"):
        memory.store.apply(linked("two", "nowhere"))
    assert [n.id for n in memory.neighbours("there")] == ["one"]
    assert memory.stats().memories == 2
    assert memory.check() == []


def test_only_what_changes_nothing_goes_this_way() -> None:
    content = content_of(fields_of(TextualMemoryItem(memory="one")), HashEmbedder().embed(["one"]))
    state = StateAssert("one", content, create=True)
    new = ChangeSet("c", "o", "test", 1, states=(state,), model=Model("m", 48), expected={"one": 0})
    assert creating.only_creates(new)
    edge = EdgeAssert(EdgeType.CAUSES, "one", "two")
    assert creating.only_creates(replace(new, edges=(edge,)))
    others = {
        "nothing is made": replace(new, states=()),
        "a change": replace(new, states=(replace(state, create=False),)),
        "an end": replace(new, states=(replace(state, content=None),)),
        "two segments": replace(new, states=(state, state)),
        "a version": replace(new, expected={"one": 1}),
        "another must not be there": replace(new, expected={"two": 0}),
        "a part": replace(new, part=Part("o", 0, last=True)),
        "a log without an end": replace(new, log=Log("talk")),
        "an edge of another": replace(new, edges=(replace(edge, source="two", target="one"),)),
        "a tree": replace(new, edges=(replace(edge, type=EdgeType.PARENT),)),
        "an edge that goes": replace(new, edges=(replace(edge, remove=True),)),
        "an entity that may not be there": replace(new, edges=(replace(edge, target_kind=NodeKind.ENTITY),)),
        "no model": replace(new, model=None),
    }
    assert [name for name, changes in others.items() if creating.only_creates(changes)] == []
