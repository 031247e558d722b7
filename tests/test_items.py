"""Items: every field of the reference, unknown ones in info, and errors that name field, value and what is allowed."""

from __future__ import annotations

import unicodedata
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from treemem import InvalidInputError, TextualMemoryItem, TreememError, TreeNodeTextualMemoryMetadata, TreeTextMemory
from treemem.ids import derived_id


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_a_derived_id_is_the_uuid_of_its_parts(parts: list[str]) -> None:
    namespace = uuid.UUID("6f2d9c0e-7a51-4c1b-9f43-2f1d5c3e8a70")
    name = "\x1f".join(unicodedata.normalize("NFC", part) for part in parts)
    assert derived_id(*parts) == str(uuid.uuid5(namespace, name))


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("memory_type", "Bogus", "LongTermMemory"),
        ("status", "gone", "activated"),
        ("visibility", "secret", "private"),
        ("type", "rumour", "fact"),
        ("source", "dream", "conversation"),
        ("confidence", 101, "100"),
        ("confidence", float("nan"), "finite"),
        ("tags", "not a list", "list"),
        ("created_at", "not a time", "ISO"),
        ("embedding", "text", "numbers"),
        ("info", {"f": float("inf")}, "JSON"),
        ("info", {"o": object()}, "JSON"),
        ("info", {"n": 1 << 70}, "64 bits"),
        ("info", {1: "x"}, "string"),
        ("key", "half \ud800", "surrogate"),
        ("tags", ["nul \x00"], "NUL"),
    ],
)
def test_a_bad_value_names_field_value_and_what_is_allowed(
    memory: TreeTextMemory, field: str, value: Any, allowed: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        memory.add({"memory": "a text", "metadata": {field: value}})
    assert field in str(error.value)
    assert allowed in str(error.value)
    assert memory.stats().operations == 0


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "  \n",
        "nul \x00",
        "half \ud800",
        "x" * 1_048_576,
        7,
        None,
        {"no": "memory"},
        [["nested"]],
        {"memory": "x", "id": "no spaces"},
        {"memory": "x", "id": "a" * 129},
        {"memory": "x", "id": "'; DROP TABLE state"},
    ],
)
def test_bad_memories_write_nothing(memory: TreeTextMemory, bad: Any) -> None:
    with pytest.raises(InvalidInputError):
        memory.add(bad)
    assert memory.stats().operations == 0
    assert memory.check() == []


@pytest.mark.parametrize(
    "vector", [[1.0, 2.0], [float("nan")] * 48, [0.0] * 48, [[1.0] * 48], ["x"] * 48, [float("inf")] * 48]
)
def test_bad_vectors_write_nothing(memory: TreeTextMemory, vector: Any) -> None:
    with pytest.raises(InvalidInputError, match="embedding"):
        memory.add({"memory": "x", "metadata": {"embedding": vector}})
    assert memory.stats().operations == 0


def test_a_given_vector_is_kept_with_unit_norm(memory: TreeTextMemory) -> None:
    (a,) = memory.add({"memory": "x", "metadata": {"embedding": [2.0] + [0.0] * 47}})
    assert memory.get(a).metadata.embedding == [1.0] + [0.0] * 47


@pytest.mark.parametrize("top_k", [0, -1, 10_000, 1.5, True, "ten"])
def test_bad_top_k(memory: TreeTextMemory, top_k: Any) -> None:
    with pytest.raises(InvalidInputError, match="top_k"):
        memory.search("x", top_k)


@pytest.mark.parametrize(
    "query",
    ["a", "the", "?!", "🙂", '("NEAR/3 AND) OR +tokens:* ~^:[TO]', "' OR 1=1 --", "x " * 5_000, "你好", "a\\b/c*"],
)
def test_odd_queries_are_just_text(memory: TreeTextMemory, query: str) -> None:
    memory.add(["Anna lives in Porto.", "x marks the spot", "你好，世界"])
    result = memory.search(query)
    assert all(0 <= hit.score <= 1 for hit in result)


def test_chinese_is_found_by_its_words(memory: TreeTextMemory) -> None:
    memory.add(["我住在北京。", "我喜欢吃苹果。", "She lives in Oslo."])
    assert memory.search("北京")[0].memory == "我住在北京。"
    assert memory.search("苹果")[0].memory == "我喜欢吃苹果。"


def test_ids_that_look_like_statements_are_only_ids(open_memory: OpenMemory) -> None:
    for cube in ("a'b", "x) DETACH DELETE (n", "", "ü", "a" * 129):
        with pytest.raises(InvalidInputError, match="cube"):
            open_memory(cube=cube)


def test_the_shape_of_items() -> None:
    item = TextualMemoryItem(memory="x")
    assert item.metadata.memory_type == "LongTermMemory"
    assert len(item.id) == 36
    metadata = TreeNodeTextualMemoryMetadata(colour="red", info={"n": 1})  # type: ignore[call-arg]
    assert metadata.info == {"n": 1, "colour": "red"}


def test_every_error_is_ours(memory: TreeTextMemory) -> None:
    for call in (
        lambda: memory.get("no spaces"),
        lambda: memory.get_by_ids(["a", ""]),
        lambda: memory.search(""),
        lambda: memory.search("x", memory_types=["Bogus"]),
        lambda: memory.search("x", statuses=[]),
        lambda: memory.neighbours("x", direction="sideways"),
        lambda: memory.link("a", "BOGUS", "b"),
        lambda: memory.link("a", "CAUSES", "b", weight=float("nan")),
        lambda: memory.update("x"),
        lambda: memory.delete([]),
        lambda: memory.add("x", at="2025-02-01", until="2025-01-01"),
        lambda: memory.add_messages([{"role": "user"}]),
        lambda: memory.add_messages([{"content": "x", "role": "bot"}]),
        lambda: memory.add_messages([{"contents": "x"}]),
        lambda: memory.operations(limit=0),
        lambda: memory.get("x", as_of="not a time"),
        lambda: memory.undo("nope"),
        lambda: memory.add("x", operation_id="no spaces"),
        lambda: memory.add("x", reason=" "),
    ):
        with pytest.raises(TreememError):
            call()
    assert memory.stats().operations == 0
