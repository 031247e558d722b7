"""Pools of candidates, kept in a folder: `python -m benchmarks.pools --data DIR --folder DIR [--only NAMES]`.

What a search would choose from, once per question of each set: the recall of the embedded store with 64 seeds an arm (a
search's own 30 are the first of them), and the states of the best 64 candidates and of all seeds, with their vectors.
`benchmarks.laboratory` orders them offline. The sets are those of `benchmarks.retrieval`, and three of MemDaily
(Chinese): "memdaily" has all logs in one cube, "memdaily_each" a cube for each log, "memdaily_e5" the first with the
multilingual model. The folder holds words of the data, so it lies outside of the project.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.retrieval import READERS as OTHERS
from benchmarks.retrieval import Collection, lines, load
from benchmarks.retrieval import Question as Asked
from treemem import MiniLM, MultilingualE5, SearchOptions, TreeTextMemory
from treemem.changes import Model, State
from treemem.ingest.entities import meant
from treemem.models.embedders import Embedder, embedded_questions
from treemem.search.question import Question, asks_by_keywords, edge_boosts
from treemem.search.rank import rank
from treemem.search.target import target_of
from treemem.segments import is_latin
from treemem.store.protocol import Subgraph
from treemem.temporal import Moment

#: Seeds that each arm brings into a pool, and candidates whose states are kept beside the seeds.
SEEDS, CANDIDATES = 64, 64


@dataclass(frozen=True)
class Pool:
    """One question of a set with what a search found for it; `gold` and `category` are for scoring alone."""

    set: str
    cube: str
    question: Question
    found: Subgraph
    states: tuple[State, ...]
    gold: frozenset[str]
    category: str

    @property
    def english_only(self) -> bool:
        """Whether its vectors are those of a model that reads English alone."""
        return self.question.model is not None and self.question.model.name == MiniLM.name


def _logs(folder: Path) -> Iterator[Collection]:
    for log in lines(folder / "trajectories.jsonl"):
        said = tuple(
            {"id": f"{log['id']}-{m['id']}", "role": "user", "content": m["text"], "chat_time": m["time"] + "Z"}
            for m in log["messages"]
        )
        asked = tuple(
            Asked(q["question"], frozenset(f"{log['id']}-{i}" for i in q["gold"]), log["kind"])
            for q in log["questions"]
            if q["gold"]
        )
        yield Collection(log["id"], said, questions=asked)


def _joined(folder: Path) -> Iterator[Collection]:
    logs = list(_logs(folder))
    yield Collection(
        "memdaily",
        messages=tuple(m for log in logs for m in log.messages),
        questions=tuple(q for log in logs for q in log.questions),
    )


READERS = {
    **{name: reader for name, reader in OTHERS.items() if name != "musique_facts"},
    "memdaily": _joined,
    "memdaily_each": _logs,
    "memdaily_e5": _joined,
}


def kept(folder: Path, name: str) -> list[Pool]:
    """Return the pools of a set that a run has left in a folder of one's own."""
    found: list[Pool] = pickle.loads((folder / f"{name}.pickle").read_bytes())
    return [
        replace(p, question=replace(p.question, options=options_of(p.question.text, p.english_only))) for p in found
    ]


def options_of(text: str, english_only: bool) -> SearchOptions:
    """Return the options of a search by the defaults; those of today, whatever they were when a pool was kept."""
    options = SearchOptions(supersession=False)
    if english_only and not is_latin(text):
        return options.for_foreign_text()
    return options.for_keywords() if asks_by_keywords(text) else options


def asked(text: str, embedder: Embedder) -> Question:
    """Return what a search by the defaults asks, at all times a cube knows."""
    options = options_of(text, getattr(embedder, "english_only", False))
    moment = Moment(time.time_ns() // 1_000)
    model = Model(embedder.name, embedder.dimension)
    vector = embedded_questions(embedder, [text])[0]
    target = target_of(moment, None, None, include_superseded=False)
    return Question(text, vector, moment, target, top_k=10, model=model, options=options)


def pool(memory: TreeTextMemory, name: str, asking: Asked, embedder: Embedder) -> Pool:
    """Return what a search of a cube chooses from."""
    question = asked(asking.text, embedder)
    recall = replace(
        question.recall(memory.cube_id, question.moment, question.options.hops, None),
        vector_limit=SEEDS,
        text_limit=SEEDS,
        vectors=True,
    )

    def pick(found: Subgraph) -> list[tuple[str, int]]:
        seeds = {seed.memory_id: seed.version for seed in found.seeds}
        named = replace(found, entities=meant(question.text, found.entities))
        ranked = rank(named, question.options, edge_boosts(question.text))
        best = [(each.memory_id, each.version) for each, _ in zip(ranked, range(CANDIDATES), strict=False)]
        return list(dict.fromkeys([*best, *seeds.items()]))

    found, states = memory.store.recall(recall, pick)
    return Pool(name, memory.cube_id, question, found, tuple(states), asking.gold, asking.category)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the pools are kept")
    parser.add_argument("--only", help="sets by name, with commas between")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in READERS if arguments.only is None else arguments.only.split(","):
        embedder: Embedder = MultilingualE5() if name.endswith("_e5") else MiniLM()
        started, pools = time.perf_counter(), []
        with tempfile.TemporaryDirectory() as folder:
            with TreeTextMemory.open(str(Path(folder) / "pools.db"), embedder=embedder) as memory:
                for collection in READERS[name](arguments.data / name.split("_e")[0]):
                    cube = memory.cube(f"{name}-{collection.name}")
                    load(cube, collection)
                    pools += [pool(cube, name, each, embedder) for each in collection.questions]
        (arguments.folder / f"{name}.pickle").write_bytes(pickle.dumps(pools, pickle.HIGHEST_PROTOCOL))
        print(f"{name}: {len(pools)} questions in {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    from benchmarks import pools

    pools.main()  # pools are kept under the name of this module, not of the one that ran
