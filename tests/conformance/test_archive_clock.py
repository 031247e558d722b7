"""Clocks that are ahead and cubes that are half there, on both stores: what is no good is refused, not written out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.archives import lines_of, write_back
from tests.helpers import FakeClock, fresh_cube
from treemem import InvalidInputError, StoreError, StoreUnavailableError, TreeTextMemory
from treemem.exchange.format import ARCHIVE
from treemem.store.protocol import CubeInfo
from treemem.temporal import END, SKEW, from_micros, to_micros

YEARS = {"2100": to_micros(datetime(2100, 1, 1, tzinfo=UTC)), "9999": END - 2}
WAYS: dict[str, Callable[[TreeTextMemory, Path], object]] = {
    "load": lambda cube, folder: cube.load(folder),
    "import": lambda cube, folder: cube.import_(folder / ARCHIVE),
    "merge": lambda cube, folder: cube.import_(folder / ARCHIVE, merge=True),
}


def ahead(memory: TreeTextMemory, folder: Path, clock: int) -> Path:
    """An archive, sound but for its clock."""
    lines = lines_of(memory.dump(folder / "sound"))
    lines[0]["clock"] = clock
    return write_back(folder / "ahead", lines)


@pytest.mark.parametrize("year", YEARS)
def test_a_clock_far_ahead_is_refused(memory: TreeTextMemory, tmp_path: Path, year: str) -> None:
    memory.add({"id": "z", "memory": "Zoe"})
    folder = ahead(memory, tmp_path, YEARS[year])
    empty, mine = memory.cube(fresh_cube("empty")), memory.cube(fresh_cube("mine"))
    mine.add({"id": "own", "memory": "my own memory"})
    before = mine.stats().clock
    for name, way in WAYS.items():
        for cube in (mine, empty) if name == "merge" else (empty,):
            with pytest.raises(InvalidInputError, match=f"clock stands at {year}.*with_clock"):
                way(cube, folder)
    assert empty.store.cube(empty.cube_id) is None
    assert mine.stats().clock == before
    mine.add({"id": "q", "memory": "next"})
    assert mine.get("own").memory == "my own memory"


def test_clocks_differ_a_little_and_a_memorys_own_counts(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "z", "memory": "Zoe"})
    now = to_micros(datetime.now(UTC))
    near = ahead(memory, tmp_path / "near", now + SKEW - 60_000_000)
    assert memory.cube(fresh_cube("near")).load(near) > 0
    far = ahead(memory, tmp_path / "far", now + SKEW + 60_000_000)
    cube = memory.cube(fresh_cube("far"))
    with pytest.raises(InvalidInputError, match="with_clock"):
        cube.load(far)
    assert cube.with_clock(lambda: from_micros(now + SKEW + 60_000_000)).load(far) > 0


def test_a_cube_whose_clock_was_wrong_comes_back(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "a", "memory": "Anna sings."})
    wrong = datetime(2100, 1, 1, tzinfo=UTC)
    memory.with_clock(FakeClock(wrong)).add("Written while the clock was wrong.")
    folder = memory.dump(tmp_path / "dump")
    assert memory.import_(folder / ARCHIVE, merge=True).rows == 0, "the cube's clock stands there already"
    cube = memory.cube(fresh_cube("back"))
    with pytest.raises(InvalidInputError, match="2100"):
        cube.load(folder)
    cube.with_clock(lambda: wrong + timedelta(hours=1)).load(folder)
    assert cube.get("a").memory == "Anna sings."


def test_no_store_records_past_the_end_of_all_times(memory: TreeTextMemory) -> None:
    memory.add({"id": "a", "memory": "Anna sings."})
    cube = memory.cube(fresh_cube("end"))
    info = CubeInfo(cube.cube_id, END - 2, None)
    cube.store.begin_load(info, "archive")
    cube.store.end_load(info, "archive")
    (last,) = cube.add({"id": "z", "memory": "The last one."}, operation_id="last")
    with pytest.raises(StoreError, match="known_at"):
        cube.add("more")
    with pytest.raises(StoreError, match="known_at"):
        cube.purge(last)
    assert cube.add({"id": "z", "memory": "The last one."}, operation_id="last") == [last]
    assert to_micros(cube.stats().clock) == END - 1
    assert cube.get("z").memory == "The last one."
    assert cube.check() == []


def test_a_cube_that_is_being_loaded_is_exported_by_no_name(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.store.begin_load(CubeInfo(memory.cube_id, END - 2, None), "archive")
    for name in ("x.jsonl", "x.json", "x.graphml", "x.cypher"):
        with pytest.raises(StoreUnavailableError, match="is being imported"):
            memory.export(tmp_path / name)
        assert not (tmp_path / name).exists()
    for format in ("neo4j-csv", "neo4j-parquet"):
        with pytest.raises(StoreUnavailableError, match="is being imported"):
            memory.export(tmp_path / format, format=format)
