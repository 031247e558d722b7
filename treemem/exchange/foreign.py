"""A networkx graph of ours or of others as a plain graph."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from treemem.arguments import alias
from treemem.changes import EdgeType
from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.exchange import flattening
from treemem.exchange.converting import attributes_of, text_of
from treemem.exchange.memos import OURS
from treemem.exchange.notes import Notes
from treemem.ids import checked_id, derived_id
from treemem.temporal import parse_time

#: Attributes of a node of others that may hold its text, the best one first, and of an edge that may hold its type.
_TEXTS = ("memory", "text", "label", "name", "title")
_TYPES = ("type", "label", "relation", "relationship")
#: Attributes of a node of others that are fields of ours; what else there is goes into `info`.
_FIELDS = frozenset({"key", "tags", "entities", "confidence", "created_at", "valid_from", "valid_to", "memory_time"})
#: Types that mean more to treemem than that two memories belong together: a label of others never becomes one.
_STRONG = frozenset(
    {EdgeType.PARENT, EdgeType.SUPERSEDES, EdgeType.MERGED_INTO, EdgeType.DERIVED_FROM, EdgeType.MENTIONS}
)
_NOT_A_TYPE = re.compile(r"[^A-Za-z0-9]+")
#: The property of an edge that holds what parallel ones of the same type say.
_PARALLEL = "parallel"


def plain_of(graph: Any, *, keys: bool = True) -> tuple[dict[str, Any], list[str]]:
    """Return a networkx graph of any kind as a plain graph, with notes, or raise InvalidInputError.

    One of `to_networkx` says so, and comes back as it was; its entities and sources are left out, since they are made
    with their memories. A node of others is a memory: its text is its `memory`, `text`, `label`, `name` or `title`,
    else the node itself; what is no id becomes one. An edge's type is its `type`, `label`, `relation`,
    `relationship` or key, in capital letters and low lines; one without, or with a name that means more here, is
    RELATES_TO. Without `keys` a key is none: in GraphML it is the id of the edge. Parallel edges of one type are one,
    and a node's edge to itself is left out.
    """
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_multigraph", "graph")):
        raise InvalidInputError(f"graph: wanted a networkx graph, found {shown(graph)}")
    if graph.graph.get(OURS):
        return _of_ours(graph), []
    notes = Notes()
    return _of_others(graph, keys, notes), notes.told()


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
        for node, data in ((node, flattening.full(data)) for node, data in graph.nodes(data=True))
        if node not in others
    ]
    edges = [
        {**flattening.full(data), "source": source, "target": target}
        for source, target, _, data in _edges_of(graph)
        if not {source, target} & others
    ]
    return {OURS: 1, "nodes": nodes, "edges": edges}


def _of_others(graph: Any, keys: bool, notes: Notes) -> dict[str, Any]:
    ids: dict[Hashable, str] = {}
    taken: set[str] = set()
    for node in sorted(graph.nodes, key=lambda node: not isinstance(node, str)):  # names keep theirs
        own = _id(node)
        ids[node] = own if own not in taken else derived_id("networkx", type(node).__name__, text_of(node))
        taken.add(ids[node])
    nodes = [_node(node, ids[node], data, notes) for node, data in graph.nodes(data=True)]
    edges: dict[tuple[str, str, str], dict[str, Any]] = {}
    several: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for source, target, key, data in _edges_of(graph):
        edge = _edge(ids[source], ids[target], key if keys else None, data, notes)
        if source == target:
            notes.note("edges: a node's edge to itself is left out", f"{ids[source]} {edge['type']}")
            continue
        several.setdefault((edge["type"], edge["source"], edge["target"]), []).append(edge)
    for ends, parallel in several.items():
        edges[ends] = _joined(parallel, notes)
    return {"nodes": nodes, "edges": list(edges.values())}


def _joined(parallel: list[dict[str, Any]], notes: Notes) -> dict[str, Any]:
    """Return edges of one type between two nodes as one, which has what the others say among its properties."""
    first, *rest = parallel
    said = [
        {**({"weight": edge["weight"]} if "weight" in edge else {}), **edge["properties"]}
        for edge in rest
        if edge != first
    ]
    if not said:
        return first
    notes.note(
        f"edges: parallel ones of a type are one, with what the others say in its property {_PARALLEL}",
        f"{first['source']} {first['type']} {first['target']}",
    )
    name = _PARALLEL
    while name in first["properties"]:
        name += "_"
    return {**first, "properties": {**first["properties"], name: said}}


def _id(node: Hashable) -> str:
    """Return what a node is called here: itself where that is an id, else one derived from it."""
    try:
        return checked_id(text_of(node))
    except InvalidInputError:
        return derived_id("networkx", type(node).__name__, text_of(node))


def _node(node: Hashable, memory_id: str, given: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    data = attributes_of(given, notes, "nodes")
    told = next((n for n in _TEXTS if isinstance(data.get(n), str) and data[n].strip()), None)
    named = text_of(node)
    text = (named if named.strip() else repr(named)) if told is None else data.pop(told)
    fields = {n: data.pop(n) for n in list(data) if n in _FIELDS and _fits(n, data[n])}
    if _ends_too_early(fields):
        notes.note("nodes: a valid_to that is not behind the beginning is kept in info alone", fields["valid_to"])
        data["valid_to"] = fields.pop("valid_to")
    if memory_id != named:
        data.setdefault("node", named)
    return {"id": memory_id, "memory": text, "metadata": {**fields, **({"info": data} if data else {})}}


def _fits(name: str, value: Any) -> bool:
    """Return whether a value of others can be that of our field; what can not goes into `info`."""
    if name == "confidence":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100
    if name in ("tags", "entities"):
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
    return isinstance(value, str)


def _ends_too_early(fields: Mapping[str, Any]) -> bool:
    begins, ends = fields.get("valid_from", fields.get("created_at")), fields.get("valid_to")
    try:
        return begins is not None and ends is not None and parse_time(ends) <= parse_time(begins)
    except InvalidInputError:
        return False  # which of them is none is told where it is read


def _edge(source: str, target: str, key: Any, given: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    data = attributes_of(given, notes, "edges")
    told_by = next((name for name in _TYPES if isinstance(data.get(name), str)), None)
    told = data[told_by] if told_by is not None else key if isinstance(key, str) else ""
    kind = _type(told)
    said: dict[str, Any] = {"source": source, "target": target, "type": kind}
    weight = data.get("weight")
    if isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 <= weight <= 1_000_000:
        said["weight"] = data.pop("weight")
    if told_by is not None and data[told_by] == kind:
        del data[told_by]
    if told and told_by is None and told != kind:
        data.setdefault("label", text_of(told))
    inner = data.get("properties")
    if isinstance(inner, dict):
        del data["properties"]
        data |= inner
    return {**said, "properties": data}


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
