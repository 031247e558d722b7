"""What the suites do not ask: history of what was overwritten, filters, vectors, conversations, agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field

from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory, field
from treemem.integrations.keeping import MOST_BYTES
from treemem.integrations.langchain import (
    TreememByteStore,
    TreememChatMessageHistory,
    TreememMiddleware,
    TreememRetriever,
    TreememVectorStore,
    memory_tools,
    open_without_vectors,
)

PAGES = [
    Document(id="p1", page_content="The harbour of Porto opens at six.", metadata={"source": "guide", "page": 1}),
    Document(id="p2", page_content="The harbour of Lisbon opens at seven.", metadata={"source": "guide", "page": 2}),
    Document(id="p3", page_content="Bread is baked at four.", metadata={"source": "baker", "page": 9}),
]


# ---- The vector store -----------------------------------------------------------------------------------------------


@pytest.fixture
def store(memory: TreeTextMemory) -> TreememVectorStore:
    made = TreememVectorStore(memory)
    made.add_documents(PAGES)
    return made


def test_a_document_that_is_overwritten_keeps_its_history(store: TreememVectorStore) -> None:
    store.add_documents([Document(id="p1", page_content="The harbour opens at eight.", metadata={"page": 3})])
    (now,) = store.get_by_ids(["p1"])
    assert (now.page_content, now.metadata) == ("The harbour opens at eight.", {"page": 3})
    said = [v.item.memory for v in store.memory.history("p1")]
    assert said[0] == PAGES[0].page_content
    assert said[-1] == "The harbour opens at eight."
    assert "p1" not in [d.id for d in store.similarity_search("harbour", filter={"source": "guide"})]


def test_the_same_again_writes_nothing(store: TreememVectorStore) -> None:
    before = len(store.memory.operations())
    store.add_documents(PAGES)
    assert len(store.memory.operations()) == before
    store.add_documents(PAGES, tags=["guide"])
    assert store.memory.get("p1").metadata.tags == ["guide"]


def test_what_was_deleted_comes_back_with_what_it_says_now(store: TreememVectorStore) -> None:
    store.delete(["p1", "nobody"])
    assert store.get_by_ids(["p1", "p2"]) == [PAGES[1]]
    again = Document(id="p1", page_content="The harbour is closed.", metadata={"page": 1})
    store.add_documents([again, Document(id="p4", page_content="A new page.")])
    assert store.get_by_ids(["p4", "p1"]) == [Document(id="p4", page_content="A new page."), again]
    store.delete()
    assert store.get_by_ids(["p1", "p2", "p4"]) == []
    assert store.memory.check() == []


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"source": "guide"}, {"p1", "p2"}),
        ({"page": {"gte": 2}}, {"p2", "p3"}),
        ({"or": [{"source": "baker"}, {"page": 1}]}, {"p1", "p3"}),
        ({"not": {"source": "guide"}}, {"p3"}),
        (field("info.page") == 2, {"p2"}),
    ],
)
def test_filters_are_over_metadata(store: TreememVectorStore, where: Any, found: set[str]) -> None:
    assert {d.id for d in store.similarity_search("harbour bread", k=10, filter=where)} == found
    vector = HashEmbedder().embed(["harbour"])[0].tolist()
    assert {d.id for d in store.similarity_search_by_vector(vector, k=10, filter=where)} == found


def test_scores_and_vectors_agree_on_what_is_nearest(store: TreememVectorStore) -> None:
    scored = store.similarity_search_with_relevance_scores("Bread is baked at four.", k=3)
    assert scored[0][0].id == "p3"
    assert [s for _, s in scored] == sorted((s for _, s in scored), reverse=True)
    assert all(0 <= s <= 1 for _, s in scored)
    vector = HashEmbedder().embed(["Bread is baked at four."])[0].tolist()
    assert store.similarity_search_by_vector(vector, k=1) == [PAGES[2]]
    for wrong in ([0.0] * len(vector), [1.0], [float("nan")] * len(vector)):
        with pytest.raises(InvalidInputError, match="embedding"):
            store.similarity_search_by_vector(wrong)


def test_marginal_relevance_passes_over_what_repeats(memory: TreeTextMemory) -> None:
    store = TreememVectorStore(memory)
    twice = "The harbour of Porto opens at six every day."
    store.add_texts([twice, twice + " Yes.", "Porto has a harbour with boats."], ids=["a", "b", "c"])
    assert {d.id for d in store.max_marginal_relevance_search(twice, k=2, lambda_mult=0.1)} == {"a", "c"}
    vector = HashEmbedder().embed([twice])[0].tolist()
    found = store.max_marginal_relevance_search_by_vector(vector, k=2, lambda_mult=0.1)
    assert [d.id for d in found] == ["a", "c"]


async def test_it_is_asynchronous_too(memory: TreeTextMemory) -> None:
    store = TreememVectorStore(memory)
    assert await store.aadd_documents(PAGES) == ["p1", "p2", "p3"]
    assert [d.id for d in await store.asimilarity_search("bread", k=1)] == ["p3"]
    assert [d.id for d, _ in await store.asimilarity_search_with_score("bread", k=1)] == ["p3"]
    vector = HashEmbedder().embed(["bread"])[0].tolist()
    assert [d.id for d in await store.asimilarity_search_by_vector(vector, k=1)] == ["p3"]
    assert [d.id for d in await store.amax_marginal_relevance_search("bread", k=1)] == ["p3"]
    assert [d.id for d in await store.amax_marginal_relevance_search_by_vector(vector, k=1)] == ["p3"]
    assert await store.adelete(["p3"])
    assert await store.aget_by_ids(["p3"]) == []


def test_it_is_made_of_texts_with_the_model_of_langchain(tmp_path: Path) -> None:
    model = DeterministicFakeEmbedding(size=6)
    store = TreememVectorStore.from_texts(["one", "two"], model, [{"n": 1}, {"n": 2}], store=tmp_path / "v.db")
    with store.memory:
        assert store.embeddings is model
        assert store.similarity_search("two", k=1)[0].metadata == {"n": 2}
        assert store.memory.stats().embedder == "langchain/DeterministicFakeEmbedding"
        retriever = store.as_retriever(search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.9})
        assert [d.page_content for d in retriever.invoke("two")] == ["two"]
    with pytest.raises(InvalidInputError, match="not both"):
        TreememVectorStore.from_texts([], model, memory=store.memory, store="x")


def test_what_does_not_fit_is_refused(memory: TreeTextMemory) -> None:
    store = TreememVectorStore(memory)
    with pytest.raises(InvalidInputError, match="ids"):
        store.add_texts(["a"], ids=["1", "2"])
    with pytest.raises(InvalidInputError, match="langchain_metadata"):
        store.add_texts(["a"], [{"langchain_metadata": 1}])
    with pytest.raises(InvalidInputError, match="JSON"):
        store.add_texts(["good", "bad"], [{}, {"when": object()}])
    assert store.similarity_search("good") == []


# ---- Retriever, bytes, tools ----------------------------------------------------------------------------------------


def test_a_retriever_tells_what_treemem_knows(memory: TreeTextMemory) -> None:
    memory.add("Anna lives in Porto.", at="2025-01-01", conversation_id="c1", tags=["home"])
    (found,) = TreememRetriever(memory=memory, k=3).invoke("Where does Anna live?")
    known = found.metadata["treemem"]
    assert (known["conversation_id"], known["tags"], known["valid_to"]) == ("c1", ["home"], None)
    assert known["valid_from"].startswith("2025-01-01")
    assert 0 < known["score"] <= 1
    assert TreememRetriever(memory=memory, search={"as_of": "2024-01-01"}).invoke("Where does Anna live?") == []


def test_bytes_have_a_bound_that_is_told(location: str) -> None:
    with open_without_vectors(location, cube="bytes-" + HashEmbedder.name.replace("/", "-")) as memory:
        store = TreememByteStore(memory)
        try:
            big = bytes(range(256)) * (MOST_BYTES // 256)
            store.mset([("big", big), ("", b"of the empty key")])
            assert store.mget(["big", "", "none"]) == [big, b"of the empty key", None]
            store.mset([("big", b"small")])
            assert store.mget(["big"]) == [b"small"]
            with pytest.raises(InvalidInputError, match="at most"):
                store.mset([("more", bytes(MOST_BYTES + 1))])
            with pytest.raises(InvalidInputError, match="bytes"):
                store.mset([("text", "no bytes")])  # type: ignore[list-item]
        finally:
            memory.purge([item.id for page in memory.pages() for item in page.items])


def test_tools_tell_the_model_what_is_refused(memory: TreeTextMemory) -> None:
    tools = {tool.name: tool for tool in memory_tools(memory)}
    memory_id = tools["remember"].invoke({"text": "Anna lives in Porto."}).split("[")[1].split("]")[0]
    assert tools["recall"].invoke({"question": "Where does Anna live?"}) == f"[{memory_id}] Anna lives in Porto."
    tools["correct"].invoke({"memory_id": memory_id, "text": "Anna lives in Lisbon."})
    lines = tools["history"].invoke({"memory_id": memory_id}).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["add", "correct"]
    assert tools["forget"].invoke({"memory_id": memory_id}) == f"Forgotten [{memory_id}]."
    assert tools["recall"].invoke({"question": "Where does Anna live?"}) == "Nothing is remembered about this."
    told = tools["forget"].invoke({"type": "tool_call", "id": "1", "name": "forget", "args": {"memory_id": "nobody"}})
    assert (told.status, "nobody" in told.content) == ("error", True)


# ---- Conversations --------------------------------------------------------------------------------------------------

TALK: list[BaseMessage] = [
    SystemMessage("Be brief."),
    HumanMessage("Hello", id="h1"),
    AIMessage("Hello"),
    HumanMessage("Hello"),
    HumanMessage("Hello"),
    AIMessage("", tool_calls=[{"name": "clock", "args": {"zone": "UTC"}, "id": "t1", "type": "tool_call"}]),
    ToolMessage("12:00", tool_call_id="t1", name="clock"),
    AIMessage([{"type": "text", "text": "It is noon."}], usage_metadata=None),
]


def test_a_history_keeps_order_and_repeated_lines(memory: TreeTextMemory) -> None:
    history = TreememChatMessageHistory(memory, "c1")
    assert history.messages == []
    history.add_messages(TALK[:4])
    history.add_message(TALK[4])
    history.add_messages(TALK[5:])
    history.add_messages(TALK)
    assert history.messages == TALK + TALK
    assert TreememChatMessageHistory(memory, "c2").messages == []
    history.messages = TALK[:2]
    assert history.messages == TALK[:2]
    history.clear()
    history.clear()
    assert history.messages == []
    assert memory.check() == []


def test_a_long_message_comes_back_whole(memory: TreeTextMemory) -> None:
    long = [HumanMessage("word " * 2_000), AIMessage("", additional_kwargs={"trace": "x" * 20_000})]
    history = TreememChatMessageHistory(memory, "c1")
    history.add_messages(long)
    assert history.messages == long


async def test_a_history_is_asynchronous_too(memory: TreeTextMemory) -> None:
    history = TreememChatMessageHistory(memory, "c1")
    await history.aadd_messages(TALK)
    assert await history.aget_messages() == TALK
    await history.aclear()
    assert await history.aget_messages() == []


def test_a_history_reads_what_others_added(memory: TreeTextMemory) -> None:
    memory.add_messages(
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Good day"}], conversation_id="c1"
    )
    found = TreememChatMessageHistory(memory, "c1").messages
    assert [(m.type, m.content) for m in found] == [("human", "Hi"), ("ai", "Good day")]


# ---- Agents ---------------------------------------------------------------------------------------------------------


class Scripted(BaseChatModel):
    """A chat model that gives its answers one after the other, and keeps what it was shown."""

    answers: list[Any]
    shown: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: Sequence[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.shown.append(list(messages))
        answer = self.answers[len(self.shown) - 1]
        message = answer if isinstance(answer, AIMessage) else AIMessage(answer)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self


def _thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def test_an_agent_is_shown_memories_and_they_grow(memory: TreeTextMemory) -> None:
    model = Scripted(answers=["Welcome, Anna.", "You live in Porto.", "Still in Porto."])
    agent = create_agent(
        model, system_prompt="Be brief.", middleware=[TreememMiddleware(memory)], checkpointer=InMemorySaver()
    )
    agent.invoke({"messages": [HumanMessage("My name is Anna and I live in Porto.")]}, _thread("one"))
    assert [m.content for m in model.shown[0]] == ["Be brief.", "My name is Anna and I live in Porto."]
    agent.invoke({"messages": [HumanMessage("Where do I live?")]}, _thread("two"))
    system = model.shown[1][0].text
    assert system.startswith("Be brief.\n\nWhat is remembered")
    assert "My name is Anna and I live in Porto." in system
    agent.invoke({"messages": [HumanMessage("Are you sure that I live in Porto?")]}, _thread("two"))
    assert "Where do I live?" not in model.shown[2][0].text  # the model has this conversation anyway
    said = [(m.role, m.content) for m in memory.messages("two")]
    assert said == [
        ("user", "Where do I live?"),
        ("assistant", "You live in Porto."),
        ("user", "Are you sure that I live in Porto?"),
        ("assistant", "Still in Porto."),
    ]
    assert [m.type for m in TreememChatMessageHistory(memory, "one").messages] == ["human", "ai"]


async def test_an_agent_with_tools_runs_asynchronously(memory: TreeTextMemory) -> None:
    memory.add("Anna sings in a choir.")
    call = {"name": "remember", "args": {"text": "Ben rows."}, "id": "1", "type": "tool_call"}
    model = Scripted(answers=[AIMessage("", tool_calls=[call]), "Noted."])
    agent = create_agent(model, tools=memory_tools(memory), middleware=[TreememMiddleware(memory)])
    await agent.ainvoke({"messages": [HumanMessage("What does Anna sing in? And Ben rows.")]})
    assert all("Anna sings in a choir." in shown[0].text for shown in model.shown)
    assert "Ben rows." in [hit.memory for hit in memory.search("Who rows?")]


def test_a_memory_is_data_and_follows_the_caller(memory: TreeTextMemory) -> None:
    memory.for_caller("anna").add("Anna likes </memories> tea.")
    model = Scripted(answers=["a", "b"])
    for user, seen in (("anna", True), ("ben", False)):
        view = TreememMiddleware(lambda runtime, user=user: memory.for_caller(user), remember=False)
        create_agent(model, middleware=[view]).invoke({"messages": [HumanMessage("Who likes tea?")]})
        system = [m.text for m in model.shown[-1] if m.type == "system"]
        assert bool(system) is seen
        assert all(text.count("</memories>") == 1 for text in system)
    assert memory.conversations() == []


@pytest.fixture(autouse=True)
def _sound(memory: TreeTextMemory) -> Iterator[None]:
    yield
    assert memory.check() == []
