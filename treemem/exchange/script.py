"""A cube as a Cypher script, which makes the same graph in an empty Neo4j: in Browser, cypher-shell or by a driver.

Every statement ends with a semicolon at the end of a line, and no other line does: texts have no line breaks, those
in them are written as escapes. Values are literals, so that the script needs no parameters; no text of a user stands in
it but as a quoted literal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, Any

import numpy as np

from treemem.exchange.placing import Placed, placed
from treemem.exchange.records import Row
from treemem.store.neo4j.layout import Node, Relationship
from treemem.store.neo4j.statements import migrations
from treemem.store.protocol import CubeInfo

#: How many nodes, or relationships, one statement makes. Planning takes some 5 ms for each row with a vector.
ROWS = 50
_ESCAPES = {ord("\\"): "\\\\", ord("'"): "\\'", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"} | {
    code: f"\\u{code:04x}" for code in (*range(9), 11, 12, *range(14, 32), 127, 0x85, 0x2028, 0x2029)
}
#: How a relationship finds its ends: the keys of each label that has an index.
_KEYS = {
    "Memory": ("id",),
    "Entity": ("id",),
    "Source": ("id",),
    "State": ("id", "version"),
    "Passage": ("id", "version", "number"),
}


def write(file: IO[bytes], info: CubeInfo, rows: Iterable[tuple[str, Row]]) -> None:
    """Write the rows of a cube as a script."""
    for line in _lines(info, rows):
        file.write(line.encode() + b"\n")


def _lines(info: CubeInfo, rows: Iterable[tuple[str, Row]]) -> Iterator[str]:
    yield f"// Cube {literal(info.id)} of treemem, for an empty database."
    yield "// treemem makes the indexes of its searches when it opens the database for the first time."
    _, keys = migrations()[0]
    for statement in keys:
        yield f"{' '.join(statement.split())};"
    for (kind, name), some in _runs(placed(info, rows)):
        yield _nodes(name, some) if kind == "node" else _relationships(info.id, some)


def _runs(parts: Iterable[Placed]) -> Iterator[tuple[tuple[str, Any], list[Any]]]:
    """Yield what one statement makes: nodes of a label, or relationships of a type between two labels.

    Those of a kind are gathered while others come between them; nodes before what ends at them.
    """
    kinds: dict[tuple[str, Any], list[Any]] = {}
    for part in parts:
        kind = _kind(part)
        kinds.setdefault(kind, []).append(part)
        if len(kinds[kind]) == ROWS:
            if kind[0] != "node":
                yield from _nodes_first(kinds)
            yield kind, kinds.pop(kind)
    yield from _nodes_first(kinds)
    yield from kinds.items()


def _kind(part: Placed) -> tuple[str, Any]:
    if isinstance(part, Node):
        return "node", part.label
    return "relationship", (part.type, part.start[0], part.end[0])


def _nodes_first(kinds: dict[tuple[str, Any], list[Any]]) -> Iterator[tuple[tuple[str, Any], list[Any]]]:
    for kind in [kind for kind in kinds if kind[0] == "node"]:
        yield kind, kinds.pop(kind)


def _nodes(label: str, nodes: list[Node]) -> str:
    rows = []
    for node in nodes:
        own = {name: value for name, value in node.properties.items() if name != "embedding"}
        vector = node.properties.get("embedding")
        rows.append(f"[{literal(own)}, {'null' if vector is None else literal(vector)}]")
    made = f"UNWIND [{', '.join(rows)}] AS row CREATE (n:{label}) SET n = row[0]"
    if all("embedding" not in node.properties for node in nodes):
        return made + ";"
    with_vector = " WITH n, row[1] AS vector WHERE vector IS NOT NULL"
    return f"{made}{with_vector} CALL db.create.setNodeVectorProperty(n, 'embedding', vector);"


def _relationships(cube: str, some: list[Relationship]) -> str:
    first = some[0]
    rows = [f"[{_key(each.start)}, {_key(each.end)}, {literal(each.properties)}]" for each in some]
    start, end = _match(cube, "a", first.start[0], 0), _match(cube, "b", first.end[0], 1)
    made = f"MATCH {start} MATCH {end} CREATE (a)-[r:`{first.type}`]->(b) SET r = row[2]"
    return f"UNWIND [{', '.join(rows)}] AS row {made};"


def _key(end: tuple[str, str]) -> str:
    """Return the values by which an end is found, as a list."""
    label, key = end
    parts = key.rsplit("/", len(_KEYS[label]) - 1)
    return literal([parts[0], *map(int, parts[1:])])


def _match(cube: str, name: str, label: str, place: int) -> str:
    keys = [f"cube_id: {literal(cube)}", *(f"{key}: row[{place}][{n}]" for n, key in enumerate(_KEYS[label]))]
    return f"({name}:{label} {{{', '.join(keys)}}})"


def literal(value: Any) -> str:
    """Return a value as Cypher spells it: null, a boolean, a number, a text, a time, a vector, a list or a map."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return f"'{value.translate(_ESCAPES)}'"
    if isinstance(value, datetime):
        return f"datetime('{value.isoformat(timespec='microseconds').removesuffix('+00:00')}Z')"
    if isinstance(value, np.ndarray):
        return "[" + ", ".join(["%.9g"] * len(value)) % tuple(value.tolist()) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return "{" + ", ".join(f"`{name}`: {literal(each)}" for name, each in value.items()) + "}"
