"""The order of the best candidates by what they say themselves, and by their sessions."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from treemem import SearchOptions
from treemem.changes import EdgeType, State
from treemem.ingest.statements import Statement
from treemem.search.order import ANSWERS, LONG, ordered, sessions, told
from treemem.search.rank import Ranked
from treemem.store.protocol import MEMORY, WalkedEdge
from treemem.temporal import END

QUESTION = "Who adopted the grey parrot?"
_DAY = 86_400_000_000


def said(memory_id: str, text: str, *, message: bool = True, **fields: Any) -> State:
    info = {"sources": [{"kind": "message", "role": "user"}]} if message else {}
    return State(memory_id, 1, {"memory": text, **info, **fields}, 0, END, 0, END, "op")


def shares(*states: State, question: str = QUESTION, edges: tuple[WalkedEdge, ...] = ()) -> dict[str, float]:
    return told([replace(Statement.of(s), message="sources" in s.fields) for s in states], edges, question)


def follows(after: str, before: str, weight: float) -> WalkedEdge:
    return WalkedEdge(EdgeType.FOLLOWS, MEMORY + after, MEMORY + before, weight, 100.0)


def test_a_message_is_worth_what_it_says_itself() -> None:
    found = shares(said("fact", "Ana adopted a grey parrot."), said("remark", "How lovely for her!"))
    assert found["fact"] == pytest.approx(1.0)
    assert found["remark"] == 0


def test_rare_words_count_more() -> None:
    found = shares(said("a", "The parrot."), said("b", "Grey weather."), said("c", "Grey walls."), said("d", "Grey."))
    assert found["a"] > found["b"] == found["c"] == found["d"] > 0


def test_an_answer_says_what_it_was_asked() -> None:
    two = said("question", "Did somebody adopt the grey parrot?"), said("answer", "Yes, Ana did.")
    apart = shares(*two, edges=(follows("answer", "question", ANSWERS - 0.1),))
    answering = shares(*two, edges=(follows("answer", "question", ANSWERS),))
    assert apart["answer"] == 0 < answering["answer"]
    assert answering["question"] == apart["question"] < answering["answer"], "who only asks, tells less"


def test_a_cause_and_an_effect_say_what_the_other_says() -> None:
    chain = tuple(
        said(i, text)
        for i, text in (("first", "Lightning struck."), ("second", "The cage broke."), ("third", "It got cold."))
    )
    told_of = said("fact", "The grey parrot was adopted.")
    steps = (("first", "second"), ("second", "third"), ("third", "fact"))
    edges = tuple(WalkedEdge(EdgeType.CAUSES, MEMORY + a, MEMORY + b, 1.0, 100.0) for a, b in steps)
    assert shares(*chain, told_of)["third"] == 0
    found = shares(*chain, told_of, edges=edges)
    assert found["third"] == found["second"] == found["fact"] > 0, "at most two steps away"
    assert found["first"] == 0


def test_long_messages_and_what_nobody_said_say_nothing() -> None:
    text = "Ana adopted a grey parrot. " + "Then it rained. " * LONG
    assert shares(said("long", text)) == {"long": 0.0}
    assert shares(said("note", "Ana adopted a grey parrot.", message=False)) == {}


def test_chinese() -> None:
    found = shares(said("a", "我养了一只灰鹦鹉。"), said("b", "今天下雨了。"), question="谁养了灰鹦鹉？")
    assert found["a"] > found["b"] == 0


def test_a_session_in_which_much_of_the_best_was_said() -> None:
    here: dict[str, Any] = {"conversation_id": "c", "session_id": "1"}
    there: dict[str, Any] = {"conversation_id": "c", "session_id": "2"}
    states = [said("a", "x", **here), said("b", "x", **there), said("c", "x", **here), said("d", "x", message=False)]
    found = sessions(["a", "b", "c", "d"], states)
    assert found["b"] == 0 < found["a"] < found["c"], "each without its own share"
    assert "d" not in found, "what was said in no conversation has no session"


def test_days_are_the_sessions_of_a_conversation_that_names_none() -> None:
    states = [replace(said(i, "x", conversation_id="c"), valid_from=at) for i, at in (("a", 0), ("b", 9), ("c", _DAY))]
    found = sessions(["a", "b", "c"], states)
    assert found["c"] == 0 < found["b"]


def ranked(states: list[State]) -> list[Ranked]:
    return [Ranked(s.memory_id, 1, 1 / (1 + n / 10), {}, None, ()) for n, s in enumerate(states)]


def test_scores_lie_between_0_and_1_and_weights_of_0_change_nothing() -> None:
    states = [said("remark", "How lovely!"), said("fact", "Ana adopted a grey parrot.")]
    statements = {s.memory_id: replace(Statement.of(s), message=True) for s in states}
    before = ranked(states)
    after = ordered(before, states, statements, (), QUESTION, SearchOptions())
    assert [r.memory_id for r in after] == ["fact", "remark"]
    assert after[0].score == 1 > after[1].score > 0
    off = SearchOptions(told_weight=0, session_weight=0)
    assert ordered(before, states, statements, (), QUESTION, off) == before


def test_what_it_takes() -> None:
    """Sixty-four candidates in at most 25 ms of one core."""
    states = [said(str(n), f"Ana has adopted parrot {n}, and likes it a lot. " * 4) for n in range(64)]
    statements = {s.memory_id: replace(Statement.of(s), message=True) for s in states}
    taken = []
    for _ in range(5):
        begun = time.process_time()
        ordered(ranked(states), states, statements, (), QUESTION, SearchOptions())
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.025
