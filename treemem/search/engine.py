"""One search: question -> recall -> rank -> texts -> settle -> hits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from treemem.changes import State
from treemem.contents import is_label, parts_of
from treemem.filters import passes, split
from treemem.ingest.entities import meant
from treemem.ingest.statements import Statement
from treemem.search.budget import degrading
from treemem.search.explain import Explanation, Stage
from treemem.search.options import MAX_TOP_K
from treemem.search.order import ordered
from treemem.search.priors import weighed
from treemem.search.question import BEYOND, Question, asks_the_assistant, asks_what_was_asked, edge_boosts
from treemem.search.rank import Ranked, rank
from treemem.search.results import SearchHit, SearchResult, path_steps
from treemem.search.settle import Settled, settle
from treemem.search.target import chosen, trimmed
from treemem.search.union import beside_words, filled, for_words
from treemem.store.protocol import ReadStore, Subgraph
from treemem.temporal import from_micros


def search(store: ReadStore, cube: str, question: Question) -> SearchResult:
    """Return the memories of a cube that answer a question best, as many as `question.shown`."""
    whole, states = _searched(store, cube, question)
    if not beside_words(states):
        return whole
    return filled(_searched(store, cube, for_words(question))[0], whole, question.shown)


def _searched(store: ReadStore, cube: str, question: Question) -> tuple[SearchResult, list[State]]:
    started = time.perf_counter()

    def ask(hops: int, seconds: float | None) -> tuple[Subgraph, list[State], Picker]:
        picker = Picker(question)
        return *store.recall(question.recall(cube, question.moment, hops, seconds), picker), picker

    (found, states, picker), notes = degrading(ask, question.options.hops, question.deadline)
    read = time.perf_counter() - started - picker.seconds
    begun = time.perf_counter()
    held = [s for s in states if passes(question.filter, s) and not is_label(s.fields)]
    hits = hits_of(cube, question, found, settled_of(question, picker.ranked, held, found)[: question.shown], held)
    timings = {"read": read, "rank": picker.seconds, "settle": time.perf_counter() - begun}
    result = SearchResult(
        hits,
        as_of=from_micros(found.valid_at),
        known_at=from_micros(found.known_at),
        when=question.target.reading,
        timings=timings,
        explanation=account(question, found, hits, len(picker.ranked), timings) if question.explain else None,
        degraded=notes,
    )
    return result, held


class Picker:
    """Ranks what a store found and tells it which states to read; keeps the ranking and the seconds it took."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.ranked: list[Ranked] = []
        self.seconds = 0.0

    def __call__(self, found: Subgraph) -> list[tuple[str, int]]:
        """Return (memory id, version) of the best memories, best first."""
        begun = time.perf_counter()
        self.ranked = ranking_of(found, self._question)
        self.seconds = time.perf_counter() - begun
        return [(r.memory_id, r.version) for r in self.ranked]


def account(
    question: Question, found: Subgraph, hits: tuple[SearchHit, ...], ranked: int, timings: Mapping[str, float]
) -> Explanation:
    """Return what each stage of a search did."""
    arms = Counter(seed.arm for seed in found.seeds)
    sizes = {
        "read": {
            "vector seeds": arms["vector"],
            "text seeds": arms["text"],
            "names in the question": len(found.entities),
            "memories": len(found.versions),
            "names": len(found.walked_entities),
            "edges": len(found.edges),
        },
        "rank": {"memories read": ranked},
        "settle": {
            "hits": len(hits),
            "superseded": sum(hit.superseded_by is not None for hit in hits),
            "may be superseded": sum(hit.may_supersede is not None for hit in hits),
            "contradicted": sum(bool(hit.contradicts) for hit in hits),
        },
    }
    stages = tuple(Stage(name, seconds, sizes.get(name, {})) for name, seconds in timings.items())
    return Explanation(question.text, question.target.reading, question.options, stages, found, hits)


def settled_of(question: Question, ranked: Sequence[Ranked], held: Sequence[State], found: Subgraph) -> list[Settled]:
    """Return the ranked memories of a cube whose states were read in their final order."""
    now = found.valid_at if question.moment.valid_at is not None else question.moment.now
    options = question.options
    if asks_the_assistant(question.text):
        options = replace(options, assistant_weight=0.0)
    if asks_what_was_asked(question.text):
        options = replace(options, question_weight=0.0)
    statements = {s.memory_id: Statement.of(s) for s in held}
    best = weighed(ranked, held, statements, options, now, question.conversation, question.text)
    best = ordered(best, held, statements, found.edges, question.text, options)[: question.pool]
    kept = {r.memory_id for r in best}
    return settle(
        question.text,
        best,
        [s for s in held if s.memory_id in kept],
        {i: each for i, each in statements.items() if i in kept},
        found.edges,
        question.target,
        compared=question.options.supersession,
        together=question.together,
    )


def ranking_of(found: Subgraph, question: Question) -> list[Ranked]:
    """Return the best memories of a subgraph, as many as are read."""
    found = trimmed(found, question.target, question.arm_limits)
    found = replace(found, entities=meant(question.text, found.entities))
    ranked = rank(found, question.options, edge_boosts(question.text), chosen(found, question.target))
    return _enough(ranked, found, question)


def _enough(ranked: Iterator[Ranked], found: Subgraph, question: Question) -> list[Ranked]:
    """Return the best memories, as many as wanted of which are known to pass the filter: the store tested the seeds.

    No more of a memory type than its limit, and some to take the place of others.
    """
    types = split(question.filter)[0].memory_types
    sure = {seed.memory_id for seed in found.seeds}
    seen: Counter[str] = Counter()
    best: list[Ranked] = []
    passed = 0
    for each in ranked:
        kind = found.kinds[each.memory_id]
        seen[kind] += 1
        if (types is not None and kind not in types) or seen[kind] > question.limits.get(kind, MAX_TOP_K) + BEYOND:
            continue
        best.append(each)
        passed += question.filter is None or each.memory_id in sure
        if passed == question.candidates:
            break
    return best


def hits_of(
    cube: str, question: Question, found: Subgraph, settled: Sequence[Settled], states: Sequence[State]
) -> tuple[SearchHit, ...]:
    """Return settled memories of a cube as hits, in order."""
    by_id = {s.memory_id: s for s in states}
    names = {e.id: e.name for e in (*found.entities, *found.walked_entities)}
    hits = []
    for each in settled:
        ranked = each.ranked
        hits.append(
            SearchHit(
                **parts_of(by_id[ranked.memory_id]),
                cube_id=cube,
                score=ranked.score,
                similarity=ranked.similarity,
                arms=dict(ranked.arms),
                path=path_steps(ranked.path, names),
                superseded_by=each.superseded_by,
                may_supersede=each.may_supersede,
                contradicts=each.contradicts,
                asked=question.text,
            )
        )
    return tuple(hits)
