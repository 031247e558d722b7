"""A cube as a networkx graph, and a networkx graph as a plain graph of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from treemem.checks import shown
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.read.getting import get_all
from treemem.temporal import TimeLike
from treemem.text import caption

if TYPE_CHECKING:
    import networkx

#: Attributes of a node that may hold its text, the best one first.
_TEXTS = ("memory", "text", "label", "name", "title")
#: Attributes of an edge that may hold its type, the best one first.
_TYPES = ("type", "label", "relation", "relationship")
_OF_THE_STORE = ("embedding", "version", "recorded_from", "recorded_to", "updated_at")
_NOT_A_TYPE = re.compile(r"[^A-Za-z0-9]+")


def to_networkx(ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None) -> networkx.MultiDiGraph[str]:
    """See `TreeTextMemory.to_networkx`."""
    import networkx as nx

    plain = get_all(ctx, as_of, known_at)
    graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph(cube=ctx.cube)
    for node in plain["nodes"]:
        metadata = node["metadata"]
        fields = {n: v for n, v in metadata.items() if n not in _OF_THE_STORE and v not in (None, [], {})}
        label = caption(metadata.get("key") or node["memory"])
        graph.add_node(node["id"], kind="memory", label=label, memory=node["memory"], **fields)
    named = sorted({e["target"] for e in plain["edges"] if e["target_kind"] == "entity"})
    for entity in ctx.store.entities(ctx.cube, named) if named else ():
        graph.add_node(entity.id, kind="entity", label=entity.name, name=entity.name, type=entity.kind)
    for edge in plain["edges"]:
        if edge["target_kind"] == "source":
            graph.add_node(edge["target"], kind="source", label=edge["target"])
        said = {n: v for n, v in edge.items() if n not in ("source", "target", "target_kind") and v not in (None, {})}
        graph.add_edge(edge["source"], edge["target"], key=edge["type"], **said)
    return graph


def plain_of(graph: Any) -> dict[str, Any]:
    """Return a networkx graph of any kind as a plain graph, or raise InvalidInputError.

    A node is a memory unless its `kind` says entity or source; its text is its `memory`, `text`, `label`, `name` or
    `title`, else its own name. An edge's type is its `type`, `label`, `relation` or key, in capital letters and low
    lines; one without is RELATES_TO. What an edge of a graph without directions joins is in the order it was added.
    """
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_multigraph")):
        raise InvalidInputError(f"graph: wanted a networkx graph, found {shown(graph)}")
    names: dict[Any, Mapping[str, Any]] = dict(graph.nodes(data=True))
    others = {node for node, data in names.items() if data.get("kind") in ("entity", "source")}
    nodes = [_node(node, data) for node, data in names.items() if node not in others]
    found = graph.edges(keys=True, data=True) if graph.is_multigraph() else _keyed(graph)
    edges = [_edge(*each) for each in found if not {each[0], each[1]} & others]
    return {"nodes": nodes, "edges": edges}


def _keyed(graph: Any) -> Any:
    return ((source, target, None, data) for source, target, data in graph.edges(data=True))


def _node(node: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    text = next((data[name] for name in _TEXTS if isinstance(data.get(name), str) and data[name].strip()), str(node))
    metadata = {n: v for n, v in data.items() if n not in ("kind", "memory") and not (n in _TEXTS and v == text)}
    if metadata.get("label") == caption(metadata.get("key") or text):
        del metadata["label"]
    return {"id": str(node), "memory": text, "metadata": metadata}


def _edge(source: Any, target: Any, key: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    told = next((data[name] for name in _TYPES if isinstance(data.get(name), str)), key if isinstance(key, str) else "")
    name = _NOT_A_TYPE.sub("_", told).strip("_").upper()[:64].strip("_")
    known = {n: data[n] for n in ("weight", "confidence", "valid_from", "valid_to") if data.get(n) is not None}
    own = {n: v for n, v in data.items() if n not in (*known, *_TYPES, "properties") and v is not None}
    said = data.get("properties")
    properties = {**own, **(said if isinstance(said, Mapping) else {})}
    if told and told != name:
        properties.setdefault("label", told)
    kind = name if len(name) > 1 and name[0].isalpha() else "RELATES_TO"
    return {"source": str(source), "target": str(target), "type": kind, "properties": properties, **known}
