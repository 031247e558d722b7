"""How fast messages come in: `python -m benchmarks.reading --data DIR [--rounds N]`, embedded store, a file.

DIR holds locomo and beam_100k as `benchmarks.retrieval` reads them; of LoCoMo's texts a talk with an assistant is made,
too, whose every second message is the assistant's. Each conversation is added in one call to a cube of its own; vectors
cost nothing. Told are messages a second, median and range of the rounds, of the whole call, of the processor alone, and
of the reading alone, which is the call without the transactions of the store. In each round the texts are
others, by a number at their ends: what is remembered of short texts would help otherwise.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import READERS, Collection
from treemem import Receipt, TreeTextMemory
from treemem.changes import ChangeSet


class Fixed:
    """A model that gives each text one of 4,096 vectors at once."""

    name, dimension = "benchmark/fixed", 384

    def __init__(self) -> None:
        self._vectors = np.random.default_rng(0).normal(size=(4_096, self.dimension)).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> Any:
        """Return vectors of texts that mean nothing."""
        return self._vectors[[hash(text) % len(self._vectors) for text in texts]]


def conversations(data: Path) -> Iterator[tuple[str, list[Collection]]]:
    """Yield the conversations of each set with its name."""
    for name in ("locomo", "beam_100k"):
        yield name, list(READERS[name](data / name))
    texts = [message["content"] for each in READERS["locomo"](data / "locomo") for message in each.messages]
    said = ({"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts))
    yield "locomo as a talk with an assistant", [Collection("talk", tuple(said))]


def added(collections: Sequence[Collection], turn: int) -> tuple[float, float, float]:
    """Return the seconds that adding takes, those of the processor, and those that the store takes."""
    stored = 0.0
    many = [
        (each.name, [{**message, "content": f"{message['content']} {turn}"} for message in each.messages])
        for each in collections
    ]
    model = Fixed()
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(Path(folder) / "m.db", embedder=model, record_usage=False) as memory:
            begin = memory.store.begin

            def timed(change: ChangeSet) -> Callable[[], Receipt]:
                nonlocal stored
                started = time.perf_counter()
                receipt = begin(change)()
                stored += time.perf_counter() - started
                return lambda: receipt

            memory.store.begin = timed  # type: ignore[assignment, method-assign]
            started, worked = time.perf_counter(), time.process_time()
            for name, messages in many:
                memory.cube(name).add_messages(messages, conversation_id=name)
            return time.perf_counter() - started, time.process_time() - worked, stored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("| messages | letters each | a second, in all | of processor time | reading alone |\n|---|---|---|---|---|")
    for name, collections in conversations(arguments.data):
        texts = [message["content"] for each in collections for message in each.messages]
        added(collections[:1], 0)  # what is read once: packs, patterns
        rounds = [added(collections, turn) for turn in range(1, arguments.rounds + 1)]
        whole = sorted(len(texts) / total for total, _, _ in rounds)
        worked = sorted(len(texts) / busy for _, busy, _ in rounds)
        alone = sorted(len(texts) / (total - stored) for total, _, stored in rounds)
        told = (whole, worked, alone)
        cells = [f"{statistics.median(each):,.0f} ({each[0]:,.0f} to {each[-1]:,.0f})" for each in told]
        print(f"| {name}, {len(texts):,} | {sum(map(len, texts)) / len(texts):.0f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
