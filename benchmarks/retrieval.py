"""Retrieval on public sets: `python -m benchmarks.retrieval --data DIR [--store URI] [--only NAMES] [--limit N]`.

DIR holds locomo, beam_100k, 2wiki, hotpotqa and musique as JSON Lines (conversations as messages, documents as passages
with a title; "musique_facts" is musique with the names and triples that a language model read from each passage: the
names as its entities, the triples as memories of their own, children of it, which the walk passes and no hit shows).
Measured in one run, with one model and one setting for all sets: the text arm alone (BM25), the vector
arm alone, their min-max sum, the search with its walk, and with its reading of time and supersession too. A hit credits
the one source it was made from, so that ten
hits credit at most ten. Figures are recall at 5 and 10 (mean share of the gold found) and the share of questions all of
whose gold is among the ten; the interval is a bootstrap over questions (Efron, 1979), 95 %.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from treemem import SearchOptions, TreeTextMemory
from treemem.changes import ChangeSet, EdgeAssert, EdgeType

#: The arms by themselves: neither walk nor order, and nothing that supersedes.
ARMS = SearchOptions(hops=0, walk_weight=0, told_weight=0, session_weight=0, supersession=False)
#: Options, and whether the time of the question is read.
METHODS = {
    "text arm": (replace(ARMS, vector_limit=0), "now"),
    "vector arm": (replace(ARMS, text_limit=0), "now"),
    "sum": (ARMS, "now"),
    "walk": (SearchOptions(supersession=False), "now"),
    "walk, time": (SearchOptions(), "auto"),
}
BASE = "sum"
SAMPLES = 2_000


@dataclass(frozen=True)
class Question:
    text: str
    gold: frozenset[str]
    category: str


@dataclass(frozen=True)
class Collection:
    """What goes into one cube, and what is asked of it."""

    name: str
    messages: tuple[dict[str, Any], ...] = ()
    passages: tuple[dict[str, Any], ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    questions: tuple[Question, ...] = ()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def locomo(folder: Path) -> Iterator[Collection]:
    for place in sorted(folder.iterdir()):
        said = []
        for turn in lines(place / "turns.jsonl"):
            text = turn["text"] or "(a picture)"
            if turn.get("image_caption"):
                text += f" [picture: {turn['image_caption']}]"
            said.append(
                {
                    "id": turn["id"],
                    "name": turn["speaker"],
                    "content": text,
                    "chat_time": turn["session_time"],
                    "metadata": {"session_id": str(turn["session"])},
                }
            )
        asked = [
            Question(q["question"], frozenset(q["gold"]), q["category"])
            for q in lines(place / "questions.jsonl")
            if q["gold"]
        ]
        yield Collection(place.name, tuple(said), questions=tuple(asked))


def beam(folder: Path) -> Iterator[Collection]:
    for place in sorted(folder.iterdir()):
        said, at = [], None
        for message in lines(place / "messages.jsonl"):
            if message.get("time"):
                at = datetime.strptime(message["time"], "%B-%d-%Y").replace(tzinfo=UTC)
            said.append(
                {"id": f"m{message['id']}", "role": message["role"], "content": message["text"], "chat_time": at}
            )
        known = {m["id"] for m in said}
        asked = []
        for q in lines(place / "questions.jsonl"):
            gold = frozenset(f"m{i}" for i in _ids(q["source"])) & known
            if gold:
                asked.append(Question(q["question"], gold, q["ability"]))
        yield Collection(place.name, tuple(said), questions=tuple(asked))


def _ids(source: Any) -> list[int]:
    """Return every message id that a question's source names, however it is nested."""
    if isinstance(source, bool) or source is None:
        return []
    if isinstance(source, int):
        return [source]
    many = source.values() if isinstance(source, dict) else source if isinstance(source, list) else []
    return [i for each in many for i in _ids(each)]


def documents(folder: Path) -> Iterator[Collection]:
    passages = [
        {"id": p["id"], "memory": p["text"], "metadata": {"key": p["title"]}} for p in lines(folder / "passages.jsonl")
    ]
    asked = [
        Question(q["question"], frozenset(q["gold"]), str(q.get("category", "all")))
        for q in lines(folder / "questions.jsonl")
    ]
    yield Collection(folder.name, passages=tuple(passages), questions=tuple(asked))


def with_facts(folder: Path) -> Iterator[Collection]:
    (plain,) = documents(folder)
    read = {each["passage"]: each for each in lines(folder / "triples.jsonl")}
    passages = [
        {**p, "metadata": {**p["metadata"], "entities": _said(read[p["id"]]["entities"])}} if p["id"] in read else p
        for p in plain.passages
    ]
    facts = [
        {
            "id": f"{each['passage']}-fact-{n}",
            "memory": " ".join(triple),
            "metadata": {"memory_type": "UserMemory", "entities": [triple[0], triple[2]]},
        }
        for each in read.values()
        for n, triple in enumerate(each["triples"])
        if len(_said(triple)) == 3
    ]
    yield Collection(plain.name + "_facts", passages=tuple(passages), facts=tuple(facts), questions=plain.questions)


def _said(names: list[str]) -> list[str]:
    return [name for name in names if name.strip()]


READERS = {
    "locomo": locomo,
    "beam_100k": beam,
    "2wiki": documents,
    "hotpotqa": documents,
    "musique": documents,
    "musique_facts": with_facts,
}


def place_of(data: Path, name: str) -> Path:
    """Return the folder of a set; a set with facts is read from the same one as without."""
    return data / name.removesuffix("_facts")


def load(cube: TreeTextMemory, collection: Collection) -> None:
    """Add a collection to a cube: its facts under their passages."""
    if collection.messages:
        cube.add_messages(collection.messages, conversation_id=collection.name)
    if collection.passages:
        cube.add(collection.passages)
    if collection.facts:
        cube.add(collection.facts)
        link(cube, [EdgeAssert(EdgeType.PARENT, f["id"].split("-fact-")[0], f["id"]) for f in collection.facts])


def link(cube: TreeTextMemory, edges: list[EdgeAssert]) -> None:
    """Assert edges for all time."""
    info = cube.store.cube(cube.cube_id)
    assert info is not None
    always = tuple(replace(edge, valid_from=0) for edge in edges)
    cube.store.apply(
        ChangeSet(cube.cube_id, f"link-{uuid.uuid4()}", "link", info.clock + 1, model=info.model, edges=always)
    )


def asked(cube: TreeTextMemory, collection: Collection, question: Question, **arguments: Any) -> list[str]:
    """Return the ids of the ten hits for a question; facts are walked through and not shown."""
    types = ["LongTermMemory"] if collection.facts else None
    return [hit.id for hit in cube.search(question.text, 10, memory_types=types, **arguments)]


def score(hits: list[str], gold: frozenset[str]) -> tuple[float, float, float]:
    """Recall at 5, recall at 10, and whether all of the gold is among the ten."""
    five, ten = set(hits[:5]), set(hits[:10])
    return len(gold & five) / len(gold), len(gold & ten) / len(gold), float(gold <= ten)


def interval(values: np.ndarray) -> tuple[float, float]:
    rng = np.random.default_rng(7)
    means = values[rng.integers(len(values), size=(SAMPLES, len(values)))].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def measure(memory: TreeTextMemory, name: str, folder: Path, limit: int | None) -> None:
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    categories: list[str] = []
    seconds: dict[str, float] = defaultdict(float)
    for collection in READERS[name](folder):
        cube = memory.cube(f"{name}-{collection.name}-{int(time.time())}")
        load(cube, collection)
        for question in collection.questions[:limit]:
            categories.append(question.category)
            for method, (options, when) in METHODS.items():
                started = time.perf_counter()
                hits = asked(cube, collection, question, options=options, when=when)
                seconds[method] += time.perf_counter() - started
                found[method].append(score(hits, question.gold))
    report(name, found, categories, seconds)


def report(
    name: str, found: dict[str, list[tuple[float, float, float]]], categories: list[str], seconds: dict[str, float]
) -> None:
    print(f"\n{name}: {len(categories)} questions")
    print("| method | R@5 | R@10 | 95 % | all@10 | R@10 over the sum, 95 % | ms |")
    print("|---|---|---|---|---|---|---|")
    base = np.array(found[BASE])[:, 1]
    for method, scores in found.items():
        table = np.array(scores)
        five, ten, whole = 100 * table.mean(axis=0)
        low, high = interval(table[:, 1])
        gain = table[:, 1] - base
        better = "" if method == BASE else f"{100 * gain.mean():+.1f} ({_span(gain)})"
        took = 1_000 * seconds[method] / len(scores)
        print(
            f"| {method} | {five:.1f} | {ten:.1f} | {100 * low:.1f} to {100 * high:.1f} | {whole:.1f} | {better} | "
            f"{took:.0f} |"
        )
    kinds = sorted(set(categories))
    if len(kinds) > 1:
        print("\n| R@10 by category | questions | " + " | ".join(found) + " |")
        print("|---|---|" + "---|" * len(found))
        for kind in kinds:
            rows = [i for i, each in enumerate(categories) if each == kind]
            cells = [f"{100 * np.array(scores)[rows, 1].mean():.1f}" for scores in found.values()]
            print(f"| {kind} | {len(rows)} | " + " | ".join(cells) + " |")


def _span(gain: np.ndarray) -> str:
    low, high = interval(gain)
    return f"{100 * low:+.1f} to {100 * high:+.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", help="a Neo4j URI or a file path; default: a file that is removed afterwards")
    parser.add_argument("--only", help="sets by name, with commas between")
    parser.add_argument("--limit", type=int, help="questions a conversation or set, to see that it runs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(arguments.store or str(Path(folder) / "retrieval.db")) as memory:
            for name in READERS:
                place = place_of(arguments.data, name)
                if place.is_dir() and (arguments.only is None or name in arguments.only.split(",")):
                    measure(memory, name, place, arguments.limit)


if __name__ == "__main__":
    main()
