"""Knowledge bases: read beside the memory, written by their owner alone, unknown to who may not read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_chat import Talker
from tests.conformance.test_provenance import TOKEN, everywhere
from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder
from treemem import (
    AsyncTreeTextMemory,
    InvalidInputError,
    MemoryExistsError,
    MemoryNotFoundError,
    ModelMismatchError,
    NotAllowedError,
    OperationMismatchError,
    TreeTextMemory,
)

GUIDE = "# Espresso\n\nDescale the espresso machine every month.\n\n# Fridge\n\nThe fridge is emptied on Fridays."


@pytest.fixture
def office(memory: TreeTextMemory) -> TreeTextMemory:
    """A memory with a base of Ann's that Bob may read, and something of Bob's."""
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ann.knowledge_bases.make("handbook", description="How the office works.", readers=["bob"])
    ann.knowledge_bases.add_documents("handbook", {"id": "kitchen", "text": GUIDE})
    bob.add("I use the espresso machine at nine.")
    return memory


def found(memory: TreeTextMemory, query: str = "espresso machine", **given: Any) -> dict[str, str | None]:
    return {hit.memory: hit.knowledge_base for hit in memory.search(query, **given)}


def test_hits_of_a_base_come_beside_the_memory_s_own_and_say_so(office: TreeTextMemory) -> None:
    bob = office.for_caller("bob")
    own, theirs = "I use the espresso machine at nine.", "Descale the espresso machine every month."
    assert found(bob) == {own: None}
    both = found(bob, knowledge_bases=["handbook"])
    assert {own: None, theirs: "handbook"}.items() <= both.items()
    hits = bob.search("espresso machine", knowledge_bases="handbook")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.cube_id for hit in hits} == {office.cube_id, f"{office.cube_id}.kb.handbook"}
    assert "(source: file; base: handbook" in bob.context("espresso machine", knowledge_bases=["handbook"])
    model = Talker("Every month.")
    answer = bob.chat("When is the espresso machine descaled?", knowledge_bases=["handbook"], llm=model)
    assert any(used.startswith(f"{office.cube_id}.kb.handbook/") for used in answer.used)
    assert "Descale" not in "".join(found(office.for_caller("ann"), cubes=[office.cube_id])), "the cube has none of it"
    with pytest.raises(InvalidInputError, match="one cube"):
        bob.get_relevant_subgraph("espresso", knowledge_bases=["handbook"])
    assert office.check() == []
    assert office.cube(f"{office.cube_id}.kb.handbook").check() == []


def test_who_may_not_read_a_base_is_told_that_there_is_none(office: TreeTextMemory) -> None:
    dave = office.for_caller("dave")
    assert dave.knowledge_bases.list() == ()
    calls: list[Callable[[str], Any]] = [
        dave.knowledge_bases.get,
        dave.knowledge_bases.documents,
        lambda name: dave.search("espresso", knowledge_bases=[name]),
        lambda name: dave.context("espresso", knowledge_bases=[name]),
        lambda name: dave.chat("espresso", knowledge_bases=[name], llm=Talker()),
        lambda name: office.search("espresso", knowledge_bases=[name], user_id="dave"),
        lambda name: dave.knowledge_bases.add_documents(name, "x"),
        lambda name: dave.knowledge_bases.share(name, readers="dave"),
        lambda name: dave.knowledge_bases.drop(name),
    ]
    for call in calls:
        said = []
        for name in ("handbook", "never-made"):
            with pytest.raises(MemoryNotFoundError) as refused:
                call(name)
            said.append(str(refused.value).replace(name, "NAME"))
        assert said[0] == said[1]
    for cube in ("handbook", "never-made"):  # nor by the name of its cube
        hidden = f"{office.cube_id}.kb.{cube}"
        for way in (lambda hidden=hidden: dave.cube(hidden), lambda hidden=hidden: dave.search("x", cubes=[hidden])):
            with pytest.raises(InvalidInputError, match="knowledge_bases"):
                way()


def test_only_the_owner_writes_and_says_who_reads(office: TreeTextMemory, tmp_path: Path) -> None:
    ann, bob = office.for_caller("ann"), office.for_caller("bob")
    (document,) = bob.knowledge_bases.documents("handbook")
    assert document.document_id == "kitchen"
    for write in (
        lambda: bob.knowledge_bases.add_documents("handbook", "x"),
        lambda: bob.knowledge_bases.remove_documents("handbook", "kitchen"),
        lambda: bob.knowledge_bases.purge("handbook", document.id),
        lambda: bob.knowledge_bases.share("handbook", everyone=True),
        lambda: bob.knowledge_bases.drop("handbook", backups=tmp_path),
    ):
        with pytest.raises(NotAllowedError, match="belongs to somebody else"):
            write()
    assert bob.knowledge_bases.get("handbook").readers == (), "who else reads it is the owner's to know"
    assert ann.knowledge_bases.get("handbook").readers == ("bob",)
    ann.knowledge_bases.share("handbook", readers="dave")
    with pytest.raises(MemoryNotFoundError):
        bob.search("espresso", knowledge_bases=["handbook"])
    assert found(office.for_caller("dave"), knowledge_bases=["handbook"])
    office.knowledge_bases.share("handbook", everyone=True)
    for caller in (bob, office.for_caller(session_id="s"), office):
        assert "handbook" in found(caller, knowledge_bases=["handbook"]).values()
    inside = office.cube(f"{office.cube_id}.kb.handbook")
    told = [state.item.metadata.info["knowledge_base"] for state in inside.history("knowledge-base")]
    assert told[0]["readers"] == ["bob"], "the policy has a history"
    assert {tuple(said["readers"]) for said in told} == {("bob",), ("dave",), ()}
    assert {o.actor for o in inside.operations() if o.kind == "add_documents"} == {"ann"}
    searched = bob.search("knowledge base", knowledge_bases="handbook", statuses=["archived", "activated"])
    assert not any("knowledge base" in hit.memory for hit in searched), "the policy is no hit"


def test_documents_of_a_base_have_versions(office: TreeTextMemory) -> None:
    ann, bob = office.for_caller("ann"), office.for_caller("bob")
    before = bob.search("fridge", knowledge_bases=["handbook"]).as_of
    office.knowledge_bases.add_documents("handbook", {"id": "kitchen", "text": GUIDE.replace("Fridays", "Mondays")})
    assert [document.document_id for document in ann.knowledge_bases.documents("handbook")] == ["kitchen"]
    now = found(bob, "When is the fridge emptied?", knowledge_bases=["handbook"])
    assert "The fridge is emptied on Mondays." in now
    assert "The fridge is emptied on Fridays." not in now
    then = found(bob, "When is the fridge emptied?", knowledge_bases=["handbook"], as_of=before)
    assert "The fridge is emptied on Fridays." in then
    ann.knowledge_bases.remove_documents("handbook", "kitchen")
    assert set(found(bob, knowledge_bases=["handbook"]).values()) == {None}


def test_a_reader_leaves_no_trace_in_a_base(office: TreeTextMemory) -> None:
    inside = office.cube(f"{office.cube_id}.kb.handbook")
    before = inside.archive_hash()
    office.for_caller("bob").search("espresso machine", knowledge_bases=["handbook"])
    office.cube(office.cube_id)._context.usage.flush()  # type: ignore[union-attr]
    assert inside.archive_hash() == before


def test_purged_and_dropped(office: TreeTextMemory, location: str, tmp_path: Path) -> None:
    ann, bob = office.for_caller("ann"), office.for_caller("bob")
    secret = {"id": "secret", "text": f"The code is {TOKEN}."}
    (added,) = ann.knowledge_bases.add_documents("handbook", secret, reason="for the new ones")
    assert any(TOKEN in text for text in found(bob, TOKEN, knowledge_bases=["handbook"]))
    with pytest.raises(InvalidInputError, match="policy"):
        ann.knowledge_bases.purge("handbook", "knowledge-base")
    ann.knowledge_bases.purge("handbook", added.id)
    assert not any(TOKEN in text for text in found(bob, TOKEN, knowledge_bases=["handbook"]))
    cube = f"{office.cube_id}.kb.handbook"
    with pytest.raises(InvalidInputError, match=r"handbook.*knowledge_bases.drop"):
        office.drop(backups=tmp_path)
    kept = ann.knowledge_bases.drop("handbook", backups=tmp_path)
    assert office.knowledge_bases.list() == ()
    with pytest.raises(MemoryNotFoundError):
        bob.search("espresso", knowledge_bases=["handbook"])
    assert kept is not None
    office.cube(cube).load(kept)
    assert [base.name for base in bob.knowledge_bases.list()] == ["handbook"], (
        "the policy comes back with the documents"
    )
    assert not any(TOKEN in text for text in everywhere(office.cube(cube), location))


def test_names(memory: TreeTextMemory) -> None:
    ann = memory.for_caller("ann")
    made = ann.knowledge_bases.make("faq", readers="bob")
    assert ann.knowledge_bases.make("faq", readers=["bob"]) == made, "the same again changes nothing"
    for caller in (memory, memory.for_caller("dave"), ann):
        with pytest.raises(MemoryExistsError, match="taken"):
            caller.knowledge_bases.make("faq", everyone=True)
    memory.cube(f"{memory.cube_id}.kb.grown").add("A cube that was there before.")
    with pytest.raises(MemoryExistsError, match="taken"):
        ann.knowledge_bases.make("grown")
    assert [base.name for base in memory.knowledge_bases.list()] == ["faq"], "a cube without a policy is no base"
    for wrong in ("", "a.b", "a/b", "ä", "x" * 41):
        with pytest.raises(InvalidInputError, match="name of a knowledge base"):
            memory.knowledge_bases.make(wrong)
    with pytest.raises(NotAllowedError, match="a base belongs to a user"):
        memory.for_caller(session_id="s").knowledge_bases.make("mine")


def test_a_wall_is_no_wall_before_the_cube_s_own_bases_alone(memory: TreeTextMemory) -> None:
    memory.knowledge_bases.make("handbook", everyone=True)
    memory.knowledge_bases.add_documents("handbook", "The espresso machine is red.")
    view = memory.cube(memory.cube_id, walled=True)
    assert found(view, knowledge_bases=["handbook"]) == {"The espresso machine is red.": "handbook"}
    other = memory.cube(f"{memory.cube_id}-other")
    with pytest.raises(MemoryNotFoundError):
        other.search("espresso", knowledge_bases=["handbook"])


def test_a_base_of_another_model_is_refused(open_memory: OpenMemory) -> None:
    class Other(HashEmbedder):
        name = "test/other"

    memory = open_memory()
    memory.knowledge_bases.make("handbook")
    memory.knowledge_bases.add_documents("handbook", "The espresso machine is red.")
    with pytest.raises(ModelMismatchError, match=r"kb\.handbook"):
        open_memory(embedder=Other()).search("espresso", knowledge_bases=["handbook"])


def test_asynchronously(memory: TreeTextMemory) -> None:
    async def run() -> str | None:
        async with AsyncTreeTextMemory(memory) as twin:
            await twin.knowledge_bases.make("handbook", everyone=True)
            await twin.knowledge_bases.add_documents("handbook", "The espresso machine is red.")
            return (await twin.search("espresso", knowledge_bases=["handbook"]))[0].knowledge_base

    assert asyncio.run(run()) == "handbook"


def test_a_caller_reaches_no_base_through_its_cube(office: TreeTextMemory, open_memory: OpenMemory) -> None:
    cube = f"{office.cube_id}.kb.handbook"
    with pytest.raises(InvalidInputError, match="knowledge base"):
        office.cube(cube).for_caller("dave")
    with pytest.raises(InvalidInputError, match="knowledge base"):
        open_memory(cube=cube).for_caller("dave")


def test_a_policy_that_is_none_makes_no_base(office: TreeTextMemory) -> None:
    forged = office.cube(f"{office.cube_id}.kb.forged")
    policy = {"sources": [{"type": "knowledge_base"}], "info": {"knowledge_base": {"foo": 1}}}
    forged.add({"id": "knowledge-base", "memory": "A policy.", **policy})
    assert [base.name for base in office.knowledge_bases.list()] == ["handbook"]
    with pytest.raises(MemoryNotFoundError):
        office.search("espresso", knowledge_bases="forged")


def test_making_is_repeated_after_sharing(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ann.knowledge_bases.make("house", description="The house", operation_id="once")
    shared = ann.knowledge_bases.share("house", readers=["bob"])
    assert ann.knowledge_bases.make("house", description="The house", operation_id="once") == shared
    assert bob.knowledge_bases.get("house").readers == ()
    with pytest.raises(OperationMismatchError):
        ann.knowledge_bases.make("house", description="Another house", operation_id="once")
    for view, operation in ((ann, "twice"), (bob, "once"), (memory, "once"), (ann, None)):
        with pytest.raises(MemoryExistsError):
            view.knowledge_bases.make("house", description="The house", operation_id=operation)
