"""The session for the OpenAI Agents SDK behaves as the SDK's own; agents run with it through the SDK's Runner."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agents import (
    Agent,
    ItemHelpers,
    Model,
    ModelResponse,
    RunConfig,
    Runner,
    RunResult,
    SessionSettings,
    SQLiteSession,
    Usage,
    function_tool,
    set_tracing_disabled,
)
from agents.memory import Session
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from tests.helpers import fresh_cube
from treemem import InvalidInputError, TreeTextMemory
from treemem.integrations.openai_agents import TreememSession, memory_tools

set_tracing_disabled(True)


class Scripted(Model):
    """A model that gives its answers one after the other, and keeps what it was sent."""

    def __init__(self, *answers: str | tuple[str, str]) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
        self.sent.append(input)
        answer = self.answers[len(self.sent) - 1]
        number = str(len(self.sent))
        if isinstance(answer, tuple):
            item: Any = ResponseFunctionToolCall(
                type="function_call", call_id=f"call{number}", name=answer[0], arguments=answer[1]
            )
        else:
            text = ResponseOutputText(type="output_text", text=answer, annotations=[])
            item = ResponseOutputMessage(
                id=f"m{number}", type="message", role="assistant", status="completed", content=[text]
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


WORDS = ("Anna moved to Porto.", "ok", "ok", "", "   ", "Müller 説 \x00 \ud83d", "line\nline", "long " * 3_000)


def _item(chance: random.Random) -> Any:
    text = chance.choice(WORDS)
    return chance.choice(
        [
            {"role": "user", "content": text},
            {"role": chance.choice(["system", "developer"]), "content": text},
            {
                "role": "user",
                "content": [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": "x"}],
            },
            {
                "role": "assistant",
                "type": "message",
                "id": f"m{chance.random()}",
                "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
            },
            {"type": "function_call", "call_id": "c1", "name": "clock", "arguments": '{"zone": "UTC"}'},
            {"type": "function_call_output", "call_id": "c1", "output": text},
            {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": text}]},
            {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "e" * chance.randint(0, 9_000)},
            {"type": "item_reference", "id": "i1"},
            {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"n": 1.0, "deep": [None, True]}},
        ]
    )


async def test_random_operations_answer_as_the_own_session(location: str, backend: str, embedder: Any) -> None:
    chance = random.Random(11)
    with TreeTextMemory.open(location, cube=fresh_cube(), embedder=embedder) as memory:
        pairs = [
            (TreememSession(name, memory, session_settings=limit), SQLiteSession(name, session_settings=limit))
            for name, limit in (("a", None), ("b", SessionSettings(limit=3)), ("c", {"limit": 2}))
        ]
        for _ in range(150 if backend == "sqlite" else 10):
            ours, theirs = chance.choice(pairs)
            done = chance.random()
            if done < 0.45:
                items = [_item(chance) for _ in range(chance.randint(0, 4))]
                await ours.add_items(items)
                await theirs.add_items(items)
            elif done < 0.7:
                assert await ours.pop_item() == await theirs.pop_item()
            elif done < 0.97:
                limit = chance.choice([None, None, -1, 0, 1, 2, 5, 1_000])
                assert await ours.get_items(limit) == await theirs.get_items(limit)
            else:
                await ours.clear_session()
                await theirs.clear_session()
        for ours, theirs in pairs:
            assert await ours.get_items(-1) == await theirs.get_items(-1)
            theirs.close()
        assert memory.check() == []


async def test_an_agent_goes_on_where_it_was(memory: TreeTextMemory) -> None:
    model = Scripted("San Francisco", "California", "Nothing")
    agent = Agent(name="Assistant", instructions="Be brief.", model=model)
    session = TreememSession("conversation-123", memory)
    assert isinstance(session, Session)
    first = await Runner.run(agent, "What city is the Golden Gate Bridge in?", session=session)
    assert first.final_output == "San Francisco"
    await Runner.run(agent, "What state is it in?", session=session)
    assert _said(model.sent[1]) == [
        "What city is the Golden Gate Bridge in?",
        "San Francisco",
        "What state is it in?",
    ]
    again = TreememSession("conversation-123", memory)
    await Runner.run(agent, "And?", session=again, run_config=RunConfig(session_settings=SessionSettings(limit=1)))
    assert _said(model.sent[2]) == ["California", "And?"]
    assert await TreememSession("other", memory).get_items() == []
    # What was said is a memory as any other.
    assert "Golden Gate" in memory.search("Which bridge?", 1)[0].memory
    assert [m.role for m in memory.messages("conversation-123")] == ["user", "assistant"] * 3


async def test_an_agent_that_calls_tools_keeps_its_calls(embedded: TreeTextMemory) -> None:
    @function_tool
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"Sunny in {city}"

    model = Scripted(("weather", '{"city": "Porto"}'), "It is sunny.", "As I said.")
    session = TreememSession("c", embedded)
    agent = Agent(name="A", model=model, tools=[weather])
    await Runner.run(agent, "How is the weather?", session=session)
    kinds = [item.get("type", item.get("role")) for item in await session.get_items()]
    assert kinds == ["user", "function_call", "function_call_output", "message"]
    await Runner.run(agent, "Really?", session=session)
    assert [i.get("output") for i in model.sent[2] if i.get("type") == "function_call_output"] == ["Sunny in Porto"]
    assert [m.role for m in embedded.messages("c")][:4] == ["user", "assistant", "tool", "assistant"]


async def test_popping_corrects_the_last_question(embedded: TreeTextMemory) -> None:
    session = TreememSession("c", embedded)
    await session.add_items([{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "5"}])
    assert await session.pop_item() == {"role": "assistant", "content": "5"}
    await session.add_items([{"role": "assistant", "content": "4"}])
    assert [i["content"] for i in await session.get_items()] == ["2 + 2?", "4"]
    assert [m.sequence for m in embedded.messages("c")] == sorted({m.sequence for m in embedded.messages("c")})


async def test_two_who_pop_get_two_items(memory: TreeTextMemory) -> None:
    session = TreememSession("c", memory)
    await session.add_items([{"role": "user", "content": f"number {n}"} for n in range(6)])
    popped = await asyncio.gather(*(session.pop_item() for _ in range(8)))
    said = [item["content"] for item in popped if item is not None]
    assert sorted(said) == [f"number {n}" for n in range(6)]
    assert await session.get_items() == []


async def test_who_is_cancelled_leaves_whole_writes(embedded: TreeTextMemory) -> None:
    session = TreememSession("c", embedded)
    items: Any = [{"role": "user", "content": f"number {n}"} for n in range(20)]
    adding = asyncio.ensure_future(session.add_items(items))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    assert await session.get_items() == items


async def test_messages_that_came_another_way_are_items(embedded: TreeTextMemory) -> None:
    view = embedded.for_caller("anna")
    view.add_messages([{"role": "user", "content": "Hi"}], conversation_id="c")
    assert await TreememSession("c", view).get_items() == [{"role": "user", "content": "Hi"}]
    assert await TreememSession("c", embedded.for_caller("ben")).get_items() == []


async def test_odd_items_come_back_as_they_were(embedded: TreeTextMemory) -> None:
    session = TreememSession("c", embedded)
    odd: list[Any] = [{}, {"role": ["a"], "content": "x"}, {"role": {}}, {"type": None}]
    await session.add_items(odd)
    assert await session.get_items() == odd
    assert await session.get_items(10**12) == odd
    assert await session.get_items(0) == []
    for limit in ("2", 1.5, True):
        with pytest.raises(InvalidInputError, match="limit"):
            await session.get_items(limit)  # type: ignore[arg-type]
    assert await session.pop_item() == odd[3]


async def test_tools_of_a_memory(embedded: TreeTextMemory) -> None:
    embedded.add("Anna sings in a choir.")
    model = Scripted(
        ("recall", '{"question": "What does Anna sing in?", "top_k": 3}'),
        ("forget", '{"memory_id": "nothing"}'),
        "In a choir.",
    )
    result: RunResult = await Runner.run(Agent(name="A", model=model, tools=list(memory_tools(embedded))), "Anna?")
    outputs = [item["output"] for item in model.sent[2] if item.get("type") == "function_call_output"]
    assert "Anna sings in a choir." in outputs[0]
    assert "nothing" in outputs[1]
    assert ItemHelpers.text_message_outputs(result.new_items) == "In a choir."


def _said(items: Any) -> list[str]:
    return [i["content"] if isinstance(i["content"], str) else i["content"][0]["text"] for i in items]
