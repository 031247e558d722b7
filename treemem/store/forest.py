"""Whether edges to come make PARENT a forest: each memory has one parent at most, and is never its own ancestor."""

from __future__ import annotations


class Forest:
    """PARENT edges, taken one after the other. Each costs next to nothing, however deep the trees are."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._above: dict[str, str] = {}  # towards the root, by way of any ancestor

    def refuses(self, parent: str, child: str) -> str | None:
        """Take an edge and return None, or return why it cannot be taken beside the ones before."""
        there = self._parents.get(child)
        if there == parent:
            return None
        if there is not None:
            return f"{child!r} has two parents, {there!r} and {parent!r}"
        root = self._root(parent)
        if root == child:
            return f"{child!r} is its own ancestor by PARENT"
        self._parents[child] = parent
        self._above[child] = root
        return None

    def _root(self, node: str) -> str:
        way = []
        while node in self._above:
            way.append(node)
            node = self._above[node]
        for each in way:  # the next one that asks is there at once
            self._above[each] = node
        return node
