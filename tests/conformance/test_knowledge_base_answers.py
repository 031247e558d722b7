"""Knowledge bases with a language model: documents that are read, answers that follow a purge in a base."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.test_provenance import everywhere
from tests.conformance.test_reading_together import Reader
from tests.conftest import OpenMemory
from treemem import Added, LLMText, LLMUsage, MemoryNotFoundError, TreeTextMemory

TOKEN = "zqxdescale"


class Speaker(Reader):
    """Says what it is shown of the token, and reads."""

    def say(self, system: str, messages: Any, *, max_tokens: int = 1_024) -> LLMText:
        shown = messages[-1]["content"]
        return LLMText(f"With {TOKEN}." if TOKEN in shown else "At nine.", LLMUsage(requests=1))


def base(memory: TreeTextMemory, **more: Any) -> Any:
    ann = memory.for_caller("ann")
    ann.knowledge_bases.make("handbook", everyone=True)
    document = {"id": "kitchen", "text": f"The machine is cleaned with {TOKEN} at nine."}
    return ann.knowledge_bases.add_documents("handbook", document, **more)


def test_an_answer_follows_a_purge_in_the_base_that_it_quotes(open_memory: OpenMemory, location: str) -> None:
    memory = open_memory(llm=Speaker())
    (added,) = base(memory)
    bob = memory.for_caller("bob")
    plain = bob.chat("Who cleans it?", conversation_id="d")
    told = bob.chat("How is the machine cleaned?", knowledge_bases=["handbook"], conversation_id="c")
    assert TOKEN in told.text
    memory.for_caller("ann").knowledge_bases.purge("handbook", added.id)
    assert [m.content for m in bob.messages("c")] == ["How is the machine cleaned?"]
    assert bob.messages("d")[-1].id == plain.answer_id
    assert memory.check() == memory.cube(f"{memory.cube_id}.kb.handbook").check() == []
    assert not any(TOKEN in text for text in everywhere(memory, location))


def test_a_purge_that_is_refused_leaves_the_answers(open_memory: OpenMemory) -> None:
    memory = open_memory(llm=Speaker())
    (added,) = base(memory)
    bob = memory.for_caller("bob")
    bob.chat("How is the machine cleaned?", knowledge_bases=["handbook"], conversation_id="c")
    before = memory.content_hash()
    with pytest.raises(MemoryNotFoundError):
        memory.for_caller("ann").knowledge_bases.purge("handbook", [added.id, "nobody"])
    assert len(bob.messages("c")) == 2
    assert memory.content_hash() == before


def test_documents_of_a_base_are_read(open_memory: OpenMemory) -> None:
    item = (f"cleaned with {TOKEN}", {"text": f"The machine is cleaned with {TOKEN}.", "kind": "procedure"})
    memory = open_memory(llm=Speaker(item))
    (added,) = base(memory, mode="fine")
    cube = memory.cube(f"{memory.cube_id}.kb.handbook")
    (found,) = [n for n in cube.get_all()["nodes"] if n["metadata"]["info"].get("kind") == "procedure"]
    assert cube.explain(found["id"]).quotes[0].source in added.added
    memory.for_caller("ann").knowledge_bases.purge("handbook", added.id)
    assert cube.get_by_ids([found["id"]]) == []


def test_a_worker_reads_the_documents_of_a_base(open_memory: OpenMemory) -> None:
    item = (f"cleaned with {TOKEN}", {"text": f"The machine is cleaned with {TOKEN}.", "kind": "procedure"})
    memory = open_memory(llm=Speaker(item))
    added = base(memory, mode="async")
    assert isinstance(added, Added)
    cube = memory.cube(f"{memory.cube_id}.kb.handbook")
    cube.tasks.work(once=True)
    assert cube.tasks.get(added.task_ids[0]).result["added"] == 1
