"""Where a search's time goes: `python -m benchmarks.search_time [--neo4j URI] [--size N] [--data DIR --only NAMES]`.

A table for each store: the whole search after the embedding and its stages, and on Neo4j each statement: how often a
search runs it, seconds on the client, milliseconds that the server says it took, and what it touched (PROFILE's
database hits). "Processor" is that of the asking process alone, which other programs on the machine hardly move.
Memories are the synthetic messages of `benchmarks.foundation`, or with `--data` the sets of `benchmarks.retrieval`,
in one cube. `--as-of` asks about a past moment as well.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neo4j

from benchmarks.foundation import Given, messages, percentile, questions, timed
from benchmarks.retrieval import READERS, Collection, load, place_of
from benchmarks.work import hits_of, profiling
from treemem import MiniLM, TreeTextMemory
from treemem.search.engine import search
from treemem.search.question import Question
from treemem.search.target import target_of
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import Statement
from treemem.temporal import Moment, to_micros

ROUNDS, WARM, PROFILED = 150, 30, 20


@dataclass
class Said:
    """The statements of some searches: seconds of each by name, and with which parameters each was run."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))


@contextmanager
def listening() -> Iterator[Said]:
    """Note every statement that is run."""
    said, run = Said(), Transaction.run

    def timed(self: Transaction, statement: Statement, /, **parameters: Any) -> list[dict[str, Any]]:
        started = time.perf_counter()
        rows = run(self, statement, **parameters)
        said.seconds[statement.name].append(time.perf_counter() - started)
        if len(said.asked[statement.name]) < PROFILED:
            said.asked[statement.name].append((statement.text(), parameters))
        return rows

    Transaction.run = timed  # type: ignore[method-assign]
    try:
        yield said
    finally:
        Transaction.run = run  # type: ignore[method-assign]


def profiled(uri: str, asked: list[tuple[str, dict[str, Any]]]) -> tuple[float, float]:
    """Return the milliseconds that the server says some statements took, and their database hits, both the median."""
    took, hits = [], []
    with neo4j.GraphDatabase.driver(uri, notifications_min_severity="OFF") as driver, driver.session() as session:
        for text, parameters in asked:
            summary = session.run(text, given=parameters).consume()
            took.append(float((summary.result_available_after or 0) + (summary.result_consumed_after or 0)))
            told = session.run(profiling(text), given=parameters).consume()
            hits.append(float(hits_of(told.profile or {})))
    return statistics.median(took), statistics.median(hits)


def asker(memory: TreeTextMemory, asked: list[tuple[str, Any]], past: int | None) -> Callable[[int], Any]:
    """Return a call that asks the question of a number, about now or as of a past time."""

    def call(number: int) -> Any:
        text, vector = asked[number % len(asked)]
        moment = Moment(to_micros(datetime.now(UTC)), past)
        target = target_of(moment, None, None, include_superseded=False)
        return search(memory.store, memory.cube_id, Question(text, vector, moment, target, 10))

    return call


def table(title: str, call: Callable[[int], Any], uri: str | None) -> None:
    """Print where the time of a search goes."""
    for number in range(WARM):
        call(number)
    whole, processor, stages = [], [], defaultdict(list)
    with listening() as said:
        for number in range(ROUNDS):
            started, used = time.perf_counter(), time.process_time()
            result = call(number)
            whole.append(time.perf_counter() - started)
            processor.append(time.process_time() - used)
            for stage, seconds in result.timings.items():
                stages[stage].append(seconds)
    print(f"\n{title}\n| what | a search | p50, ms | p95, ms | processor, ms | server, ms | database hits |")
    print("|---|---|---|---|---|---|---|")
    own = 1_000 * statistics.median(processor)
    print(f"| search | 1 | {percentile(whole, 50):.1f} | {percentile(whole, 95):.1f} | {own:.1f} | | |")
    for stage, seconds in stages.items():
        print(f"| {stage} | 1 | {percentile(seconds, 50):.2f} | {percentile(seconds, 95):.2f} | | | |")
    for name, seconds in said.seconds.items():
        often = len(seconds) / ROUNDS
        server, hits = profiled(uri, said.asked[name]) if uri else (0.0, 0.0)
        line = f"| statement {name} | {often:.2f} | {percentile(seconds, 50):.1f} | {percentile(seconds, 95):.1f} | "
        print(line + f"| {server:.0f} | {hits:,.0f} |", flush=True)


def filled(location: str, arguments: argparse.Namespace) -> tuple[TreeTextMemory, list[tuple[str, Any]]]:
    """Return a memory with what is searched, and questions with their vectors."""
    cube = f"search-time-{uuid.uuid4().hex[:8]}"
    if arguments.data is None:
        memory = TreeTextMemory.open(location, cube=cube, embedder=Given(), record_usage=False)
        memory.add_messages(list(messages(arguments.size)), conversation_id="one")
        return memory, questions()
    memory = TreeTextMemory.open(location, cube=cube, record_usage=False)
    texts: list[str] = []
    for name in arguments.only.split(","):
        for each in READERS[name](place_of(arguments.data, name)):
            load(memory, _named(each))
            texts += [question.text for question in each.questions[:ROUNDS]]
    return memory, list(zip(texts, MiniLM().embed(texts), strict=True))


def _named(collection: Collection) -> Collection:
    """Return a collection whose ids begin with its name: several of them lie in one cube."""

    def named(items: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return tuple({**item, "id": f"{collection.name}-{item['id']}"} for item in items)

    return replace(collection, messages=named(collection.messages), passages=named(collection.passages))


def measure(name: str, location: str, arguments: argparse.Namespace, uri: str | None) -> None:
    memory, asked = filled(location, arguments)
    with memory:
        now = asker(memory, asked, None)
        table(f"{name}, about now", now, uri)
        if arguments.as_of:
            then = asker(memory, asked, to_micros(datetime.now(UTC)))
            table(f"{name}, as of a past moment", then, uri)
            numbers = [itertools.count(), itertools.count()]
            calls = [lambda: now(next(numbers[0])), lambda: then(next(numbers[1]))]
            ratios = sorted(b / a for a, b in zip(*timed(calls, ROUNDS), strict=True))
            low, middle, high = (ratios[int(share * len(ratios))] for share in (0.25, 0.5, 0.75))
            print(f"as of a past moment : about now = {middle:.2f} ({low:.2f} to {high:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neo4j", metavar="URI")
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", default="locomo,musique")
    parser.add_argument("--as-of", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure("embedded", str(Path(folder) / "memory.db"), arguments, None)
    if arguments.neo4j:
        measure("Neo4j", arguments.neo4j, arguments, arguments.neo4j)


if __name__ == "__main__":
    main()
