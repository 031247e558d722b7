"""The apply protocol: parts, retries, conflicts, resuming."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.helpers import HashEmbedder, day
from treemem import ConflictError, InvalidChangeError, OperationMismatchError, TreeTextMemory
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Entity, NodeKind, StateAssert
from treemem.contents import content_of
from treemem.temporal import to_micros
from treemem.write.parts import MAX_ROWS


def change(memory: TreeTextMemory, **settings: object) -> ChangeSet:
    content = content_of(
        {"memory": "a text", "memory_type": "LongTermMemory", "status": "activated"},
        HashEmbedder().embed(["a text"])[0],
    )
    base = ChangeSet(memory.cube_id, "op", "test", to_micros(day(1)), states=(StateAssert("m", content),))
    return replace(base, **settings)  # type: ignore[arg-type]


def test_applied_twice_is_once(memory: TreeTextMemory) -> None:
    first = memory.store.apply(change(memory))
    again = memory.store.apply(change(memory, now=to_micros(day(9))))
    assert again.repeated
    assert replace(again, repeated=False) == first
    assert memory.store.counts(memory.cube_id)["states"] == 1
    info = memory.store.cube(memory.cube_id)
    assert info is not None
    assert info.clock == first.recorded_at
    with pytest.raises(OperationMismatchError):
        memory.store.apply(change(memory, kind="other"))


def test_a_wrong_version_is_a_conflict_and_writes_nothing(memory: TreeTextMemory) -> None:
    memory.store.apply(change(memory))
    with pytest.raises(ConflictError) as conflict:
        memory.store.apply(change(memory, operation="op2", expected={"m": 7, "gone": 1}))
    assert conflict.value.versions == {"m": (7, 1), "gone": (1, 0)}
    counts = memory.store.counts(memory.cube_id)
    assert (counts["states"], counts["operations"]) == (1, 1)


def test_a_missing_end_writes_nothing(memory: TreeTextMemory) -> None:
    edge = EdgeAssert(EdgeType.MENTIONS, "m", "e", NodeKind.ENTITY)
    with pytest.raises(InvalidChangeError, match="no entity 'e'"):
        memory.store.apply(change(memory, edges=(edge,)))
    assert set(memory.store.counts(memory.cube_id).values()) == {0}
    memory.store.apply(change(memory, edges=(edge,), entities=(Entity("e", "E"),)))
    memory.store.apply(change(memory, operation="op2", edges=(edge,), states=()))
    assert memory.store.counts(memory.cube_id)["edges"] == 1


def test_large_work_runs_in_parts_with_progress(memory: TreeTextMemory) -> None:
    seen: list[tuple[int, int | None]] = []
    texts = [f"note {i} on Anna and Ben in Lisbon" for i in range(700)]
    ids = memory.add(texts, operation_id="big", progress=lambda done, total: seen.append((done, total)))
    parts = memory.store.operations(memory.cube_id, part_of="big")
    (parent,) = memory.operations()
    assert (parent.id, parent.status, len(ids)) == ("big", "done", 700)
    assert len(parts) == len(seen) > 1
    assert seen[-1] == (700, 700)
    opened = [p.receipt["states_opened"] + p.receipt["edges_opened"] for p in parts]
    assert max(opened) <= MAX_ROWS
    assert memory.add(texts, operation_id="big") == ids
    assert memory.stats().memories == 700
    assert memory.check() == []


def test_a_batch_cut_between_parts_is_resumed(memory: TreeTextMemory) -> None:
    texts = [f"note {i} on Anna and Ben in Lisbon" for i in range(700)]

    class PowerCutError(BaseException):
        pass

    def cut_after_two() -> Iterator[str]:
        for i, text in enumerate(texts):
            if i == 560:
                raise PowerCutError
            yield text

    with pytest.raises(PowerCutError):
        memory.add(cut_after_two(), operation_id="big")
    some = memory.stats().memories
    assert 0 < some < 560
    assert memory.operations()[0].status == "open"
    ids = memory.add(texts, operation_id="big")
    assert memory.stats().memories == len(set(ids)) == 700
    assert memory.operations()[0].status == "done"
    assert len(memory.operations()) == 1
    assert memory.check() == []


@pytest.mark.parametrize("named", [{}, {"conversation_id": "c"}])
@pytest.mark.parametrize("timed", [{}, {"chat_time": day(3)}])
@pytest.mark.parametrize("count", [3, 600])
def test_messages_repeat_with_their_operation_id(
    memory: TreeTextMemory, named: dict[str, Any], timed: dict[str, Any], count: int
) -> None:
    said = [{"content": f"Message {n % 500}", "name": "Ann", **timed} for n in range(count)]
    ids = memory.add_messages(said, operation_id="said", **named)
    before = memory.content_hash()
    assert memory.add_messages(said, operation_id="said", **named) == ids
    assert memory.content_hash() == before
    with pytest.raises(OperationMismatchError):
        memory.add_messages([*said[:-1], {"content": "Something else."}], operation_id="said", **named)
    assert memory.content_hash() == before
    if not named and not timed:
        assert not set(ids) & set(memory.add_messages(said, operation_id="again")), "another call says it again"
        assert not set(ids) & set(memory.add_messages(said))


def test_planned_verbs_repeat_with_their_operation_id(memory: TreeTextMemory) -> None:
    a, b = memory.add(["one", "two"], at=day(0))
    for verb in (
        lambda op: memory.update(a, "three", at=day(5), operation_id=op),
        lambda op: memory.delete([a, b], operation_id=op),
        lambda op: memory.restore([a, b], operation_id=op),
        lambda op: memory.link(a, "CAUSES", b, operation_id=op),
        lambda op: memory.unlink(a, "CAUSES", b, operation_id=op),
        lambda op: (
            memory.undo(memory.operations()[-1].id, operation_id=op) if False else memory.purge(b, operation_id=op)
        ),
    ):
        operation = f"op-{memory.stats().operations}"
        first = verb(operation)
        count = memory.stats().operations
        again = verb(operation)
        assert again.repeated
        assert again.recorded_at == first.recorded_at
        assert memory.stats().operations == count
    with pytest.raises(OperationMismatchError):
        memory.update(a, "four", at=day(5), operation_id="op-1")


def test_delete_of_many_runs_in_parts_and_can_be_repeated(memory: TreeTextMemory) -> None:
    ids = memory.add([f"note {i}" for i in range(250)])
    first = memory.delete(ids, operation_id="gone")
    assert memory.get_all()["nodes"] == []
    again = memory.delete(ids, operation_id="gone")
    assert again.repeated
    assert replace(again, repeated=False) == first
    assert len(memory.store.operations(memory.cube_id, part_of="gone")) == 3
    memory.undo("gone")
    assert len(memory.get_all()["nodes"]) == 250
    assert memory.check() == []


def test_asserts_split_and_reopen_with_the_same_vector(memory: TreeTextMemory) -> None:
    (a,) = memory.add("Anna lives in Porto.", at=day(0))
    vector = np.asarray(memory.get(a).metadata.embedding, dtype=np.float32)
    store, cube = memory.store, memory.cube_id
    (state,) = store.known(cube, [a])
    middle = StateAssert(a, None, to_micros(day(10)), to_micros(day(20)))
    store.apply(ChangeSet(cube, "hole", "expire", to_micros(day(500)), states=(middle,), expected={a: state.version}))
    left, right = sorted(store.known(cube, [a]), key=lambda s: s.valid_from)
    assert (left.valid_to, right.valid_from) == (to_micros(day(10)), to_micros(day(20)))
    for piece in (left, right):
        assert np.array_equal(piece.content.embedding, vector)
        assert piece.fields == state.fields
    assert memory.get_by_ids([a], as_of=day(15)) == []
    assert memory.check() == []
