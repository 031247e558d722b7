"""What is particular to Neo4j 5.26 LTS; the conformance suite runs on it in `.ci/lts`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from neo4j.vector import Vector

from tests.neo4j_server import LTS, driver
from tests.test_plans import PARAMETERS
from treemem import SchemaError
from treemem.store.neo4j import lts, schema
from treemem.store.neo4j.statements import CYPHER, LABELS, Statement, migrations


@pytest.mark.parametrize("name", CYPHER.names())
def test_no_statement_keeps_newer_words(name: str) -> None:
    text = Statement(name, dict.fromkeys(CYPHER.places(name), "")).text(lts=True)
    assert "SEARCH" not in text
    assert "CYPHER 25" not in text


@pytest.mark.neo4j
@pytest.mark.skipif(not LTS, reason="for Neo4j 5.26 LTS, as .ci/lts starts it")
def test_every_statement_is_understood(neo4j_uri: str) -> None:
    given = lts.parameters({**PARAMETERS, "vector": Vector.from_numpy(np.ones(48, dtype=np.float32))})
    with driver(neo4j_uri, notifications_min_severity="OFF") as plain:
        for name in CYPHER.names():
            places = CYPHER.places(name)
            for label in LABELS.values() if "TARGET" in places else [""]:
                text = Statement(name, {place: label if place == "TARGET" else "" for place in places}).text(lts=True)
                assert plain.execute_query(f"EXPLAIN {text}", given=given).summary.plan is not None, name


def test_every_file_for_5_26_takes_the_place_of_another_one_that_says_something_else() -> None:
    for kind in ("fragments", "schema"):
        for name in CYPHER.names(f"lts/{kind}"):
            assert CYPHER.script(kind, name, "lts") != CYPHER.script(kind, name), f"lts/{kind}/{name}"


def test_the_schema_of_5_26_has_no_vector_index_and_everything_else() -> None:
    older, newer = dict(migrations(lts=True)), dict(migrations())
    assert older.keys() == newer.keys()
    left_out = [text for name in newer for text in newer[name] if text not in older[name]]
    assert ["VECTOR INDEX" in text for text in left_out] == [True, True]


def test_vectors_become_lists() -> None:
    vector = Vector.from_numpy(np.array([1.0, 2.0], dtype=np.float32))
    plain = lts.parameters({"vector": vector, "rows": [{"id": "a", "embedding": vector}], "other": [1]})
    assert plain == {"vector": [1.0, 2.0], "rows": [{"id": "a", "embedding": [1.0, 2.0]}], "other": [1]}


class Old:
    """Stands for a server that says how old it is."""

    uri = "bolt://old"
    lts = False

    def __init__(self, version: str) -> None:
        self.version = version

    def look(self, text: str, **_: Any) -> list[dict[str, Any]]:
        return [{"name": "Neo4j Kernel", "version": self.version}] if "components" in text else []


@pytest.mark.parametrize("version", ["4.4.40", "5.18.1", "5.25.0"])
def test_servers_too_old_are_refused(version: str) -> None:
    with pytest.raises(SchemaError, match=f"runs Neo4j {version}; treemem needs 5.26 LTS or 2026.02 or newer"):
        schema.migrate(Old(version))  # type: ignore[arg-type]
