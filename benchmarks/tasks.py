"""What the queue of tasks costs: `python -m benchmarks.tasks [--done 1000000] [--store neo4j://...]`.

Adds finished tasks by the million, then measures how long it takes to find the next one that is due, to take it up and
report it, to count those that wait, and to list the newest; with and without the finished ones.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import astuple
from itertools import islice
from pathlib import Path

from tests.helpers import HashEmbedder, fresh_cube
from treemem import TreeTextMemory
from treemem.queued import QueuedTask
from treemem.store.protocol import GraphStore
from treemem.store.sqlite import SqliteStore
from treemem.store.sqlite.statements import statement

_BATCH = 10_000


def finished(n: int) -> Iterator[QueuedTask]:
    for number in range(n):
        yield QueuedTask(f"done-{number}", "reindex", "{}", number, state="done", due=number, since=number, attempts=1)


def fill(store: GraphStore, path: Path, cube: str, done: int) -> None:
    """Put finished tasks into the file, past the verbs, which would take an hour for it."""
    assert isinstance(store, SqliteStore)
    with closing(sqlite3.connect(path)) as conn:
        num = conn.execute("SELECT num FROM cube WHERE id = ?", (cube,)).fetchone()[0]
        tasks = finished(done)
        while some := list(islice(tasks, _BATCH)):
            conn.executemany(statement("add_task"), [(num, task.owner, *astuple(task)) for task in some])
            conn.commit()


def median(call: Callable[[], object], rounds: int = 200) -> float:
    """Return how long a call takes, in milliseconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1_000


def measure(memory: TreeTextMemory, label: str) -> None:
    store, cube = memory.store, memory.cube_id
    now = 10**15
    ids = iter(range(10**9))

    def add() -> None:
        task = QueuedTask(f"{label}-{next(ids)}", "reindex", "{}", now, due=now, since=now)
        store.enqueue(cube, [task], 10_000)

    def take() -> None:
        task = store.due_tasks(cube, ["reindex"], now, now, 16)[0]
        taken = task.claimed("worker", now, now, 10**12)
        assert store.swap_task(cube, task, taken)
        assert store.swap_task(cube, taken, taken.ended("done", now))

    added = median(add)
    due = median(lambda: store.due_tasks(cube, ["reindex"], now, now, 16))
    cubes = median(lambda: store.cubes_due(now, now))
    listed = median(lambda: store.listed_tasks(cube, "done", None, 20))
    taken = median(take)
    print(
        f"{label} | add {added:.2f} ms | next due {due:.2f} ms | cubes due {cubes:.2f} ms | "
        f"list 20 {listed:.2f} ms | take up and report {taken:.2f} ms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--done", type=int, default=1_000_000)
    parser.add_argument("--store")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.db"
        with TreeTextMemory.open(arguments.store or path, cube=fresh_cube("tasks"), embedder=HashEmbedder()) as memory:
            memory.add("Something that tasks are about.")
            measure(memory, "empty queue")
            if arguments.store is None:
                fill(memory.store, path, memory.cube_id, arguments.done)
                measure(memory, f"{arguments.done:,} done")


if __name__ == "__main__":
    main()
