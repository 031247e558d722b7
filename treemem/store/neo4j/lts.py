"""Neo4j 5.26 LTS: the same statements in its words.

It has no SEARCH clause, no filters in a vector index and no vectors as parameters. Seeds of the vector arm are exact,
therefore: every state of the cube is compared, in some 10 microseconds. Those of the text arm come from the procedure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from neo4j.vector import Vector

#: The oldest version that runs the statements.
OLDEST = (5, 26)
_VECTOR = re.compile(
    r"MATCH \(s:State\) SEARCH s IN \(VECTOR INDEX \w+ FOR \$vector\s+WHERE (.*?)\s+LIMIT (\$\w+)\) SCORE AS score",
    re.DOTALL,
)
_TEXT = re.compile(
    r"MATCH \(s:State\) SEARCH s IN \(FULLTEXT INDEX (\w+) FOR query LIMIT (\$\w+)\) SCORE AS score", re.DOTALL
)


@lru_cache(maxsize=512)
def text(statement: str) -> str:
    """Return a statement as 5.26 understands it."""
    statement = statement.removeprefix("CYPHER 25").lstrip()
    statement = _VECTOR.sub(
        r"MATCH (s:State) WHERE \1 AND size(s.embedding) = size($vector)\n"
        r"WITH s, vector.similarity.cosine(s.embedding, $vector) AS score ORDER BY score DESC, s.id LIMIT \2\n"
        r"WITH s, score",
        statement,
    )
    return _TEXT.sub(
        r"CALL db.index.fulltext.queryNodes('\1', query, {limit: \2}) YIELD node AS s, score\nWITH s, score, t, k, u",
        statement,
    )


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with every vector, alone or in a row, as a list of numbers."""
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Vector):
        return value.to_native()
    if isinstance(value, list) and value and isinstance(value[0], dict) and "embedding" in value[0]:
        return [row | {"embedding": _plain(row["embedding"])} for row in value]
    return value
