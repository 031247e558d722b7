"""Every Cypher statement uses an index: no scan of all nodes, no label scan, no Cartesian product."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import pytest
from neo4j.vector import Vector

from tests.conftest import started_server
from tests.helpers import HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from treemem import TreeTextMemory
from treemem.changes import NodeKind
from treemem.filters import parse, split
from treemem.store.neo4j import filtering
from treemem.store.neo4j.statements import CYPHER, LABELS, Statement

pytestmark = pytest.mark.neo4j

NAMES = CYPHER.names()
FORBIDDEN = ("AllNodesScan", "NodeByLabelScan", "CartesianProduct", "AllRelationshipsScan", "RelationshipTypeScan")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMETERS: dict[str, Any] = {
    "cube": "plans",
    "now": NOW,
    "operation": "o",
    "embedder": "e",
    "dimension": 48,
    "ids": ["a"],
    "known_at": None,
    "valid_at": None,
    "statuses": ["activated"],
    "vectors": False,
    "keys": [["a", 1]],
    "pairs": [["CAUSES", "a", "b"]],
    "end": NOW,
    "at": NOW,
    "rows": [],
    "parents": [],
    "properties": {},
    "entities": [],
    "sources": [],
    "after": "",
    "limit": 10,
    "types": None,
    "outward": True,
    "inward": True,
    "vector": None,
    "vector_limit": 20,
    "text": None,
    "text_limit": 20,
    "text_statuses": "s",
    "scope": "c",
    "entity_ids": [],
    "hops": 2,
    "walk_seeds": 10,
    "vector_breadth": 50,
    "text_breadth": 20,
    "fan_out": 25,
    "hub_degree": 200,
    "hop_edges": 400,
    "edge_types": ["CAUSES"],
    "listed_types": True,
    "since": NOW,
    "until": NOW,
    "latest": NOW,
    "read_at": NOW,
    "parts": False,
    "batch": None,
    "part_of": "p",
    "reason": None,
    "actor": None,
    "holder": "h",
    "expires": NOW,
    "fence": 1,
    "clock": NOW,
    "operations": [],
    "ends": ["a"],
    "logs": [],
    "tombstones": [],
    "passage_vector": 0.075,
    "passage_text": 0.75,
    "passage_breadth": 80,
    "passage_statuses": "p",
    "kinds": ["reorganize"],
    "before": NOW,
    "machine": NOW,
    "machine_latest": NOW,
    "state": "waiting",
    "owner": "user:ann",
    "id": "a",
    "day": 1,
    "tokens": 1,
    "cost": 1.0,
}


@pytest.fixture(scope="module")
def driver(neo4j_uri: str) -> Iterator[neo4j.Driver]:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("plans"), embedder=HashEmbedder()) as memory:
        memory.add([f"note {i} on Anna" for i in range(300)])
    with plain_driver(neo4j_uri, notifications_min_severity="OFF") as found:
        yield found


def operators(plan: dict[str, Any]) -> list[str]:
    """The operators of a plan; a product of two unique seeks is one row by one row, and no Cartesian product."""
    name = plan["operatorType"].split("@")[0]
    children = plan.get("children", [])
    if name == "CartesianProduct" and all(c["operatorType"].startswith("NodeUniqueIndexSeek") for c in children):
        name = "PairOfSeeks"
    return [name, *(operator for child in children for operator in operators(child))]


def filled(name: str, values: Mapping[str, str] | None = None) -> str:
    """A statement without a filter, for the memories at the ends of edges, where nothing else is given."""
    none = {place: LABELS[NodeKind.MEMORY] if place == "TARGET" else "" for place in CYPHER.places(name)}
    return Statement(name, none | dict(values or {})).text()


def explain(driver: neo4j.Driver, text: str, given: dict[str, Any] | None = None) -> list[str]:
    prefix, _, rest = text.partition("CYPHER 25\n")
    text = f"CYPHER 25 EXPLAIN\n{rest}" if not prefix.strip() and rest else f"EXPLAIN {text}"
    parameters = PARAMETERS | {"vector": Vector.from_numpy(np.ones(48, dtype=np.float32))} | (given or {})
    summary = driver.execute_query(text, given=parameters).summary
    assert summary.plan is not None
    return operators(summary.plan)


@pytest.mark.parametrize("name", NAMES)
def test_statement_is_index_backed(driver: neo4j.Driver, name: str) -> None:
    for target in LABELS.values() if "TARGET" in CYPHER.places(name) else [None]:
        found = explain(driver, filled(name, target and {"TARGET": target}))
        assert not set(found) & set(FORBIDDEN), f"{name}: {found}"
        assert any("Index" in operator or operator == "MergeUniqueNode" for operator in found), f"{name}: {found}"


def test_filtered_statements_are_index_backed(driver: neo4j.Driver) -> None:
    tree = parse(
        {
            "or": [{"tags": {"contains": "x"}}, {"not": {"info.n": {"gt": 3}}}, {"key": {"like": "a%"}}],
            "memory_type": "LongTermMemory",
            "update_time": {"gte": "2025-01-01"},
        }
    )
    in_index, rest, given = filtering.compiled(*split(tree))
    passing = {"FILTER": in_index + rest}
    for text in (filled("recall", passing | {"IN_INDEX": in_index}), filled("exact_seeds", passing)):
        found = explain(driver, text, given)
        assert not set(found) & set(FORBIDDEN), f"{text}: {found}"
    text, given = filtering.predicate(tree)
    found = explain(driver, filled("page", {"FILTER": text}), given)
    assert not set(found) & set(FORBIDDEN), found


def test_search_uses_the_vector_and_the_text_index(driver: neo4j.Driver) -> None:
    found = " ".join(explain(driver, filled("recall")))
    assert "NodeVectorIndexSearch" in found or "VectorIndex" in found
    assert "Fulltext" in found or "FullText" in found


def compiled(driver: neo4j.Driver) -> int:
    """How many statements the server compiled since this was asked last; it forgets them."""
    (told,) = driver.execute_query("CALL db.clearQueryCaches() YIELD value").records[0].values()
    return int(re.search(r"\d+", told)[0])


@pytest.fixture
def own_uri(tmp_path: Path) -> Iterator[str]:
    """A server that nobody else asks anything."""
    yield from started_server(tmp_path)


def test_a_statement_is_compiled_once_whatever_is_asked(own_uri: str) -> None:
    """Neither the length of a text or a list nor a value that is left out makes another statement of it."""
    with (
        TreeTextMemory.open(own_uri, embedder=HashEmbedder(), record_usage=False) as memory,
        plain_driver(own_uri, notifications_min_severity="OFF") as driver,
    ):

        def ask(n: int) -> None:
            memory.add({"id": f"note-{n}", "memory": "Anna " * n}, entities=[f"Name {i}" for i in range(n)])
            memory.search("Where is Anna? " * n, memory_types=["LongTermMemory"] * n)
            memory.get_by_ids([f"note-{i}" for i in range(n)])
            memory.update(f"note-{n}", "Ben " * n)

        ask(3)
        compiled(driver)
        ask(2)
        once = compiled(driver)
        ask(1)
        ask(11)
        assert 0 < compiled(driver) <= once


def test_the_comparison_catches_a_scan(driver: neo4j.Driver) -> None:
    assert set(explain(driver, "MATCH (n:State) WHERE n.memory = 'x' RETURN n")) & set(FORBIDDEN)


def test_every_statement_is_used_and_commented() -> None:
    code = "\n".join(p.read_text() for p in (Path(__file__).parents[1] / "treemem/store/neo4j").glob("*.py"))
    for name in NAMES:
        assert CYPHER.source(name).startswith("// "), name
        assert f'"{name}"' in code, f"{name} is not used"
