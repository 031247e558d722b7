"""What mem0 gives: when memories end, whose they are, and histories that come whole or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treemem import InvalidInputError, NotAllowedError, TreememError, TreeTextMemory


def written(path: Path, data: Any) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def of_mem0(memory_id: str, text: str, **own: Any) -> dict[str, Any]:
    return {"id": memory_id, "memory": text, "user_id": "ann", "created_at": "2024-01-01T00:00:00Z", **own}


def test_what_expired_in_mem0_is_not_found_now(memory: TreeTextMemory, tmp_path: Path) -> None:
    rows = [
        of_mem0("old", "Tries the trial", expiration_date="2024-03-31"),
        of_mem0("late", "Tries again", expiration_date="9999-12-31", categories=["trial"]),
        of_mem0("odd", "Tries for ever", expiration_date="some day"),
        of_mem0("turned", "Tried before", expiration_date="2023-01-01"),
        {**of_mem0("ever", "Tried always", expiration_date="2020-01-01T12:00:00Z"), "created_at": None},
    ]
    done = memory.import_(written(tmp_path / "m.json", {"results": rows}))
    assert (done.memories, len(done.notes)) == (5, 3)
    assert {n["id"] for n in memory.get_all()["nodes"]} == {"late", "odd"}
    assert memory.get("old", as_of="2024-03-31T23:59:59Z").memory == "Tries the trial"  # with its last day
    assert memory.get_by_ids(["old"], as_of="2024-04-01T00:00:00Z") == []
    assert memory.get("odd").metadata.info == {"expiration_date": "some day"}
    assert memory.get("ever", as_of="1999-01-01").memory == "Tried always"
    assert memory.check() == []


def test_rows_of_mem0_are_told_without_a_hash(memory: TreeTextMemory, tmp_path: Path) -> None:
    rows = [of_mem0("a", "Loves pizza", categories=["food"]), of_mem0("b", "Loves tea", categories="drinks")]
    for number, data in enumerate((rows, rows[0], {"count": 2, "results": rows}, [*rows, 7])):
        cube = memory.cube(f"{memory.cube_id}-{number}")
        for format in ("auto", "mem0"):
            done = cube.import_(written(tmp_path / "m.json", data), format=format, on_error="skip")
            assert (done.format, len(done.left_out)) == ("mem0", number == 3)
        assert (cube.get("a").metadata.tags, cube.get("a").metadata.user_id) == (["food"], "ann")
    lines = "\n".join(json.dumps({"id": each, "memory": each}) for each in "cd")
    assert memory.import_(written(tmp_path / "l.jsonl", lines), format="mem0").memories == 2
    with pytest.raises(InvalidInputError, match=r"nodes\[2\]"):
        memory.import_(written(tmp_path / "m.json", [*rows, 7]))
    done = memory.import_(written(tmp_path / "m.json", [{"id": "e", "memory": "e", "run_id": "r"}]))
    assert (done.format, len(done.notes)) == ("mem0", 1)  # nobody's
    nothing: dict[str, Any]
    for nothing in ({"results": []}, {"results": [], "relations": []}):
        for format in ("auto", "mem0"):
            assert memory.import_(written(tmp_path / "n.json", nothing), format=format).memories == 0
    assert memory.import_(written(tmp_path / "n.json", []), format="mem0").memories == 0
    with pytest.raises(InvalidInputError, match="of mem0, found an object with x"):
        memory.import_(written(tmp_path / "n.json", {"x": 1}), format="mem0")


def event(number: int, kind: str, month: int, **own: Any) -> dict[str, Any]:
    when = f"2024-{month:02}-01T00:00:00Z"
    text = None if kind == "DELETE" else f"Says {number}"
    return {"id": f"e{number}", "memory_id": "a", "event": kind, "new_memory": text, "created_at": when, **own}


def test_the_history_of_mem0_keeps_whose_it_is(memory: TreeTextMemory, tmp_path: Path) -> None:
    events = [
        event(1, "ADD", 1, metadata={"room": "kitchen"}, categories=["food"], input=[{"role": "user", "content": "x"}]),
        event(2, "UPDATE", 2, user_id="ann", metadata={"day": 1}),
    ]
    done = memory.import_(written(tmp_path / "h.json", events))
    assert [note.partition(",")[0] for note in done.notes] == ["the input of an event"]
    item = memory.get("a").metadata
    assert (item.user_id, item.tags, item.info) == ("ann", ["food"], {"room": "kitchen", "day": 1})
    assert memory.history("a")[0].item.metadata.user_id == "ann"
    assert memory.for_caller("ben").search("Says 2").hits == ()
    assert memory.for_caller("ann").get("a").memory == "Says 2"
    assert memory.import_(tmp_path / "h.json").memories == 0
    written(tmp_path / "h.json", [event(3, "ADD", 1, memory_id="b"), event(4, "ADD", 1, memory_id="c", user_id="ann")])
    with pytest.raises(NotAllowedError):
        memory.for_caller("ben").import_(tmp_path / "h.json")
    assert memory.stats().operations == 2
    assert memory.for_caller("ben").import_(tmp_path / "h.json", on_error="skip").memories == 1
    done = memory.import_(tmp_path / "h.json")
    assert [note for note in done.notes if "nobody's" in note]
    both = [event(5, "ADD", 1, memory_id="d", user_id="ann"), event(6, "UPDATE", 2, memory_id="d", user_id="ben")]
    with pytest.raises(InvalidInputError, match="user_id"):
        memory.import_(written(tmp_path / "h.json", both))


def test_what_mem0_deleted_and_added_again_is_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    events = [event(1, "ADD", 1), event(2, "DELETE", 2), event(3, "ADD", 4), event(3, "ADD", 4), event(4, "DELETE", 4)]
    for _ in range(2):
        memory.import_(written(tmp_path / "h.json", events))
        assert memory.stats().operations == 4
    assert memory.get("a", as_of="2024-01-15").memory == "Says 1"
    assert memory.get_by_ids(["a"], as_of="2024-03-01") == []
    assert memory.get("a", as_of="2024-04-01").memory == "Says 3"
    assert memory.get_by_ids(["a"]) == []
    memory.import_(written(tmp_path / "h.json", [*events, event(5, "ADD", 6)]))
    assert memory.get("a").memory == "Says 5"
    assert memory.check() == []


@pytest.mark.parametrize(
    "wrong",
    [
        event(9, "UPDATE", 2, memory_id="b"),
        event(9, "ADD", 2, memory_id="there"),
        event(9, "ADD", 2, memory_id="b", id="e1"),
        event(9, "ADD", 2, memory_id="b", id="e" * 125),
        event(9, "ADD", 2, memory_id="b", categories=[1]),
        event(9, "ADD", 2, memory_id="b", user_id=[]),
    ],
)
def test_a_history_of_mem0_comes_whole_or_not(memory: TreeTextMemory, tmp_path: Path, wrong: dict[str, Any]) -> None:
    memory.add({"id": "there", "memory": "x"})
    path = written(tmp_path / "h.json", [event(1, "ADD", 1), event(2, "DELETE", 2), event(3, "ADD", 3), wrong])
    with pytest.raises(TreememError):
        memory.import_(path)
    assert (memory.stats().memories, memory.stats().operations) == (1, 1)
    done = memory.import_(path, on_error="skip")
    assert (done.memories, len(done.left_out), memory.get("a").memory) == (1, 1, "Says 3")
