"""Stale facts: `python -m benchmarks.knowledge_update --data DIR [--store URI]`.

DIR/beam_100k holds chats in which facts change; a question of the ability `knowledge_update` names the message that
first told a fact and the one that updated it. Of the pairs that plain retrieval has both among its ten, a pair passes
if the newer one is among the ten of the search under test and the older one is not, comes after it, or is flagged as
superseded by it; then again after a run of the reorganizer over everything. Plain is the min-max sum of both arms, or
one arm alone; all in one run.

`--flags N` prints N supersessions drawn at random from all questions of BEAM and LoCoMo, to be judged by eye.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.retrieval import METHODS, READERS, lines
from treemem import SearchResult, TreeTextMemory

PLAIN = ("sum", "vector arm", "text arm")


def pairs(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Question, older message, newer message."""
    for question in lines(folder / "questions.jsonl"):
        if question["ability"] == "knowledge_update":
            for older in question["source"]["original_info"]:
                for newer in question["source"]["updated_info"]:
                    if older != newer:
                        yield question["question"], f"m{older}", f"m{newer}"


def passes(found: SearchResult, older: str, newer: str) -> bool:
    ranks = {hit.id: rank for rank, hit in enumerate(found)}
    if newer not in ranks:
        return False
    return older not in ranks or ranks[newer] < ranks[older] or found[ranks[older]].superseded_by == newer


def plain(cube: TreeTextMemory, question: str, method: str) -> SearchResult:
    options, _ = METHODS[method]
    return cube.search(question, 10, when="now", options=replace(options, supersession=False))


def updates(memory: TreeTextMemory, folder: Path) -> None:
    both = dict.fromkeys(PLAIN, 0)
    before, after, tidied = dict(both), dict(both), dict(both)
    for collection in READERS["beam_100k"](folder):
        cube = memory.cube(f"updates-{collection.name}")
        cube.add_messages(collection.messages, conversation_id=collection.name)
        counted: list[tuple[str, str, str, str]] = []
        for question, older, newer in pairs(folder / collection.name):
            found = cube.search(question, 10)
            for method in PLAIN:
                flat = plain(cube, question, method)
                if {older, newer} <= {hit.id for hit in flat}:
                    counted.append((method, question, older, newer))
                    both[method] += 1
                    before[method] += passes(flat, older, newer)
                    after[method] += passes(found, older, newer)
        cube.reorganizer.run(everything=True)
        for method, question, older, newer in counted:
            tidied[method] += passes(cube.search(question, 10), older, newer)
    print("| pairs that plain retrieval has both | pairs | it passes | the search passes | after reorganizing |")
    print("|---|---|---|---|---|")
    for method in PLAIN:
        n = both[method] or 1
        shares = " | ".join(f"{100 * each[method] / n:.0f} %" for each in (before, after, tidied))
        print(f"| {method} | {both[method]} | {shares} |")


def flags(memory: TreeTextMemory, data: Path, wanted: int) -> None:
    found: list[str] = []
    searches = hits = 0
    for name in ("beam_100k", "locomo"):
        for collection in READERS[name](data / name):
            cube = memory.cube(f"updates-{collection.name}")
            if cube.stats().memories == 0:
                cube.add_messages(collection.messages, conversation_id=collection.name)
            for question in collection.questions:
                result = cube.search(question.text, 10)
                by_id = {hit.id: hit for hit in result}
                searches, hits = searches + 1, hits + len(result)
                for hit in result:
                    newer = by_id.get(hit.superseded_by or "")
                    if newer is not None:
                        found.append(
                            f"{name}: {question.text}\n  old: {hit.memory[:300]!r}\n  new: {newer.memory[:300]!r}"
                        )
    print(f"\n{len(found)} supersessions among {hits} hits of {searches} searches")
    for one in random.Random(7).sample(found, min(wanted, len(found))):
        print(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store")
    parser.add_argument("--flags", type=int, default=0)
    given = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(given.store or Path(folder) / "memory.db") as memory:
            updates(memory, given.data / "beam_100k")
            if given.flags:
                flags(memory, given.data, given.flags)


if __name__ == "__main__":
    main()
