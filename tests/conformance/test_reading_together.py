"""Items beside words on both stores: a model as confirmer, relations on their edges, one order, purges."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import OpenMemory
from treemem import LLMAnswer, LLMError, LLMUsage, TreeTextMemory

BOATS = ("Jonas repairs boats", "Jonas repairs boats.")


class Reader:
    """Reads what it is told to in each line, and says of all pairs what it is told to."""

    name = "reader"

    def __init__(self, *items: tuple[str, dict[str, Any]], word: str = "none") -> None:
        self.items, self.word = items, word
        self.asked: list[dict[str, Any]] = []

    def ask(self, system: str, user: str, answer: type[Any], *, max_tokens: int = 1_024) -> Any:
        data = json.loads(user)
        self.asked.append(data)
        if "pairs" in data:
            if self.word == "dead":
                raise LLMError("gone", "timeout")
            said = [{"n": each["n"], "relation": self.word, "confidence": 0.9, "reason": "r"} for each in data["pairs"]]
            return LLMAnswer(answer.model_validate({"pairs": said}), LLMUsage(requests=1))
        found = [
            {"kind": "fact", "line": line["line"], "quote": quote, **item}
            for line in data["lines"]
            for quote, item in self.items
            if quote in line["text"]
        ]
        return LLMAnswer(answer.model_validate({"items": found}), LLMUsage(requests=1))


def say(memory: TreeTextMemory, text: str, **more: Any) -> str:
    (said,) = memory.add_messages([{"role": "user", "name": "Jonas", "content": text, **more}], conversation_id="c")
    return said


def told_twice(word: str, first: str, then: str) -> Reader:
    return Reader((first, {"text": f"Jonas: {first}."}), (then, {"text": f"Jonas: {then}."}), word=word)


def test_a_model_confirms_that_it_is_known(open_memory: OpenMemory) -> None:
    reader = told_twice("same", "I repair old wooden boats", "I repair boats, old wooden ones")
    memory = open_memory(llm=reader)
    say(memory, "I repair old wooden boats.")
    (first,) = memory.read().added
    again = say(memory, "I repair boats, old wooden ones, all day.")
    unasked = memory.read(again, dry_run=True, confirm=True)
    assert (unasked.calls, unasked.items[0].became) == (1, "found")
    report = memory.read(again, confirm=True)
    assert (report.windows, report.calls, report.usage.requests) == (1, 2, 2)
    assert [(item.id, item.became) for item in report.items] == [(first, "known")]
    assert [quote.source for quote in memory.explain(first).quotes if quote.again] == [again]
    assert "Jonas" in json.dumps(reader.asked[-1])
    assert memory.check() == []


def test_words_bind_who_confirms(open_memory: OpenMemory) -> None:
    reader = told_twice("same", "I repaired 3 old wooden boats", "I repaired 4 old wooden boats")
    memory = open_memory(llm=reader)
    say(memory, "I repaired 3 old wooden boats.")
    memory.read(confirm=True)
    say(memory, "I repaired 4 old wooden boats.")
    assert [item.became for item in memory.read(confirm=True).items] == ["added"]
    reader.word = "supersedes"  # no words of a change
    assert memory.read(again=True, confirm=True).added == ()
    assert {e["type"] for e in memory.get_all()["edges"]} & {"SUPERSEDES"} == set()


def test_a_model_sees_what_is_at_odds(open_memory: OpenMemory) -> None:
    reader = told_twice("contradicts", "I live alone in the old mill", "I live with Rita in the old mill")
    memory = open_memory(llm=reader)
    say(memory, "I live alone in the old mill.")
    (first,) = memory.read().added
    say(memory, "I live with Rita in the old mill.")
    (item,) = memory.read(confirm=True).items
    assert first in item.contradicted
    assert len(memory.get_by_ids([first, item.id])) == 2


def test_a_confirmer_that_fails_leaves_it_to_the_rules(
    open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = told_twice("dead", "I repair old wooden boats", "I repair boats, old wooden ones")
    monkeypatch.setenv("TREEMEM_CONFIRM_READINGS", "1")
    memory = open_memory(llm=reader)
    say(memory, "I repair old wooden boats.")
    memory.read()
    say(memory, "I repair boats, old wooden ones, all day.")
    report = memory.read()
    assert report.is_whole
    assert [item.became for item in report.items] == ["added"]
    assert "gone" in report.notes[0]
    assert "note: " in str(report)


def test_a_relation_is_on_the_edges_to_its_ends(open_memory: OpenMemory) -> None:
    relation = {"kind": "relation", "subject": "Rita", "relation": "sister of", "object": "Jonas"}
    memory = open_memory(llm=Reader(("My sister Rita", {"text": "Rita is Jonas's sister.", **relation})))
    said = say(memory, "My sister Rita visits Faro.")
    (item,) = memory.read().added
    names = {each.id: each.name for each in memory.neighbours(item, types=["MENTIONS"])}
    edges = memory.subgraph(item, depth=1).edges
    ends = {names[e.target]: dict(e.properties) for e in edges if e.type == "MENTIONS" and e.source == item}
    assert ends["Rita"] == {"part": "subject", "relation": "sister of"}
    assert ends["Jonas"] == {"part": "object", "relation": "sister of"}
    memory.purge(said)
    assert memory.get_by_ids([item]) == []
    assert memory.check() == []


def test_words_and_items_share_their_place(open_memory: OpenMemory) -> None:
    names = "Alba Boreas Calypso Dione Europa Flora Galatea Hermia Iris Juno Kalliope Leda".split()
    boats = [f"Jonas repairs the {name} in the harbour." for name in names]
    memory = open_memory(llm=Reader(*((text[:-1], {"text": f"{text[:-1]}, usually."}) for text in boats)))
    ids = memory.add(boats)
    alone = {hit.id for hit in memory.search("Which boats does Jonas repair in the harbour?", 10)}
    report = memory.read()
    assert len(report.added) == 12, report.dropped
    found = memory.search("Which boats does Jonas repair in the harbour?", 10)
    assert len(alone) == 10
    assert {hit.id for hit in found} == alone <= set(ids)  # no item takes a place from words
    both = memory.search("Which boats does Jonas repair in the harbour?", 10, cubes=[memory.cube_id])
    assert {hit.id for hit in both} == alone
    items = {"info.prompt": {"like": "read.%"}}
    assert not {hit.id for hit in memory.search("boats in the harbour", 10, filter=items)} & set(ids)
    everything = memory.search("Which boats does Jonas repair in the harbour?", 24)
    assert len(everything) == 24  # where there is room, both are shown
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)


def test_items_are_told_by_their_source(open_memory: OpenMemory) -> None:
    memory = open_memory(llm=Reader(("repairs boats", {"text": "Jonas repairs boats."})))
    memory.add([f"In summer {2000 + n} Jonas in the harbour, a neighbour of {n}, repairs boats." for n in range(6)])
    (item,) = memory.read().added[:1]
    asked = "Which boats does Jonas repair in the harbour?"
    like_it = memory.get(item).metadata.info or {}
    for name, info in {"mine": {"prompt": "read.me later"}, "copy": like_it}.items():
        memory.add({"id": name, "memory": f"Jonas repairs boats in the harbour, {name}.", "metadata": {"info": info}})
    found = memory.search(asked, 5)
    assert {"mine", "copy"} <= {hit.id for hit in found}
    assert item not in {hit.id for hit in found}


def test_an_account_beside_items_tells_both_searches(open_memory: OpenMemory) -> None:
    memory = open_memory(llm=Reader((BOATS[0], {"text": BOATS[1]})))
    memory.add("In Faro Jonas repairs boats.")
    memory.read()
    found = memory.search("Who repairs boats?", explain=True)
    assert found.explanation is not None
    both = ["read with items", "rank with items", "settle with items"]
    stages = {stage.name: stage for stage in found.explanation.stages}
    assert [*stages] == ["embed", *both, "read", "rank", "settle", "finish"]
    assert stages["read"].sizes["memories"] < stages["read with items"].sizes["memories"]
    assert sum(each.seconds for each in stages.values()) == pytest.approx(sum(found.timings.values()))
    assert [hit.id for hit in found.explanation.hits] == [hit.id for hit in found]


def test_reading_all_again_after_purges(open_memory: OpenMemory) -> None:
    memory = open_memory(llm=Reader((BOATS[0], {"text": BOATS[1]})))
    texts = ("Jonas repairs boats. In Faro.", "You know, Jonas repairs boats. Lots.")
    first, again = memory.add([{"memory": text, "metadata": {"user_id": "jonas"}} for text in texts])
    report = memory.read()
    assert [item.became for item in report.items] == ["added", "known"]
    memory.purge(report.items[0].source)
    left = again if report.items[0].source == first else first
    assert memory.get_by_ids([report.added[0]]) == []
    made = memory.read(again=True)  # of what is left, the other one says it
    assert (made.read, [item.became for item in made.items]) == ((left,), ["added"])
    memory.purge(made.added[0])
    assert memory.read(again=True).items == ()  # what was erased itself does not come back
    assert [item.id for item in memory.get_by_ids([left])] == [left]
    assert memory.check() == []


def test_turns_that_wait_are_read_together(open_memory: OpenMemory) -> None:
    reader = Reader((BOATS[0], {"text": BOATS[1]}))
    memory = open_memory(llm=reader)
    talk = [{"role": ("user", "assistant")[n % 2], "content": f"Turn {n} about boats."} for n in range(20)]
    talk[7] = {"role": "user", "name": "Jonas", "content": "Jonas repairs boats. In Faro."}
    for turn in range(0, 20, 2):
        memory.add_messages(talk[turn : turn + 2], conversation_id="c", remember="all", mode="async")
    memory.add_messages([{"role": "user", "content": "Another talk."}], conversation_id="d", mode="async")
    memory.tasks.work(once=True)
    tasks = memory.tasks.list()
    assert {task.status for task in tasks} == {"done"}
    assert sum(task.result["calls"] for task in tasks) == len(reader.asked) == 2  # one a conversation
    assert sum(task.result["added"] for task in tasks) == 1
    assert memory.read().calls == 0
