"""How much work a verb takes, counted: `python -m benchmarks.work [--neo4j URI] [--record]`.

Counts do not depend on the machine or on what else it does, as seconds do: calls of Python functions, steps of SQLite's
machine, statements and database hits of Neo4j (by PROFILE). Where a plain statement does the same, its count in the
same run is the measure. `benchmarks/work.toml` holds what was counted last; a test fails where a count has grown by a
quarter (`MOST`). `--record` writes it anew: do so where more work is wanted, and say why.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.foundation import Given, Raw, messages, questions, raw_rows, searcher
from tests.helpers import fresh_cube
from treemem import TreeTextMemory
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import Statement

RECORDED = Path(__file__).parent / "work.toml"
#: How much more than recorded is a regression.
MOST = 1.25
#: Memories of a batch, single adds, searches.
BATCH, SINGLES, SEARCHES = 200, 10, 10
#: SQLite counts its steps in so many at a time.
_STEPS = 50


@dataclass
class Counted:
    """What was counted."""

    calls: int = 0
    steps: int = 0
    statements: int = 0
    hits: int = 0


@contextmanager
def counting_calls(counted: Counted) -> Iterator[None]:
    """Count calls of Python functions in this thread."""

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            counted.calls += 1

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)


@contextmanager
def counting_steps(counted: Counted) -> Iterator[None]:
    """Count the steps of every SQLite connection that is opened from here on."""
    connect = sqlite3.connect

    def step() -> int:
        counted.steps += _STEPS
        return 0

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_progress_handler(step, _STEPS)
        return connection

    with mock.patch.object(sqlite3, "connect", counting):
        yield


@contextmanager
def counting_hits(counted: Counted) -> Iterator[None]:
    """Count the statements of Neo4j transactions and what they touch: each is run with PROFILE."""

    def run(self: Transaction, statement: Statement, /, **parameters: Any) -> list[dict[str, Any]]:
        counted.statements += 1
        result = self._inner.run(profiling(statement.text()), {"given": parameters})
        keys = result.keys()
        rows = [dict(zip(keys, record.values(), strict=True)) for record in result]
        counted.hits += hits_of(result.consume().profile or {})
        return rows

    with mock.patch.object(Transaction, "run", run):
        yield


def profiling(text: str) -> str:
    """Return a statement with PROFILE before it."""
    version, _, rest = text.rpartition("CYPHER 25\n")
    return f"CYPHER 25 PROFILE\n{version}{rest}" if "CYPHER 25\n" in text else f"PROFILE\n{text}"


def hits_of(plan: dict[str, Any]) -> int:
    """Return the database hits of a plan and of those below it."""
    return int(plan.get("dbHits", 0)) + sum(hits_of(each) for each in plan.get("children", []))


def embedded() -> dict[str, float]:
    """Return the counts of the embedded store: calls a memory and a search, and steps beside a plain insert."""
    data = list(messages(2 * BATCH + SINGLES))
    found: dict[str, float] = {}
    counted = Counted()
    with tempfile.TemporaryDirectory() as folder, counting_steps(counted):
        plain = sqlite3.connect(Path(folder) / "plain.db")
        plain.execute("CREATE TABLE memory (id TEXT PRIMARY KEY, text TEXT, vector BLOB)")
        raw = steps_of(counted, lambda: _insert(plain, data[BATCH : 2 * BATCH])) / BATCH
        plain.close()
        with TreeTextMemory.open(Path(folder) / "memory.db", embedder=Given(), record_usage=False) as memory:
            memory.add_messages(data[:BATCH])  # what is done once is done
            with counting_calls(counted):
                steps = steps_of(counted, lambda: memory.add_messages(data[BATCH : 2 * BATCH])) / BATCH
            found["calls of a memory in a batch"] = counted.calls / BATCH
            found["steps of a memory in a batch : plain insert"] = steps / raw
            counted.calls = 0
            with counting_calls(counted):
                steps = steps_of(counted, lambda: [memory.add_messages([each]) for each in data[2 * BATCH :]]) / SINGLES
            found["calls of a single add"] = counted.calls / SINGLES
            found["steps of a single add : plain insert"] = steps / raw
            ask = searcher(memory, itertools.cycle(questions()))
            ask()
            counted.calls = 0
            with counting_calls(counted):
                steps = steps_of(counted, lambda: [ask() for _ in range(SEARCHES)]) / SEARCHES
            found["calls of a search"] = counted.calls / SEARCHES
            found["steps of a search : plain insert"] = steps / raw
    return found


def on_neo4j(uri: str) -> dict[str, float]:
    """Return the counts of Neo4j: statements, and database hits beside those of the plain statements."""
    data = list(messages(2 * BATCH + SINGLES))
    found: dict[str, float] = {}
    counted = Counted()
    cube = fresh_cube("work")
    raw = Raw(uri, f"{cube}-raw")
    with TreeTextMemory.open(uri, cube=cube, embedder=Given(), record_usage=False, timeout=300) as memory:
        memory.add_messages(data[:BATCH])
        prepared = raw_rows(2 * BATCH, raw.cube)
        raw.insert(prepared[:BATCH])
        plain = _hits_of_insert(raw, prepared[BATCH:]) / BATCH
        with counting_hits(counted):
            memory.add_messages(data[BATCH : 2 * BATCH])
        found["hits of a memory in a batch : plain statement"] = counted.hits / BATCH / plain
        counted.statements = counted.hits = 0
        with counting_hits(counted):
            for each in data[2 * BATCH :]:
                memory.add_messages([each])
        found["statements of a single add"] = counted.statements / SINGLES
        found["hits of a single add : plain statement"] = counted.hits / SINGLES / plain
        ask = searcher(memory, itertools.cycle(questions()))
        ask()
        counted.statements = counted.hits = 0
        with counting_hits(counted):
            for _ in range(SEARCHES):
                ask()
        found["statements of a search"] = counted.statements / SEARCHES
        found["hits of a search : of a plain insert"] = counted.hits / SEARCHES / plain
    for label in ("Memory", "State", "Source", "Entity"):
        raw.driver.execute_query(f"MATCH (n:{label} {{cube_id: $cube}}) DETACH DELETE n", cube=raw.cube)
    raw.driver.close()
    return found


def _hits_of_insert(raw: Raw, rows: list[dict[str, Any]]) -> int:
    from datetime import UTC, datetime

    from treemem.temporal import END_TIME

    given = {"rows": rows, "cube": raw.cube, "at": datetime.now(UTC), "end": END_TIME}
    with raw.driver.session() as session:
        return hits_of(session.run(profiling(raw.insert_text), given).consume().profile or {})


def steps_of(counted: Counted, call: Callable[[], Any]) -> int:
    """Return the steps that a call takes."""
    before = counted.steps
    call()
    return counted.steps - before


def _insert(connection: sqlite3.Connection, many: list[dict[str, Any]]) -> None:
    with connection:
        connection.executemany(
            "INSERT INTO memory VALUES (?, ?, ?)",
            [(m["id"], m["content"], np.asarray(m["metadata"]["embedding"], dtype=np.float32).tobytes()) for m in many],
        )


def grown(found: dict[str, float], recorded: dict[str, float]) -> list[str]:
    """Return a sentence for each count that has grown by more than a quarter, or is not recorded."""
    return [
        f"{what}: {count:,.2f}, recorded {recorded.get(what, 0):,.2f}"
        for what, count in found.items()
        if count > MOST * recorded.get(what, 0)
    ]


def recorded() -> dict[str, dict[str, float]]:
    """Return what was counted last, by store."""
    return tomllib.loads(RECORDED.read_text("utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neo4j", metavar="URI")
    parser.add_argument("--record", action="store_true", help="keep the counts as those to compare with")
    arguments = parser.parse_args()
    known = recorded() if RECORDED.exists() else {}
    found = {"embedded": embedded()}
    if arguments.neo4j:
        found["neo4j"] = on_neo4j(arguments.neo4j)
    print("| store | what | counted | recorded |\n|---|---|---|---|")
    for store, counts in found.items():
        for what, count in counts.items():
            print(f"| {store} | {what} | {count:,.2f} | {known.get(store, {}).get(what, 0):,.2f} |")
    if arguments.record:
        lines = ["# Written by `python -m benchmarks.work --record`: how much work each verb took."]
        for store, counts in {**known, **found}.items():
            lines += ["", f"[{store}]", *(f'"{what}" = {count:.2f}' for what, count in counts.items())]
        RECORDED.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
