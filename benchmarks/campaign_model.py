"""The naive model of the campaign: for each memory and edge, pieces of days, each with the operations it was known in.

Days are 0 to DAYS - 1; day DAYS is "now", after all of them. The rules of callers are those of the table "Callers" in
docs/architecture.md, written down a second time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.helpers import day
from treemem import (
    FrozenMemoryError,
    InvalidChangeError,
    InvalidInputError,
    MemoryExistsError,
    MemoryNotFoundError,
    NotAllowedError,
    OperationNotFoundError,
    TreememError,
    UndoRefusedError,
)

DAYS = 6
END = DAYS + 1
CALLERS: list[tuple[str | None, str | None]] = [
    (None, None),
    ("ann", None),
    ("bob", None),
    ("ann", "s1"),
    (None, "s1"),
]
#: How often each verb is called.
VERBS = {
    "add": 20,
    "add_messages": 5,
    "replace_working_memory": 2,
    "update": 16,
    "correct": 8,
    "expire": 6,
    "delete": 6,
    "archive": 4,
    "restore": 6,
    "freeze": 2,
    "unfreeze": 4,
    "link": 8,
    "unlink": 5,
    "undo": 8,
    "purge": 3,
}
BOTH_ENDS = {"SUPERSEDES"}
#: A memory is its id; an edge is (type, source, target), where the target is None if it is no memory.
Key = str | tuple[str, str, str | None]
Refusal = type[TreememError]


@dataclass(frozen=True)
class Says:
    """What a state says, and whose it is."""

    text: str
    user: str | None
    session: str | None
    visibility: str
    status: str = "activated"
    frozen: bool = False
    working: bool = False


@dataclass(eq=False)
class Piece:
    """A value on days [first, end), known from one operation of the cube on until another."""

    first: int
    end: int
    value: Any
    opened: int = -1
    closed: int | None = None


@dataclass
class Call:
    """One call of a verb: what the memory is told, and what the model needs to know of it."""

    verb: str
    caller: int
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    says: tuple[Says, ...] = ()
    first: int = 0
    end: int = END
    kind: str = ""
    tokens: tuple[str, ...] = ()
    touched: set[str] = field(default_factory=set)


class Refused(Exception):
    """The model expects this refusal."""

    def __init__(self, kind: Refusal) -> None:
        super().__init__(kind.__name__)
        self.kind = kind


def sees(caller: tuple[str | None, str | None], says: Says) -> bool:
    user, session = caller
    if caller == (None, None) or says.visibility == "public":
        return True
    mine = says.user is None or says.user == user
    return mine and (says.visibility == "private" or (session is not None and says.session == session))


def owns(caller: tuple[str | None, str | None], says: Says) -> bool:
    return caller == (None, None) or (sees(caller, says) and says.user in (None, caller[0]))


def memories_of(key: Key) -> set[str]:
    return {key} if isinstance(key, str) else {end for end in key[1:] if end is not None}


class Cube:
    """The truth about one cube."""

    def __init__(self, name: str, source: random.Random) -> None:
        self.name = name
        self.random = source
        self.ever: dict[Key, list[Piece]] = {}
        self.ids: list[str] = []
        self.tokens: dict[str, set[str]] = {}
        self.purged: set[str] = set()
        self.times: list[Any] = []
        self.changes: list[tuple[str, list[tuple[Key, Piece]], list[tuple[Key, Piece]]]] = []
        self._draft: dict[Key, list[Piece]] = {}

    # what is known

    def known(self, key: Key) -> list[Piece]:
        """The known pieces in order of days; those of the change that is being made, if it touched them."""
        if key in self._draft:
            return sorted(self._draft[key], key=lambda p: p.first)
        return sorted((p for p in self.ever.get(key, ()) if p.closed is None), key=lambda p: p.first)

    def seen(self, reader: int, moment: int, ids: Iterable[str], known_at: int | None = None) -> dict[str, str]:
        """What a caller reads of these memories on a day, now or as known after an operation."""
        found = {}
        for i in ids:
            for p in self.ever.get(i, ()):
                there = p.closed is None if known_at is None else _known_at(p, known_at)
                holds = there and p.first <= moment < p.end and p.value.status != "deleted"
                if holds and sees(CALLERS[reader], p.value):
                    found[i] = p.value.text
        return found

    def told(self, reader: int, memory_id: str) -> list[str]:
        """The texts of a memory's history as a caller reads it."""
        return sorted(p.value.text for p in self.ever.get(memory_id, ()) if sees(CALLERS[reader], p.value))

    # one change

    def apply(self, call: Call, time: Any) -> Refusal | None:
        """Make the change, or return the refusal that is due."""
        self._draft = {}
        try:
            if call.verb in ("delete", "archive", "restore", "freeze", "unfreeze"):
                self._rewrite(call)
            else:
                getattr(self, f"_{call.verb}")(call)
        except Refused as refusal:
            self._draft = {}
            return refusal.kind
        self._commit(call, time)
        return None

    def put(self, key: Key, first: int, end: int, value: Any) -> None:
        """Say `value`, or nothing, on [first, end): what sticks out of an overlapped piece is said again."""
        rows = self.known(key)
        if value is not None and any(p.first <= first and end <= p.end and p.value == value for p in rows):
            return
        kept = [p for p in rows if p.end <= first or end <= p.first]
        for p in rows:
            if p not in kept:
                for lo, hi in ((p.first, min(p.end, first)), (max(p.first, end), p.end)):
                    if lo < hi:
                        kept.append(Piece(lo, hi, p.value))
        if value is not None:
            kept.append(Piece(first, end, value))
        self._draft[key] = kept

    def _commit(self, call: Call, time: Any) -> None:
        n = len(self.times)
        opened, closed = [], []
        for key, rows in self._draft.items():
            every = self.ever.setdefault(key, [])
            for p in every:
                if p.closed is None and p not in rows:
                    p.closed = n
                    closed.append((key, p))
            for p in rows:
                if p.opened < 0:
                    p.opened = n
                    every.append(p)
                    opened.append((key, p))
            call.touched |= memories_of(key)
        self._draft = {}
        self.times.append(time)
        self.changes.append((call.kwargs["operation_id"], opened, closed))
        if call.verb == "purge":
            self._erase(set(call.ids))
            self.changes.pop()
            self.changes.append(("", [], []))

    def _erase(self, gone: set[str]) -> None:
        for key in [k for k in self.ever if memories_of(k) & gone]:
            del self.ever[key]
        for n, (_, opened, closed) in enumerate(self.changes):
            if any(memories_of(key) & gone for key, _ in opened + closed):
                self.changes[n] = ("", [], [])  # an operation on what was purged is not taken back here
        self.ids = [i for i in self.ids if i not in gone]
        self.purged |= {token for i in gone for token in self.tokens[i]}

    # the rules of callers

    def _seen_known(self, i: str, who: tuple[str | None, str | None]) -> list[Piece]:
        """What a change of a memory starts from: its known pieces that the caller sees, all of them its own."""
        some = [p for p in self.known(i) if sees(who, p.value)]
        if not some:
            raise Refused(MemoryNotFoundError)
        if not all(owns(who, p.value) for p in some):
            raise Refused(NotAllowedError)
        return some

    @staticmethod
    def _changeable(some: list[Piece], gone: bool = True) -> None:
        if any(p.value.frozen for p in some):
            raise Refused(FrozenMemoryError)
        if gone and all(p.value.status == "deleted" for p in some):
            raise Refused(MemoryNotFoundError)

    @staticmethod
    def _signed(who: tuple[str | None, str | None], says: Says) -> Says:
        if who != (None, None):
            if says.user not in (None, who[0]) or (who[1] is not None and says.session not in (None, who[1])):
                raise Refused(NotAllowedError)
            says = replace(says, user=says.user or who[0], session=says.session or who[1])
        for_session = who != (None, None) and who[0] is None
        if for_session and says.visibility == "private":
            raise Refused(InvalidInputError)
        says = replace(says, visibility=says.visibility or ("session" if for_session else "private"))
        if says.visibility == "session" and says.session is None:
            raise Refused(InvalidInputError)
        return says

    # the verbs

    def _create(self, i: str, says: Says, first: int, end: int, mentions: bool) -> None:
        if self.known(i):
            raise Refused(MemoryExistsError)
        self.put(i, first, end, says)
        if mentions:
            self.put(("MENTIONS", i, None), first, end, True)

    def _add(self, call: Call) -> None:
        (i,), says = call.ids, self._signed(CALLERS[call.caller], call.says[0])
        says = replace(says, working=call.kind == "WorkingMemory")
        if call.end <= call.first:
            raise Refused(InvalidInputError)
        self._create(i, says, call.first, call.end, mentions=True)
        self._note(call)

    def _add_messages(self, call: Call) -> None:
        says = [self._signed(CALLERS[call.caller], one) for one in call.says]
        for n, (i, one) in enumerate(zip(call.ids, says, strict=True)):
            self._create(i, one, call.first, END, mentions=False)
            self.put(("DERIVED_FROM", i, None), call.first, END, True)
            if n:
                self.put(("FOLLOWS", i, call.ids[n - 1]), call.first, END, True)
        self._note(call)

    def _replace_working_memory(self, call: Call) -> None:
        who = CALLERS[call.caller]
        says = [self._signed(who, one) for one in call.says]
        for i in sorted(self.ids):
            now = [p for p in self.known(i) if p.first <= DAYS < p.end and p.value.working]
            if now and now[0].value.status != "deleted" and owns(who, now[0].value):
                self._restate(i, self._seen_known(i, who), "delete")
        for i, one in zip(call.ids, says, strict=True):
            self._create(i, replace(one, working=True), DAYS, END, mentions=True)
        self._note(call)

    def _note(self, call: Call) -> None:
        for i, token in zip(call.ids, call.tokens, strict=True):
            self.tokens.setdefault(i, set()).add(token)
            if i not in self.ids:
                self.ids.append(i)

    def _update(self, call: Call) -> None:
        (i,), at, who = call.ids, call.first, CALLERS[call.caller]
        some = self._seen_known(i, who)
        self._changeable(some)
        every = self.known(i)
        if call.verb == "correct":
            held = [p for p in some if p.first <= at < p.end]
            if not held:
                raise Refused(MemoryNotFoundError)
            base, first, end = held[0], held[0].first, held[0].end
        else:
            base = ([p for p in some if p.first <= at] or some[:1])[-1]
            first, end = at, min((p.first for p in every if p.first > at), default=END)
            if not all(owns(who, p.value) for p in every if p.first <= at < p.end):
                raise Refused(NotAllowedError)
        new = replace(base.value, text=call.says[0].text, visibility=call.kind or base.value.visibility)
        if new.visibility == "session" and new.session is None:
            raise Refused(InvalidInputError)
        owner = who[0] is not None and new.user == who[0] and (who[1] is None or new.session in (None, who[1]))
        if who != (None, None) and new.visibility != base.value.visibility and not owner:
            raise Refused(NotAllowedError)
        self.put(i, first, end, new)
        edge = ("MENTIONS", i, None)
        if edge in self.ever and not any(p.first <= first < p.end for p in self.known(edge)):
            self.put(edge, first, end, True)
        self.tokens[i].update(call.tokens)

    _correct = _update

    def _expire(self, call: Call) -> None:
        (i,), who = call.ids, CALLERS[call.caller]
        self._seen_known(i, who)
        every = self.known(i)
        if not all(owns(who, p.value) for p in every if p.end > call.first):
            raise Refused(NotAllowedError)
        self._changeable(every)
        if every[0].first >= call.first:
            raise Refused(InvalidInputError)
        self.put(i, call.first, END, None)

    def _rewrite(self, call: Call) -> None:
        for i in call.ids:
            self._restate(i, self._seen_known(i, CALLERS[call.caller]), call.verb)

    def _restate(self, i: str, some: list[Piece], verb: str) -> None:
        if verb != "unfreeze":
            self._changeable(some, gone=verb != "restore")
        for p in some:
            status = {"delete": "deleted", "archive": "archived", "restore": self._before(i, p)}
            frozen = {"freeze": True, "unfreeze": False}.get(verb, p.value.frozen)
            self.put(i, p.first, p.end, replace(p.value, status=status.get(verb, p.value.status), frozen=frozen))

    def _before(self, i: str, piece: Piece) -> str:
        """The status that a piece is restored to: what it had before it was deleted, or archived."""
        if piece.value.status != "deleted":
            return "activated"
        every = self.ever[i]
        for p in reversed(every[: every.index(piece)]):
            if p.first < piece.end and piece.first < p.end and p.value.status != "deleted":
                return str(p.value.status)
        return "activated"

    def _edge(self, call: Call) -> Key:
        """The edge that is asked for, if the caller may join its ends so."""
        (source, target), who = call.ids, CALLERS[call.caller]
        if who != (None, None):
            ends = {i: [p for p in self.known(i) if sees(who, p.value)] for i in call.ids}
            if not all(ends.values()):
                raise Refused(MemoryNotFoundError)
            wanted = {source, target} if call.kind in BOTH_ENDS else {source}
            if not all(owns(who, p.value) for i in wanted for p in ends[i]):
                raise Refused(NotAllowedError)
        if source == target or source not in self.ids or target not in self.ids:
            raise Refused(InvalidChangeError)
        return (call.kind, source, target)

    def _link(self, call: Call) -> None:
        if call.end <= call.first:
            raise Refused(InvalidInputError)
        self.put(self._edge(call), call.first, call.end, True)

    def _unlink(self, call: Call) -> None:
        key = self._edge(call)
        if not any(p.end > call.first for p in self.known(key)):
            raise Refused(InvalidChangeError)
        self.put(key, call.first, END, None)

    def _undo(self, call: Call) -> None:
        found = [change for change in self.changes if change[0] == call.args[0]]
        if not found:
            raise Refused(OperationNotFoundError)
        _, opened, closed = found[0]
        who = CALLERS[call.caller]
        if who != (None, None):
            self._undoable(opened + closed, who)
        if any(p.closed is not None for _, p in opened):
            raise Refused(UndoRefusedError)
        for key, p in opened:
            self.put(key, p.first, p.end, None)
        for key, p in closed:
            self.put(key, p.first, p.end, p.value)

    def _undoable(self, rows: list[tuple[Key, Piece]], who: tuple[str | None, str | None]) -> None:
        states = [(key, p.value) for key, p in rows if isinstance(key, str)]
        edges = [key for key, _ in rows if not isinstance(key, str)]
        ends = {i for key in edges for i in memories_of(key)} - {i for i, _ in states}
        known = {i: [p.value for p in self.known(i) if sees(who, p.value)] for i in ends}
        if not rows or not all(known.values()) or not all(sees(who, value) for _, value in states):
            raise Refused(OperationNotFoundError)
        theirs = {i for i, some in known.items() if not all(owns(who, value) for value in some)}
        if not all(owns(who, value) for _, value in states) or theirs & {key[1] for key in edges}:
            raise Refused(NotAllowedError)

    def _purge(self, call: Call) -> None:
        who = CALLERS[call.caller]
        every = {i: [p.value for p in self.ever.get(i, ())] for i in call.ids}
        if not all(any(sees(who, value) for value in values) for values in every.values()):
            raise Refused(MemoryNotFoundError)
        if not all(owns(who, value) for values in every.values() for value in values):
            raise Refused(NotAllowedError)
        call.tokens = tuple(sorted({token for i in call.ids for token in self.tokens[i]}))

    # inventing calls

    def invent(self, operation: str, token: Callable[[], str]) -> Call:
        """Return a random call of a random caller."""
        verb = self.random.choices(list(VERBS), list(VERBS.values()))[0]
        if len(self.ids) < 4:
            verb = "add"
        call = Call(verb, self.random.choices(range(5), [4, 2, 2, 2, 1])[0])
        call.kwargs["operation_id"] = operation
        invent = {"correct": "update", "link": "edge", "unlink": "edge"}.get(verb, verb)
        if verb in ("delete", "archive", "restore", "freeze", "unfreeze"):
            invent = "rewrite"
        getattr(self, f"_invent_{invent}")(call, token)
        call.touched |= set(call.ids) & set(self.ids)
        return call

    def _an_id(self) -> str:
        return "nobody" if self.random.random() < 0.02 else self.random.choice(self.ids)

    def _owner(self) -> tuple[dict[str, str], Says]:
        """Metadata that says whose a memory is, often nothing of it, and the same as the model says it."""
        given = {}
        if self.random.random() < 0.2:
            given["user_id"] = self.random.choice(("ann", "bob"))
        if self.random.random() < 0.2:
            given["session_id"] = self.random.choice(("s1", "s2"))
        visibility = self.random.choice(("public", "private", "", "session"))
        if visibility:
            given["visibility"] = visibility
        return given, Says("", given.get("user_id"), given.get("session_id"), visibility)

    def _new(self, call: Call, token: Callable[[], str], name: str) -> Iterator[tuple[dict[str, Any], Says]]:
        """The metadata and the words of as many new memories as the call has ids."""
        call.tokens = tuple(token() for _ in call.ids)
        given, says = self._owner()
        for n, own in enumerate(call.tokens):
            text = f"{name} {n} of {call.kwargs['operation_id']} is {own}"
            one = replace(says, text=text)
            call.says = (*call.says, one)
            yield given, one

    def _invent_add(self, call: Call, token: Callable[[], str]) -> None:
        old = self.ids and self.random.random() < 0.1
        call.ids = (self.random.choice(self.ids) if old else f"m{call.kwargs['operation_id']}",)
        call.first = self.random.randrange(DAYS)
        call.kind = "" if old or self.random.random() < 0.8 else "WorkingMemory"
        for given, says in self._new(call, token, "note"):
            metadata = {**given, "entities": [call.tokens[0].title()]}
            if call.kind:
                metadata["memory_type"] = call.kind
            call.args = ({"id": call.ids[0], "memory": says.text, "metadata": metadata},)
        call.kwargs["at"] = day(call.first)
        if self.random.random() < 0.2:
            call.end = self.random.randrange(DAYS)
            call.kwargs["until"] = day(call.end)

    def _invent_add_messages(self, call: Call, token: Callable[[], str]) -> None:
        name = call.kwargs["operation_id"]
        call.ids, call.first = (f"m{name}a", f"m{name}b"), self.random.randrange(DAYS)
        messages = [
            {"id": i, "content": says.text, "chat_time": day(call.first), "metadata": given}
            for i, (given, says) in zip(call.ids, self._new(call, token, "message"), strict=True)
        ]
        call.args = (messages,)

    def _invent_replace_working_memory(self, call: Call, token: Callable[[], str]) -> None:
        call.ids = tuple(f"m{call.kwargs['operation_id']}{c}" for c in "ab"[: self.random.randrange(3)])
        call.args = (
            [
                {"id": i, "memory": says.text, "metadata": {**given, "entities": [says.text.split()[-1].title()]}}
                for i, (given, says) in zip(call.ids, self._new(call, token, "thought"), strict=True)
            ],
        )

    def _invent_update(self, call: Call, token: Callable[[], str]) -> None:
        call.ids, call.first, call.tokens = (self._an_id(),), self.random.randrange(DAYS), (token(),)
        text = f"now {call.kwargs['operation_id']} says {call.tokens[0]}"
        call.says, call.args = (Says(text, None, None, ""),), (call.ids[0], text)
        call.kwargs |= {"at": day(call.first), "reason": f"because of {call.tokens[0]}"}
        if self.random.random() < 0.2:
            call.kind = call.kwargs["visibility"] = self.random.choice(("public", "private", "session"))

    def _invent_expire(self, call: Call, token: Callable[[], str]) -> None:
        call.ids, call.first = (self._an_id(),), self.random.randrange(DAYS)
        call.args, call.kwargs["at"] = call.ids, day(call.first)

    def _invent_rewrite(self, call: Call, token: Callable[[], str]) -> None:
        ids = {self._an_id() for _ in range(self.random.choice((1, 1, 2)))}
        if call.verb == "restore":
            ids = {i for i in ids if not self._archived_and_deleted(i)} or {"nobody"}
        call.ids = tuple(sorted(ids))
        call.args = (list(call.ids),)

    def _archived_and_deleted(self, i: str) -> bool:
        """Whether a memory is archived and was once deleted: what restoring it should give is not told anywhere."""
        statuses = {p.value.status for p in self.ever.get(i, ())}
        return "deleted" in statuses and any(p.value.status == "archived" for p in self.known(i))

    def _invent_purge(self, call: Call, token: Callable[[], str]) -> None:
        self._invent_rewrite(call, token)

    def _invent_edge(self, call: Call, token: Callable[[], str]) -> None:
        call.kind, call.ids = self.random.choice(("CAUSES", "RELATES_TO", "SUPERSEDES")), (self._an_id(), self._an_id())
        edges = [k for k in self.ever if not isinstance(k, str) and k[2] is not None and k[0] != "FOLLOWS"]
        if call.verb == "unlink" and edges and self.random.random() < 0.8:
            call.kind, source, target = self.random.choice(edges)
            call.ids = (source, str(target))
        call.first = self.random.randrange(DAYS)
        call.args, call.kwargs["at"] = (call.ids[0], call.kind, call.ids[1]), day(call.first)
        if call.verb == "link" and self.random.random() < 0.3:
            call.end = self.random.randrange(DAYS)
            call.kwargs["until"] = day(call.end)

    def _invent_undo(self, call: Call, token: Callable[[], str]) -> None:
        recent = [name for name, _, _ in self.changes[-12:] if name]
        call.args = (self.random.choice([*recent, "none"]),)


def _known_at(piece: Piece, n: int) -> bool:
    return piece.opened <= n and (piece.closed is None or piece.closed > n)
