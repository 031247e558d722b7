"""Judgement without a language model on labelled pairs: `python -m benchmarks.pairs [--part PART] [--show]`.

Each pair of `benchmarks/labelled` becomes two messages of one speaker, a month apart, in a cube of its own; what the
reorganizer plans for them is counted by label. `--show` lists the pairs (but for the `test` ones) that were not
treated as their label says.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from treemem import MiniLM, Plan, TreeTextMemory

LABELLED = Path(__file__).parent / "labelled"
#: Labels of pairs that may become one: those of equal texts alone.
ONE = {"duplicate"}
OUTCOMES = ("one", "supersede", "contradict", "causes", "caused", "relate", "nothing")


@dataclass(frozen=True)
class Labelled:
    language: str
    part: str
    label: str
    first: str
    second: str


def labelled() -> Iterator[Labelled]:
    """Yield the labelled pairs of both languages, and those of strangers, by batch."""
    for language in ("english", "chinese"):
        with (LABELLED / f"{language}.tsv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield Labelled(language, **row)
    with (LABELLED / "strangers.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Labelled(row["batch"], "strangers", row["label"], row["first"], row["second"])


class Prepared:
    """The carried model, which reads all the texts of some pairs at once: one by one that takes most of the time."""

    def __init__(self, pairs: Sequence[Labelled]) -> None:
        model = MiniLM()
        texts = list(dict.fromkeys(text for pair in pairs for text in (pair.first, pair.second)))
        self.name, self.dimension = model.name, model.dimension
        self._model = model
        self._vectors = dict(zip(texts, model.embed(texts), strict=True))

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the vectors of texts."""
        missing = [text for text in texts if text not in self._vectors]
        self._vectors.update(zip(missing, self._model.embed(missing) if missing else (), strict=True))
        return np.stack([self._vectors[text] for text in texts])


def planned(memory: TreeTextMemory, cube: str, pair: Labelled) -> str:
    """Return what the reorganizer would do with a pair."""
    own = memory.cube(cube)
    first, _ = own.add_messages(
        [
            {"role": "user", "content": pair.first, "chat_time": "2026-03-02T10:00:00Z"},
            {"role": "user", "content": pair.second, "chat_time": "2026-04-06T10:00:00Z"},
        ]
    )
    return outcome(own.reorganizer.plan(everything=True), first)


def outcome(plan: Plan, first: str) -> str:
    """Return what a plan does, as one word of OUTCOMES."""
    for action in plan.actions.values():
        if action.kind in ("deduplicate", "merge"):
            return "one"
        if action.kind == "supersede":
            return "supersede" if action.ids[0] != first else "supersede the second"
    for action in plan.actions.values():
        if action.kind == "contradict":
            return "contradict"
        if action.edge == "CAUSES":
            return "causes" if action.ids[0] == first else "caused"
    return "relate" if len(plan) else "nothing"


def wrong(label: str, found: str) -> bool:
    """Tell whether an outcome is a false merge or a false supersession."""
    return (found == "one" and label not in ONE) or (
        found.startswith("supersede") and (label, found) != ("update", "supersede")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("open", "test", "strangers"), default="open")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    false: list[tuple[Labelled, str]] = []
    pairs = [pair for pair in labelled() if pair.part == arguments.part]
    with (
        tempfile.TemporaryDirectory() as folder,
        TreeTextMemory.open(Path(folder) / "pairs.db", embedder=Prepared(pairs)) as memory,
    ):
        for number, pair in enumerate(pairs):
            found = planned(memory, f"pair-{number}", pair)
            counts[pair.language, pair.label][found] += 1
            if wrong(pair.label, found):
                false.append((pair, found))
            if arguments.show and arguments.part != "test" and not as_labelled(pair.label, found):
                print(f"{pair.language:<8} {pair.label:<13} {found:<10} {pair.first} | {pair.second}")
    report(counts, len(false))


def as_labelled(label: str, found: str) -> bool:
    """Tell whether an outcome is the best for a label."""
    best = {"update": "supersede", "cause": "causes", "caused": "caused", "contradiction": "contradict"}
    if label in ONE:
        return found == "one"
    return found == best[label] if label in best else found in ("nothing", "relate", "contradict")


def report(counts: dict[tuple[str, str], Counter[str]], false: int) -> None:
    print("| pairs | n | " + " | ".join(OUTCOMES) + " |\n|---|" + "---|" * (len(OUTCOMES) + 1))
    for (language, label), found in counts.items():
        cells = " | ".join(str(found[each] or "") for each in OUTCOMES)
        print(f"| {language}, {label} | {found.total()} | {cells} |")
    acted = sum(found["one"] + found["supersede"] + found["supersede the second"] for found in counts.values())
    print(f"\nmerged or superseded: {acted}, of them wrongly: {false}")
    for label, good in (("duplicate", "one"), ("update", "supersede")):
        rows = [found for (_, each), found in counts.items() if each == label]
        done, n = sum(found[good] for found in rows), sum(found.total() for found in rows)
        print(f"recall of {label}: {done} of {n}, {done / n:.2f}")


if __name__ == "__main__":
    main()
