"""Free fields: no name of theirs becomes a name of the database, and filters on them say the same on both stores."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from treemem import TreeTextMemory
from treemem.store.neo4j import facts
from treemem.store.neo4j.converting import converted

NUMBER = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**53) - 5, -(2**53) + 5),
    st.integers(2**63 - 2_000, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 0.0, -0.0, 1, 1.0, 5e-324, -5e-324, 2.0**53, 2.0**63, -(2.0**63), 1.7976931348623157e308]),
)
#: Around the places where UTF-16 units and code points sort apart.
EDGES = "a\u0001\ud7ff\ue000\ufffd\ufffe\uffff\U00010000\U0001f994\U0010ffff"
TEXT = st.one_of(st.text(max_size=6), st.text(st.sampled_from(EDGES), max_size=4))


def units(text: str) -> list[int]:
    """A text as UTF-16 units, by which Neo4j compares."""
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


@given(NUMBER, NUMBER)
def test_numbers_are_spelled_in_their_order(a: float, b: float) -> None:
    one, two = facts.spelled(a), facts.spelled(b)
    assert len(one) == len(two) == 20
    assert (one < two, one == two) == (a < b, a == b)


@given(TEXT, TEXT)
def test_ordered_texts_sort_by_units_as_texts_do_by_code_points(a: str, b: str) -> None:
    one, two = units(facts.ordered(a)), units(facts.ordered(b))
    assert (one < two, one == two) == (a < b, a == b)


def test_a_name_cannot_pass_for_another() -> None:
    names = ["info.a", 'info.a":t', "info.a:t", "info.\U0001f994", "info.é", "key", "info.key", 'info."key"']
    starts = [facts.start(name) for name in names]
    assert all(start.isascii() for start in starts)
    assert not [(a, b) for a in starts for b in starts if a is not b and b.startswith(a)]


def test_what_an_older_treemem_wrote_is_converted_once() -> None:
    old = {"memory": "m", "info.n": 1, "info.l": ["a", "b"], "extra": '{"info":{"d":{"x":1}},"sources":[{"a":1}]}'}
    changed = converted(old)
    assert changed["info.n"] is None
    assert changed["info.l"] is None
    assert changed["extra"] == '{"info":{"d":{"x":1},"l":["a","b"],"n":1},"sources":[{"a":1}]}'
    assert changed["facts"] == ['"l":Ta', '"l":Tb', '"n":nbff00000000000008000']
    new = {name: value for name, value in (old | changed).items() if value is not None}
    assert converted(new) == {}
    assert converted({"memory": "plain"}) == {}


def ids(memory: TreeTextMemory, tree: dict[str, Any]) -> list[str]:
    """What passes a filter, among the pages of a memory."""
    return sorted(item.id for page in memory.pages(filter=tree) for item in page.items)


@pytest.mark.parametrize("name", ["info.s", "key", "agent_id", "memory"])
def test_texts_sort_by_code_points(memory: TreeTextMemory, name: str) -> None:
    texts = {
        "low": "note a",
        "full": "note \uff01",
        "last": "note \uffff",
        "fox": "note \U0001f994z",
        "top": "note \U0010ffff",
    }
    for each, text in texts.items():
        metadata: dict[str, Any] = {"info": {"s": text}} if name == "info.s" else {name: text}
        item = (
            {"id": each, "memory": text} if name == "memory" else {"id": each, "memory": "note", "metadata": metadata}
        )
        memory.add(item)
    order = list(texts)
    for i, each in enumerate(order):
        assert ids(memory, {name: {"gt": texts[each]}}) == sorted(order[i + 1 :])
        assert ids(memory, {name: {"gte": texts[each]}}) == sorted(order[i:])
        assert ids(memory, {name: {"lt": texts[each]}}) == sorted(order[:i])
        assert ids(memory, {name: {"lte": texts[each]}}) == sorted(order[: i + 1])
        assert ids(memory, {name: texts[each]}) == [each]
    tree = {name: {"gt": "note \ufffd"}}
    assert sorted(hit.id for hit in memory.search("note", top_k=50, filter=tree)) == ["fox", "last", "top"]
    assert ids(memory, {name: {"like": "%_z"}}) == ["fox"]
    assert ids(memory, {name: {"contains": "\U0001f994"}}) == ["fox"]


def test_minus_zero_is_zero(memory: TreeTextMemory) -> None:
    for each, value in {"neg": -0.0, "pos": 0.0, "int": 0, "less": -5e-324}.items():
        memory.add({"id": each, "memory": "note", "metadata": {"info": {"x": value}, "confidence": max(value, -0.0)}})
    assert ids(memory, {"info.x": {"lt": 0}}) == ["less"]
    assert ids(memory, {"info.x": 0}) == ids(memory, {"info.x": -0.0}) == ["int", "neg", "pos"]
    assert ids(memory, {"info.x": {"gte": 0.0}}) == ["int", "neg", "pos"]
    assert ids(memory, {"confidence": {"lt": 0}}) == []
    assert ids(memory, {"confidence": {"in": [0, 7]}}) == ["int", "less", "neg", "pos"]
    assert math.copysign(1, memory.get("neg").metadata.info["x"]) == -1


def test_whole_numbers_stay_whole(memory: TreeTextMemory) -> None:
    given_info = {
        "i": 1,
        "f": 1.0,
        "big": 2**53 + 1,
        "list": [1, 2],
        "floats": [1.0, 2.5],
        "mixed": [1, 2.5, "a", None],
    }
    memory.add({"id": "a", "memory": "note", "metadata": {"info": given_info}})
    found = memory.get("a").metadata.info
    assert found == given_info
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in given_info.items()}
    assert [type(each) for each in found["list"] + found["floats"]] == [int, int, float, float]
    assert ids(memory, {"info.big": {"gt": 2.0**53}}) == ids(memory, {"info.i": 1.0}) == ["a"]
    assert ids(memory, {"info.mixed": {"contains": 1}}) == []


@pytest.mark.parametrize("name", ["valid_from", "valid_to", "created_at", "updated_at", "memory_time"])
def test_the_last_day_of_all(memory: TreeTextMemory, name: str) -> None:
    memory.add({"id": "a", "memory": "note", "metadata": {"memory_time": "2025-01-01"}})
    last = "9999-12-31"
    for op, passes in {"lte": True, "gt": False}.items():
        assert ids(memory, {name: {op: last}}) == (["a"] if passes else []), op
        assert ids(memory, {"not": {name: {op: last}}}) == ([] if passes else ["a"]), op
    assert ids(memory, {name: last}) == (["a"] if name == "valid_to" else [])  # open ends lie on that day


@pytest.mark.parametrize("name", ["memory", "info.s"])
def test_no_pattern_is_slow(memory: TreeTextMemory, name: str) -> None:
    for each, text in {"a": "a" * 5_000, "ab": "a" * 5_000 + "b", "end": "a" * 4_998 + "b."}.items():
        memory.add({"id": each, "memory": text, "metadata": {"info": {"s": text}}})
    asked = {"%a" * 200 + "%b": ["ab"], "%a%" * 100 + "b_": ["end"], "%" * 999 + "b": ["ab"], "a%_%b%": ["ab", "end"]}
    for pattern, passing in asked.items():
        started = time.perf_counter()
        found = [item.id for page in memory.pages(filter={name: {"like": pattern}}) for item in page.items]
        assert time.perf_counter() - started < 5, pattern
        assert found == passing, pattern


@pytest.mark.parametrize(
    ("pattern", "passing"),
    [
        ("%a%a%", ["aa", "aba", "a\na"]),
        ("a%a", ["aa", "aba", "a\na"]),
        ("a_a", ["aba", "a\na"]),
        ("%b", ["b"]),
        ("_", ["a", "b", "\U0001f994"]),
        ("%", None),
        ("", [""]),
        ("\\E%", ["\\E.*"]),
        ("%.*", ["\\E.*"]),
        ("%_%_%", ["aa", "aba", "a\na", "\\E.*"]),
        ("a%%a", ["aa", "aba", "a\na"]),
        ("%ab%ba%", []),
    ],
)
def test_like_is_literal_but_for_two_signs(memory: TreeTextMemory, pattern: str, passing: list[str] | None) -> None:
    texts = ["", "a", "b", "aa", "aba", "a\na", "\\E.*", "\U0001f994"]
    memory.add([{"id": f"m{i}", "memory": "note", "metadata": {"info": {"s": t}}} for i, t in enumerate(texts)])
    found = ids(memory, {"info.s": {"like": pattern}})
    assert [texts[int(i[1:])] for i in found] == (texts if passing is None else passing)


@pytest.mark.neo4j
def test_names_of_free_fields_are_nowhere_in_the_database(neo4j_uri: str) -> None:
    """A name outlives whatever bore it: Neo4j keeps property keys, labels and types for ever."""
    secret = f"diagnosis_{time.time_ns()}"
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("names"), embedder=HashEmbedder()) as memory:
        info = {secret: 1, "list": [secret], "deep": {secret: {secret: [1]}}, f"{secret}.x": ["a", "b"], "t": secret}
        memory.add({"id": "a", "memory": "note", "metadata": {"info": info, "sources": [{secret: "x"}]}})
        memory.update("a", info={**info, f"{secret}_2": True})
        assert ids(memory, {f"info.{secret}": 1}) == ["a"]
        memory.store.record_usage(memory.cube_id, {"a": 1}, 0)
        with plain_driver(neo4j_uri) as driver:
            for call in ("db.propertyKeys", "db.labels", "db.relationshipTypes"):
                names = [r[0] for r in driver.execute_query(f"CALL {call}()").records]
                assert names
                assert not [name for name in names if secret in name], call
            memory.purge("a")
            left = driver.execute_query(
                "MATCH (n) WHERE n.cube_id = $cube AND any(k IN keys(n) WHERE k <> 'embedding' AND "
                "(toStringOrNull(n[k]) CONTAINS $secret OR any(each IN "
                "CASE WHEN n[k] IS :: LIST<ANY> NOT NULL THEN n[k] ELSE [] END "
                "WHERE toStringOrNull(each) CONTAINS $secret))) RETURN count(n) AS n",
                cube=memory.cube_id,
                secret=secret,
            )
            assert left.records[0]["n"] == 0


@pytest.mark.neo4j
def test_both_stores_hash_whole_numbers_alike(neo4j_uri: str, tmp_path: Any) -> None:
    cube = fresh_cube("whole")
    hashes = []
    for location in (str(tmp_path / "m.db"), neo4j_uri):
        with TreeTextMemory.open(location, cube=cube, embedder=HashEmbedder(), clock=FakeClock()) as memory:
            memory.add([{"id": "a", "memory": "note"}, {"id": "b", "memory": "other", "metadata": {"confidence": 80}}])
            memory.add({"id": "c", "memory": "third", "metadata": {"info": {"i": 1, "f": 1.0, "z": -0.0}}})
            memory.link("a", "CAUSES", "b", weight=1)
            memory.link("b", "CAUSES", "c", weight=0)
            memory.update("b", confidence=70)
            assert {type(e.weight) for e in memory.neighbours("a")} == {float}
            hashes.append(memory.content_hash())
    assert hashes[0] == hashes[1]


def test_an_open_memory_finds_what_it_wrote(open_memory: OpenMemory) -> None:
    """Facts survive correcting, dumping and loading."""
    memory = open_memory()
    memory.add({"id": "a", "memory": "note", "metadata": {"info": {"n": 3, "s": "\U0001f994"}}}, at="2025-02-01")
    memory.correct("a", at="2025-03-01", info={"n": 4, "s": "\U0001f994"})
    assert ids(memory, {"info.n": {"gt": 3.5}, "info.s": {"gt": "\ufffd"}}) == ["a"]
