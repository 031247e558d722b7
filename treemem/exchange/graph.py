"""The plain graph: `{"nodes", "edges"}` as JSON, of this library and of others. Read whole before anything is added."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from treemem.caller import check_session
from treemem.changes import EdgeType
from treemem.checks import shown, within
from treemem.contents import fields_of
from treemem.errors import InvalidInputError, TreememError
from treemem.exchange import files
from treemem.ids import checked_id
from treemem.items import METADATA_FIELDS, as_item
from treemem.models.embedders import checked_vectors
from treemem.temporal import END, to_micros
from treemem.write.addition import checked_span
from treemem.write.linking import checked_properties, memory_edge

_FROM_THE_STORE = ("version", "recorded_from", "recorded_to", "updated_at")
_MAX_BYTES = 1 << 30


class Link(NamedTuple):
    """An edge between two memories, to be made."""

    type: EdgeType
    source: str
    target: str
    weight: float
    confidence: float
    properties: dict[str, Any]


class Graph(NamedTuple):
    """What a file says: memories to add and links between them."""

    nodes: list[dict[str, Any]]
    links: list[Link]


def read(path: Path, dimension: int) -> Graph:
    """Return the memories and links of a file, or raise InvalidInputError that names the node or edge and the reason.

    A vector of another dimension is left out, to be made again.
    """
    try:
        graph = _parsed(path)
        nodes = [_checked(f"nodes[{i}]", lambda n=node: _node(n, dimension)) for i, node in enumerate(graph[0])]
        ids = {node["id"] for node in nodes}
        if len(ids) < len(nodes):
            twice = Counter(node["id"] for node in nodes).most_common(1)[0][0]
            raise InvalidInputError(f"nodes: {twice!r} comes twice")
        made = [_checked(f"edges[{i}]", lambda e=edge: _link(e, ids)) for i, edge in enumerate(graph[1])]
        links = [link for link in made if link is not None]
        _refuse_no_forest(links)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}; nothing was loaded") from error
    return Graph(nodes, links)


def _parsed(path: Path) -> tuple[list[Any], list[Any]]:
    with files.told(path, "read"):
        if path.stat().st_size > _MAX_BYTES:
            raise InvalidInputError(f"larger than {_MAX_BYTES} bytes; an archive has no such limit")
        data = path.read_bytes()
    try:
        graph = json.loads(data)
        nodes, edges = graph["nodes"], graph.get("edges") or []
    except RecursionError:
        raise InvalidInputError("nested too deep") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"wanted JSON with 'nodes' and 'edges' ({error!r})") from error
    if not isinstance(nodes, list) or not isinstance(edges, list):
        raise InvalidInputError("'nodes' and 'edges': wanted lists")
    return nodes, edges


def _checked(where: str, read_it: Any) -> Any:
    try:
        return read_it()
    except TreememError as error:
        raise InvalidInputError(f"{where}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidInputError(f"{where}: {type(error).__name__}: {shown(str(error))}") from error


def _node(node: Any, dimension: int) -> dict[str, Any]:
    """Return an exported node as a memory to add; a vector of another model is made again."""
    if not isinstance(node, Mapping) or not isinstance(node.get("metadata") or {}, Mapping):
        raise InvalidInputError(f"wanted an object with 'id', 'memory' and 'metadata', found {shown(node)}")
    given = dict(node.get("metadata") or {})
    metadata = {n: v for n, v in given.items() if n not in _FROM_THE_STORE and (v is not None or n in METADATA_FIELDS)}
    own = {n: metadata.pop(n) for n in list(metadata) if n not in METADATA_FIELDS}
    if own:  # others' fields, whatever they are called
        metadata["info"] = {**own, **(metadata.get("info") or {})}
    vector = metadata.get("embedding")
    if vector is not None and (not isinstance(vector, list) or len(vector) != dimension):
        metadata.pop("embedding")
    made = {"id": checked_id(node.get("id")), "memory": node.get("memory"), "metadata": metadata}
    item, _ = as_item(made)
    check_session(fields_of(item))
    start, end = item.metadata.valid_from, item.metadata.valid_to
    checked_span(None if start is None else to_micros(start), END if end is None else to_micros(end))
    if "embedding" in metadata and vector is not None:
        checked_vectors(np.asarray([vector]), 1, dimension, "embedding")
    return made


def _link(edge: Any, ids: set[str]) -> Link | None:
    """Return an exported edge as a link between two memories; None for one to a name or a source."""
    if not isinstance(edge, Mapping):
        raise InvalidInputError(f"wanted an object with 'source', 'target' and 'type', found {shown(edge)}")
    if edge.get("target_kind", "memory") != "memory":
        return None
    name = edge.get("type")
    if not isinstance(name, str):
        raise InvalidInputError(f"type: wanted a type of edge, found {shown(name)}")
    kind, reversed_ = memory_edge(name)
    source, target = checked_id(edge.get("source"), "source"), checked_id(edge.get("target"), "target")
    if reversed_:
        source, target = target, source
    for end, memory in (("source", source), ("target", target)):
        if memory not in ids:
            raise InvalidInputError(f"{end}: {memory!r} is none of the nodes")
    if source == target:
        raise InvalidInputError(f"{kind}: {source!r} cannot be linked to itself")
    weight = within("weight", edge.get("weight", 1.0), 0, 1_000_000)
    confidence = within("confidence", edge.get("confidence", 100.0), 0, 100)
    return Link(kind, source, target, weight, confidence, checked_properties(edge.get("properties")))


def _refuse_no_forest(links: list[Link]) -> None:
    parents: dict[str, str] = {}
    for link in links:
        if link.type is EdgeType.PARENT and parents.setdefault(link.target, link.source) != link.source:
            raise InvalidInputError(
                f"edges: {link.target!r} has two parents, {parents[link.target]!r} and {link.source!r}"
            )
    sound: set[str] = set()
    for start in parents:
        way: list[str] = []
        node: str | None = start
        mine: set[str] = set()
        while node is not None and node not in sound:
            if node in mine:
                raise InvalidInputError(f"edges: {node!r} is its own ancestor by PARENT")
            mine.add(node)
            way.append(node)
            node = parents.get(node)
        sound.update(way)
