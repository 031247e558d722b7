"""The foundation's figures: `python -m benchmarks.foundation [--neo4j URI] [--quick]`.

Embedded: batched add and search at 100,000 memories beside the exact NumPy top ten, and peak memory while items
stream in. Neo4j: batched add and search at 10,000 memories beside the raw statements of `benchmarks/raw`.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic import WORDS, items, unit, vectors
from treemem import TreeTextMemory
from treemem.search.engine import search
from treemem.search.question import Question
from treemem.search.target import target_of
from treemem.temporal import END_TIME, Moment

RAW = Path(__file__).parent / "raw"


class Given:
    """Stands for a model whose vectors are given with the items."""

    name, dimension = "benchmark/given", 384

    def embed(self, texts: Any) -> Any:
        raise AssertionError("vectors are given")


def messages(n: int) -> Iterator[dict[str, Any]]:
    """The synthetic items as messages of one conversation, a minute apart."""
    for i, item in enumerate(items(n)):
        yield {
            "id": item["id"],
            "content": item["memory"],
            "chat_time": 1_735_700_000 + 60 * i,
            "metadata": item["metadata"],
        }


def percentile(seconds: list[float], p: float) -> float:
    return 1_000 * float(np.percentile(seconds, p))


def timed(calls: list[Callable[[], Any]], rounds: int) -> list[list[float]]:
    """Seconds of each call, the calls taking turns, so that noise meets all alike."""
    for call in calls:
        call()
        call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for i, call in enumerate(calls):
            started = time.perf_counter()
            call()
            taken[i].append(time.perf_counter() - started)
    return taken


def questions(n: int = 64) -> list[tuple[str, Any]]:
    rng = np.random.default_rng(99)
    middle = vectors(n, seed=0)
    found = unit(middle + 0.5 * unit(rng.normal(size=middle.shape)))
    return [(" ".join(WORDS[i] for i in rng.integers(len(WORDS), size=4)), v) for v in found]


def searcher(memory: TreeTextMemory, asked: Iterator[tuple[str, Any]]) -> Callable[[], Any]:
    def call() -> Any:
        text, vector = next(asked)
        moment = Moment(2_000_000_000_000_000)
        target = target_of(moment, None, None, include_superseded=False)
        return search(memory.store, memory.cube_id, Question(text, vector, moment, target, 10))

    return call


def embedded(n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        memory = TreeTextMemory.open(Path(folder) / "memory.db", embedder=Given())
        data = list(items(n))
        started = time.perf_counter()
        memory.add(data)
        print(f"embedded | batched add, {n} | {n / (time.perf_counter() - started):,.0f} a second")
        matrix = np.stack([d["metadata"]["embedding"] for d in data])
        asked, plain = itertools.cycle(questions()), itertools.cycle(questions())

        def exact() -> Any:
            scores = matrix @ next(plain)[1]
            best = np.argpartition(-scores, 10)[:10]
            return best[np.argsort(-scores[best])]

        started = time.perf_counter()
        searcher(memory, asked)()
        first = time.perf_counter() - started
        ours, numpy_alone = timed([searcher(memory, asked), exact], 200)
        ratio = percentile(ours, 95) / percentile(numpy_alone, 95)
        print(f"embedded | first search, index loaded, {n} | {first:.2f} s")
        print(
            f"embedded | search, {n} | p50 {percentile(ours, 50):.1f} ms, p95 {percentile(ours, 95):.1f} ms; NumPy "
            f"top 10 alone p50 {percentile(numpy_alone, 50):.1f}, p95 {percentile(numpy_alone, 95):.1f}; "
            f"p95 ratio {ratio:.2f}"
        )
        memory.close()


def peak(n: int) -> None:
    """Peak resident memory of a fresh process that streams n items in, in MiB (printed by the child)."""
    with tempfile.TemporaryDirectory() as folder:
        memory = TreeTextMemory.open(Path(folder) / "memory.db", embedder=Given())
        memory.add(items(n))
        memory.close()
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's memory in
    print(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")))


def memory_figures(n: int) -> None:
    peaks = {}
    for size in (n // 10, n):
        command = [sys.executable, "-m", "benchmarks.foundation", "--peak", str(size)]
        peaks[size] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(
        f"embedded | peak memory while {n} stream in | {peaks[n]:.0f} MiB; {n // 10}: {peaks[n // 10]:.0f} MiB; "
        f"ratio {peaks[n] / peaks[n // 10]:.2f}"
    )


class Raw:
    """The same graph through the plainest statements, on the same server."""

    def __init__(self, uri: str, cube: str) -> None:
        import neo4j

        self.driver = neo4j.GraphDatabase.driver(uri, notifications_min_severity="OFF")
        self.cube = cube
        self.insert_text = _text("insert")
        self.search_text = _text("search")

    def settle(self) -> None:
        """Let the server finish what earlier writes left to do, so that no run pays for another.

        The prepared rows are taken out of the garbage collector's sight: they are the benchmark's, not the program's.
        """
        gc.collect()
        gc.freeze()
        time.sleep(10)

    def insert(self, rows: list[dict[str, Any]]) -> float:
        now = datetime.now(UTC)
        started = time.perf_counter()
        for i in range(0, len(rows), 500):
            batch = rows[i : i + 500]
            with self.driver.session() as session:
                given = {"rows": batch, "cube": self.cube, "at": now, "end": END_TIME}
                session.execute_write(lambda tx, given=given: tx.run(self.insert_text, given).consume())  # type: ignore[misc]
        return time.perf_counter() - started

    def build_search_graph(self, source: str) -> None:
        """States joined directly, as the raw search statement wants them, made from treemem's cube `source`."""
        run = self.driver.execute_query
        run("CREATE CONSTRAINT raw_state IF NOT EXISTS FOR (n:RawState) REQUIRE (n.cube_id, n.id) IS UNIQUE")
        run("CREATE CONSTRAINT raw_entity IF NOT EXISTS FOR (n:RawEntity) REQUIRE (n.cube_id, n.id) IS UNIQUE")
        run(
            "CYPHER 25 CREATE VECTOR INDEX raw_state_embedding IF NOT EXISTS FOR (n:RawState) ON (n.embedding) "
            "WITH [n.cube_id, n.status, n.memory_type, n.valid_from, n.valid_to, n.recorded_from, n.recorded_to] "
            "OPTIONS {indexConfig: {`vector.similarity_function`: 'cosine', `vector.quantization.type`: 'NONE'}}"
        )
        run(
            "CREATE FULLTEXT INDEX raw_state_text IF NOT EXISTS FOR (n:RawState) ON EACH [n.tokens, n.scope] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}}"
        )
        with self.driver.session() as session:
            for text in (
                "MATCH (m:Memory) WHERE m.cube_id = $cube AND m.id > '' MATCH (m)<-[:STATE_OF]-(s:State) CALL (s) { "
                "CREATE (r:RawState {cube_id: s.cube_id, id: s.id}) SET r += s{.status, .memory_type, .valid_from, "
                ".valid_to, .recorded_from, .recorded_to, .tokens, .scope} "
                "WITH r, s CALL db.create.setNodeVectorProperty(r, 'embedding', s.embedding) } "
                "IN TRANSACTIONS OF 500 ROWS",
                "MATCH (e:Entity) WHERE e.cube_id = $cube AND e.id > '' CREATE (:RawEntity {cube_id: $cube, id: e.id, "
                "name: e.name})",
                "MATCH (m:Memory) WHERE m.cube_id = $cube AND m.id > '' MATCH (m)-[r:MENTIONS]->(e) CALL (m, r, e) { "
                "MATCH (a:RawState {cube_id: $cube, id: m.id}) MATCH (b:RawEntity {cube_id: $cube, id: e.id}) "
                "CREATE (a)-[n:MENTIONS]->(b) SET n = properties(r) } IN TRANSACTIONS OF 2000 ROWS",
                "MATCH (m:Memory) WHERE m.cube_id = $cube AND m.id > '' MATCH (m)-[r:FOLLOWS]->(e) CALL (m, r, e) { "
                "MATCH (a:RawState {cube_id: $cube, id: m.id}) MATCH (b:RawState {cube_id: $cube, id: e.id}) "
                "CREATE (a)-[n:FOLLOWS]->(b) SET n = properties(r) } IN TRANSACTIONS OF 2000 ROWS",
            ):
                session.run(text, cube=source).consume()
        run("CALL db.awaitIndexes(300)")

    def searcher(self, source: str, asked: Iterator[tuple[str, Any]]) -> Callable[[], Any]:
        from neo4j.vector import Vector

        from treemem.store.neo4j.rows import scope_token
        from treemem.text import analyse

        token = scope_token(source)
        now = datetime(2033, 1, 1, tzinfo=UTC)

        def call() -> Any:
            text, vector = next(asked)
            parameters = {
                "vector": Vector.from_numpy(vector),
                "cube": source,
                "t": now,
                "k": now,
                "limit": 30,
                "fan_out": 25,
                "text": f"+scope:{token}sactivated^0 +tokens:({' '.join(analyse(text))})",
            }
            with self.driver.session() as session:
                return session.execute_read(lambda tx: tx.run(self.search_text, parameters).data())

        return call


def _text(name: str) -> str:
    lines = (RAW / f"{name}.cypher").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


def raw_rows(n: int, cube: str) -> list[dict[str, Any]]:
    """The rows of the same messages, as prepared as they can be."""
    from treemem.caller import Caller
    from treemem.changes import ChangeSet
    from treemem.ingest.chat import plain_all
    from treemem.ingest.messages import Reader
    from treemem.ingest.window import Line
    from treemem.store.neo4j import rows
    from treemem.store.resolve import Known, resolve
    from treemem.write import placing
    from treemem.write.addition import Addition

    def refuse(position: int, error: Exception) -> None:
        raise error

    base = ChangeSet(cube, "raw", "add_messages", 1_800_000_000_000_000)
    addition = Addition(cube, Given(), base, Caller(), stable_ids=True)
    said = [message for _, message in plain_all(messages(n), refuse)]
    given = [placing.Given(Line(one.role, one.text, None, one.at)) for one in said]
    places = placing.placed_alone(cube, given, base.operation).places
    groups = addition.from_messages(
        list(zip(said, places, strict=True)), Reader(cube, {}, None), None, None, replay=False
    )
    prepared = []
    for group in groups:
        result = resolve(group, Known(), base.now)
        (state,) = result.open_states
        before = [e.target for e in result.open_edges if e.type == "FOLLOWS"]
        prepared.append(
            rows.state_row(cube, state)
            | {
                "source": rows.source_row(group.sources[0]),
                "entities": [rows.entity_row(e) for e in group.entities],
                "before": before,
            }
        )
    return prepared


def on_neo4j(uri: str, n: int, rounds: int) -> None:
    stamp = int(time.time())
    ours_rates, raw_rates = [], []
    memory = TreeTextMemory.open(uri, cube=f"bench-{stamp}", embedder=Given())
    for turn in range(rounds + 1):
        mine = memory.cube(f"bench-{stamp}-{turn}")
        raw = Raw(uri, f"raw-{stamp}-{turn}")
        data, prepared = list(messages(n)), raw_rows(n, raw.cube)
        raw.settle()
        started = time.perf_counter()
        mine.add_messages(data)
        ours = n / (time.perf_counter() - started)
        raw.settle()
        rate = n / raw.insert(prepared)
        raw.driver.close()
        if turn:  # the first turn warms the server
            ours_rates.append(ours)
            raw_rates.append(rate)
        print(
            f"neo4j | batched add to {n}, turn {turn} | {ours:,.0f} a second; raw {rate:,.0f}; share {ours / rate:.2f}"
        )
    print(
        f"neo4j | batched add to {n}, median of {rounds} | {statistics.median(ours_rates):,.0f} a second; raw "
        f"{statistics.median(raw_rates):,.0f}; share {statistics.median(ours_rates) / statistics.median(raw_rates):.2f}"
    )
    mine = memory.cube(f"bench-{stamp}-{rounds}")
    raw = Raw(uri, mine.cube_id)
    raw.build_search_graph(mine.cube_id)
    statements = mine.store.statements  # type: ignore[attr-defined]
    asked, same = itertools.cycle(questions()), itertools.cycle(questions())
    searcher(mine, itertools.cycle(questions()))()
    per_search = mine.store.statements - statements  # type: ignore[attr-defined]
    ours_taken, raw_taken = timed([searcher(mine, asked), raw.searcher(mine.cube_id, same)], 150)
    mine_50, mine_95 = percentile(ours_taken, 50), percentile(ours_taken, 95)
    raw_50, raw_95 = percentile(raw_taken, 50), percentile(raw_taken, 95)
    print(
        f"neo4j | search at {n} after embedding | {per_search} statements; p50 {mine_50:.1f} ms, p95 {mine_95:.1f}; "
        f"raw statement p50 {raw_50:.1f}, p95 {raw_95:.1f}; p50 ratio {mine_50 / raw_50:.2f}"
    )
    raw.driver.close()
    memory.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neo4j", metavar="URI")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes, to see that it runs")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=["embedded", "neo4j"])
    arguments = parser.parse_args()
    if arguments.peak:
        peak(arguments.peak)
        return
    scale = 10 if arguments.quick else 1
    if arguments.only != "neo4j":
        embedded(100_000 // scale)
        memory_figures(100_000 // scale)
    if arguments.neo4j and arguments.only != "embedded":
        on_neo4j(arguments.neo4j, 10_000 // scale, 1 if arguments.quick else 3)


if __name__ == "__main__":
    main()
