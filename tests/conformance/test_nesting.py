"""What nests too deep, contains itself or grows without end is refused wherever it is given; nothing is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treemem import InvalidInputError, TextualMemoryItem, TreeTextMemory
from treemem.ids import checked_id
from treemem.storable import (
    _SMALL,
    _SMALL_DEPTH,
    _SMALL_TEXT,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_VALUES,
    _is_small,
    check_json,
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def in_itself(kind: type) -> Any:
    value: Any = kind()
    if kind is list:
        value.append(value)
    else:
        value["a"] = value
    return value


def doubled() -> Any:
    """Sixty lists, each with the one before twice: written out it would have 2^60 values."""
    value: Any = [1]
    for _ in range(60):
        value = [value, value]
    return value


VALUES: dict[str, Callable[[], Any]] = {
    "65 deep": lambda: nested(MAX_DEPTH + 1),
    "500 deep": lambda: nested(500),
    "20,000 deep": lambda: nested(20_000),
    "a list in itself": lambda: in_itself(list),
    "a dict in itself": lambda: in_itself(dict),
    "doubled": doubled,
}


def changed_later(value: Any) -> TextualMemoryItem:
    item = TextualMemoryItem(memory="x")
    item.metadata.info["late"] = value
    return item


WAYS: dict[str, Callable[[TreeTextMemory, Any], Any]] = {
    "add, info": lambda m, v: m.add("x", info={"d": v}),
    "add, loose": lambda m, v: m.add({"memory": "x", "loose": v}),
    "add, metadata": lambda m, v: m.add({"memory": "x", "metadata": {"sources": [v]}}),
    "add, tags": lambda m, v: m.add("x", tags=[v]),
    "add, key": lambda m, v: m.add("x", key=v),
    "add, valid_from": lambda m, v: m.add("x", valid_from=v),
    "add, at": lambda m, v: m.add("x", at=v),
    "add, an item": lambda m, v: m.add(changed_later(v)),
    "update": lambda m, v: m.update("p", info={"d": v}),
    "update, loose": lambda m, v: m.update("p", loose=v),
    "correct": lambda m, v: m.correct("p", sources=[v]),
    "add_messages": lambda m, v: m.add_messages([{"content": "x"}], info={"d": v}),
    "add_messages, metadata": lambda m, v: m.add_messages([{"content": "x", "metadata": {"d": v}}]),
    "add_messages, role": lambda m, v: m.add_messages([{"content": "x", "role": v}]),
    "add_messages, content": lambda m, v: m.add_messages([{"content": v}]),
    "replace_working_memory": lambda m, v: m.replace_working_memory([{"memory": "x", "loose": v}]),
    "search, a filter's value": lambda m, v: m.search("x", filter={"info.d": v}),
    "search, a filter's list": lambda m, v: m.search("x", filter={"key": {"in": [v]}}),
    "search, a filter's time": lambda m, v: m.search("x", filter={"valid_from": {"gt": v}}),
    "search, a filter": lambda m, v: m.search("x", filter=v if isinstance(v, dict) else {"not": v}),
}


@pytest.mark.parametrize("value", VALUES)
def test_what_cannot_be_written_out_is_refused_at_once(memory: TreeTextMemory, value: str) -> None:
    memory.add({"id": "p", "memory": "plain"})
    before = memory.stats()
    for way, call in WAYS.items():
        started = time.monotonic()
        with pytest.raises(InvalidInputError) as refused:
            call(memory, VALUES[value]())
        assert time.monotonic() - started < 2, way
        assert len(str(refused.value)) < 500, way
    assert memory.stats() == before


def test_what_is_just_deep_enough_comes_back_everywhere(memory: TreeTextMemory, tmp_path: Path) -> None:
    deep = nested(MAX_DEPTH - 1)
    (one,) = memory.add("deep", info={"d": deep})
    memory.add_messages([{"content": "hello", "metadata": {"d": deep}}])
    assert memory.get(one).metadata.info == {"d": deep}
    assert len(memory.get_all()["nodes"]) == 2
    folder = memory.dump(tmp_path / "x")
    copy = memory.cube("copy-" + memory.cube_id)
    copy.load(folder)
    assert copy.get(one).metadata.info == {"d": deep}
    assert copy.content_hash() == memory.content_hash() or copy.stats().entities > 0
    assert copy.drop(backups=tmp_path / "b") is not None


def test_the_bounds_of_a_value() -> None:
    check_json(["x"] * (MAX_VALUES - 1), "info")
    with pytest.raises(InvalidInputError, match="values"):
        check_json(["x"] * (MAX_VALUES + 1), "info")
    with pytest.raises(InvalidInputError, match="characters"):
        check_json(["x" * 1_000_000] * (MAX_CHARACTERS // 1_000_000 + 1), "info")
    with pytest.raises(InvalidInputError, match=r"info\.a\[1\]\.b: nan"):
        check_json({"a": [1, {"b": float("nan")}]}, "info")
    with pytest.raises(InvalidInputError, match="64 bits"):
        check_json(10**6000, "info")


@pytest.mark.parametrize("name", [".", ".."])
def test_names_of_folders_are_no_ids(memory: TreeTextMemory, name: str) -> None:
    with pytest.raises(InvalidInputError, match="names a folder"):
        checked_id(name)
    for call in (
        lambda: memory.cube(name),
        lambda: memory.add({"id": name, "memory": "x"}),
        lambda: memory.add("x", operation_id=name),
        lambda: memory.get(name),
        lambda: memory.search("x", cubes=[name]),
    ):
        with pytest.raises(InvalidInputError, match="names a folder"):
            call()
    assert checked_id("...") == "..."


_ODD = st.sampled_from(
    [
        None,
        True,
        0,
        1 << 63,
        -(1 << 63),
        1.5,
        float("nan"),
        float("inf"),
        "",
        "text",
        "\ud800",
        "\0",
        "é",
        b"",
        (1,),
        {1},
    ]
)
_VALUES = st.recursive(
    _ODD | st.just("x" * 901),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["", "a", "\0", "\ud800", "b"]), inner),
    max_leaves=12,
)


@given(_VALUES)
def test_what_is_seen_quickly_is_what_is_read_slowly(value: Any) -> None:
    """The quick look at small values takes none that the whole reading refuses."""
    if _is_small(value):
        check_json([value, "x" * 1_000], "info")  # a text that is not small: all is read
        assert json.loads(json.dumps(value)) == value


def test_a_small_value_is_within_the_bounds() -> None:
    deep: Any = "x" * _SMALL_TEXT
    for _ in range(_SMALL_DEPTH):
        deep = {f"{n:03}": deep for n in range(_SMALL)}
    assert _is_small(deep)
    assert not _is_small([deep])
    check_json([deep], "info")
