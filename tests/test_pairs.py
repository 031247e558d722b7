"""The labelled pairs: what must never be merged or closed is not, and most of what should be is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.pairs import Prepared, labelled, planned, wrong
from treemem import TreeTextMemory


@pytest.mark.slow
@pytest.mark.parametrize(("part", "actions"), [("open", 250), ("test", 60), ("strangers", 250)])
def test_labelled_pairs(tmp_path: Path, part: str, actions: int) -> None:
    found: Counter[tuple[str, str]] = Counter()
    pairs = [pair for pair in labelled() if pair.part == part]
    with TreeTextMemory.open(tmp_path / "pairs.db", embedder=Prepared(pairs)) as memory:
        for number, pair in enumerate(pairs):
            found[pair.label, planned(memory, f"pair-{number}", pair)] += 1
    assert sum(n for (label, outcome), n in found.items() if wrong(label, outcome)) == 0
    assert sum(n for (_, outcome), n in found.items() if outcome in ("one", "supersede")) >= actions
    for label, outcome, share in (("duplicate", "one", 0.9), ("update", "supersede", 0.5)):
        assert found[label, outcome] >= share * sum(n for (each, _), n in found.items() if each == label)
