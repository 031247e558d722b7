"""Google's Agent Development Kit runs with a memory service over a memory, through its own runner and tools."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.events import Event
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import load_memory
from google.adk.tools.preload_memory_tool import PreloadMemoryTool
from google.genai.types import Content, FunctionCall, Part

from treemem import InvalidInputError, MemoryNotFoundError, TreeTextMemory
from treemem.integrations.google_adk import TreememMemoryService

ANNA: Any = {"app_name": "shop", "user_id": "anna"}
BEN: Any = {"app_name": "shop", "user_id": "ben"}


class Scripted(BaseLlm):
    """A model that gives its answers one after the other, and keeps what it was sent."""

    answers: list[Any]
    sent: list[Any] = []  # noqa: RUF012

    async def generate_content_async(self, llm_request: Any, stream: bool = False) -> Any:
        self.sent.append(llm_request.model_copy(deep=True))
        answer = self.answers.pop(0)
        part = Part(text=answer) if isinstance(answer, str) else Part(function_call=answer)
        yield LlmResponse(content=Content(role="model", parts=[part]))


async def _ask(agent: LlmAgent, service: TreememMemoryService, question: str, user: str = "anna") -> str:
    """Let an agent answer in a session of its own, and put that session into the memory."""
    sessions = InMemorySessionService()
    runner = Runner(agent=agent, app_name="shop", session_service=sessions, memory_service=service)
    session = await sessions.create_session(app_name="shop", user_id=user, session_id=str(uuid.uuid4()))
    asked = Content(role="user", parts=[Part(text=question)])
    last = ""
    async for event in runner.run_async(user_id=user, session_id=session.id, new_message=asked):
        if event.content and event.content.parts and event.content.parts[0].text:
            last = event.content.parts[0].text
    whole = await sessions.get_session(app_name="shop", user_id=user, session_id=session.id)
    assert whole is not None
    await service.add_session_to_memory(whole)
    return last


async def test_an_agent_remembers_across_sessions(memory: TreeTextMemory) -> None:
    service = TreememMemoryService(memory)
    model = Scripted(model="scripted", answers=["Welcome.", "You live in Porto.", "I do not know."], sent=[])
    agent = LlmAgent(name="helper", model=model, tools=[PreloadMemoryTool()])
    await _ask(agent, service, "My name is Anna and I live in Porto.")
    assert await _ask(agent, service, "Where do I live?") == "You live in Porto."
    assert "I live in Porto" in str(model.sent[1].config.system_instruction) + str(model.sent[1].contents)
    await _ask(agent, service, "Where do I live?", user="ben")
    assert "Porto" not in str(model.sent[2].config.system_instruction) + str(model.sent[2].contents)


async def test_an_agent_searches_by_a_tool(embedded: TreeTextMemory) -> None:
    service = TreememMemoryService(embedded)
    service.of("shop", "anna").add("Anna sings in a choir.")
    call = FunctionCall(name="load_memory", args={"query": "What does Anna sing in?"})
    model = Scripted(model="scripted", answers=[call, "In a choir."], sent=[])
    assert await _ask(LlmAgent(name="helper", model=model, tools=[load_memory]), service, "Anna?") == "In a choir."
    (entry,) = model.sent[1].contents[-1].parts[0].function_response.response["result"].memories
    assert entry.content.parts[0].text == "Anna sings in a choir."


def _event(number: int, author: str, text: str) -> Event:
    return Event(
        id=f"e{number}", author=author, timestamp=1_760_000_000 + number, content=Content(parts=[Part(text=text)])
    )


async def test_events_come_in_once(embedded: TreeTextMemory) -> None:
    service = TreememMemoryService(embedded)
    events = [_event(1, "user", "I like tea."), _event(2, "helper", "Tea it is."), _event(3, "helper", "  ")]
    await service.add_events_to_memory(**ANNA, events=events[:1], session_id="s", custom_metadata={"source": "shop"})
    await service.add_events_to_memory(**ANNA, events=events, session_id="s")
    await service.add_events_to_memory(**ANNA, events=events, session_id="s")
    await service.add_events_to_memory(**BEN, events=events[:1], session_id="s")
    await service.add_events_to_memory(**ANNA, events=[Event(author="user")], session_id="s")
    said = service.of("shop", "anna").messages("s")
    assert [(m.role, m.content) for m in said] == [("user", "I like tea."), ("assistant", "Tea it is.")]
    found = (await service.search_memory(**ANNA, query="Who likes tea?")).memories
    (first,) = [entry for entry in found if entry.author == "user"]
    assert first.content.parts is not None
    assert first.content.parts[0].text == "I like tea."
    assert first.timestamp is not None
    assert first.timestamp.startswith("2025-10-09")
    assert first.custom_metadata == {"source": "shop"}
    assert (await service.search_memory(**ANNA, query=" ")).memories == []
    assert (await service.search_memory(app_name="other", user_id="anna", query="tea")).memories == []


@pytest.mark.parametrize("session", ["s", None])
async def test_an_event_that_changed_loses_none_beside_it(
    embedded: TreeTextMemory, session: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    service = TreememMemoryService(embedded)
    await service.add_events_to_memory(**ANNA, events=[_event(1, "user", "I like tea.")], session_id=session)
    events = [_event(2, "user", "First."), _event(1, "user", "I like coffee!"), _event(3, "user", "Last.")]
    await service.add_events_to_memory(**ANNA, events=events, session_id=session)
    said = [item.memory for page in embedded.for_caller("shop/anna").pages() for item in page.items]
    assert {"I like tea.", "First.", "Last."} == set(said)
    assert "coffee" not in caplog.text
    assert "as it was first said" in caplog.text


@pytest.mark.parametrize("timestamp", [4e11, -4e11, float("inf"), float("nan")])
async def test_a_time_that_is_none_is_refused(embedded: TreeTextMemory, timestamp: float) -> None:
    event = _event(1, "user", "I like tea.").model_copy(update={"timestamp": timestamp})
    with pytest.raises(InvalidInputError, match="timestamp"):
        await TreememMemoryService(embedded).add_events_to_memory(**ANNA, events=[event], session_id="s")


async def test_memories_are_added_and_deleted(embedded: TreeTextMemory) -> None:
    service = TreememMemoryService(embedded)
    one = MemoryEntry(id="m1", content=Content(parts=[Part(text="Anna likes tea.")]), custom_metadata={"n": 1})
    two = MemoryEntry(content=Content(parts=[Part(text="Anna rows.")]))
    await service.add_memory(**ANNA, memories=[one, two], custom_metadata={"source": "form"})
    changed = one.model_copy(update={"content": Content(parts=[Part(text="Anna likes coffee.")])})
    await service.add_memory(**ANNA, memories=[changed])
    found = (await service.search_memory(**ANNA, query="What does Anna like?")).memories
    texts = {entry.content.parts[0].text: entry for entry in found if entry.content.parts}
    assert set(texts) == {"Anna likes coffee.", "Anna rows."}
    gone = texts["Anna rows."].id
    with pytest.raises(MemoryNotFoundError):
        await service.delete_memory(**BEN, memory_id=gone)
    await service.delete_memory(**ANNA, memory_id=gone)
    left = (await service.search_memory(**ANNA, query="Anna rows")).memories
    assert [entry.content.parts[0].text for entry in left if entry.content.parts] == ["Anna likes coffee."]


def test_no_user_is_another(embedded: TreeTextMemory) -> None:
    service = TreememMemoryService(embedded)
    service.of("a/b", "c").add("Secret.")
    assert list(service.of("a", "b/c").search("Secret")) == []
