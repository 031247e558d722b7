"""What a conversation holds, as far as messages that come in are compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from treemem.changes import Log, State
from treemem.contents import origin_of, role_of, spoken_text
from treemem.context import Context
from treemem.filters import FIELDS, Condition
from treemem.forks import cached
from treemem.ingest.messages import ASIDE, BETWEEN, NOTHING, Answered, Spoken
from treemem.ingest.window import Line
from treemem.records import said_at
from treemem.store.protocol import FIRST, LAST

#: How many messages beside a window are read with it: the last one may be deleted, or say nothing.
BESIDE = 4
#: A longer run of missing numbers is a caller's way of numbering, not messages that were erased.
GAP = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that a log holds. What was deleted or says nothing has no `text` that another one could follow."""

    number: int
    memory_id: str
    line: Line
    text: str | None
    deleted: bool = False

    @classmethod
    def of(cls, first: State, last: State) -> Entry:
        """Return the entry of a message by the state that it came in with, and the last one."""
        origin = origin_of(first.fields)
        line = Line(role_of(first.fields), str(first.fields["memory"]), first.fields.get("user_id"), said_at(origin))
        deleted = last.fields["status"] == "deleted"
        text = None if deleted or origin.get("silent") else spoken_text(first.fields)
        return cls(int(last.fields["sequence"]), first.memory_id, line, text, deleted)

    @property
    def spoken(self) -> Spoken | None:
        """The message as one that another can follow, None if none can."""
        return None if self.text is None else Spoken(self.memory_id, self.text, self.line.role)


class Held:
    """The messages of a log, read where they are asked for; `entries` are those that were read, by number."""

    def __init__(self, ctx: Context, log: Log) -> None:
        self._ctx = ctx
        self._log = log
        #: The last number of the log, the messages that the caller does not see included; 0 of an empty one.
        self.end = 0
        #: The last number of messages of nobody, which whoever reads the log sees among its own, where they are no part
        #: of it; 0 if there are none.
        self.end_beside = 0
        self.entries: dict[int, Entry] = {}
        self._ids: set[str] = set()
        self._lines: set[Line] = set()
        self._times: Counter[int] = Counter()
        self._all_read = False

    def read(self, above: int = FIRST, below: int = LAST, *, newest: bool = False, limit: int) -> list[Entry]:
        """Return the first messages with a number between two, or the newest, oldest first."""
        return self._taken(self._states(above, below, newest=newest, limit=limit), limit)

    def _taken(self, found: list[State], limit: int) -> list[Entry]:
        self._all_read = len(found) < limit
        self.end = max(self.end, *(int(state.fields["sequence"]) for state in found), 0)
        entries = self._entered(found)
        for entry in entries:
            self.entries[entry.number] = entry
            self._lines.add(entry.line)
            if entry.line.at is not None and entry.memory_id not in self._ids:
                self._times[entry.line.at] += 1
            self._ids.add(entry.memory_id)
        return entries

    def _states(self, above: int, below: int, *, newest: bool, limit: int) -> list[State]:
        return self._ctx.store.conversation(
            self._ctx.cube, self._log, above=above, below=below, newest=newest, limit=limit, statuses=None
        )

    def read_numbers(self, numbers: Iterable[int]) -> None:
        """Read the messages with these numbers, and what lies between them where they are near."""
        for low, high in _ranges(sorted(set(numbers) - self.entries.keys())):
            self.read(low - 1, high + 1, limit=high - low + 1)

    def ending(self, count: int) -> list[Entry]:
        """Return the last messages, one at least that another can follow if there is one."""
        wanted = count + BESIDE
        beside = self._log.user_id is not None and self._log.session_id is None
        while True:
            found = self._read_with_nobodys(wanted) if beside else self.read(newest=True, limit=wanted)
            beside = False
            if self._all_read or any(e.text is not None for e in found):
                return found
            wanted *= 4

    def _read_with_nobodys(self, limit: int) -> list[Entry]:
        """Return the newest messages of a user; see where those of nobody end."""
        user = self._log.user_id
        log, theirs = Log(self._log.conversation), Condition(FIELDS["user_id"], "in", (user, None))
        found = self._ctx.store.conversation(self._ctx.cube, log, newest=True, limit=limit, statuses=None, where=theirs)
        nobodys = [int(state.fields["sequence"]) for state in found if state.fields.get("user_id") != user]
        self.end_beside = max(0, *nobodys) if nobodys else 0
        return self.read(newest=True, limit=limit) if nobodys else self._taken(found, limit)

    def first_number(self) -> int:
        """Return the first number of a log that is not empty."""
        (first,) = self._states(FIRST, LAST, newest=False, limit=1)
        return int(first.fields["sequence"])

    def known(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Return the entries with these ids."""
        last: dict[str, State] = {}
        for state in self._ctx.store.known(self._ctx.cube, sorted(set(ids))):
            if state.fields.get("conversation_id") == self._log.conversation and "sequence" in state.fields:
                held = last.setdefault(state.memory_id, state)
                if state.valid_from > held.valid_from:
                    last[state.memory_id] = state
        return {entry.memory_id: entry for entry in self._entered(list(last.values()))}

    def _entered(self, found: Sequence[State]) -> list[Entry]:
        """Return the entries of messages that the caller sees, each with the words that came in first."""
        seen = [state for state in found if self._ctx.caller.sees(state)]
        firsts = self._ctx.store.versions(self._ctx.cube, [(s.memory_id, 1) for s in seen if s.version > 1])
        first = {state.memory_id: state for state in firsts}
        return [Entry.of(first.get(s.memory_id, s), s) for s in seen]

    def last_said(self, below: int) -> Spoken | None:
        """Return the last message before a number that another one can follow, of those that were read."""
        said = [e for e in self.entries.values() if e.text is not None and e.number < below]
        last = max(said, key=lambda e: e.number, default=None)
        return None if last is None else last.spoken

    def answered(self, below: int, ending: Sequence[Entry]) -> Answered:
        """Return what a message may answer: the last one of a person or an assistant among those before a number, which
        end with these as far as they were read.
        """
        if self.end and len(ending) <= BETWEEN and not any(map(_speaks, ending)):
            ending = self.read(below=below, newest=True, limit=BETWEEN + 1)
        near = enumerate(ending[: -BETWEEN - 2 : -1])
        return next((Answered(each.spoken, between) for between, each in near if _speaks(each)), NOTHING)

    def says(self, line: Line) -> bool:
        """Return whether such a message is among those that were read."""
        return line in self._lines

    def shares(self, at: int) -> bool:
        """Return whether several messages, of those that were read, have this time."""
        return self._times[at] > 1

    @cached
    def tombstones(self) -> set[str]:
        """The ids of all that was erased from the cube."""
        return {memory_id for memory_id, *_ in self._ctx.store.tombstones(self._ctx.cube)}


def _speaks(entry: Entry) -> bool:
    return entry.text is not None and entry.line.role not in ASIDE


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return runs of numbers that lie together, each by its first and its last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number - runs[-1][1] <= GAP:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
