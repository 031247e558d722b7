"""The plain graph: memories and the edges between them as JSON, of this library and of MemOS.

It is read whole before anything is added.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from treemem.caller import check_session
from treemem.changes import EdgeAssert, EdgeType
from treemem.checks import shown, within
from treemem.contents import fields_of
from treemem.counting import refuse_dense_json
from treemem.errors import InvalidInputError, TreememError
from treemem.exchange import files, memos
from treemem.ids import checked_id
from treemem.items import METADATA_FIELDS, as_item
from treemem.models.embedders import checked_vectors
from treemem.store.forest import Forest
from treemem.temporal import END, parse_time, to_micros
from treemem.write.addition import checked_span
from treemem.write.linking import checked_properties, memory_edge

_FROM_THE_STORE = ("version", "recorded_from", "recorded_to", "updated_at")
_MAX_BYTES = 1 << 30
T = TypeVar("T")
#: Is told where something stands that cannot be read, and why; may raise it.
Refused = Callable[[str, TreememError], None]


@dataclass(slots=True)
class Graph:
    """What a file says: memories to add, edges between them, and what was read as something else."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[EdgeAssert] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def graph_of(data: Any, dimension: int, refused: Refused) -> Graph:
    """Return the memories and edges of a plain graph; what cannot be read goes to `refused`, by its place and with the
    reason.

    Raises InvalidInputError for what is none. A vector of another dimension is left out, to be made again.
    """
    shape = memos.shape_of(data)
    graph, reading = Graph(), memos.Reading(shape.nodes)
    node_of = _from_ours if shape.ours else reading.node
    edge_of = dict if shape.ours else reading.edge
    _take_nodes(graph, shape.nodes, lambda node: _node(node_of(node), dimension), refused)
    _take_edges(graph, shape.edges, edge_of, refused)
    graph.notes = reading.notes
    return graph


def parsed(path: Path) -> Any:
    """Return what a JSON file says, or raise InvalidInputError."""
    data = files.read(path, _MAX_BYTES)
    refuse_dense_json(data, path)
    try:
        return json.loads(data)
    except RecursionError:
        raise InvalidInputError("nested too deep") from None
    except ValueError as error:
        raise InvalidInputError(f"no JSON ({error})") from error


def _take_nodes(graph: Graph, nodes: Sequence[Any], taken: Callable[[Any], dict[str, Any]], refused: Refused) -> None:
    ids: set[str] = set()
    for i, node in enumerate(nodes):
        made = _read(f"nodes[{i}]", partial(taken, node), refused)
        if made is None:
            continue
        if made["id"] in ids:
            refused(f"nodes[{i}]", InvalidInputError(f"nodes[{i}]: {made['id']!r} comes twice"))
            continue
        ids.add(made["id"])
        graph.nodes.append(made)


def _take_edges(
    graph: Graph, edges: Sequence[Any], taken: Callable[[Mapping[str, Any]], dict[str, Any]], refused: Refused
) -> None:
    """Take the edges of a file; several names that MemOS has for one edge come to one."""
    since = {node["id"]: node["metadata"].get("valid_from") for node in graph.nodes}
    forest = Forest()
    found: dict[tuple[EdgeType, str, str], list[tuple[EdgeAssert, list[str]]]] = {}

    def read_edge(edge: Any) -> None:
        if not isinstance(edge, Mapping):
            raise InvalidInputError(f"wanted an object with 'source', 'target' and 'type', found {shown(edge)}")
        if edge.get("target_kind", "memory") != "memory":
            return  # names and sources are made again with their memories
        said = taken(edge)
        name = said.pop(memos.NAMES, None)
        made = _edge(said, since)
        key = (made.type, made.source, made.target)
        for there, names in found.get(key, ()):
            apart = there.valid_to <= (made.valid_from or 0) or made.valid_to <= (there.valid_from or 0)
            if replace(there, valid_from=made.valid_from, valid_to=made.valid_to) == made and not apart:
                names += [name] if name else []
                return  # the same again, or by another of its names
            if not apart:
                raise InvalidInputError(
                    f"{made.source} -{made.type}-> {made.target} comes twice for the same time, and says something else"
                )
        if made.type is EdgeType.PARENT and (reason := forest.refuses(made.source, made.target)):
            raise InvalidInputError(reason)
        found.setdefault(key, []).append((made, [name] if name else []))

    for i, edge in enumerate(edges):
        _read(f"edges[{i}]", partial(read_edge, edge), refused)
    graph.edges = [
        replace(edge, properties=memos.named(edge.properties, names)) for each in found.values() for edge, names in each
    ]


def _read(where: str, read_it: Callable[[], T], refused: Refused) -> T | None:
    """Return what is read, None where it cannot be."""
    try:
        return read_it()
    except TreememError as error:
        refused(where, InvalidInputError(f"{where}: {error}"))
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        refused(where, InvalidInputError(f"{where}: {type(error).__name__}: {shown(str(error))}"))
    return None


def _from_ours(node: Any) -> dict[str, Any]:
    """Return an exported node as a memory to add."""
    if not isinstance(node, Mapping) or not isinstance(node.get("metadata") or {}, Mapping):
        raise InvalidInputError(f"wanted an object with 'id', 'memory' and 'metadata', found {shown(node)}")
    given = dict(node.get("metadata") or {})
    metadata = {n: v for n, v in given.items() if n not in _FROM_THE_STORE and (v is not None or n in METADATA_FIELDS)}
    own = {n: metadata.pop(n) for n in list(metadata) if n not in METADATA_FIELDS}
    if own:  # others' fields, whatever they are called
        metadata["info"] = {**own, **(metadata.get("info") or {})}
    return {"id": node.get("id"), "memory": node.get("memory"), "metadata": metadata}


def _node(made: dict[str, Any], dimension: int) -> dict[str, Any]:
    """Return a memory that can be added, or raise InvalidInputError; a vector of another dimension is made again."""
    checked_id(made["id"])
    metadata = made["metadata"]
    vector = metadata.get("embedding")
    if vector is not None and (not isinstance(vector, list) or len(vector) != dimension):
        metadata.pop("embedding")
    item, _ = as_item(made)
    check_session(fields_of(item))
    start, end = item.metadata.valid_from, item.metadata.valid_to
    checked_span(None if start is None else to_micros(start), END if end is None else to_micros(end))
    if "embedding" in metadata and vector is not None:
        checked_vectors(np.asarray([vector]), 1, dimension, "embedding")
    return made


def _edge(edge: Mapping[str, Any], since: Mapping[str, Any]) -> EdgeAssert:
    """Return an edge between two of the memories.

    `since` is when each of them begins. An edge without a beginning begins when both ends do.
    """
    name = edge.get("type")
    if not isinstance(name, str):
        raise InvalidInputError(f"type: wanted a type of edge, found {shown(name)}")
    kind, turned = memory_edge(name)
    source, target = checked_id(edge.get("source"), "source"), checked_id(edge.get("target"), "target")
    for end, memory in (("source", source), ("target", target)):
        if memory not in since:
            raise InvalidInputError(f"{end}: {memory!r} is none of the nodes")
    if source == target:
        raise InvalidInputError(f"{kind}: {source!r} cannot be linked to itself")
    begins, ends = (None if edge.get(n) is None else parse_time(edge[n], n) for n in ("valid_from", "valid_to"))
    if begins is None and None not in (since[source], since[target]):
        begins = max(parse_time(since[source]), parse_time(since[target]))
    valid_from, valid_to = checked_span(begins, END if ends is None else ends)
    return EdgeAssert(
        kind,
        target if turned else source,
        source if turned else target,
        weight=within("weight", edge.get("weight", 1.0), 0, 1_000_000),
        confidence=within("confidence", edge.get("confidence", 100.0), 0, 100),
        valid_from=valid_from,
        valid_to=valid_to,
        properties=checked_properties(edge.get("properties")),
    )
