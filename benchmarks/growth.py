"""What a search in one cube costs as others grow: `python -m benchmarks.growth [--neo4j URI] [--cubes N] [--size N]`.

Loads cubes of `size` synthetic memories (1,000) with their entities, and measures searches of the first cube (p50 and
p95 of 100, embedding left out) when it is alone, at a tenth and at all of the `cubes` (300). On the embedded store the
cubes share one file, on Neo4j one database. With `--bulk` the two search indexes of that database are dropped before
each load and made anew after it, as one would load a million memories: give it a database of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import synthetic
from treemem import TreeTextMemory
from treemem.store.neo4j.statements import migrations

ROUNDS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neo4j", help="a Neo4j URI; default: the embedded store in a file that is removed afterwards")
    parser.add_argument("--cubes", type=int, default=300)
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--bulk", action="store_true", help="drop and remake the search indexes of the Neo4j database")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        location = arguments.neo4j or str(Path(folder) / "growth.db")
        with TreeTextMemory.open(location, cube=f"growth-{time.time_ns()}-0") as memory:
            print("| memories | cubes | load, a second | search p50 ms | p95 ms |\n|---|---|---|---|---|")
            loaded, seconds = 0, 0.0
            for stop in (1, max(2, arguments.cubes // 10), arguments.cubes):
                with rebuilt(arguments.neo4j) if arguments.bulk else contextlib.nullcontext():
                    started = time.perf_counter()
                    for number in range(loaded, stop):
                        memory.cube(f"{memory.cube_id[:-2]}-{number}").add(
                            list(synthetic.items(arguments.size, seed=number))
                        )
                    seconds += time.perf_counter() - started
                loaded = stop
                p50, p95 = searched(memory)
                count = loaded * arguments.size
                print(f"| {count:,} | {loaded:,} | {count / seconds:,.0f} | {p50:.1f} | {p95:.1f} |", flush=True)


@contextlib.contextmanager
def rebuilt(uri: str) -> Iterator[None]:
    """Drop the search indexes, and make them again afterwards; prints how long that took."""
    import neo4j

    made = dict(migrations())["0003_search"]
    with neo4j.GraphDatabase.driver(uri, notifications_min_severity="OFF") as driver:
        for name in ("treemem_state_embedding", "treemem_text"):
            driver.execute_query(f"DROP INDEX {name} IF EXISTS")
        try:
            yield
        finally:
            started = time.perf_counter()
            for text in made:
                driver.execute_query(text)
            driver.execute_query("CALL db.awaitIndexes(36000)")
            print(f"(the search indexes made in {time.perf_counter() - started:,.0f} s)", flush=True)


def searched(memory: TreeTextMemory) -> tuple[float, float]:
    """Milliseconds of a search without its embedding."""
    took = []
    for item in synthetic.items(ROUNDS + 10, seed=7):
        result = memory.search(item["memory"], 10)
        took.append(1_000 * (sum(result.timings.values()) - result.timings["embed"]))
    steady = sorted(took[10:])
    return statistics.median(steady), steady[int(0.95 * len(steady))]


if __name__ == "__main__":
    main()
