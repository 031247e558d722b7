"""One search: question -> recall -> rank -> texts -> hits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from treemem.canonical import Vector
from treemem.changes import Model, State
from treemem.contents import item_of
from treemem.filters import Filter, passes, split
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
    filter: Filter | None = None,
    visible: Filter | None = None,
    statuses: Sequence[str] = LIVE,
    options: SearchOptions,
) -> SearchResult:
    """Return the `top_k` best memories for a question whose vector is given."""
    started = time.perf_counter()
    ask = asked(
        cube,
        question,
        vector,
        moment,
        model,
        filter=filter,
        visible=visible,
        statuses=statuses,
        options=options,
        k=top_k,
    )
    ranked: list[Ranked] = []
    ranking = 0.0

    def pick(found: Subgraph) -> list[tuple[str, int]]:
        nonlocal ranked, ranking
        begun = time.perf_counter()
        ranked = enough(rank(found, options, edge_boosts(question)), found, filter, top_k)
        ranking = time.perf_counter() - begun
        return [(r.memory_id, r.version) for r in ranked]

    found, states = store.recall(ask, pick)
    read = time.perf_counter() - started - ranking
    hits = hits_of(cube, found, ranked, [s for s in states if passes(filter, s)])[:top_k]
    return SearchResult(
        hits,
        as_of=from_micros(found.valid_at),
        known_at=from_micros(found.known_at),
        timings={"read": read, "rank": ranking},
    )


def asked(
    cube: str,
    question: str,
    vector: Vector,
    moment: Moment,
    model: Model | None,
    *,
    filter: Filter | None,
    visible: Filter | None,
    statuses: Sequence[str],
    options: SearchOptions,
    k: int,
) -> Recall:
    """Return the recall that looks for `k` answers to a question in a cube."""
    return Recall(
        cube=cube,
        moment=moment,
        vector=vector,
        tokens=tuple(distinct(analyse(question))[:MAX_QUESTION_TOKENS]),
        entity_ids=question_entity_ids(cube, question) if options.hops else (),
        statuses=tuple(statuses),
        filter=filter,
        visible=visible,
        vector_limit=max(options.vector_limit, min(k, 1_000)) if options.vector_limit else 0,
        text_limit=options.text_limit,
        walk_seeds=options.walk_seeds,
        hops=options.hops,
        fan_out=options.fan_out,
        hub_degree=options.hub_degree,
        edge_types=options.edge_types,
        model=model,
    )


def enough(ranked: Iterator[Ranked], found: Subgraph, filter: Filter | None, top_k: int) -> list[Ranked]:
    """Return the best memories, `top_k` of which are known to pass the filter: the seeds were tested by the store."""
    types = split(filter)[0].memory_types
    sure = {seed.memory_id for seed in found.seeds}
    chosen: list[Ranked] = []
    passed = 0
    for each in ranked:
        if types is not None and found.kinds[each.memory_id] not in types:
            continue
        chosen.append(each)
        passed += filter is None or each.memory_id in sure
        if passed == top_k:
            break
    return chosen


def hits_of(cube: str, found: Subgraph, ranked: Sequence[Ranked], states: Sequence[State]) -> tuple[SearchHit, ...]:
    """Return the ranked memories of a cube whose states were read as hits, in order."""
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
                cube_id=cube,
                memory=item.memory,
                metadata=item.metadata,
                score=each.score,
                similarity=each.similarity,
                arms=dict(each.arms),
                path=path_steps(each.path, names),
            )
        )
    return tuple(hits)
