"""Records written again under their ids: what comes back is seen by those who see a new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder
from treemem import NotAllowedError, TreeTextMemory
from treemem.integrations import keeping


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as opened:
        yield opened


def test_what_was_public_once_does_not_come_back_public(memory: TreeTextMemory) -> None:
    alice, bob = memory.for_caller("alice"), memory.for_caller("bob")
    keeping.put(alice, [{"id": "x", "memory": "a recipe"}])
    alice.update("x", visibility="public")
    assert bob.get("x").memory == "a recipe"
    alice.delete("x")
    keeping.put(alice, [{"id": "x", "memory": "a diagnosis"}])
    assert alice.get("x").memory == "a diagnosis"
    assert bob.get_by_ids(["x"]) == []


def test_what_was_nobodys_is_not_written_again_by_somebody(memory: TreeTextMemory) -> None:
    alice, bob = memory.for_caller("alice"), memory.for_caller("bob")
    memory.add({"id": "y", "memory": "everybody's"})
    alice.delete("y")
    with pytest.raises(NotAllowedError, match="another id"):
        keeping.put(alice, [{"id": "y", "memory": "a diagnosis"}])
    assert bob.get_by_ids(["y"]) == memory.get_by_ids(["y"]) == []
    keeping.put(memory, [{"id": "y", "memory": "everybody's again"}])
    assert bob.get("y").memory == "everybody's again"
