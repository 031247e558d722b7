"""The loop of an assistant: `python -m benchmarks.assistant [--store URI] [--loops FILE] [--turns]`.

A user tells five everyday facts. Ten times over, each is asked for: the assistant searches six memories, answers, and
adds question and answer to the conversation. What it remembers of its own words must not take the place of the fact.
The figures are how often the fact is the first hit, how often it is below the second, and how many of the messages
that were added are found by searches. Measured for each language of the file, with `remember` "new" and "all", and
with nothing added at all, which is what the searches alone reach.

The file, `benchmarks/labelled/loops.jsonl` where none is given, holds a fact a line, with ten wordings of the question
and an answer each; they were written by somebody who had seen nothing of treemem. `--fixed` asks the first wording
every time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from treemem import TreeTextMemory

LOOPS = Path(__file__).parent / "labelled" / "loops.jsonl"
GROUP, SEARCHED = 5, 6
Mode = Literal["nothing", "new", "all"]


def facts_of(file: Path, *, fixed: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of a file by language."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in file.read_text("utf-8").splitlines():
        fact = json.loads(line)
        if fixed:
            fact["rounds"] = [fact["rounds"][0]] * len(fact["rounds"])
        found.setdefault(fact["language"], []).append(fact)
    return found


def places(cube: TreeTextMemory, facts: list[dict[str, Any]], mode: Mode, *, turns: bool) -> Iterator[tuple[int, int]]:
    """Yield, for each question, the place of its fact among the hits (99: none) and how many messages are found now."""
    ids = [cube.add_messages([_user(fact["fact"])], conversation_id="talk")[0] for fact in facts]
    for number in range(len(facts[0]["rounds"])):
        for fact, memory_id in zip(facts, ids, strict=True):
            question, answer = fact["rounds"][number]
            hits = [hit.id for hit in cube.search(question, SEARCHED)]
            found = 0
            if mode != "nothing":
                said = [_user(question), {"role": "assistant", "content": answer}]
                new: list[str] = []
                for call in [[one] for one in said] if turns else [said]:
                    new += cube.add_messages(call, conversation_id="talk", remember=mode)
                found = sum(item.metadata.status == "activated" for item in cube.get_by_ids(new))
            yield hits.index(memory_id) + 1 if memory_id in hits else 99, found


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="a Neo4j URI or a file path; default: a file that is removed afterwards")
    parser.add_argument("--loops", type=Path, default=LOOPS)
    parser.add_argument("--fixed", action="store_true", help="one wording of each question and answer, ten times")
    parser.add_argument("--turns", action="store_true", help="one call for each message")
    arguments = parser.parse_args()
    print("| language | added | first | below the second | messages that searches find |\n|---|---|---|---|---|")
    modes: tuple[Mode, ...] = ("nothing", "new", "all")
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(arguments.store or str(Path(folder) / "loop.db")) as memory:
            for language, facts in facts_of(arguments.loops, fixed=arguments.fixed).items():
                for mode in modes:
                    told = [
                        each
                        for start in range(0, len(facts), GROUP)
                        for each in places(
                            memory.cube(f"loop-{uuid.uuid4()}"),
                            facts[start : start + GROUP],
                            mode,
                            turns=arguments.turns,
                        )
                    ]
                    first, below = sum(place == 1 for place, _ in told), sum(place > 2 for place, _ in told)
                    kept = sum(found for _, found in told)
                    added = 0 if mode == "nothing" else 2 * len(told)
                    print(f"| {language} | {mode} | {first} of {len(told)} | {below} | {kept} of {added} |", flush=True)


if __name__ == "__main__":
    main()
