"""Judges by the protocol: whatever a judge says, what the words of a pair do not bear out closes and merges nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.test_language import examples, state
from treemem.judge.model import ModelJudge
from treemem.judge.pairs import Judgement, Reading, Relation, judge, read
from treemem.judge.protocol import AGREED, Judge, Rules, Verdicts, bound


class Always:
    """A judge that says the same of every pair."""

    def __init__(self, relation: Relation, confidence: float = 1.0) -> None:
        self.relation, self.confidence = relation, confidence

    def judge(self, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
        return Verdicts(
            tuple(
                Judgement(self.relation, newer.memory_id, older.memory_id, self.confidence, "so I say")
                for older, newer in pairs
            )
        )


def pair(older: str, newer: str, **more: object) -> tuple[Reading, Reading]:
    return read(state("a", older, 1)), read(state("b", newer, 2, **more))


def one(given: Judge, *texts: str, **more: object) -> Judgement | None:
    (found,) = bound(given, [pair(*texts, **more)]).judgements
    return found


ALL = [(older, newer, expected) for _, older, newer, expected in examples()]


def test_who_says_that_everything_supersedes_closes_only_what_is_stated() -> None:
    said = bound(Always(Relation.SUPERSEDES), [pair(older, newer) for older, newer, _ in ALL])
    for (older, newer, expected), found in zip(ALL, said.judgements, strict=True):
        assert found is not None
        assert (found.relation is Relation.SUPERSEDES) == (expected == "supersedes"), (older, newer)
        assert found.relation in (Relation.SUPERSEDES, Relation.RELATED)
        assert found.confidence <= AGREED or found.relation is Relation.RELATED
    assert len(said.notes) == sum(expected != "supersedes" for _, _, expected in ALL)
    assert all("does not supersede" in note for note in said.notes)


def test_who_says_that_everything_is_the_same_merges_only_equal_texts() -> None:
    said = bound(Always(Relation.SAME), [pair(older, newer) for older, newer, _ in ALL])
    for (older, newer, expected), found in zip(ALL, said.judgements, strict=True):
        assert found is not None
        assert (found.relation is Relation.SAME) == (expected == "same"), (older, newer)


@pytest.mark.parametrize(
    "more",
    [
        {"role": "assistant"},
        {"role": "tool"},
        {"role": "system"},
        {"source": "web"},
        {"source": "file"},
        {"user_id": "somebody else"},
        {"agent_id": "another"},
        {"visibility": "public"},
        {"info": {"project": "other"}},
    ],
)
def test_nobody_closes_what_another_said(more: dict[str, object]) -> None:
    texts = ("I live in Porto.", "I moved to Ghent.")
    closed = one(Always(Relation.SUPERSEDES), *texts)
    assert closed is not None
    assert closed.relation is Relation.SUPERSEDES
    kept = one(Always(Relation.SUPERSEDES), *texts, **more)
    assert kept is not None
    assert kept.relation is Relation.RELATED


def test_the_order_of_a_pair_does_not_matter() -> None:
    older, newer = pair("I live in Porto.", "I moved to Ghent.")
    (found,) = bound(Always(Relation.SUPERSEDES), [(newer, older)]).judgements
    assert found is not None
    assert (found.source, found.target) == ("b", "a")


class Backwards:
    def judge(self, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
        found = (Judgement(Relation.SUPERSEDES, a.memory_id, b.memory_id, 0.9, "") for a, b in pairs)
        return Verdicts(tuple(found))


def test_the_older_never_supersedes() -> None:
    found = one(Backwards(), "I live in Porto.", "I moved to Ghent.")
    assert found is not None
    assert found.relation is Relation.RELATED


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    said = bound(Always(Relation.RELATED, confidence), [pair("I live in Porto.", "Porto is nice.")])
    assert said.judgements == (None,)
    assert "from 0 to 1" in said.notes[0]


def test_one_judgement_a_pair() -> None:
    class Silent:
        def judge(self, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
            return Verdicts(())

    with pytest.raises(ValueError):
        bound(Silent(), [pair("a b c", "d e f")])


def test_rules_are_a_judge_like_others() -> None:
    pairs = [pair(older, newer) for older, newer, _ in ALL]
    said = bound(Rules(), pairs)
    expected = tuple(judge(*each, 0.0) for each in pairs)
    assert [found and found.relation for found in said.judgements] == [each.relation for each in expected]
    assert said.notes == ()
    assert isinstance(Rules(), Judge)
    assert issubclass(ModelJudge, Judge)
