"""A cube as a networkx graph. `foreign` is the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from treemem.context import Context
from treemem.exchange.flattening import flat as flattened
from treemem.exchange.memos import OURS
from treemem.graphs import node_name
from treemem.read.getting import get_all
from treemem.temporal import TimeLike
from treemem.text import caption

if TYPE_CHECKING:
    import networkx

_OF_THE_STORE = ("embedding", "version", "recorded_from", "recorded_to", "updated_at")


def to_networkx(
    ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None, flat: bool
) -> networkx.MultiDiGraph[str]:
    """See `TreeTextMemory.to_networkx`."""
    import networkx as nx

    plain = get_all(ctx, as_of, known_at, vectors=False)
    graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph(**{OURS: 1}, cube=ctx.cube)
    memories = {node["id"] for node in plain["nodes"]}
    named = sorted({e["target"] for e in plain["edges"] if e["target_kind"] == "entity"})
    for entity in ctx.store.entities(ctx.cube, named) if named else ():
        graph.add_node(
            node_name("entity", entity.id, memories),
            kind="entity",
            label=entity.name,
            name=entity.name,
            type=entity.kind,
        )
    taken = memories | set(named)
    for edge in plain["edges"]:
        if edge["target_kind"] == "source":
            graph.add_node(node_name("source", edge["target"], taken), kind="source", label=edge["target"])
    for node in plain["nodes"]:
        metadata = node["metadata"]
        fields = {n: v for n, v in metadata.items() if n not in _OF_THE_STORE and v not in (None, [], {})}
        label = caption(metadata.get("key") or node["memory"])
        graph.add_node(node["id"], **{**fields, "kind": "memory", "label": label, "memory": node["memory"]})
    for edge in plain["edges"]:
        said = {n: v for n, v in edge.items() if n not in ("source", "target", "target_kind") and v not in (None, {})}
        others = {"entity": memories, "source": taken}.get(edge["target_kind"], ())
        target = node_name(edge["target_kind"], edge["target"], others)
        graph.add_edge(edge["source"], target, key=edge["type"], **said)
    return cast("networkx.MultiDiGraph[str]", flattened(graph)) if flat else graph
