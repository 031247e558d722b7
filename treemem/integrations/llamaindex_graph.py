"""A memory as a property graph store of LlamaIndex, and its model as an embedding of LlamaIndex."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from treemem.errors import InvalidInputError
from treemem.filters import Or, field
from treemem.integrations.keeping import all_of, hide, id_of, missing, put
from treemem.integrations.nearest import Embedding, nearest, plain
from treemem.integrations.talk import dumped, finished, in_pieces, of_pieces
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.search.options import MAX_TOP_K, SearchOptions

try:
    from llama_index.core.bridge.pydantic import PrivateAttr
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.graph_stores.types import (
        KG_SOURCE_REL,
        ChunkNode,
        EntityNode,
        LabelledNode,
        PropertyGraphStore,
        Relation,
        Triplet,
    )
    from llama_index.core.vector_stores.types import VectorStoreQuery
    from llama_index.core.vector_stores.utils import build_metadata_filter_fn
except ImportError as error:
    raise missing("llama-index-core", "llamaindex", error) from error

_NODE, _RELATION = field("info.llamaindex_graph") == "node", field("info.llamaindex_graph") == "relation"
_ENTITY = _NODE & (field("info.kind") == "entity")
#: How many ids one filter names.
_AT_ONCE = 1_000


class TreememEmbedding(BaseEmbedding):
    """The model of a memory as an embedding of LlamaIndex."""

    _embedding: Embedding = PrivateAttr()

    def __init__(self, memory: TreeTextMemory, *, embedding: Embedding | None = None, **fields: Any) -> None:
        super().__init__(**{"model_name": memory.embedder.name, **fields})
        self._embedding = embedding or Embedding(memory)

    @classmethod
    def class_name(cls) -> str:
        """Return the name of the class."""
        return "TreememEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embedding.questions([query])[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embedding([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embedding(texts)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await finished(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await finished(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await finished(self._get_text_embeddings, texts)


class TreememPropertyGraphStore(PropertyGraphStore):
    """Nodes and relations of LlamaIndex, each a memory: what is written again is a version, what is deleted is hidden.

    A relation says what it states ("Logan WORKS AT LlamaIndex") and mentions the names of both its ends, so that
    `memory.search` finds it and walks from it to what else is known of them; one to a chunk of text (SOURCE) is kept
    out of searches. `embed_model` is the memory's model for LlamaIndex: a question that it embeds goes to
    `memory.search`. Vectors of other models are kept with the nodes, and compared with each.

    `delete` takes the nodes that are named, with their relations, and leaves the nodes at the other ends; without
    anything it deletes nothing.
    """

    supports_structured_queries = False
    supports_vector_queries = True

    def __init__(self, memory: TreeTextMemory) -> None:
        self.memory = memory
        self._embedding = Embedding(memory)

    @property
    def client(self) -> TreeTextMemory:
        """The memory."""
        return self.memory

    @property
    def embed_model(self) -> TreememEmbedding:
        """The memory's model, for `PropertyGraphIndex(embed_model=...)`."""
        return TreememEmbedding(self.memory, embedding=self._embedding)

    # ---- Writing ----------------------------------------------------------------------------------------------------

    def upsert_nodes(self, nodes: Sequence[LabelledNode]) -> None:
        """Write nodes, as one operation; one whose id is there is replaced."""
        put(self.memory, [self._node_memory(node) for node in nodes])

    def upsert_relations(self, relations: list[Relation]) -> None:
        """Write relations, and a node for each end that is not there; one of the same ends and label is replaced."""
        ends = dict.fromkeys(end for each in relations for end in (each.source_id, each.target_id))
        there = {_end(node.id): node for node in self._nodes(ends)}
        made = [EntityNode(name=end) for end in ends if _end(end) not in there]
        self.upsert_nodes(made)
        chunks = {node.id for node in there.values() if isinstance(node, ChunkNode)}
        put(self.memory, [_relation_memory(each, chunks) for each in relations])

    def delete(
        self,
        entity_names: list[str] | None = None,
        relation_names: list[str] | None = None,
        properties: dict[str, Any] | None = None,
        ids: list[str] | None = None,
    ) -> None:
        """Hide the nodes of these names or ids, or with one of these properties, with their relations; and relations
        of these names.
        """
        nodes = {node.id for node in self._nodes([*(ids or []), *(entity_names or [])])}
        nodes |= {node.id for node in self.get(properties=properties)} if properties else set()
        gone = [_node_key(node) for node in nodes] + [item.id for item in self._relations_at(nodes)]
        if relation_names:
            gone += [item.id for item in self._with_label(relation_names)]
        if gone:
            hide(self.memory, list(dict.fromkeys(gone)))

    # ---- Reading ----------------------------------------------------------------------------------------------------

    def get(self, properties: dict[str, Any] | None = None, ids: list[str] | None = None) -> list[LabelledNode]:
        """Return the nodes of these ids that have one of these properties; without either, all."""
        if ids is not None:
            found = self._nodes(dict.fromkeys(ids))
        else:
            found = [_node(item) for item in all_of(self.memory, _with(properties))]
        return [node for node in found if not properties or _has(node, properties)]

    def get_triplets(
        self,
        entity_names: list[str] | None = None,
        relation_names: list[str] | None = None,
        properties: dict[str, Any] | None = None,
        ids: list[str] | None = None,
    ) -> list[Triplet]:
        """Return the relations that fit all that is given, with their ends; without anything none.

        Of names and ids one end has to be among them; of the properties one has to be that of the relation or of an
        end.
        """
        if not (entity_names or relation_names or properties or ids):
            return []
        if entity_names or ids:
            items: Iterable[TextualMemoryItem] = self._relations_at(entity_names or ids or [])
        else:
            items = self._with_label(relation_names) if relation_names else all_of(self.memory, _RELATION)
        among = [{*map(_end, some)} for some in (entity_names, ids) if some]
        return [
            triplet
            for triplet in self._triplets(_relation(item) for item in items)
            if all(some & {_end(triplet[0].id), _end(triplet[2].id)} for some in among)
            and (not relation_names or triplet[1].id in relation_names)
            and (not properties or any(_has(part, properties) for part in triplet))
        ]

    def get_rel_map(
        self, graph_nodes: list[LabelledNode], depth: int = 2, limit: int = 30, ignore_rels: list[str] | None = None
    ) -> list[Triplet]:
        """Return the relations around some nodes, the nearest first, each once; `ignore_rels` are walked, not shown."""
        ignored, seen = set(ignore_rels or ()), set[tuple[str, str, str]]()
        frontier, found = {node.id for node in graph_nodes}, list[Relation]()
        for _ in range(depth):
            around = sorted((_relation(item) for item in self._relations_at(frontier)), key=_name)
            new = [each for each in around if _name(each) not in seen]
            seen |= {_name(each) for each in new}
            found += [each for each in new if each.label not in ignored]
            frontier = {each.target_id for each in new}
            if not frontier or len(found) >= limit:
                break
        return list(self._triplets(found[: max(0, limit)]))

    def vector_query(self, query: VectorStoreQuery, **_: Any) -> tuple[list[LabelledNode], list[float]]:
        """Return the entities that are nearest to a question, with their cosines."""
        many, asked = query.similarity_top_k, query.query_embedding
        text = query.query_str if asked is None else self._embedding.text_of(asked)
        if asked is None and text is not None:
            (asked,) = self._embedding.questions([text])
        if asked is None or many <= 0:
            return [], []
        fits = _filter(query)
        if text is not None and not query.filters and many <= MAX_TOP_K:
            wide = max(many, SearchOptions().vector_limit)
            hits = self.memory.search(
                text, many, filter=_ENTITY, when="now", options=SearchOptions(vector_limit=wide, text_limit=wide)
            )
            items: Iterable[TextualMemoryItem] = self.memory.get_by_ids([hit.id for hit in hits])
        else:
            items = all_of(self.memory, _ENTITY)
        near = _by_cosine(items, asked, own=text is not None)
        found = [(node, cosine) for node, cosine in near if fits(node)][:many]
        return [node for node, _ in found], [cosine for _, cosine in found]

    def structured_query(self, query: str, param_map: dict[str, Any] | None = None) -> Any:
        """Raise InvalidInputError: a memory takes no statements."""
        raise InvalidInputError("structured_query: a memory takes no statements; use get, get_triplets, get_rel_map")

    def get_schema(self, refresh: bool = False) -> dict[str, list[str]]:
        """Return the labels that nodes and relations have."""
        nodes = {str(item.metadata.info["label"]) for item in all_of(self.memory, _NODE)}
        return {
            "nodes": sorted(nodes),
            "relations": sorted({_relation(i).label for i in all_of(self.memory, _RELATION)}),
        }

    # ---- For asyncio: the same, in threads --------------------------------------------------------------------------

    async def aget(self, properties: Any = None, ids: Any = None) -> list[LabelledNode]:
        """See `get`."""
        return await finished(self.get, properties, ids)

    async def aget_triplets(self, *given: Any, **named: Any) -> list[Triplet]:
        """See `get_triplets`."""
        return await finished(self.get_triplets, *given, **named)

    async def aget_rel_map(self, *given: Any, **named: Any) -> list[Triplet]:
        """See `get_rel_map`."""
        return await finished(self.get_rel_map, *given, **named)

    async def aupsert_nodes(self, nodes: list[LabelledNode]) -> None:
        """See `upsert_nodes`."""
        await finished(self.upsert_nodes, nodes)

    async def aupsert_relations(self, relations: list[Relation]) -> None:
        """See `upsert_relations`."""
        await finished(self.upsert_relations, relations)

    async def adelete(self, *given: Any, **named: Any) -> None:
        """See `delete`."""
        await finished(self.delete, *given, **named)

    async def avector_query(self, query: VectorStoreQuery, **_: Any) -> tuple[list[LabelledNode], list[float]]:
        """See `vector_query`."""
        return await finished(self.vector_query, query)

    # ---- Below ------------------------------------------------------------------------------------------------------

    def _nodes(self, ids: Iterable[str]) -> list[LabelledNode]:
        return [_node(item) for item in self.memory.get_by_ids(list(dict.fromkeys(map(_node_key, ids))))]

    def _relations_at(self, ids: Iterable[str]) -> Iterator[TextualMemoryItem]:
        keys = [_node_key(each) for each in ids]
        seen: set[str] = set()
        for some in (keys[i : i + _AT_ONCE] for i in range(0, len(keys), _AT_ONCE)):
            either = field("info.source").in_(some) | field("info.target").in_(some)
            for item in all_of(self.memory, _RELATION & either):
                if item.id not in seen:
                    seen.add(item.id)
                    yield item

    def _with_label(self, names: Sequence[str]) -> Iterator[TextualMemoryItem]:
        return all_of(self.memory, _RELATION & field("info.label").in_([_label_key(name) for name in names]))

    def _triplets(self, relations: Iterable[Relation]) -> Iterator[Triplet]:
        some = list(relations)
        ends = [(_end(each.source_id), _end(each.target_id)) for each in some]
        nodes = {_end(node.id): node for node in self._nodes(end for both in ends for end in both)}
        for each, (source, target) in zip(some, ends, strict=True):
            if source in nodes and target in nodes:  # else somebody deletes one right now
                yield nodes[source], each, nodes[target]

    def _node_memory(self, node: LabelledNode) -> dict[str, Any]:
        name, text = getattr(node, "name", None), getattr(node, "text", None)
        said = name if isinstance(name, str) else text
        if not isinstance(said, str):
            raise InvalidInputError(f"node: wanted an EntityNode or a ChunkNode, found {type(node).__name__}")
        own = node.embedding if self._embedding.text_of(node.embedding) is None else None
        known = {"name": name} if name is not None else {"id_": node.id}
        info = {
            "llamaindex_graph": "node",
            "kind": "entity" if name is not None else "chunk",
            "label": plain(node.label),
            "facts": _facts_of(node.properties),
            "node": _whole(node, **known),
            **({} if own is None else {"vector": _as_text(own)}),
        }
        made = {"id": _node_key(node.id), "memory": plain(said), "info": info}
        return made if name is None else {**made, "entities": [plain(name)]}


def _relation_memory(relation: Relation, chunks: set[str]) -> dict[str, Any]:
    ends = (relation.source_id, relation.target_id)
    to_a_chunk = relation.label == KG_SOURCE_REL or not chunks.isdisjoint(ends)
    said = plain(f"{ends[0]} {relation.label.replace('_', ' ')} {ends[1]}")
    return {
        "id": id_of("llamaindex", "relation", *_name(relation)),
        "memory": said,
        "status": "archived" if to_a_chunk else "activated",
        "entities": [] if to_a_chunk else [plain(end) for end in dict.fromkeys(ends)],
        "info": {
            "llamaindex_graph": "relation",
            "source": _node_key(ends[0]),
            "target": _node_key(ends[1]),
            "label": _label_key(relation.label),
            "relation": _whole(relation),
        },
    }


def _whole(part: LabelledNode | Relation, **known: str) -> list[str]:
    """Return a node or a relation as it is; what JSON cannot say, a date, say, as the text for it."""
    try:
        return in_pieces({**part.model_dump(exclude={"embedding"}), **known})
    except InvalidInputError:
        return in_pieces({**dumped(part, exclude={"embedding"}), **known})


def _node(item: TextualMemoryItem) -> LabelledNode:
    info = item.metadata.info
    whole: dict[str, Any] = of_pieces(info["node"])
    vector = None if info.get("vector") is None else _as_vector(info["vector"]).tolist()
    kind = EntityNode if "name" in whole else ChunkNode
    return kind.model_validate({**whole, "embedding": vector})


def _relation(item: TextualMemoryItem) -> Relation:
    return Relation.model_validate(of_pieces(item.metadata.info["relation"]))


def _name(relation: Relation) -> tuple[str, str, str]:
    return relation.source_id, relation.label, relation.target_id


def _end(name: str) -> str:
    """Return the id of the entity of a name, as LlamaIndex makes it."""
    return name.replace('"', " ")


def _node_key(node_id: str) -> str:
    return id_of("llamaindex", "node", _end(node_id))


def _label_key(label: str) -> str:
    return id_of("llamaindex", "label", label)


def _facts_of(properties: Mapping[str, Any]) -> list[str]:
    """Return a key for each property, the same for values that are equal: what a filter can look for."""
    return [id_of("llamaindex", "fact", name, _equal(value)) for name, value in properties.items()]


def _with(properties: Mapping[str, Any] | None) -> Any:
    if not properties or None in properties.values():  # a node without a property has None there
        return _NODE
    return _NODE & Or(tuple(field("info.facts").contains(fact) for fact in _facts_of(properties)))


def _equal(value: Any) -> str:
    """Return a text that values share that Python holds for equal: 1, 1.0 and True are."""

    def same(each: Any) -> Any:
        if isinstance(each, (bool, int, float)):
            return int(each) if each == each and abs(each) != float("inf") and each == int(each) else repr(each)
        if isinstance(each, Mapping):
            return {str(name): same(one) for name, one in each.items()}
        return [same(one) for one in each] if isinstance(each, (list, tuple)) else each

    return json.dumps(same(value), sort_keys=True, default=repr)


def _has(part: LabelledNode | Relation, properties: Mapping[str, Any]) -> bool:
    return any(part.properties.get(name) == value for name, value in properties.items())


def _filter(query: VectorStoreQuery) -> Callable[[LabelledNode], bool]:
    wanted = None if query.node_ids is None else set(query.node_ids)

    def fits(node: LabelledNode) -> bool:
        matches = build_metadata_filter_fn(lambda _: node.properties, query.filters)
        return (wanted is None or node.id in wanted) and matches(node.id)

    return fits


def _by_cosine(
    items: Iterable[TextualMemoryItem], asked: Sequence[float], *, own: bool
) -> Iterator[tuple[LabelledNode, float]]:
    """Yield nodes, the nearest first: by the memory's vectors for a question of its `own` model, else by those kept."""
    if own:
        yield from ((_node(item), cosine) for item, _, cosine in nearest(items, asked))
        return
    wanted = np.asarray(asked, dtype=np.float64)
    kept = [(item, _as_vector(item.metadata.info["vector"])) for item in items if item.metadata.info.get("vector")]
    found = []
    for item, vector in kept:
        if vector.shape == wanted.shape:
            size = float(np.linalg.norm(vector) * np.linalg.norm(wanted))
            found.append((item, float(np.dot(vector, wanted)) / size if size else 0.0))
    if kept and not found:
        raise InvalidInputError(f"query_embedding: {len(asked)} numbers, no vector of a node has so many")
    yield from ((_node(item), cosine) for item, cosine in sorted(found, key=lambda each: -each[1]))


def _as_text(vector: Sequence[float]) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f8").tobytes()).decode("ascii")


def _as_vector(text: str) -> Any:
    return np.frombuffer(base64.b64decode(text), dtype="<f8")
