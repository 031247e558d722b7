"""A search of a cube that rests asks a Neo4j server twice, and still sees every write at once."""

from __future__ import annotations

import pytest

from tests.helpers import HashEmbedder, fresh_cube
from treemem import TreeTextMemory
from treemem.store.neo4j import clocks
from treemem.store.neo4j.clocks import Clocks
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import Statement


def test_a_clock_is_expected_where_it_stood_twice() -> None:
    seen = Clocks()
    assert seen.expected("a") is None
    seen.seen("a", 5)
    assert seen.expected("a") is None
    seen.seen("a", 5)
    assert seen.expected("a") == 5
    assert seen.expected("b") is None
    seen.seen("a", 6)
    assert seen.expected("a") is None


def test_it_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "MOST", 3)
    seen = Clocks()
    for cube in "abcd":
        seen.seen(cube, 1)
        seen.seen(cube, 1)
    assert [cube for cube in "abcd" if seen.expected(cube)] == ["d"]


@pytest.mark.neo4j
def test_writes_of_others_are_seen_at_once(neo4j_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    texts: set[str] = set()
    run = Transaction.run

    def counted(self: Transaction, statement: Statement, /, **parameters: object) -> list[dict[str, object]]:
        names.append(statement.name)
        texts.add(statement.text())
        return run(self, statement, **parameters)

    cube = fresh_cube("clocks")
    with (
        TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), record_usage=False) as reader,
        TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder()) as writer,
    ):

        def asked(question: str) -> tuple[list[str], list[str]]:
            names.clear()
            with monkeypatch.context() as patch:
                patch.setattr(Transaction, "run", counted)
                hits = reader.search(question, 5, when="now")
            return [hit.memory for hit in hits], list(names)

        first, second, third = ["clock", "recall", "states_by_version"], ["recall", "states_by_version"], "recall"
        writer.add("The harbour closes in May.")
        for _ in range(2):
            assert asked("When does the harbour close?")[1] == first
        for question in ("harbour", "Which of the many harbours that we know closes in May or in June?"):
            assert asked(question) == (["The harbour closes in May."], second)
        for n in range(3):
            ids = writer.add(f"The harbour has {n} cranes.")
            found, statements = asked("harbour")
            assert f"The harbour has {n} cranes." in found
            assert statements == ([third, *second] if n == 0 else first)
            writer.delete(ids)
            assert f"The harbour has {n} cranes." not in asked("harbour")[0]
        assert len(texts) == 3, "each kind of statement is one text, which the server compiles once"
