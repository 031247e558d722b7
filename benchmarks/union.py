"""Words alone, and words with the items read in them: `python -m benchmarks.union --data DIR [--only NAMES]`.

DIR holds locomo and musique as JSON Lines with what a language model once read in them: `observations.jsonl` of each
conversation, `triples.jsonl` of the passages. A model that has these answers by heart reads the same words again
through `memory.read`, so that what their evidence does not bear out is dropped as ever; with `--unbound` nothing is
dropped. Each question is asked of both cubes. A hit credits the one memory that it is or was read in, so that ten hits
credit at most ten. Figures are recall at 5 and 10 and the share of questions all of whose gold is among the ten;
differences with a 95 % bootstrap over questions. "one place each" is the union without `treemem.search.union`. Ends
with exit code 1 where words and items together are worse: the whole interval of a difference in R@10 below 0.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.retrieval import READERS, Collection, interval, lines, load, score
from treemem import LLMAnswer, LLMUsage, TreeTextMemory
from treemem.ingest.reading.answers import Claim
from treemem.ingest.reading.windows import Window
from treemem.judge.evidence import Bound, Unborne, bound
from treemem.passages import sentences
from treemem.search import engine
from treemem.text import analyse
from treemem.write import reading


class ByHeart:
    """A language model that knows what was once read in each text, and says it again."""

    name = "benchmark/by-heart"

    def __init__(self, known: dict[str, list[dict[str, Any]]]) -> None:
        self.known = known

    def ask(self, system: str, user: str, answer: type[Any], *, max_tokens: int = 1_024) -> Any:
        """Return the items of the lines that are shown."""
        items = [
            {"line": line["line"], "quote": _quote(each["text"], line["text"]), **each}
            for line in json.loads(user)["lines"]
            for each in self.known.get(line["text"], ())
        ]
        return LLMAnswer(answer.model_validate({"items": items[:200]}), LLMUsage(requests=1))


def _quote(item: str, text: str) -> str:
    """Return the sentence of a text that has most words of an item."""
    wanted = frozenset(analyse(item))
    return max(sentences(text), key=lambda each: len(wanted & frozenset(analyse(each)))).strip()[:2_000] or text[:2_000]


def observed(folder: Path, collection: Collection) -> dict[str, list[dict[str, Any]]]:
    """Return what was observed in the turns of a conversation, by their texts."""
    texts = {message["id"]: message["content"] for message in collection.messages}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in lines(folder / collection.name / "observations.jsonl"):
        for turn in each["turns"][:1]:
            if turn in texts:
                found[texts[turn]].append({"kind": "fact", "text": each["text"]})
    return found


def related(folder: Path, collection: Collection) -> dict[str, list[dict[str, Any]]]:
    """Return the relations that were read in passages, by their texts."""
    texts = {passage["id"]: passage["memory"] for passage in collection.passages}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in lines(folder / "triples.jsonl"):
        for triple in each["triples"]:
            if each["passage"] in texts and len(triple) == 3 and all(part.strip() for part in triple):
                ends = {"subject": triple[0][:200], "relation": triple[1][:100], "object": triple[2][:200]}
                item = {"kind": "relation", "text": " ".join(triple)[:1_000], **ends}
                found[texts[each["passage"]]].append(item)
    return found


READ = {"locomo": observed, "musique": related}


def credited(cube: TreeTextMemory, question: str, *, shared: bool = True) -> list[str]:
    """Return what the ten hits for a question credit: what they are, or what they were read in."""
    found = []
    with nullcontext() if shared else mock.patch.object(engine, "beside_words", return_value=False):
        hits = cube.search(question, 10)
    for hit in hits:
        origin = hit.metadata.sources[0] if hit.metadata.sources else {}
        found.append(origin["memory_id"] if origin.get("type") == "reading" else hit.id)
    return found


@contextmanager
def unbound(wanted: bool) -> Iterator[None]:
    """Let every item in that has a quote, for as long as this lasts."""

    def believed(window: Window, claims: Sequence[Claim]) -> list[Bound | Unborne]:
        found: list[Bound | Unborne] = []
        for claim, one in zip(claims, bound(window, claims), strict=True):
            if isinstance(one, Unborne) and one.line is not None:
                start = max(0, one.line.text.find(claim.quote))
                one = Bound(claim, one.line, start, start + len(claim.quote), "asserted", claim.confidence)
            found.append(one)
        return found

    with mock.patch.object(reading, "bound", believed) if wanted else nullcontext():
        yield


def measure(memory: TreeTextMemory, name: str, folder: Path, limit: int | None, most: int | None) -> bool:
    """Print the figures of a set; return whether words and items together are not worse."""
    table: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    kept = dropped = 0
    for collection in islice(READERS[name](folder), most):
        plain, both = (memory.cube(f"{name}-{collection.name}-{each}") for each in ("words", "both"))
        for cube in (plain, both):
            load(cube, collection)
        report = both.read(llm=ByHeart(READ[name](folder, collection)))
        assert report.is_whole, str(report)
        kept, dropped = kept + len(report.added), dropped + len(report.dropped)
        for question in collection.questions[:limit]:
            table["words"].append(score(credited(plain, question.text), question.gold))
            table["one place each"].append(score(credited(both, question.text, shared=False), question.gold))
            table["words and items"].append(score(credited(both, question.text), question.gold))
    print(f"\n{name}: {len(table['words'])} questions, {kept} items, {dropped} dropped")
    print("| | R@5 | R@10 | all@10 |\n|---|---|---|---|")
    base = 100 * np.array(table["words"])
    for label, scores in table.items():
        values = 100 * np.array(scores)
        gains = [
            (value.mean(), gain.mean(), *interval(gain))
            for value, gain in zip(values.T, (values - base).T, strict=True)
        ]
        cells = [f"{mean:.1f} ({gain:+.1f}, {low:+.1f} to {high:+.1f})" for mean, gain, low, high in gains]
        print(f"| {label} | {' | '.join(cells)} |", flush=True)
    return gains[1][3] >= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", help="sets by name, with commas between")
    parser.add_argument("--limit", type=int, help="questions a conversation or set, to see that it runs")
    parser.add_argument("--collections", type=int, help="conversations of a set")
    parser.add_argument("--unbound", action="store_true", help="believe every item")
    arguments = parser.parse_args()
    wanted = READ if arguments.only is None else arguments.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(str(Path(folder) / "union.db"), record_usage=False) as memory:
            with unbound(arguments.unbound):
                fine = [
                    measure(memory, name, arguments.data / name, arguments.limit, arguments.collections)
                    for name in wanted
                ]
    raise SystemExit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
