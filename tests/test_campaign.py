"""Random verbs of five callers in three cubes against the naive model: nothing lost, leaked or different.

The default run does 2,000 operations on the embedded store and 100 on both; the slow ones, 20,000 on each, want
TREEMEM_CAMPAIGN=1.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import crash_verbs
from benchmarks.campaign import Campaign, campaign
from benchmarks.campaign_model import VERBS
from treemem import TreeTextMemory

only_when_asked = pytest.mark.skipif(os.environ.get("TREEMEM_CAMPAIGN") != "1", reason="long: TREEMEM_CAMPAIGN=1")


def sound(run: Campaign, operations: int) -> None:
    assert run.faults == {}
    assert run.operations == operations
    assert 0.1 < run.refusals / operations < 0.7  # both ways out of a verb are tried


@pytest.mark.slow
def test_two_thousand_operations_on_the_embedded_store(tmp_path: Path) -> None:
    run = campaign([str(tmp_path / "memory.db")], 2_000, 1)
    sound(run, 2_000)
    assert set(run.verbs) == set(VERBS)


@pytest.mark.slow
@only_when_asked
@pytest.mark.timeout(3_600)
def test_twenty_thousand_operations_on_the_embedded_store(tmp_path: Path) -> None:
    sound(campaign([str(tmp_path / "memory.db")], 20_000, 2), 20_000)


@pytest.mark.slow
@pytest.mark.neo4j
def test_both_stores_agree(tmp_path: Path, neo4j_uri: str) -> None:
    sound(campaign([str(tmp_path / "memory.db"), neo4j_uri], 100, 3), 100)


@pytest.mark.slow
@only_when_asked
@pytest.mark.neo4j
@pytest.mark.timeout(7_200)
def test_both_stores_agree_on_twenty_thousand_operations(tmp_path: Path, neo4j_uri: str) -> None:
    sound(campaign([str(tmp_path / "memory.db"), neo4j_uri], 20_000, 4), 20_000)


def broken(run: Campaign, verb: str) -> None:
    """Let a verb do nothing, on every memory of the campaign."""
    for views in run.views:
        for callers in views:
            for memory in callers:
                setattr(memory, verb, lambda *_, **__: None)


@pytest.mark.parametrize("verb", ["add", "update", "delete", "purge"])
def test_a_campaign_notices_a_verb_that_does_nothing(tmp_path: Path, verb: str) -> None:
    run = Campaign([str(tmp_path / "memory.db")], 5)
    try:
        broken(run, verb)
        run.run(100)
    finally:
        run.close()
    assert run.faults


def test_a_campaign_notices_a_caller_that_sees_too_much(tmp_path: Path) -> None:
    run = Campaign([str(tmp_path / "memory.db")], 6)
    try:
        for views in run.views:
            for callers in views:
                callers[1:] = [_whole(callers[0]) for _ in callers[1:]]
        run.run(60)
    finally:
        run.close()
    assert run.faults


def _whole(memory: TreeTextMemory) -> TreeTextMemory:
    return memory.cube(memory.cube_id)


@pytest.mark.slow
def test_kill_a_writer_in_the_middle_of_a_verb(tmp_path: Path) -> None:
    counts = crash_verbs.kill_writers(tmp_path, 2)
    assert counts.rounds == 2
