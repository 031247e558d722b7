"""The queries for people run, answer, and start from an index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import neo4j
import pytest

from tests.helpers import fresh_cube
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
        memory.add([{"id": "twin-2", "memory": "the spare key hangs behind the blue door"}], at="2025-12-01")
        memory.add({"id": "shut", "memory": "The bakery is shut on Mondays."}, at="2025-12-01")
        memory.link("shut", "CONTRADICTS", "twin-1", at="2025-12-01")
        assert memory.reorganizer.run(kinds=["deduplicate"]).count("done") >= 1
        assert memory.check() == []
    parameters = {
        "cube": cube,
        "id": "mara-home",
        "name": "lena",
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
    rows = [r.data() for r in driver.execute_query(query("03_history.cypher"), parameters).records]
    assert [r["says"] for r in rows] == ["Mara lives in Porto.", "Mara lives in Porto.", "Mara lives in Ghent."]
    assert rows[0]["known_to"] is not None
    assert rows[2]["reason"] == "said in d31"


def test_chains_of_causes(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    paths = [r["path"] for r in driver.execute_query(query("02_links.cypher"), parameters).records]
    assert ["d26", "d27", "d28"] in [[n["id"] for n in p.nodes] for p in paths]


def test_what_changed_in_may(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    rows = [r.data() for r in driver.execute_query(query("04_changes.cypher"), parameters).records]
    assert all(datetime(2025, 5, 1, tzinfo=UTC) <= r["at"].to_native() < datetime(2025, 6, 1, tzinfo=UTC) for r in rows)
    assert any("plane tree" in text for r in rows for text in r["learned"])


def test_as_of_shows_what_held_then(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    rows = driver.execute_query(query("06_as_of.cypher"), parameters).records
    home = {row["s"]["memory"] for row in rows if row["m"]["id"] == "mara-home"}
    assert home == {"Mara lives in Porto."}
    assert "d31" not in {row["m"]["id"] for row in rows}


def test_what_superseded_what(demo: tuple[neo4j.Driver, dict[str, Any]]) -> None:
    driver, parameters = demo
    (row,) = driver.execute_query(query("07_superseded.cypher"), parameters).records
    assert (row["since"].iso_format(), row["reason"], row["state"]) == ("2025-06-07", "she moved", "known")
