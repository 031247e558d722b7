"""Speed of adding and searching: `python -m benchmarks.speed [--neo4j URI] [--sizes 1000,10000] [--only STORE]`.

Messages with vectors given (384 floats), names, sources and links, added in one batch and one by one; searches after
the embedding with cube, status and both times filtered, both seed arms and two hops. Beside each the raw call: on
Neo4j the plain statements of `benchmarks/raw`, on the embedded store an SQLite insert of the same texts and vectors and
the exact NumPy top ten. Ours and raw take turns.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.foundation import Given, Raw, messages, percentile, questions, raw_rows, searcher, timed
from treemem import TreeTextMemory

SINGLES = 100


def head() -> None:
    print("| store | memories | what | ours | raw | ratio |\n|---|---|---|---|---|---|", flush=True)


def row(store: str, size: int, what: str, ours: str, raw: str, ratio: float) -> None:
    print(f"| {store} | {size:,} | {what} | {ours} | {raw} | {ratio:.2f} |", flush=True)


def fresh(size: int) -> Iterator[dict[str, Any]]:
    """Messages that were not added yet."""
    return itertools.islice(messages(size + 2 * SINGLES), size, None)


def rate(call: Callable[[Any], Any], many: list[Any]) -> float:
    started = time.perf_counter()
    for each in many:
        call(each)
    return len(many) / (time.perf_counter() - started)


def searches(store: str, size: int, memory: TreeTextMemory, raw: Callable[[], Any]) -> None:
    asked = itertools.cycle(questions())
    ours, plain = timed([searcher(memory, asked), raw], 150)
    for p in (50, 95, 99):
        mine, theirs = percentile(ours, p), percentile(plain, p)
        row(store, size, f"search, p{p}", f"{mine:.1f} ms", f"{theirs:.1f} ms", mine / theirs)


def on_neo4j(uri: str, size: int) -> None:
    stamp = f"{size}-{int(time.time())}"
    with TreeTextMemory.open(uri, cube=f"speed-{stamp}", embedder=Given()) as memory:
        raw = Raw(uri, f"raw-{stamp}")
        prepared, data = raw_rows(size + 2 * SINGLES, raw.cube), list(messages(size))
        raw.settle()
        started = time.perf_counter()
        memory.add_messages(data)
        ours = size / (time.perf_counter() - started)
        raw.settle()
        plain = size / raw.insert(prepared[:size])
        row("neo4j", size, "batched add", f"{ours:,.0f} a second", f"{plain:,.0f} a second", ours / plain)
        more = list(fresh(size))
        ours = rate(lambda m: memory.add_messages([m]), more[:SINGLES])
        plain = rate(lambda r: raw.insert([r]), prepared[size : size + SINGLES])
        row("neo4j", size, "single add", f"{ours:,.0f} a second", f"{plain:,.0f} a second", ours / plain)
        raw.build_search_graph(memory.cube_id)
        before = memory.store.statements  # type: ignore[attr-defined]
        searcher(memory, itertools.cycle(questions()))()
        print(f"| neo4j | {size:,} | statements a search | {memory.store.statements - before} | 1 | |")  # type: ignore[attr-defined]
        searches("neo4j", size, memory, raw.searcher(memory.cube_id, itertools.cycle(questions())))
        raw.driver.close()


def embedded(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with TreeTextMemory.open(place / "memory.db", embedder=Given()) as memory:
            data = list(messages(size + 2 * SINGLES))
            started = time.perf_counter()
            memory.add_messages(data[:size])
            ours = size / (time.perf_counter() - started)
            plain = sqlite3.connect(place / "raw.db")
            plain.execute("PRAGMA journal_mode = WAL")
            plain.execute("CREATE TABLE memory (id TEXT PRIMARY KEY, text TEXT, vector BLOB)")
            raw = _insert(plain, data[:size])
            row("embedded", size, "batched add", f"{ours:,.0f} a second", f"{raw:,.0f} a second", ours / raw)
            ours = rate(lambda m: memory.add_messages([m]), data[size : size + SINGLES])
            raw = rate(lambda m: _insert(plain, [m]), data[size : size + SINGLES])
            row("embedded", size, "single add", f"{ours:,.0f} a second", f"{raw:,.0f} a second", ours / raw)
            matrix = np.stack([m["metadata"]["embedding"] for m in data[:size]])
            asked = itertools.cycle(questions())

            def exact() -> Any:
                scores = matrix @ next(asked)[1]
                best = np.argpartition(-scores, 10)[:10]
                return best[np.argsort(-scores[best])]

            searches("embedded", size, memory, exact)
            plain.close()


def _insert(connection: sqlite3.Connection, many: list[dict[str, Any]]) -> float:
    started = time.perf_counter()
    with connection:
        connection.executemany(
            "INSERT INTO memory VALUES (?, ?, ?)",
            [(m["id"], m["content"], np.asarray(m["metadata"]["embedding"], dtype=np.float32).tobytes()) for m in many],
        )
    return len(many) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neo4j", metavar="URI")
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--only", choices=["embedded", "neo4j"])
    arguments = parser.parse_args()
    head()
    for size in map(int, arguments.sizes.split(",")):
        if arguments.only != "neo4j":
            embedded(size)
        if arguments.neo4j and arguments.only != "embedded":
            on_neo4j(arguments.neo4j, size)


if __name__ == "__main__":
    main()
