"""Agents of Strands run with a memory through Strands' own memory manager."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from strands import Agent
from strands.memory import AddMessagesContext, ExtractionConfig, InvocationTrigger, MemoryManager
from strands.models import Model

from treemem import TreeTextMemory
from treemem.integrations.strands import TreememStore


class Scripted(Model):
    """A model that gives its answers one after the other, and keeps what it was sent."""

    def __init__(self, *answers: str | tuple[str, str]) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    def update_config(self, **_: Any) -> None:
        pass

    def get_config(self) -> dict[str, Any]:
        return {}

    def structured_output(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
        self.sent.append([dict(message) for message in messages])
        answer = self.answers.pop(0)
        yield {"messageStart": {"role": "assistant"}}
        if isinstance(answer, str):
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": answer}}}
        else:
            yield {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "1", "name": answer[0]}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": answer[1]}}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn" if isinstance(answer, str) else "tool_use"}}


def _agent(model: Model, store: TreememStore, **settings: Any) -> Agent:
    return Agent(model=model, memory_manager=MemoryManager([store], **settings), callback_handler=None)


def test_an_agent_is_shown_memories_and_they_grow(memory: TreeTextMemory) -> None:
    extraction = ExtractionConfig(trigger=InvocationTrigger())
    for number, (question, answer) in enumerate(
        (("My name is Anna and I live in Porto.", "Welcome."), ("Where do I live?", "In Porto."))
    ):
        model = Scripted(answer)
        store = TreememStore(memory, extraction=extraction, conversation_id=f"c{number}")
        _agent(model, store)(question)
    assert "My name is Anna and I live in Porto." in str(model.sent[0])
    assert [(m.role, m.content) for m in memory.messages("c1")] == [
        ("user", "Where do I live?"),
        ("assistant", "In Porto."),
    ]


def test_an_agent_uses_the_tools(embedded: TreeTextMemory) -> None:
    embedded.add("Anna sings in a choir.")
    model = Scripted(
        ("search_memory", '{"query": "What does Anna sing in?"}'),
        ("add_memory", '{"entries": ["Ben rows."]}'),
        "Noted.",
    )
    _agent(model, TreememStore(embedded), add_tool_config=True, injection=False)("Anna? And Ben rows.")
    assert "Anna sings in a choir." in str(model.sent[1][-1])
    assert embedded.search("Who rows?", 1)[0].memory == "Ben rows."


async def test_the_store_by_itself(embedded: TreeTextMemory) -> None:
    store = TreememStore(embedded, max_search_results=1)
    memory_id = await store.add("Anna rows.", {"source": "form"})
    await store.add("Anna swims.")
    (found,) = await store.search("Anna rows")
    assert (found.content, found.metadata["id"], found.metadata["source"]) == ("Anna rows.", memory_id, "form")  # type: ignore[index]
    assert len(await store.search("Anna", {"max_search_results": 5})) == 2
    assert await store.search(" ") == []
    batch: Any = [{"role": "user", "content": [{"text": "Hi"}]}, {"role": "user", "content": [{"image": {}}]}]
    for _ in range(2):
        await store.add_messages(batch, AddMessagesContext(sequence_numbers=[0, 1]))
    assert [m.content for m in embedded.messages(store.conversation_id)] == ["Hi"]
    await store.add_messages([{"role": "assistant", "content": [{"text": "Hello"}]}], AddMessagesContext([0]))
    await store.add_messages(batch)
    assert [m.content for m in embedded.messages(store.conversation_id)] == ["Hi", "Hello", "Hi"]
