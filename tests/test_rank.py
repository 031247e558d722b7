"""The ranking of a subgraph: what a walk does not reach."""

from __future__ import annotations

import pytest

from treemem import SearchOptions
from treemem.changes import EdgeType
from treemem.search.rank import UNREACHED, UNREACHED_IN_TALK, arm_sum, rank
from treemem.store.protocol import MEMORY, Seed, Subgraph, WalkedEdge

OPTIONS = SearchOptions(restart_seeds=1)


def scores(*edges: tuple[EdgeType, str, str]) -> dict[str, float]:
    """The scores of two seeds, of which the walk reaches the first alone, and of what it walks to."""
    seeds = tuple(Seed(i, 1, "vector", cosine, 0, 1) for i, cosine in (("best", 0.9), ("far", 0.8)))
    walked = tuple(WalkedEdge(kind, MEMORY + a, MEMORY + b, 1.0, 100.0) for kind, a, b in edges)
    versions = dict.fromkeys(("best", "far", *(end for _, *ends in edges for end in ends)), 1)
    return {r.memory_id: r.score for r in rank(Subgraph(1, 1, seeds, edges=walked, versions=versions), OPTIONS)}


def test_silence_tells_less_in_a_conversation() -> None:
    apart = scores((EdgeType.RELATES_TO, "best", "near"))
    talk = scores((EdgeType.FOLLOWS, "near", "best"))
    share = (UNREACHED_IN_TALK / UNREACHED) ** OPTIONS.walk_weight
    assert talk["far"] == pytest.approx(share * apart["far"])
    assert scores((EdgeType.FOLLOWS, "near", "other"))["far"] == pytest.approx(apart["far"])


def test_what_is_no_seed_and_not_reached_is_not_ranked() -> None:
    assert set(scores((EdgeType.FOLLOWS, "near", "other"))) == {"best", "far"}


def test_cosines_about_nothing_do_not_outweigh_words() -> None:
    seeds = (
        *(Seed(i, 1, "vector", cosine, 0, 1) for i, cosine in (("a", 0.02), ("b", -0.1), ("c", -0.3))),
        Seed("says it", 1, "text", 4.5, 0, 1),
    )
    for limit in (3, 30):
        found = arm_sum(seeds, SearchOptions(vector_limit=limit, vector_weight=1.0))
        assert found["says it"] == 1.0
        assert found["a"] == pytest.approx(0.2)
        assert found["b"] == found["c"] == 0.0
