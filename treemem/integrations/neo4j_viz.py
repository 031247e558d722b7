"""Pictures of memories, edges and histories by neo4j-viz (extra `viz`), in notebooks and as pages of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from treemem.graphs import MemoryGraph
from treemem.integrations.keeping import missing
from treemem.records import MemoryVersion
from treemem.text import caption

try:
    from neo4j_viz import Node, Relationship, VisualizationGraph
except ImportError as error:
    raise missing("neo4j-viz", "viz", error) from error

#: The colors of what is drawn: memories, names, and versions that were taken back.
MEMORY, NAME, FORMER = "#4c78a8", "#f2b134", "#bab0ac"


def picture(graph: MemoryGraph) -> VisualizationGraph:
    """Return a picture of a graph of memories: `picture(memory.subgraph(id)).render()`.

    Memories are drawn with the beginning of their text and names smaller; an edge has its type. A click shows the
    text, the times, and what an edge says of itself.
    """
    nodes = [
        Node(
            id=f"memory {memory_id}",
            caption=caption(item.metadata.key or item.memory),
            color=MEMORY,
            size=20,
            properties={
                "id": memory_id,
                "memory": item.memory,
                "memory_type": item.metadata.memory_type,
                "valid_from": str(item.metadata.valid_from),
                "valid_to": str(item.metadata.valid_to),
            },
        )
        for memory_id, item in graph.memories.items()
    ]
    nodes += [
        Node(id=f"entity {entity_id}", caption=caption(name), color=NAME, size=12, properties={"name": name})
        for entity_id, name in graph.entities.items()
    ]
    drawn = {node.id for node in nodes}
    ends = [(edge, f"memory {edge.source}", f"{edge.target_kind} {edge.target}") for edge in graph.edges]
    edges = [
        Relationship(
            source=source,
            target=target,
            caption=edge.type,
            properties={"weight": edge.weight, "confidence": edge.confidence, **edge.properties},
        )
        for edge, source, target in ends
        if source in drawn and target in drawn
    ]
    return VisualizationGraph(nodes=nodes, relationships=edges)


def picture_of_history(versions: Sequence[MemoryVersion]) -> VisualizationGraph:
    """Return a picture of what a memory said over time: `picture_of_history(memory.history(id)).render()`.

    A node is a version with what it said from when until when; one that is no longer held for true is grey. An arrow
    leads to the next version and says which operation made it, and why.
    """
    order = sorted(versions, key=lambda each: each.version)
    nodes = [
        Node(
            id=each.version,
            caption=caption(each.item.memory),
            color=MEMORY if each.recorded_to is None else FORMER,
            size=20,
            properties={
                "memory": each.item.memory,
                "status": each.item.metadata.status,
                "valid_from": str(each.valid_from),
                "valid_to": str(each.valid_to),
                "recorded_from": str(each.recorded_from),
                "recorded_to": str(each.recorded_to),
            },
        )
        for each in order
    ]
    arrows = [
        Relationship(
            source=before.version,
            target=after.version,
            caption=after.opened_by.kind,
            properties={
                "actor": str(after.opened_by.actor),
                "reason": str(after.opened_by.reason),
                "recorded_at": str(after.opened_by.recorded_at),
            },
        )
        for before, after in pairwise(order)
    ]
    return VisualizationGraph(nodes=nodes, relationships=arrows)
