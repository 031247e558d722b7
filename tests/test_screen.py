"""The screen before the reading loses nothing: what is read behind it is what is read without it."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.pairs import labelled
from tests.test_language import examples
from treemem.judge import changes, facts, turns
from treemem.judge.facts import Said
from treemem.judge.screen import Screen, needed
from treemem.language import packs

PAIRS = [
    *((older, newer) for _, older, newer, _ in examples()),
    *((pair.first, pair.second) for pair in labelled()),
]


def verdicts() -> list[tuple[object, ...]]:
    """Everything that is read of each pair, in both orders, with nothing remembered from before."""
    said = {text: Said(text) for text in itertools.chain.from_iterable(PAIRS)}
    found = []
    for one, other in itertools.chain(PAIRS, ((b, a) for a, b in PAIRS)):
        newer, older = said[other], said[one]
        # A quantity without an amount is no fact that anything is made of, so that the screen may leave it out.
        read = [(f.who, f.slot, f.says, f.value, f.other) for f in newer.facts if f.slot.kind != "quantity"]
        found.append(
            (
                read,
                changes.stated(newer, older),
                changes.other_value(newer, older),
                turns.denied_now(newer, older),
            )
        )
    return found


@pytest.mark.slow
def test_nothing_is_lost_behind_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    behind = verdicts()
    monkeypatch.setattr(Screen, "passed", lambda self, said: [thing for _, thing in self._things])
    without = verdicts()
    assert [pair for pair, one, other in zip(PAIRS, behind, without, strict=False) if one != other] == []
    assert behind == without
    assert sum(bool(row[1]) for row in without) > 100, "the pairs must state changes, or this proves nothing"


def test_most_of_what_is_plainly_said_does_not_pass() -> None:
    plain = [
        "Lovely weather for a walk.",
        "The river was high and cold.",
        "We sang all night.",
    ]
    assert not any(facts.said_in(text).facts or changes.tells(facts.said_in(text)) for text in plain)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r" (?:moved|relocated) to ", "she moved to", True),
        (r" (?:moved|relocated) to ", "she moved from", False),
        (r" be not ", "it isn't", True),
        (r" (?:an? )?nurse\Z", "a nurse", True),
        (r" (?:an? )?nurse\Z", "a doctor", False),
        (r"work(?:s|ing)? ", "working hard", True),
        (r"[$€] ?\d", "costs $7", True),
        (r"[$€] ?\d", "costs a lot", False),
    ],
)
def test_what_a_pattern_needs(pattern: str, text: str, fits: bool) -> None:
    pack = packs()["en"]
    screen = Screen("en", [(needed(pack, [pattern]), "it")])
    assert bool(screen.passed(Said(text).said)) is fits


def test_what_needs_nothing_always_passes() -> None:
    assert Screen("en", [((), 1), ([frozenset({" a "})], 2)]).passed(["b"]) == [1]
