"""Archives into cubes that hold something: what both have is equal or refused by name; all or nothing to a reader."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archives import small
from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day, fresh_cube
from treemem import (
    ConflictError,
    InvalidInputError,
    MemoryNotFoundError,
    ModelMismatchError,
    StoreUnavailableError,
    TreeTextMemory,
)
from treemem.store.protocol import LOADING


class OtherEmbedder(HashEmbedder):
    name = "test/other"
    dimension = 20

    def embed(self, texts):  # type: ignore[no-untyped-def]
        vectors = super().embed(texts)[:, :20]
        return vectors / (vectors**2).sum(axis=1, keepdims=True) ** 0.5


def test_what_is_new_is_added_and_again_adds_nothing(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    other = memory.cube(fresh_cube("other"))
    other.add({"id": "own", "memory": "Anna has a dog."}, at=day(0))
    other.search("dog")
    with pytest.raises(InvalidInputError, match="merge=True"):
        other.import_(path)
    done = other.import_(path, merge=True)
    assert done.memories == 4
    assert done.rows > 20
    assert other.check() == []
    assert [v.item.memory for v in other.history("home")] == [v.item.memory for v in memory.history("home")]
    assert other.get("own").memory == "Anna has a dog."
    assert other.store.usage(other.cube_id, ["home"]) == memory.store.usage(memory.cube_id, ["home"])
    (anna,) = [e for e in other.store.all_entities(other.cube_id) if e.name == "Anna"]
    assert {n.id for n in other.neighbours("own", types=["MENTIONS"])} == {anna.id}
    before = other.archive_hash()
    again = other.import_(path, merge=True)
    assert (again.rows, again.memories, other.archive_hash()) == (0, 0, before)
    other.add("It goes on.")


def test_what_differs_is_refused_by_name(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    memory.update("note", "Ben likes trains.")
    other = memory.cube(fresh_cube("other"))
    other.add([{"id": "home", "memory": "Somebody else's home."}, {"id": "gone", "memory": "Still here."}])
    for cube, names in ((memory, ["memory note, version 1"]), (other, ["memory home", "memory gone was purged there"])):
        before = cube.archive_hash()
        with pytest.raises(InvalidInputError) as refused:
            cube.import_(path, merge=True)
        for name in names:
            assert name in str(refused.value)
        assert cube.archive_hash() == before
    third = memory.cube(fresh_cube("third"))
    third.purge(third.add({"id": "note", "memory": "It was here."}))
    with pytest.raises(InvalidInputError, match="memory note was purged here"):
        third.import_(path, merge=True)


def test_many_conflicts_are_named_up_to_a_number(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add([{"id": f"m{n}", "memory": f"Note {n}."} for n in range(30)])
    path = memory.export(tmp_path / "all.jsonl")
    other = memory.cube(fresh_cube("other"))
    other.add([{"id": f"m{n}", "memory": f"Nothing {n}."} for n in range(30)])
    with pytest.raises(InvalidInputError, match=r"and \d+ more; nothing was imported"):
        other.import_(path, merge=True)


def test_two_parents_and_circles_are_refused(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add([{"id": i, "memory": f"Note {i}."} for i in "abc"], at=day(0), operation_id="all")
    start = memory.export(tmp_path / "start.jsonl")
    one, two = (memory.cube(fresh_cube(name)) for name in ("one", "two"))
    for cube in (one, two):
        cube.import_(start)
    one.link("a", "PARENT", "c", at=day(0))
    first = one.export(tmp_path / "one.jsonl")
    two.link("b", "PARENT", "c", at=day(0))
    before = two.archive_hash()
    with pytest.raises(InvalidInputError, match="another parent at the same time in the cube"):
        two.import_(first, merge=True)
    assert two.archive_hash() == before
    three, four = (memory.cube(fresh_cube(name)) for name in ("three", "four"))
    for cube in (three, four):
        cube.import_(start)
    three.link("c", "PARENT", "a", at=day(0))
    with pytest.raises(InvalidInputError, match="its own ancestor"):
        three.import_(first, merge=True)
    four.link("b", "PARENT", "a", at=day(0))
    assert four.import_(first, merge=True).memories == 0
    assert [n.id for n in four.neighbours("a", types=["PARENT"], direction="out")] == ["c"]
    assert four.check() == []


def test_a_part_goes_back_into_its_cube(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add([{"id": "a", "memory": "one"}, {"id": "b", "memory": "two"}])
    part = memory.export(tmp_path / "part.jsonl", filter={"memory": "one"})
    other = memory.cube(fresh_cube("other"))
    other.add("something else")
    assert other.import_(part, merge=True).memories == 1


def test_vectors_of_another_model_are_made_again(open_memory: OpenMemory, tmp_path: Path, backend: str) -> None:
    memory = open_memory()
    small(memory)
    memory.add({"id": "long", "memory": "A long text about harbours and cranes. " * 60})
    path = memory.export(tmp_path / "all.jsonl")
    store = {} if backend == "neo4j" else {"store": tmp_path / "other.db"}
    other = open_memory(embedder=OtherEmbedder(), cube=fresh_cube("other"), **store)
    with pytest.raises(InvalidInputError, match="reembed=True"):
        other.import_(path)
    assert other.store.cube(other.cube_id) is None
    done = other.import_(path, reembed=True)
    assert done.rows == other.import_(path, reembed=True).rows
    assert other.check() == []
    assert other.get("home", as_of=day(5)).metadata.embedding is not None
    assert len(other.get("home", as_of=day(5)).metadata.embedding or ()) == 20
    assert other.search("harbours")[0].id == "long"
    third = other.cube(fresh_cube("third"))
    third.add({"id": "own", "memory": "Mine."})
    assert third.import_(path, merge=True, reembed=True).memories == 5
    assert third.import_(path, merge=True, reembed=True).rows == 0
    assert third.check() == []
    with pytest.raises(ModelMismatchError):
        open_memory(cube=third.cube_id, **store).import_(path, merge=True)


def test_the_options_go_with_archives(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("one")
    graph = memory.export(tmp_path / "now.graphml")
    for options in ({"merge": True}, {"reembed": True}):
        with pytest.raises(InvalidInputError, match="go with an archive"):
            memory.cube(fresh_cube("other")).import_(graph, **options)


def test_readers_see_nothing_until_all_is_there(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    wanted = memory.archive_hash()
    other = memory.cube(fresh_cube("other"))
    seen: list[list[object]] = []

    def look(done: int, total: int | None) -> None:
        reads = other.get_all()["nodes"], list(other.search("Anna")), other.operations(), other.conversations()
        seen.append([*reads, other.messages("c"), next(iter(other.pages())).items])
        assert other.stats().states == other.stats().operations == 0
        with pytest.raises(MemoryNotFoundError):
            other.history("home")
        with pytest.raises(StoreUnavailableError, match="being imported"):
            other.add("Too early.")

    other.import_(path, progress=look)
    assert len(seen) > 5
    assert not any(each for reads in seen for each in reads)
    assert len(other.get_all()["nodes"]) == len(memory.get_all()["nodes"])
    assert len(wanted) == len(other.archive_hash()) == 64


@pytest.mark.parametrize("after", [1, 3, 6])
def test_what_was_cut_off_is_finished_or_taken_back(
    memory: TreeTextMemory, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    for end in (finished, taken_back):
        other = memory.cube(fresh_cube("other"))
        calls = itertools.count(1)

        def killed(done: int, total: int | None, calls: itertools.count[int] = calls) -> None:
            if next(calls) == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            other.import_(path, progress=killed)
        info = other.store.cube(other.cube_id)
        assert info is not None
        assert info.clock == LOADING
        assert other.get_all() == {"nodes": [], "edges": []}
        end(other, path, tmp_path)


def finished(other: TreeTextMemory, path: Path, folder: Path) -> None:
    other.import_(path)
    assert other.check() == []
    assert other.get("note").memory == "Ben likes trams."


def taken_back(other: TreeTextMemory, path: Path, folder: Path) -> None:
    other.drop(backups=folder / "backups")
    assert other.store.cube(other.cube_id) is None
    assert not any(other.store.counts(other.cube_id).values())


def test_a_merge_that_was_cut_off_leaves_nothing(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    other = memory.cube(fresh_cube("other"))
    other.add("Mine.")
    before = other.archive_hash()

    def killed(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        other.import_(path, merge=True, progress=killed)
    assert other.archive_hash() == before
    assert other.import_(path, merge=True).memories == 4


def test_who_writes_meanwhile_is_not_overtaken(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    other = memory.cube(fresh_cube("other"))
    other.add("Mine.")
    writes: list[Callable[[], object]] = [lambda: other.add({"id": "late", "memory": "Written meanwhile."})]
    read = other.store.all_usage

    def meanwhile(cube: str):  # type: ignore[no-untyped-def]
        while writes:
            writes.pop()()
        return read(cube)

    other.store.all_usage = meanwhile  # type: ignore[method-assign]
    try:
        assert other.import_(path, merge=True).memories == 4
    finally:
        other.store.all_usage = read  # type: ignore[method-assign]
    assert other.get("late").memory == "Written meanwhile."
    assert other.check() == []


def homes(memory: TreeTextMemory) -> None:
    """Memories of two people, added by one operation, and a link between them."""
    texts = {"ann": "Ann lives in Porto.", "cat": "Ann has a cat.", "bob": "Bob lives in Ghent."}
    memory.add([{"id": i, "memory": text, "tags": ["ann" if "Ann" in text else "bob"]} for i, text in texts.items()])
    memory.link("ann", "RELATES_TO", "bob", reason="they met")


def two_archives(memory: TreeTextMemory, folder: Path) -> tuple[Path, Path]:
    """Archives of two cubes."""
    small(memory)
    second = memory.cube(fresh_cube("second"))
    homes(second)
    return memory.export(folder / "all.jsonl"), second.export(folder / "second.jsonl")


def test_parts_of_a_cube_come_together_again(memory: TreeTextMemory, tmp_path: Path) -> None:
    """By merging alone: they share operations and a clock, and are not the same for that."""
    homes(memory)
    whole = memory.export(tmp_path / "all.jsonl")
    parts = [memory.export(tmp_path / f"{n}.jsonl", filter={"tags": {"contains": n}}) for n in ("ann", "bob")]
    other = memory.cube(fresh_cube("other"))
    other.import_(parts[0])
    for path in (parts[1], whole):
        with pytest.raises(InvalidInputError, match="merge=True"):
            other.import_(path)
    assert other.import_(parts[0]).rows > 0  # what is there already
    assert other.import_(parts[1], merge=True).memories == 1
    assert other.import_(whole, merge=True).memories == 0
    assert other.check() == []
    assert {each for page in other.pages() for each in (i.id for i in page.items)} == {"ann", "bob", "cat"}
    assert [n.id for n in other.neighbours("ann", types=["RELATES_TO"])] == ["bob"]
    before = memory.archive_hash()
    memory.import_(parts[0], merge=True)  # into the cube that it is from
    assert memory.archive_hash() == before


def test_a_callers_part_and_the_whole(memory: TreeTextMemory, tmp_path: Path) -> None:
    """The whole either fits what the caller took along, or is refused; nothing is there twice."""
    homes(memory)
    memory.for_caller("bob").add({"id": "secret", "memory": "Bob's code is 4711."})
    memory.for_caller("bob").link("secret", "RELATES_TO", "cat")
    whole = memory.export(tmp_path / "all.jsonl")
    other = memory.cube(fresh_cube("other"))
    other.import_(memory.for_caller("ann").export(tmp_path / "anns.jsonl"))
    with pytest.raises(InvalidInputError):
        other.import_(whole)
    before = other.archive_hash()
    try:
        other.import_(whole, merge=True)
    except InvalidInputError as refused:
        assert "nothing was imported" in str(refused)  # noqa: PT017
        assert other.archive_hash() == before
    assert other.check() == []


def test_another_model_never_takes_a_cube_over(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    small(memory)
    path = memory.export(tmp_path / "all.jsonl")
    with open_memory(embedder=OtherEmbedder()) as other, pytest.raises(ModelMismatchError):
        other.import_(path, reembed=True)
    assert memory.check() == []
    assert memory.search("tram")


def test_nothing_else_comes_into_a_cube_that_is_being_loaded(memory: TreeTextMemory, tmp_path: Path) -> None:
    path, other_path = two_archives(memory, tmp_path)
    other = memory.cube(fresh_cube("other"))

    def killed(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        other.import_(path, progress=killed)
    for options in ({}, {"merge": True}):
        with pytest.raises(StoreUnavailableError, match="is being imported"):
            other.import_(other_path, **options)
    for call in (
        lambda: other.reembed(),
        lambda: other.export(tmp_path / "half.jsonl"),
        lambda: other.archive_hash(),
        lambda: other.check(),
        lambda: other.content_hash(),
        lambda: other.add("It was too early."),
    ):
        with pytest.raises(StoreUnavailableError, match="is being imported"):
            call()
    assert other.diff("2020-01-01", "2027-01-01").added == ()
    other.import_(path)
    assert other.check() == []


def test_of_two_imports_at_once_one_gets_the_cube(memory: TreeTextMemory, tmp_path: Path) -> None:
    path, other_path = two_archives(memory, tmp_path)
    other, begin = memory.cube(fresh_cube("other")), memory.store.begin_load
    others: list[Path] = [other_path]

    def meanwhile(info, archive):  # type: ignore[no-untyped-def]
        while others:
            other.import_(others.pop())
        begin(info, archive)

    memory.store.begin_load = meanwhile  # type: ignore[method-assign]
    try:
        with pytest.raises(ConflictError, match="holds something else"):
            other.import_(path)
    finally:
        memory.store.begin_load = begin  # type: ignore[method-assign]
    assert {i.id for page in other.pages() for i in page.items} == {"ann", "bob", "cat"}
    assert other.check() == []


def test_recalls_are_counted_where_they_were(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "note", "memory": "Ben likes trams."})
    other = memory.cube(fresh_cube("other"))
    other.import_(memory.export(tmp_path / "before.jsonl"))
    assert memory.search("trams")
    path = memory.export(tmp_path / "after.jsonl")
    assert other.import_(path, merge=True).rows == 0
    assert other.store.usage(other.cube_id, ["note"]) == {}
