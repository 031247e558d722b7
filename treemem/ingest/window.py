"""Windows of a conversation: which messages of a call are those that its log ends with, told by their texts alone.

A chat program sends the last messages again with each new one. Where no time, id or number tells them, equal texts do,
if they are long enough together: people say "yes" and "ok" again and again. A single message is always a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

#: How many bytes of UTF-8 the equal texts have together, at least: two short sentences, or one long one.
TELLING = 20
#: How many messages at the start of a window may be new, before those that the log ends with: a summary, say.
AHEAD = 2
#: How many messages a window and a log begin with alike, at least, if the log does not end with them; one more if the
#: window has no others.
ALIKE = 3
#: Longer windows and logs are not searched for what was edited.
_MOST = 2_000


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
    told = [numbers.setdefault(line, len(numbers)) for line in ending]
    most = min(len(said), len(told))
    length = _length(ending[len(told) - most :])
    for count in range(most, 0, -1):
        telling = length >= TELLING or (whole and count == len(told))
        if telling and said[:count] == told[-count:]:
            return count
        length -= _length(ending[len(told) - count : len(told) - count + 1])
    return 0


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
    if max(len(window), len(beginning)) <= _MOST:
        matcher = SequenceMatcher(None, list(window[same:]), list(beginning[same:]), autojunk=False)
        for i, j, count in matcher.get_matching_blocks():
            if _length(window[same + i : same + i + count]) >= TELLING:
                found |= {same + i + n: same + j + n for n in range(count)}
    return found


def _length(lines: Sequence[Line]) -> int:
    return sum(len(line.text.encode()) for line in lines)
