"""Random verbs of five callers in three cubes against a naive model, on one store or on two that must agree.

    python -m benchmarks.campaign --operations 20000 --store memory.db [--compare bolt://127.0.0.1:7687] --seed 1

After a change one caller reads what it touched; after each hundred operations, every caller reads everything, `check()`
finds nothing, and both stores hold the same. Prints what was lost (a caller did not get what is its to see), leaked
(got what is not, or what was purged) and different (another text, another refusal, another content).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from benchmarks.campaign_model import CALLERS, DAYS, Call, Cube
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from treemem import MemoryNotFoundError, TreememError, TreeTextMemory

#: How many operations three cubes see before three new ones take their place: what is compared is the whole cube.
EPOCH = 500
EVERY = 100
LETTERS = "bcdfghjklmnpqrstvwxz"


class CachedEmbedder(HashEmbedder):
    """The same vectors, each word's direction kept: a word is asked for many times."""

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}

    def embed(self, texts: Any) -> Any:
        if len(self._seen) > 5_000:
            self._seen.clear()
        for text in texts:
            if text not in self._seen:
                self._seen[text] = self._one(text)
        return np.stack([self._seen[text] for text in texts])


class Campaign:
    """Drives one memory, or two, and the model by the same random operations."""

    def __init__(self, stores: list[str], seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = FakeClock(step=timedelta(0))
        self.bases = [
            TreeTextMemory.open(store, embedder=CachedEmbedder(), clock=self.clock, record_usage=False)
            for store in stores
        ]
        self.seed = seed
        self.operations = self.refusals = 0
        self.faults: Counter[str] = Counter()
        self.verbs: Counter[str] = Counter()
        self._begin()

    def close(self) -> None:
        for base in self.bases:
            base.close()

    def _begin(self) -> None:
        """Take three new cubes."""
        self.cubes = [Cube(fresh_cube("campaign"), self.random) for _ in range(3)]
        self.views = [
            [[self._view(base, cube, caller) for caller in CALLERS] for cube in self.cubes] for base in self.bases
        ]
        self.began = self.operations

    @staticmethod
    def _view(base: TreeTextMemory, cube: Cube, caller: tuple[str | None, str | None]) -> TreeTextMemory:
        memory = base.cube(cube.name)
        return memory if caller == (None, None) else memory.for_caller(*caller)

    def run(self, operations: int) -> None:
        """Do so many operations, and compare after each hundred and at the end."""
        until = self.operations + operations
        while self.operations < until:
            if self.operations - self.began >= EPOCH:
                self._begin()
            faults = sum(self.faults.values())
            self._step()
            if sum(self.faults.values()) == faults and (self.operations % EVERY == 0 or self.operations == until):
                self._compare()
            if sum(self.faults.values()) != faults:
                self._begin()  # what differs once differs ever after

    def fault(self, kind: str, what: str) -> None:
        """Count a fault, and tell the first ones."""
        self.faults[kind] += 1
        if sum(self.faults.values()) <= 10:
            print(f"{kind} | seed {self.seed}, operation {self.operations} | {what}", file=sys.stderr, flush=True)

    def _step(self) -> None:
        self.operations += 1
        self.clock.time += timedelta(seconds=1)
        which = self.random.randrange(3)
        cube = self.cubes[which]
        call = cube.invent(f"op{self.operations}", self._token)
        self.verbs[call.verb] += 1
        expected = cube.apply(call, self.clock.time)
        self.refusals += expected is not None
        for views in self.views:
            raised = self._do(views[which][call.caller], call)
            if raised is not expected:
                self.fault("different", f"{call}: expected {expected}, found {raised}")
                return
        if expected is not None and self.operations % 4:
            return  # that a refusal changed nothing is looked at now and then
        reader, moment = self.random.randrange(len(CALLERS)), self.random.randint(0, DAYS)
        for views in self.views:
            self._read(views[which][reader], cube, reader, sorted(call.touched), moment)
            if call.verb == "purge" and expected is None:
                self._purged(views[which][0], call)

    def _token(self) -> str:
        return "zz" + "".join(self.random.choices(LETTERS, k=9))

    @staticmethod
    def _do(memory: TreeTextMemory, call: Call) -> type[TreememError] | None:
        try:
            getattr(memory, call.verb)(*call.args, **call.kwargs)
        except TreememError as error:
            return type(error)
        return None

    def _read(self, memory: TreeTextMemory, cube: Cube, reader: int, ids: list[str], moment: int) -> None:
        """Compare what `get_by_ids` says of some memories with the model."""
        as_of = None if moment == DAYS else day(moment)
        found = {item.id: item.memory for item in memory.get_by_ids(ids, as_of=as_of)} if ids else {}
        self._same(f"get_by_ids by {CALLERS[reader]} of day {moment}", found, cube.seen(reader, moment, ids))

    def _same(self, what: str, found: dict[str, Any], truth: dict[str, Any]) -> None:
        if found == truth:
            return
        for i in truth.keys() - found.keys():
            self.fault("lost", f"{what}: {i} says {truth[i]}")
        for i in found.keys() - truth.keys():
            self.fault("leaked", f"{what}: {i} says {found[i]}")
        for i in found.keys() & truth.keys():
            if found[i] != truth[i]:
                self.fault("different", f"{what}: {i} says {found[i]}, expected {truth[i]}")

    def _purged(self, memory: TreeTextMemory, call: Call) -> None:
        told = repr([memory.search(token, 50) for token in call.tokens])
        told += repr(memory.operations(limit=200))
        for token in call.tokens:
            if token in told.replace(f"query='{token}'", ""):
                self.fault("leaked", f"{token} after its purge in {call}")

    def _compare(self) -> None:
        """Every caller reads everything; the cubes are sound, and the same on both stores."""
        for views in self.views:
            for cube, callers in zip(self.cubes, views, strict=True):
                problems = callers[0].check()
                if problems:
                    self.fault("different", f"check(): {problems[:2]}")
                for reader, memory in enumerate(callers):
                    self._compare_reader(memory, cube, reader)
                reader = self.random.randrange(len(CALLERS))
                self._compare_search(callers[reader], cube, reader)
                self._compare_purged(callers[0], cube)
        for which, cube in enumerate(self.cubes):
            hashes = {views[which][0].content_hash() for views in self.views}
            if len(hashes) > 1:
                self.fault("different", f"content_hash of {cube.name}: {hashes}")

    def _compare_reader(self, memory: TreeTextMemory, cube: Cube, reader: int) -> None:
        who, everything = CALLERS[reader], sorted(cube.ids)
        moment = self.random.randint(0, DAYS)
        as_of = None if moment == DAYS else day(moment)
        paged = {i.id: i.memory for page in memory.pages(as_of=as_of, limit=50) for i in page.items}
        self._same(f"pages by {who} of day {moment}", paged, cube.seen(reader, moment, everything))
        if cube.times:
            n = self.random.randrange(len(cube.times))
            found = {i.id: i.memory for i in memory.get_by_ids(everything, as_of=day(0), known_at=cube.times[n])}
            self._same(f"get_by_ids by {who}, known at {n}", found, cube.seen(reader, 0, everything, known_at=n))
        for memory_id in self.random.sample(everything, min(len(everything), 2)):
            try:
                told = sorted(version.item.memory for version in memory.history(memory_id))
            except MemoryNotFoundError:
                told = []
            self._same(f"history by {who}", {memory_id: told}, {memory_id: cube.told(reader, memory_id)})

    def _compare_search(self, memory: TreeTextMemory, cube: Cube, reader: int) -> None:
        """What a search finds is what its caller sees, and says what it says."""
        now = cube.seen(reader, DAYS, cube.ids)
        words = self.random.choice(sorted(now.values())) if now else "nothing"
        hits = {hit.id: hit.memory for hit in memory.search(words, 20, when="now")}
        self._same(f"search by {CALLERS[reader]} for {words!r}", hits, {i: now[i] for i in hits if i in now})

    def _compare_purged(self, memory: TreeTextMemory, cube: Cube) -> None:
        told = repr(memory.get_all()) + repr(memory.operations(limit=10_000)) if cube.purged else ""
        for token in cube.purged:
            if token in told:
                self.fault("leaked", f"{token} was purged")

    def summary(self, seconds: float) -> str:
        return (
            f"{self.operations} operations | {self.refusals} refusals | {self.faults['lost']} lost | "
            f"{self.faults['leaked']} leaked | {self.faults['different']} different | "
            f"{self.operations / seconds:.0f} a second"
        )


def campaign(stores: list[str], operations: int, seed: int, told: Callable[[str], None] | None = None) -> Campaign:
    """Run a campaign on one store, or on two that must agree, and return what it counted."""
    run = Campaign(stores, seed)
    began = time.monotonic()
    try:
        while run.operations < operations:
            run.run(min(1_000, operations - run.operations))
            if told is not None:
                told(run.summary(time.monotonic() - began))
    finally:
        run.close()
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--store", required=True, help="a path, or the URI of a server")
    parser.add_argument("--compare", help="another store that must agree")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    stores = [given.store] + ([given.compare] if given.compare else [])
    run = campaign(stores, given.operations, given.seed, lambda line: print(line, flush=True))
    print(", ".join(f"{verb} {n}" for verb, n in run.verbs.most_common()))
    sys.exit(1 if run.faults else 0)


if __name__ == "__main__":
    main()
