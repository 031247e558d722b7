"""One cube costs the same however many cubes the file holds, and has nothing of a cube that was dropped."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HashEmbedder
from treemem import TreeTextMemory, TreeTextMemoryConfig
from treemem.store.protocol import Recall
from treemem.store.sqlite.cache import MEASURED
from treemem.store.sqlite.index import CubeIndex
from treemem.temporal import Moment

MANY = 50_000


def opened(path: Path, cube: str = "mine") -> TreeTextMemory:
    return TreeTextMemory.open(path, cube=cube, embedder=HashEmbedder(), record_usage=False)


def steps(path: Path) -> dict[str, int]:
    """How many steps of SQLite's machine each call takes: time would tell of the machine's other work, too."""
    taken: dict[str, int] = {}
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    connect = sqlite3.connect

    def counting(*args: Any, **settings: Any) -> sqlite3.Connection:
        conn = connect(*args, **settings)
        conn.set_progress_handler(count, 1)
        return conn

    def taking(name: str, call: Callable[[], Any]) -> Any:
        counted[0] = 0
        result = call()
        taken[name] = counted[0]
        return result

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite3, "connect", counting)
        memory = taking("open", lambda: opened(path))
        taking("first add", lambda: memory.add("Anna lives in Porto."))
        taking("second add", lambda: memory.add("Ben lives in Ghent."))
        taking("stats", memory.stats)
        taking("check", memory.check)
        other = taking("cube", lambda: memory.cube("never"))
        taking("stats of none", other.stats)
        taking("search of none", lambda: other.search("Anna"))
        taking("search", lambda: memory.search("Anna"))
        taking("search of two", lambda: memory.search("Anna", cubes=["mine", "c7", "never"]))
        taking("content hash", memory.content_hash)
        taking("purge", lambda: memory.purge(memory.add("gone")))
        taking("drop", lambda: memory.drop(backups=path.parent / "backups"))
        taking("close", memory.close)
    return taken


def test_the_number_of_cubes_in_a_file_makes_no_difference(tmp_path: Path) -> None:
    few, many = tmp_path / "few.db", tmp_path / "many.db"
    for path, number in ((few, 10), (many, MANY)):
        opened(path).close()
        with sqlite3.connect(path) as conn:
            c = [(n, f"c{n}") for n in range(1, number + 1)]
            conn.executemany(
                "INSERT INTO cube (num, id, clock, embedder, dimension) VALUES (?, ?, 1000, 'test/hash', 48)", c
            )
            conn.executemany(
                "INSERT INTO operation (num, cube, id, kind, recorded_at, status, payload_hash, receipt, touched) "
                "VALUES (?1, ?1, 'o', 'add', 1000, 'done', '', '{}', '[]')",
                [(n,) for n, _ in c],
            )
            conn.executemany(
                "INSERT INTO node (num, cube, kind, id, version) VALUES (?1, ?1, 'memory', 'm', 1)",
                [(n,) for n, _ in c],
            )
            conn.executemany(
                "INSERT INTO node (num, cube, kind, id) VALUES (?1 + 100000, ?1, 'entity', 'e')", [(n,) for n, _ in c]
            )
            conn.executemany(
                "INSERT INTO edge (cube, type, src, dst, weight, tiebreak, confidence, valid_from, valid_to, "
                "recorded_from, recorded_to, opened_by) VALUES (?1, 'MENTIONS', ?1, ?1 + 100000, 1, 1, 1, 1, 2, 1000, "
                "253402300799999999, ?1)",
                [(n,) for n, _ in c],
            )
            conn.executemany(
                "INSERT INTO tombstone (cube, id, purged_at, operation) VALUES (?1, 'x', 1, ?1)", [(n,) for n, _ in c]
            )
        conn.close()
    small, large = steps(few), steps(many)
    purged = {"purge", "drop"}  # write the file anew, as they say
    assert {k: v for k, v in large.items() if k not in purged and v > 1.5 * small[k] + 50} == {}
    started = time.monotonic()
    opened(many).close()
    assert time.monotonic() - started < 5


def test_a_new_cube_has_nothing_of_a_dropped_one_in_memory(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", "first") as memory:
        memory.add([{"id": f"m{n}", "memory": f"Quetzal number {n}"} for n in range(20)])
        assert memory.search("Quetzal")
        memory.drop(backups=tmp_path / "backups")
        second = memory.cube("second")
        second.add({"id": "own", "memory": "Anna lives in Porto."})
        assert [hit.id for hit in second.search("Quetzal", top_k=20)] == ["own"]
        found: list[str] = []
        question = Recall("second", Moment(second._context.now()), tokens=("quetzal",), text_limit=50)
        second.store.recall(question, lambda graph: found.extend(seed.memory_id for seed in graph.seeds) or [])
        assert found == []
        memory.add({"id": "m3", "memory": "Another one."})
        assert [hit.memory for hit in memory.search("Quetzal", top_k=20)] == ["Another one."]


def test_a_use_measures_few_indexes_and_all_stay_within_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, measured = 4_000_000, [0]
    size = CubeIndex.nbytes

    def counted(index: CubeIndex) -> int:
        measured[0] += 1
        return size.__get__(index)

    monkeypatch.setattr(CubeIndex, "nbytes", property(counted))
    config = TreeTextMemoryConfig(store=str(tmp_path / "m.db"), record_usage=False, cache_bytes=budget)
    with TreeTextMemory(config, embedder=HashEmbedder()) as memory:
        cubes = [memory.cube(f"c{n}") for n in range(40)]
        for cube in cubes:
            cube.add([f"Anna planted the tree number {n} in Porto." for n in range(60)])
            cube.search("Who planted tree 7?")
        measured[0] = 0
        cubes[0].search("Who planted tree 8?")
        assert 0 < measured[0] <= MEASURED
        kept = memory.store._cache._indexes.values()  # type: ignore[attr-defined]
        assert 1 < len(kept) < len(cubes)
        assert sum(map(size.__get__, kept)) <= budget
