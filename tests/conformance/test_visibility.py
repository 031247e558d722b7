"""A caller sees what is public, theirs, nobody's, or of their session: by every read, hits and paths alike."""

from __future__ import annotations

import pytest

from tests.helpers import day
from treemem import MemoryNotFoundError, OperationNotFoundError, TreeTextMemory


@pytest.fixture
def shared(memory: TreeTextMemory) -> TreeTextMemory:
    rows = [
        ("nobody", "private", None, None),
        ("public", "public", "ann", None),
        ("ann", "private", "ann", None),
        ("bob", "private", "bob", None),
        ("talk", "session", "ann", "s1"),
    ]
    for name, visibility, user, session in rows:
        metadata = {"visibility": visibility, "user_id": user, "session_id": session, "memory_type": "WorkingMemory"}
        memory.add({"id": name, "memory": f"note of {name} on tea", "metadata": metadata}, at=day(0))
    for a, b in (("nobody", "ann"), ("ann", "public"), ("nobody", "bob"), ("bob", "public")):
        memory.link(a, "RELATES_TO", b, at=day(0))
    memory.link("nobody", "PARENT", "bob", at=day(0))
    memory.link("bob", "PARENT", "talk", at=day(0))
    return memory


@pytest.mark.parametrize(
    ("user", "session", "seen"),
    [
        ("ann", None, {"nobody", "public", "ann"}),
        ("ann", "s1", {"nobody", "public", "ann", "talk"}),
        ("ann", "s2", {"nobody", "public", "ann"}),
        ("bob", "s1", {"nobody", "public", "bob"}),
        ("eve", None, {"nobody", "public"}),
        (None, "s1", {"nobody", "public"}),
    ],
)
def test_every_read_is_bound(shared: TreeTextMemory, user: str | None, session: str | None, seen: set[str]) -> None:
    mine = shared.for_caller(user, session)
    everything = ["nobody", "public", "ann", "bob", "talk"]
    assert {item.id for item in mine.get_by_ids(everything)} == seen
    assert {item.id for page in mine.pages() for item in page.items} == seen
    assert {item.id for item in mine.get_working_memory()} == seen
    graph = mine.get_all()
    assert {node["id"] for node in graph["nodes"]} == seen
    assert {e["target"] for e in graph["edges"]} <= seen
    for hits in (mine.search("note on tea", 50), shared.search("note on tea", 50, user_id=user, session_id=session)):
        assert {hit.id for hit in hits} == seen
        ends = {end for hit in hits for step in hit.path for end in (step.source, step.target)}
        assert ends <= seen
    assert {n.id for n in mine.neighbours("nobody")} <= seen
    assert set(mine.subgraph(everything, 3).memories) == seen
    way = mine.path("nobody", "public")
    assert (way is None) == (seen == {"nobody", "public"})
    assert way is None or set(way.nodes) <= seen
    assert {node.item.id for tree in mine.tree() for node in (tree, *tree.children)} <= seen
    for hidden in set(everything) - seen:
        for read in (mine.get, mine.history, mine.neighbours, mine.delete, mine.archive, mine.tree):
            if read == mine.neighbours:
                assert mine.neighbours(hidden) == []
                continue
            with pytest.raises(MemoryNotFoundError):
                read(hidden)
        with pytest.raises(MemoryNotFoundError):
            mine.update(hidden, "taken over")
    assert shared.check() == []


def test_every_change_is_bound(shared: TreeTextMemory) -> None:
    eve = shared.for_caller("eve")
    (own,) = eve.add("Eve's note on tea.", operation_id="eve-adds")
    done = {o.id for o in eve.operations()}
    assert "eve-adds" in done
    assert len(done) < len(shared.operations())
    hidden = shared.add({"id": "hers", "memory": "x", "metadata": {"user_id": "ann"}}, operation_id="ann-adds")[0]
    shared.link("ann", "CAUSES", "public", at=day(0), operation_id="ann-links")
    shared.delete([own, hidden], operation_id="both")
    before = shared.content_hash()
    for change in (
        lambda: eve.purge(hidden),
        lambda: eve.purge([own, hidden]),
        lambda: eve.link(own, "CAUSES", "ann"),
        lambda: eve.link("ann", "CAUSES", own),
        lambda: eve.unlink("ann", "CAUSES", "public"),
        lambda: eve.restore([own, hidden]),
    ):
        with pytest.raises(MemoryNotFoundError):
            change()
    for operation in ("ann-adds", "ann-links", "both"):
        with pytest.raises(OperationNotFoundError):
            eve.undo(operation)
    assert not {"ann-adds", "ann-links", "both"} & {o.id for o in eve.operations()}
    assert shared.content_hash() == before
    eve.restore(own, operation_id="back")
    eve.undo("back")
    assert shared.get_by_ids([own]) == []
    eve.purge(own)
    assert shared.check() == []


def test_what_a_caller_adds_is_theirs(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann", "s1"), memory.for_caller("bob")
    (secret,) = ann.add("Ann's secret.")
    (said,) = ann.add_messages([{"role": "user", "content": "Ann spoke.", "chat_time": day(0)}])
    assert memory.get(secret).metadata.user_id == "ann"
    assert memory.get(said).metadata.session_id == "s1"
    assert bob.get_by_ids([secret, said]) == []
    assert bob.replace_working_memory([]) == []
    assert len(ann.get_by_ids([secret, said])) == 2


def test_the_past_is_bound_too(memory: TreeTextMemory) -> None:
    """What was public may be read as of then, what is private now may not."""
    (note,) = memory.add("An open note.", at=day(0), visibility="public", user_id="ann")
    memory.update(note, visibility="private", at=day(100))
    bob = memory.for_caller("bob")
    assert bob.get_by_ids([note]) == []
    assert [item.id for item in bob.get_by_ids([note], as_of=day(50))] == [note]
    with pytest.raises(MemoryNotFoundError):
        memory.for_caller("bob").get(note)
