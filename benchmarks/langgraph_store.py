"""Random operations on TreememStore and on LangGraph's InMemoryStore: what both answer is the same.

`python -m benchmarks.langgraph_store --operations 100000 [--store PATH_OR_URI] [--seed N]` (extra `langgraph`).

The two differ where LangGraph leaves it open, and that is not compared: in which order values come that no question
ranks, how a question ranks them, and whether a namespace in which nothing is any more is listed (InMemoryStore: yes).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.store.memory import InMemoryStore

from treemem import CallableEmbedder, TreeTextMemory
from treemem.integrations.langgraph import TreememStore

WORDS = "anna ben choir harbour bread tea river lamp Zürich 茶 train piano".split()
LABELS = ("users", "anna", "ben", "notes", "a b", "ü")
FIELDS = ["text", "more[*].text"]
DIMENSION = 16
#: Operations in one cube; values that changed often have long histories.
ROUND = 1_000
EVERY = 1_000_000


def vectors(texts: Sequence[str]) -> list[list[float]]:
    """Return a fixed direction for each text."""
    made = []
    for text in texts:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        made.append(np.random.default_rng(seed).standard_normal(DIMENSION).tolist())
    return made


EMBEDDER = CallableEmbedder(vectors, name="benchmark/random", dimension=DIMENSION)


class Pair:
    """Both stores, and random operations on them."""

    def __init__(self, memory: TreeTextMemory, chance: random.Random, *, indexed: bool) -> None:
        self.indexed = indexed
        self.ours = TreememStore(memory, index={"fields": FIELDS} if indexed else None)
        index: Any = {"dims": DIMENSION, "embed": vectors, "fields": FIELDS} if indexed else None
        self.theirs = InMemoryStore(index=index)
        self.chance = chance
        self.texts = 0

    def namespace(self, least: int = 1) -> tuple[str, ...]:
        return tuple(self.chance.choice(LABELS) for _ in range(self.chance.randint(least, 3)))

    def text(self) -> str:
        return " ".join(self.chance.choices(WORDS, k=self.chance.randint(1, 4)))

    def own_text(self) -> str:
        """Return a text that no other value has: InMemoryStore refuses to embed one twice."""
        self.texts += 1
        return f"{self.text()} {self.texts}"

    def value(self) -> dict[str, Any]:
        chance = self.chance
        made: dict[str, Any] = {"n": chance.choice([0, 1, 2, 2.5, -1]), "nested": {"a": chance.choice([1, "x", None])}}
        if chance.random() < 0.8:
            made["text"] = self.own_text()
        if chance.random() < 0.4:
            made["more"] = [{"text": self.own_text()} for _ in range(chance.randint(0, 2))]
        if chance.random() < 0.3:
            made["list"] = chance.choice([[], [1, "x"], [True, None]])
        return made

    def filter(self) -> dict[str, Any] | None:
        number = self.chance.choice([0, 1, 2])
        choices: list[dict[str, Any] | None] = [
            None,
            {"n": number},
            {"n": {self.chance.choice(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]): number}},
            {"nested": {"a": self.chance.choice([1, "x", None, True])}},
            {"list": self.chance.choice([[], [1, "x"], [1], [1, None]])},
            {"missing": None, "n": {"$gte": 0, "$lt": 2}},
        ]
        return self.chance.choice(choices)

    def step(self) -> str:
        """Do one operation on both and compare; return what it was."""
        kind = self.chance.choices(["put", "delete", "get", "search", "namespaces", "batch"], [5, 2, 4, 3, 1, 1])[0]
        getattr(self, f"_{kind}")()
        return kind

    def _key(self) -> str:
        return self.chance.choice(["k1", "k2", "", "key with blanks", "ключ", "a/b"])

    def _put(self) -> None:
        where, key, value = self.namespace(), self._key(), self.value()
        index: Any = self.chance.choice([None, None, False, ["nested.a"]])
        self.ours.put(where, key, value, index=index)
        self._put_theirs(where, key, value, index)

    def _put_theirs(self, where: tuple[str, ...], key: str, value: dict[str, Any], index: Any = None) -> None:
        """Put a value where nothing is: InMemoryStore keeps vectors of what a value said before beside the new ones."""
        self.theirs.delete(where, key)
        self.theirs.put(where, key, value, index=index)

    def _delete(self) -> None:
        where, key = self.namespace(), self._key()
        for store in (self.ours, self.theirs):
            store.delete(where, key)

    def _get(self) -> None:
        where, key = self.namespace(), self._key()
        equal(_told(self.ours.get(where, key)), _told(self.theirs.get(where, key)), ("get", where, key))

    def _search(self) -> None:
        below, where = self.namespace(0), self.filter()
        query = self.text() if self.chance.random() < 0.4 else None
        asked: Any = {"filter": where, "query": query}
        every = self.ours.search(below, limit=EVERY, **asked)
        equal(_by_key(every), _by_key(self.theirs.search(below, limit=EVERY, **asked)), ("search", below, asked))
        scores = [item.score for item in every if item.score is not None]
        equal(scores, sorted(scores, reverse=True), ("order", below, asked))
        limit, offset = self.chance.randint(0, 6), self.chance.choice([0, 0, 1, 3])
        part = self.ours.search(below, limit=limit, offset=offset, **asked)
        if query is None or not self.indexed:
            page = self.theirs.search(below, limit=limit, offset=offset, **asked)
            equal(len(part), len(page), ("page", below, asked))
            equal([*map(_told, part)], [*map(_told, every[offset : offset + limit])], ("part", below, asked))

    def _namespaces(self) -> None:
        prefix = self.chance.choice([None, ("users",), ("*", "anna"), ("users", "*")])
        suffix = self.chance.choice([None, ("notes",), ("*", "ben")])
        asked: Any = {"prefix": prefix, "suffix": suffix, "max_depth": self.chance.choice([None, 1, 2])}
        depth = asked["max_depth"]
        held = {item.namespace[:depth] for item in self.theirs.search((), limit=EVERY) if _ends(item.namespace, asked)}
        listed = [ns for ns in self.theirs.list_namespaces(limit=EVERY, **asked) if ns in held]
        limit, offset = self.chance.choice([100, 3, 0]), self.chance.choice([0, 1])
        found = self.ours.list_namespaces(limit=limit, offset=offset, **asked)
        equal(found, listed[offset : offset + limit], ("list_namespaces", asked))

    def _batch(self) -> None:
        from langgraph.store.base import GetOp, PutOp

        ops: list[Any] = []
        for _ in range(self.chance.randint(0, 5)):
            where, key = self.namespace(), self._key()
            value = self.value() if self.chance.random() < 0.7 else None
            ops += [PutOp(where, key, value), GetOp(where, key)]
        equal([*map(_told, self.ours.batch(ops))], [*map(_told, self.theirs.batch(ops))], ("batch", ops))
        for where, key, value in {op[:2]: (*op[:2], op.value) for op in ops if isinstance(op, PutOp)}.values():
            if value is not None:
                self._put_theirs(where, key, value)


def _ends(namespace: tuple[str, ...], asked: dict[str, Any]) -> bool:
    prefix, suffix = asked["prefix"] or (), asked["suffix"] or ()
    if len(namespace) < max(len(prefix), len(suffix)):
        return False
    behind = namespace[len(namespace) - len(suffix) :]
    pairs = [*zip(prefix, namespace, strict=False), *zip(suffix, behind, strict=True)]
    return all(wanted in ("*", label) for wanted, label in pairs)


def _told(item: Any) -> Any:
    return None if item is None else (item.namespace, item.key, item.value)


def _by_key(items: Sequence[Any]) -> dict[Any, Any]:
    found = {(item.namespace, item.key): (item.value, item.score is None) for item in items}
    equal(len(found), len(items), "values that come twice")
    return found


def equal(ours: Any, theirs: Any, what: Any) -> None:
    """Raise AssertionError if the answers differ."""
    if ours != theirs:
        raise AssertionError(f"{what}\n  treemem:       {ours!r}\n  InMemoryStore: {theirs!r}")


def run(location: str, operations: int, seed: int) -> Iterator[str]:
    """Do random operations, in a cube of its own for each thousand, and yield what each was."""
    chance = random.Random(seed)
    with TreeTextMemory.open(location, cube="langgraph-base", embedder=EMBEDDER, record_usage=False) as base:
        for begin in range(0, operations, ROUND):
            memory = base.cube(f"langgraph-{uuid.uuid4()}")
            pair = Pair(memory, chance, indexed=begin // ROUND % 2 == 0)
            for _ in range(min(ROUND, operations - begin)):
                yield pair.step()
            problems = memory.check()
            equal(problems, [], "check")


def main() -> None:
    """Run it and tell how many operations of each kind were compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--store")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began, counts = time.perf_counter(), dict[str, int]()
    with tempfile.TemporaryDirectory() as folder:
        for kind in run(given.store or str(Path(folder) / "store.db"), given.operations, given.seed):
            counts[kind] = counts.get(kind, 0) + 1
            if sum(counts.values()) % 5_000 == 0:
                print(f"{sum(counts.values())} operations, {time.perf_counter() - began:.0f} s", flush=True)
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
    print(f"{sum(counts.values())} operations equal in {time.perf_counter() - began:.0f} s: {told}")


if __name__ == "__main__":
    main()
