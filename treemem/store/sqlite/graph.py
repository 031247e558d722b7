"""What walks through a cube's graph have read: nodes, and the fan of a node, which is every edge it ever had.

Nodes never change. Edges have their times with them, so that a fan serves every moment; one is forgotten when an edge
of it is opened or closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from treemem.changes import Entity, NodeKind
from treemem.store.protocol import WalkedEdge


class NodeRow(NamedTuple):
    """A node of the graph; `entity` where it is one."""

    kind: NodeKind
    id: str
    entity: Entity | None


class EdgeRow(NamedTuple):
    """An edge of the graph between two nodes, given by number, with its times in microseconds."""

    num: int
    type: str
    src: int
    dst: int
    weight: float
    tiebreak: int
    confidence: float
    valid_from: int
    valid_to: int
    recorded_from: int
    recorded_to: int


class Graph:
    """Nodes, edges as walks return them, and fans, strongest edge first; all by number."""

    def __init__(self) -> None:
        self.nodes: dict[int, NodeRow] = {}
        self.walked: dict[int, WalkedEdge] = {}
        self._fans: dict[int, list[EdgeRow]] = {}

    @property
    def nbytes(self) -> int:
        """An estimate of the memory held, in bytes."""
        return 300 * (len(self.nodes) + len(self.walked)) + 400 * len(self._fans)

    @property
    def has_fans(self) -> bool:
        """Whether any fan is kept."""
        return bool(self._fans)

    def fans(self, nodes: Iterable[int]) -> dict[int, list[EdgeRow]]:
        """Return the fans of those nodes of which they are kept."""
        known = self._fans
        return {node: known[node] for node in nodes if node in known}

    def keep(self, fans: Mapping[int, list[EdgeRow]]) -> None:
        """Keep fans; call with the index locked."""
        self._fans.update(fans)

    def forget(self, nodes: Iterable[int]) -> None:
        """Forget the fans of nodes; call with the index locked."""
        for node in nodes:
            self._fans.pop(node, None)
