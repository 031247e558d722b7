"""Archives of a part of a cube: by a filter, a place in the tree, a caller, a time; nothing else shows in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.archives import Lines
from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from treemem import ConflictError, InvalidInputError, MemoryNotFoundError, TreeTextMemory, TreeTextMemoryConfig, field
from treemem.context import open_context
from treemem.exchange import archive
from treemem.exchange.cutting import Part, cut_of
from treemem.exchange.rows import rows_at
from treemem.temporal import END, from_micros, to_micros


def lines(path: Path) -> Lines:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def rows(path: Path, kind: str) -> list[Any]:
    return [line[kind] for line in lines(path) if kind in line]


def loaded(memory: TreeTextMemory, path: Path) -> TreeTextMemory:
    """The part as a cube of its own."""
    copy = memory.cube(fresh_cube("part"))
    copy.import_(path)
    assert copy.check() == []
    return copy


@pytest.fixture
def towns(memory: TreeTextMemory) -> TreeTextMemory:
    memory.add(
        [
            {"id": "towns", "memory": "Towns"},
            {"id": "porto", "memory": "Porto has trams.", "tags": ["sea"]},
            {"id": "ribeira", "memory": "Ribeira is a quarter of Porto.", "tags": ["sea"]},
            {"id": "bern", "memory": "Bern has bears.", "tags": ["hills"]},
        ],
        at=day(0),
        operation_id="all",
        reason="a tour",
    )
    memory.link("towns", "PARENT", "porto", at=day(0))
    memory.link("porto", "PARENT", "ribeira", at=day(0))
    memory.link("towns", "PARENT", "bern", at=day(0))
    memory.link("ribeira", "RELATES_TO", "bern", at=day(0), operation_id="across")
    memory.update("porto", "Porto has a metro.", at=day(100))
    memory.update("bern", "Bern has no bears.", at=day(100), operation_id="bears")
    memory.purge(memory.add({"id": "gone", "memory": "Gone."}))
    memory.store.record_usage(memory.cube_id, {"porto": 2, "bern": 3}, 1)
    return memory


def test_by_a_filter(towns: TreeTextMemory, tmp_path: Path) -> None:
    path = towns.export(tmp_path / "sea.jsonl", filter={"tags": {"contains": "sea"}})
    head, *_, last = lines(path)
    assert head["cut"] == {"filter": {"tags": {"contains": "sea"}}}
    assert {row["memory_id"] for row in rows(path, "state")} == {"porto", "ribeira"}
    text = path.read_text("utf-8")
    assert "bern" not in text.lower()
    assert "Gone" not in text
    assert "bears" not in text
    assert "across" not in text
    assert last["left_out"] == 2  # from towns, and to bern
    (everything,) = [row for row in rows(path, "operation") if row["id"] == "all"]
    assert everything["receipt"]["states_opened"] == 2
    assert everything["reason"] == "a tour"
    assert rows(path, "usage") == [["porto", 2, 1]]
    copy = loaded(towns, path)
    assert len(copy.history("porto")) == len(towns.history("porto")) == 3
    assert copy.get("porto", as_of=day(50)).memory == "Porto has trams."
    assert [n.id for n in copy.neighbours("porto", types=["PARENT"], direction="out")] == ["ribeira"]
    assert copy.stats().memories == 2
    written = towns.export(tmp_path / "python.jsonl", filter=field("tags").contains("sea"))
    assert [row["memory_id"] for row in rows(written, "state")] == [row["memory_id"] for row in rows(path, "state")]


def test_below_a_memory(towns: TreeTextMemory, tmp_path: Path) -> None:
    path = towns.export(tmp_path / "porto.jsonl", below="porto")
    assert lines(path)[0]["cut"] == {"below": "porto"}
    assert {row["memory_id"] for row in rows(path, "state")} == {"porto", "ribeira"}
    assert str(loaded(towns, path).subtree("porto")) == str(towns.subtree("porto"))
    both = towns.export(tmp_path / "both.jsonl", below="towns", filter={"tags": {"contains": "hills"}})
    assert {row["memory_id"] for row in rows(both, "state")} == {"bern"}
    with pytest.raises(MemoryNotFoundError):
        towns.export(tmp_path / "no.jsonl", below="nothing")
    with pytest.raises(InvalidInputError, match="archive"):
        towns.export(tmp_path / "no.graphml", below="porto")
    assert not list(tmp_path.glob("no*"))


def test_at_a_time(towns: TreeTextMemory, tmp_path: Path) -> None:
    path = towns.export(tmp_path / "then.jsonl", filter={"tags": {"contains": "sea"}}, as_of=day(50))
    assert lines(path)[0]["cut"]["as_of"].startswith("2025-02-20")
    assert [row["fields"]["memory"] for row in rows(path, "state")] == [
        "Porto has trams.",
        "Ribeira is a quarter of Porto.",
    ]
    copy = loaded(towns, path)
    assert copy.get("porto", as_of=day(50)).memory == "Porto has trams."
    early = towns.export(tmp_path / "early.jsonl", known_at=towns.operations()[-2].recorded_at, below="towns")
    assert {row["memory_id"] for row in rows(early, "state")} == {"towns", "porto"}
    assert rows(early, "usage") == []


@pytest.fixture
def shared(memory: TreeTextMemory) -> TreeTextMemory:
    """What ann keeps to herself, what she shows from some time on, what is bob's and what is nobody's."""
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ann.add({"id": "hidden", "memory": "Zacharias is Ann's secret."}, at=day(0), operation_id="ann-hides", reason="shh")
    ann.add({"id": "opened", "memory": "Zacharias was hidden by Ann."}, at=day(0), operation_id="ann-first")
    bob.add({"id": "bobs", "memory": "Bob drinks tea in Porto."}, at=day(0), operation_id="bob-adds", reason="mine")
    ann.link("opened", "RELATES_TO", "hidden", at=day(0), operation_id="ann-links")
    memory.link("opened", "RELATES_TO", "bobs", at=day(0), operation_id="early-link", reason="long before")
    ann.correct("opened", "Ann shows her tea.", at=day(10), visibility="public", operation_id="ann-shows")
    ann.update(
        "opened", "Zacharias again.", at=day(100), visibility="private", operation_id="ann-closes", reason="psst"
    )
    memory.link("bobs", "RELATES_TO", "hidden", at=day(0), operation_id="to-hidden", reason="of Zacharias")
    memory.update("bobs", "Bob drinks coffee.", at=day(50), operation_id="both", actor="root", reason="a round")
    mixed = [{"id": "nobodys", "memory": "Tea of nobody."}, {"id": "yvonnes", "memory": "Yvonne.", "user_id": "ann"}]
    memory.add(mixed, at=day(0), operation_id="mixed", actor="boss", reason="with Yvonne")
    memory.add_messages(
        [{"content": "Xaver told Ann.", "metadata": {"user_id": "ann"}}, {"content": "Bob hears.", "user_id": "bob"}],
        conversation_id="talk",
    )
    memory.purge(memory.for_caller("bob").add({"id": "bobs-gone", "memory": "Waldemar."}), reason="Waldemar asked")
    memory.store.record_usage(memory.cube_id, {"bobs": 12, "hidden": 34}, 1)
    return memory


def test_a_caller_gets_what_it_sees_and_no_more(shared: TreeTextMemory, tmp_path: Path) -> None:
    bob = shared.for_caller("bob")
    path = bob.export(tmp_path / "bob.jsonl")
    text = path.read_text("utf-8")
    for word in "hidden Zacharias shh psst Yvonne yvonnes boss Xaver Waldemar bobs-gone".split():
        assert word not in text, word
    for operation in ("ann-hides", "ann-first", "ann-links", "to-hidden"):
        assert operation not in text, operation
    assert lines(path)[0]["cut"] == {"user_id": "bob"}
    assert lines(path)[-1]["left_out"] == 0
    assert rows(path, "usage") == rows(path, "tombstone") == []
    told = {row["id"]: row for row in rows(path, "operation")}
    shown = {version.opened_by.id for each in ("bobs", "opened", "nobodys") for version in bob.history(each)}
    assert shown <= told.keys()
    assert told["bob-adds"]["reason"] == "mine"
    assert (told["mixed"]["actor"], told["mixed"]["reason"], told["mixed"]["touched"]) == (None, None, [])
    assert told["mixed"]["receipt"]["states_opened"] == 1
    assert all(row["payload_hash"] == "" for row in told.values())
    assert {row["content"] for row in rows(path, "source")} <= {None}
    by_bob = [state for each in ("bobs", "opened", "nobodys") for state in bob.history(each)]
    states = [row for row in rows(path, "state") if row["memory_id"] in ("bobs", "opened", "nobodys")]
    assert sorted(row["fields"]["memory"] for row in states) == sorted(v.item.memory for v in by_bob)


def test_an_edge_shows_from_when_both_ends_do(shared: TreeTextMemory, tmp_path: Path) -> None:
    bob = shared.for_caller("bob")
    path = bob.export(tmp_path / "bob.jsonl")
    joined = [row for row in rows(path, "edge") if row["target_kind"] == "memory" and row["type"] == "RELATES_TO"]
    assert {(row["source"], row["target"]) for row in joined} == {("opened", "bobs")}
    assert "early-link" not in path.read_text("utf-8")
    first = min(joined, key=lambda row: row["recorded_from"])
    shown = [row for row in rows(path, "state") if row["memory_id"] == "opened"]
    assert first["recorded_from"] == min(row["recorded_from"] for row in shown)
    assert first["opened_by"] == "ann-shows"
    copy = loaded(shared, path)
    seen = {n.id for n in bob.neighbours("opened", as_of=day(20)) if n.kind == "memory"}
    assert {n.id for n in copy.neighbours("opened", as_of=day(20)) if n.kind == "memory"} == seen == {"bobs"}


def test_a_callers_part_by_a_filter(shared: TreeTextMemory, tmp_path: Path) -> None:
    bob = shared.for_caller("bob")
    path = bob.export(tmp_path / "bob.jsonl", filter={"user_id": "bob"}, as_of=day(20))
    assert {row["memory_id"] for row in rows(path, "state")} == {"bobs"}
    assert lines(path)[-1]["left_out"] == 1  # from "opened", which he sees; not to "hidden"
    with pytest.raises(MemoryNotFoundError):
        bob.export(tmp_path / "no.jsonl", below="hidden")


def test_what_a_caller_reads_is_the_same_in_its_copy(shared: TreeTextMemory, tmp_path: Path) -> None:
    bob = shared.for_caller("bob")
    copy = loaded(shared, bob.export(tmp_path / "bob.jsonl.zst"))
    for at in (day(5), day(20), day(60), day(200)):
        wanted = {(n["id"], n["memory"]) for n in bob.get_all(as_of=at)["nodes"]}
        assert {(n["id"], n["memory"]) for n in copy.get_all(as_of=at)["nodes"]} == wanted
    assert bob.archive_hash() == bob.archive_hash(bob.export(tmp_path / "again.jsonl"))


def test_what_was_deleted_is_chosen_by_nothing(towns: TreeTextMemory, tmp_path: Path) -> None:
    towns.delete(["ribeira"])
    path = towns.export(tmp_path / "sea.jsonl", filter={"tags": {"contains": "sea"}})
    assert {row["memory_id"] for row in rows(path, "state")} == {"porto"}
    assert "Ribeira" not in path.read_text("utf-8")
    before = towns.export(tmp_path / "before.jsonl", filter={"tags": {"contains": "sea"}}, as_of=day(50))
    chosen = {
        item.id for page in towns.pages(filter={"tags": {"contains": "sea"}}, as_of=day(50)) for item in page.items
    }
    assert {row["memory_id"] for row in rows(before, "state")} == chosen
    towns.update("bern", "Bern again.", status="archived")
    hills = towns.export(tmp_path / "hills.jsonl", filter={"tags": {"contains": "hills"}})
    assert {row["memory_id"] for row in rows(hills, "state")} == {"bern"}


class _Another(HashEmbedder):
    name = "test/another"


def dropped(memory: TreeTextMemory, other: TreeTextMemory, folder: Path) -> None:
    memory.drop(backups=folder / "backups")


def embedded_anew(memory: TreeTextMemory, other: TreeTextMemory, folder: Path) -> None:
    other.reembed()


def purged_from(memory: TreeTextMemory, other: TreeTextMemory, folder: Path) -> None:
    memory.purge("z")


@pytest.mark.parametrize("change", [dropped, embedded_anew, purged_from])
def test_a_part_of_a_cube_that_changes_meanwhile_is_refused(
    open_memory: OpenMemory, tmp_path: Path, change: Callable[[TreeTextMemory, TreeTextMemory, Path], None]
) -> None:
    memory, other = open_memory(), open_memory(embedder=_Another())
    memory.add([{"id": each, "memory": f"Memory {each}.", "tags": ["x"]} for each in "az"])
    config = TreeTextMemoryConfig(cube=memory.cube_id)
    ctx = open_context(config, store=memory.store, embedder=HashEmbedder(), clock=FakeClock())
    info = memory.store.settled(memory.cube_id)
    cut = cut_of(ctx, {"tags": {"contains": "x"}}, None, None)
    assert info is not None
    assert cut is not None
    found = Part(ctx, info, info.clock, cut).rows()
    assert next(found)[0] == "operation"
    change(memory, other, tmp_path)
    with pytest.raises(ConflictError, match="while it was written out"):
        list(found)


def test_nothing_shows_of_what_others_write_meanwhile(memory: TreeTextMemory) -> None:
    said = {"content": "Anna moved to Porto."}
    memory.add_messages([said], conversation_id="one")
    info = memory.store.settled(memory.cube_id)
    assert info is not None
    memory.add_messages([{"content": "Ben likes Ghent."}], conversation_id="two")
    then = archive.hash_of(archive.Known(info, rows_at(memory.store, info, info.clock)))
    found = list(rows_at(memory.store, info, info.clock))
    assert [row.content for kind, row in found if kind == "source"] == [said["content"]]
    assert then == memory.archive_hash(known_at=from_micros(info.clock))


def test_the_head_of_a_caller_tells_what_it_sees_alone(shared: TreeTextMemory, tmp_path: Path) -> None:
    bob = shared.for_caller("bob")
    before, told = bob.archive_hash(), lines(bob.export(tmp_path / "bob.jsonl"))
    times = [
        row[name]
        for kind in ("state", "edge")
        for row in rows(tmp_path / "bob.jsonl", kind)
        for name in ("recorded_from", "recorded_to")
    ]
    assert told[0]["clock"] == max(time for time in times if time < END)
    shared.for_caller("ann").add("Ann keeps this to herself.")
    assert bob.archive_hash() == before
    bob.add("Bob sees this.")
    assert bob.archive_hash() != before
    nobody = shared.for_caller("nobody", "nowhere").export(tmp_path / "none.jsonl", filter={"user_id": "nobody"})
    assert len(lines(nobody)) == 2
    copy = loaded(shared, nobody)
    copy.add("It can be written to.")
    assert copy.stats().memories == 1


@pytest.mark.parametrize("filter", [None, {"tags": {"contains": "sea"}}])
def test_before_all_times_nothing_was_known(towns: TreeTextMemory, tmp_path: Path, filter: Any) -> None:
    with pytest.raises(InvalidInputError, match="known_at: nothing was known"):
        towns.export(tmp_path / "never.jsonl", filter=filter, known_at="0001-01-01")
    with pytest.raises(InvalidInputError, match="known_at: nothing was known"):
        towns.dump(tmp_path / "never", known_at="0001-01-01")
    assert not list(tmp_path.glob("never*"))
    early = towns.export(tmp_path / "early.jsonl", known_at="1990-01-01")
    assert lines(early)[0]["clock"] == to_micros(day(0).replace(year=1990))
