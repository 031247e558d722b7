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

from treemem.changes import Log, State
from treemem.contents import origin_of, role_of
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.ids import derived_id
from treemem.ingest.messages import Before, Place
from treemem.ingest.window import REPEATED, Line, overlap, repeats
from treemem.read.conversing import as_said
from treemem.store.protocol import FIRST, LAST
from treemem.temporal import parse_time

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
        time = origin.get("chat_time")
        line = Line(
            role_of(said.fields),
            str(said.fields["memory"]),
            said.fields.get("user_id"),
            None if time is None else parse_time(time),
        )
        gone = origin.get("silent") or last.fields["status"] == "deleted"
        return cls(int(said.fields["sequence"]), said.memory_id, line, None if gone else line.text)


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


def placed(ctx: Context, log: Log, given: Sequence[Given], operation: str | None) -> Placement:
    """Return the places of messages in a conversation. Raises InvalidInputError for a number that is another's."""
    return _Placing(ctx, log, given, operation).placement()


class _Placing:
    def __init__(self, ctx: Context, log: Log, given: Sequence[Given], operation: str | None) -> None:
        self._ctx, self._log, self._given, self._operation = ctx, log, given, operation
        self._entries: dict[int, Entry] = {}
        self._found: dict[int, Entry | None] = {}
        self._free: dict[Line, Iterator[str]] = {}
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
        places = self._places(new, end)
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
        return entries

    def _entered(self, found: Sequence[State]) -> list[Entry]:
        return [Entry.of(said, last) for said, last in zip(as_said(self._ctx, found), found, strict=True)]

    def _find_by_number(self) -> None:
        numbers = sorted({one.number for one in self._given if one.number is not None} - self._entries.keys())
        for low, high in _ranges(numbers):
            self._read(low - 1, high + 1, limit=high - low + 1)
        here: dict[int, Line] = {}
        for i, one in enumerate(self._given):
            if one.number is not None and here.setdefault(one.number, one.line) != one.line:
                raise InvalidInputError(f"messages[{i}].sequence: {one.number} comes twice, with different messages")
            entry = None if one.number is None else self._entries.get(one.number)
            if entry is None:
                continue
            if not _same(one.line, entry.line):
                raise InvalidInputError(
                    f"messages[{i}].sequence: {one.number} is another message of conversation "
                    f"{self._log.conversation!r}; leave the number out to have one given"
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
        erased: set[str] = set()
        if self._operation is None and len(known) < len(set(wanted.values())):
            erased = {i for i, *_ in self._ctx.store.tombstones(self._ctx.cube)}
        for i, memory_id in wanted.items():
            entry = known.get(memory_id)
            own = self._given[i].id is not None or self._operation is not None
            if entry is not None and _same(self._given[i].line, entry.line) and (own or not self._shared(entry.line)):
                self._found[i] = entry
            elif memory_id in erased and not own and not self._shared(self._given[i].line):
                self._found[i] = None

    def _known(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of this log with these ids."""
        histories: dict[str, list[State]] = {}
        for state in self._ctx.store.known(self._ctx.cube, sorted(set(ids))):
            if state.fields.get("conversation_id") == self._log.conversation and "sequence" in state.fields:
                histories.setdefault(state.memory_id, []).append(state)
        spans = {i: sorted(states, key=lambda s: s.valid_from) for i, states in histories.items()}
        return {i: Entry.of(states[0], states[-1]) for i, states in spans.items()}

    def _read_beside(self, entries: Iterable[Entry]) -> None:
        """Read the messages from before the first to after the last of these, where they lie together."""
        numbers = sorted({n for e in entries for n in (e.number - 1, e.number, e.number + 1)} - self._entries.keys())
        for low, high in _ranges(numbers):
            self._read(low - 1, high + 1, limit=high - low + 1)

    def _shared(self, line: Line) -> bool:
        """Return whether the time of a message is that of others beside it, and tells nothing therefore."""
        if line.at is not None and self._times[line.at] > 1:
            return True
        found = [e for e in self._entries.values() if e.line.at == line.at]
        return len(found) > 1

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
        if any(one.number is not None or one.id is not None for one in self._given):
            return
        whole = len(ending) < len(lines) + _BESIDE
        told = _with_gaps(ending)
        led = next((i for i, line in enumerate(lines) if line.role not in _LEADING), len(lines))
        count = overlap(lines, _lines(told), whole=whole)
        if count or not led:
            self._found |= dict(enumerate(told[len(told) - count :]))
        else:  # a system prompt leads each window; what comes after it may go on from the end
            start = ending if whole else self._read(limit=led + _BESIDE)
            prompts = {e.line: e for e in (*start, *ending) if e.line.role in _LEADING}
            self._found |= {i: prompts[lines[i]] for i in range(led) if lines[i] in prompts}
            count = overlap(lines[led:], _lines(told), whole=False)
            self._found |= dict(enumerate(told[len(told) - count :], led))
        if not self._found and len(lines) >= REPEATED:
            beginning = told if whole else _with_gaps(self._read(limit=len(lines)))
            if repeats(lines, _lines(beginning)):
                self._found |= dict(enumerate(beginning[: len(lines)]))

    def _places(self, new: Sequence[int], end: int) -> list[Place | None]:
        older = self._older(new)
        first = 0
        if older:
            first = self._read(limit=1)[0].number - len(older)
        places: list[Place | None] = []
        taken: dict[str, Place] = {}
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
                end = number = end + 1
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
        one, cube, log = self._given[i], self._ctx.cube, self._log
        if one.id is not None:
            return one.id
        if self._operation is not None:
            return derived_id(self._operation, i)
        if one.line.at is None or one.number is not None:
            return derived_id("message", cube, log.conversation, one.line.user_id or "", number, *_words(one.line))
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
        return self._lines[line] > 1 or any(e.line == line for e in self._entries.values())


def _timed_id(cube: str, log: Log | None, line: Line, nth: int) -> str:
    """Return the id of the nth message of one time that says this."""
    conversation = "" if log is None else log.conversation
    return derived_id("message", cube, conversation, line.user_id or "", "at", line.at, nth, *_words(line))


def _words(line: Line) -> tuple[str, str]:
    return line.role, line.text


def _same(given: Line, there: Line) -> bool:
    """Return whether a message is one that is there; a time that only one of them has tells nothing."""
    if given.at is None or there.at is None:
        given, there = replace(given, at=None), replace(there, at=None)
    return given == there


def _with_gaps(entries: Sequence[Entry]) -> list[Entry | None]:
    """Return entries with None in the place of each that was erased."""
    found: list[Entry | None] = []
    for before, entry in zip([None, *entries], entries, strict=False):
        if before is not None and 1 < entry.number - before.number <= _GAP:
            found += [None] * (entry.number - before.number - 1)
        found.append(entry)
    return found


def _lines(entries: Sequence[Entry | None]) -> list[Line | None]:
    return [None if entry is None else entry.line for entry in entries]


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return runs of numbers that lie together, each by its first and its last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number - runs[-1][1] <= _GAP:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
