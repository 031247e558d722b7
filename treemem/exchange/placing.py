"""The rows of a cube as the nodes and relationships of a Neo4j database, each end before what ends at it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import cast

from treemem.canonical import Vector
from treemem.changes import Edge, State
from treemem.exchange.records import Row
from treemem.store.neo4j import layout
from treemem.store.neo4j.layout import Node, Relationship
from treemem.store.neo4j.rows import former, kinds
from treemem.store.protocol import CubeInfo, Tombstone, Used

Placed = Node | Relationship


def numbers(vector: Vector, between: str) -> str:
    """Return a vector as text: nine digits a number tell every float of four bytes from the next."""
    return between.join(["%.9g"] * len(vector)) % tuple(vector.tolist())


def instant(time: datetime) -> str:
    """Return a time in UTC as text, as Cypher and neo4j-admin read it."""
    return f"{time.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def placed(info: CubeInfo, rows: Iterable[tuple[str, Row]]) -> Iterator[Placed]:
    """Yield what `rows`, those of `rows_at`, are in a database; the node of the cube itself last."""
    cube = info.id
    beside = (row for kind, row in rows if kind != "usage")  # what is counted beside the graph begins anew there
    for is_state, some in itertools.groupby(beside, lambda row: isinstance(row, State)):
        if is_state:
            yield from _states(cube, cast("Iterator[State]", some))
        else:
            yield from _others(cube, some)
    yield layout.cube_node(info)


def _states(cube: str, states: Iterator[State]) -> Iterator[Placed]:
    """Yield the states of memories with their passages, each memory behind its last state, which it shows."""
    for memory_id, versions in itertools.groupby(states, lambda state: state.memory_id):
        beneath: list[Relationship] = []
        holds = False
        for state in versions:
            holds = holds or not former(state)
            node = layout.state_node(cube, state)
            yield node
            beneath.append(Relationship("STATE_OF", (node.label, node.key), ("Memory", memory_id), {}))
            for passage in layout.passage_nodes(cube, state):
                yield passage
                beneath.append(Relationship("PASSAGE_OF", (passage.label, passage.key), (node.label, node.key), {}))
        yield layout.memory_node(cube, state, kinds(state, holds=holds))
        yield from beneath


def _others(cube: str, rows: Iterable[Row]) -> Iterator[Placed]:
    for row in rows:
        if isinstance(row, Edge):
            yield layout.relationship(row)
        elif isinstance(row, Tombstone):
            yield layout.tombstone_node(cube, row.id, row.purged_at, row.reason)
        elif not isinstance(row, (State, Used)):
            yield layout.node_of(cube, row)
