"""Verbs that tell what happened: history, operations, diff, statistics, checks."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from treemem import checking
from treemem.changes import NodeKind, Operation, State, memory_ends
from treemem.checks import within
from treemem.errors import InvalidInputError, MemoryNotFoundError, OperationNotFoundError
from treemem.filters import passes
from treemem.items import checked_id
from treemem.records import MemoryDiff, MemoryVersion, OperationRecord, Statistics
from treemem.temporal import TimeLike, format_micros, parse_time
from treemem.verbs.session import BATCH, VISIBLE, Session

_MANY = 1_000_000


class AuditVerbs(Session):
    """history, operations, diff, stats, check, content_hash."""

    def history(self, memory_id: str) -> list[MemoryVersion]:
        """Return every state the memory ever had, in the order it was learned, with who, when and why.

        A caller sees its states, and who and why of operations that touched nothing else.
        """
        states = self._history([checked_id(memory_id)])
        if not states:
            raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {self._cube!r}; it has no history")
        ids = {s.opened_by for s in states} | {s.closed_by for s in states if s.closed_by is not None}
        found = self._store.operations(self._cube, ids=sorted(ids), limit=len(ids))
        operations = {o.id: o if self._shows(o) else replace(o, reason=None, actor=None) for o in found}
        return [MemoryVersion.of(state, operations) for state in states]

    def operations(
        self, *, since: TimeLike | None = None, until: TimeLike | None = None, limit: int = 100
    ) -> list[OperationRecord]:
        """Return the audit trail, newest first: who did what, when and why. Times are transaction times.

        A caller sees the operations that touched nothing but what the caller may see.
        """
        within("limit", limit, 1, _MANY)
        found = self._store.operations(
            self._cube,
            since=None if since is None else parse_time(since, "since"),
            until=None if until is None else parse_time(until, "until"),
            limit=limit if self._visible is None else _MANY,
        )
        return [OperationRecord.of(o) for o in islice(filter(self._shows, found), limit)]

    def _shows(self, operation: Operation) -> bool:
        """Return whether the caller may see all that an operation touched."""
        if self._visible is None:
            return True
        parts = self._store.operations(self._cube, part_of=operation.id, limit=_MANY)
        try:
            for one in parts or [operation]:
                self._touched(one.id)
        except OperationNotFoundError:
            return False
        return True

    def diff(self, known_at_1: TimeLike, known_at_2: TimeLike | None = None) -> MemoryDiff:
        """Return what was learned after `known_at_1` up to `known_at_2` (default: now): added, changed, closed.

        The cost grows with what changed in between. Raises InvalidInputError if the times are in the wrong order.
        """
        info = self._store.settled(self._cube)
        first = parse_time(known_at_1, "known_at_1")
        clock = first if info is None else info.clock
        second = clock if known_at_2 is None else parse_time(known_at_2, "known_at_2")
        if first > second:
            raise InvalidInputError(
                f"known_at_1: {format_micros(first)} lies after known_at_2, {format_micros(second)}; swap them"
            )
        ids = sorted(self._changed(first, second))
        before: dict[str, list[State]] = {}
        after: dict[str, list[State]] = {}
        for at, into in ((first, before), (second, after)):
            for state in self._store.known(self._cube, ids, at):
                if passes(self._visible, state):
                    into.setdefault(state.memory_id, []).append(state)
        return MemoryDiff.of(first, second, ids, before, after)

    def _changed(self, first: int, second: int) -> set[str]:
        """Return the memories of which some state was opened or closed after `first`, up to `second`."""
        found: set[str] = set()
        for one in self._store.operations(self._cube, since=first + 1, until=second + 1, parts=True, limit=_MANY):
            touched = self._store.touched(self._cube, one.id)
            found |= {s.memory_id for s in (*touched.states_opened, *touched.states_closed)}
        return found

    def stats(self) -> Statistics:
        """Return how many rows of each kind the cube has, its clock, model and where it lies.

        For a caller: how many it sees now, and the operations that touched nothing else.
        """
        info = self._store.cube(self._cube)
        counts = self._seen_counts() if self._caller else self._store.counts(self._cube)
        return Statistics.of(self._cube, self._store.location, info, counts)

    def _seen_counts(self) -> dict[str, int]:
        ids: list[str] = []
        for page in self._pages(self._moment(None, None), VISIBLE, where=self._visible):
            ids += [state.memory_id for state in page.states]
        shown = set(ids)
        edges = self._edges_at(ids, None, self._moment(None, None), "out")
        edges = [e for e in edges if shown.issuperset(memory_ends(e))]
        ends = {kind: {e.target for e in edges if e.target_kind is kind} for kind in NodeKind}
        return {
            "memories": len(ids),
            "states": sum(len(self._history(ids[i : i + BATCH])) for i in range(0, len(ids), BATCH)),
            "edges": len(edges),
            "entities": len(ends[NodeKind.ENTITY]),
            "sources": len(ends[NodeKind.SOURCE]),
            "operations": len(self.operations(limit=_MANY)),
        }

    def check(self) -> list[str]:
        """Return a line for every broken invariant of the cube; an empty list means that it is sound."""
        self._caller.require_whole_cube("check")
        return checking.check(self._store, self._cube)

    def content_hash(self, *, known_at: TimeLike | None = None) -> str:
        """Return a hash of what the cube says at a transaction time; equal after an undo and between stores."""
        self._caller.require_whole_cube("content_hash")
        return checking.content_hash(
            self._store, self._cube, None if known_at is None else parse_time(known_at, "known_at")
        )
