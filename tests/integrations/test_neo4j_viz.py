"""Pictures of graphs and histories by neo4j-viz."""

from __future__ import annotations

import pytest

from treemem import TreeTextMemory

pytest.importorskip("neo4j_viz")

from treemem.integrations.neo4j_viz import FORMER, MEMORY, picture, picture_of_history

ODD = "</script><script>alert(1)</script> \u202e \u2028"


def test_a_graph_and_a_history_are_drawn(memory: TreeTextMemory) -> None:
    memory.add([{"id": "a", "memory": f"Anna lives in Porto. {ODD}"}, {"id": "b", "memory": "Ben rows."}])
    memory.link("a", "KNOWS", "b", properties={"since": 2020})
    memory.link("b", "CAUSES", "a")
    drawn = picture(memory.subgraph(["a", "b"]))
    captions = {node.caption for node in drawn.nodes}
    assert "Ben rows." in captions
    assert "Anna" in captions  # a name that is mentioned
    edges = {(edge.source, edge.caption, edge.target): edge.properties for edge in drawn.relationships}
    assert edges["memory a", "KNOWS", "memory b"]["since"] == 2020
    assert "alert(1)</script>" not in drawn.render().data
    memory.update("b", "Ben swims.")
    memory.correct("b", "Ben dives.", reason=ODD)
    history = picture_of_history(memory.history("b"))
    assert [node.color.as_hex(format="long") for node in history.nodes][-1] == MEMORY
    assert FORMER in {node.color.as_hex(format="long") for node in history.nodes}
    assert "correct" in {arrow.caption for arrow in history.relationships}
    assert "alert(1)</script>" not in history.render().data


def test_nothing_is_drawn_of_nothing(embedded: TreeTextMemory) -> None:
    assert picture(embedded.subgraph("none")).nodes == []
    assert picture_of_history([]).relationships == []
