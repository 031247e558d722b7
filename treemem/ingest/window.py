"""Windows of a conversation: which messages of a call are those that its log ends with, told by their texts alone.

A chat program sends the last messages again with each new one. Where no time, id or number tells them, equal texts do,
if they are long enough together: people say "yes" and "ok" again and again. A single message is always a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: How many bytes of UTF-8 the equal texts have together, at least: two short sentences, or one long one.
TELLING = 20
#: How many messages a window has, at least, that the log begins with and does not end with.
REPEATED = 4


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


def repeats(window: Sequence[Line], beginning: Sequence[Line]) -> bool:
    """Return whether a window is what a log begins with."""
    told = list(beginning[: len(window)])
    return REPEATED <= len(window) == len(told) and list(window) == told and _length(told) >= TELLING


def _length(lines: Sequence[Line]) -> int:
    return sum(len(line.text.encode()) for line in lines)
