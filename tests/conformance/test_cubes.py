"""Several cubes: one ranking over all of them, and views that cannot leave theirs."""

from __future__ import annotations

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day, fresh_cube
from treemem import InvalidInputError, TreeTextMemory


@pytest.fixture
def two(open_memory: OpenMemory) -> tuple[TreeTextMemory, TreeTextMemory]:
    first = open_memory()
    second = first.cube(fresh_cube("second"))
    for name, memory in (("first", first), ("second", second)):
        memory.add([{"id": f"n{i}", "memory": f"note {i} of the {name} on tea"} for i in range(5)], at=day(0))
        memory.link("n0", "CAUSES", "n4", at=day(0))
    return first, second


def test_one_ranking(two: tuple[TreeTextMemory, TreeTextMemory]) -> None:
    first, second = two
    both = [first.cube_id, second.cube_id]
    hits = first.search("note 3 of the second on tea", 4, cubes=both)
    assert (hits[0].cube_id, hits[0].id) == (second.cube_id, "n3")
    assert len(hits) == 4
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    alone = first.search("note 3 of the first on tea", 5)
    same = first.search("note 3 of the first on tea", 5, cubes=[first.cube_id])
    assert [(h.id, h.path) for h in alone] == [(h.id, h.path) for h in same]
    # Neo4j counts how rare a word is over the whole database, so that another process's writes move a score a little.
    assert [h.score for h in alone] == pytest.approx([h.score for h in same], abs=0.02)
    everything = first.search("tea", 20, cubes=[*both, "never-written"])
    assert {(h.cube_id, h.id) for h in everything} == {(c, f"n{i}") for c in both for i in range(5)}
    assert first.search("tea", cubes=["never-written"]).hits == ()
    filtered = first.search("note 1", 5, cubes=both, filter={"memory": {"contains": "second"}})
    assert {h.cube_id for h in filtered} == {second.cube_id}
    assert first.search("tea", cubes=both, as_of="2024-01-01").hits == ()


def test_known_at_over_cubes(two: tuple[TreeTextMemory, TreeTextMemory]) -> None:
    first, second = two
    before = first.stats().clock
    second.add("later tea")
    both = [first.cube_id, second.cube_id]
    assert "later tea" not in {h.memory for h in first.search("later tea", 20, cubes=both, known_at=before)}
    assert first.search("later tea", cubes=both, known_at=second.stats().clock)[0].memory == "later tea"
    with pytest.raises(InvalidInputError, match="after the last change of all"):
        first.search("tea", cubes=both, known_at="2099-01-01")


def test_a_walled_view_stays_inside(two: tuple[TreeTextMemory, TreeTextMemory]) -> None:
    first, second = two
    view = first.cube(second.cube_id, walled=True)
    assert view.search("note 1")[0].id
    for out in (
        lambda: view.cube(first.cube_id),
        lambda: view.for_caller("ann").cube(first.cube_id),
        lambda: view.search("tea", cubes=[first.cube_id, second.cube_id]),
        lambda: view.store,
    ):
        with pytest.raises(InvalidInputError, match="cannot reach"):
            out()
    assert view.cube(second.cube_id).cube_id == second.cube_id
    with pytest.raises(InvalidInputError, match="at least one"):
        first.search("tea", cubes=[])
