"""What is over because one clause says that it changed or is gone, and another what is so now; and what only sounds so.

`tests/handovers` has two files a language, a pair a line: what somebody said, " | ", what the same person said later.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_language import state, verdict
from treemem.judge.pairs import read, same

HERE = Path(__file__).parent / "handovers"


def pairs(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [(older, newer) for older, newer in (line.split(" | ") for line in lines if line)]


def told(name: str) -> list[tuple[str, str]]:
    return [pair for pair in pairs(name) if verdict(*pair) == "supersedes"]


@pytest.mark.parametrize("language", ["de", "en", "zh"])
def test_what_only_sounds_like_a_handover_closes_nothing(language: str) -> None:
    assert told(f"{language}_traps.txt") == []


@pytest.mark.parametrize("language", ["de", "en", "zh"])
def test_what_was_handed_over_is_closed(language: str) -> None:
    name = f"{language}_over.txt"
    assert told(name) == pairs(name)


@pytest.mark.parametrize(
    "newer",
    [
        "Rent went up, it's now 1620 a month.",
        "Rent went up, it's now 1620 a month. Ugh.",
        "Rent went up, it's now 1620 a month, can you believe it",
        "Rent went up, it's now 1620 a month. Still getting used to that.",
    ],
)
def test_what_is_said_beside_it_keeps_nothing_open(newer: str) -> None:
    assert verdict("My rent is 1450 a month.", newer) == "supersedes"


@pytest.mark.parametrize("newer", ["我住三号楼，\n靠近东门", "我住三号楼，靠近东门\n", "我住三号楼， 靠近东门"])
def test_a_line_break_is_white_space(newer: str) -> None:
    one, other = read(state("a", "我住三号楼，靠近东门", 1)), read(state("b", newer, 2))
    assert same(other, one)
