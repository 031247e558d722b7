"""to_frames: what holds, as tables of pandas and of polars alike."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import day
from treemem import ConfigError, Frames, InvalidInputError, TreeTextMemory, history_frame

LIBRARIES = ("pandas", "polars")


def filled(memory: TreeTextMemory) -> None:
    memory.add(
        [
            {
                "id": "a",
                "memory": "Anna sings.",
                "tags": ["x"],
                "info": {"n": 1, "deep": [None, "é"]},
                "confidence": 50,
            },
            {"id": "b", "memory": "Ben rows.", "type": "fact", "frozen": True, "valid_to": "2500-01-01"},
        ],
        at=day(0),
    )
    memory.link("a", "WORKS_AT", "b", properties={"since": 1999})
    memory.update("a", "Anna plays.", at=day(10))


def rows(frame: Any) -> list[dict[str, Any]]:
    if hasattr(frame, "to_dicts"):
        return list(frame.to_dicts())
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {n: v.to_pydatetime() if hasattr(v, "to_pydatetime") else v for n, v in r.items()}
        for r in plain.to_dict("records")
    ]


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_and_types(memory: TreeTextMemory, library: Any, tmp_path: Path) -> None:
    filled(memory)
    memories, edges = memory.to_frames(library)
    a, b = sorted(rows(memories), key=lambda row: row["id"])
    assert (a["memory"], a["confidence"], list(a["tags"]), a["info"]) == (
        "Anna plays.",
        50.0,
        ["x"],
        '{"deep":[null,"é"],"n":1}',
    )
    assert (a["version"], a["type"], a["frozen"], b["type"], b["frozen"], b["info"]) == (
        3,
        None,
        False,
        "fact",
        True,
        None,
    )
    assert a["valid_from"] == day(10)
    assert a["valid_to"] is None
    assert b["tags"] is None
    (works,) = [row for row in rows(edges) if row["type"] == "WORKS_AT"]
    assert (works["source"], works["target"], works["target_kind"]) == ("a", "b", "memory")
    assert works["properties"] == '{"since":1999}'
    memories.write_parquet(tmp_path / "m.parquet") if library == "polars" else memories.to_csv(tmp_path / "m.csv")


def test_both_libraries_say_the_same(memory: TreeTextMemory) -> None:
    filled(memory)
    for of_pandas, of_polars in zip(memory.to_frames(), memory.to_frames("polars"), strict=True):
        assert list(of_pandas.columns) == of_polars.columns
        assert rows(of_pandas) == rows(of_polars)


@pytest.mark.parametrize("library", LIBRARIES)
def test_moments_callers_and_empty_cubes(memory: TreeTextMemory, library: Any) -> None:
    for frame in memory.to_frames(library):
        assert len(frame) == 0
    filled(memory)
    assert {row["memory"] for row in rows(memory.to_frames(library, as_of=day(5)).memories)} == {
        "Anna sings.",
        "Ben rows.",
    }
    memory.add("Only mine.", user_id="anna")
    assert "Only mine." not in {row["memory"] for row in rows(memory.for_caller("bob").to_frames(library).memories)}
    found: Frames = memory.for_caller("anna").to_frames(library)
    assert "Only mine." in {row["memory"] for row in rows(found.memories)}


def test_far_times(memory: TreeTextMemory) -> None:
    memory.add({"id": "far", "memory": "It lasts.", "valid_to": datetime(2500, 1, 1, tzinfo=UTC)}, at=day(0))
    (row,) = rows(memory.to_frames().memories)
    assert row["valid_to"] == datetime(2500, 1, 1, tzinfo=UTC)


def test_refusals(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("numpy", "", None, ["pandas"]):
        with pytest.raises(InvalidInputError, match="library"):
            memory.to_frames(wrong)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigError, match="pip install polars"):
        memory.to_frames("polars")


@pytest.mark.parametrize("library", LIBRARIES)
def test_histories(memory: TreeTextMemory, library: Any, tmp_path: Path) -> None:
    filled(memory)
    memory.correct("a", "Anna paints.", reason="misheard", actor="carla")
    memory.unfreeze("b")
    memory.delete("b")
    frame = history_frame([version for one in ("a", "b") for version in memory.history(one)], library)
    found = rows(frame)
    assert {row["id"] for row in found} == {"a", "b"}
    last = max((row for row in found if row["id"] == "a"), key=lambda row: row["version"])
    assert (last["memory"], last["opened_by"], last["actor"], last["reason"], last["closed_by"]) == (
        "Anna paints.",
        "correct",
        "carla",
        "misheard",
        None,
    )
    assert last["valid_from"] == day(10)
    assert (last["recorded_to"], last["valid_to"], last["info"]) == (None, None, '{"deep":[null,"é"],"n":1}')
    assert [row["status"] for row in found if row["id"] == "b"][-1] == "deleted"
    (frame.to_parquet if library == "pandas" else frame.write_parquet)(tmp_path / "history.parquet")
    assert len(history_frame([], library)) == 0
    with pytest.raises(InvalidInputError, match="pandas or polars"):
        history_frame([], "dask")
