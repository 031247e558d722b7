"""One search: question -> recall -> rank -> texts -> hits."""

from __future__ import annotations

import time
from collections.abc import Sequence

from treemem.canonical import Vector
from treemem.changes import NodeKind
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
        hops=options.hops,
        fan_out=options.fan_out,
        hub_degree=options.hub_degree,
        edge_types=options.edge_types,
    )
    found = store.recall(ask)
    recalled = time.perf_counter()
    ranked = [r for r in rank(found, options, edge_boosts(question)) if _wanted(found, r, memory_types)][:top_k]
    ordered = time.perf_counter()
    hits = _hits(store, cube, found, ranked)
    done = time.perf_counter()
    return SearchResult(
        hits,
        as_of=from_micros(found.valid_at),
        known_at=from_micros(found.known_at),
        timings={"recall": recalled - started, "rank": ordered - recalled, "texts": done - ordered},
    )


def _wanted(found: Subgraph, ranked: Ranked, memory_types: Sequence[str] | None) -> bool:
    return memory_types is None or found.kinds[ranked.memory_id] in memory_types


def _hits(store: GraphStore, cube: str, found: Subgraph, ranked: Sequence[Ranked]) -> tuple[SearchHit, ...]:
    if not ranked:
        return ()
    states = {s.memory_id: s for s in store.versions(cube, [(r.memory_id, r.version) for r in ranked])}
    wanted = {
        node for r in ranked for edge in r.path for kind, node in (edge.source, edge.target) if kind is NodeKind.ENTITY
    }
    names = {e.id: e.name for e in found.entities}
    names |= {e.id: e.name for e in found.walked_entities if e.id in wanted}
    hits = []
    for each in ranked:
        state = states.get(each.memory_id)
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
