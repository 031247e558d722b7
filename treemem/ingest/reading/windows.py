"""Windows: what a language model is given at once. Lines that are to be read, and some before them for context.

A line is a message, a passage of a document or a plain memory; a long one is several lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from treemem.passages import sentences

#: Lines to be read in one window at most, and their characters together: some 1,500 tokens.
MOST_LINES, MOST_CHARACTERS = 20, 6_000
#: Lines shown before a window, and characters of each, its last ones.
MOST_BEFORE, BEFORE_CHARACTERS = 4, 500
#: Who instructs or reports and is no person: nothing that they say is read as somebody's.
UNREAD_ROLES = frozenset({"system", "developer", "tool", "function"})


@dataclass(frozen=True, slots=True)
class Line:
    """Something that somebody said: a text, whose it is, and where it stands.

    `start` is where the text begins within what the memory `memory_id` says at `version`. `said_at` is in
    microseconds. `role` is user, assistant, ..., or "document"; `name` is the speaker's, "" where none is known. One
    that is not `fresh` was read before, or is nobody's saying, and is context alone.
    """

    memory_id: str
    version: int
    text: str
    role: str
    name: str
    said_at: int
    start: int = 0
    fresh: bool = True

    @property
    def speaker(self) -> str:
        """Who says it, as the model is told: a name, else the role."""
        return self.name or self.role


@dataclass(frozen=True, slots=True)
class Window:
    """What one call reads: `lines`, numbered from 1, after those `before` them; and what is `known` already.

    `known` are (id, text) of memories that are near to it.
    """

    lines: tuple[Line, ...]
    before: tuple[Line, ...] = ()
    known: tuple[tuple[str, str], ...] = ()

    def halves(self) -> tuple[Window, Window]:
        """Return the window as two; the first half is before the second one."""
        middle = len(self.lines) // 2
        first, second = self.lines[:middle], self.lines[middle:]
        return replace(self, lines=first), replace(self, lines=second, before=_tail((*self.before, *first)))


def windows_of(lines: Sequence[Line]) -> Iterator[Window]:
    """Yield the windows of lines that belong together, in their order; lines that are not fresh are context alone."""
    before: list[Line] = []
    waiting: list[Line] = []
    size = 0
    for line in (piece for whole in lines for piece in (_tail([whole]) if _is_aside(whole) else pieces(whole))):
        if waiting and _is_aside(line):
            waiting.append(line)
            continue
        full = sum(each.fresh for each in waiting) == MOST_LINES or size + len(line.text) > MOST_CHARACTERS
        if waiting and (full or not line.fresh):
            yield Window(tuple(waiting), _tail(before))
            before, waiting, size = [*before, *waiting], [], 0
        if line.fresh:
            waiting.append(line)
            size += len(line.text)
        else:
            before.append(line)
        before = before[-MOST_BEFORE:]
    if waiting:
        yield Window(tuple(waiting), _tail(before))


def _is_aside(line: Line) -> bool:
    """Return whether a line is shown among the others, and not read."""
    return line.role in UNREAD_ROLES


def pieces(line: Line) -> Iterator[Line]:
    """Yield a line, one that fits no window in pieces that end with a sentence."""
    if len(line.text) <= MOST_CHARACTERS:
        yield line
        return
    start = at = 0
    for sentence in sentences(line.text):
        if at + len(sentence) - start > MOST_CHARACTERS:
            yield _piece(line, start, at)
            start = at
        at += len(sentence)
    yield _piece(line, start, at)


def _piece(line: Line, start: int, end: int) -> Line:
    return replace(line, text=line.text[start:end], start=line.start + start)


def _tail(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the last lines, each as its last characters."""
    found = []
    for line in lines[-MOST_BEFORE:]:
        cut = max(0, len(line.text) - BEFORE_CHARACTERS)
        found.append(_piece(line, cut, len(line.text)))
    return tuple(found)
