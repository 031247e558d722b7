"""One search over several cubes: a recall in each, one ranking over all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from treemem.changes import State
from treemem.contents import is_label
from treemem.errors import InvalidInputError
from treemem.filters import passes
from treemem.search.budget import degrading
from treemem.search.engine import account, hits_of, ranking_of, settled_of
from treemem.search.question import Question
from treemem.search.rank import Ranked
from treemem.search.results import SearchHit, SearchResult
from treemem.search.union import beside_words, filled, for_words
from treemem.store.protocol import Node, ReadStore, Seed, Subgraph, WalkedEdge
from treemem.temporal import Moment, format_micros, from_micros, present

_BETWEEN = "/"  # no character of an id


def search(store: ReadStore, cubes: Sequence[str], question: Question) -> SearchResult:
    """Return the memories of all the cubes together that answer best, as many as `question.shown`.

    Scores are normalised over all of them. Each cube is read in a transaction of its own, at the same valid time. Where
    no `known_at` is given each is read as known by its own clock; one before a cube's last change is the same moment
    for all. What supersedes what is told within each cube.
    """
    whole, states = _searched(store, cubes, question)
    if not beside_words(states):
        return whole
    return filled(_searched(store, cubes, for_words(question))[0], whole, question.shown)


def _searched(store: ReadStore, cubes: Sequence[str], question: Question) -> tuple[SearchResult, list[State]]:
    started = time.perf_counter()
    found: dict[str, Subgraph] = {}
    notes: list[str] = []
    moments = _moments(store, cubes, question.moment)
    for left, (cube, at) in zip(range(len(moments), 0, -1), moments.items(), strict=True):
        found[cube], more = _recalled(store, cube, question, at, 1 / left)
        notes += [f"{cube}: {note}" for note in more]
    whole = _joined(found, question.moment)
    read = time.perf_counter() - started
    ranked = ranking_of(whole, question)
    ranking = time.perf_counter() - started - read
    hits: list[SearchHit] = []
    read_states: list[State] = []
    for cube, part in found.items():
        mine = [r._replace(memory_id=r.memory_id.partition(_BETWEEN)[2], path=_bare(r)) for r in ranked if _in(r, cube)]
        states = store.versions(cube, [(r.memory_id, r.version) for r in mine], vectors=question.vectors)
        held = [s for s in states if passes(question.filter, s) and not is_label(s.fields)]
        read_states += held
        scale = max((r.score for r in mine), default=1.0)
        for hit in hits_of(cube, question, part, settled_of(question, mine, held, part), held):
            hits.append(hit.model_copy(update={"score": hit.score * scale}))
    hits.sort(key=lambda hit: -hit.score)
    timings = {"read": time.perf_counter() - started - ranking, "rank": ranking}
    best = tuple(hits[: question.shown])
    result = SearchResult(
        best,
        as_of=from_micros(whole.valid_at),
        known_at=from_micros(whole.known_at),
        when=question.target.reading,
        timings=timings,
        explanation=account(question, whole, best, len(ranked), timings) if question.explain else None,
        degraded=tuple(notes),
    )
    return result, read_states


def _recalled(
    store: ReadStore, cube: str, question: Question, at: Moment, share: float
) -> tuple[Subgraph, tuple[str, ...]]:
    def ask(hops: int, seconds: float | None) -> Subgraph:
        return store.recall(question.recall(cube, at, hops, seconds), lambda _: [])[0]

    return degrading(ask, question.options.hops, question.deadline, share)


def _moments(store: ReadStore, cubes: Sequence[str], moment: Moment) -> dict[str, Moment]:
    """Return the moment of each cube that exists."""
    found = [store.cube(cube) for cube in cubes]
    clocks = {info.id: info.clock for info in found if info is not None}
    if not clocks:
        return {}
    latest = max(clocks.values())
    if moment.known_at is not None and moment.known_at > latest:
        raise InvalidInputError(
            f"known_at: {format_micros(moment.known_at)} lies after the last change of all the cubes "
            f"({format_micros(latest)}); leave known_at out to read what is known now"
        )
    valid_at = present(moment.now, latest) if moment.valid_at is None else moment.valid_at
    return {
        cube: Moment(moment.now, valid_at, None if moment.known_at is None else min(moment.known_at, clock))
        for cube, clock in sorted(clocks.items())
    }


def _joined(found: dict[str, Subgraph], moment: Moment) -> Subgraph:
    """Return the subgraphs as one; nodes are told apart by their cube."""
    seeds: list[Seed] = []
    edges: list[WalkedEdge] = []
    versions: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for cube, part in found.items():
        mark = cube + _BETWEEN
        seeds += [seed._replace(memory_id=mark + seed.memory_id) for seed in part.seeds]
        edges += [e._replace(source=_marked(e.source, mark), target=_marked(e.target, mark)) for e in part.edges]
        versions |= {mark + i: version for i, version in part.versions.items()}
        kinds |= {mark + i: kind for i, kind in part.kinds.items()}
    parts = list(found.values())
    now = moment.now
    return Subgraph(
        max((p.valid_at for p in parts), default=now),
        max((p.known_at for p in parts), default=now),
        tuple(sorted(seeds, key=lambda s: (s.arm != "vector", -s.score, s.memory_id))),
        tuple(replace(e, id=c + _BETWEEN + e.id) for c, p in found.items() for e in p.entities),
        tuple(replace(e, id=c + _BETWEEN + e.id) for c, p in found.items() for e in p.walked_entities),
        tuple(edges),
        versions,
        kinds,
    )


def _marked(node: Node, mark: str) -> Node:
    return node[:2] + mark + node[2:]


def _bare(ranked: Ranked) -> tuple[WalkedEdge, ...]:
    """Return a path with the nodes' own ids."""
    return tuple(e._replace(source=_unmarked(e.source), target=_unmarked(e.target)) for e in ranked.path)


def _unmarked(node: Node) -> Node:
    return node[:2] + node.partition(_BETWEEN)[2]


def _in(ranked: Ranked, cube: str) -> bool:
    return ranked.memory_id.partition(_BETWEEN)[0] == cube
