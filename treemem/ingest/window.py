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


def overlap(window: Sequence[Line], ending: Sequence[Line | None], *, whole: bool) -> int:
    """Return how many messages at the start of a window are the last ones of a log's ending, the most that can be.

    None stands for a message that was erased, and can be any. `whole` is whether the ending is the log from its first
    message on.
    """
    if len(window) < 2:
        return 0
    numbers: dict[Line | None, int] = {None: -1}
    said = [numbers.setdefault(line, len(numbers)) for line in window]
    told = [numbers.setdefault(line, len(numbers)) for line in ending]
    for count in range(min(len(said), len(told)), 0, -1):
        telling = _tells(ending[-count:]) or (whole and count == len(ending))
        if telling and _agree(said[:count], told[-count:]):
            return count
    return 0


def repeats(window: Sequence[Line], beginning: Sequence[Line | None]) -> bool:
    """Return whether a window is what a log begins with."""
    told = beginning[: len(window)]
    return REPEATED <= len(window) <= len(beginning) and _agree(window, told) and _tells(told)


def _agree(said: Sequence[object], told: Sequence[object]) -> bool:
    if said == told:
        return True
    return (-1 in told or None in told) and all(b in (a, -1, None) for a, b in zip(said, told, strict=True))


def _tells(lines: Sequence[Line | None]) -> bool:
    return sum(len(line.text.encode()) for line in lines if line is not None) >= TELLING
