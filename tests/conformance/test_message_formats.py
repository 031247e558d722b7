"""Messages come in as the chat programs write them, on both stores."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from tests.helpers import day
from treemem import InvalidInputError, TreeTextMemory

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9_000}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


class Dumped:
    """An object of a library: what matters is its `model_dump`."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return self.fields


#: By what it is: the messages, and the role and text of each memory that is made of them.
CASES: dict[str, tuple[list[Any], list[tuple[str, str]]]] = {
    "openai text parts": (
        [{"role": "user", "content": [{"type": "text", "text": "I keep bees."}, PICTURE]}],
        [("user", "I keep bees.")],
    ),
    "openai tool calls": (
        [
            {"role": "user", "content": "Weather in Oslo?"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "12 degrees"},
            {"role": "assistant", "content": "It is 12 degrees.", "refusal": None, "annotations": []},
        ],
        [("user", "Weather in Oslo?"), ("tool", "12 degrees"), ("assistant", "It is 12 degrees.")],
    ),
    "openai developer, refusal, voice": (
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot."}]},
            {"role": "assistant", "content": None, "refusal": "I will not."},
            {"role": "assistant", "content": None, "audio": {"id": "a", "transcript": "Spoken."}},
        ],
        [
            ("developer", "Be brief."),
            ("assistant", "I cannot."),
            ("assistant", "I will not."),
            ("assistant", "Spoken."),
        ],
    ),
    "openai responses": (
        [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi."}, {"type": "input_image", "image_url": "u"}],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Thinking."}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "Forty-two."},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Done."}],
            },
        ],
        [("user", "Hi."), ("tool", "Forty-two."), ("assistant", "Done.")],
    ),
    "anthropic": (
        [
            {"role": "user", "content": [{"type": "text", "text": "Two"}, {"type": "text", "text": "lines."}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "15 C"}]}],
            },
        ],
        [("user", "Two\nlines."), ("assistant", "Let me look."), ("tool", "15 C")],
    ),
    "gemini": ([{"role": "model", "parts": [{"text": "Hello."}, {"functionCall": {}}]}], [("assistant", "Hello.")]),
    "langchain": (
        [
            ("human", "I am Bo."),
            {"type": "ai", "data": {"content": "Hello Bo.", "tool_calls": []}},
            Dumped(type="human", content="I have a goat.", additional_kwargs={}, name="Bo"),
        ],
        [("user", "I am Bo."), ("assistant", "Hello Bo."), ("user", "Bo: I have a goat.")],
    ),
    "nothing said": (
        [{"role": "user", "content": "Hi, I am Ana."}, {"role": "assistant", "content": " "}, {"content": []}],
        [("user", "Hi, I am Ana.")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_conversation_is_taken_as_it_comes(memory: TreeTextMemory, case: str) -> None:
    messages, expected = CASES[case]
    ids = memory.add_messages(messages, conversation_id="talk")
    items = [memory.get(each) for each in ids]
    assert [(item.metadata.sources[0]["role"], item.memory) for item in items] == expected


def test_what_has_no_meaning_here_is_kept_with_the_source(memory: TreeTextMemory) -> None:
    (one,) = memory.add_messages(
        [{"role": "user", "content": CASES["openai text parts"][0][0]["content"], "mood": "glad"}]
    )
    kept = memory.get(one).metadata.sources[0]["message"]
    assert kept["mood"] == "glad"
    assert kept["parts"] == [{"type": "image_url", "image_url": {"url": "<9,022 characters left out>"}}]


WRONG: dict[str, Any] = {
    "no message": 7,
    "no content": {"role": "user", "contents": "x"},
    "role": {"role": "robot", "content": "x"},
    "content": {"content": 7},
    "type": {"type": ["text"], "role": ["user"], "content": "x"},
    "type of a part": {"content": [{"type": {}, "text": [7]}], "data": {1: 2}},
    "part": {"content": [7]},
    "text of a part": {"content": [{"type": "text", "text": 7}]},
    "key": {1: "x", "content": "x"},
    "item": {"type": "teapot", "content": "x"},
    "time": {"content": "x", "chat_time": "soon"},
    "name": {"content": "x", "name": " "},
    "metadata": {"content": "x", "metadata": 7},
    "field": {"content": "x", "metadata": {"memory_type": "Nonsense"}},
    "id": {"content": "x", "id": "a b"},
    "id twice": {"content": "x", "id": "taken"},
    "ends before it begins": {"content": "x", "chat_time": "2025-03-01", "metadata": {"valid_to": "2025-02-01"}},
    "session": {"content": "x", "metadata": {"visibility": "session"}},
    "vector": {"content": "x", "metadata": {"embedding": [1.0, 2.0]}},
    "kept": {"content": "x", "odd": object()},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_message_is_refused_by_position_with_nothing_written(memory: TreeTextMemory, wrong: str) -> None:
    good = [{"content": f"Note {n}.", **({} if n else {"id": "taken"})} for n in range(1_100)]
    messages = [*good[:1_050], WRONG[wrong], *good[1_050:]]
    with pytest.raises(InvalidInputError, match=r"messages\[1050\]"):
        memory.add_messages(messages)
    assert memory.stats().memories == 0


def test_a_wrong_message_is_left_out_where_that_is_asked_for(
    memory: TreeTextMemory, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [{"content": "One.", "id": "taken"}, *WRONG.values(), {"content": "Two."}]
    with caplog.at_level(logging.WARNING, "treemem.ingest"):
        ids = memory.add_messages(messages, on_error="skip")
    assert [memory.get(each).memory for each in ids] == ["One.", "Two."]
    assert len(caplog.records) == len(WRONG)
    told: list[tuple[int, str]] = []
    messages[0] = {"content": "One again.", "id": "taken-too"}
    messages[list(WRONG).index("id twice") + 1] = {"content": "x", "id": "taken-too"}
    memory.add_messages(messages, on_error=lambda position, error: told.append((position, str(error))))
    assert [position for position, _ in told] == list(range(1, len(WRONG) + 1))
    with pytest.raises(InvalidInputError, match="on_error"):
        memory.add_messages(messages, on_error="ignore")  # type: ignore[arg-type]


def test_a_span_for_all_is_checked_for_each(memory: TreeTextMemory) -> None:
    messages = [{"content": f"Note {n}.", "chat_time": 1_736_503_200 + n} for n in range(1_100)]
    with pytest.raises(InvalidInputError, match=r"messages\[1050\].*inverted"):
        memory.add_messages(messages, valid_to=1_736_503_200 + 1_050)
    assert memory.stats().memories == 0


def test_a_message_of_a_clock_a_little_ahead_is_found_at_once(memory: TreeTextMemory) -> None:
    clock = memory.with_clock(lambda: day(400))
    ahead = [
        {"content": f"Note {n} of a fast clock.", "chat_time": day(400) + timedelta(seconds=60 * n)} for n in (4, 2)
    ]
    ids = clock.add_messages([*ahead, {"content": "Later.", "chat_time": day(400) + timedelta(seconds=301)}])
    assert {m.id for m in clock.get_by_ids(ids)} == set(ids[:2])
    assert {hit.id for hit in clock.search("a note of a fast clock", 5)} == set(ids[:2])
    assert clock.add_messages(ahead) == ids[:2]
    assert clock.add("Said next.")
    assert clock.history(ids[0])[0].valid_from == ahead[0]["chat_time"]


@pytest.mark.parametrize("name", ["👍", "...", "-", "()", "\u200b", "\u0301", "\ufeff"])
def test_a_speaker_without_letters_is_no_name(memory: TreeTextMemory, name: str) -> None:
    ids = memory.add_messages([{"content": f"Note {n}.", "name": name} for n in range(2)])
    listed = memory.add({"memory": "A note.", "metadata": {"entities": [name, "Ann"]}})
    assert [memory.get(each).memory for each in ids] == [f"{name}: Note 0.", f"{name}: Note 1."]
    assert memory.update(listed[0], "Another note.", entities=[name])
    assert {entity.name for entity in memory.store.all_entities(memory.cube_id)} == {"Note", "Ann"}
