"""The demonstration: a year of three friends' messages, and seven questions about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from treemem.memory import TreeTextMemory
from treemem.search.options import SearchOptions
from treemem.search.results import SearchResult

THRESHOLD = 0.38
OPTIONS = SearchOptions(relativity=THRESHOLD)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, what it shows, the moment it asks about, and the ids that may answer it (none: never said)."""

    text: str
    shows: str
    answers: tuple[str, ...] = ()
    as_of: str | None = None
    known_at: str | None = None


NOW = "2025-12-31"
QUESTIONS = (
    Question("Which instrument does Priya play?", "a plain question", ("priya-orchestra",), NOW),
    Question(
        "Who is the director of the museum where Lena works?",
        "two hops: Lena -> Harbour Museum -> its director",
        ("d20", "d07"),
        NOW,
    ),
    Question("Where does Mara live?", "as of 1 March 2025", ("mara-home",), "2025-03-01"),
    Question(
        "Who does Jonas work for?", "as of 1 June, as known on 1 June 2025", ("jonas-job",), "2025-06-01", "2025-06-01"
    ),
    Question("Why was the picnic in Linden Park called off?", "a chain of causes", ("d28", "d27", "d26"), NOW),
    Question("Which race did Mara finish in October?", "one event among three alike", ("d52",), NOW),
    Question("What did the dentist say about the wisdom teeth?", "something never said", (), NOW),
)


def messages() -> list[dict[str, Any]]:
    """Return the conversation, in order of time."""
    text = (files("treemem.demo") / "conversation.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def topics() -> list[dict[str, Any]]:
    """Return the topics, each with the ids of what lies below it."""
    found: list[dict[str, Any]] = json.loads((files("treemem.demo") / "topics.json").read_text("utf-8"))
    return found


def replay(memory: TreeTextMemory) -> Iterator[int]:
    """Store the conversation message by message as it happened; yield how many are done.

    Facts that a message states are kept as memories of their own that change over time; a fact learned late is
    written with the time since when it was true. At the end of the year all is put below topics.
    """
    stored = {state.memory_id for state in memory.store.history(memory.cube_id, ["d60"])}
    previous: list[dict[str, Any]] = []
    for done, message in enumerate(messages(), start=1):
        if not stored:
            _store(memory, message, previous[-1:])
            if message["id"] == "d60":
                _arrange(_at_time(memory, NOW))
        previous.append(message)
        yield done


def _store(memory: TreeTextMemory, message: dict[str, Any], previous: list[dict[str, Any]]) -> None:
    at = message["at"]
    told = _at_time(memory, at)
    told.add_messages(
        [
            {
                "id": message["id"],
                "content": message["text"],
                "name": message["speaker"],
                "chat_time": at,
                "metadata": {"background": previous[0]["text"]} if previous else {},
            }
        ],
        replay=True,
        operation_id=f"demo-{message['id']}",
    )
    if previous:
        told.link(message["id"], "FOLLOWS", previous[0]["id"], weight=0.7, at=at)
    for cause in message.get("causes", ()):
        told.link(cause, "CAUSES", message["id"], at=at, reason=f"said in {message['id']}")
    for fact_id, text in message.get("facts", ()):
        _state(told, fact_id, text, at, message["id"])
    for fact_id, text, since in message.get("corrects", ()):
        _state(told, fact_id, text, since, message["id"])
    for fact_id, *_ in (*message.get("facts", ()), *message.get("corrects", ())):
        told.link(fact_id, "DERIVED_FROM", message["id"], at=at)


def _state(memory: TreeTextMemory, fact_id: str, text: str, at: str, source: str) -> None:
    reason = f"said in {source}"
    if memory.store.known(memory.cube_id, [fact_id]):
        memory.update(fact_id, text, at=at, reason=reason)
    else:
        memory.add({"id": fact_id, "memory": text, "metadata": {"type": "fact"}}, at=at, reason=reason)


def _arrange(memory: TreeTextMemory) -> None:
    """Make the tree of topics."""
    memory.add(
        [{"id": each["id"], "memory": each["name"], "metadata": {"type": "topic"}} for each in topics()],
        at=NOW,
        operation_id="demo-topics",
        reason="the year is over",
    )
    for each in topics():
        for member in each["members"]:
            memory.link(each["id"], "PARENT", member, at=NOW)


def _at_time(memory: TreeTextMemory, at: str) -> TreeTextMemory:
    """Return the same memory with a clock that stands at a message's time, so that it learns things as they came."""
    from treemem.temporal import from_micros, parse_time

    moment = from_micros(parse_time(at))
    return memory.with_clock(lambda: moment)


def ask(memory: TreeTextMemory, question: Question, top_k: int = 4) -> SearchResult:
    """Return the answer to one of the questions."""
    return memory.search(question.text, top_k, as_of=question.as_of, known_at=question.known_at, options=OPTIONS)
