"""Filters: one tree; Python, Cypher and SQL agree on random data; selective filters still fill a search."""

from __future__ import annotations

import string
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import DIMENSION
from treemem import InvalidInputError, TreeTextMemory, field
from treemem.contents import fields_of
from treemem.filters import FIELDS, And, Field, Filter, Not, Or, condition, matches, parse, split
from treemem.items import MEMORY_TYPES, TextualMemoryItem

TEXT = st.text(st.sampled_from("abAB%_*?[]\\.é中😀 \n'\"$"), max_size=6)
SCALAR = st.one_of(
    TEXT, st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.sampled_from([0.5, 1.0, -2.5, 1e300]), st.booleans()
)
INFO_VALUE = st.one_of(
    SCALAR,
    st.none(),
    st.lists(TEXT, max_size=3),
    st.lists(st.integers(-3, 3), max_size=3),
    st.lists(st.booleans(), max_size=2),
    st.lists(SCALAR, max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=1),
)
KEYS = ["scene", "a.b", "we`ird'\"key", "n"]


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "memory_type": draw(st.sampled_from(MEMORY_TYPES)),
        "visibility": draw(st.sampled_from(["private", "public", "session"])),
        "tags": draw(st.lists(TEXT, max_size=3)),
        "confidence": draw(st.sampled_from([0.0, 50.0, 99.5, 100.0])),
        "frozen": draw(st.booleans()),
        "agent_id": draw(st.one_of(st.none(), TEXT)),
        "key": draw(st.one_of(st.none(), TEXT)),
        "memory_time": draw(st.one_of(st.none(), st.datetimes(min_value=_year(1), max_value=_year(9990)))),
        "created_at": draw(st.one_of(st.none(), st.sampled_from(["2025-01-01", "2025-06-01T12:00:00"]))),
        "valid_from": draw(st.sampled_from(["2025-01-01", "2025-03-01"])),
        "sources": draw(st.one_of(st.just([]), st.lists(TEXT, max_size=2), st.just([{"a": 1}, "x"]))),
        "info": draw(st.dictionaries(st.sampled_from(KEYS), INFO_VALUE, max_size=3)),
    }
    words = draw(st.lists(st.sampled_from(["apple", "pear", "Anna", "x%y"]), min_size=1, max_size=3))
    if metadata["visibility"] == "session":
        metadata["session_id"] = "talk"
    return {"memory": " ".join(words), "metadata": metadata}


def _year(year: int) -> Any:
    from datetime import datetime

    return datetime(year, 1, 1)  # noqa: DTZ001


def _value(found: Field) -> st.SearchStrategy[Any]:
    values: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXT,
        "texts": TEXT,
        "number": st.sampled_from([0, 50, 99.5, 100]),
        "boolean": st.booleans(),
        "time": st.sampled_from(["2025-01-01", "2025-02-01", "2025-06-01T12:00:00", "0001-01-02"]),
        "any": SCALAR,
    }
    choices = {"memory_type": MEMORY_TYPES, "status": ("activated", "archived")}.get(found.name)
    return st.sampled_from(choices) if choices else values[found.kind]


@st.composite
def conditions(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from([*sorted(FIELDS), *(f"info.{key}" for key in KEYS)]))
    found = FIELDS.get(name) or Field(name, "any")
    from treemem.filters import OPERATORS

    op = draw(st.sampled_from(OPERATORS[found.kind]))
    if op == "in":
        return condition(found, op, draw(st.lists(_value(found), max_size=3)))
    if op in ("=", "!=") and draw(st.integers(0, 5)) == 0:
        return condition(found, op, None)
    value = draw(_value(found))
    if op == "like" and not isinstance(value, str):
        value = "%a_"
    if op in ("gt", "gte", "lt", "lte") and isinstance(value, bool):
        value = 1
    return condition(found, op, value)


FILTERS = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(inner, max_size=3).map(lambda some: Or(tuple(some))),
        inner.map(Not),
    ),
    max_leaves=6,
)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def test_stores_agree_with_python(backend: str, open_memory: OpenMemory) -> None:
    memory = open_memory()

    @settings(max_examples=2 if backend == "neo4j" else 40, phases=[Phase.generate])
    @given(st.lists(items(), min_size=1, max_size=8), st.lists(FILTERS, min_size=1, max_size=12))
    def agree(data: list[dict[str, Any]], filters: list[Filter]) -> None:
        cube = memory.cube(f"{memory.cube_id}-{_next()}")
        ids = cube.add([{"id": f"m{i}", **each} for i, each in enumerate(data)])
        states = {s.memory_id: s for s in cube.store.history(cube.cube_id, ids)}
        for tree in filters:
            wanted = {
                i
                for i, s in states.items()
                if matches(tree, s.fields, {"valid_from": s.valid_from, "valid_to": s.valid_to})
            }
            paged = {item.id for page in cube.pages(filter=tree) for item in page.items}
            assert paged == wanted, tree
            found = {hit.id for hit in cube.search("apple pear Anna", top_k=20, filter=tree)}
            assert found == wanted, tree

    agree()


_counter = iter(range(1_000_000))


def _next() -> int:
    return next(_counter)


@settings(max_examples=300)
@given(items(), FILTERS)
def test_splitting_a_filter_changes_nothing(data: dict[str, Any], tree: Filter) -> None:
    fields = fields_of(TextualMemoryItem.model_validate(data)) | {"created_at": 0}
    times = {"valid_from": 1_740_787_200_000_000, "valid_to": 1_800_000_000_000_000}
    bounds, rest = split(tree)
    passed = matches(rest, fields, times)
    passed &= bounds.memory_types is None or fields["memory_type"] in bounds.memory_types
    passed &= bounds.statuses is None or fields["status"] in bounds.statuses
    passed &= bounds.valid_from is None or times["valid_from"] >= bounds.valid_from
    assert passed == matches(tree, fields, times)


def test_the_reference_form(memory: TreeTextMemory) -> None:
    memory.add("Read a novel", tags=["reading"], info={"scene": "chat"}, created_at="2025-12-31 20:00:00")
    memory.add("Read the news", tags=["reading"], info={"scene": "web"}, created_at="2025-06-01")
    memory.add("Read a letter", tags=["reading"], info={"scene": "chat"}, created_at="2026-01-01")
    asked = {
        "and": [
            {"tags": {"contains": "reading"}},
            {"create_time": {"gte": "2025-01-01"}},
            {"create_time": {"lte": "2025-12-31"}},
            {"scene": "chat"},
        ]
    }
    assert [hit.memory for hit in memory.search("read", filter=asked)] == ["Read a novel"]
    built = (field("tags").contains("reading")) & (field("scene") == "web") & ~(field("confidence") < 80)
    assert [hit.memory for hit in memory.search("read", filter=built)] == ["Read the news"]


def test_python_and_json_forms_are_one_tree() -> None:
    assert parse({"confidence": {">=": 80}}) == (field("confidence") >= 80)
    assert parse({"not": {"agent_id": "a"}}) == (field("agent_id") != "a")
    assert parse({"tags": {"contains": "x"}, "frozen": False}) == field("tags").contains("x") & (
        field("frozen") == False  # noqa: E712
    )
    assert parse({}) is None
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(field("key") == "x")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"shoe_size": 44}, "there is no field 'shoe_size'; wanted one of agent_id"),
        ({"confidence": "high"}, "confidence =: wanted a number"),
        ({"tags": {"gt": 3}}, "tags (texts) takes contains"),
        ({"create_time": {"gte": "soon"}}, "'soon' is no time"),
        ({"memory_type": "Memory"}, "wanted one of WorkingMemory"),
        ({"and": {"a": 1}}, "'and' wants a list"),
        ({"key": {"like": 5}}, "key like: wanted a text"),
        ({"key": {}}, "wants a value or an operator"),
        ({"agent_id": {"in": "abc"}}, "wanted a list of values"),
        (["tags"], "wanted a dict"),
        ({"info.x": {"gt": True}}, "wanted"),
        ({"user_id": {"$where": "1=1"}}, "takes ="),
        ({"id}) DETACH DELETE m //": 1}, "there is no field"),
    ],
)
def test_bad_filters_say_what_is_allowed(tmp_path: Any, asked: Any, said: str) -> None:
    with TreeTextMemory.open(tmp_path / "m.db") as memory, pytest.raises(InvalidInputError) as error:
        memory.search("x", filter=asked)
    assert said in str(error.value)


class Given:
    name, dimension = "test/given", DIMENSION

    def embed(self, texts: Any) -> Any:
        return np.ones((len(texts), DIMENSION), dtype=np.float32) / DIMENSION**0.5


@pytest.mark.slow
def test_a_selective_filter_still_fills_the_hits(open_memory: OpenMemory, backend: str) -> None:
    """0.1 % of 40,000 memories: every one of the forty is found, whatever is nearer; of half as many on Neo4j."""
    memory = open_memory(embedder=Given())
    many = 20_000 if backend == "neo4j" else 40_000
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((many, DIMENSION)).astype(np.float32)
    vectors[:40] -= 3  # far from the question
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    memory.add(
        {
            "id": f"m{i}",
            "memory": string.ascii_lowercase[i % 26] * 3,
            "metadata": {"embedding": vectors[i], "scene": "rare" if i < 40 else "common", "confidence": i % 100},
        }
        for i in range(many)
    )
    assert len(memory.search("question", top_k=40, filter={"scene": "rare"})) == 40
    both = memory.search("question", top_k=30, filter={"scene": "rare", "confidence": {"lt": 20}})
    assert sorted(hit.id for hit in both) == sorted(f"m{i}" for i in range(20))
    memory.store.erase(memory.cube_id)  # other tests share the server
