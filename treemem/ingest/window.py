"""Windows of a conversation: which messages of a call are those that its log ends with, told by their texts alone.

A chat program sends the last messages again with each new one. Where no time, id or number tells them, equal texts do,
if they are long enough together: people say "yes" and "ok" again and again. A single message is always a new one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from treemem.passages import byte_size

#: How many bytes of UTF-8 the equal texts have together, at least: two short sentences, or one long one.
TELLING = 20
#: How many messages at the start of a window may be new, before those that the log ends with: a summary, say.
AHEAD = 2
#: How many messages a window and a log begin with alike, at least, if the log does not end with them; one more if the
#: window has no others.
ALIKE = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A message as it is compared with others: who said what, for whom, and when (microseconds), None if unknown."""

    role: str
    text: str
    user_id: str | None = None
    at: int | None = None


def overlap(window: Sequence[Line], ending: Sequence[Line], *, whole: bool) -> int:
    """Return how many messages at the start of a window are the last ones of a log's ending, the most that can be.

    `whole` is whether the ending is the log from its first message on.
    """
    if len(window) < 2:
        return 0
    numbers: dict[Line, int] = {}
    said = [numbers.setdefault(line, len(numbers)) for line in window]
    told = [numbers.setdefault(line, len(numbers)) for line in ending[-len(window) :]]
    length = _length(ending[len(ending) - len(told) :])
    before = len(told)
    for count in _borders([*said, -1, *told]):
        length -= _length(ending[len(ending) - before : len(ending) - count])
        before = count
        if length >= TELLING or (whole and count == len(ending)):
            return count
    return 0


def _borders(sequence: Sequence[int]) -> Iterator[int]:
    """Yield the lengths of what a sequence both begins and ends with, the longest first, in linear time: the failure
    function of Knuth, Morris and Pratt (1977).
    """
    failure = [0] * len(sequence)
    for place in range(1, len(sequence)):
        length = failure[place - 1]
        while length and sequence[place] != sequence[length]:
            length = failure[length - 1]
        failure[place] = length + (sequence[place] == sequence[length])
    length = failure[-1]
    while length:
        yield length
        length = failure[length - 1]


def align(window: Sequence[Line], ending: Sequence[Line], *, whole: bool) -> dict[int, int]:
    """Return which messages of a window are which of a log's ending, by their positions."""
    for ahead in range(AHEAD + 1):
        count = overlap(window[ahead:], ending, whole=whole and not ahead)
        if count > (1 if ahead else 0):
            return {ahead + i: len(ending) - count + i for i in range(count)}
    return edited(window, ending) if whole else {}


def edited(window: Sequence[Line], beginning: Sequence[Line]) -> dict[int, int]:
    """Return the same of a window that begins as a log does, and goes on with other messages in between."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(window, beginning, strict=False)))
    if same < ALIKE + (same == len(window)) or _length(window[:same]) < TELLING:
        return {}
    found = {i: i for i in range(same)}
    places: dict[Line, list[int]] = {}
    for j in range(same, len(beginning)):
        places.setdefault(beginning[j], []).append(j)
    i, behind = same, same
    while i < len(window):
        at = places.get(window[i], [])
        first = bisect_left(at, behind)
        run = _run(window, i, beginning, at[first]) if first < len(at) else 0
        if run:
            found |= {i + n: at[first] + n for n in range(run)}
            behind = at[first] + run
        i += run or 1
    return found


def _run(window: Sequence[Line], i: int, beginning: Sequence[Line], j: int) -> int:
    """Return how many messages both go on with alike from two places, 0 if they are too short to tell."""
    count = length = 0
    while i + count < len(window) and j + count < len(beginning) and window[i + count] == beginning[j + count]:
        length += byte_size(window[i + count].text) or 1
        count += 1
    return count if length >= TELLING else 0


def _length(lines: Sequence[Line]) -> int:
    return sum(byte_size(line.text) for line in lines)
