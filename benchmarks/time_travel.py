"""What the past costs: `python -m benchmarks.time_travel [--store URI] [--memories 10000] [--versions 10]`.

Every memory of one cube has said something else each day: its states follow one another in valid time, all known
now. Search now and as of a day in the middle take turns in one run, both after the embedding, with both arms and two
hops. The seeds of the vector arm are compared with exact search (every state that held then, by NumPy): recall is the
share of the exact top ten that is among the seeds. `history` of one memory is timed beside them.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.foundation import Given, percentile, questions, timed
from benchmarks.synthetic import text, vectors
from treemem import TreeTextMemory
from treemem.changes import Edge, EdgeType, Model, NodeKind, Operation, State
from treemem.contents import content_of
from treemem.search.engine import search
from treemem.search.question import Question
from treemem.search.target import target_of
from treemem.store.protocol import CubeInfo, Recall, Rows
from treemem.temporal import END, Moment, to_micros

DAY = 86_400_000_000
START = to_micros(datetime(2025, 1, 1, tzinfo=UTC))
BATCH = 100


def states(memories: int, versions: int) -> Iterator[tuple[list[State], Any]]:
    """The states of some memories at a time, with their vectors [memories, versions, 384]."""
    rng = np.random.default_rng(5)
    for first in range(0, memories, BATCH):
        count = min(BATCH, memories - first)
        made = vectors(count * versions, seed=first).reshape(count, versions, -1)
        found = []
        for i, version in itertools.product(range(count), range(versions)):
            content = content_of(
                {"memory": text(rng), "memory_type": "LongTermMemory", "status": "activated"}, made[i, version]
            )
            end = END if version == versions - 1 else START + (version + 1) * DAY
            found.append(
                State(
                    memory_id=f"m{first + i:07d}",
                    version=version + 1,
                    fields={**content.fields, "created_at": START},
                    valid_from=START + version * DAY,
                    valid_to=end,
                    recorded_from=START + versions * DAY,
                    recorded_to=END,
                    opened_by="load",
                    vectors=content.vectors,
                    tokens=content.tokens,
                )
            )
        yield found, made


def links(first: int, count: int) -> Iterator[Edge]:
    """Each memory follows the one before it."""
    for i in range(max(1, first), first + count):
        yield Edge(
            EdgeType.FOLLOWS,
            f"m{i:07d}",
            f"m{i - 1:07d}",
            NodeKind.MEMORY,
            0.7,
            100.0,
            START,
            END,
            START + DAY,
            END,
            "load",
        )


def load(memory: TreeTextMemory, memories: int, versions: int) -> Any:
    clock = START + versions * DAY
    info = CubeInfo(memory.cube_id, clock, Model(Given.name, Given.dimension))
    memory.store.begin_load(info, "made")
    memory.store.load(Rows(info, operations=(Operation("load", "add", clock, "done"),)), "made")
    made, done = [], 0
    for some, matrix in states(memories, versions):
        memory.store.load(Rows(info, states=tuple(some)), "made")
        memory.store.load(Rows(info, edges=tuple(links(done, len(matrix)))), "made")
        made.append(matrix)
        done += len(matrix)
    memory.store.end_load(info, "made")
    return np.concatenate(made)


def searcher(memory: TreeTextMemory, as_of: int | None) -> Callable[[], Any]:
    asked = itertools.cycle(questions())
    moment = Moment(START + 1_000 * DAY, as_of)
    target = target_of(moment, None, None, include_superseded=False)

    def call() -> Any:
        words, vector = next(asked)
        return search(memory.store, memory.cube_id, Question(words, vector, moment, target, 10))

    return call


def recall(memory: TreeTextMemory, matrix: Any, as_of: int) -> float:
    """The share of the exact top ten of that day that is among the seeds of the vector arm."""
    shares = []
    for _, vector in questions():
        best = np.argsort(-(matrix @ vector), kind="stable")[:10]
        asked = Recall(memory.cube_id, Moment(START + 1_000 * DAY, as_of), vector=vector, hops=0)
        found, _ = memory.store.recall(asked, lambda _: [])
        shares.append(len({f"m{i:07d}" for i in best} & {seed.memory_id for seed in found.seeds}) / 10)
    return float(np.mean(shares))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store")
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=150)
    given = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {given.memories:,} memories with {given.versions} versions each")
    with tempfile.TemporaryDirectory() as folder:
        place = given.store or Path(folder) / "memory.db"
        with TreeTextMemory.open(place, cube=f"time-{int(time.time())}", embedder=Given()) as memory:
            made = load(memory, given.memories, given.versions)
            middle = given.versions // 2
            day = START + middle * DAY + DAY // 2
            some = itertools.cycle(f"m{i:07d}" for i in range(0, given.memories, 37))
            calls = [searcher(memory, None), searcher(memory, day), lambda: memory.history(next(some))]
            now, then, history = timed(calls, given.rounds)
            print("| what | p50 | p95 |\n|---|---|---|")
            for what, taken in (("search now", now), ("search as of the middle", then), ("history", history)):
                print(f"| {what} | {percentile(taken, 50):.1f} ms | {percentile(taken, 95):.1f} ms |")
            print(f"as of / now, p50: {percentile(then, 50) / percentile(now, 50):.2f}")
            print(f"seeds as of then, recall at 10: {recall(memory, made[:, middle], day):.3f}")
            print(f"seeds now, recall at 10: {recall(memory, made[:, -1], START + 999 * DAY):.3f}")


if __name__ == "__main__":
    main()
