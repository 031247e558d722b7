"""Random verbs in two cubes never see each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.test_oracle import IDS, Pair, Verb, verbs
from treemem import TreeTextMemory


def in_two_cubes(base: TreeTextMemory, sequence: list[tuple[int, Verb]]) -> None:
    pairs = []
    for _ in range(2):
        memory = base.cube(fresh_cube("wall")).with_clock(FakeClock())
        pairs.append(Pair(memory))
    for which, verb in sequence:
        before = _said(pairs[1 - which].memory)
        pairs[which].run(verb)
        assert _said(pairs[1 - which].memory) == before
    for pair in pairs:
        pair.compare()
        found = {hit.id for hit in pair.memory.search("Anna sings in Lisbon", top_k=50)}
        assert found <= {n["id"] for n in pair.memory.get_all()["nodes"]}


def _said(memory: TreeTextMemory) -> Any:
    return memory.content_hash(), memory.stats().operations, memory.store.usage(memory.cube_id, IDS)


sequences = st.lists(st.tuples(st.integers(0, 1), verbs), min_size=2, max_size=12)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> TreeTextMemory:
    path = Path(tmp_path_factory.mktemp("walls")) / "memory.db"
    with TreeTextMemory.open(path, embedder=HashEmbedder()) as memory:
        yield memory


@given(sequence=sequences)
@settings(max_examples=100)
def test_two_cubes_in_one_file(embedded: TreeTextMemory, sequence: list[tuple[int, Verb]]) -> None:
    in_two_cubes(embedded, sequence)


@pytest.mark.neo4j
@given(sequence=sequences)
@settings(max_examples=15)
def test_two_cubes_on_one_server(neo4j_memory: TreeTextMemory, sequence: list[tuple[int, Verb]]) -> None:
    in_two_cubes(neo4j_memory, sequence)


@pytest.fixture(scope="module")
def neo4j_memory(neo4j_uri: str) -> TreeTextMemory:
    with TreeTextMemory.open(neo4j_uri, embedder=HashEmbedder()) as memory:
        yield memory


def test_cube_names_that_contain_each_other(memory: TreeTextMemory) -> None:
    """Names that are prefixes, or differ by case or punctuation, are different cubes, in the text index too."""
    base = memory.cube_id
    names = [base + suffix for suffix in ("", "a", "A", "a-", "a.b", "a:b")]
    for name in names:
        memory.cube(name).add({"id": "only", "memory": f"Lisbon of {name}"})
    for name in names:
        hits = memory.cube(name).search("Lisbon", top_k=10)
        assert [hit.memory for hit in hits] == [f"Lisbon of {name}"]
