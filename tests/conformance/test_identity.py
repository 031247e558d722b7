"""What makes a call the same again, what an id stands for, and what a keyword means."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import DIMENSION, FakeClock, HashEmbedder, day
from treemem import (
    InvalidInputError,
    MemoryExistsError,
    OperationMismatchError,
    TreememError,
    TreeTextMemory,
)
from treemem.reorganize import candidates
from treemem.temporal import Moment, to_micros


def unit(n: int) -> Any:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[n] = 1.0
    return vector


SAME = [
    ({"info": {"a": 1, "b": [1, 2]}}, {"info": {"b": [1, 2.0], "a": 1.0}}),
    ({"memory_time": datetime(2025, 1, 1, tzinfo=UTC)}, {"memory_time": "2025-01-01"}),
    ({"confidence": 50}, {"confidence": 50.0}),
    ({"embedding": unit(1)}, {"embedding": unit(1).tolist()}),
    ({"tags": ["a"]}, {"metadata": {"tags": ["a"]}}),
]
OTHER = [
    ({"info": {"a": 1}}, {"info": {"a": 2}}),
    ({"embedding": unit(1)}, {"embedding": unit(2)}),
    ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
    ({"info": {"a": True}}, {"info": {"a": "true"}}),
]


@pytest.mark.parametrize(("first", "again"), SAME)
def test_an_equal_update_is_the_same_operation(memory: TreeTextMemory, first: Any, again: Any) -> None:
    (i,) = memory.add("Anna lives in Porto.")
    memory.update(i, operation_id="u", **first)
    assert memory.update(i, operation_id="u", **again).repeated


@pytest.mark.parametrize(("first", "again"), OTHER)
def test_another_update_is_another_operation(memory: TreeTextMemory, first: Any, again: Any) -> None:
    (i,) = memory.add("Anna lives in Porto.")
    memory.update(i, operation_id="u", **first)
    with pytest.raises(OperationMismatchError):
        memory.update(i, operation_id="u", **again)


def test_an_equal_addition_and_link_are_the_same_operation(memory: TreeTextMemory) -> None:
    for info in ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}):
        memory.add([{"id": i, "memory": i, "metadata": {"info": info}} for i in ("x", "y")], operation_id="add")
    assert memory.link("x", "CAUSES", "y", weight=1, operation_id="link").repeated is False
    assert memory.link("x", "CAUSES", "y", weight=1.0, operation_id="link").repeated


def test_an_id_of_a_large_call_and_of_a_small_one(memory: TreeTextMemory) -> None:
    many = [{"id": f"b{n}", "memory": f"big {n}"} for n in range(1_100)]
    memory.add({"id": "s", "memory": "small"}, operation_id="op")
    with pytest.raises(OperationMismatchError):
        memory.add(many, operation_id="op")
    assert memory.stats().memories == 1
    memory.add(many, operation_id="large")
    assert memory.add(many, operation_id="large") == [m["id"] for m in many]
    for other in ("small", many[:3], [*many, {"id": "more", "memory": "more"}]):
        with pytest.raises(OperationMismatchError):
            memory.add(other, operation_id="large")
    memory.delete("b0", operation_id="del")
    with pytest.raises(OperationMismatchError):
        memory.delete([f"b{n}" for n in range(1, 150)], operation_id="del")
    with pytest.raises(OperationMismatchError):
        memory.archive("b1", operation_id="del")
    assert memory.get("b1").metadata.status == "activated"


def test_the_id_of_what_is_deleted_or_has_ended(memory: TreeTextMemory) -> None:
    for name, end in (("deleted", memory.delete), ("expired", memory.expire)):
        memory.add({"id": name, "memory": f"one that is {name}"}, at=day(0))
        end(name)
        with pytest.raises(MemoryExistsError, match="restore"):
            memory.add({"id": name, "memory": f"one that is {name}"}, at=day(0))
        memory.restore(name) if name == "deleted" else memory.update(name, "again")
        assert memory.get(name).id == name
    memory.add({"id": "past", "memory": "one that ended long ago"}, at=day(0), until=day(1))
    assert memory.add({"id": "past", "memory": "one that ended long ago"}, at=day(0), until=day(1)) == ["past"]
    memory.replace_working_memory({"id": "w", "memory": "thought"})
    memory.replace_working_memory([])
    assert memory.replace_working_memory({"id": "w", "memory": "thought"}) == ["w"]
    assert [i.id for i in memory.get_working_memory()] == ["w"]


def test_the_id_of_what_begins_later(memory: TreeTextMemory) -> None:
    memory.add({"id": "a", "memory": "it opens"}, at="2100-01-01")
    with pytest.raises(MemoryExistsError, match="begins to hold later, at 2100-01-01"):
        memory.add({"id": "a", "memory": "it opens"})
    assert memory.add({"id": "a", "memory": "it opens"}, at="2100-01-01") == ["a"]
    memory.add({"id": "b", "memory": "it is open"})
    with pytest.raises(MemoryExistsError, match="begins to hold later"):
        memory.add({"id": "b", "memory": "it is open"}, at="2020-01-01")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, i: m.add("x", memory_typ="UserMemory"), "did you mean 'memory_type'"),
        (lambda m, i: m.add("x", mode="fine"), "there is no 'mode'"),
        (lambda m, i: m.add("x", as_of="2025-01-01"), "there is no 'as_of'"),
        (lambda m, i: m.add({"memory": "x", "tgas": ["a"]}), "did you mean 'tags'"),
        (lambda m, i: m.add_messages([{"content": "x"}], conversation="c"), "did you mean 'conversation_id'"),
        (lambda m, i: m.update(i, "x", colour="blue"), "info="),
        (lambda m, i: m.correct(i, {"memory": "x", "visibilty": "public"}), "did you mean 'visibility'"),
        (lambda m, i: m.update(i, valid_to="2030-01-01"), "expire"),
        (lambda m, i: m.update(i, version=3), "store keeps it"),
        (lambda m, i: m.update(i, {"id": "other", "memory": "x"}), "an id stays"),
        (lambda m, i: m.context("x", fliter={}), "did you mean 'filter'"),
        (lambda m, i: m.get_relevant_subgraph("x", fliter={}), "did you mean 'filter'"),
        (lambda m, i: m.reorganizer.run(grop=True), "did you mean 'group'"),
        (lambda m, i: m.reorganizer.start(grop=True), "did you mean 'group'"),
        (lambda m, i: m.add(["x", "y"], id="one"), "goes with one memory"),
    ],
)
def test_unknown_keywords_are_refused(memory: TreeTextMemory, call: Any, said: str) -> None:
    (i,) = memory.add("Anna lives in Porto.")
    before = memory.stats()
    with pytest.raises(InvalidInputError) as refused:
        call(memory, i)
    assert said in str(refused.value)
    assert memory.stats() == before


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("visibilty", "visibility"),
        ("Visibility", "visibility"),
        ("userId", "user_id"),
        ("user-id", "user_id"),
        ("sesion_id", "session_id"),
        ("tag", "tags"),
        ("memory_typ", "memory_type"),
        ("confidance", "confidence"),
    ],
)
def test_a_slip_in_metadata_is_an_error(memory: TreeTextMemory, name: str, meant: str) -> None:
    (i,) = memory.add("Anna lives in Porto.")
    before = memory.stats()
    for write in (
        lambda given: memory.add({"memory": "x", "metadata": given}),
        lambda given: memory.add("x", metadata=given),
        lambda given: memory.add([{"memory": "y"}, {"memory": "x", "metadata": given}]),
        lambda given: memory.add_messages([{"content": "x", "metadata": given}]),
        lambda given: memory.add_messages([{"content": "x"}], metadata=given),
        lambda given: memory.replace_working_memory([{"memory": "x", "metadata": given}]),
        lambda given: memory.update(i, "x", metadata=given),
        lambda given: memory.update(i, {"memory": "x", "metadata": given}),
        lambda given: memory.correct(i, metadata=given),
    ):
        with pytest.raises(InvalidInputError, match=f"did you mean '{meant}'"):
            write({name: "public"})
    assert memory.stats() == before
    memory.update(i, info={name: "public"})
    assert memory.get(i).metadata.info == {name: "public"}


def test_other_names_in_metadata_are_fields_of_ones_own(memory: TreeTextMemory) -> None:
    own = {"created_by": "ann", "topic": "home", "scene": "chat", "user": "a", "project": "p", "score": 1, "x" * 300: 1}
    (i,) = memory.add({"memory": "x", "metadata": own})
    assert memory.get(i).metadata.info == own
    memory.update(i, {"memory": "x", "metadata": {"colour": "blue"}})
    assert memory.get(i).metadata.info == {**own, "colour": "blue"}


def test_keywords_mean_what_they_say(memory: TreeTextMemory) -> None:
    assert memory.add("Anna lives in Porto.", id="mine", metadata={"topic": "home", "tags": ["a"]}) == ["mine"]
    found = memory.get("mine").metadata
    assert (found.info, found.tags) == ({"topic": "home"}, ["a"])
    assert [h.id for h in memory.search("Anna", filter={"info.topic": "home"})] == ["mine"]
    memory.update("mine", embedding=unit(3))
    assert memory.get("mine").metadata.embedding == unit(3).tolist()
    memory.update("mine", {"id": "mine", "memory": "Anna lives in Ghent."})
    assert memory.get("mine").memory == "Anna lives in Ghent."


def test_a_key_given_later_weighs_as_one_given_at_the_beginning(memory: TreeTextMemory) -> None:
    text = "The Harbour Museum opens at ten."
    early, late = memory.add(
        [{"id": "e", "memory": text, "metadata": {"key": "Harbour Museum"}}, {"id": "l", "memory": text}]
    )
    memory.update(late, key="Harbour Museum")

    def weights(i: str) -> dict[str, float]:
        return {n.id: n.weight for n in memory.neighbours(i, types=["MENTIONS"])}

    assert weights(late) == weights(early)


def test_each_part_of_a_batch_is_told(memory: TreeTextMemory) -> None:
    """What a later part added is learned when that part was, not when the batch began."""
    seen: list[datetime] = []

    def progress(done: int, total: int | None) -> None:
        seen.append(memory.stats().clock or datetime(2000, 1, 1, tzinfo=UTC))

    ids = memory.add([f"Note {n} on gardens." for n in range(1_500)], progress=progress)
    assert len(seen) > 1
    later = memory.diff(seen[0]).added
    assert 0 < len(later) < len(ids)
    assert set(memory.diff(day(0)).added) == set(ids)
    found = {
        s.memory_id
        for s in candidates.changed(memory.store, memory.cube_id, to_micros(seen[0]), Moment(to_micros(seen[-1])))
    }
    assert found == set(later)


def test_a_reader_beside_a_batch_misses_nothing(memory: TreeTextMemory) -> None:
    told: set[str] = set()
    ended = threading.Event()
    ids: list[str] = []

    def write() -> None:
        ids.extend(memory.add([f"Note {n} on gardens." for n in range(2_000)]))
        ended.set()

    memory.add("The first.")
    writer = threading.Thread(target=write)
    since = memory.stats().clock
    assert since is not None
    writer.start()
    while True:
        last = ended.is_set()
        learned = memory.diff(since)
        told |= set(learned.added)
        since = learned.known_at_2
        if last:
            break
    writer.join()
    assert told >= set(ids)


def test_a_clock_that_was_wrong_for_one_write(open_memory: OpenMemory) -> None:
    clock = FakeClock()
    memory = open_memory(clock=clock)
    right = clock.time
    clock.time = right + timedelta(days=366)
    (wrong,) = memory.add("Written while the clock was wrong.", operation_id="wrong")
    clock.time = right
    (i,) = memory.add("Written when it was right again.")
    found = memory.get(i).metadata
    assert found.valid_from is not None
    assert found.valid_from < right + timedelta(minutes=1)
    (month,) = memory.add("A note for a month.", until=right + timedelta(days=30))
    assert {n["id"] for n in memory.get_all()["nodes"]} == {i, month}
    assert {h.id for h in memory.search("Written", 10)} >= {i}
    memory.update(i, "Changed now.")
    assert memory.get(i).memory == "Changed now."
    memory.expire(i, at=right + timedelta(hours=1))
    assert memory.get(i, as_of=right + timedelta(minutes=30)).memory == "Changed now."
    memory.undo("wrong")
    memory.add({"id": wrong, "memory": "Written while the clock was wrong."})
    assert memory.get(wrong).metadata.valid_from is not None
    assert memory.check() == []


def test_replay_of_the_future_is_refused(memory: TreeTextMemory) -> None:
    for at in ("9999-12-31T23:59:59.999998", "2126-01-01"):
        with pytest.raises(InvalidInputError, match="lies in the future"):
            memory.add_messages([{"content": "hello", "chat_time": at}], replay=True)
    memory.add("x")
    assert memory.stats().memories == 1


@pytest.mark.parametrize("told", [None, "now", day(0).replace(tzinfo=None), datetime(9999, 12, 31, tzinfo=UTC), 5])
def test_a_clock_that_tells_no_time(open_memory: OpenMemory, told: Any) -> None:
    memory = open_memory(clock=lambda: told)
    with pytest.raises(TreememError, match="clock: wanted"):
        memory.add("x")
    with pytest.raises(TreememError, match="clock: wanted"):
        memory.search("x")


def test_a_cube_that_was_dropped_is_written_anew(memory: TreeTextMemory, tmp_path: Path) -> None:
    for round in range(4):
        ids = memory.add([f"Anna{n} met Ben{n + round} in Porto{n}." for n in range(5 + 5 * round)])
        assert {h.id for h in memory.search("Who met Ben3 in Porto3?", 50)} <= set(ids)
        assert set(memory.get_relevant_subgraph("Who met Ben3?").memories) <= set(ids)
        memory.drop(backups=tmp_path)


def test_max_nodes_bounds(memory: TreeTextMemory) -> None:
    ids = memory.add([f"Note {n} on gardens." for n in range(12)])
    for a, b in pairwise(ids):
        memory.link(a, "RELATES_TO", b)
    assert len(memory.subgraph(ids, 2, max_nodes=5)) == 5
    graph = memory.get_relevant_subgraph("gardens", 10, 2, max_nodes=5)
    assert len(graph) == 5
    assert all(e.source in graph.memories for e in graph.edges)


def test_a_deep_tree_prints(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=HashEmbedder())
    depth = 1_200
    memory.add([{"id": f"n{n:05d}", "memory": f"node {n}"} for n in range(depth)], at=day(0))
    from treemem.graphs import MemoryTree

    items = memory.get_by_ids([f"n{n:05d}" for n in range(depth)])
    tree = MemoryTree(items[-1])
    for item in reversed(items[:-1]):
        tree = MemoryTree(item, (tree,))
    lines = str(tree).splitlines()
    assert len(lines) == depth == len(tree)
    assert max(map(len, lines)) < 200


def test_the_id_of_a_batch_does_for_no_other_verb(memory: TreeTextMemory) -> None:
    memory.add([{"id": f"l{n}", "memory": f"large {n}"} for n in range(1_100)], operation_id="L")
    memory.add({"id": "v", "memory": "a secret"})
    for call in (
        lambda: memory.purge("v", operation_id="L"),
        lambda: memory.delete("v", operation_id="L"),
        lambda: memory.update("v", "x", operation_id="L"),
        lambda: memory.link("v", "CAUSES", "l1", operation_id="L"),
        lambda: memory.undo("L", operation_id="L"),
        lambda: memory.replace_working_memory(["x"], operation_id="L"),
    ):
        with pytest.raises(OperationMismatchError):
            call()
    assert memory.get("v").memory == "a secret"


def test_many_ids_are_refused_before_the_first_part(memory: TreeTextMemory) -> None:
    ids = memory.add([f"Note {n}." for n in range(150)])
    with pytest.raises(TreememError):
        memory.delete([*ids, "nothing"], operation_id="many")
    assert memory.stats().memories == len(memory.get_by_ids(ids)) == 150
    assert memory.delete(ids, operation_id="many").states_closed == 150
