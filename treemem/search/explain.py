"""The account of one search: what each stage did and took, and the graph that was walked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from treemem.search.options import SearchOptions
from treemem.search.when import TimeReading
from treemem.store.protocol import ENTITY, MEMORY, Subgraph
from treemem.text import caption

if TYPE_CHECKING:
    import networkx

    from treemem.search.results import SearchHit


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a search: its seconds, and how much of what it handled."""

    name: str
    seconds: float
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a search came to its hits; print it to read it, `graph()` draws it.

    `subgraph` is what the store found: the seeds of both arms, the entities named and reached, the edges walked.
    Where items were found beside words, words were searched again without items: the graph is that of this search, and
    the stages of the first come before its own ("read with items").
    """

    question: str
    when: TimeReading
    options: SearchOptions
    stages: tuple[Stage, ...]
    subgraph: Subgraph
    hits: tuple[SearchHit, ...] = ()

    def with_stage(self, stage: Stage) -> Explanation:
        """Return the account with a stage before the others."""
        return replace(self, stages=(stage, *self.stages))

    def finished(self, stages: Sequence[Stage], hits: tuple[SearchHit, ...]) -> Explanation:
        """Return the account with stages after the others, and the hits that are left."""
        return replace(self, stages=(*self.stages, *stages), hits=hits)

    def graph(self) -> networkx.MultiDiGraph:
        """Return the walked graph: nodes with `kind`, `label`, `seed` (its arms, with blanks between) and, of hits,
        `score`; edges with `type` and `weight`. Every writer of networkx takes it.
        """
        import networkx

        graph: networkx.MultiDiGraph = networkx.MultiDiGraph()
        texts = {hit.id: hit for hit in self.hits}
        arms: dict[str, list[str]] = {}
        for seed in self.subgraph.seeds:
            arms.setdefault(seed.memory_id, []).append(seed.arm)
        for memory_id in self.subgraph.versions:
            hit = texts.get(memory_id)
            label = memory_id if hit is None else caption(hit.memory)
            score = {} if hit is None else {"score": float(hit.score)}
            found_by = " ".join(arms.get(memory_id, ()))
            graph.add_node(MEMORY + memory_id, kind="memory", label=label, seed=found_by, **score)
        for entity in (*self.subgraph.entities, *self.subgraph.walked_entities):
            graph.add_node(ENTITY + entity.id, kind="entity", label=entity.name, seed="")
        for edge in self.subgraph.edges:
            graph.add_edge(edge.source, edge.target, type=edge.type.value, weight=edge.weight)
        return graph

    def plain(self) -> dict[str, Any]:
        """Return the account as JSON-able data, without the subgraph's rows."""
        return {
            "question": self.question,
            "when": str(self.when),
            "stages": [{"name": s.name, "seconds": s.seconds, **s.sizes} for s in self.stages],
            "hits": [
                {"id": hit.id, "score": hit.score, "arms": dict(hit.arms), "path": [str(step) for step in hit.path]}
                for hit in self.hits
            ],
        }

    def __str__(self) -> str:
        lines = [f"{self.question!r}, time: {self.when}"]
        width = max([8, *(len(stage.name) for stage in self.stages)])
        for stage in self.stages:
            sizes = ", ".join(f"{count} {name}" for name, count in stage.sizes.items())
            lines.append(f"  {stage.name:<{width}} {1_000 * stage.seconds:8.1f} ms  {sizes}")
        for place, hit in enumerate(self.hits, 1):
            arms = ", ".join(f"{arm} {rank}" for arm, rank in hit.arms.items())
            way = " ".join(map(str, hit.path)) or f"seed ({arms})"
            lines.append(f"  {place:>2}. {hit.score:.2f} {caption(hit.memory)}\n      {way}")
        return "\n".join(lines)
