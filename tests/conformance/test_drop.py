"""drop, on both stores: only its own backups are ever removed; what others write is in the backup or in the cube."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.archives import said
from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from treemem import ConflictError, InvalidInputError, StoreUnavailableError, TreememError, TreeTextMemory
from treemem.exchange import keeping
from treemem.exchange.backups import ORIGIN, UNFINISHED, folder_name
from treemem.exchange.format import ARCHIVE, GRAPH
from treemem.temporal import system_clock


def texts(memory: TreeTextMemory) -> set[str]:
    return {node["memory"] for node in memory.get_all()["nodes"]}


def archived(folder: Path) -> set[str]:
    lines = [json.loads(line) for line in (folder / ARCHIVE).read_text().splitlines()]
    return {line["state"]["fields"]["memory"] for line in lines if "state" in line}


@pytest.mark.parametrize(
    ("cube", "name"),
    [
        ("anna", "anna"),
        ("anna_1-x.y", "anna_1-x.y"),
        ("Anna", "%41nna"),
        ("a:b", "a%3Ab"),
        (".hidden", "%2Ehidden"),
        ("ends.", "ends%2E"),
        ("...", "%2E.%2E"),
        ("con", "%63on"),
        ("aux.txt", "%61ux.txt"),
        ("com1", "%63om1"),
        ("console", "console"),
    ],
)
def test_a_cube_has_a_folder_of_its_own(cube: str, name: str) -> None:
    assert folder_name(cube) == name


def test_no_two_cubes_share_a_folder() -> None:
    cubes = [
        "a" * 128,
        "A" * 128,
        "A" * 127 + "B",
        "a:" * 64,
        "a",
        "A",
        "a.",
        ".a",
        "a:",
        "a-3a",
        "con",
    ]
    names = [folder_name(cube) for cube in cubes]
    assert len({n.lower() for n in names}) == len(cubes)
    assert all(len(n) <= 200 and "/" not in n and n not in (".", "..") for n in names)


def test_what_treemem_did_not_make_stays(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    memory.add("x")
    made = memory.drop(backups=tmp_path / "first")
    assert made is not None
    origin = (made / ORIGIN).read_bytes()
    place = tmp_path / folder_name(memory.cube_id)
    elsewhere = tmp_path / "elsewhere"
    for folder in (place / "before-migration", place / "zzz", place / "20200101", tmp_path / "photos", elsewhere):
        folder.mkdir(parents=True)
        (folder / "mine.txt").write_text("mine")
    (place / "20200101T000000.000000Z").mkdir()  # named as ours, and empty
    (place / "20200102T000000.000000Z").write_text("a file")
    (place / "20200103T000000.000000Z").symlink_to(elsewhere)
    (place / "notes.txt").write_text("mine")
    other = memory.cube(fresh_cube("other"))
    other.add("of another cube")
    theirs = other.dump(place / "20200104T000000.000000Z")
    memory.add("damaged")
    cut = memory.dump(place / "20200105T000000.000000Z")
    (cut / ARCHIVE).write_text((cut / ARCHIVE).read_text()[:-80])
    linked = memory.dump(place / "20200106T000000.000000Z")
    (linked / ARCHIVE).rename(elsewhere / ARCHIVE)
    (linked / ARCHIVE).symlink_to(elsewhere / ARCHIVE)
    for folder in (theirs, cut, linked):
        (folder / ORIGIN).write_bytes(origin)
    before = {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*") if "memory.db" not in p.name}
    kept = []
    for i in range(3):
        memory.add(f"round {i}")
        kept.append(memory.drop(1, backups=tmp_path))
    assert kept[-1] is not None
    assert [p for p in kept if p and p.exists()] == kept[-1:]
    assert archived(kept[-1]) == {"round 2"}
    gone = {p for p in before if not os.path.lexists(p)}
    changed = {p for p in before.keys() - gone if not p.is_dir() and p.lstat().st_mtime_ns != before[p]}
    assert gone == set()
    assert changed == set()
    assert theirs.exists()
    assert (linked / ARCHIVE).is_symlink()


def test_a_file_put_beside_a_backup_stays(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("one")
    first = memory.drop(1, backups=tmp_path)
    assert first is not None
    (first / "why.txt").write_text("before the move")
    memory.add("two")
    memory.drop(1, backups=tmp_path)
    assert [p.name for p in first.iterdir()] == ["why.txt"]


def test_the_newest_stays_when_the_clock_stepped_back(open_memory: OpenMemory, tmp_path: Path) -> None:
    clock = FakeClock(datetime(2030, 1, 1, tzinfo=UTC))
    memory = open_memory(clock=clock)
    kept = []
    for year in (2030, 2026, 2026, 2028):
        clock.time = datetime(year, 1, 1, tzinfo=UTC)
        memory.add(f"note of {year}, {len(kept)}")
        kept.append(memory.drop(2, backups=tmp_path))
    assert sorted(p for p in kept if p) == kept  # by name they are in the order in which they were made
    assert [p for p in kept if p and p.exists()] == kept[2:]


def test_backups_that_do_not_say_of_which_database_they_are_stay(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("one")
    old = memory.dump(tmp_path / folder_name(memory.cube_id) / "20200101T000000.000000Z")
    memory.drop(1, backups=tmp_path)
    assert old.exists()  # as the version before made them


def test_a_link_in_the_place_of_backups_is_refused(memory: TreeTextMemory, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / folder_name(memory.cube_id)).symlink_to(elsewhere)
    memory.add("stays")
    with pytest.raises(InvalidInputError, match="symbolic link"):
        memory.drop(backups=tmp_path)
    assert texts(memory) == {"stays"}
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_in_the_place_of_all_backups_is_refused(
    memory: TreeTextMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    """The default place of backups, and one that is named, are folders that treemem makes."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    elsewhere = tmp_path / "elsewhere"
    if exists:
        elsewhere.mkdir()
    memory.add("stays")
    root = keeping._backups(memory._context)
    root.parent.mkdir(parents=True, exist_ok=True)
    root.symlink_to(elsewhere)
    for given in ({}, {"backups": root}):
        with pytest.raises(InvalidInputError, match="treemem-backups: is a symbolic link"):
            memory.drop(**given)
    assert texts(memory) == {"stays"}
    assert not exists or list(elsewhere.iterdir()) == []
    root.unlink()
    kept = memory.drop()
    assert kept is not None
    assert kept.is_relative_to(root)


def test_backups_are_for_the_owner_alone(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("secret")
    old = os.umask(0)
    try:
        kept = memory.drop(backups=tmp_path / "new")
    finally:
        os.umask(old)
    assert kept is not None
    assert [stat.S_IMODE(p.stat().st_mode) for p in (kept, kept.parent, kept.parent.parent)] == [0o700] * 3
    assert {p.name for p in kept.iterdir()} == {ARCHIVE, GRAPH, ORIGIN}
    assert {stat.S_IMODE(p.stat().st_mode) for p in kept.iterdir()} == {0o600}


def test_a_drop_that_fails_counts_for_nothing(memory: TreeTextMemory, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    kept = []
    for i in range(2):
        memory.add(f"good {i}")
        kept.append(memory.drop(2, backups=tmp_path))
    memory.add([f"large {i} " + "x" * 3_000 for i in range(30)])
    before = said(memory)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old[1]))
    try:
        for _ in range(2):
            with pytest.raises(TreememError, match="free space"):
                memory.drop(2, backups=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert said(memory) == before
    assert sorted(p for p in kept[0].parent.iterdir()) == kept  # type: ignore[union-attr]
    crashed = memory.dump(kept[0].parent / "20990101T000000.000000Z")  # type: ignore[union-attr]
    (crashed / ORIGIN).write_bytes((kept[1] / ORIGIN).read_bytes())  # type: ignore[operator]
    (crashed / UNFINISHED).touch()  # as one that was killed before the erasure leaves it
    last = memory.drop(2, backups=tmp_path)
    assert [p.exists() for p in (*kept, crashed, last)] == [False, True, True, True]  # type: ignore[union-attr]
    assert last is not None
    assert memory.load(last)
    assert said(memory) == before


def meanwhile(monkeypatch: pytest.MonkeyPatch, write: Callable[[], None]) -> None:
    """Let somebody write each time when a backup is just made."""
    verify, inside = keeping.archive.verify, False

    def verified(path: Path) -> None:
        nonlocal inside
        verify(path)
        if not inside:  # a backup that `write` itself makes is left alone
            inside = True
            try:
                write()
            finally:
                inside = False

    monkeypatch.setattr(keeping.archive, "verify", verified)


def test_what_is_written_after_the_backup_is_in_the_next_try(
    open_memory: OpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, writer = open_memory(), open_memory()
    memory.add("first")
    written = []

    def write() -> None:
        if not written:
            written.append("second")
            writer.add("second")

    meanwhile(monkeypatch, write)
    kept = memory.drop(backups=tmp_path)
    assert kept is not None
    assert archived(kept) == {"first", "second"}
    assert texts(memory) == set()


def test_a_writer_that_never_rests_waits_at_last(
    open_memory: OpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, writer = open_memory(), open_memory()
    memory.add("first")
    threads = []

    def write() -> None:
        thread = threading.Thread(target=writer.add, args=(f"note {len(threads)}",))
        thread.start()
        threads.append(thread)
        if len(threads) <= 3:
            thread.join()
        else:
            time.sleep(0.5)
            assert thread.is_alive()  # it waits for the erasure

    meanwhile(monkeypatch, write)
    kept = memory.drop(backups=tmp_path)
    for thread in threads:
        thread.join()
    assert kept is not None
    assert archived(kept) == {"first", "note 0", "note 1", "note 2"}
    assert texts(writer) == {"note 3"}
    assert writer.check() == []


def test_a_backup_that_fails_while_writers_wait_lets_them_go_on(
    open_memory: OpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, writer = open_memory(), open_memory()
    memory.add("first")
    tries = []

    def write() -> None:
        tries.append(1)
        if len(tries) > 3:
            raise InvalidInputError("no room")
        writer.add(f"note {len(tries)}")

    meanwhile(monkeypatch, write)
    with pytest.raises(InvalidInputError, match="no room"):
        memory.drop(backups=tmp_path)
    writer.add("afterwards")
    assert texts(memory) == {"first", "note 1", "note 2", "note 3", "afterwards"}
    assert list((tmp_path / folder_name(memory.cube_id)).iterdir()) == []


def test_two_drops_at_once_make_one_backup(
    open_memory: OpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, other = open_memory(), open_memory()
    memory.add("first")
    found = []
    meanwhile(monkeypatch, lambda: found.append(other.drop(backups=tmp_path)) if not found else None)
    assert memory.drop(backups=tmp_path) is None
    assert [p.name for p in (tmp_path / folder_name(memory.cube_id)).iterdir()] == [found[0].name]
    assert archived(found[0]) == {"first"}


def test_a_cube_that_is_being_loaded_is_dropped_without_a_backup(open_memory: OpenMemory, tmp_path: Path) -> None:
    """What is in it is the archive's; whoever loads it is told."""
    memory = open_memory()
    memory.add([f"note {i}" for i in range(3)])
    memory.search("note")  # so that usage is in the archive too
    path = memory.export(tmp_path / "all.jsonl")
    cube = memory.cube(fresh_cube("dropped"))
    from treemem.exchange import archive

    with archive.opened(path) as found:
        info = archive.replace(found.head.info, id=cube.cube_id)
        rows = ((kind, row) for _, kind, row in found.rows(cube.cube_id))
        name, batches = found.identity(info), list(archive.batches(rows, info))
    cube.store.begin_load(info, name)
    for batch in batches[:-1]:
        cube.store.load(batch, name)
    assert cube.drop(backups=tmp_path / "backups") is None
    assert cube.store.cube(cube.cube_id) is None
    assert not (tmp_path / "backups").exists()
    with pytest.raises(ConflictError, match="erased"):
        cube.store.load(batches[-1], name)


def test_a_load_says_when_the_cube_was_erased_under_it(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    memory.add([f"note {i}" for i in range(3)])
    folder = memory.dump(tmp_path / "x")
    cube = memory.cube(fresh_cube("under"))

    def erase(done: int, total: int | None) -> None:
        if done < (total or 0):
            cube.store.erase(cube.cube_id)

    with pytest.raises(TreememError, match="load it again"):
        cube.load(folder, progress=erase)
    cube.store.erase(cube.cube_id)
    assert cube.load(folder)


@pytest.mark.neo4j
def test_an_erasure_that_was_cut_off_is_finished_by_whoever_comes(neo4j_uri: str, tmp_path: Path) -> None:
    from treemem.store.neo4j import erasing

    cube = fresh_cube("cut")
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), clock=FakeClock()) as memory:
        for come in ("add", "drop", "load", "purge", "undo", "erase"):
            (one,) = memory.add({"id": "old", "memory": "of before"})
            last = memory.operations()[0].id
            folder = memory.dump(tmp_path / come)
            memory.store._connection.write(lambda tx: erasing.begin(tx, cube, None))  # type: ignore[attr-defined]
            assert memory.store.cube(cube) is None
            assert cube not in {info.id for info in memory.store.cubes()}
            if come == "drop":
                assert memory.drop(backups=tmp_path / "b") is None
                assert not any(memory.store.counts(cube).values())
            elif come == "erase":
                assert memory.store.erase(cube)
                assert not any(memory.store.counts(cube).values())
            elif come == "load":
                memory.load(folder)
                assert texts(memory) == {"of before"}
            elif come in ("purge", "undo"):
                with contextlib.suppress(TreememError):  # it was planned on what is gone
                    memory.purge(one) if come == "purge" else memory.undo(last)
            memory.add({"id": "new", "memory": "of afterwards"})
            assert texts(memory) == ({"of afterwards", "of before"} if come == "load" else {"of afterwards"})
            assert memory.check() == []
            memory.store.erase(cube)


@pytest.mark.neo4j
def test_a_seal_makes_writers_wait_and_runs_out(neo4j_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from treemem.store.neo4j import erasing

    cube = fresh_cube("seal")
    monkeypatch.setattr(erasing, "SEAL", 8.0)
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), timeout=30) as memory:
        memory.add("first")
        connection = memory.store._connection  # type: ignore[attr-defined]
        seal = erasing.Seal(connection, cube)
        connection.timeout = 0.5
        with seal:
            with pytest.raises(StoreUnavailableError, match="being backed up"):
                memory.add("refused")
        memory.add("second")
        connection.write(lambda tx: erasing.Seal(connection, cube)._set(tx, 3.0))  # one that was killed
        connection.timeout = 30.0
        memory.add("third")
        assert texts(memory) == {"first", "second", "third"}
        memory.store.erase(cube)


WRITER = """
import sys
from tests.helpers import HashEmbedder
from treemem import TreememError, TreeTextMemory
with TreeTextMemory.open(sys.argv[1], cube=sys.argv[2], embedder=HashEmbedder()) as memory:
    print("ready", flush=True)
    i = 0
    while not sys.stdin.closed and i < 100_000:
        text = f"{sys.argv[3]} {i}"
        try:
            memory.add(text)
            print(text, flush=True)
        except TreememError:
            pass
        i += 1
"""


def race(open_memory: OpenMemory, place: Path, rounds: int, processes: int, threads: int) -> None:
    """Let writers write while the cube is dropped again and again; what was acknowledged must be somewhere."""
    memory = open_memory(clock=system_clock)
    location = memory.store.location
    stop = threading.Event()
    written: list[list[str]] = [[] for _ in range(threads + processes)]

    def write(number: int) -> None:
        i = 0
        while not stop.is_set():
            text = f"thread {number} {i}"
            try:
                memory.add(text)
                written[number].append(text)
            except TreememError:
                pass  # not acknowledged: it may be there or not
            i += 1

    def listen(number: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        written[number] += [line.strip() for line in process.stdout if line.endswith("\n")]

    command = [sys.executable, "-c", WRITER, location, memory.cube_id]
    running = [
        subprocess.Popen([*command, f"process {i}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for i in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    listeners = [threading.Thread(target=listen, args=(threads + i, p)) for i, p in enumerate(running)]
    writers = [threading.Thread(target=write, args=(i,)) for i in range(threads)]
    for thread in (*listeners, *writers):
        thread.start()
    kept = []
    try:
        for _ in range(rounds):
            time.sleep(0.2)
            kept.append(memory.drop(1_000, backups=place))
    finally:
        stop.set()
        for process in running:
            process.kill()
        for thread in (*writers, *listeners):
            thread.join()
        for process in running:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
    found = texts(memory).union(*(archived(folder) for folder in kept if folder))
    lost = {text for some in written for text in some} - found
    assert lost == set()
    assert any(kept)
    assert all(written)
    assert memory.check() == []


def test_nothing_is_lost_beside_writers(open_memory: OpenMemory, backend: str, tmp_path: Path) -> None:
    race(open_memory, tmp_path / "b", 6 if backend == "sqlite" else 2, processes=1, threads=1)


@pytest.mark.slow
def test_nothing_is_lost_beside_four_writers(open_memory: OpenMemory, tmp_path: Path) -> None:
    rounds = 50 if os.environ.get("TREEMEM_CAMPAIGN") == "1" else 8
    race(open_memory, tmp_path / "b", rounds, processes=2, threads=2)


def test_databases_that_share_a_folder_keep_their_backups(tmp_path: Path) -> None:
    """Two files with a cube of one name, side by side: each prunes its own backups alone."""
    with (
        TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder()) as first,
        TreeTextMemory.open(tmp_path / "b.db", embedder=HashEmbedder()) as second,
    ):
        first.add("Anna lives in Porto.")
        kept = first.drop(keep_last_n=1)
        for _ in range(2):
            second.add("other")
            second.drop(keep_last_n=1)
        assert kept is not None
        assert first.load(kept) > 0
        assert [n["memory"] for n in first.get_all()["nodes"]] == ["Anna lives in Porto."]
