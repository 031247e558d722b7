"""A cube as a Cypher script, which makes the same graph in an empty Neo4j: in Browser, cypher-shell or by a driver.

Every statement ends with a semicolon at the end of a line, and no other line does: texts have no line breaks, those
in them are written as escapes. Values are literals, so that the script needs no parameters; no text of a user stands in
it but as a quoted literal. The node of the cube comes last: a script that was cut off leaves no cube.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, NamedTuple

import numpy as np

from treemem.exchange.placing import Placed, instant, numbers, placed
from treemem.exchange.records import Row
from treemem.store.neo4j.layout import Node
from treemem.store.neo4j.statements import migrations
from treemem.store.protocol import CubeInfo

#: How many rows, and characters of them, one statement has at most, but for one row that is longer. The server plans
#: each statement anew.
ROWS, CHARACTERS = 50, 1_000_000
_ESCAPES = {ord("\\"): "\\\\", ord("'"): "\\'", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"} | {
    code: f"\\u{code:04x}" for code in (*range(9), 11, 12, *range(14, 32), 127, 0x85, 0x2028, 0x2029)
}
#: By which properties, beside that of the cube, an end of a relationship is found.
_FOUND_BY = {"Memory": ("id",), "Entity": ("id",), "Source": ("id",), "State": ("id", "version")}
_WITH_VECTORS = ("State", "Passage")
_WITH_LABELS = ("Memory", "State")


class _Kind(NamedTuple):
    """What one statement makes: nodes of a label, or with both `ends` relationships of a type between two labels."""

    name: str
    ends: tuple[str, str] | None = None

    @property
    def needs_nodes(self) -> bool:
        """Whether it joins nodes that other statements make, or comes last, as the cube does."""
        return self.ends is not None or self.name in ("Passage", "Cube")


@dataclass(slots=True)
class _Rows:
    """Rows of one statement, as they are written."""

    texts: list[str] = field(default_factory=list)
    size: int = 0

    def fits(self, row: str) -> bool:
        return not self.texts or (len(self.texts) < ROWS and self.size + len(row) <= CHARACTERS)

    def add(self, row: str) -> None:
        self.texts.append(row)
        self.size += len(row)


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
    waiting: dict[_Kind, _Rows] = {}
    for part in placed(info, rows):
        kind, row = _row(part)
        if kind is None:
            continue
        if kind in waiting and not waiting[kind].fits(row):
            yield from _written(info.id, waiting, kind)
        waiting.setdefault(kind, _Rows()).add(row)
    for kind in sorted(waiting, key=lambda kind: (kind.needs_nodes, kind.name == "Cube")):
        yield from _written(info.id, waiting, kind)


def _written(cube: str, waiting: dict[_Kind, _Rows], kind: _Kind) -> Iterator[str]:
    """Take the rows of a kind out, with all nodes before what may end at them."""
    nodes = [each for each in waiting if not each.needs_nodes and each != kind] if kind.needs_nodes else []
    for each in (*nodes, kind):
        if each in waiting:
            yield f"UNWIND [{', '.join(waiting.pop(each).texts)}] AS row {_made(cube, each)};"


def _row(part: Placed) -> tuple[_Kind | None, str]:
    """Return what makes a part, and its row; None for what its node is made with."""
    if isinstance(part, Node):
        own = {name: value for name, value in part.properties.items() if name != "embedding"}
        values: list[Any] = [own]
        if part.label in _WITH_LABELS:
            values.append(list(part.beside))
        if part.label in _WITH_VECTORS:
            values.append(part.properties.get("embedding"))
        return _Kind(part.label), literal(values)
    if part.type == "PASSAGE_OF":
        return None, ""
    kind = _Kind(part.type, (part.start[0], part.end[0]))
    return kind, f"[{_key(part.start)}, {_key(part.end)}, {literal(part.properties)}]"


def _made(cube: str, kind: _Kind) -> str:
    """Return what makes nodes or relationships of rows."""
    if kind.ends is not None:
        start, end = (_match(cube, "ab"[n], label, f"row[{n}]") for n, label in enumerate(kind.ends))
        return f"MATCH {start} MATCH {end} CREATE (a)-[r:`{kind.name}`]->(b) SET r = row[2]"
    made = f"CREATE (n:{kind.name}) SET n = row[0]"
    if kind.name == "Passage":
        state = f"(s:State {{cube_id: {literal(cube)}, id: row[0].id, version: row[0].version}})"
        made = f"MATCH {state} CREATE (s)<-[:PASSAGE_OF]-(n:Passage) SET n = row[0]"
    if kind.name in _WITH_LABELS:
        made += " SET n:$(row[1])"
    if kind.name in _WITH_VECTORS:
        made += (
            " WITH n, row[-1] AS vector WHERE vector IS NOT NULL"
            " CALL db.create.setNodeVectorProperty(n, 'embedding', vector)"
        )
    return made


def _key(end: tuple[str, str]) -> str:
    """Return the values by which an end is found, as a list."""
    label, key = end
    parts = key.rsplit("/", len(_FOUND_BY[label]) - 1)
    return literal([parts[0], *map(int, parts[1:])])


def _match(cube: str, name: str, label: str, row: str) -> str:
    keys = [f"cube_id: {literal(cube)}", *(f"{key}: {row}[{n}]" for n, key in enumerate(_FOUND_BY[label]))]
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
        return f"datetime('{instant(value)}')"
    if isinstance(value, np.ndarray):
        return f"[{numbers(value, ', ')}]"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return "{" + ", ".join(f"`{name}`: {literal(each)}" for name, each in value.items()) + "}"
