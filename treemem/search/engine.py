"""One search: question -> recall -> rank -> texts -> hits."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from treemem.canonical import Vector
from treemem.changes import Model, State
from treemem.contents import item_of
from treemem.read.entities import question_entity_ids
from treemem.search.options import SearchOptions
from treemem.search.question import edge_boosts
from treemem.search.rank import Ranked, rank
from treemem.search.results import SearchHit, SearchResult, path_steps
from treemem.store.protocol import LIVE, GraphStore, Recall, Subgraph
from treemem.temporal import Moment, from_micros
from treemem.text import analyse, distinct

MAX_QUESTION_TOKENS = 64


def search(
    store: GraphStore,
    cube: str,
    question: str,
    vector: Vector,
    moment: Moment,
    *,
    top_k: int,
    model: Model | None = None,
    memory_types: Sequence[str] | None = None,
    statuses: Sequence[str] = LIVE,
    options: SearchOptions,
) -> SearchResult:
    """Return the `top_k` best memories for a question whose vector is given."""
    started = time.perf_counter()
    ask = Recall(
        cube=cube,
        moment=moment,
        vector=vector,
        tokens=tuple(distinct(analyse(question))[:MAX_QUESTION_TOKENS]),
        entity_ids=question_entity_ids(cube, question) if options.hops else (),
        statuses=tuple(statuses),
        memory_types=None if memory_types is None else tuple(memory_types),
        vector_limit=max(options.vector_limit, min(top_k, 1_000)) if options.vector_limit else 0,
        text_limit=options.text_limit,
        walk_seeds=options.walk_seeds,
        hops=options.hops,
        fan_out=options.fan_out,
        hub_degree=options.hub_degree,
        edge_types=options.edge_types,
        model=model,
    )
    ranked: list[Ranked] = []
    ranking = 0.0

    def pick(found: Subgraph) -> list[tuple[str, int]]:
        nonlocal ranked, ranking
        begun = time.perf_counter()
        best = (r for r in rank(found, options, edge_boosts(question)) if _wanted(found, r, memory_types))
        ranked = list(itertools.islice(best, top_k))
        ranking = time.perf_counter() - begun
        return [(r.memory_id, r.version) for r in ranked]

    found, states = store.recall(ask, pick)
    read = time.perf_counter() - started - ranking
    hits = _hits(found, ranked, states)
    return SearchResult(
        hits,
        as_of=from_micros(found.valid_at),
        known_at=from_micros(found.known_at),
        timings={"read": read, "rank": ranking},
    )


def _wanted(found: Subgraph, ranked: Ranked, memory_types: Sequence[str] | None) -> bool:
    return memory_types is None or found.kinds[ranked.memory_id] in memory_types


def _hits(found: Subgraph, ranked: Sequence[Ranked], states: Sequence[State]) -> tuple[SearchHit, ...]:
    by_id = {s.memory_id: s for s in states}
    names = {e.id: e.name for e in (*found.entities, *found.walked_entities)}
    hits = []
    for each in ranked:
        state = by_id.get(each.memory_id)
        if state is None:
            continue  # purged between the two statements
        item = item_of(state)
        hits.append(
            SearchHit(
                id=item.id,
                memory=item.memory,
                metadata=item.metadata,
                score=each.score,
                similarity=each.similarity,
                arms=dict(each.arms),
                path=path_steps(each.path, names),
            )
        )
    return tuple(hits)
