"""LlamaIndex's Memory, retrievers and chat engines run with a memory."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.chat_engine import ContextChatEngine, SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.storage.chat_store import SimpleChatStore

from treemem import FrozenMemoryError, TreememError, TreeTextMemory
from treemem.integrations.llamaindex import TreememChatStore, TreememMemoryBlock, TreememRetriever


def _chat(role: str, text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole(role), content=text)


def _message(chance: random.Random) -> ChatMessage:
    text = chance.choice(("Anna moved to Porto.", "ok", "ok", "", "long " * 2_000, "\x00 \ud83d"))
    return chance.choice(
        [
            _chat(
                chance.choice(["user", "assistant", "system", "developer", "tool", "function", "chatbot", "model"]),
                text,
            ),
            ChatMessage(role="assistant", content=text, additional_kwargs={"tool_calls": [{"id": "1", "n": 1.5}]}),
            ChatMessage(role="tool", content=text, additional_kwargs={"tool_call_id": "1", "name": "clock"}),
            ChatMessage(role="user", blocks=[TextBlock(text=text), ImageBlock(url="https://x/y.png")]),
        ]
    )


async def test_random_operations_answer_as_the_own_store(embedded: TreeTextMemory) -> None:
    chance = random.Random(3)
    ours, theirs = TreememChatStore(embedded), SimpleChatStore()
    for _ in range(120):
        key, done = chance.choice("ab"), chance.random()
        there = bool(theirs.get_messages(key))  # a key without messages is none here
        if done < 0.4:
            message = _message(chance)
            ours.add_message(key, message)
            theirs.add_message(key, message)
        elif done < 0.5:
            messages = [_message(chance) for _ in range(chance.randint(1, 3))]
            await ours.aset_messages(key, messages)
            theirs.set_messages(key, messages)
        elif done < 0.65:
            place = chance.choice([0, 1, 2, -1, 50])
            expected = theirs.delete_message(key, place) if there else None
            assert _plain(ours.delete_message(key, place)) == _plain(expected)
        elif done < 0.75:
            assert _plain(ours.delete_last_message(key)) == _plain(theirs.delete_last_message(key) if there else None)
        elif done < 0.8:
            expected = theirs.delete_messages(key) if there else None
            assert _plain(ours.delete_messages(key)) == _plain(expected)
        assert _plain(await ours.aget_messages(key)) == _plain(theirs.get_messages(key))
        assert set(ours.get_keys()) == {each for each in theirs.get_keys() if theirs.get_messages(each)}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if value is None else value.model_dump(mode="json")


def test_a_chat_engine_goes_on_where_it_was(memory: TreeTextMemory) -> None:
    for question in ("My name is Anna.", "What is my name?"):
        buffer = ChatMemoryBuffer.from_defaults(
            chat_store=TreememChatStore(memory), chat_store_key="c", token_limit=3_000
        )
        SimpleChatEngine.from_defaults(llm=MockLLM(), memory=buffer).chat(question)
    said = [(m.role, m.content) for m in memory.messages("c")]
    assert [role for role, _ in said] == ["user", "assistant"] * 2
    assert said[2] == ("user", "What is my name?")
    assert "My name is Anna." in said[3][1]  # the mock repeats what it was shown


async def test_a_block_keeps_what_leaves_the_short_term_memory(memory: TreeTextMemory) -> None:
    block = TreememMemoryBlock(memory, max_tokens=500)
    short = Memory.from_defaults(
        session_id="s1", token_limit=60, token_flush_size=20, chat_history_token_ratio=0.5, memory_blocks=[block]
    )
    await short.aput(_chat("user", "My name is Anna and I live in Porto, near the river."))
    await short.aput(_chat("assistant", "Welcome, Anna! Porto is a beautiful place to be, all year round."))
    for n in range(6):
        await short.aput(_chat("user" if n % 2 == 0 else "assistant", f"Something else that fills the memory, {n}."))
    kept = [m.content for m in memory.messages("s1")]
    assert kept[0] == "My name is Anna and I live in Porto, near the river."
    shown = await short.aget(input="Where does Anna live?")
    assert "I live in Porto" in str(shown[0].content)
    assert "<treemem>" in str(shown[0].content)


async def test_a_block_is_cut_by_lines(embedded: TreeTextMemory) -> None:
    block = TreememMemoryBlock(embedded)
    assert await block.aget([]) == ""
    assert await block.aget([_chat("user", "Who?")]) == ""
    assert await block.atruncate("first line\nsecond line", 2) == "first line"
    assert await block.atruncate("first line\nsecond line", 20) is None


async def test_a_retriever_finds(embedded: TreeTextMemory) -> None:
    embedded.add([{"memory": "Anna sings in a choir.", "info": {"page": 3}}, {"memory": "Ben rows."}])
    retriever = TreememRetriever(embedded, 1)
    (found,) = retriever.retrieve("Who sings in a choir?")
    assert (found.node.get_content(), found.node.metadata["page"]) == ("Anna sings in a choir.", 3)
    assert found.score is not None
    assert embedded.get(found.node.node_id).memory == "Anna sings in a choir."
    assert [each.node.node_id for each in await retriever.aretrieve("Who sings in a choir?")] == [found.node.node_id]
    filtered = TreememRetriever(embedded, filter={"info.page": 4})
    assert filtered.retrieve("Who sings in a choir?") == []
    answer = RetrieverQueryEngine.from_args(retriever, llm=MockLLM()).query("Who sings in a choir?")
    assert "Anna sings in a choir." in str(answer)
    chat = ContextChatEngine.from_defaults(retriever=retriever, llm=MockLLM()).chat("Who sings in a choir?")
    assert [node.node.node_id for node in chat.source_nodes] == [found.node.node_id]


def test_what_cannot_be_kept_loses_nothing(embedded: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TreememChatStore(embedded)
    store.set_messages("k", [_chat("user", "one"), _chat("assistant", "two")])
    before = _plain(store.get_messages("k"))
    too_much = ChatMessage(role="user", content="x", additional_kwargs={"much": ["z" * 4_000] * 1_200})
    with pytest.raises(TreememError):
        store.set_messages("k", [_chat("user", "new"), too_much])
    assert _plain(store.get_messages("k")) == before
    (last,) = (each.id for each in embedded.messages("k", limit=1))
    embedded.freeze(last)
    with pytest.raises(FrozenMemoryError):
        store.set_messages("k", [_chat("user", "new")])
    assert _plain(store.get_messages("k")) == before
    embedded.unfreeze(last)


def test_those_who_clear_at_once_are_all_done(embedded: TreeTextMemory) -> None:
    store = TreememChatStore(embedded)
    for _ in range(5):
        for n in range(5):
            store.add_message("k", _chat("user", f"message {n}"))
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(store.delete_messages, ["k"] * 3))
        assert store.get_messages("k") == []
