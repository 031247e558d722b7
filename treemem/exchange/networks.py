"""A cube as a networkx graph, and a networkx graph as a plain graph."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from treemem.arguments import alias
from treemem.changes import EdgeType
from treemem.checks import shown
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.exchange.memos import OURS
from treemem.ids import checked_id, derived_id
from treemem.read.getting import get_all
from treemem.temporal import TimeLike
from treemem.text import caption

if TYPE_CHECKING:
    import networkx

#: Attributes of a node of others that may hold its text, the best one first, and of an edge that may hold its type.
_TEXTS = ("memory", "text", "label", "name", "title")
_TYPES = ("type", "label", "relation", "relationship")
#: Attributes of a node of others that are fields of ours; what else there is goes into `info`.
_FIELDS = frozenset({"key", "tags", "entities", "confidence", "created_at", "valid_from", "valid_to", "memory_time"})
_OF_THE_STORE = ("embedding", "version", "recorded_from", "recorded_to", "updated_at")
#: Types that mean more to treemem than that two memories belong together: a label of others never becomes one.
_STRONG = frozenset(
    {EdgeType.PARENT, EdgeType.SUPERSEDES, EdgeType.MERGED_INTO, EdgeType.DERIVED_FROM, EdgeType.MENTIONS}
)
_NOT_A_TYPE = re.compile(r"[^A-Za-z0-9]+")


def to_networkx(ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None) -> networkx.MultiDiGraph[str]:
    """See `TreeTextMemory.to_networkx`."""
    import networkx as nx

    plain = get_all(ctx, as_of, known_at, vectors=False)
    graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph(**{OURS: 1}, cube=ctx.cube)
    named = sorted({e["target"] for e in plain["edges"] if e["target_kind"] == "entity"})
    for entity in ctx.store.entities(ctx.cube, named) if named else ():
        graph.add_node(entity.id, kind="entity", label=entity.name, name=entity.name, type=entity.kind)
    for edge in plain["edges"]:
        if edge["target_kind"] == "source":
            graph.add_node(edge["target"], kind="source", label=edge["target"])
    for node in plain["nodes"]:
        metadata = node["metadata"]
        fields = {n: v for n, v in metadata.items() if n not in _OF_THE_STORE and v not in (None, [], {})}
        label = caption(metadata.get("key") or node["memory"])
        graph.add_node(node["id"], **{**fields, "kind": "memory", "label": label, "memory": node["memory"]})
    for edge in plain["edges"]:
        said = {n: v for n, v in edge.items() if n not in ("source", "target", "target_kind") and v not in (None, {})}
        graph.add_edge(edge["source"], edge["target"], key=edge["type"], **said)
    return graph


def plain_of(graph: Any) -> dict[str, Any]:
    """Return a networkx graph of any kind as a plain graph, or raise InvalidInputError.

    One of `to_networkx` says so, and comes back as it was; its entities and sources are left out, since they are made
    with their memories. A node of others is a memory: its text is its `memory`, `text`, `label`, `name` or `title`,
    else the node itself; what is no id becomes one. An edge's type is its `type`, `label`, `relation`,
    `relationship` or key, in capital letters and low lines; one without, or with a name that means more here, is
    RELATES_TO.
    """
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_multigraph", "graph")):
        raise InvalidInputError(f"graph: wanted a networkx graph, found {shown(graph)}")
    return _of_ours(graph) if graph.graph.get(OURS) else _of_others(graph)


def _edges_of(graph: Any) -> Iterator[tuple[Any, Any, Any, Mapping[str, Any]]]:
    if graph.is_multigraph():
        yield from graph.edges(keys=True, data=True)
    else:
        yield from ((source, target, None, data) for source, target, data in graph.edges(data=True))


def _of_ours(graph: Any) -> dict[str, Any]:
    others = {node for node, data in graph.nodes(data=True) if data.get("kind") in ("entity", "source")}
    nodes = [
        {
            "id": node,
            "memory": data.get("memory"),
            "metadata": {n: v for n, v in data.items() if n not in ("kind", "label", "memory")},
        }
        for node, data in graph.nodes(data=True)
        if node not in others
    ]
    edges = [
        {**data, "source": source, "target": target}
        for source, target, _, data in _edges_of(graph)
        if not {source, target} & others
    ]
    return {OURS: 1, "nodes": nodes, "edges": edges}


def _of_others(graph: Any) -> dict[str, Any]:
    ids: dict[Hashable, str] = {}
    taken: set[str] = set()
    for node in sorted(graph.nodes, key=lambda node: not isinstance(node, str)):  # names keep theirs
        own = _id(node)
        ids[node] = own if own not in taken else derived_id("networkx", type(node).__name__, node)
        taken.add(ids[node])
    nodes = [_node(node, ids[node], data) for node, data in graph.nodes(data=True)]
    edges = [_edge(ids[source], ids[target], key, data) for source, target, key, data in _edges_of(graph)]
    return {"nodes": nodes, "edges": edges}


def _id(node: Hashable) -> str:
    """Return what a node is called here: itself where that is an id, else one derived from it."""
    try:
        return checked_id(str(node))
    except InvalidInputError:
        return derived_id("networkx", type(node).__name__, node)


def _node(node: Hashable, memory_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    data = {str(name): _plain(value) for name, value in given.items()}
    told = next((n for n in _TEXTS if isinstance(data.get(n), str) and data[n].strip()), None)
    text = str(node) if told is None else data.pop(told)
    fields = {n: data.pop(n) for n in list(data) if n in _FIELDS and _fits(n, data[n])}
    if memory_id != str(node):
        data.setdefault("node", str(node))
    info = {n: v for n, v in data.items() if v is not None}
    return {"id": memory_id, "memory": text, "metadata": {**fields, **({"info": info} if info else {})}}


def _fits(name: str, value: Any) -> bool:
    """Return whether a value of others can be that of our field; what can not goes into `info`."""
    if name == "confidence":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100
    if name in ("tags", "entities"):
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
    return isinstance(value, str)


def _plain(value: Any) -> Any:
    """Return a value of numpy as one of Python, a set or a tuple as a list, and any other as it is."""
    if isinstance(value, (str, bytes)):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    return (
        sorted(value, key=str)
        if isinstance(value, (set, frozenset))
        else list(value)
        if isinstance(value, tuple)
        else value
    )


def _edge(source: str, target: str, key: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    data = {str(name): _plain(value) for name, value in given.items()}
    told_by = next((name for name in _TYPES if isinstance(data.get(name), str)), None)
    told = data[told_by] if told_by is not None else key if isinstance(key, str) else ""
    kind = _type(told)
    said: dict[str, Any] = {"source": source, "target": target, "type": kind}
    weight = data.get("weight")
    if isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 <= weight <= 1_000_000:
        said["weight"] = data.pop("weight")
    properties = data.pop("properties", None)
    if told_by is not None and data[told_by] == kind:
        del data[told_by]
    own = {name: value for name, value in data.items() if value is not None}
    if told and told_by is None and told != kind:
        own.setdefault("label", told)
    return {**said, "properties": {**own, **(properties if isinstance(properties, Mapping) else {})}}


def _type(told: str) -> EdgeType:
    """Return the type that a label stands for."""
    try:
        kind = EdgeType(told)
    except ValueError:
        name = _NOT_A_TYPE.sub("_", told).strip("_").upper()[:64].strip("_")
        try:
            kind = EdgeType(name)
        except ValueError:
            return EdgeType.RELATES_TO
    meant = alias(kind)
    if meant is not None and meant.type not in _STRONG and not meant.turned:
        return meant.type
    return EdgeType.RELATES_TO if kind in _STRONG and (kind != told or kind is EdgeType.MENTIONS) else kind
