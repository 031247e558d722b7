"""The queries for people run, answer, and start from an index."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import neo4j
import pytest

from tests.helpers import HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from tests.test_plans import FORBIDDEN, operators
from treemem import TreeTextMemory
from treemem.demo import replay
from treemem.store.neo4j.statements import folder

pytestmark = pytest.mark.neo4j
FILES = sorted(p.name for p in (folder() / "explore").iterdir())


@pytest.fixture(scope="module")
def demo(neo4j_uri: str) -> Iterator[tuple[neo4j.Driver, dict[str, Any]]]:
    cube = fresh_cube("explore")
    with TreeTextMemory.open(neo4j_uri, cube=cube) as memory:
        assert list(replay(memory))[-1] == 60
        memory.link("d31", "SUPERSEDES", "d01", at="2025-06-07", reason="she moved")
        memory.add([{"id": "twin-1", "memory": "The spare key hangs behind the blue door."}], at="2025-12-01")
        memory.add([{"id": "twin-2", "memory": "The spare key hangs behind the blue door"}], at="2025-12-01")
        memory.add({"id": "shut", "memory": "The bakery is shut on Mondays."}, at="2025-12-01")
        memory.link("shut", "CONTRADICTS", "twin-1", at="2025-12-01")
        assert memory.reorganizer.run(kinds=["deduplicate"]).count("done") >= 1
        assert memory.check() == []
    parameters = {
        "cube": cube,
        "id": "mara-home",
        "name": "lena",
        "seed": "d26",
        "hit": "d28",
        "from": datetime(2025, 5, 1, tzinfo=UTC),
        "to": datetime(2025, 6, 1, tzinfo=UTC),
        "as_of": datetime(2025, 3, 1, tzinfo=UTC),
    }
    with plain_driver(neo4j_uri, notifications_min_severity="OFF") as driver:
        yield driver, parameters


def query(name: str) -> str:
    return (folder() / "explore" / name).read_text("utf-8").rstrip().rstrip(";")


@pytest.mark.parametrize("name", FILES)
def test_query_answers_from_an_index(demo: tuple[neo4j.Driver, dict[str, Any]], name: str) -> None:
    driver, parameters = demo
    assert driver.execute_query(query(name), parameters).records
    plan = driver.execute_query("EXPLAIN " + query(name), parameters).summary.plan
    assert plan is not None
    found = operators(plan)
    assert not set(found) & set(FORBIDDEN), found


def test_history_tells_of_the_move(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    rows = [r.data() for r in driver.execute_query(query("06_history.cypher"), parameters).records]
    assert [r["says"] for r in rows] == ["Mara lives in Porto.", "Mara lives in Porto.", "Mara lives in Ghent."]
    assert rows[0]["known_to"] is not None
    assert rows[2]["reason"] == "said in d31"


def test_chains_of_causes(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    paths = [r["path"] for r in driver.execute_query(query("03_causes.cypher"), parameters).records]
    assert ["d26", "d27", "d28"] in [[n["id"] for n in p.nodes] for p in paths]


def test_what_changed_in_may(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    rows = [r.data() for r in driver.execute_query(query("07_changes.cypher"), parameters).records]
    assert all(datetime(2025, 5, 1, tzinfo=UTC) <= r["at"].to_native() < datetime(2025, 6, 1, tzinfo=UTC) for r in rows)
    assert any("plane tree" in text for r in rows for text in r["learned"])


def test_as_of_shows_what_held_then(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    rows = driver.execute_query(query("10_as_of.cypher"), parameters).records
    home = {row["s"]["memory"] for row in rows if row["m"]["id"] == "mara-home"}
    assert home == {"Mara lives in Porto."}
    assert "d31" not in {row["m"]["id"] for row in rows}


def test_what_superseded_what(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    (row,) = driver.execute_query(query("08_superseded.cypher"), parameters).records
    assert (row["since"].iso_format(), row["reason"], row["state"]) == ("2025-06-07", "she moved", "known")


@pytest.fixture(scope="module")
def tangled(neo4j_uri: str) -> Iterator[tuple[neo4j.Driver, TreeTextMemory]]:
    """A cube with all that must not be shown now, beside one with the same ids and other texts."""
    names = [fresh_cube("tangled"), fresh_cube("beside")]
    memories = [TreeTextMemory.open(neo4j_uri, cube=name, embedder=HashEmbedder()) for name in names]
    for memory, mark in zip(memories, ("", "OTHER "), strict=True):
        _tangle(memory, mark)
    with plain_driver(neo4j_uri, notifications_min_severity="OFF") as driver:
        yield driver, memories[0]
    for memory in memories:
        memory.close()


def _tangle(memory: TreeTextMemory, mark: str) -> None:
    texts = {
        "rain": "It rained for a week.",
        "flood": "The cellar was flooded.",
        "bill": "The repair cost much.",
        "gone": "The dam was weak.",
        "put-away": "The pump was old.",
        "deleted": "The neighbour left a tap open.",
        "shop": "The shop is open.",
        "shut": "The shop is shut.",
    }
    memory.add([{"id": i, "memory": mark + text} for i, text in texts.items()], at="2025-01-01", entities=["Lena"])
    memory.add({"id": "future", "memory": mark + "The dam will be rebuilt."}, at="2090-01-01", entities=["Lena"])
    memory.add({"id": "said", "memory": mark + "Lena is here."}, at="2025-01-01", entities=["Lena"])
    memory.update("said", mark + "Nobody is here.", at="2025-02-01", entities=[])
    causes = [("rain", "flood"), ("flood", "bill"), ("gone", "rain"), ("put-away", "rain"), ("deleted", "rain")]
    causes += [("bill", "deleted"), ("bill", "future"), ("bill", "gone"), ("shop", "shut")]
    for cause, effect in causes:
        memory.link(cause, "CAUSES", effect, at="2025-01-01")
    memory.link("shut", "CAUSES", "rain", at="2090-01-01")
    memory.unlink("shop", "CAUSES", "shut")
    for one, other in (("shop", "shut"), ("shop", "gone"), ("shop", "deleted"), ("rain", "bill"), ("rain", "shop")):
        memory.link(one, "CONTRADICTS", other, at="2025-01-01")
    memory.unlink("rain", "CONTRADICTS", "bill", at="2025-03-01")
    memory.undo(memory.operations(limit=2)[1].id)  # rain and shop do not contradict each other
    for new, old in (("shut", "shop"), ("flood", "gone"), ("rain", "deleted"), ("bill", "put-away")):
        memory.link(new, "SUPERSEDES", old, at="2025-01-01", reason=f"{mark}why {old}")
    memory.link("shop", "SUPERSEDES", "bill", at="2090-01-01")
    memory.link("rain", "SUPERSEDES", "flood", at="2025-01-01", operation_id="hasty")
    memory.undo("hasty")
    memory.expire("gone", at="2025-05-01")
    memory.archive("put-away")
    memory.delete("deleted")


def rows_of(tangled: tuple[neo4j.Driver, TreeTextMemory], file: str, **parameters: Any) -> list[dict[str, Any]]:
    driver, memory = tangled
    rows = [dict(r) for r in driver.execute_query(query(file), {"cube": memory.cube_id, **parameters}).records]
    assert "OTHER" not in str(rows)
    return rows


LIVE = {"rain", "flood", "bill", "shop", "shut", "said"}


def test_the_graph_now_is_that_of_the_library(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "01_here.cypher")
    assert {row["m"]["id"] for row in rows} == LIVE
    nodes = tangled[1].get_all()["nodes"]
    assert {n["id"] for n in nodes if n["metadata"]["status"] in ("activated", "generated")} == LIVE
    assert {row["says"] for row in rows if row["m"]["id"] == "said"} == {"Nobody is here."}
    edges = {(row["m"]["id"], row["r"].type, row["other"]["id"]) for row in rows if row["r"] is not None}
    assert {e for e in edges if e[1] != "MENTIONS"} == {
        ("rain", "CAUSES", "flood"),
        ("flood", "CAUSES", "bill"),
        ("shop", "CONTRADICTS", "shut"),
        ("shut", "SUPERSEDES", "shop"),
    }
    named = {(row["m"]["id"], row["other"]["name"]) for row in rows if row["r"] is not None and "name" in row["other"]}
    assert ("rain", "Lena") in named
    assert ("said", "Lena") not in named


def test_chains_hold_now_from_end_to_end(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    (row,) = rows_of(tangled, "03_causes.cypher")
    assert [node["id"] for node in row["path"].nodes] == ["rain", "flood", "bill"]
    assert row["says"] == ["It rained for a week.", "The cellar was flooded.", "The repair cost much."]


def test_a_chain_that_runs_into_a_circle_is_shown(neo4j_uri: str) -> None:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("circle"), embedder=HashEmbedder()) as memory:
        memory.add([{"id": i, "memory": f"note {i}"} for i in "abcxy"], at="2025-01-01")
        for cause, effect in ("ab", "bc", "cb", "xy", "yx"):
            memory.link(cause, "CAUSES", effect, at="2025-01-01")
        with plain_driver(neo4j_uri, notifications_min_severity="OFF") as driver:
            rows = driver.execute_query(query("03_causes.cypher"), cube=memory.cube_id).records
    assert [[node["id"] for node in row["path"].nodes] for row in rows] == [["a", "b", "c", "b"]]


@pytest.mark.parametrize("name", FILES)
def test_a_query_that_cuts_its_rows_says_so(name: str) -> None:
    text = query(name)
    told = " ".join(line.removeprefix("// ") for line in text.splitlines() if line.startswith("//"))
    for most in re.findall(r"LIMIT (\d{2,9})", text):
        assert re.search(rf"\b{most}\b", told)


def test_the_way_to_a_hit_goes_along_what_holds(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    """Not along an edge that ended, nor through what was deleted; by names too."""
    rows = rows_of(tangled, "13_way.cypher", seed="rain", hit="bill")
    assert sorted(row["says"] for row in rows) == [
        ["It rained for a week.", "Lena", "The repair cost much."],
        ["It rained for a week.", "The cellar was flooded.", "The repair cost much."],
    ]
    assert rows_of(tangled, "13_way.cypher", seed="rain", hit="deleted") == []


def test_a_shorter_way_that_ended_hides_no_way(neo4j_uri: str) -> None:
    """Whether a memory holds now is not on its label: it may end later, or be told again from later on."""
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("ways"), embedder=HashEmbedder()) as memory:
        names = ("a", "long", "longer", "changes", "hit")
        memory.add([{"id": i, "memory": f"note {i}"} for i in names], at="2025-01-01")
        memory.add(
            {"id": "ends", "memory": "note ends"}, at="2025-01-01", until=datetime.now(UTC) + timedelta(seconds=2)
        )
        assert memory.get("ends").metadata.status == "activated"
        for way in (("a", "ends", "hit"), ("a", "long", "longer", "hit"), ("a", "changes", "longer")):
            for one, other in pairwise(way):
                memory.link(one, "CAUSES", other, at="2025-01-01")
        memory.update("changes", "note changes later", at="2090-01-01")
        with plain_driver(neo4j_uri, notifications_min_severity="OFF") as driver:

            def ways() -> list[list[str]]:
                found = driver.execute_query(
                    query("13_way.cypher"), {"cube": memory.cube_id, "seed": "a", "hit": "hit"}
                ).records
                return sorted([node["id"] for node in row["path"].nodes] for row in found)

            deadline = time.monotonic() + 10
            while ["a", "ends", "hit"] in ways() and time.monotonic() < deadline:
                time.sleep(0.1)
            labels = driver.execute_query(
                "MATCH (m:Memory {cube_id: $cube, id: 'ends'}) RETURN labels(m) AS l", cube=memory.cube_id
            ).records[0]["l"]
            assert "Former" not in labels
            assert ways() == [["a", "changes", "longer", "hit"], ["a", "long", "longer", "hit"]]


def test_versions_are_of_one_memory_of_one_cube(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "05_versions.cypher", id="said")
    assert [(row["s"]["memory"], "Former" in row["s"].labels) for row in rows] == [
        ("Lena is here.", True),
        ("Lena is here.", True),
        ("Nobody is here.", False),
    ]


def test_the_tree_is_what_holds_now(neo4j_uri: str) -> None:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("tree"), embedder=HashEmbedder()) as memory:
        memory.add([{"id": i, "memory": f"note {i}"} for i in ("top", "a", "b", "deleted", "taken")], at="2025-01-01")
        memory.add({"id": "future", "memory": "note future"}, at="2090-01-01")
        for above, below in (("top", "a"), ("a", "b"), ("top", "deleted"), ("top", "taken"), ("top", "future")):
            memory.link(above, "PARENT", below, at="2090-01-01" if below == "future" else "2025-01-01")
        memory.link("a", "CAUSES", "taken")
        memory.unlink("top", "PARENT", "taken")
        memory.delete("deleted")
        with plain_driver(neo4j_uri, notifications_min_severity="OFF") as driver:
            rows = driver.execute_query(query("04_tree.cypher"), cube=memory.cube_id).records
    assert {(row["above"]["id"], row["below"]["id"]) for row in rows} == {("top", "a"), ("a", "b")}
    assert {row["holds"] for row in rows} == {"note a", "note b"}


def test_history_is_of_one_memory_of_one_cube(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "06_history.cypher", id="said")
    assert [row["says"] for row in rows] == ["Lena is here.", "Lena is here.", "Nobody is here."]
    assert [row["status"] for row in rows_of(tangled, "06_history.cypher", id="deleted")] == ["activated", "deleted"]


def test_what_is_deleted_is_not_learned(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
    rows = rows_of(tangled, "07_changes.cypher", **{"from": start, "to": end})
    (deletion,) = [row for row in rows if row["kind"] == "delete"]
    assert (deletion["learned"], deletion["no_longer_known"]) == ([], ["The neighbour left a tap open."])
    (archiving,) = [row for row in rows if row["kind"] == "archive"]
    assert (archiving["learned"], archiving["no_longer_known"]) == ([], ["The pump was old."])
    (update,) = [row for row in rows if row["kind"] == "update"]
    assert (update["learned"], update["no_longer_known"]) == (["Nobody is here."], [])
    assert rows_of(tangled, "07_changes.cypher", **{"from": start, "to": start}) == []


def test_a_name_is_asked_now(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "02_about.cypher", name="LENA")
    assert {row["m"]["id"] for row in rows} == LIVE - {"said"}
    assert {row["other"]["id"] for row in rows if row["other"] is not None} <= LIVE
    assert all(row["says"] for row in rows)


def test_as_of_shows_both_ends_as_they_were(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "10_as_of.cypher", as_of=datetime(2025, 1, 15, tzinfo=UTC))
    assert {row["m"]["id"] for row in rows} == LIVE | {"gone"}
    assert {row["s"]["memory"] for row in rows if row["m"]["id"] == "said"} == {"Lena is here."}
    ends = {row["other"]["id"] for row in rows if row["other"] is not None and "Memory" in row["other"].labels}
    assert ends == LIVE - {"said"} | {"gone"}
    rows = rows_of(tangled, "10_as_of.cypher", as_of=datetime(2095, 1, 1, tzinfo=UTC))
    assert {row["m"]["id"] for row in rows} == LIVE | {"future"}


def test_what_superseded_what_in_words(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "08_superseded.cypher")
    assert {(row["newer"], row["older"], row["state"], row["reason"]) for row in rows} == {
        ("The shop is shut.", "The shop is open.", "known", "why shop"),
        ("The cellar was flooded.", "The dam was weak.", "known", "why gone"),
        ("The repair cost much.", "The pump was old.", "known", "why put-away"),
        ("It rained for a week.", "The cellar was flooded.", "taken back", None),
    }


def test_contradictions_between_what_holds_now(tangled: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(tangled, "11_to_decide.cypher")
    assert [(row["says"], row["says_instead"]) for row in rows] == [("The shop is open.", "The shop is shut.")]


@pytest.fixture(scope="module")
def reorganized(neo4j_uri: str) -> Iterator[tuple[neo4j.Driver, TreeTextMemory]]:
    """Two cubes that the reorganizer went over; one merge was taken back."""
    memories = [TreeTextMemory.open(neo4j_uri, cube=fresh_cube("gone-over")) for _ in range(2)]
    for memory, mark in zip(memories, ("", "OTHER "), strict=True):
        for text in ("The spare key hangs behind the blue door", "My dentist works on Mondays", "I live in Porto"):
            memory.add(f"{mark}{text}.", at="2025-01-01")
        for text in ("The spare key hangs behind the blue door", "My dentist works on Mondays"):
            memory.add(f"{mark}{text}", at="2025-02-01")
        memory.add(f"{mark}I live in Ghent now.", at="2025-03-01")
        assert memory.reorganizer.run().count("done") >= 2
    memories[0].undo(_merge_of(memories[0], "My dentist works on Mondays."))
    with plain_driver(neo4j_uri, notifications_min_severity="OFF") as driver:
        yield driver, memories[0]
    for memory in memories:
        memory.close()


def _merge_of(memory: TreeTextMemory, text: str) -> str:
    """The operation that merged another memory into this one."""
    (kept,) = [node["id"] for node in memory.get_all()["nodes"] if node["memory"] == text]
    (edge,) = [e for e in memory.store.all_edges(memory.cube_id) if e.key[0] == "MERGED_INTO" and e.key[2] == kept]
    return str(edge.opened_by)


def test_what_was_merged_in_words(reorganized: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(reorganized, "09_merged.cypher")
    assert {(row["stays"], *row["merged"], row["state"]) for row in rows} == {
        ("The spare key hangs behind the blue door.", "The spare key hangs behind the blue door", "known"),
        ("My dentist works on Mondays.", "My dentist works on Mondays", "taken back"),
    }
    assert all(row["at"] is not None and row["by"] == "reorganize" and row["operation"] for row in rows)


def test_what_the_reorganizer_did_in_words(reorganized: tuple[neo4j.Driver, TreeTextMemory]) -> None:
    rows = rows_of(reorganized, "12_reorganized.cypher")
    done = [o.id for o in reorganized[1].operations() if o.kind == "reorganize"]
    assert [row["operation"] for row in rows] == done
    assert all(row["memories"] and None not in row["memories"] for row in rows)
    said = [text for row in rows for text in row["memories"]]
    assert "The spare key hangs behind the blue door." in said
    assert "The spare key hangs behind the blue door" in said
    assert {"I live in Porto.", "I live in Ghent now."} <= set(said)
