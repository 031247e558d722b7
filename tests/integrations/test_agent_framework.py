"""Agents of Microsoft's framework run with a memory: what they are shown, what they keep, the tools they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_framework import Agent, AgentSession, BaseChatClient, ChatResponse, Content, FunctionInvocationLayer, Message

from treemem import TreeTextMemory
from treemem.integrations.agent_framework import TreememContextProvider, TreememHistoryProvider


class Scripted(FunctionInvocationLayer[Any], BaseChatClient[Any]):
    """A client that gives its answers one after the other, and keeps what it was sent."""

    def __init__(self, *answers: str | Content) -> None:
        super().__init__()
        self.answers = list(answers)
        self.sent: list[tuple[list[Message], Mapping[str, Any]]] = []

    def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **_: Any
    ) -> Any:
        async def answer() -> ChatResponse[Any]:
            self.sent.append((list(messages), dict(options)))
            return ChatResponse(messages=[Message("assistant", [self.answers[len(self.sent) - 1]])])

        return answer()


def _shown(sent: tuple[list[Message], Mapping[str, Any]]) -> str:
    return str(sent[1].get("instructions")) + "\n".join(m.text for m in sent[0] if m.role == "system")


async def test_messages_come_back_as_they_were(memory: TreeTextMemory) -> None:
    provider = TreememHistoryProvider(memory)
    talk = [
        Message("user", ["Hello", Content.from_uri("https://x/y.png", media_type="image/png")], message_id="m1"),
        Message("assistant", [Content.from_function_call("1", "clock", arguments={"zone": "UTC"})]),
        Message("tool", [Content.from_function_result("1", result="12:00")]),
        Message("assistant", ["long " * 3_000], author_name="helper", additional_properties={"n": 1}),
    ]
    await provider.save_messages("s", talk)
    await provider.save_messages("s", talk)
    await provider.save_messages(None, talk)
    assert [m.to_dict() for m in await provider.get_messages("s")] == [m.to_dict() for m in talk + talk]
    assert await provider.get_messages("other") == []
    assert await provider.get_messages(None) == []
    assert [m.role for m in memory.messages("s")][:4] == ["user", "assistant", "tool", "assistant"]


async def test_an_agent_goes_on_where_it_was(embedded: TreeTextMemory) -> None:
    client = Scripted("Hello, Anna.", "Anna.")
    for question in ("My name is Anna.", "What is my name?"):
        agent = Agent(client, context_providers=[TreememHistoryProvider(embedded)])
        await agent.run(question, session=AgentSession(session_id="s"))
    assert [m.text for m in client.sent[1][0]] == ["My name is Anna.", "Hello, Anna.", "What is my name?"]


async def test_an_agent_is_shown_memories_and_uses_them(embedded: TreeTextMemory) -> None:
    embedded.for_caller("anna").add("Anna lives in Porto.")
    call = Content.from_function_call("1", "remember", arguments={"text": "Ben rows."})
    client = Scripted("In Porto.", "I do not know.", call, "Noted.")
    provider = TreememContextProvider(lambda session: embedded.for_caller(session.state["user"]))
    agent = Agent(client, instructions="Be brief.", context_providers=[provider])
    for user in ("anna", "ben"):
        session = AgentSession(session_id=user)
        session.state["user"] = user
        await agent.run("Where does Anna live?", session=session)
    assert "Anna lives in Porto." in _shown(client.sent[0])
    assert "Be brief." in _shown(client.sent[0])
    assert "Porto" not in _shown(client.sent[1])
    result = await agent.run("Ben rows.", session=session)
    assert result.text.endswith("Noted.")
    assert embedded.for_caller("ben").search("Who rows?", 1)[0].memory == "Ben rows."
