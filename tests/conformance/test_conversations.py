"""The log of a conversation: each message once, in order, however the calls are cut, whoever else writes."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day, fresh_cube
from treemem import InvalidInputError, MemoryExistsError, MemoryNotFoundError, TreeTextMemory
from treemem.changes import EdgeType
from treemem.temporal import system_clock

Message = dict[str, Any]


def say(*texts: str, times: bool = False, start: int = 0) -> list[Message]:
    """Messages of a user and an assistant in turn, with times of their own if asked for."""
    said = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts, start)]
    return [{**one, "chat_time": 1_736_503_201 + i} for i, one in enumerate(said, start)] if times else said


BEES = ("I keep bees.", "What breed?", "Carniolan.", "Gentle ones.", "I have a goat.", "Its name?")


def texts(memory: TreeTextMemory, conversation: str = "talk", **asked: Any) -> list[str]:
    return [message.content for message in memory.messages(conversation, **asked)]


def told(memory: TreeTextMemory, conversation: str = "talk") -> list[tuple[Any, ...]]:
    """What turn by turn and all at once have to agree in: number, who, what, status, what it follows, background."""
    log = memory.messages(conversation)
    number = {message.id: message.sequence for message in log}
    moment = memory._context.moment(None, None)
    given: dict[str, Any] = {"types": [EdgeType.FOLLOWS], "direction": "out", "statuses": None}
    edges = memory.store.edges(memory.cube_id, list(number), moment, **given)
    shown = {i.id: (i.metadata.status, i.metadata.background) for i in memory.get_by_ids(number)}
    follows = {
        message.id: sorted((number[e.target], e.weight) for e in edges if e.source == message.id) for message in log
    }
    return [(m.sequence, m.role, m.content, follows[m.id], shown.get(m.id)) for m in log]


TALK = st.lists(
    st.tuples(
        st.sampled_from(["user", "assistant", "tool", "Ana"]),
        st.sampled_from(
            [
                *("yes", "ok", "", "And then?", "I moved to Ghent.", "好的", "Done with the large report now."),
                *("Where did I move?", "You moved to Ghent.", "I don't know.", "Thanks!", "Did I move", "Sure"),
            ]
        ),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(talk=TALK, timed=st.booleans(), named=st.booleans(), data=st.data())
def test_turn_by_turn_is_all_at_once(
    memory: TreeTextMemory, talk: list[Any], timed: bool, named: bool, data: st.DataObject
) -> None:
    """With times or operations, which make it exact whatever is said twice."""
    messages = [
        {
            **({"role": "user", "name": role} if role == "Ana" else {"role": role}),
            "content": content,
            **({"chat_time": 1_736_503_201 + i} if timed else {}),
        }
        for i, (role, content) in enumerate(talk)
    ]

    def spoken(cuts: set[int]) -> list[Any]:
        talk = fresh_cube("talk")
        own = memory.cube(talk)
        ends = sorted(cuts | {0, len(messages)})
        for a, b in itertools.pairwise(ends):
            exact = {"operation_id": f"{talk}-{a}"} if named or not timed else {}
            own.add_messages(messages[a:b], conversation_id=talk, **exact)
        assert [m.sequence for m in own.messages(talk)] == list(range(1, len(messages) + 1))
        return told(own, talk)

    once = spoken(set())
    cuts = data.draw(st.sets(st.integers(1, max(1, len(messages) - 1))))
    for some in (cuts, set(range(len(messages)))):
        assert spoken(some) == once


@pytest.mark.parametrize(("tools", "archived"), [(0, True), (1, True), (6, True), (16, True), (17, False)])
@pytest.mark.parametrize("name", [None, "Ana"])
def test_a_call_for_each_message_archives_what_one_call_does(
    memory: TreeTextMemory, tools: int, archived: bool, name: str | None
) -> None:
    messages = [
        {"role": "user", "content": "My dentist is Dr. Okafor on Mill Road.", "name": name},
        {"role": "user", "content": "Who is my dentist?", "name": name},
        *({"role": "tool", "content": f"looked it up in place {n}"} for n in range(tools)),
        {"role": "assistant", "content": "Your dentist is Dr. Okafor on Mill Road."},
        {"role": "user", "content": "Thanks!", "name": name},
    ]
    memory.add_messages(messages, conversation_id="once")
    for message in messages:
        memory.add_messages([message], conversation_id="each")
    assert told(memory, "each") == told(memory, "once")
    question = told(memory, "once")[1]
    assert question[-1][0] == ("archived" if archived else "activated")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), timed=st.booleans())
def test_a_window_that_is_sent_again_adds_what_is_new(memory: TreeTextMemory, data: st.DataObject, timed: bool) -> None:
    """Windows that overlap by two messages at least, whatever was said twice in between."""
    said = data.draw(st.lists(st.sampled_from([*BEES, "yes", "ok"]), min_size=2, max_size=12))
    messages = say(*(f"{text} (line {i})" for i, text in enumerate(said)), times=timed)
    talk = fresh_cube("talk")
    start = end = 0
    while end < len(messages):
        start = data.draw(st.integers(start, max(start, end - 2)))
        end = data.draw(st.integers(min(len(messages), max(end + 1, start + 2)), len(messages)))
        memory.add_messages(messages[start:end], conversation_id=talk)
    assert texts(memory, talk) == [one["content"] for one in messages]
    memory.add_messages(messages, conversation_id=talk)
    assert texts(memory, talk) == [one["content"] for one in messages]
    assert [m.sequence for m in memory.messages(talk)] == list(range(1, len(messages) + 1))


def test_a_line_said_again_is_a_new_message(memory: TreeTextMemory) -> None:
    for text in ("I live in Porto.", "I live in Ghent.", "I live in Porto."):
        memory.add_messages([{"role": "user", "content": text}], conversation_id="talk")
    assert texts(memory) == ["I live in Porto.", "I live in Ghent.", "I live in Porto."]
    for text in ("Book the 9 am train.", "Book the hotel too."):
        memory.add_messages(say(text, "Done."), conversation_id="trip")
    assert texts(memory, "trip") == ["Book the 9 am train.", "Done.", "Book the hotel too.", "Done."]
    one_time = [{**message, "chat_time": "2025-01-10"} for message in say("ok", "Great.", "ok")]
    for message in one_time:
        memory.add_messages([message], conversation_id="day")
    memory.add_messages(one_time, conversation_id="day")
    assert texts(memory, "day") == ["ok", "Great.", "ok"]
    assert len(set(memory.add_messages(one_time))) == 3


def test_short_lines_tell_no_window(memory: TreeTextMemory) -> None:
    """What is said again is nothing to lose; what is long tells a window by one message already."""
    memory.add_messages(say("Are you there?", "yes", "Good.", "yes", "ok"), conversation_id="short")
    memory.add_messages([{"role": "assistant", "content": "yes"}, *say("ok", "Fine.")], conversation_id="short")
    assert len(memory.messages("short")) == 8
    long = say("Hello.", "The parcel for Mrs. Kay came at noon.", "Thanks.")
    memory.add_messages(long[:2], conversation_id="long")
    memory.add_messages(long[1:], conversation_id="long")
    assert texts(memory, "long") == [one["content"] for one in long]


def test_the_whole_history_may_come_with_each_turn(memory: TreeTextMemory) -> None:
    history = say("Hi.", "Hello!", "yes", "ok", "yes", "ok", "I moved to Ghent.")
    for n in range(1, len(history) + 1):
        memory.add_messages(history[:n], conversation_id="talk")
    assert texts(memory) == [one["content"] for one in history]


def test_a_system_prompt_leads_each_window(memory: TreeTextMemory) -> None:
    prompt = {"role": "system", "content": "You are a keeper of bees."}
    lines = say(*(f"{text} (turn {n})" for n in range(4) for text in BEES))
    for end in range(1, len(lines) + 1, 2):
        memory.add_messages([prompt, *lines[max(0, end - 5) : end]], conversation_id="talk")
    assert texts(memory) == [prompt["content"], *(one["content"] for one in lines[:-1])]
    summary = {"role": "system", "content": "So far they spoke of bees."}
    memory.add_messages([prompt, summary, *lines[-3:]], conversation_id="talk")
    assert texts(memory)[-2:] == [summary["content"], lines[-1]["content"]]
    memory.add_messages([prompt, *say("Said at the end of it all.")], conversation_id="talk")
    memory.add_messages([prompt, *say("Said at the end of it all.", "And one more.")], conversation_id="talk")
    assert texts(memory)[-2:] == ["Said at the end of it all.", "And one more."]
    log = told(memory)
    assert [[number for number, _ in follows] for *_, follows, _ in log] == [[], *([n] for n in range(1, len(log)))]


def test_older_history_that_turns_up_comes_first(memory: TreeTextMemory) -> None:
    messages = say(*BEES, times=True)
    memory.add_messages(messages[2:], conversation_id="talk")
    memory.add_messages(messages, conversation_id="talk")
    assert texts(memory) == list(BEES)
    assert [m.sequence for m in memory.messages("talk")] == [-1, 0, 1, 2, 3, 4]
    assert [len(follows) for *_, follows, _ in told(memory)] == [0, 1, 1, 1, 1, 1]


def test_an_edited_message_comes_in_beside_the_one_it_was(memory: TreeTextMemory) -> None:
    messages = [{"role": "user", "content": f"message {i}", "chat_time": f"2025-01-{10 + i}"} for i in range(3)]
    memory.add_messages(messages[:2], conversation_id="talk")
    memory.add_messages([{**messages[0], "content": "message 0, edited"}, *messages[1:]], conversation_id="talk")
    assert texts(memory) == ["message 0", "message 1", "message 0, edited", "message 2"]


def test_ids_and_numbers_make_it_exact(memory: TreeTextMemory) -> None:
    named = [{**message, "id": f"m-{i}"} for i, message in enumerate(say("yes", "ok", "yes"))]
    for window in (named[:2], named[1:], named):
        memory.add_messages(window, conversation_id="ids")
    assert [m.id for m in memory.messages("ids")] == ["m-0", "m-1", "m-2"]
    with pytest.raises(MemoryExistsError):
        memory.add_messages([{**named[0], "content": "no"}], conversation_id="ids")
    numbered = [{**message, "sequence": 7 + i} for i, message in enumerate(say("yes", "ok", "yes"))]
    for message in (numbered[2], numbered[0], numbered[0], numbered[1]):
        memory.add_messages([message], conversation_id="numbers")
    memory.add_messages(say("And then?"), conversation_id="numbers")
    assert [(m.sequence, m.content) for m in memory.messages("numbers")] == [
        (7, "yes"),
        (8, "ok"),
        (9, "yes"),
        (10, "And then?"),
    ]
    with pytest.raises(InvalidInputError, match=r"messages\[0\].sequence: 7 is another message"):
        memory.add_messages([{**numbered[0], "content": "no"}], conversation_id="numbers")
    for wrong in (1.5, "3", True, 1 << 60):
        with pytest.raises(InvalidInputError, match="sequence"):
            memory.add_messages([{"content": "x", "sequence": wrong}], conversation_id="numbers")


def test_an_operation_adds_once_and_all_of_it(memory: TreeTextMemory) -> None:
    pair = say("Turn on the lights.", "Done.")
    for n in (1, 2, 2, 1):
        memory.add_messages(pair, conversation_id="home", operation_id=f"evening-{n}")
    assert texts(memory, "home") == ["Turn on the lights.", "Done."] * 2


def test_an_operation_that_was_cut_off_goes_on_where_it_was(memory: TreeTextMemory) -> None:
    """Beside a writer that goes on with the same conversation in between."""
    many = [{"content": f"Note {i} of the trip."} for i in range(1_200)]

    def cut(done: int, total: int | None) -> None:
        if done < 1_200:
            raise KeyboardInterrupt

    memory.add_messages(say("We begin."), conversation_id="talk")
    with pytest.raises(KeyboardInterrupt):
        memory.add_messages(many, conversation_id="talk", operation_id="many", progress=cut)
    memory.add_messages(say("Somebody speaks."), conversation_id="talk")
    before = len(memory.messages("talk"))
    assert 2 < before < 1_202
    ids = memory.add_messages(many, conversation_id="talk", operation_id="many")
    log = memory.messages("talk")
    assert len(set(ids)) == 1_200
    assert len(log) == 1_202
    assert [m.sequence for m in log] == list(range(1, 1_203))
    assert [m.content for m in log if m.id in set(ids)] == [one["content"] for one in many]
    assert memory.check() == []


def test_what_says_nothing_is_in_the_log_and_no_memory(memory: TreeTextMemory) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    messages: list[Message] = [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "4 degrees"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "4 degrees."},
    ]
    ids = memory.add_messages(messages, conversation_id="talk")
    assert len(ids) == 3
    assert [m.as_dict() for m in memory.messages("talk")] == [{**m, "content": m["content"] or None} for m in messages]
    assert memory.stats().memories == 4, "three messages, and the call"
    call_id = memory.tools.get("weather").recent[0].id
    assert {node["id"] for node in memory.get_all()["nodes"]} == {*ids, call_id}
    assert {hit.id for hit in memory.search("weather Oslo function", 10)} <= set(ids)
    assert memory.get(ids[2]).metadata.background == "4 degrees"
    silent = memory.messages("talk")[1].id
    memory.add_messages(messages, conversation_id="talk")
    assert len(memory.messages("talk")) == 5
    memory.purge(silent)
    assert [m.sequence for m in memory.messages("talk")] == [1, 3, 4, 5]
    assert memory.add_messages([{"role": "assistant", "content": ""}]) == []


def test_the_log_reads_as_it_was_said(memory: TreeTextMemory) -> None:
    ids = memory.add_messages(
        [
            {"role": "user", "name": "Ann", "content": "I live in Porto.", "chat_time": day(0)},
            {"role": "assistant", "content": "Noted.", "chat_time": day(1), "mood": "glad"},
            {"role": "user", "content": "I keep bees."},
        ],
        conversation_id="talk",
    )
    memory.update(ids[0], "Ann: I live in Ghent.")
    memory.correct(ids[1], "Noted!")
    log = memory.messages("talk")
    assert [(m.sequence, m.role, m.name, m.content) for m in log] == [
        (1, "user", "Ann", "I live in Porto."),
        (2, "assistant", None, "Noted!"),
        (3, "user", None, "I keep bees."),
    ]
    assert [m.time for m in log] == [day(0), day(1), None]
    assert log[1].as_dict() == {"role": "assistant", "content": "Noted!", "mood": "glad"}
    memory.archive(ids[2])
    assert len(memory.messages("talk")) == 3
    memory.delete(ids[0])
    assert texts(memory) == ["Noted!", "I keep bees."]
    memory.restore(ids[0])
    assert texts(memory)[0] == "I live in Porto."
    memory.add_messages(say("Said by mistake."), conversation_id="talk", operation_id="mistake")
    memory.undo("mistake")
    assert texts(memory) == ["I live in Porto.", "Noted!", "I keep bees."]


def test_pages_of_a_log(memory: TreeTextMemory) -> None:
    ids = memory.add_messages(say(*(f"line {i}" for i in range(1, 8))), conversation_id="talk")
    assert texts(memory, limit=2) == ["line 6", "line 7"]
    assert texts(memory, limit=2, before=6) == ["line 4", "line 5"]
    assert texts(memory, limit=2, after=2) == ["line 3", "line 4"]
    assert texts(memory, before=ids[2]) == ["line 1", "line 2"]
    assert texts(memory, after=ids[4], before=7) == ["line 6"]
    assert texts(memory, "nothing") == []
    assert texts(memory, after=1 << 80) == []
    memory.add_messages(say("elsewhere"), conversation_id="other")
    with pytest.raises(MemoryNotFoundError):
        memory.messages("other", after=ids[0])
    for wrong in ({"limit": 0}, {"limit": "2"}, {"before": 1.5}, {"after": True}):
        with pytest.raises(InvalidInputError):
            memory.messages("talk", **wrong)  # type: ignore[arg-type]
    for nameless in ("", " ", None, 7):
        with pytest.raises(InvalidInputError):
            memory.messages(nameless)  # type: ignore[arg-type]


def test_conversations_are_listed(memory: TreeTextMemory) -> None:
    assert memory.conversations() == []
    memory.for_caller("ann").add_messages(say("Hello.", "Hello Ann.", times=True), conversation_id="talk")
    memory.for_caller("bob").add_messages(say("Hi.", times=True, start=7), conversation_id="talk")
    memory.add_messages(say("Alone."), conversation_id="other")
    memory.add("A memory that names a conversation.", conversation_id="no message")
    other, talk = memory.conversations()
    assert (other.id, other.messages, other.users) == ("other", 1, ())
    assert (talk.id, talk.messages, talk.users) == ("talk", 3, ("ann", "bob"))
    assert (talk.first.timestamp(), talk.last.timestamp()) == (1_736_503_201, 1_736_503_208)
    assert memory.conversations(limit=1) == [other]
    assert [(c.id, c.messages) for c in memory.for_caller("bob").conversations()] == [("other", 1), ("talk", 1)]


def test_many_equal_messages_of_one_time_are_as_fast_as_others(memory: TreeTextMemory) -> None:
    said = [{"role": "user", "content": "ok", "chat_time": "2025-01-10"}] * 400
    started = time.process_time()
    memory.add_messages(said, conversation_id="talk")
    assert time.process_time() - started < 4
    for count in (400, 401):
        assert [m.sequence for m in memory.messages("talk")] == list(range(1, count + 1))
        memory.add_messages(said[:1], conversation_id="talk")
    memory.add_messages(said, conversation_id="talk")
    assert len(memory.messages("talk")) == 402


LONG = [f"This is the long line number {n}." for n in range(4)]


def test_an_answer_that_was_made_anew_comes_in_alone(memory: TreeTextMemory) -> None:
    """With the whole history each time, or behind a summary of what was left out."""
    history = say(
        "Where is my bicycle?", "In the garage, behind the car.", "And my helmet?", "In the hall, by the door."
    )
    memory.add_messages(history, conversation_id="talk")
    history[3] = {**history[3], "content": "In the hall, by the big door, dear."}
    for text in ("Thanks.", "And where are the keys to the shed?"):
        history += say(text, start=len(history))
        memory.add_messages(history, conversation_id="talk")
    said = [one["content"] for one in history]
    assert texts(memory) == [*said[:3], "In the hall, by the door.", *said[3:]]
    lines = say(*LONG, *BEES)
    memory.add_messages(lines, conversation_id="cut")
    summary = {"role": "user", "content": "Before that we spoke of long lines."}
    memory.add_messages([summary, *lines[-3:], *say("Newest.")], conversation_id="cut")
    assert texts(memory, "cut") == [*(one["content"] for one in lines), summary["content"], "Newest."]


@pytest.mark.parametrize("erased", [0, 1, 3])
def test_what_was_erased_at_an_end_stays_erased(memory: TreeTextMemory, erased: int) -> None:
    lines = say(*LONG)
    ids = memory.add_messages(lines, conversation_id="talk")
    memory.purge(ids[erased])
    memory.add_messages([*lines, *say("Newest.")], conversation_id="talk")
    assert texts(memory) == [*(text for n, text in enumerate(LONG) if n != erased), "Newest."]
    memory.add_messages(lines, conversation_id="on")
    memory.purge(memory.messages("on")[erased].id)
    memory.add_messages(say("Newest."), conversation_id="on")
    memory.add_messages([*lines, *say("Newest.", "And more.")], conversation_id="on")
    assert LONG[erased] not in texts(memory, "on")
    named = [{**line, "id": f"m-{n}"} for n, line in enumerate(lines)]
    memory.add_messages(named, conversation_id="named")
    memory.purge(f"m-{erased}")
    memory.add_messages([*named, {"content": "Newest.", "id": "m-9"}], conversation_id="named")
    assert texts(memory, "named") == texts(memory)


def test_a_gap_in_the_numbers_hides_no_new_message(memory: TreeTextMemory) -> None:
    first, second = ({"content": f"The long text number {n}", "sequence": 10 * n} for n in (1, 2))
    memory.add_messages([first, second], conversation_id="talk")
    memory.add_messages(
        [{"content": "My address is Elm street 5."}, {"content": second["content"]}], conversation_id="talk"
    )
    assert "My address is Elm street 5." in texts(memory)


@pytest.mark.parametrize("changed", [{"conversation_id": "other"}, {"sequence": 9}, {"user_id": "ann"}])
def test_a_message_that_is_moved_blocks_nobody(memory: TreeTextMemory, changed: dict[str, Any]) -> None:
    ids = memory.add_messages(say("one one", "two two"), conversation_id="talk")
    memory.update(ids[1], **changed)
    memory.add_messages(say("three"), conversation_id="talk")
    assert texts(memory)[-1] == "three"


def test_a_corrected_message_is_known_again(memory: TreeTextMemory) -> None:
    for talk, times in (("timed", True), ("plain", False)):
        lines = say(*LONG, times=times)
        ids = memory.add_messages(lines, conversation_id=talk)
        memory.correct(ids[0], "Corrected.")
        memory.correct(ids[3], "Corrected too.")
        memory.add_messages([*lines, *say("Newest.")], conversation_id=talk)
        assert texts(memory, talk) == ["Corrected.", *LONG[1:3], "Corrected too.", "Newest."]


def test_odd_sources_make_no_log_unreadable(memory: TreeTextMemory) -> None:
    for time_ in ("last Tuesday", 7, None, ["x"]):
        source = {"type": "chat", "role": "user", "chat_time": time_, "name": 7, "message": [1]}
        memory.add_messages([{"content": "hi", "metadata": {"sources": [source]}}], conversation_id="talk")
        memory.add("A note.", conversation_id="talk", sequence=70, sources=[source])
    silent = {"role": "assistant", "content": None, "tool_calls": [1], "metadata": {"sources": [{"type": "x"}]}}
    memory.add_messages([silent], conversation_id="talk")
    assert len(memory.messages("talk")) == 9
    assert memory.messages("talk")[-1].as_dict() == {"role": "assistant", "content": None, "tool_calls": [1]}


def test_sessions_have_logs_of_their_own(memory: TreeTextMemory) -> None:
    for session in ("one", "two"):
        view = memory.for_caller(session_id=session)
        view.add_messages(say("Hello.", "Hello you."), conversation_id="talk")
        view.add_messages(say("Bye.", times=True), conversation_id="talk")
        assert texts(view) == ["Hello.", "Hello you.", "Bye."]
        ann = memory.for_caller("ann", session)
        ann.add_messages(say(*LONG[:2]), conversation_id="hers", visibility="session")
        ann.add_messages(say(*LONG[:3]), conversation_id="hers", visibility="session")
        assert texts(ann, "hers") == LONG[:3]
        ann.add_messages(say("Only here."), conversation_id="both", visibility="session")
        ann.add_messages(say(f"Said in {session} for all."), conversation_id="both")
        assert {"Only here.", f"Said in {session} for all."} <= set(texts(ann, "both"))
    assert len(memory.messages("both")) == 4


def test_what_cannot_be_taken_is_refused_by_position_before_anything_is_written(memory: TreeTextMemory) -> None:
    memory.add_messages([{"content": "alpha", "id": "x"}, {"content": "beta", "sequence": 5}], conversation_id="talk")
    many: list[Message] = [{"content": f"text number {n}"} for n in range(1_100)]
    for bad in (
        {"content": "edited", "id": "x"},
        {"content": "edited", "sequence": 5},
        {"content": "over", "metadata": {"valid_to": "1990-01-01"}},
    ):
        with pytest.raises((InvalidInputError, MemoryExistsError), match=r"messages\[1100\]"):
            memory.add_messages([*many, bad], conversation_id="talk")
        assert len(memory.messages("talk")) == 2
        memory.add_messages([bad, {"content": "fine"}], conversation_id="talk", on_error="skip")
        assert texts(memory)[-1] == "fine"
        memory.undo(memory.operations()[0].id)
    told: list[tuple[int, str]] = []
    refused = [many[0], {"content": "edited", "id": "x"}, {"content": "edited", "sequence": 5}]
    memory.add_messages(refused, conversation_id="talk", on_error=lambda n, error: told.append((n, str(error))))
    assert [n for n, _ in told] == [1, 2]
    assert texts(memory) == ["alpha", "beta", "text number 0"]


def test_no_number_comes_twice(memory: TreeTextMemory) -> None:
    memory.add_messages(
        [{"content": "alpha", "sequence": 5}, {"content": "beta"}, {"content": "gamma", "sequence": 6}],
        conversation_id="talk",
    )
    memory.add_messages([{"content": "beta"}, {"content": "gamma", "sequence": 1}], conversation_id="other")
    for talk, count in (("talk", 3), ("other", 2)):
        assert len({m.sequence for m in memory.messages(talk)}) == count


def test_pages_lose_nothing_where_callers_share_numbers(memory: TreeTextMemory) -> None:
    for who in ("ann", "bob"):
        said = [{"content": f"{who} says {n}"} for n in range(4)]
        memory.for_caller(who).add_messages(said, conversation_id="talk", visibility="public")
    everything = [m.id for m in memory.messages("talk")]
    backwards, forwards = [m.id for m in memory.messages("talk", limit=3)], [everything[0]]
    while page := memory.messages("talk", limit=3, before=backwards[0]):
        backwards = [*(m.id for m in page), *backwards]
    while page := memory.messages("talk", limit=3, after=forwards[-1]):
        forwards += [m.id for m in page]
    assert backwards == forwards == everything


def test_a_window_is_told_whatever_the_new_messages_have(memory: TreeTextMemory) -> None:
    asked, answer = {"role": "user", "content": LONG[0]}, {"role": "assistant", "content": LONG[1], "id": "msg-1"}
    memory.add_messages([asked], conversation_id="ids")
    memory.add_messages([asked, answer], conversation_id="ids")
    assert texts(memory, "ids") == LONG[:2]
    for talk, first, again in (("a", True, False), ("b", False, True)):
        memory.add_messages(say(*LONG[:2], times=first), conversation_id=talk)
        memory.add_messages(say(*LONG[:3], times=again), conversation_id=talk)
        assert texts(memory, talk) == LONG[:3]


def test_callers_have_logs_of_their_own(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    for _ in range(2):
        for view, text in ((ann, "I am Ann and live in Porto."), (bob, "I am Bob and live in Ghent.")):
            view.add_messages(say(text, "Noted.", times=True), conversation_id="talk")
    ann.add_messages(say("I keep bees."), conversation_id="talk")
    assert texts(ann) == ["I am Ann and live in Porto.", "Noted.", "I keep bees."]
    assert [m.sequence for m in bob.messages("talk")] == [1, 2]
    assert texts(bob) == ["I am Bob and live in Ghent.", "Noted."]
    assert len(memory.messages("talk")) == 5
    both = [{"role": "user", "content": "Hello all."}, {"role": "user", "content": "Hello back."}]
    for user in ("ann", "bob"):
        memory.add_messages(both, conversation_id="shared", user_id=user)
    assert len(memory.messages("shared")) == 4
    with pytest.raises(MemoryNotFoundError):
        bob.messages("talk", after=ann.messages("talk")[0].id)
    memory.add_messages(
        [{"content": "Hello.", "metadata": {"user_id": user}} for user in ("ann", "bob", "ann")],
        conversation_id="group",
    )
    assert [(m.sequence, m.user_id) for m in memory.messages("group")] == [(1, "ann"), (2, "bob"), (3, "ann")]


def test_messages_of_a_user_and_of_nobody_have_numbers_of_their_own(memory: TreeTextMemory) -> None:
    ann = memory.for_caller("ann")
    for turn in range(3):
        memory.add_messages(say(f"Nobody says {turn}.", f"Nor {turn}."), conversation_id="talk")
        ann.add_messages(say(f"Ann says {turn}."), conversation_id="talk")
        memory.add_messages(say(f"Ann said {turn}."), conversation_id="talk", user_id="ann")
    for view in (ann, memory):
        every = view.messages("talk")
        assert [m.sequence for m in every] == list(range(1, 13))
        assert [m.content for m in every[2:4]] == ["Ann says 0.", "Ann said 0."]
        for cut in (1, 4, 7):
            assert view.messages("talk", after=cut) == every[cut:]
            assert view.messages("talk", after=every[cut - 1].id) == every[cut:]
    window = [*say("Ann says 2."), *say("Ann said 2."), *say("Ann goes on.")]
    ann.add_messages(window, conversation_id="talk")  # sent again: only what is new comes in
    assert [m.content for m in ann.messages("talk", after=12)] == ["Ann goes on."]


def test_what_was_erased_does_not_come_back_with_its_window(memory: TreeTextMemory) -> None:
    for conversation, times in (("timed", True), ("plain", False)):
        messages = say(*BEES, times=times)
        ids = memory.add_messages(messages, conversation_id=conversation)
        memory.purge(ids[2])
        again = memory.add_messages(messages, conversation_id=conversation)
        assert again == [*ids[:2], *ids[3:]]
        assert texts(memory, conversation) == [*BEES[:2], *BEES[3:]]
        memory.delete(ids[3])
        memory.add_messages(messages, conversation_id=conversation)
        assert texts(memory, conversation) == [*BEES[:2], *BEES[4:]]


def test_one_call_is_one_conversation(memory: TreeTextMemory) -> None:
    with pytest.raises(InvalidInputError, match=r"messages\[1\]: conversation_id"):
        memory.add_messages(
            [{"content": "One."}, {"content": "Two.", "metadata": {"conversation_id": "b"}}], conversation_id="a"
        )
    assert memory.conversations() == []


def test_threads_that_speak_at_once_lose_and_double_nothing(open_memory: OpenMemory) -> None:
    cube = fresh_cube("threads")
    with (
        open_memory(cube=cube, embedder=HashEmbedder()) as memory,
        open_memory(cube=cube, embedder=HashEmbedder()) as other,
    ):
        jobs = [(view, f"{name} says {n}") for n in range(8) for name, view in (("one", memory), ("two", other))]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda job: job[0].add_messages([{"content": job[1]}], conversation_id="talk"), jobs))
        log = memory.messages("talk")
        assert sorted(m.content for m in log) == sorted(text for _, text in jobs)
        assert [m.sequence for m in log] == list(range(1, 17))
        follows = [f for *_, f, _ in told(memory)]
        assert [[number for number, _ in each] for each in follows] == [[], *([n] for n in range(1, 16))]


SPEAKER = """
import json, sys
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory
location, cube, parts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with TreeTextMemory.open(location, cube=cube, embedder=HashEmbedder()) as memory:
    for part in parts:
        sys.stdin.readline()
        memory.add_messages(part, conversation_id="talk")
        print("said", flush=True)
"""


def test_two_processes_take_turns(location: str, open_memory: OpenMemory) -> None:
    """A conversation that two processes add to in turn, in windows that overlap, is what one call makes of it."""
    dice = random.Random(7)
    messages = say(*(f"{dice.choice(BEES)} ({i})" for i in range(14)))
    windows = [messages[max(0, n - 2) : n + 2] for n in range(0, 14, 2)]
    cube = fresh_cube("processes")
    with open_memory(cube=cube, embedder=HashEmbedder(), clock=system_clock) as memory:
        speakers = [
            subprocess.Popen(
                [sys.executable, "-c", SPEAKER, location, cube, json.dumps(windows[n::2])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[2],
            )
            for n in (0, 1)
        ]
        for n in range(len(windows)):
            speaker = speakers[n % 2]
            assert speaker.stdin is not None
            assert speaker.stdout is not None
            speaker.stdin.write("\n")
            speaker.stdin.flush()
            assert speaker.stdout.readline() == "said\n"
        for speaker in speakers:
            assert speaker.wait(30) == 0
            speaker.stdin.close()  # type: ignore[union-attr]
            speaker.stdout.close()  # type: ignore[union-attr]
        once = memory.cube(fresh_cube("once"))
        once.add_messages(messages, conversation_id="talk", operation_id="once")
        assert told(memory) == told(once)
        assert len(memory.messages("talk")) == 14


def test_a_log_travels_with_its_cube(memory: TreeTextMemory, tmp_path: Path, open_memory: OpenMemory) -> None:
    memory.add_messages(
        [*say(*BEES, times=True), {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}],
        conversation_id="talk",
    )
    memory.dump(tmp_path / "dump")
    with TreeTextMemory.open(tmp_path / "copy.db", embedder=HashEmbedder(), cube=memory.cube_id) as copy:
        copy.load(tmp_path / "dump")
        assert told(copy) == told(memory)
        assert copy.messages("talk") == memory.messages("talk")
        copy.add_messages(say("And one more."), conversation_id="talk")
        assert [m.sequence for m in copy.messages("talk")] == list(range(1, 9))


# ---- what others do to a log, and what was erased


PIN = ("shall we meet at the old harbour?", "yes, at eight", "my PIN is 4711", "I will keep it", "thanks, see you")


@pytest.mark.parametrize("known_by", ["numbers", "minutes", "days", "both"])
def test_what_was_purged_does_not_come_back_with_its_numbers_or_shared_times(
    memory: TreeTextMemory, known_by: str
) -> None:
    def window() -> list[Message]:
        said = say(*PIN)
        for i, one in enumerate(said):
            if known_by in ("numbers", "both"):
                one["sequence"] = i + 1
            if known_by in ("minutes", "both"):
                one["chat_time"] = f"2024-03-11 10:0{(0, 0, 0, 1, 2)[i]}"
            if known_by == "days":
                one["chat_time"] = "2024-03-11"
        return said

    memory.add_messages(window(), conversation_id="talk")
    memory.purge(memory.messages("talk")[2].id)
    left = [*PIN[:2], *PIN[3:]]
    for _ in range(2):
        memory.add_messages(window(), conversation_id="talk")
        assert texts(memory) == left
    more = {"role": "user", "content": "And one more thing to say."}
    memory.add_messages(
        [*window(), more | ({"sequence": 9} if known_by in ("numbers", "both") else {})], conversation_id="talk"
    )
    assert texts(memory) == [*left, more["content"]]


def test_an_id_that_another_caller_purged_loses_nothing(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ann.add_messages([{"content": "Ann says one thing.", "id": "m1"}], conversation_id="c1")
    ann.purge("m1")
    said = [{"content": "Bob says another.", "id": "m1"}]
    assert bob.add_messages(said, conversation_id="c2") == ["m1"]
    assert texts(bob, "c2") == ["Bob says another."]
    window = say("A first sentence of it.", "A second sentence of it.", "A third one.")
    for i, one in enumerate(window):
        one["id"] = f"w{i}"
    ann.add_messages(window, conversation_id="c3")
    ann.purge("w1")
    ann.add_messages(window, conversation_id="c3")
    assert texts(ann, "c3") == ["A first sentence of it.", "A third one."]


def test_no_caller_stops_a_log(memory: TreeTextMemory) -> None:
    memory.add_messages([{"content": "first"}], conversation_id="c")
    bob = memory.for_caller("bob")
    for number in (2**52, 2**62, 2**63, 10**400, -(2**52)):
        for attempt in (
            lambda n=number: bob.add("x", conversation_id="c", sequence=n),
            lambda n=number: bob.add_messages([{"content": "x", "sequence": n}], conversation_id="c"),
        ):
            with pytest.raises(InvalidInputError, match="sequence"):
                attempt()
    own = bob.add("mine", conversation_id="c", sequence=2**52 - 1)
    with pytest.raises(InvalidInputError, match="sequence"):
        bob.update(own[0], sequence=2**60)
    memory.add_messages([{"content": "second"}], conversation_id="c")
    memory.add_messages([{"content": "third"}], conversation_id="c")
    assert texts(memory, "c")[-2:] == ["second", "third"]


def test_a_guess_of_a_hidden_text_is_answered_as_any_other(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ann.add_messages([{"content": "my pin is 4711", "id": "pin"}], conversation_id="c", visibility="private")
    told = set()
    for guess in ("my pin is 4711", "my pin is 1"):
        with pytest.raises(MemoryExistsError) as refused:
            bob.add_messages([{"content": guess, "id": "pin"}], conversation_id="c")
        told.add(str(refused.value))
        assert bob.add_messages([{"content": guess, "id": "pin"}], conversation_id="c", on_error="skip") == []
    assert len(told) == 1


def test_a_deleted_message_that_is_sent_again_is_not_named(memory: TreeTextMemory) -> None:
    said = [{"content": "the harp", "id": "zz"}]
    assert memory.add_messages(said, conversation_id="e") == ["zz"]
    memory.delete("zz")
    assert memory.add_messages(said, conversation_id="e") == []
    assert texts(memory, "e") == []


def test_a_moved_message_is_shown_where_it_is(memory: TreeTextMemory) -> None:
    (moved,) = memory.add_messages([{"content": "the harp"}], conversation_id="here")
    memory.update(moved, conversation_id="there", sequence=7)
    (one,) = memory.messages("there")
    assert (one.conversation_id, one.sequence) == ("there", 7)
    assert memory.messages("there", before=one.sequence) == []


@pytest.mark.parametrize("sources", [5, True, 2.5, "xy", {"a": 1}])
def test_odd_sources_are_refused_by_position(memory: TreeTextMemory, sources: Any) -> None:
    with pytest.raises(InvalidInputError, match="sources"):
        memory.add_messages([{"content": "x"}], conversation_id="s", sources=sources)
    said = [{"content": "x", "metadata": {"sources": sources}}, {"content": "good"}]
    with pytest.raises(InvalidInputError, match=r"messages\[0\].*sources"):
        memory.add_messages(said, conversation_id="s")
    memory.add_messages(said, conversation_id="s", on_error="skip")
    assert texts(memory, "s") == ["good"]


def test_a_message_object_that_raises_is_refused_by_position(memory: TreeTextMemory) -> None:
    class Odd:
        def model_dump(self) -> None: ...

    class Worse:
        def model_dump(self, **_: Any) -> None:
            raise RuntimeError("not today")

    for odd in (Odd(), Worse()):
        with pytest.raises(InvalidInputError, match=r"messages\[1\]: cannot be read"):
            memory.add_messages([{"content": "a"}, odd], conversation_id="s")
    memory.add_messages([{"content": "a"}, Worse(), {"content": "b"}], conversation_id="s", on_error="skip")
    assert texts(memory, "s") == ["a", "b"]


def test_an_id_of_a_conversation_fits_both_stores(memory: TreeTextMemory) -> None:
    memory.add_messages([{"content": "x"}], conversation_id="B-" * 1_000)
    assert len(memory.messages("B-" * 1_000)) == 1
    with pytest.raises(InvalidInputError, match="conversation_id: wanted at most 2000 bytes"):
        memory.add_messages([{"content": "x"}], conversation_id="长" * 700)


def test_windows_take_time_that_grows_with_their_length(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder(), record_usage=False) as memory:
        start = [{"role": "user", "content": f"hello there, this is the beginning {i}"} for i in range(3)]
        again = [{"role": "user", "content": "ok"}, {"role": "assistant", "content": "no"}] * 500
        memory.add_messages([*start, {"role": "user", "content": "ok"}, *again], conversation_id="c")
        begun = time.process_time()
        memory.add_messages([*start, *[{"role": "user", "content": "ok"}] * 1_000], conversation_id="c")
        assert time.process_time() - begun < 6
        memory.purge(memory.add("something"))
        log = [{"role": "user", "content": f"message number {i} of the log"} for i in range(2_400)]
        memory.add_messages(log[:1_200], conversation_id="k")
        begun = time.process_time()
        memory.add_messages(log, conversation_id="k")
        assert time.process_time() - begun < 8
        assert [m.content for m in memory.messages("k")] == [one["content"] for one in log]
