"""What is particular to Neo4j 5.26 LTS; the conformance suite runs on it in `.ci/lts`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from neo4j.vector import Vector

from treemem import SchemaError
from treemem.changes import NodeKind
from treemem.store.neo4j import lts, schema
from treemem.store.neo4j.statements import folder, statement

NAMES = sorted(p.name.removesuffix(".cypher") for p in (folder() / "statements").iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_no_statement_keeps_newer_words(name: str) -> None:
    text = lts.text(statement(name, target=NodeKind.MEMORY))
    assert "SEARCH" not in text
    assert "CYPHER 25" not in text


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
