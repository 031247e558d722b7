"""NUL, halves of surrogate pairs and other odd characters fail no turn, in no framework, and come back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agent_framework import Message
from agents import Agent, Runner
from google.adk.events import Event
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions import InMemorySessionService
from google.genai.types import Content, Part
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.store.memory import InMemoryStore
from llama_index.core.base.llms.types import ChatMessage
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.function import FunctionModel
from strands.memory import MemoryManager

from tests.integrations.scripted import Script
from treemem import InvalidInputError, TreeTextMemory
from treemem.integrations.agent_framework import TreememHistoryProvider
from treemem.integrations.google_adk import TreememMemoryService
from treemem.integrations.langchain import (
    TreememByteStore,
    TreememChatMessageHistory,
    TreememMiddleware,
    TreememRetriever,
    memory_tools,
)
from treemem.integrations.langgraph import TreememStore as GraphStore
from treemem.integrations.llamaindex import TreememChatStore, TreememMemoryBlock
from treemem.integrations.llamaindex import TreememRetriever as NodeRetriever
from treemem.integrations.openai_agents import TreememSession
from treemem.integrations.openai_agents import memory_tools as agents_tools
from treemem.integrations.pydantic_ai import TreememCapability, TreememHistory
from treemem.integrations.strands import TreememStore as StrandsStore

ODD = ("a\x00b", "Anna \ud83d sings.", "\x00", "\udc00\ud800", "\u202e\x1b[2J\uffff")
odd = pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))


@odd
async def test_openai_agents(memory: TreeTextMemory, text: str) -> None:
    session = TreememSession(text, memory)
    items: list[Any] = [
        {"role": "user", "content": text},
        {"type": "function_call", "call_id": text, "name": text, "arguments": text},
        {"type": "function_call_output", "call_id": text, "output": text},
        {"type": "reasoning", "id": text, "summary": [{"text": text, text: None}]},
    ]
    await session.add_items(items)
    assert await TreememSession(text, memory).get_items() == items
    assert await session.pop_item() == items[-1]
    assert await TreememSession(f"{text} ", memory).get_items() == []


async def test_a_turn_of_the_openai_agents_sdk(embedded: TreeTextMemory, script: Script) -> None:
    script.answers = [("remember", {"text": ODD[0]}), ("recall", {"question": ODD[2]}), "Noted \x00 \ud83d."]
    agent = Agent(name="A", tools=agents_tools(embedded))
    result = await Runner.run(agent, "Remember \x00 this.", session=TreememSession("c", embedded))
    assert result.final_output == "Noted \x00 \ud83d."
    assert "Remembered" in str(await TreememSession("c", embedded).get_items())


@odd
def test_langchain(memory: TreeTextMemory, text: str) -> None:
    history = TreememChatMessageHistory(memory, text)
    call = {"name": text, "args": {"a": text}, "id": text}
    messages = [HumanMessage(text, name=text), AIMessage(text, tool_calls=[call], additional_kwargs={"k": text})]
    history.add_messages(messages)
    assert TreememChatMessageHistory(memory, text).messages == messages
    history.clear()
    assert history.messages == []
    TreememRetriever(memory=memory).invoke(text)
    remember, recall, *_ = memory_tools(memory)
    assert "]" in recall.invoke({"question": f"{text} {remember.invoke({'text': f'{text} Ben rows.'})}"})


@odd
@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_agent_of_langchain(embedded: TreeTextMemory, text: str, way: str) -> None:
    agent = create_agent(
        GenericFakeChatModel(messages=iter([f"{text} Hello.", "Bye."])), middleware=[TreememMiddleware(embedded)]
    )
    config: Any = {"configurable": {"thread_id": text}}
    for said in (text, f"{text} again"):
        asked: Any = {"messages": [{"role": "user", "content": said}]}
        done = agent.invoke(asked, config) if way == "sync" else asyncio.run(agent.ainvoke(asked, config))
        assert done["messages"][0].content == said
    assert len(embedded.conversations()) == 1


def test_bytes_by_key_of_langchain(embedded: TreeTextMemory) -> None:
    store = TreememByteStore(embedded)
    store.mset([(text, text.encode("utf-8", "surrogatepass")) for text in ODD])
    assert sorted(store.yield_keys()) == sorted(ODD)
    assert store.mget(ODD) == [text.encode("utf-8", "surrogatepass") for text in ODD]


@odd
def test_langgraph(memory: TreeTextMemory, text: str) -> None:
    ours, theirs = GraphStore(memory, index={"fields": ["$"]}), InMemoryStore()
    label = f"x{text}".replace("\x00", "").replace(".", "")  # which LangGraph takes nowhere
    value = {"text": text, text: [text, {"n": 1, "": text}]}
    for store in (ours, theirs):
        store.put((label, "x"), text, value)
        store.put(("x", label), "k", {"n": 1})
    for asked in ({"text": text}, {"text": "other"}, None):
        found = [[(i.namespace, i.key, i.value) for i in s.search((label,), filter=asked)] for s in (ours, theirs)]
        assert found[0] == found[1]
    assert ours.get((label, "x"), text).value == value  # type: ignore[union-attr]
    assert ours.list_namespaces() == theirs.list_namespaces()
    assert {item.key for item in ours.search((), query=text)} == {text, "k"}
    ours.delete((label, "x"), text)
    assert ours.get((label, "x"), text) is None
    with pytest.raises(InvalidInputError):
        ours.put(("x",), "k", {1: text})  # type: ignore[dict-item]


@odd
async def test_llamaindex(memory: TreeTextMemory, text: str) -> None:
    store = TreememChatStore(memory)
    message = ChatMessage(role="user", content=text, additional_kwargs={"name": text, "tool_call_id": text})
    store.add_message(text, message)
    assert store.get_messages(text) == [message]
    assert store.get_keys() == [text]
    NodeRetriever(memory).retrieve(f"{text} x")
    block = TreememMemoryBlock(memory)
    await block.aput([message.model_copy(update={"additional_kwargs": {"session_id": f"{text}2"}})])
    await block.aget([message])


@odd
async def test_pydantic_ai(memory: TreeTextMemory, text: str) -> None:
    history = TreememHistory(memory, text)
    messages = [
        ModelRequest(parts=[UserPromptPart(text)]),
        ModelResponse(parts=[TextPart(text), ToolCallPart(text, {"a": text}, tool_call_id=text)]),
    ]
    history.save(messages)
    assert history.load() == messages
    answer = ModelResponse(parts=[TextPart(text)])
    agent = PydanticAgent(FunctionModel(lambda *_: answer), capabilities=[TreememCapability(memory)])
    result = await agent.run(text, conversation_id=f"{text}2")
    assert result.output == text
    assert len(TreememHistory(memory, f"{text}2").load()) == 2


@odd
async def test_agent_framework(memory: TreeTextMemory, text: str) -> None:
    provider = TreememHistoryProvider(memory)
    await provider.save_messages(text, [Message("user", [text], author_name=text)])
    (message,) = await provider.get_messages(text)
    assert (message.text, message.author_name) == (text, text)


@odd
async def test_google_adk(memory: TreeTextMemory, text: str) -> None:
    service, sessions = TreememMemoryService(memory), InMemorySessionService()
    session = await sessions.create_session(app_name=text, user_id=text, session_id="s" + text)
    said = Content(role="user", parts=[Part(text=f"{text} choir")])
    await sessions.append_event(session, Event(author="user", content=said))
    await service.add_session_to_memory(session)
    await service.add_session_to_memory(session)
    entry = MemoryEntry(content=Content(parts=[Part(text=f"{text} river")]), custom_metadata={"k": text}, id=text)
    await service.add_memory(app_name=text, user_id=text, memories=[entry], custom_metadata={text: 1})
    found = await service.search_memory(app_name=text, user_id=text, query=f"choir {text}")
    texts = {each.content.parts[0].text for each in found.memories}  # type: ignore[index]
    assert texts == {f"{text} choir", f"{text} river"}
    assert (await service.search_memory(app_name="other", user_id=text, query="choir")).memories == []


@odd
async def test_strands(memory: TreeTextMemory, text: str) -> None:
    store = StrandsStore(memory, conversation_id=text)
    manager = MemoryManager([store])
    await manager.add(f"{text} choir")
    await store.add(text, {"k": text, text: 1})
    await store.add_messages([{"role": "user", "content": [{"text": text}]}])
    found = [entry.content for entry in await store.search(f"choir {text}", {"max_search_results": 5})]
    assert found[0] == f"{text} choir"
    assert set(found) <= {f"{text} choir", text}
