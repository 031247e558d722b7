"""What each part of the search adds: `python -m benchmarks.ablation --data DIR [--only NAMES] [--limit N]`.

The sets of `benchmarks.retrieval`, one part changed at a time, everything else at its default; no time is read from the
questions. Recall at 5 and 10, and the difference in R@10 to the default with a 95 % interval (paired bootstrap over
questions). "neighbours" adds an edge to each of the three nearest memories of a cosine of at least 0.5.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import READERS, asked, interval, link, load, place_of, score
from treemem import SearchOptions, TreeTextMemory
from treemem.changes import EdgeAssert, EdgeType
from treemem.store.protocol import NOT_WALKED
from treemem.temporal import Moment


def _without(*types: EdgeType) -> tuple[EdgeType, ...]:
    return tuple(t for t in EdgeType if t not in (*NOT_WALKED, *types))


#: What is changed: options, and other arguments of the search.
PARTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {}),
    "no walk": ({"hops": 0, "walk_weight": 0}, {}),
    "no entities": ({"edge_types": _without(EdgeType.MENTIONS), "entity_restart": 0}, {}),
    "no titles": ({"title_restart": 0}, {}),
    "no FOLLOWS": ({"edge_types": _without(EdgeType.FOLLOWS)}, {}),
    "neighbours": ({}, {}),
    "no hub damping": ({"hub_degree": 1_000_000}, {}),
    "1 hop": ({"hops": 1}, {}),
    "3 hops": ({"hops": 3}, {}),
    "3 seeds": ({"restart_seeds": 3}, {}),
    "10 seeds": ({"restart_seeds": 10}, {}),
    "20 seeds": ({"restart_seeds": 20, "walk_seeds": 20}, {}),
    "equal seeds": ({"temperature": 1e6}, {}),
    "min-max sum": ({"fusion": "min-max"}, {}),
    "RRF": ({"fusion": "rrf"}, {}),
    "no text arm": ({"text_limit": 0}, {}),
    "no vector arm": ({"vector_limit": 0}, {}),
    "vector arm alone": ({"text_limit": 0, "hops": 0, "walk_weight": 0}, {}),
    "text arm alone": ({"vector_limit": 0, "hops": 0, "walk_weight": 0}, {}),
    "no role prior": ({"assistant_weight": 0}, {}),
    "no question prior": ({"question_weight": 0}, {}),
    "no speaker prior": ({"speaker_weight": 0}, {}),
    "MMR": ({}, {"dedup": "mmr"}),
}
NEIGHBOURS, LEAST_COSINE = 3, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", help="sets by name, with commas between")
    parser.add_argument("--limit", type=int, help="questions a conversation or set, to see that it runs")
    arguments = parser.parse_args()
    tables: dict[str, dict[str, np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder, TreeTextMemory.open(str(Path(folder) / "ablation.db")) as memory:
        for name in READERS:
            if arguments.only is None or name in arguments.only.split(","):
                tables[name] = measured(memory, name, place_of(arguments.data, name), arguments.limit)
                report(name, tables[name])


def measured(memory: TreeTextMemory, name: str, folder: Path, limit: int | None) -> dict[str, np.ndarray]:
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for collection in READERS[name](folder):
        plain, linked = memory.cube(f"{name}-{collection.name}"), memory.cube(f"{name}-{collection.name}-linked")
        for cube in (plain, linked):
            load(cube, collection)
        link_neighbours(linked)
        for question in collection.questions[:limit]:
            for part, (options, arguments) in PARTS.items():
                cube = linked if part == "neighbours" else plain
                chosen = SearchOptions(supersession=False, **options)
                hits = asked(cube, collection, question, when="now", options=chosen, **arguments)
                found[part].append(score(hits, question.gold))
    return {part: np.array(scores) for part, scores in found.items()}


def link_neighbours(cube: TreeTextMemory) -> None:
    """Give every memory an edge to its nearest ones, by the store's vector index."""
    states = list(cube.store.all_states(cube.cube_id))
    info = cube.store.cube(cube.cube_id)
    assert info is not None
    moment = Moment(info.clock)
    edges: dict[tuple[str, str], float] = {}
    for start in range(0, len(states), 500):
        some = states[start : start + 500]
        vectors = [s.embedding for s in some if s.embedding is not None]
        for state, near in zip(some, cube.store.neighbours(cube.cube_id, vectors, NEIGHBOURS + 1, moment), strict=True):
            for other, cosine in near:
                if other != state.memory_id and cosine >= LEAST_COSINE:
                    edges[min(state.memory_id, other), max(state.memory_id, other)] = min(1.0, cosine)
    link(cube, [EdgeAssert(EdgeType.RELATES_TO, a, b, weight=w) for (a, b), w in edges.items()])


def report(name: str, table: dict[str, np.ndarray]) -> None:
    base = table["default"][:, 1]
    print(f"\n{name}: {len(base)} questions\n| part | R@5 | R@10 | R@10 against the default, 95 % |\n|---|---|---|---|")
    for part, scores in table.items():
        five, ten, _ = 100 * scores.mean(axis=0)
        change = scores[:, 1] - base
        low, high = interval(change)
        against = "" if part == "default" else f"{100 * change.mean():+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        print(f"| {part} | {five:.1f} | {ten:.1f} | {against} |", flush=True)


if __name__ == "__main__":
    main()
