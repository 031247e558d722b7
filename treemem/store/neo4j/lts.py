"""Neo4j 5.26 LTS: what of it is not in the statements, whose words for it lie in `cypher/lts/`.

It has no SEARCH clause, no tests inside a vector index and no vectors as parameters. The vector arm of a search is
exact there, therefore: every state of the cube is compared, in some 10 microseconds. The text arm asks a procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neo4j.vector import Vector

#: The oldest version that runs the statements.
OLDEST = (5, 26)


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with every vector, alone or in a row, as a list of numbers."""
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Vector):
        return value.to_native()
    if isinstance(value, list) and value and isinstance(value[0], dict) and "embedding" in value[0]:
        return [row | {"embedding": _plain(row["embedding"])} for row in value]
    return value
