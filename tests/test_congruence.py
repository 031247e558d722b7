"""The two stores give the same answers on random graphs: seeds, walks and ranks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import started_server
from tests.helpers import DIMENSION, FakeClock, HashEmbedder, day, fresh_cube
from treemem import SearchOptions, TreeTextMemory
from treemem.search.rank import rank
from treemem.store.protocol import Recall
from treemem.temporal import Moment, to_micros
from treemem.text import analyse

pytestmark = pytest.mark.neo4j

WORDS = "garden river bread winter music station letter bridge coffee window market doctor story island paper".split()
NAMES = "Annabeth Benno Cleona Dorabel Emilian Fayette Gustava".split()
TYPES = ("CAUSES", "FOLLOWS", "RELATES_TO", "CONTRADICTS", "SUPERSEDES")


def grow(memory: TreeTextMemory, seed: int) -> None:
    """A random graph with names, edges, updates and deletions."""
    rng = np.random.default_rng(seed)
    n = 120
    for i in range(n):
        words = [WORDS[j] for j in rng.integers(len(WORDS), size=6)] + [NAMES[int(rng.integers(len(NAMES)))]]
        memory.add({"id": f"m{i:03d}", "memory": " ".join(words)}, at=day(int(rng.integers(60))))
    for _ in range(150):
        a, b = rng.integers(n, size=2)
        if a != b:
            kind = TYPES[int(rng.integers(len(TYPES)))]
            weight = round(float(rng.random()), 1)
            memory.link(f"m{a:03d}", kind, f"m{b:03d}", weight=weight, at=day(int(rng.integers(80))))
    for i in rng.choice(n, 25, replace=False):
        words = " ".join(WORDS[j] for j in rng.integers(len(WORDS), size=6))
        memory.update(f"m{i:03d}", words + " " + NAMES[int(rng.integers(len(NAMES)))], at=day(80))
    memory.delete([f"m{i:03d}" for i in rng.choice(n, 10, replace=False)])


@pytest.fixture(scope="module", params=[1, 2])
def twins(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, neo4j_uri: str
) -> tuple[TreeTextMemory, TreeTextMemory]:
    cube = fresh_cube("twin")
    found = []
    for location in (str(Path(tmp_path_factory.mktemp("twin")) / "memory.db"), neo4j_uri):
        memory = TreeTextMemory.open(location, cube=cube, embedder=HashEmbedder(), clock=FakeClock())
        grow(memory, request.param)
        found.append(memory)
    yield (found[0], found[1])
    for memory in found:
        memory.close()


QUESTIONS = (
    "music of Annabeth",
    "Benno and the river",
    "winter coffee",
    "what did Dorabel and Emilian do on the island?",
    "Gustava",
)
MOMENTS = (None, 30, 70, 100)


def recall_of(memory: TreeTextMemory, question: str, as_of: int | None, **bounds: int) -> Recall:
    from treemem.ingest.entities import question_entity_ids

    vector = HashEmbedder().embed([question])[0]
    return Recall(
        cube=memory.cube_id,
        moment=Moment(to_micros(day(500)), None if as_of is None else to_micros(day(as_of))),
        vector=vector,
        tokens=tuple(analyse(question)),
        entity_ids=question_entity_ids(memory.cube_id, question),
        **bounds,
    )


def test_contents_are_equal(twins: tuple[TreeTextMemory, TreeTextMemory]) -> None:
    one, two = twins
    assert one.content_hash() == two.content_hash()
    assert one.get_all() == two.get_all()


@pytest.mark.parametrize("as_of", MOMENTS)
@pytest.mark.parametrize("bounds", [{}, {"fan_out": 4}, {"hub_degree": 15}, {"hops": 1}, {"hop_edges": 20}])
def test_the_same_seeds_walk_the_same_graph(
    twins: tuple[TreeTextMemory, TreeTextMemory], as_of: int | None, bounds: dict[str, int]
) -> None:
    """With the vector arm wide enough to be exact and no text arm, both stores return the same rows."""
    for question in QUESTIONS:
        found = []
        for memory in twins:
            ask = recall_of(memory, question, as_of, vector_limit=20, text_limit=0, **bounds)
            subgraph, _ = memory.store.recall(ask, lambda _: [])
            found.append(subgraph)
        one, two = found
        assert [s.memory_id for s in one.seeds] == [s.memory_id for s in two.seeds]
        assert np.allclose([s.score for s in one.seeds], [s.score for s in two.seeds], atol=1e-5)
        assert (one.entities, one.walked_entities) == (two.entities, two.walked_entities)
        assert one.edges == two.edges
        assert dict(one.versions) == dict(two.versions)
        assert dict(one.kinds) == dict(two.kinds)
        ranks = [[(r.memory_id, r.score) for r in rank(s, SearchOptions())] for s in found]
        assert [i for i, _ in ranks[0]] == [i for i, _ in ranks[1]]
        assert np.allclose([s for _, s in ranks[0]], [s for _, s in ranks[1]], atol=1e-4)


@pytest.fixture(scope="module")
def server_of_its_own(tmp_path_factory: pytest.TempPathFactory, neo4j_uri: str) -> Iterator[str]:
    """A server with no other cube: Lucene counts how rare a word is over the whole database."""
    yield from started_server(tmp_path_factory.mktemp("text"))


@pytest.mark.slow
def test_the_text_arms_agree_on_the_top(server_of_its_own: str, tmp_path: Path) -> None:
    """Lucene rounds the lengths of texts, so near ties may swap; what is on top is as good."""
    cube = fresh_cube("text")
    found = []
    for location in (str(tmp_path / "memory.db"), server_of_its_own):
        with TreeTextMemory.open(location, cube=cube, embedder=HashEmbedder(), clock=FakeClock()) as memory:
            grow(memory, 1)
            asked = [recall_of(memory, question, None, vector_limit=0) for question in QUESTIONS]
            found.append([memory.store.recall(ask, lambda _: [])[0].seeds for ask in asked])
    for question, one, two in zip(QUESTIONS, *found, strict=True):
        exact = {s.memory_id: s.score for s in one}
        top = [(s.memory_id, exact.get(s.memory_id, 0.0), s.score) for s in two[:3]]
        assert all(score >= 0.9 * one[2].score for _, score, _ in top), (question, one[:3], top)


def test_approximate_neighbours_are_the_exact_ones(twins: tuple[TreeTextMemory, TreeTextMemory]) -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(40, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    moment = Moment(to_micros(day(500)))
    exact, found = (m.store.neighbours(m.cube_id, list(vectors), 10, moment) for m in twins)
    overlap = [len({i for i, _ in a} & {i for i, _ in b}) / 10 for a, b in zip(exact, found, strict=True)]
    assert sum(overlap) / len(overlap) >= 0.99
