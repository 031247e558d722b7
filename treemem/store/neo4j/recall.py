"""A recall as parameters of its statement, and the row that comes back as a Subgraph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from treemem.changes import EdgeType, Entity
from treemem.filters import joined, split
from treemem.store.neo4j import filtering, rows
from treemem.store.neo4j.statements import Statement
from treemem.store.protocol import ENTITY, MEMORY, PASSAGE, PASSAGE_TEXT, SOURCE, Recall, Seed, Subgraph, WalkedEdge
from treemem.temporal import BEGINNING, SKEW, Moment

#: How many states an arm looks at, at least. The approximate index finds the true top ones only if it looks at more.
BREADTH = 50
#: How many it looks at over a span of valid time, since a memory may have many states in it.
SPAN_BREADTH = 400
#: How many it looks at where a filter is tested afterwards, which not all will pass.
SELECTIVE_BREADTH = 200
#: How many times as many passages as states an arm looks at: of one long text many may match.
PASSAGES_BREADTH = 4


def moment_parameters(moment: Moment) -> dict[str, Any]:
    """Return the times of a read; what is left open is filled in by the statement."""
    return {
        "now": rows.time(moment.now),
        "latest": rows.time(moment.now + SKEW),
        "valid_at": None if moment.valid_at is None else rows.time(moment.valid_at),
        "known_at": None if moment.known_at is None else rows.time(moment.known_at),
    }


def span_parameters(recall: Recall) -> dict[str, Any]:
    """Return the times of a recall: the moment, and the first and the last time of its span."""
    given = moment_parameters(recall.moment)
    if recall.span is None:
        return {**given, "since": None, "until": None}
    until = recall.span.until
    return {
        **given,
        "since": rows.time(recall.span.since),
        "until": None if until is None else rows.time(max(until - 1, BEGINNING)),
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A recall as its statement, the exact one that stands in when a filter leaves too few seeds, and parameters but
    for those of its times, which `span_parameters` makes of a moment that was read.

    It is `selective` where a filter is tested after the index was asked, which may have found too few that pass.
    """

    statement: Statement
    exact: Statement
    parameters: dict[str, Any]
    selective: bool


def asked(recall: Recall) -> Asked:
    """Return the statements and parameters of a recall; without a filter always the same, so that plans are kept."""
    bounds, rest = split(joined(recall.filter, recall.visible))
    in_index, tests, given = filtering.compiled(bounds, rest)
    parameters = _parameters(recall, bounds.statuses, selective=rest is not None) | given
    shown, parameters = filtering.predicate(recall.visible, beside=parameters)
    # An identity's cache shows one state; a filter, or a span, asks for any.
    cached = "" if recall.visible is None and recall.span is None else " AND false"
    passing = in_index + tests  # what the index can test is tested again beside the rest
    places = {"IN_INDEX": in_index, "FILTER": passing, "VISIBLE": shown, "CACHED": cached}
    exact = Statement("exact_seeds", {"FILTER": passing})
    return Asked(Statement("recall", places), exact, parameters, rest is not None)


def too_few(recall: Recall, asked: Asked, row: dict[str, Any]) -> bool:
    """Return whether the approximate index left fewer seeds than were wanted because a filter was tested after it."""
    found = sum(1 for seed in row["seeds"] if seed[2] == "vector")
    return asked.selective and asked.parameters["vector"] is not None and found < recall.vector_limit


def exactly(row: dict[str, Any], found: list[dict[str, Any]]) -> list[list[Any]]:
    """Return the seeds of a recall with those of the exact statement as its vector arm."""
    return [seed for seed in row["seeds"] if seed[2] != "vector"] + [each["seed"] for each in found]


def _parameters(recall: Recall, statuses: Sequence[str] | None, *, selective: bool) -> dict[str, Any]:
    wanted = [s for s in recall.statuses if statuses is None or s in statuses]
    spanned = SPAN_BREADTH if recall.span is not None else 0
    breadth = max(recall.text_limit, SELECTIVE_BREADTH if selective else 20, spanned)
    scope = rows.scope_token(recall.cube)
    types, listed = recall.types_tested
    return {
        "cube": recall.cube,
        "vector": None if recall.vector is None or not recall.vector_limit else rows.vector(recall.vector),
        "dimension": 0 if recall.vector is None else len(recall.vector),
        "vector_limit": max(recall.vector_limit, spanned) if recall.vector_limit else 0,
        "vector_breadth": max(recall.vector_limit, SELECTIVE_BREADTH if selective else BREADTH, spanned),
        "passage_vector": PASSAGE / 2,  # a score is (1 + cosine) / 2
        "passage_text": PASSAGE_TEXT,
        "text": " ".join(recall.tokens) if recall.tokens and recall.text_limit else None,
        "text_limit": max(recall.text_limit, spanned) if recall.text_limit else 0,
        "text_breadth": breadth,
        "passage_breadth": PASSAGES_BREADTH * breadth,
        "text_statuses": " ".join(scope + "s" + s for s in wanted or ["none"]),
        "passage_statuses": " ".join(scope + "p" + s for s in wanted or ["none"]),
        "scope": scope,
        "statuses": wanted,
        "entity_ids": list(recall.entity_ids),
        "walk_seeds": recall.walk_seeds,
        "hops": recall.hops,
        "fan_out": recall.fan_out,
        "hop_edges": recall.hop_edges,
        "hub_degree": recall.hub_degree,
        "edge_types": types,
        "listed_types": listed,
    }


def cosine(score: float) -> float:
    """Return the cosine behind an index score, which is (1 + cosine) / 2."""
    return max(-1.0, min(1.0, 2.0 * score - 1.0))


def subgraph(row: dict[str, Any], moment: Moment) -> Subgraph:
    """Return the row of a recall as plain data; edges whose ends do not hold are left out."""
    seeds: list[Seed] = []
    versions: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for arm in ("vector", "text"):
        mine = [
            Seed(i, version, arm, cosine(score) if arm == "vector" else score, start, end)
            for i, version, found_by, score, _, start, end in row["seeds"]
            if found_by == arm
        ]
        seeds += sorted(mine, key=lambda s: (-s.score, s.memory_id, s.version))
    for memory_id, version, _, _, memory_type, *_ in row["seeds"]:
        versions[memory_id], kinds[memory_id] = version, memory_type
    for memory_id, version, memory_type in row["memories"]:
        versions[memory_id], kinds[memory_id] = version, memory_type
    named = tuple(Entity(*each) for each in row["named"])
    walked = [Entity(*each) for each in row["entities"]]
    alive = dict.fromkeys(versions, MEMORY)
    alive |= {each.id: ENTITY for each in (*named, *walked)}
    alive |= dict.fromkeys(row["sources"], SOURCE)
    types = {name: EdgeType(name) for name in {edge[0] for edge in row["edges"]}}
    edges = [
        WalkedEdge(types[edge_type], MEMORY + source, alive[target] + target, weight, confidence)
        for edge_type, source, target, weight, confidence in row["edges"]
        if source in versions and target in alive
    ]
    return Subgraph(
        *moment.pin(row["clock"]),
        tuple(seeds),
        tuple(sorted(named, key=lambda e: e.id)),
        tuple(sorted(walked, key=lambda e: e.id)),
        tuple(sorted(edges)),
        versions,
        kinds,
    )
