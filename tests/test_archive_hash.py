"""The hash of an archive: equal wherever the same is recorded, and another one as soon as anything differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.archives import lines_of, of, small, write_back
from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from tests.test_oracle import Pair, Verb, verbs
from treemem import InvalidInputError, TreeTextMemory
from treemem.exchange.format import ARCHIVE
from treemem.temporal import to_micros

MORE: st.SearchStrategy[Verb] = st.one_of(
    verbs,
    verbs,
    st.tuples(st.just("say"), st.sampled_from(["Anna sings.", "Ben dances in Lisbon.", "It rains."])),
    st.tuples(st.just("purge"), st.sampled_from("abc")),
    st.tuples(st.just("recall"), st.sampled_from("abc"), st.integers(1, 5)),
)


def run(memory: TreeTextMemory, sequence: list[Verb]) -> None:
    """Run verbs, also such as the naive model of the oracle does not know; those that are refused are no matter."""
    pair = Pair(memory)
    for number, verb in enumerate(sequence):
        try:
            if verb[0] == "say":
                memory.add_messages([{"content": verb[1]}, {"content": f"And then? {number}"}], conversation_id="talk")
            elif verb[0] == "purge":
                memory.purge(verb[1], reason="asked for")
            elif verb[0] == "recall":
                memory.store.record_usage(memory.cube_id, {verb[1]: verb[2]}, to_micros(day(number)))
            else:
                getattr(pair, f"_real_{verb[0]}")(f"op-{number}", *verb[1:])
        except Exception as error:
            if not type(error).__module__.startswith("treemem"):
                raise


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, neo4j_uri: str) -> Iterator[tuple[TreeTextMemory, ...]]:
    folder = tmp_path_factory.mktemp("hashes")
    places = folder / "one.db", neo4j_uri, folder / "two.db"
    opened = tuple(
        TreeTextMemory.open(each, embedder=HashEmbedder(), clock=FakeClock(), record_usage=False) for each in places
    )
    yield opened
    for memory in opened:
        memory.close()


@pytest.mark.neo4j
@given(sequence=st.lists(MORE, min_size=3, max_size=14))
@settings(max_examples=20)
def test_it_is_equal_from_store_to_store(
    stores: tuple[TreeTextMemory, ...], sequence: list[Verb], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, cube = tmp_path_factory.mktemp("way"), fresh_cube("way")
    first, server, last = (memory.cube(cube).with_clock(FakeClock()) for memory in stores)
    first.add({"id": "always", "memory": "Anna was here."})
    run(first, sequence)
    wanted = first.archive_hash()
    one = first.export(folder / "one.jsonl")
    assert first.archive_hash(one) == wanted
    server.import_(one)
    assert server.archive_hash() == wanted
    two = server.export(folder / "two.jsonl")
    last.import_(two)
    assert last.archive_hash() == wanted
    assert one.read_bytes() == two.read_bytes() == last.export(folder / "three.jsonl").read_bytes()
    run(first, sequence)
    run(last, sequence)
    assert [m.check() for m in (first, server, last)] == [[], [], []]
    server.store.erase(cube)


def test_it_is_another_as_soon_as_anything_differs(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory(record_usage=True)
    small(memory)
    seen = [memory.archive_hash()]
    assert memory.archive_hash() == seen[0]
    for change in (
        lambda: memory.add({"id": "new", "memory": "Something new."}),
        lambda: memory.link("new", "KNOWS", "note", properties={"n": 1}),
        lambda: memory.correct("new", tags=["x"]),
        lambda: memory.search("trams"),
        lambda: memory.purge("new"),
    ):
        change()
        seen.append(memory.archive_hash())
    assert len(set(seen)) == len(seen)
    packed = memory.export(tmp_path / "all.jsonl.zst")
    assert memory.archive_hash(packed) == seen[-1] == memory.archive_hash(memory.export(tmp_path / "all.jsonl"))
    assert lines_of(memory.dump(tmp_path / "dump"))[-1]["sha256"] == seen[-1]


def test_what_was_known_once(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "a", "memory": "Anna sings."})
    clock = memory.stats().clock
    then = memory.archive_hash()
    memory.update("a", "Anna dances.")
    assert memory.archive_hash(known_at=clock) == then != memory.archive_hash()


def test_files_that_have_none_are_refused(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "a", "memory": "Anna sings."})
    path = memory.export(tmp_path / "all.jsonl")
    path.write_text(path.read_text("utf-8").replace("sings", "sinks"), "utf-8")
    with pytest.raises(InvalidInputError, match="hash differs"):
        memory.archive_hash(path)
    with pytest.raises(InvalidInputError, match="known_at"):
        memory.archive_hash(path, known_at=day(0))
    with pytest.raises(InvalidInputError, match="empty"):
        memory.cube(fresh_cube("nothing")).archive_hash()


def test_usage_and_tombstones_come_back(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    copy = memory.cube(fresh_cube("copy"))
    copy.import_(memory.export(tmp_path / "all.jsonl"))
    for one in (memory, copy):
        assert one.store.usage(one.cube_id, ["home", "note", "top"]) == {
            "home": (3, to_micros(day(200))),
            "note": (1, to_micros(day(200))),
        }
        (tombstone,) = one.store.tombstones(one.cube_id)
        assert (tombstone.id, tombstone.reason) == ("gone", "asked for")
        assert tombstone.operation == memory.operations(limit=1)[0].id


def test_names_with_ids_of_other_rules_come_back_with_them(tmp_path: Path) -> None:
    """An archive of a database whose names were called by older rules is loaded as it is."""
    with TreeTextMemory.open(tmp_path / "one.db", cube="shared", embedder=HashEmbedder(), clock=FakeClock()) as memory:
        small(memory)
        lines = lines_of(memory.dump(tmp_path / "dump"))
    before = of("entity", lines)["id"]
    after = before[:-1] + ("0" if before[-1] != "0" else "1")
    lines = json.loads(json.dumps(lines).replace(before, after))
    folder = write_back(tmp_path / "older", lines)
    with TreeTextMemory.open(tmp_path / "two.db", cube="shared", embedder=HashEmbedder(), clock=FakeClock()) as memory:
        memory.load(folder)
        assert memory.archive_hash() == memory.archive_hash(folder / ARCHIVE)
