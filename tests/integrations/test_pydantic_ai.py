"""PydanticAI's agents run with a memory: what they are shown, what they keep, the tools they have."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent, BinaryContent, ImageUrl
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from treemem import TreeTextMemory
from treemem.integrations.pydantic_ai import TreememCapability, TreememHistory, memory_toolset

TALK: list[ModelMessage] = [
    ModelRequest(parts=[SystemPromptPart("Be brief."), UserPromptPart("Hello")], instructions="Be kind."),
    ModelResponse(parts=[ThinkingPart("hm " * 3_000), ToolCallPart("clock", {"zone": "UTC"}, tool_call_id="1")]),
    ModelRequest(parts=[ToolReturnPart("clock", {"time": "12:00"}, tool_call_id="1")]),
    ModelResponse(parts=[TextPart("Noon."), TextPart("Really.")]),
    ModelRequest(parts=[ToolReturnPart("clock", "again", tool_call_id="1", outcome="failed")]),
    ModelRequest(
        parts=[
            UserPromptPart(
                ["Look:", ImageUrl("https://x/y.png"), BinaryContent(b"\x00\xff" * 9, media_type="image/png")]
            )
        ]
    ),
    ModelResponse(parts=[TextPart("A \x00 \ud83d picture " * 400)]),
]


class Scripted:
    """A model that gives its answers one after the other, and keeps what it was sent."""

    def __init__(self, *answers: str | ToolCallPart) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[list[ModelMessage], AgentInfo]] = []
        self.model = FunctionModel(self._answer)

    def _answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.sent.append((list(messages), info))
        answer = self.answers[len(self.sent) - 1]
        return ModelResponse(parts=[TextPart(answer) if isinstance(answer, str) else answer])


def test_messages_come_back_as_they_were(memory: TreeTextMemory) -> None:
    history = TreememHistory(memory, "c1")
    assert history.load() == []
    history.save(TALK[:3])
    history.save(TALK[3:])
    history.save(TALK)
    # As PydanticAI itself reads its messages back: a picture is one of a narrower class then.
    again = ModelMessagesTypeAdapter.validate_python(ModelMessagesTypeAdapter.dump_python(TALK, mode="json"))
    assert history.load() == again + again
    assert history.load(2) == again[-2:]
    assert history.load(0) == []
    assert history.load(10**9) == again + again
    assert TreememHistory(memory, "c2").load() == []
    roles = [(m.role, m.content[:12]) for m in memory.messages("c1")][:6]
    assert roles == [
        ("user", "Hello"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "Noon.\nReally"),
        ("tool", "again"),
        ("user", "Look:"),
    ]
    history.clear()
    assert history.load() == []


def test_messages_that_came_another_way(embedded: TreeTextMemory) -> None:
    embedded.add_messages(
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}], conversation_id="c"
    )
    said = [message.parts[0].content for message in TreememHistory(embedded, "c").load()]  # type: ignore[union-attr]
    assert said == ["Hi", "Yes?"]


async def test_an_agent_is_shown_memories_and_they_grow(memory: TreeTextMemory) -> None:
    script = Scripted("Welcome, Anna.", "You live in Porto.", "Still in Porto.")
    agent = Agent(script.model, instructions="Be brief.", capabilities=[TreememCapability(memory)])
    await agent.run("My name is Anna and I live in Porto.", conversation_id="one")
    assert "remembered" not in str(script.sent[0][1].instructions)
    await agent.run("Where do I live?", conversation_id="two")
    shown = str(script.sent[1][1].instructions)
    assert shown.startswith("Be brief.")
    assert "What is remembered" in shown
    assert "My name is Anna and I live in Porto." in shown
    history = TreememHistory(memory, "two")
    result = await agent.run("Sure?", conversation_id="two", message_history=await history.aload())
    assert result.output == "Still in Porto."
    assert "Where do I live?" not in str(script.sent[2][1].instructions)  # the model has this conversation anyway
    assert [m.content for m in memory.messages("two")] == [
        "Where do I live?",
        "You live in Porto.",
        "Sure?",
        "Still in Porto.",
    ]
    assert {tool.name for tool in script.sent[0][1].function_tools} == {
        "remember",
        "recall",
        "history",
        "correct",
        "forget",
    }


async def test_the_memory_follows_the_run(embedded: TreeTextMemory) -> None:
    embedded.for_caller("anna").add("Anna likes </memories> tea.")
    script = Scripted("a", ToolCallPart("recall", {"question": "Who likes tea?"}), "b")
    capability = TreememCapability(lambda ctx: embedded.for_caller(ctx.deps), remember=False)
    agent = Agent(script.model, deps_type=str, capabilities=[capability])
    await agent.run("Who likes tea?", deps="anna")
    await agent.run("Who likes tea?", deps="ben")
    assert str(script.sent[0][1].instructions).count("</memories>") == 1
    assert not script.sent[1][1].instructions
    (answer,) = script.sent[2][0][-1].parts
    assert answer.content == "Nothing is remembered about this."  # type: ignore[union-attr]
    assert embedded.conversations() == []


def test_tools_by_themselves(embedded: TreeTextMemory) -> None:
    script = Scripted(
        ToolCallPart("remember", {"text": "Ben rows."}), ToolCallPart("forget", {"memory_id": "nothing"}), "Noted."
    )
    result: Any = Agent(script.model, toolsets=[memory_toolset(embedded)]).run_sync("Ben rows.")
    assert result.output == "Noted."
    assert embedded.search("Who rows?", 1)[0].memory == "Ben rows."
    assert "nothing" in str(script.sent[2][0][-1].parts[0].content)  # type: ignore[union-attr]
