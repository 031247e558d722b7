"""Where messages stand in their conversation: which of them it holds already, and ids and numbers of the others.

A message is known again by its id, by its number, or by its time, where that is not shared with its neighbours; the
others by the window they come in (see `treemem.ingest.window`). In a call with an operation id all are new that have no
id or number: a call that is repeated is known by the operation.
"""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import time
from functools import cached_property
from itertools import pairwise

from treemem.changes import Log, State
from treemem.contents import origin_of, role_of
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.ids import derived_id
from treemem.ingest.messages import Before, Place
from treemem.ingest.window import REPEATED, Line, overlap, repeats
from treemem.records import said_at
from treemem.store.protocol import FIRST, LAST
from treemem.temporal import from_micros
from treemem.zones import local

#: How many messages beside a window are read with it: the last one may be deleted, or say nothing.
_BESIDE = 4
#: Who speaks at the beginning of each window, whatever part of the conversation it holds.
_LEADING = ("system", "developer")
#: How many ids of equal messages are looked up at once.
_IDS = 64
#: A longer run of missing numbers is a caller's way of numbering, not messages that were erased.
_GAP = 20


@dataclass(frozen=True, slots=True)
class Given:
    """A message of a call as it is placed: what it says, the id and the number that it came with."""

    line: Line
    id: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that a log holds. What was deleted or says nothing has no `text` that another one could follow."""

    number: int
    memory_id: str
    line: Line
    text: str | None

    @classmethod
    def of(cls, said: State, last: State) -> Entry:
        """Return the entry of a message by the state that it was said with, and the last one."""
        origin = origin_of(said.fields)
        line = Line(role_of(said.fields), str(said.fields["memory"]), said.fields.get("user_id"), said_at(origin))
        gone = origin.get("silent") or last.fields["status"] == "deleted"
        return cls(int(last.fields["sequence"]), said.memory_id, line, None if gone else line.text)


@dataclass(frozen=True, slots=True)
class Placement:
    """A place for each message, None for one that was erased; what the first of them follows; the log and its end."""

    places: tuple[Place | None, ...]
    before: Before | None = None
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
        self._entries: dict[int, Entry] = {}
        self._found: dict[int, Entry | None] = {}
        self._free: dict[Line, Iterator[str]] = {}
        self._read_ids: set[str] = set()
        self._there: set[Line] = set()
        self._at: Counter[int] = Counter()
        self._ghosts: dict[int, Line] = {}
        self._lines = Counter(one.line for one in given)
        self._times = Counter(one.line.at for one in given if one.line.at is not None)

    def placement(self) -> Placement:
        ending = self._ending()
        self._find_by_number()
        self._find_by_id()
        if self._operation is None:
            self._find_by_window(ending)
        new = [i for i in range(len(self._given)) if i not in self._found]
        end = max(0, ending[-1].number) if ending else 0
        places = self._places(new, max(end, *self._ghosts, 0))
        first = next((p for p in places if p is not None and not p.there and not p.older), None)
        below = None if first is None or first.append else first.number
        return Placement(tuple(places), self._last_said(LAST if below is None else below), self._log, end)

    def _last_said(self, below: int) -> Before | None:
        """Return the last message before a number that another one can follow, of those that were read."""
        said = [e for e in self._entries.values() if e.text is not None and e.number < below]
        last = max(said, key=lambda e: e.number, default=None)
        return None if last is None or last.text is None else (last.memory_id, last.text)

    def _ending(self) -> list[Entry]:
        """Return the last messages of the log, one at least that another can follow if there is one."""
        wanted = len(self._given) + _BESIDE
        while True:
            found = self._read(newest=True, limit=wanted)
            if len(found) < wanted or any(e.text is not None for e in found):
                return found
            wanted *= 4

    def _read(self, above: int = FIRST, below: int = LAST, *, newest: bool = False, limit: int) -> list[Entry]:
        found = self._ctx.store.conversation(
            self._ctx.cube, self._log, above=above, below=below, newest=newest, limit=limit, statuses=None
        )
        entries = self._entered(found)
        self._entries |= {e.number: e for e in entries}
        self._at.update(e.line.at for e in entries if e.memory_id not in self._read_ids and e.line.at is not None)
        self._there.update(e.line for e in entries)
        self._read_ids.update(e.memory_id for e in entries)
        return entries

    def _entered(self, found: Sequence[State]) -> list[Entry]:
        """Return the entries of messages that the caller sees, each with the words that came in first."""
        seen = [state for state in found if self._ctx.caller.sees(state)]
        firsts = self._ctx.store.versions(self._ctx.cube, [(s.memory_id, 1) for s in seen if s.version > 1])
        first = {state.memory_id: state for state in firsts}
        return [Entry.of(first.get(s.memory_id, s), s) for s in seen]

    def _find_by_number(self) -> None:
        numbers = sorted({one.number for one in self._given if one.number is not None} - self._entries.keys())
        for low, high in _ranges(numbers):
            self._read(low - 1, high + 1, limit=high - low + 1)
        here: dict[int, Line] = {}
        for i, one in enumerate(self._given):
            if one.number is None:
                continue
            if here.setdefault(one.number, one.line) != one.line:
                raise NumberTakenError(i, f"sequence: {one.number} comes twice, with different messages")
            entry = self._entries.get(one.number)
            if entry is None:
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
        known = self._known(wanted.values())
        self._read_beside(known.values())
        for i, memory_id in wanted.items():
            entry, line = known.get(memory_id), self._given[i].line
            own = self._given[i].id is not None or self._operation is not None
            if entry is not None and (own or not self._shared(entry.line)):
                self._found[i] = entry
            elif entry is not None or self._operation is not None or self._shared(line):
                continue
            elif memory_id in self._tombstones:
                self._found[i] = None

    def _known(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of this log with these ids."""
        last: dict[str, State] = {}
        for state in self._ctx.store.known(self._ctx.cube, sorted(set(ids))):
            if state.fields.get("conversation_id") == self._log.conversation and "sequence" in state.fields:
                held = last.setdefault(state.memory_id, state)
                if state.valid_from > held.valid_from:
                    last[state.memory_id] = state
        return {entry.memory_id: entry for entry in self._entered(list(last.values()))}

    def _read_beside(self, entries: Iterable[Entry]) -> None:
        """Read the messages from before the first to after the last of these, where they lie together."""
        numbers = sorted({n for e in entries for n in (e.number - 1, e.number, e.number + 1)} - self._entries.keys())
        for low, high in _ranges(numbers):
            self._read(low - 1, high + 1, limit=high - low + 1)

    def _shared(self, line: Line) -> bool:
        """Return whether the time of a message is that of others beside it, and tells nothing therefore."""
        if line.at is None:
            return False
        alone = len(self._given) == 1 and local(from_micros(line.at)).time() == time.min
        return alone or self._times[line.at] > 1 or self._at[line.at] > 1

    @cached_property
    def _tombstones(self) -> set[str]:
        return {memory_id for memory_id, *_ in self._ctx.store.tombstones(self._ctx.cube)}

    def _find_by_window(self, ending: Sequence[Entry]) -> None:
        """Find the others where the window continues one that was found, or begins with what the log ends with."""
        lines = [one.line for one in self._given]
        if not self._found:
            self._find_overlap(lines, ending)
            return
        for order, step in ((range(1, len(lines)), 1), (range(len(lines) - 2, -1, -1), -1)):
            for i in order:
                near = self._found.get(i - step)
                if i in self._found or near is None or self._given[i].number is not None:
                    continue
                entry = self._entries.get(near.number + step)
                if entry is not None and _same(lines[i], entry.line):
                    self._found[i] = entry

    def _find_overlap(self, lines: Sequence[Line], ending: Sequence[Entry]) -> None:
        # One that came with an id or a number, and was not found by it, is none of those that are there.
        odd = {i for i, one in enumerate(self._given) if one.number is not None or one.id is not None}
        said = [Line("", "", None, i) if i in odd else line for i, line in enumerate(lines)]
        whole = len(ending) < len(lines) + _BESIDE
        told = self._told(ending, lines)
        led = next((i for i, line in enumerate(lines) if line.role not in _LEADING), len(lines))
        count = overlap(*_alike(said, told), whole=whole)
        if count or not led:
            self._find(0, told[len(told) - count :])
        else:  # a system prompt leads each window; what comes after it may go on from the end
            start = ending if whole else self._read(limit=led + _BESIDE)
            prompts = {e.line: e for e in (*start, *ending) if e.line.role in _LEADING}
            self._found |= {i: prompts[lines[i]] for i in range(led) if lines[i] in prompts}
            count = overlap(*_alike(said[led:], told), whole=False)
            self._find(led, told[len(told) - count :])
        if not self._found and len(lines) >= REPEATED:
            beginning = told if whole else self._told(self._read(limit=len(lines)), lines)
            if repeats(*_alike(said, beginning)):
                self._find(0, beginning[: len(lines)])

    def _find(self, start: int, told: Sequence[tuple[int, Line]]) -> None:
        self._found |= {start + i: self._entries.get(number) for i, (number, _) in enumerate(told)}

    def _told(self, entries: Sequence[Entry], lines: Sequence[Line]) -> list[tuple[int, Line]]:
        """Return the numbers and lines of entries, and of what was erased between and beside them, by its tombstone."""
        told = {e.number: e.line for e in entries}
        if entries and self._tombstones:
            numbers = sorted(told)
            near = set(range(numbers[0] - _GAP, numbers[-1] + _GAP))
            near -= {n for a, b in pairwise(numbers) if b - a > _GAP for n in range(a + 1, b)}
            for number in near - told.keys():
                for line in lines:
                    if line.at is None and self._numbered_id(line, number) in self._tombstones:
                        told[number] = self._ghosts[number] = line
        return sorted(told.items())

    def _numbered_id(self, line: Line, number: int) -> str:
        """Return the id of a message without a time of its own, of this number."""
        return derived_id("message", *self._scope(line), number, *_words(line))

    def _scope(self, line: Line) -> tuple[str, ...]:
        return _scope(self._ctx.cube, self._log, line)

    def _places(self, new: Sequence[int], end: int) -> list[Place | None]:
        older = self._older(new)
        first = 0
        if older:
            first = self._read(limit=1)[0].number - len(older)
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
            places[last] = replace(place, next_there=None if after.text is None else after.memory_id)
        return places

    def _place_of(self, i: int) -> Place | None:
        """Return the place of a message that was found. One of an operation is written again, so that the parts of the
        operation are the same when it is repeated; the store sees that it is there.
        """
        entry = self._found[i]
        if entry is None:
            return None
        repeatable = self._operation is not None
        append = repeatable and self._given[i].number is None
        return Place(entry.memory_id, entry.number, append=append, there=not repeatable)

    def _older(self, new: Sequence[int]) -> list[int]:
        """Return the new messages that come before the first one of the log."""
        known = next((i for i, entry in sorted(self._found.items()) if entry is not None), None)
        if not known or self._operation is not None or any(self._given[i].number is not None for i in new):
            return []
        entry = self._found[known]
        assert entry is not None
        if any(i < known for i in self._found) or self._read(limit=1)[0].number != entry.number:
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
            there = self._known(ids) if start or self._repeated(line) else {}
            yield from (memory_id for memory_id in ids if memory_id not in there)

    def _repeated(self, line: Line) -> bool:
        """Return whether such a message, of the same time, may be there or come again."""
        return self._lines[line] > 1 or line in self._there


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


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return runs of numbers that lie together, each by its first and its last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number - runs[-1][1] <= _GAP:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
