"""A memory is a property graph store of LlamaIndex: it answers as its simple one, and its index runs on it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core import Document, MockEmbedding, PropertyGraphIndex, StorageContext, VectorStoreIndex
from llama_index.core.graph_stores import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import (
    KG_NODES_KEY,
    KG_RELATIONS_KEY,
    TRIPLET_SOURCE_KEY,
    ChunkNode,
    EntityNode,
    Relation,
)
from llama_index.core.indices.property_graph import LLMSynonymRetriever, VectorContextRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode, TransformComponent
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters, VectorStoreQuery

from treemem import InvalidInputError, TreeTextMemory
from treemem.integrations.llamaindex import TreememEmbedding, TreememPropertyGraphStore

NAMES = ("Logan", "Canada", 'a "b"', "说", "LlamaIndex")
LABELS = ("BORN_IN", "works at", "是", "SOURCE")
CHAIN = [("A", "R", "B"), ("B", "R", "C"), ("C", "R", "D")]


def _ids(triplets: Any) -> list[tuple[str, str, str]]:
    return [(source.id, relation.label, target.id) for source, relation, target in triplets]


def _dump(things: Any) -> list[str]:
    return sorted(
        str([part.model_dump() for part in (thing if isinstance(thing, tuple) else (thing,))]) for thing in things
    )


def _chain(memory: TreeTextMemory, edges: Any = CHAIN) -> TreememPropertyGraphStore:
    store = TreememPropertyGraphStore(memory)
    store.upsert_relations([Relation(source_id=s, label=label, target_id=t) for s, label, t in edges])
    return store


def _properties(chance: random.Random) -> dict[str, Any]:
    return chance.choice([{}, {"n": 1}, {"n": 2.0, "s": "x"}, {"n": True}, {"deep": {"a": [1, None]}}, {"s": None}])


def test_random_operations_answer_as_the_simple_store(memory: TreeTextMemory, backend: str) -> None:
    chance = random.Random(17)
    ours, theirs = TreememPropertyGraphStore(memory), SimplePropertyGraphStore()
    for _ in range(120 if backend == "sqlite" else 25):
        done = chance.random()
        if done < 0.3:
            nodes: list[Any] = [
                EntityNode(
                    name=chance.choice(NAMES), label=chance.choice(["X", "y z"]), properties=_properties(chance)
                ),
                ChunkNode(text="Logan was born.", id_=chance.choice(["c1", "c2"]), properties=_properties(chance)),
            ]
            some = chance.sample(nodes, chance.randint(1, 2))
            ours.upsert_nodes(some)
            theirs.upsert_nodes(some)
        elif done < 0.6:
            ends = [chance.choice([*NAMES, "c1"]).replace('"', " ") for _ in range(2)]
            made = Relation(
                label=chance.choice(LABELS), source_id=ends[0], target_id=ends[1], properties=_properties(chance)
            )
            ours.upsert_relations([made])
            theirs.upsert_relations([made])
            theirs.graph.relations[theirs.graph._get_relation_key(made)] = made  # it keeps the first for good
        elif done < 0.75:
            _delete_both(ours, theirs, chance)
        wanted: dict[str, Any] = {"properties": chance.choice([None, {"n": 1}, {"s": "x", "deep": {"a": [1, None]}}])}
        wanted["ids"] = chance.choice([None, ["Logan", "c1", "none"]])
        assert _dump(ours.get(**wanted)) == _dump(theirs.get(**wanted))
        wanted["relation_names"] = chance.choice([None, ["BORN_IN"], ["是", "SOURCE"]])
        wanted["entity_names"] = chance.choice([None, ["Logan", "Canada"]])
        assert _dump(ours.get_triplets(**wanted)) == _dump(theirs.get_triplets(**wanted))
    schema = ours.get_schema()
    assert set(schema["relations"]) == {label for _, label, _ in theirs.graph.triplets}


def _delete_both(ours: TreememPropertyGraphStore, theirs: SimplePropertyGraphStore, chance: random.Random) -> None:
    """Delete: the simple store also deletes the nodes at the other ends, ours does not."""
    wanted = chance.choice(
        [
            {"ids": ["Logan", "c1"]},
            {"entity_names": ["Canada"]},
            {"relation_names": ["works at"]},
            {"properties": {"s": "x"}},
        ]
    )
    ours.delete(**wanted)
    graph = theirs.graph
    gone = {*wanted.get("ids", []), *wanted.get("entity_names", [])}
    gone |= {i for i, node in graph.nodes.items() if "properties" in wanted and node.properties.get("s") == "x"}
    labels = wanted.get("relation_names", [])
    for one in [each for each in graph.triplets if each[1] in labels or each[0] in gone or each[2] in gone]:
        graph.triplets.remove(one)
    for node_id in gone:
        graph.nodes.pop(node_id, None)


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 8])
def test_a_map_goes_as_deep_as_asked(embedded: TreeTextMemory, depth: int) -> None:
    store = _chain(embedded)
    assert _ids(store.get_rel_map([EntityNode(name="A")], depth=depth)) == CHAIN[:depth]
    assert _ids(store.get_rel_map([EntityNode(name="A")], depth=3, limit=min(depth, 3))) == CHAIN[: min(depth, 3)]


def test_a_map_shows_each_relation_once(memory: TreeTextMemory) -> None:
    edges = [("A", "SELF", "A"), ("A", "R", "B"), ("A", "Q", "B"), ("B", "R", "A")]
    store = _chain(memory, edges)
    found = _ids(store.get_rel_map([EntityNode(name="A"), EntityNode(name="B")], depth=10))
    assert sorted(found) == sorted(edges)
    kept = store.get_rel_map([EntityNode(name="B")], depth=3, limit=1, ignore_rels=["R", "SELF"])
    assert _ids(kept) == [("A", "Q", "B")]
    assert store.get_rel_map([]) == store.get_rel_map([EntityNode(name="missing")]) == []


def test_chunks_come_back_as_they_were(embedded: TreeTextMemory) -> None:
    store = TreememPropertyGraphStore(embedded)
    source = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id="doc")}
    first = TextNode(id_="n1", text="first \x00 \ud83d", metadata={"page": 1}, relationships=source)
    second = TextNode(id_="n2", text="second")
    store.upsert_llama_nodes([first, second])
    assert store.get_llama_nodes(["n1", "n2"]) == [first, second]
    store.delete_llama_nodes(ref_doc_ids=["doc"])
    assert [node.id for node in store.get()] == ["n2"]
    store.upsert_nodes([EntityNode(name="Anna", properties={TRIPLET_SOURCE_KEY: "n2"})])
    store.delete_llama_nodes(node_ids=["n2"])
    assert store.get() == []


def test_deleting_leaves_others(embedded: TreeTextMemory) -> None:
    store = _chain(embedded)
    embedded.add("Another memory of the cube.")
    store.delete()
    store.delete(ids=[])
    assert len(store.get()) == 4
    store.delete(ids=["B"])
    assert _ids(store.get_triplets(relation_names=["R"])) == [("C", "R", "D")]
    store.upsert_nodes([EntityNode(name="B")])
    assert store.get_triplets(ids=["B"]) == []  # what led to it does not come back
    store.delete(relation_names=["R"])
    assert (len(store.get()), store.get_triplets(relation_names=["R"])) == (4, [])
    store.delete(entity_names=["A", "B", "C", "D"])
    assert [item.memory for page in embedded.pages() for item in page.items] == ["Another memory of the cube."]


class Extractor(TransformComponent):
    """Finds what the texts of the test state."""

    def __call__(self, nodes: Any, **_: Any) -> list[BaseNode]:
        for node in nodes:
            person, place = node.get_content().split(" lives in ")
            made = [EntityNode(name=person, label="PERSON"), EntityNode(name=place, label="CITY")]
            node.metadata[KG_NODES_KEY] = made
            node.metadata[KG_RELATIONS_KEY] = [Relation(label="LIVES_IN", source_id=person, target_id=place)]
        return list(nodes)


TEXTS = ("Anna lives in Porto", "Ben lives in Porto", "Carla lives in Faro")


@pytest.mark.parametrize("model", ["the memory's", "another"])
def test_an_index_is_built_and_asked(memory: TreeTextMemory, model: str) -> None:
    store = TreememPropertyGraphStore(memory)
    embed = store.embed_model if model == "the memory's" else MockEmbedding(embed_dim=7)
    built: dict[str, Any] = {"llm": MockLLM(), "embed_model": embed, "kg_extractors": [Extractor()]}
    for _ in range(2):  # entities that are known are not made twice
        PropertyGraphIndex.from_documents(
            [Document(text=text, id_=text) for text in TEXTS], property_graph_store=store, **built
        )
    assert {node.id for node in store.get() if isinstance(node, EntityNode)} == {
        "Anna",
        "Ben",
        "Carla",
        "Porto",
        "Faro",
    }
    index = PropertyGraphIndex.from_existing(property_graph_store=store, **built)
    retriever = VectorContextRetriever(store, embed_model=embed, include_text=True, similarity_top_k=2, path_depth=1)
    found = index.as_retriever(sub_retrievers=[retriever]).retrieve("Who lives in Porto? Anna?")
    if model == "the memory's":
        assert "Anna -> LIVES_IN -> Porto" in found[0].get_content()
        assert "Anna lives in Porto" in found[0].get_content()
    else:
        assert found
    answer = index.as_query_engine(sub_retrievers=[retriever], llm=MockLLM()).query("Where does Anna live?")
    assert "LIVES_IN" in str(answer)
    synonyms = LLMSynonymRetriever(store, llm=MockLLM(), output_parsing_fn=lambda _: ["Ben"], include_text=False)
    assert "Ben -> LIVES_IN -> Porto" in {hit.get_content() for hit in synonyms.retrieve("?")}
    # What the graph states is found by the memory, too, and a relation to a chunk is not.
    assert "Carla LIVES IN Faro" in {hit.memory for hit in memory.search("Where does Carla live?", 4)}
    assert not [hit for hit in memory.search("SOURCE", 20) if " SOURCE " in hit.memory]
    store.delete_llama_nodes([node.id for node in store.get() if isinstance(node, ChunkNode) and node.text == TEXTS[2]])
    assert {node.id for node in store.get() if isinstance(node, EntityNode)} == {"Anna", "Ben", "Porto"}


def test_an_index_with_vectors_elsewhere(embedded: TreeTextMemory) -> None:
    store, vectors = TreememPropertyGraphStore(embedded), SimpleVectorStore()
    PropertyGraphIndex.from_documents(
        [Document(text=TEXTS[0])],
        storage_context=StorageContext.from_defaults(property_graph_store=store),
        vector_store=vectors,
        llm=MockLLM(),
        embed_model=MockEmbedding(embed_dim=7),
        kg_extractors=[Extractor()],
    )
    assert len(vectors.get("Anna")) == 7
    assert [node.embedding for node in store.get(ids=["Anna", "Porto"])] == [None, None]


def test_vectors(embedded: TreeTextMemory) -> None:
    store = TreememPropertyGraphStore(embedded)
    model = store.embed_model
    store.upsert_nodes([EntityNode(name=name, properties={"n": n}) for n, name in enumerate(("tea", "bread", "river"))])
    asked = VectorStoreQuery(query_embedding=model.get_query_embedding("bread"), similarity_top_k=2)
    nodes, scores = store.vector_query(asked)
    assert (nodes[0].id, scores[0]) == ("bread", pytest.approx(1.0, abs=1e-4))
    asked.filters = MetadataFilters(filters=[MetadataFilter(key="n", value=2)])
    assert [node.id for node in store.vector_query(asked)[0]] == ["river"]
    assert store.vector_query(VectorStoreQuery(query_str="tea", similarity_top_k=1))[0][0].id == "tea"
    assert store.vector_query(VectorStoreQuery()) == ([], [])
    assert store.vector_query(VectorStoreQuery(query_embedding=[1.0, 2.0])) == ([], [])  # of no node
    kept = EntityNode(name="own", embedding=[0.1, 0.2, 0.3])
    store.upsert_nodes([kept, EntityNode(name="far", embedding=[-0.1, 0.2, 0.3])])
    assert store.get(ids=["own"]) == [kept]
    found = store.vector_query(VectorStoreQuery(query_embedding=[0.1, 0.2, 0.3], similarity_top_k=1))
    assert (found[0][0].id, found[1]) == ("own", [pytest.approx(1.0)])
    with pytest.raises(InvalidInputError, match="4 numbers"):
        store.vector_query(VectorStoreQuery(query_embedding=[1.0] * 4))
    with pytest.raises(InvalidInputError, match="get_rel_map"):
        store.structured_query("MATCH (n) RETURN n")


def test_the_model_of_a_memory_serves_other_indexes(embedded: TreeTextMemory) -> None:
    index = VectorStoreIndex([TextNode(text=text) for text in TEXTS], embed_model=TreememEmbedding(embedded))
    assert index.as_retriever(similarity_top_k=1).retrieve("Carla lives in Faro")[0].get_content() == TEXTS[2]


async def test_it_is_asynchronous_and_threads_share_it(memory: TreeTextMemory) -> None:
    store = TreememPropertyGraphStore(memory)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.upsert_nodes([EntityNode(name=f"e{n % 3}", properties={"n": n})]), range(12)))
    await store.aupsert_nodes([ChunkNode(text="x", id_="c")])
    await store.aupsert_relations([Relation(label="R", source_id="e0", target_id="e1")])
    assert len(await store.aget()) == 4
    assert _ids(await store.aget_triplets(["e0"])) == [("e0", "R", "e1")]
    assert _ids(await store.aget_rel_map([EntityNode(name="e1")])) == [("e0", "R", "e1")]
    asked = VectorStoreQuery(query_embedding=await store.embed_model.aget_query_embedding("e2"), similarity_top_k=1)
    assert (await store.avector_query(asked))[0][0].id == "e2"
    await store.adelete(ids=["e0"])
    assert {node.id for node in await store.aget()} == {"e1", "e2", "c"}


def test_odd_values(memory: TreeTextMemory) -> None:
    store = TreememPropertyGraphStore(memory)
    odd = ("\x00", "\ud83d", " ", "", "a" * 5_000, "line\nline", "x" * 200 + "'\"`;--", "MATCH (n) DETACH DELETE n")
    nodes = [EntityNode(name=name, label=name, properties={"v": name, name or "k": [name]}) for name in odd]
    store.upsert_nodes(nodes)
    assert store.get(ids=[node.id for node in nodes]) == nodes
    relations = [Relation(label=name, source_id=name, target_id="a", properties={"v": name}) for name in odd]
    store.upsert_relations(relations)
    assert _dump([relation for _, relation, _ in store.get_triplets(entity_names=["a"])]) == _dump(relations)
    assert [node.id for node in store.get(properties={"v": "\x00"})] == ["\x00"]
    with pytest.raises(InvalidInputError, match="JSON"):
        store.upsert_nodes([EntityNode(name="x", properties={"f": float("inf"), "o": object()})])
    store.delete(relation_names=["\ud83d"])
    assert len(store.get_triplets(entity_names=["a"])) == len(odd) - 1
    assert TreememPropertyGraphStore(memory.for_caller("anna")).get(ids=["\x00"]) == [nodes[0]]
