"""Where messages stand in their conversation: which of them it holds already, and ids and numbers of the others.

A message is known again by its id, by its number, or by its time, where that is not shared with its neighbours; the
others by the window they come in (see `treemem.ingest.window`). In a call with an operation id all are new that have no
id or number: a call that is repeated is known by the operation.
"""

from __future__ import annotations

import itertools
import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise

from treemem.changes import Log
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.ids import derived_id
from treemem.ingest.messages import NOTHING, Answered, Place, Spoken
from treemem.ingest.window import Line, align, edited
from treemem.store.protocol import LAST
from treemem.write.held import BESIDE, GAP, Entry, Held

#: Who speaks at the beginning of each window, whatever part of the conversation it holds.
_LEADING = ("system", "developer")
#: How many ids of equal messages are looked up at once.
_IDS = 64


@dataclass(frozen=True, slots=True)
class Given:
    """A message of a call as it is placed: what it says, the id and the number that it came with."""

    line: Line
    id: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A place for each message, None for what was erased or deleted; what the first follows and what it may answer; the
    log and its end.
    """

    places: tuple[Place | None, ...]
    before: Spoken | None = None
    answered: Answered = NOTHING
    log: Log | None = None
    end: int = 0


def placed_alone(cube: str, given: Sequence[Given], operation: str | None) -> Placement:
    """Return the places of messages of no conversation: one that has a time is the same wherever it comes again."""
    said: Counter[Line] = Counter()
    places = []
    for position, one in enumerate(given):
        line, nth = one.line, said[one.line]
        said[line] += 1
        if one.id is not None:
            memory_id = one.id
        elif line.at is not None:
            memory_id = _timed_id(cube, None, line, nth)
        else:
            memory_id = str(uuid.uuid4()) if operation is None else derived_id(operation, position)
        places.append(Place(memory_id))
    return Placement(tuple(places))


class NumberTakenError(InvalidInputError):
    """The message at `index` of those given has the number of another one."""

    def __init__(self, index: int, told: str) -> None:
        super().__init__(told)
        self.index = index


def placed(ctx: Context, log: Log, given: Sequence[Given], operation: str | None) -> Placement:
    """Return the places of messages in a conversation. Raises NumberTakenError."""
    return _Placing(ctx, log, given, operation).placement()


class _Placing:
    def __init__(self, ctx: Context, log: Log, given: Sequence[Given], operation: str | None) -> None:
        self._ctx, self._log, self._given, self._operation = ctx, log, given, operation
        self._held = Held(ctx, log)
        self._found: dict[int, Entry | None] = {}
        self._free: dict[Line, Iterator[str]] = {}
        self._erased: set[int] = set()  # those known to be erased by their times
        self._perhaps: set[int] = set()  # those whose given id was erased, if it was in this log
        self._ghosts: set[int] = set()  # the numbers of what was erased, as far as it came again
        self._lines = Counter(one.line for one in given)
        self._times = Counter(one.line.at for one in given if one.line.at is not None)

    def placement(self) -> Placement:
        ending = self._held.ending(len(self._given))
        end = self._held.end
        self._find_by_number()
        self._find_by_id()
        if self._operation is None:
            self._find_by_window(ending)
            self._find_erased(ending)
            if any(entry is not None for entry in self._found.values()):
                self._found |= {i: None for i in self._perhaps if i not in self._found}
        new = [i for i in range(len(self._given)) if i not in self._found]
        places = self._places(new, max(end, self._held.end_beside, *self._ghosts))
        first = next((p for p in places if p is not None and not p.there and not p.older), None)
        number = None if first is None or first.append else first.number
        below = LAST if number is None else number
        return Placement(
            tuple(places),
            self._held.last_said(below),
            self._held.answered(below, ending if number is None else ()),
            self._log,
            end,
        )

    def _find_by_number(self) -> None:
        self._held.read_numbers(one.number for one in self._given if one.number is not None)
        here: dict[int, Line] = {}
        for i, one in enumerate(self._given):
            if one.number is None:
                continue
            if here.setdefault(one.number, one.line) != one.line:
                raise NumberTakenError(i, f"sequence: {one.number} comes twice, with different messages")
            entry = self._held.entries.get(one.number)
            if entry is None:
                own = one.id is not None or self._operation is not None
                if not own and self._numbered_id(one.line, one.number) in self._held.tombstones:
                    self._found[i] = None
                continue
            if not _same(one.line, entry.line):
                raise NumberTakenError(
                    i,
                    f"sequence: {one.number} is another message of conversation {self._log.conversation!r}; leave the "
                    "number out to have one given",
                )
            self._found[i] = entry

    def _find_by_id(self) -> None:
        """Find messages by the ids that they came with, and by those that follow from their times."""
        wanted = {i: one.id for i, one in enumerate(self._given) if one.id is not None and i not in self._found}
        for i, one in enumerate(self._given):
            if i in self._found or one.id is not None or one.number is not None:
                continue
            if self._operation is not None:
                wanted[i] = derived_id(self._operation, i)
            elif one.line.at is not None:
                wanted[i] = _timed_id(self._ctx.cube, self._log, one.line, 0)
        if not wanted:
            return
        known = self._held.known(wanted.values())
        self._held.read_numbers(n for e in known.values() for n in range(e.number - 3, e.number + 4))
        for i, memory_id in wanted.items():
            entry = known.get(memory_id)
            own = self._given[i].id is not None or self._operation is not None
            if entry is not None:
                if own or not self._shared(entry.line):
                    self._found[i] = entry
            elif self._operation is None and memory_id in self._held.tombstones:
                # An id that was given may be another's, who purged it: it is known by the others of its window.
                (self._perhaps if own else self._erased).add(i)
        self._found |= dict.fromkeys(self._erased, None)

    def _shared(self, line: Line) -> bool:
        """Return whether the time of a message is that of others beside it, and tells nothing therefore."""
        if line.at is None:
            return False
        return self._times[line.at] > 1 or self._held.shares(line.at)

    def _find_by_window(self, ending: Sequence[Entry]) -> None:
        """Find the others where the window continues one that was found, or begins with what the log ends with."""
        if not self._found.keys() - self._erased:
            self._find_overlap([i for i in range(len(self._given)) if i not in self._erased], ending)
            return
        for order, step in ((range(len(self._given)), 1), (range(len(self._given) - 1, -1, -1), -1)):
            at: int | None = None  # the number of the one beside
            for i in order:
                if i in self._found:
                    entry = self._found[i]
                    at = entry.number if entry is not None else at and at + step  # what was erased had one too
                    continue
                beside = None if at is None or self._given[i].number is not None else self._held.entries.get(at + step)
                same = beside is not None and _same(self._given[i].line, beside.line)
                at = beside.number if beside is not None and same else None
                if same:
                    self._found[i] = beside

    def _find_overlap(self, places: Sequence[int], ending: Sequence[Entry]) -> None:
        """Find the messages at these positions, which are all but those that are known to be erased."""
        lines = [self._given[i].line for i in places]
        # One that came with an id or a number, and was not found by it, is none of those that are there.
        odd = [self._given[i].number is not None or self._given[i].id is not None for i in places]
        said = [Line("", "", None, i) if odd[i] else line for i, line in enumerate(lines)]
        whole = len(ending) < len(lines) + BESIDE
        told = self._told(ending, lines)
        led = next((i for i, line in enumerate(lines) if line.role not in _LEADING), len(lines))
        found = self._entries_of(align(*_alike(said, told), whole=whole), told)
        if led and 0 not in found:  # a system prompt leads each window, whatever it holds
            start = ending if whole else self._held.read(limit=led + BESIDE)
            prompts = {e.line: e for e in (*start, *ending) if e.line.role in _LEADING}
            found |= {i: prompts[lines[i]] for i in range(led) if lines[i] in prompts}
            if max(found, default=0) < led:
                pairs = align(*_alike(said[led:], told), whole=False)
                found |= self._entries_of({led + i: j for i, j in pairs.items()}, told)
        if not found and not whole:
            beginning = self._told(self._held.read(limit=len(lines) + BESIDE), lines)
            found = self._entries_of(edited(*_alike(said, beginning)), beginning)
        self._found |= {places[i]: entry for i, entry in found.items()}

    def _entries_of(self, pairs: Mapping[int, int], told: Sequence[tuple[int, Line]]) -> dict[int, Entry | None]:
        return {i: self._held.entries.get(told[j][0]) for i, j in pairs.items()}

    def _find_erased(self, ending: Sequence[Entry]) -> None:
        """Find what was erased of a window that is sent again, though another message may have its number since."""
        if not self._found or not ending or not self._held.tombstones:
            return
        known = sorted((i, entry.number) for i, entry in self._found.items() if entry is not None)
        for i, one in enumerate(self._given):
            if i in self._found or (one.id, one.number, one.line.at) != (None, None, None):
                continue
            near = bisect_left(known, (i, 0))
            beside = [known[n] for n in (near - 1, near) if 0 <= n < len(known) and abs(known[n][0] - i) <= GAP]
            numbers = {number for _, at in beside for number in range(at - GAP, at + GAP)}
            if any(self._numbered_id(one.line, number) in self._held.tombstones for number in numbers):
                self._found[i] = None

    def _told(self, entries: Sequence[Entry], lines: Sequence[Line]) -> list[tuple[int, Line]]:
        """Return the numbers and lines of entries, and of what was erased between and beside them, by its tombstone."""
        told = {e.number: e.line for e in entries}
        if entries and self._held.tombstones:
            numbers = sorted(told)
            near = set(range(numbers[0] - GAP, numbers[-1] + GAP))
            near -= {n for a, b in pairwise(numbers) if b - a > GAP for n in range(a + 1, b)}
            for number in near - told.keys():
                for line in lines:
                    if line.at is None and self._numbered_id(line, number) in self._held.tombstones:
                        told[number] = line
                        self._ghosts.add(number)
        return sorted(told.items())

    def _numbered_id(self, line: Line, number: int) -> str:
        """Return the id of a message without a time of its own, of this number."""
        return derived_id("message", *_scope(self._ctx.cube, self._log, line), number, *_words(line))

    def _places(self, new: Sequence[int], end: int) -> list[Place | None]:
        older = self._older(new)
        first = 0
        if older:
            first = self._held.first_number() - len(older)
        places: list[Place | None] = []
        taken: dict[str, Place] = {}
        numbered = {one.number for one in self._given}
        for i, one in enumerate(self._given):
            if i in self._found:
                places.append(self._place_of(i))
                continue
            if one.id in taken:  # comes twice in this call
                places.append(replace(taken[one.id], there=True))
                continue
            append = one.number is None and i not in older
            if one.number is not None:
                number = one.number
                end = max(end, number)
            elif append:
                end += 1
                while end in numbered:
                    end += 1
                number = end
            else:
                number, first = first, first + 1
            memory_id = self._id(i, number, taken.keys())
            taken[memory_id] = Place(memory_id, number, append=append, older=i in older)
            places.append(taken[memory_id])
        if older:
            last, after = older[-1], self._found[older[-1] + 1]
            place = places[last]
            assert place is not None
            assert after is not None
            places[last] = replace(place, next_there=after.spoken)
        return places

    def _place_of(self, i: int) -> Place | None:
        """Return the place of a message that was found. One of an operation is written again, so that the parts of the
        operation are the same when it is repeated; the store sees that it is there.
        """
        entry = self._found[i]
        repeatable = self._operation is not None
        if entry is None or (entry.deleted and not repeatable):
            return None
        append = repeatable and self._given[i].number is None
        return Place(entry.memory_id, entry.number, append=append, there=not repeatable)

    def _older(self, new: Sequence[int]) -> list[int]:
        """Return the new messages that come before the first one of the log."""
        known = next((i for i, entry in sorted(self._found.items()) if entry is not None), None)
        if not known or self._operation is not None or any(self._given[i].number is not None for i in new):
            return []
        entry = self._found[known]
        assert entry is not None
        if any(i < known for i in self._found) or self._held.first_number() != entry.number:
            return []
        return list(range(known))

    def _id(self, i: int, number: int, taken: Set[str]) -> str:
        one = self._given[i]
        if one.id is not None:
            return one.id
        if self._operation is not None:
            return derived_id(self._operation, i)
        if one.line.at is None or one.number is not None:
            return self._numbered_id(one.line, number)
        if one.line not in self._free:
            self._free[one.line] = self._free_ids(one.line)
        return next(memory_id for memory_id in self._free[one.line] if memory_id not in taken)

    def _free_ids(self, line: Line) -> Iterator[str]:
        """Yield ids for messages of one time that say the same, without those that are there."""
        for start in itertools.count(0, _IDS):
            ids = [_timed_id(self._ctx.cube, self._log, line, n) for n in range(start, start + _IDS)]
            there = self._held.known(ids) if start or self._repeated(line) else {}
            yield from (memory_id for memory_id in ids if memory_id not in there)

    def _repeated(self, line: Line) -> bool:
        """Return whether such a message, of the same time, may be there or come again."""
        return self._lines[line] > 1 or self._held.says(line)


def _timed_id(cube: str, log: Log | None, line: Line, nth: int) -> str:
    """Return the id of the nth message of one time that says this."""
    return derived_id("message", *_scope(cube, log, line), "at", line.at, nth, *_words(line))


def _scope(cube: str, log: Log | None, line: Line) -> tuple[str, ...]:
    conversation, session = ("", None) if log is None else (log.conversation, log.session_id)
    return (cube, conversation, line.user_id or "", *(() if session is None else (session,)))


def _words(line: Line) -> tuple[str, str]:
    return line.role, line.text


def _same(given: Line, there: Line) -> bool:
    """Return whether a message is one that is there; a time that only one of them has tells nothing."""
    if given.at is None or there.at is None:
        given, there = replace(given, at=None), replace(there, at=None)
    return given == there


def _alike(said: Sequence[Line], told: Sequence[tuple[int, Line]]) -> tuple[list[Line], list[Line]]:
    """Return the lines of both, without times where one of them has none."""
    window, ending = list(said), [line for _, line in told]
    if all(line.at is None or not line.role for line in window) or all(line.at is None for line in ending):
        window = [replace(line, at=None) if line.role else line for line in window]
        ending = [replace(line, at=None) for line in ending]
    return window, ending
