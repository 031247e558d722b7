"""What single adds cost: `python -m benchmarks.writes [--neo4j URI] [--rounds 12] [--peer PYTHON] [--folder F]`.

Memories with vectors given and two names each, added one by one by one caller and by eight, in three ways that take
turns: by the steps of `apply`, each caller with a transaction of its own; as it is; and, with `--peer`, by
neo4j-agent-memory, for which PYTHON is an interpreter that has it (it wants an empty database, and leaves constraints
there that treemem refuses to be opened beside). Rates are medians of the rounds; the ratio is that of each round to the
first way's, with its quartiles. Processor time is the client's; transactions and statements are counted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.foundation import Given
from benchmarks.synthetic import items
from treemem import TreeTextMemory
from treemem.store.neo4j import creating
from treemem.store.sqlite.database import Database
from treemem.store.together import Together

#: How many memories each way adds in one round, by its number of callers.
EACH = {1: 40, 8: 160}
#: Seconds that passed, processor seconds of the client.
Taken = tuple[float, float]


def shared_by(callers: int, many: list[Any], call: Callable[[Any], object]) -> Taken:
    """Let so many threads do the calls."""

    def work(some: list[Any]) -> None:
        for each in some:
            call(each)

    threads = [threading.Thread(target=work, args=(many[k::callers],)) for k in range(callers)]
    started, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started, time.process_time() - used


@contextmanager
def by_steps() -> Iterator[None]:
    """Each change set in a transaction of its own, on Neo4j by several statements."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(Together, "__call__", lambda self, _, what: self.alone(what)))
        stack.enter_context(patch.object(creating, "only_creates", lambda _: False))
        yield


@contextmanager
def counted(counts: dict[str, int]) -> Iterator[None]:
    """Count the transactions that write into a file: each waits for the disk once."""
    write = Database.write

    def counting(database: Database) -> AbstractContextManager[sqlite3.Connection]:
        counts["transactions"] = counts.get("transactions", 0) + 1
        return write(database)

    with patch.object(Database, "write", counting):
        yield


class Peer:
    """neo4j-agent-memory in a process of its own, by another interpreter."""

    def __init__(self, python: str, uri: str) -> None:
        script = Path(__file__).with_name("writes_peer.py")
        self.process = subprocess.Popen(
            [python, str(script), uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.said() == "ready"

    def said(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def add(self, callers: int, many: list[dict[str, Any]]) -> Taken:
        assert self.process.stdin is not None
        told = [[each["memory"], each["metadata"]["embedding"].tolist()] for each in many]
        self.process.stdin.write(json.dumps({"callers": callers, "items": told}) + "\n")
        self.process.stdin.flush()
        seconds, used = self.said()
        return seconds, used


def compared(store: str, memory: TreeTextMemory, rounds: int, peer: Peer | None) -> None:
    data = items(rounds * 3 * sum(EACH.values()) + 3 * len(EACH) * 40)
    counts: dict[str, int] = {}

    def ours(callers: int, many: list[Any]) -> Taken:
        return shared_by(callers, many, memory.add)

    def steps(callers: int, many: list[Any]) -> Taken:
        with by_steps():
            return ours(callers, many)

    ways = {"by steps": steps, "as it is": ours, **({"neo4j-agent-memory": peer.add} if peer else {})}
    with counted(counts):
        for callers, each in EACH.items():
            rates: dict[str, list[float]] = {name: [] for name in ways}
            used: dict[str, list[float]] = {name: [] for name in ways}
            ran: dict[str, int] = dict.fromkeys(ways, 0)
            for n in range(-1, rounds):
                for name, way in list(ways.items())[:: 1 if n % 2 else -1]:
                    some = list(itertools.islice(data, each if n >= 0 else 40))
                    before = writes_of(memory, counts)
                    seconds, processor = way(callers, some)
                    if n >= 0:
                        rates[name].append(each / seconds)
                        used[name].append(1_000 * processor / each)
                        ran[name] += writes_of(memory, counts) - before
            for name in ways:
                told(store, callers, name, rates, used[name], ran[name] / (rounds * each))


def writes_of(memory: TreeTextMemory, counts: dict[str, int]) -> int:
    """Statements on a server, transactions in a file."""
    found: int = getattr(memory.store, "statements", counts.get("transactions", 0))
    return found


def told(store: str, callers: int, name: str, rates: dict[str, list[float]], used: list[float], ran: float) -> None:
    first = next(iter(rates))
    ratios = [mine / base for mine, base in zip(rates[name], rates[first], strict=True)]
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    counted_as = "" if name == "neo4j-agent-memory" else f"{ran:.2f}"
    rate, ratio = f"{statistics.median(rates[name]):,.0f}", f"{middle:.2f} ({low:.2f} to {high:.2f})"
    print(
        f"| {store} | {callers} | {name} | {rate} | {ratio} | {statistics.median(used):.2f} | {counted_as} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neo4j", metavar="URI")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--folder", help="where the embedded store's file lies: on the disk that is to be measured")
    parser.add_argument("--only", choices=["embedded", "neo4j"])
    given = parser.parse_args()
    print("| store | callers | way | a second | ratio | client's processor, ms | transactions or statements |")
    print("|---|---|---|---|---|---|---|")
    if given.only != "neo4j":
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            with TreeTextMemory.open(Path(folder) / "memory.db", embedder=Given(), record_usage=False) as memory:
                compared("embedded", memory, given.rounds, None)
    if given.neo4j and given.only != "embedded":
        cube = f"writes-{int(time.time())}"
        with TreeTextMemory.open(given.neo4j, cube=cube, embedder=Given(), record_usage=False) as memory:
            compared("Neo4j", memory, given.rounds, Peer(given.peer, given.neo4j) if given.peer else None)


if __name__ == "__main__":
    main()
