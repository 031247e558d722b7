"""From a subgraph to ranked memories: arms summed, personalised PageRank, and the path that led to each."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from treemem.changes import EdgeType
from treemem.search.network import Network, Paths, is_title
from treemem.search.options import SearchOptions
from treemem.store.protocol import ENTITY, MEMORY, Node, Seed, Subgraph, WalkedEdge

ASKED_FOR = 0.2  # what a memory gains at an edge of a type that the question asks for, on the scale of log scores
#: Of the best memory's PageRank, what a seed has that the walk does not reach; in a conversation, where that only says
#: that it was said at another time; and the same in a talk with an assistant, whose turns may be about anything.
UNREACHED, UNREACHED_IN_TALK, UNREACHED_BY_ASSISTANT = 1e-6, 1e-3, 1e-2
#: What a seed gains of the text score of a message right before or behind it.
BESIDE = 0.2
#: The least that the best score of an arm is taken for: a cosine of less is that of any two texts.
LEAST = 0.1
#: From which weight on a FOLLOWS joins what people say to each other.
CLOSE = 0.4


class Ranked(NamedTuple):
    """A memory with its score in [0, 1], its rank in each seed arm, and the edges that led to it from a seed."""

    memory_id: str
    version: int
    score: float
    arms: Mapping[str, int]
    similarity: float | None
    path: tuple[WalkedEdge, ...]


def rank(
    subgraph: Subgraph,
    options: SearchOptions,
    boosts: Mapping[EdgeType, float] | None = None,
    versions: Mapping[str, int] | None = None,
) -> Iterator[Ranked]:
    """Yield the memories of the subgraph, best first; ties are broken by id.

    `boosts` multiplies what edges of a type are worth; `versions` says which state of each memory is meant, where the
    subgraph holds several.
    """
    seeded = arm_sum(subgraph.seeds, options)
    meant = subgraph.versions if versions is None else versions
    similar: dict[str, float] = {}
    for seed in subgraph.seeds:
        if seed.arm == "vector":
            similar[seed.memory_id] = max(seed.score, similar.get(seed.memory_id, -1.0))
    if not _anchored(similar, subgraph.seeds, options):
        return
    restart = _restart(seeded, subgraph, options)
    network = Network(subgraph.edges, restart, boosts or {})
    raw = _raw_scores(subgraph, _beside(seeded, subgraph, options), network, options)
    for memory_id in _at(subgraph.edges, boosts) if boosts else ():
        if memory_id in raw:
            raw[memory_id] += ASKED_FOR
    paths = Paths(network)
    arms = _arm_ranks(subgraph.seeds)
    first: float | None = None
    for memory_id in _descending(raw):
        first = raw[memory_id] if first is None else first
        path = paths.to(MEMORY + memory_id)
        if _near(memory_id, similar, path, options):
            score = math.exp(raw[memory_id] - first)
            yield Ranked(
                memory_id,
                meant[memory_id],
                score,
                arms.get(memory_id, {}),
                similar.get(memory_id),
                path,
            )


def _descending(scores: Mapping[str, float]) -> Iterator[str]:
    """Yield ids by falling score, ties by id; few of many are wanted, so that they are ordered as they are taken."""
    queue = [(-round(score, 6), memory_id) for memory_id, score in scores.items()]
    heapq.heapify(queue)
    while queue:
        yield heapq.heappop(queue)[1]


def _at(edges: Sequence[WalkedEdge], types: Collection[EdgeType]) -> set[str]:
    """Return the memories at edges of some types."""
    return {node[2:] for edge in edges if edge.type in types for node in (edge.source, edge.target)}


def _raw_scores(
    subgraph: Subgraph, seeded: Mapping[str, float], network: Network, options: SearchOptions
) -> dict[str, float]:
    """Return seed score + weighted log PageRank of each memory that has either."""
    number, ids = network.number, list(subgraph.versions)
    mass = np.append(network.pagerank(options.damping), 0.0)  # the last is that of what is no node
    shares = mass[[number.get(MEMORY + memory_id, -1) for memory_id in ids]]
    top = float(mass.max()) or 1.0
    walked = (options.walk_weight * np.log(np.maximum(shares / top, UNREACHED))).tolist()
    least = options.walk_weight * math.log(_unreached(seeded, subgraph))
    return {
        memory_id: seeded[memory_id] + max(log, least) if memory_id in seeded else log
        for memory_id, log, share in zip(ids, walked, shares.tolist(), strict=True)
        if share > 0 or memory_id in seeded
    }


def _unreached(seeded: Mapping[str, float], subgraph: Subgraph) -> float:
    """Return the share of a seed that the walk does not reach: by how closely the talk goes that the best one is of."""
    best = MEMORY + min(seeded, key=lambda i: (-seeded[i], i)) if seeded else ""
    near = (e.weight for e in subgraph.edges if e.type is EdgeType.FOLLOWS and best in (e.source, e.target))
    closest = max(near, default=None)
    if closest is None:
        return UNREACHED
    return UNREACHED_IN_TALK if closest >= CLOSE else UNREACHED_BY_ASSISTANT


def arm_sum(seeds: Sequence[Seed], options: SearchOptions) -> dict[str, float]:
    """Return each seed's score: those of its arms on one scale, weighted, summed, and scaled so that the best has 1."""
    total: dict[str, float] = defaultdict(float)
    for arm, weight, limit in (
        ("vector", options.vector_weight, options.vector_limit),
        ("text", options.text_weight, options.text_limit),
    ):
        scores: dict[str, float] = {}
        for seed in seeds:
            if seed.arm == arm:
                scores[seed.memory_id] = max(seed.score, scores.get(seed.memory_id, -math.inf))
        for memory_id, score in _SCALES[options.fusion](scores, len(scores) >= limit).items():
            total[memory_id] += weight * score
    best = max(total.values(), default=0.0)
    return {memory_id: score / best if best > 0 else 0.0 for memory_id, score in total.items()}


def _beside(seeded: Mapping[str, float], subgraph: Subgraph, options: SearchOptions) -> Mapping[str, float]:
    """Return the seeds' scores with what they gain from messages beside them that say words of the question too."""
    said = arm_sum([seed for seed in subgraph.seeds if seed.arm == "text"], options)
    found = dict(seeded)
    for edge in subgraph.edges:
        if edge.type is EdgeType.FOLLOWS:
            one, other = edge.source[2:], edge.target[2:]
            for seed, beside in ((one, other), (other, one)):
                if seed in found:
                    found[seed] += BESIDE * said.get(beside, 0.0)
    return found


def _shares(scores: Mapping[str, float], full: bool) -> dict[str, float]:
    """Return what each score has over the lowest as a share of the highest.

    An arm whose scores lie close together says little and weighs little. What a full list leaves out has at most the
    lowest score; what one that is not full leaves out has none, so that the lowest is 0. A cosine below 0 is none, and
    where the best is below `LEAST` none is near.
    """
    high = max(LEAST, max(scores.values(), default=0.0))
    low = max(0.0, min(scores.values(), default=0.0)) if full else 0.0
    return {i: (max(score, 0.0) - low) / high if high > low else 1.0 for i, score in scores.items()}


def _min_max(scores: Mapping[str, float], full: bool) -> dict[str, float]:
    """Return each score's place between the lowest and the highest."""
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    return {i: (score - low) / (high - low) if high > low else 1.0 for i, score in scores.items()}


def _reciprocal_ranks(scores: Mapping[str, float], full: bool) -> dict[str, float]:
    """Return 60 / (60 + rank): reciprocal rank fusion, Cormack, Clarke and Buettcher, 2009."""
    order = sorted(scores, key=lambda i: (-scores[i], i))
    return {i: 60 / (60 + rank) for rank, i in enumerate(order, 1)}


_SCALES = {"shares": _shares, "min-max": _min_max, "rrf": _reciprocal_ranks}


def _anchored(similar: Mapping[str, float], seeds: Sequence[Seed], options: SearchOptions) -> bool:
    if not similar:
        return bool(seeds)
    return max(similar.values()) >= options.relativity


def _near(memory_id: str, similar: Mapping[str, float], path: tuple[WalkedEdge, ...], options: SearchOptions) -> bool:
    """Whether a hit is similar enough itself, or was walked to from one that is."""
    if options.relativity <= -1 or similar.get(memory_id, -1.0) >= options.relativity:
        return True
    return any(
        node.startswith(MEMORY) and similar.get(node[2:], -1.0) >= options.relativity
        for edge in path
        for node in (edge.source, edge.target)
    )


def _arm_ranks(seeds: Sequence[Seed]) -> dict[str, dict[str, int]]:
    ranks: dict[str, dict[str, int]] = defaultdict(dict)
    for arm in ("vector", "text"):
        for position, seed in enumerate((s for s in seeds if s.arm == arm), start=1):
            ranks[seed.memory_id].setdefault(arm, position)
    return dict(ranks)


def _titled(seeded: Mapping[str, float], subgraph: Subgraph) -> set[str]:
    """Return the best seed of each title that the question names."""
    if not subgraph.entities:
        return set()
    named = {ENTITY + each.id for each in subgraph.entities}
    best: dict[Node, str] = {}
    for edge in subgraph.edges:
        memory_id = edge.source[2:]
        if edge.target in named and is_title(edge) and memory_id in seeded:
            before = best.setdefault(edge.target, memory_id)
            best[edge.target] = max(before, memory_id, key=lambda i: (seeded[i], i))
    return set(best.values())


def _restart(seeded: Mapping[str, float], subgraph: Subgraph, options: SearchOptions) -> dict[Node, float]:
    """Return the restart distribution: the best seeds, sharply weighted, and a share for the entities named."""
    best = sorted(seeded, key=lambda i: (-seeded[i], i))[: options.restart_seeds]
    weights = {i: math.exp((seeded[i] - seeded[best[0]]) / options.temperature) for i in best}
    for i in _titled(seeded, subgraph):
        weights[i] = max(weights.get(i, 0.0), options.title_restart)
    share = options.entity_restart if subgraph.entities else 0.0
    if not best:
        share = 1.0
    total = sum(weights.values()) or 1.0
    restart: dict[Node, float] = {MEMORY + i: (1 - share) * w / total for i, w in weights.items()}
    for each in subgraph.entities:
        restart[ENTITY + each.id] = share / len(subgraph.entities)
    return {node: weight for node, weight in restart.items() if weight > 0}
