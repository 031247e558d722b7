"""Every verb, on both stores."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, day
from treemem import (
    FrozenMemoryError,
    InvalidChangeError,
    InvalidInputError,
    MemoryExistsError,
    MemoryNotFoundError,
    ModelMismatchError,
    OperationMismatchError,
    OperationNotFoundError,
    TextualMemoryItem,
    TreeNodeTextualMemoryMetadata,
    TreeTextMemory,
    UndoRefusedError,
)


def test_add_text_dict_item_and_lists(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.")
    (b,) = memory.add({"memory": "Ben likes tea.", "metadata": {"memory_type": "UserMemory"}})
    item = TextualMemoryItem(memory="Cleo has a dog.", metadata=TreeNodeTextualMemoryMetadata(key="dog"))
    assert memory.add([item, "Dan sings."])[0] == item.id
    assert memory.get(a).memory == "Anna lives in Porto."
    assert memory.get(b).metadata.memory_type == "UserMemory"
    assert memory.get(item.id).metadata.key == "dog"
    assert memory.stats().memories == 4
    assert memory.check() == []


def test_every_field_comes_back(memory: TreeTextMemory) -> None:
    metadata = {
        "memory_type": "WorkingMemory",
        "status": "generated",
        "visibility": "session",
        "type": "event",
        "key": "a key",
        "background": "before",
        "tags": ["x", "y"],
        "entities": ["Lisbon"],
        "sources": ["file.txt", {"type": "chat", "n": 1}],
        "source": "file",
        "confidence": 71.5,
        "usage": ["once"],
        "user_id": "u",
        "session_id": "s",
        "agent_id": "g",
        "app_id": "p",
        "conversation_id": "c",
        "preference_type": "explicit_preference",
        "memory_time": "2024-02-29",
        "created_at": "2024-03-01 10:00:00",
        "info": {"n": 1, "f": 2.0, "yes": True, "list": [1, 2], "mixed": [1, "a"], "nested": {"a": None}, "empty": []},
        "colour": "red",
        "a.b `c`": "odd name",
    }
    (a,) = memory.add({"memory": "All of it.", "metadata": metadata})
    found = memory.get(a).metadata
    info = metadata.pop("info") | {"colour": metadata.pop("colour"), "a.b `c`": metadata.pop("a.b `c`")}
    assert found.info == info
    assert [type(found.info[n]) for n in ("n", "f", "yes")] == [int, float, bool]
    for name in ("memory_time", "created_at"):
        assert str(metadata.pop(name))[:10] == getattr(found, name).strftime("%Y-%m-%d")
    for name, value in metadata.items():
        assert getattr(found, name) == value, name
    assert found.version == 1
    assert len(found.embedding or []) == 48


def test_get_of_nothing(memory: TreeTextMemory) -> None:
    with pytest.raises(MemoryNotFoundError, match="no memory 'nope'"):
        memory.get("nope")
    assert memory.get_by_ids(["nope"]) == []
    assert memory.get_all() == {"nodes": [], "edges": []}
    assert list(memory.search("anything")) == []
    assert memory.check() == []
    assert memory.stats().memories == 0


def test_get_by_ids_keeps_order(memory: TreeTextMemory) -> None:
    a, b, c = memory.add(["one", "two", "three"])
    assert [i.id for i in memory.get_by_ids([c, "gone", a, b])] == [c, a, b]


def test_update_and_as_of(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.", at=day(0))
    before = memory.operations()[0].recorded_at
    memory.update(a, "Anna lives in Lisbon.", at=day(100))
    assert memory.get(a, as_of=day(50)).memory == "Anna lives in Porto."
    assert memory.get(a, as_of=day(100)).memory == "Anna lives in Lisbon."
    assert memory.get(a, as_of=day(200), known_at=before).memory == "Anna lives in Porto."
    assert [v.version for v in memory.history(a)] == [1, 2, 3]
    assert memory.history(a)[0].closed_by is not None
    assert memory.check() == []


def test_backdated_update_ends_at_the_next_known_change(memory: TreeTextMemory) -> None:
    (a,) = memory.add("one", at=day(0))
    memory.update(a, "three", at=day(20))
    memory.update(a, "two", at=day(10))
    said = [memory.get(a, as_of=day(n)).memory for n in (5, 15, 25)]
    assert said == ["one", "two", "three"]


def test_update_of_metadata_keeps_text_and_vector(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.", tags=["home"], at=day(0))
    memory.update(a, confidence=20, info={"colour": "blue"})
    found = memory.get(a)
    assert (found.memory, found.metadata.confidence, found.metadata.tags) == ("Anna lives in Porto.", 20, ["home"])
    assert found.metadata.info == {"colour": "blue"}


def test_update_derives_mentions_again(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.", at=day(0))
    memory.update(a, "Anna lives in Lisbon.", at=day(100))
    now = {n.name for n in memory.neighbours(a, types=["MENTIONS"], as_of=day(150))}
    then = {n.name for n in memory.neighbours(a, types=["MENTIONS"], as_of=day(50))}
    assert (now, then) == ({"Anna", "Lisbon"}, {"Anna", "Porto"})


def test_delete_hides_and_restore_brings_back(memory: TreeTextMemory) -> None:
    a, b = memory.add(["Anna lives in Porto.", "Ben lives in Rome."], at=day(0))
    whole = memory.content_hash()
    known = memory.operations()[0].recorded_at
    memory.delete(a)
    with pytest.raises(MemoryNotFoundError):
        memory.get(a)
    assert [h.id for h in memory.search("Anna Porto")] == [b]
    assert memory.get(a, known_at=known).memory == "Anna lives in Porto."
    with pytest.raises(MemoryNotFoundError, match="restore"):
        memory.update(a, "Anna lives in Lisbon.")
    memory.restore(a)
    assert memory.get(a).metadata.status == "activated"
    assert memory.content_hash() == whole
    assert memory.check() == []


def test_restore_gives_the_status_before(memory: TreeTextMemory) -> None:
    (a,) = memory.add("kept", status="archived")
    memory.delete(a)
    memory.restore(a)
    assert memory.get(a).metadata.status == "archived"


def test_delete_all(memory: TreeTextMemory) -> None:
    memory.add([f"memory {i}" for i in range(30)])
    memory.add("It held in January.", at=day(0), until=day(30))
    memory.delete_all()
    assert memory.get_all()["nodes"] == []
    assert memory.get_all(as_of=day(10))["nodes"] == []
    assert memory.delete_all() is None


def test_same_id_same_content_is_stored_once(memory: TreeTextMemory) -> None:
    item = {"id": "one", "memory": "Anna lives in Porto.", "metadata": {"tags": ["x"]}}
    memory.add(item, at=day(0))
    memory.add(item, at=day(0))
    assert memory.stats().states == 1
    with pytest.raises(MemoryExistsError, match="update"):
        memory.add({"id": "one", "memory": "Anna lives in Lisbon."})
    assert memory.stats().states == 1
    memory.update("one", "Anna lives in Lisbon.")
    memory.add(item, at=day(0))
    assert memory.get("one").memory == "Anna lives in Lisbon."


def test_an_id_twice_in_one_call(memory: TreeTextMemory) -> None:
    with pytest.raises(InvalidInputError, match="twice"):
        memory.add([{"id": "x", "memory": "one"}, {"id": "x", "memory": "two"}])
    assert memory.stats().memories == 0
    memory.add([{"id": "x", "memory": "one"}, {"id": "x", "memory": "one"}])
    assert memory.stats().states == 1


def test_frozen_refuses_changes(memory: TreeTextMemory) -> None:
    (a,) = memory.add("kept as it is", frozen=True)
    for change in (lambda: memory.update(a, "other"), lambda: memory.delete(a)):
        with pytest.raises(FrozenMemoryError, match="unfreeze"):
            change()
    assert memory.get(a).memory == "kept as it is"
    memory.unfreeze(a)
    memory.update(a, "changed")
    memory.freeze(a)
    with pytest.raises(FrozenMemoryError):
        memory.update(a, "changed again")
    assert memory.get(a).metadata.frozen
    assert memory.check() == []


def test_link_neighbours_unlink(memory: TreeTextMemory) -> None:
    a, b = memory.add(["it rained", "the match was called off"], at=day(0))
    memory.link(a, "CAUSES", b, weight=0.8, confidence=90, at=day(1))
    (out,) = memory.neighbours(a, types=["CAUSES"])
    assert (out.type, out.direction, out.id, out.weight, out.confidence) == ("CAUSES", "out", b, 0.8, 90)
    assert out.item is not None
    assert out.item.memory == "the match was called off"
    assert memory.neighbours(b, direction="in")[0].id == a
    assert memory.neighbours(b, direction="out") == []
    memory.unlink(a, "CAUSES", b, at=day(10))
    assert memory.neighbours(a, as_of=day(20)) == []
    assert [n.id for n in memory.neighbours(a, as_of=day(5))] == [b]
    with pytest.raises(InvalidInputError, match="nothing changed"):
        memory.unlink(a, "CAUSES", b, at=day(10))
    assert memory.check() == []


def test_link_refuses_what_breaks_the_graph(memory: TreeTextMemory) -> None:
    a, b, c = memory.add(["a", "b", "c"], at=day(0))
    with pytest.raises(InvalidChangeError, match="no memory 'nope'"):
        memory.link(a, "CAUSES", "nope")
    with pytest.raises(InvalidChangeError, match="itself"):
        memory.link(a, "CAUSES", a)
    memory.link(a, "PARENT", b)
    memory.link(b, "PARENT", c)
    with pytest.raises(InvalidChangeError, match="own ancestor"):
        memory.link(c, "PARENT", a)
    with pytest.raises(InvalidChangeError, match="already has the parent"):
        memory.link(a, "PARENT", c)
    with pytest.raises(InvalidInputError, match="wanted one of"):
        memory.link(a, "LIKES) MATCH (n", b)
    memory.unlink(b, "PARENT", c)
    memory.link(a, "PARENT", c)
    assert memory.check() == []


def test_neighbours_hide_what_does_not_hold(memory: TreeTextMemory) -> None:
    a, b = memory.add(["a", "b"], at=day(0))
    memory.link(a, "RELATES_TO", b, at=day(0))
    memory.delete(b)
    assert memory.neighbours(a) == []


def test_history_says_who_when_why(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.", actor="importer", reason="first import")
    memory.update(a, "Anna lives in Lisbon.", actor="agent-7", reason="she said so")
    first, *_, last = memory.history(a)
    assert (first.opened_by.actor, first.opened_by.reason) == ("importer", "first import")
    assert first.closed_by is not None
    assert (first.closed_by.actor, last.opened_by.reason) == ("agent-7", "she said so")
    with pytest.raises(MemoryNotFoundError):
        memory.history("nope")


def test_operations_newest_first_between_times(memory: TreeTextMemory) -> None:
    memory.add("one")
    memory.add("two")
    newest, oldest = memory.operations()
    assert newest.recorded_at > oldest.recorded_at
    assert [o.id for o in memory.operations(since=newest.recorded_at)] == [newest.id]
    assert [o.id for o in memory.operations(until=newest.recorded_at)] == [oldest.id]
    assert len(memory.operations(limit=1)) == 1


def test_undo_of_each_verb_and_of_the_undo(memory: TreeTextMemory) -> None:
    a, b = memory.add(["Anna lives in Porto.", "Ben sings."], at=day(0))
    before = memory.content_hash()
    for change in (
        lambda: memory.update(a, "Anna lives in Lisbon.", at=day(9)),
        lambda: memory.delete([a, b]),
        lambda: memory.link(a, "CAUSES", b),
    ):
        change()
        after = memory.content_hash()
        receipt = memory.undo(memory.operations()[0].id)
        assert memory.content_hash() == before
        memory.undo(receipt.operation)
        assert memory.content_hash() == after
        memory.undo(memory.operations()[0].id)
        assert memory.content_hash() == before
    assert memory.operations()[0].kind == "undo"
    assert memory.operations()[0].undoes is not None
    assert memory.check() == []


def test_undo_of_an_add_and_adding_again(memory: TreeTextMemory) -> None:
    memory.add({"id": "x", "memory": "one"}, at=day(0))
    memory.undo(memory.operations()[0].id)
    assert memory.get_by_ids(["x"]) == []
    memory.add({"id": "x", "memory": "one"}, at=day(0))
    assert memory.get("x").memory == "one"
    assert memory.check() == []


def test_undo_is_refused_when_later_operations_stand_on_it(memory: TreeTextMemory) -> None:
    (a,) = memory.add("one", at=day(0))
    first = memory.operations()[0].id
    memory.update(a, "two", at=day(5))
    second = memory.operations()[0].id
    with pytest.raises(UndoRefusedError) as refused:
        memory.undo(first)
    assert refused.value.operations == (second,)
    with pytest.raises(OperationNotFoundError):
        memory.undo("nope")


def test_undo_of_a_batch(memory: TreeTextMemory) -> None:
    memory.add([f"memory number {i}" for i in range(1_200)], operation_id="big")
    assert memory.stats().memories == 1_200
    memory.undo("big")
    assert memory.get_all()["nodes"] == []
    assert memory.check() == []


def test_purge_leaves_a_tombstone_and_nothing_else(memory: TreeTextMemory) -> None:
    a, b = memory.add(["Zebedee keeps a secret in Xanadu.", "Ben lives in Rome with Anna."], at=day(0))
    memory.update(a, "Zebedee keeps another secret.", at=day(3))
    memory.link(a, "CAUSES", b)
    memory.purge(a, reason="asked to be forgotten")
    assert memory.get_by_ids([a]) == []
    with pytest.raises(MemoryNotFoundError):
        memory.history(a)
    assert memory.neighbours(b, types=["CAUSES"]) == []
    assert memory.store.tombstones(memory.cube_id)[0][0] == a
    assert memory.store.tombstones(memory.cube_id)[0][2] == "asked to be forgotten"
    assert [h.id for h in memory.search("Zebedee secret Xanadu")] == [b]
    assert memory.stats().entities == 3  # Ben, Rome, Anna
    with pytest.raises(InvalidInputError, match="purge"):
        memory.undo(memory.operations()[0].id)
    with pytest.raises(MemoryNotFoundError):
        memory.purge("never-there")
    assert memory.check() == []


def test_pages_at_one_moment(memory: TreeTextMemory) -> None:
    ids = sorted(memory.add([f"memory {i}" for i in range(25)]))
    pages = memory.pages(limit=10)
    first = next(pages)
    memory.add("another one, later")
    rest = [item.id for page in pages for item in page.items]
    assert [i.id for i in first.items] + rest == ids
    assert first.cursor is not None
    again = [item.id for page in memory.pages(cursor=first.cursor, limit=10) for item in page.items]
    assert again == rest
    with pytest.raises(InvalidInputError, match="cursor"):
        next(memory.pages(cursor="made up"))


def test_get_all_is_the_graph(memory: TreeTextMemory) -> None:
    a, b = memory.add(["Anna sings.", "Ben sings."], at=day(0))
    memory.link(a, "FOLLOWS", b)
    graph = memory.get_all()
    assert {n["id"] for n in graph["nodes"]} == {a, b}
    (edge,) = [e for e in graph["edges"] if e["type"] == "FOLLOWS"]
    assert edge.pop("valid_from").endswith("+00:00")
    assert edge == {
        "source": a,
        "target": b,
        "type": "FOLLOWS",
        "target_kind": "memory",
        "weight": 1.0,
        "confidence": 100.0,
        "valid_to": None,
    }
    assert sum(e["type"] == "MENTIONS" for e in graph["edges"]) == 2


def test_an_answer_belongs_to_its_question_more_than_to_a_statement(memory: TreeTextMemory) -> None:
    said = ["Where did you move to?", "To Porto, by the sea.", "The flat is tiny.", "Do you like it? (I would!)"]
    messages = [{"id": str(i), "role": "user", "content": text} for i, text in enumerate(said)]
    memory.add_messages(messages)
    weights = {n.id: n.weight for i in "123" for n in memory.neighbours(i, types=["FOLLOWS"], direction="out")}
    assert weights == {"0": 0.7, "1": 0.4, "2": 0.4}


def test_cubes_are_walls(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.")
    other = memory.cube(memory.cube_id + "-other")
    assert other.get_by_ids([a]) == []
    assert list(other.search("Anna Porto")) == []
    (b,) = other.add("Ben lives in Rome.")
    with pytest.raises(InvalidChangeError):
        memory.link(a, "CAUSES", b)
    assert [h.id for h in memory.search("Ben Rome")] == [a]
    assert memory.stats().memories == other.stats().memories == 1


def test_the_clock_rises_although_the_machine_steps_back(open_memory: OpenMemory) -> None:
    clock = FakeClock(day(10))
    memory = open_memory(clock=clock)
    (a,) = memory.add("one")
    clock.time = day(3)
    memory.update(a, "two", at=day(2))
    clock.time = day(1)
    memory.add("three")
    times = [o.recorded_at for o in reversed(memory.operations())]
    assert times == sorted(set(times))
    assert times[1] - times[0] == timedelta(microseconds=1)
    assert memory.check() == []
    assert len(memory.get_all(as_of=day(11))["nodes"]) == 2
    assert [n["memory"] for n in memory.get_all()["nodes"]] == ["three"]  # now is the time of asking, not the clock's


def test_what_is_learned_later_is_not_known_before(memory: TreeTextMemory) -> None:
    memory.add("one", at=day(0))
    known = memory.operations()[0].recorded_at
    memory.add("two", at=day(0))
    assert [n["memory"] for n in memory.get_all(known_at=known)["nodes"]] == ["one"]
    assert [h.memory for h in memory.search("two", known_at=known)] == ["one"]
    with pytest.raises(InvalidInputError, match="known_at"):
        memory.get_all(known_at=day(3_000))
    with pytest.raises(InvalidInputError, match="known_at"):
        memory.search("two", known_at=day(3_000))
    assert memory.get_all(as_of=day(-100)) == {"nodes": [], "edges": []}
    assert list(memory.search("two", as_of=day(-100))) == []


def test_a_cube_keeps_its_embedding_model(memory: TreeTextMemory, open_memory: OpenMemory) -> None:
    memory.add("one")
    from treemem import CallableEmbedder

    other = open_memory(embedder=CallableEmbedder(lambda ts: [[1.0, 0.0]] * len(ts), name="other", dimension=2))
    with pytest.raises(ModelMismatchError, match="test/hash"):
        other.add("two")
    with pytest.raises(ModelMismatchError, match="test/hash"):
        other.search("one")
    assert memory.stats().memories == 1


def test_operation_id_is_the_idempotency_key(memory: TreeTextMemory) -> None:
    first = memory.add(["Anna sings.", "Ben sings."], operation_id="import-1")
    again = memory.add(["Anna sings.", "Ben sings."], operation_id="import-1")
    assert first == again
    assert memory.stats().states == 2
    with pytest.raises(OperationMismatchError, match="import-1"):
        memory.add(["Anna dances."], operation_id="import-1")
    assert memory.stats().states == 2


def test_usage_is_beside_the_states(memory: TreeTextMemory) -> None:
    a, b = memory.add(["one", "two"])
    hash_before = memory.content_hash()
    memory.store.record_usage(memory.cube_id, {a: 1}, 1_000)
    memory.store.record_usage(memory.cube_id, {a: 1}, 900)
    assert memory.store.usage(memory.cube_id, [a, b]) == {a: (2, 1_000)}
    assert memory.content_hash() == hash_before


def test_lease_has_one_holder(memory: TreeTextMemory) -> None:
    memory.add("one")
    store, cube = memory.store, memory.cube_id
    first = store.lease(cube, "a", now=1_000_000, ttl=500_000)
    assert first is not None
    assert store.lease(cube, "b", now=1_200_000, ttl=500_000) is None
    renewed = store.lease(cube, "a", now=1_300_000, ttl=500_000)
    assert renewed is not None
    assert renewed.fence == first.fence
    second = store.lease(cube, "b", now=1_900_000, ttl=500_000)
    assert second is not None
    assert second.fence > first.fence
    store.release(first)
    assert store.lease(cube, "c", now=1_950_000, ttl=500_000) is None
    store.release(second)
    assert store.lease(cube, "c", now=1_950_000, ttl=500_000) is not None


def test_close_ends_the_store(open_memory: OpenMemory) -> None:
    from treemem import StoreUnavailableError

    memory = open_memory()
    memory.add("one")
    memory.close()
    memory.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        memory.get_all()
