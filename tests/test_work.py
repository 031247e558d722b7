"""No verb takes a quarter more work than it did: calls, steps of SQLite and database hits are counted, not seconds."""

from __future__ import annotations

import pytest

from benchmarks.work import embedded, grown, on_neo4j, recorded
from tests.neo4j_server import LTS


def test_a_count_that_grew_by_more_than_a_quarter_is_named() -> None:
    assert grown({"a": 12.0, "b": 13.0, "c": 1.0}, {"a": 10.0, "b": 10.0}) == [
        "b: 13.00, recorded 10.00",
        "c: 1.00, recorded 0.00",
    ]


def test_the_embedded_store_does_no_more_work() -> None:
    assert grown(embedded(), recorded()["embedded"]) == []


@pytest.mark.neo4j
@pytest.mark.skipif(LTS, reason="counted on the newest server")
def test_neo4j_does_no_more_work(neo4j_uri: str) -> None:
    found = on_neo4j(neo4j_uri)
    assert found["statements of a single add"] == 1
    assert grown(found, recorded()["neo4j"]) == []
