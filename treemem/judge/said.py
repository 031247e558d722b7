"""What a sentence is about, and the values and amounts that it says."""

from __future__ import annotations

from treemem.judge import cues
from treemem.judge.clauses import Sentence
from treemem.text import analyse, fold


def topic_of(was: Sentence) -> tuple[str, ...]:
    """Return the stems of what a statement is about."""
    return was.clauses[0].subject


def values(text: str) -> dict[str, frozenset[str]]:
    """Return the values that a text says, by their kind: date, month, day, clock, number, ordinal, quarter, place."""
    found = {}
    for kind, pattern in cues.VALUES:
        text = text if kind != "number" else cues.CLOCK.sub(" ", text)
        if some := frozenset(fold(match.group()).removesuffix("s") for match in pattern.finditer(text)):
            found[kind] = some
    if "place" in found and {"month", "day"} & found.keys():
        del found["place"]
    return found


def numbers(text: str) -> set[str]:
    """Return the stems of every value that a text says."""
    return {stem for many in values(text).values() for value in many for stem in analyse(value)}


def amounts(text: str) -> set[str]:
    """Return the stems of how much a text tells of: what is given up is given up in any amount."""
    return {stem for match in cues.AMOUNT.finditer(text) for stem in analyse(match.group())}


def differ(one: str, other: str) -> bool:
    """Return whether two texts have values of one kind, and none in common: Boston and Denver."""
    ours, theirs = values(one), values(other)
    return any(ours[kind].isdisjoint(theirs[kind]) for kind in ours.keys() & theirs.keys())
