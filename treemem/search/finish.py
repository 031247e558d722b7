"""What is done with the hits of a search before they are handed out: rerank, spread, bound, cut.

Each stage takes hits, best first, and returns hits, best first.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from treemem.errors import RerankerError
from treemem.search.explain import Stage
from treemem.search.results import SearchHit, SearchResult

if TYPE_CHECKING:
    from treemem.models.rerankers import Reranker
    from treemem.search.options import SearchOptions

log = logging.getLogger("treemem.search")
Hits = tuple[SearchHit, ...]
Key = tuple[str | None, str]
Dedup = Literal["none", "similarity", "mmr"]
DEDUPS: tuple[Dedup, ...] = ("none", "similarity", "mmr")
#: What the last of the reranked hits is worth beside the first.
LEAST = 0.1


@dataclass(frozen=True, slots=True)
class Finish:
    """What is asked of the hits. `limits` is how many of a memory type there may be at most."""

    top_k: int
    dedup: Dedup = "none"
    limits: Mapping[str, int] | None = None


def finished(
    result: SearchResult,
    question: str,
    wanted: Finish,
    options: SearchOptions,
    reranker: Reranker | None = None,
    deadline: float | None = None,
) -> SearchResult:
    """Return a result with its hits reranked, spread, bounded and cut; `deadline` is a time of `time.perf_counter`."""
    hits, notes, stages = result.hits, list(result.degraded), []
    if reranker is not None and options.rerank:
        started = time.perf_counter()
        hits, note = reranked(hits, question, reranker, options.rerank, deadline)
        notes += [note] if note else []
        stages.append(Stage("rerank", time.perf_counter() - started, {"reranked": min(len(hits), options.rerank)}))
    started = time.perf_counter()
    before = len(hits)
    hits = limited(hits, wanted.limits or {})
    hits = spread(hits, wanted.top_k, wanted.dedup, options)
    sizes = {"left out": before - len(hits), "hits": min(len(hits), wanted.top_k)}
    stages.append(Stage("finish", time.perf_counter() - started, sizes))
    hits = tuple(_without_vector(hit) for hit in hits[: wanted.top_k])
    return replace(
        result,
        hits=hits,
        degraded=tuple(notes),
        timings={**result.timings, **{stage.name: stage.seconds for stage in stages}},
        explanation=result.explanation and result.explanation.finished(stages, hits),
    )


def reranked(
    hits: Hits, question: str, reranker: Reranker, count: int, deadline: float | None = None
) -> tuple[Hits, str | None]:
    """Return the hits with the first `count` in the reranker's order, and what went wrong, if something did.

    Scores are the reranker's, min-max normalised to [0.1, 1]. A newer memory stays before the one it supersedes.
    """
    first, rest = hits[:count], hits[count:]
    if len(first) < 2:
        return hits, None
    if deadline is not None and time.perf_counter() >= deadline:
        return hits, f"no time left for reranker {reranker.name}; the order is that of the search"
    from treemem.models.rerankers import checked_scores

    try:
        scores = checked_scores(reranker, question, [hit.memory for hit in first])
    except RerankerError as error:  # whatever a model of the user's raises, the search has an answer without it
        log.warning("%s", error)
        return hits, f"{error}; the order is that of the search"
    low, high = min(scores), max(scores)
    scale = (1 - LEAST) / (high - low) if high > low else 0.0
    scored = [hit.model_copy(update={"score": 1 - (high - s) * scale}) for hit, s in zip(first, scores, strict=True)]
    scored.sort(key=lambda hit: -hit.score)  # stable: alike ones keep the order of the search
    after = [hit.model_copy(update={"score": hit.score * LEAST}) for hit in rest]
    return kept_in_time((*scored, *after), ahead(hits)), None


def ahead(hits: Hits) -> dict[Key, Key]:
    """Return what supersedes each hit, or may, where the search put it first."""
    place = {_key(hit): i for i, hit in enumerate(hits)}
    newer = {_key(hit): (hit.cube_id, by) for hit in hits if (by := hit.superseded_by or hit.may_supersede)}
    return {older: by for older, by in newer.items() if place.get(by, len(hits)) < place[older]}


def kept_in_time(hits: Hits, ahead: Mapping[Key, Key]) -> Hits:
    """Return the hits with each newer one right before the older that it stood before."""
    order = list(hits)
    for older, newer in ahead.items():
        place = {_key(hit): i for i, hit in enumerate(order)}
        if place[newer] > place[older]:
            first = order.pop(place[newer]).model_copy(update={"score": order[place[older]].score})
            order.insert(place[older], first)
    return tuple(order)


def _key(hit: SearchHit) -> Key:
    return hit.cube_id, hit.id


def limited(hits: Hits, limits: Mapping[str, int]) -> Hits:
    """Return the hits with at most so many of each memory type that `limits` names."""
    seen: Counter[str] = Counter()
    kept = []
    for hit in hits:
        kind = hit.metadata.memory_type
        seen[kind] += 1
        if seen[kind] <= limits.get(kind, len(hits)):
            kept.append(hit)
    return tuple(kept)


def spread(hits: Hits, wanted: int, dedup: Dedup, options: SearchOptions) -> Hits:
    """Return the hits without those that repeat others: `similarity` leaves out those alike, `mmr` weighs.

    Maximal marginal relevance: Carbonell and Goldstein, 1998. What supersedes a hit is chosen before it.
    """
    if dedup == "none" or len(hits) < 2:
        return hits
    vectors = np.array([_vector(hit) for hit in hits])
    alike = vectors @ vectors.T
    if dedup == "similarity":
        kept: list[int] = []
        for i in range(len(hits)):
            if all(alike[i, j] < options.same for j in kept):
                kept.append(i)
        return tuple(hits[i] for i in kept)
    return tuple(hits[i] for i in _mmr(hits, alike, wanted, options.mmr_relevance))


def _mmr(hits: Hits, alike: np.ndarray, wanted: int, relevance: float) -> Sequence[int]:
    """Return the places of the hits chosen, in order."""
    scores = np.array([hit.score for hit in hits])
    place = {_key(hit): i for i, hit in enumerate(hits)}
    waits = {place[older]: place[newer] for older, newer in ahead(hits).items()}
    left, chosen = set(range(len(hits))), [0]
    left.discard(0)
    while left and len(chosen) < wanted:
        nearest = alike[:, chosen].max(axis=1)
        worth = relevance * scores - (1 - relevance) * nearest
        free = [i for i in left if waits.get(i) not in left]
        best = max(free, key=lambda i: (worth[i], -i))
        chosen.append(best)
        left.discard(best)
    return chosen


def _vector(hit: SearchHit) -> list[float]:
    embedding = hit.metadata.embedding
    assert embedding is not None, "hits are read with their vectors where they are compared"
    return embedding


def _without_vector(hit: SearchHit) -> SearchHit:
    if hit.metadata.embedding is None:
        return hit
    return hit.model_copy(update={"metadata": hit.metadata.model_copy(update={"embedding": None})})
