"""The embedded walk keeps what it has read; what it returns is what a store that has read nothing returns."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.helpers import FakeClock, HashEmbedder, day
from treemem import TreeTextMemory
from treemem.store.protocol import Recall, Subgraph
from treemem.store.sqlite import walk
from treemem.temporal import Moment


def opened(path: Path) -> TreeTextMemory:
    return TreeTextMemory.open(path, embedder=HashEmbedder(), clock=FakeClock())


def walked(memory: TreeTextMemory, known_at: int | None = None) -> Subgraph:
    moment = Moment(known_at=known_at, now=10**17)
    ask = Recall("default", moment, tokens=("anna",), vector_limit=0, hops=3)
    return memory.store.recall(ask, lambda _: [])[0]


def test_it_sees_every_change(tmp_path: Path) -> None:
    chance = random.Random(7)
    path = tmp_path / "memory.db"
    ids = [f"m{n}" for n in range(12)]
    with opened(path) as memory, opened(path) as other:
        memory.add([{"id": i, "memory": f"{'anna' if n < 3 else 'bert'} {n}"} for n, i in enumerate(ids)], at=day(1))
        assert not walked(memory).edges
        linked: set[tuple[str, str]] = set()
        pasts = []
        for step in range(60):
            source, target = chance.sample(ids, 2)
            writer = chance.choice((memory, other))
            if (source, target) in linked and chance.random() < 0.7:
                writer.unlink(source, "CAUSES", target, at=day(2 + step))
                linked.remove((source, target))
            elif chance.random() < 0.1:
                writer.delete(source)
                writer.restore(source)
            elif (source, target) not in linked:
                writer.link(source, "CAUSES", target, weight=chance.choice((0.2, 0.5, 1.0)), at=day(2 + step))
                linked.add((source, target))
            found = walked(memory)
            with opened(path) as fresh:
                assert found == walked(fresh)
            pasts.append((found.known_at, found.edges))
        assert any(edges for _, edges in pasts)
        for known_at, edges in chance.sample(pasts, 10):
            assert walked(memory, known_at).edges == edges


@pytest.mark.parametrize("kept", [0, 2, 1_000])
def test_hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(walk, "KEPT", kept)
    with opened(tmp_path / "memory.db") as memory:
        memory.add([{"id": "anna", "memory": "anna"}, {"id": "hub", "memory": "bert"}], at=day(1))
        memory.add([{"id": f"m{n:02}", "memory": f"carl {n}"} for n in range(20)], at=day(1))
        for n in range(20):
            memory.link("hub", "CAUSES", f"m{n:02}", weight=0.5 + n / 100, at=day(2))
        memory.link("anna", "CAUSES", "hub", at=day(2))

        def reached(start: str, hub_degree: int, fan_out: int) -> set[str]:
            ask = Recall(
                "default",
                Moment(now=10**17),
                tokens=(start,),
                vector_limit=0,
                hub_degree=hub_degree,
                fan_out=fan_out,
            )
            return set(memory.store.recall(ask, lambda _: [])[0].versions)

        for _ in range(2):  # as read, and as kept
            assert reached("anna", 21, 25) == {"anna", "hub", *(f"m{n:02}" for n in range(20))}
            assert reached("anna", 20, 25) == {"anna", "hub"}
            assert reached("anna", 21, 4) == {"anna", "hub", "m19", "m18", "m17"}
            assert reached("bert", 3, 3) == {"anna", "hub", "m19", "m18"}


def test_a_reader_of_the_past_keeps_nothing_for_others(tmp_path: Path) -> None:
    with opened(tmp_path / "memory.db") as memory:
        memory.add([{"id": "a", "memory": "anna"}, {"id": "b", "memory": "bert"}], at=day(1))
        store = memory.store
        with store._database.read() as conn:  # type: ignore[attr-defined]
            index, clock = store._index(conn, 1, 10**17)  # type: ignore[attr-defined]
        memory.link("a", "CAUSES", "b", at=day(2))
        assert len(walked(memory).edges) == 1
        index.keep_fans({index.states.node_of["a"]: [], index.states.node_of["b"]: []}, clock)  # read before the link
        assert len(walked(memory).edges) == 1
