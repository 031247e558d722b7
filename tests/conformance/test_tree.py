"""The topic tree on both stores: splits, joins, topics above topics, and working memory that follows a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from treemem import InvalidInputError, MemoryNotFoundError, MemoryTree, MiniLM, TreeTextMemory


class Pointing:
    """Texts of a word point near the place of that word: "oak 3" is the third near "oak"."""

    name, dimension = "pointing", 24
    PLACES = ("oak", "elm", "tin", "zinc", "lead", "iron")
    #: How near the places are: oak and elm are trees, the others metals.
    TREES, METALS = 20, 21

    def embed(self, texts: Sequence[str]) -> Any:
        return np.array([self._one(text.removeprefix("Topic: ")) for text in texts], dtype=np.float32)

    def _one(self, text: str) -> Any:
        word, _, number = text.partition(" ")
        vector = np.zeros(self.dimension)
        place = self.PLACES.index(word)
        vector[place] = 1.0
        vector[self.TREES if place < 2 else self.METALS] = 1.5
        vector[6 + int(number or 0) % 14] = 0.15
        return vector / np.linalg.norm(vector)


def nodes(tree: MemoryTree) -> Iterator[MemoryTree]:
    yield tree
    for child in tree.children:
        yield from nodes(child)


def many(word: str, n: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"id": f"{word}{i}", "memory": f"{word} {i}"} for i in range(start, start + n)]


def topic(memory: TreeTextMemory, name: str, word: str, members: Sequence[str]) -> None:
    memory.add({"id": name, "memory": word, "metadata": {"type": "topic", "source": "system"}}, at=day(1))
    for member in members:
        memory.link(name, "PARENT", member, at=day(1))


TREE = ("group", "split", "join")


def test_a_topic_that_is_too_large_is_split(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=Pointing())
    memory.add([*many("oak", 22), *many("elm", 22)], at=day(1))
    topic(memory, "all", "oak", [f"{word}{i}" for word in ("oak", "elm") for i in range(22)])
    before = memory.content_hash()
    plan = memory.reorganizer.plan(everything=True, group=True).only(*TREE)
    assert [a.kind.value for a in plan.actions.values()] == ["split", "split"]
    report = memory.reorganizer.apply(plan)
    assert report.count("done") == 2
    tree = memory.subtree("all")
    assert len(tree.children) == 2
    assert [len(child.children) for child in tree.children] == [22, 22]
    for child in tree.children:
        (word,) = {below.item.memory.split()[0] for below in child.children}
        assert word in child.item.memory
    assert memory.subtree("all", 1).children[0].children == ()
    assert memory.check() == []
    assert memory.reorganizer.apply(plan).count("repeated") == 2
    assert len(memory.reorganizer.plan(everything=True, group=True).only("split", "join")) == 0
    for outcome in reversed(report.outcomes):
        memory.undo(outcome.operation)
    assert memory.content_hash() == before
    with pytest.raises(MemoryNotFoundError):
        memory.subtree("none")
    with pytest.raises(InvalidInputError, match="depth"):
        memory.subtree("all", -1)


def test_topics_that_are_alike_become_one(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=Pointing())
    memory.add([*many("oak", 12)], at=day(1))
    topic(memory, "one", "oak", [f"oak{i}" for i in range(8)])
    topic(memory, "two", "oak", [f"oak{i}" for i in range(8, 12)])
    before = memory.content_hash()
    report = memory.reorganizer.run(everything=True, group=True, kinds=TREE)
    assert [(o.kind.value, o.status) for o in report.outcomes] == [("join", "done")]
    (tree,) = memory.tree()
    assert tree.item.id == "one"
    assert {child.item.id for child in tree.children} == {f"oak{i}" for i in range(12)}
    assert memory.check() == []
    memory.undo(report.outcomes[0].operation)
    assert memory.content_hash() == before


def test_topics_come_below_topics(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=Pointing())
    words = Pointing.PLACES
    memory.add([entry for word in words for entry in many(word, 6)], at=day(1))
    for word in words:
        topic(memory, word, word, [f"{word}{i}" for i in range(6)])
    memory.reorganizer.run(everything=True, group=True, kinds=TREE)
    roots = {tree.item.id: tree for tree in memory.tree()}
    (above,) = set(roots) - {"oak", "elm"}
    assert {child.item.id for child in roots[above].children} == {"tin", "zinc", "lead", "iron"}
    assert memory.check() == []
    whole = memory.tree(orphans=True)
    assert {node.item.id for tree in whole for node in nodes(tree)} == {m.id for p in memory.pages() for m in p.items}
    assert max(len(node.children) for tree in whole for node in nodes(tree)) <= 50


def test_a_large_tree_is_not_built_again(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=Pointing())
    memory.add([entry for word in ("oak", "tin") for entry in many(word, 45)], at=day(1))
    for _ in range(3):
        memory.reorganizer.run(everything=True, group=True, kinds=TREE)
    grown = {node.item.id for tree in memory.tree() for node in nodes(tree)}
    assert len(grown) > 90
    assert all(len(node.children) <= 50 for tree in memory.tree() for node in nodes(tree))
    memory.add(many("oak", 3, start=100), at=day(2))
    plan = memory.reorganizer.plan(group=True).only(*TREE)
    touched = {i for action in plan.actions.values() for i in action.ids}
    assert touched >= {"oak100", "oak101", "oak102"}
    assert len(touched) < 60, "the other half of the tree is not touched"


CONVERSATION = [
    {"role": "user", "content": "The kitchen of the new flat needs tiles and a floor."},
    {"role": "assistant", "content": "Which tiles do you like?"},
    {"role": "user", "content": "Which colours did we choose for the renovation of the kitchen?"},
]
BUYING = ["The average price of second-hand homes in Binjiang is 42,000.", "The mortgage rate fell to 3.1 percent."]
BUILDING = ["The kitchen tiles shall be sage green.", "The renovation of the kitchen begins with the floor."]


def test_working_memory_follows_the_conversation(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=MiniLM())
    memory.add([{"id": f"buy{n}", "memory": t} for n, t in enumerate(BUYING)], memory_type="WorkingMemory", at=day(1))
    memory.add([{"id": f"build{n}", "memory": t} for n, t in enumerate(BUILDING)], memory_type="UserMemory", at=day(1))
    memory.add({"id": "pinned", "memory": "Always answer in Chinese."}, memory_type="WorkingMemory", at=day(1))
    memory.freeze("pinned")
    before = memory.content_hash()
    plan = memory.reorganizer.schedule(CONVERSATION, size=4)
    assert memory.content_hash() == before
    report = memory.reorganizer.apply(plan)
    assert report.count("done") == 4
    assert {m.id for m in memory.get_working_memory()} == {"build0", "build1", "pinned"}
    assert memory.get("buy0").metadata.memory_type == "LongTermMemory"
    assert len(memory.reorganizer.schedule(CONVERSATION, size=4)) == 0
    memory.reorganizer.apply(memory.reorganizer.schedule("What do second-hand homes in Binjiang cost?", size=2))
    assert {m.id for m in memory.get_working_memory()} == {"buy0", "pinned"}
    assert memory.get("build0").metadata.memory_type == "UserMemory"
    assert memory.get("build0").metadata.info == {}
    assert memory.check() == []
    for wrong in ("", [], [{"role": "user"}]):
        with pytest.raises(InvalidInputError, match="conversation"):
            memory.reorganizer.schedule(wrong)


def test_what_was_of_no_use_for_long_expires(open_memory: OpenMemory) -> None:
    memory = open_memory()
    memory.add([{"id": "stale", "memory": "A stale note."}, {"id": "used", "memory": "A used note."}], at=day(1))
    memory.add({"id": "kept", "memory": "A frozen note."}, at=day(1))
    memory.freeze("kept")
    later = memory.with_clock(lambda: day(800))
    memory.store.record_usage(memory.cube_id, {"used": 1}, later._context.now())
    report = later.reorganizer.run(expiry={"LongTermMemory": 60}, kinds=["expire"])
    assert [(o.kind.value, o.status) for o in report.outcomes] == [("expire", "done")]
    shown = later.with_clock(lambda: day(801)).get_by_ids(["stale", "used", "kept"])
    assert {m.id for m in shown} == {"used", "kept"}
    assert later.get("stale", as_of=day(5)).memory == "A stale note."
    with pytest.raises(InvalidInputError, match="expiry"):
        memory.reorganizer.plan(expiry={"Nonsense": 1})
    with pytest.raises(InvalidInputError, match="expiry"):
        memory.reorganizer.plan(expiry={"LongTermMemory": -1})
