"""A walk is bounded by edges on both stores, and takes no step that leads nowhere."""

from __future__ import annotations

from tests.helpers import day
from treemem import TreeTextMemory
from treemem.store.protocol import Recall, Subgraph
from treemem.temporal import Moment


def walked(memory: TreeTextMemory, hops: int, **bounds: int) -> Subgraph:
    ask = Recall(memory.cube_id, Moment(now=10**17), tokens=("alpha",), vector_limit=0, hops=hops, **bounds)
    return memory.store.recall(ask, lambda _: [])[0]


def test_reading_stops_after_so_many_edges(memory: TreeTextMemory) -> None:
    fans = {"small": 2, "large": 4}
    leaves = [f"{hub}-{n}" for hub, count in fans.items() for n in range(count)]
    memory.add([{"id": i, "memory": f"text of {n}"} for n, i in enumerate([*fans, *leaves])], at=day(1))
    memory.add({"id": "start", "memory": "alpha"}, at=day(1))
    for hub, weight in (("small", 0.2), ("large", 0.9)):
        memory.link("start", "CAUSES", hub, weight=weight, at=day(1))
    for leaf in leaves:
        hub, _, number = leaf.partition("-")
        memory.link(hub, "CAUSES", leaf, weight=0.5 + int(number) / 10, at=day(1))
    everything = {"start", *fans, *leaves}
    assert set(walked(memory, 2).versions) == everything
    assert set(walked(memory, 2, hop_edges=8).versions) == everything
    few = walked(memory, 2, hop_edges=5)  # three of the one with the fewest edges, then the strongest of the other
    assert set(few.versions) == {"start", *fans, "small-0", "small-1", "large-3"}
    assert len(few.edges) == 5
    assert set(walked(memory, 2, hop_edges=1).versions) == {"start", *fans, "small-1"}
    assert set(walked(memory, 1, hop_edges=1).versions) == {"start", *fans}


def test_the_last_hop_ends_at_no_name(memory: TreeTextMemory) -> None:
    for memory_id, entities in (("start", []), ("next", ["Quillon"]), ("far", ["Quillon"])):
        text = "alpha" if memory_id == "start" else f"note {memory_id}"
        memory.add({"id": memory_id, "memory": text, "metadata": {"entities": entities}}, at=day(1))
    memory.link("start", "CAUSES", "next", at=day(1))
    two, three = walked(memory, 2), walked(memory, 3)
    assert set(two.versions) == {"start", "next"}
    assert not two.walked_entities
    assert set(three.versions) == {"start", "next", "far"}
    assert [each.name for each in three.walked_entities] == ["Quillon"]
