"""From verbs to change sets: pure planning over what was read, nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem.canonical import Vectors
from treemem.changes import ChangeSet, Content, Edge, EdgeAssert, EdgeType, Entity, NodeKind, State, StateAssert
from treemem.contents import content_of
from treemem.errors import FrozenMemoryError, InvalidInputError, MemoryNotFoundError, UndoRefusedError
from treemem.ingest.entities import entity, titles
from treemem.ingest.terms import mentioned_in
from treemem.store.protocol import Touched
from treemem.temporal import END, format_micros, present
from treemem.text import has_words

#: What every verb but restore refuses to change.
_GONE = frozenset({"deleted"})
#: What restore brings back.
HIDDEN = frozenset({"deleted", "archived", "merged", "expired"})


#: How much more an edge to what a memory is about is worth than one to a name that it says.
TITLE_WEIGHT = 4.0
#: How many names a text is taken to say at most, the first ones: those of passages of an encyclopedia are fewer.
NAMED = 24


def mentions(cube: str, fields: Mapping[str, Any]) -> dict[str, tuple[Entity, float]]:
    """Return the entities that a content mentions, by id, each with the weight of the edge to it.

    They are those listed, those its text names first, and its key, which is what it is about: the strongest.
    """
    names = [*filter(has_words, fields.get("entities", ())), *mentioned_in(fields["memory"], names=NAMED)]
    found = {each.id: (each, 1.0) for each in (entity(cube, n) for n in names)}
    for title in titles(fields.get("key")):
        each = entity(cube, title)
        found[each.id] = (each, TITLE_WEIGHT)
    return found


def creation(
    base: ChangeSet,
    memory_id: str,
    fields: dict[str, Any],
    vectors: Vectors,
    valid_from: int | None,
    valid_to: int,
) -> ChangeSet:
    """Return the change set that creates one memory with its mentions."""
    found = mentions(base.cube, fields)
    return with_rows(
        base,
        states=[StateAssert(memory_id, content_of(fields, vectors), valid_from, valid_to, create=True)],
        edges=[
            EdgeAssert(
                EdgeType.MENTIONS, memory_id, i, NodeKind.ENTITY, weight, valid_from=valid_from, valid_to=valid_to
            )
            for i, (_, weight) in found.items()
        ],
        entities=[each for each, _ in found.values()],
    )


def with_rows(
    base: ChangeSet,
    *,
    states: Iterable[StateAssert] = (),
    edges: Iterable[EdgeAssert] = (),
    entities: Iterable[Entity] = (),
    sources: Iterable[Any] = (),
    expected: Mapping[str, int] | None = None,
) -> ChangeSet:
    """Return `base` (who, when, why) with these rows."""
    return replace(
        base,
        states=tuple(states),
        edges=tuple(edges),
        entities=tuple(entities),
        sources=tuple(sources),
        expected=dict(expected or {}),
    )


def transaction_time(base: ChangeSet, history: Sequence[State]) -> int:
    """Return from when on a change of a memory holds where nothing else is said: after all that was recorded of it."""
    return present(base.now, max((s.recorded_from for s in history), default=base.now))


def known_of(history: Iterable[State]) -> list[State]:
    """Return the states of a history that are known now."""
    return [state for state in history if state.closed_by is None]


def changeable(cube: str, memory_id: str, known: Sequence[State], statuses: frozenset[str] = _GONE) -> list[State]:
    """Return the known segments in order of valid time, or raise if the memory is unknown, frozen or gone."""
    if not known:
        raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {cube!r}; add() makes one")
    if any(s.fields.get("frozen") for s in known):
        raise FrozenMemoryError(f"memory {memory_id!r} is frozen; unfreeze() it before any other change")
    if statuses and all(s.fields["status"] in statuses for s in known):
        raise MemoryNotFoundError(f"memory {memory_id!r} in cube {cube!r} is deleted; restore() it before changing it")
    return sorted(known, key=lambda s: s.valid_from)


def segment_for_update(
    segments: Sequence[State], every: Sequence[State], at: int | None, now: int
) -> tuple[State, int]:
    """Return the segment that an update at `at` builds on, and where the update's validity ends.

    That is the segment that holds at `at`, else the last one before it, else the first one after it; the validity ends
    where the next segment begins, of `every` one that there is.
    """
    point = now if at is None else at
    before = [s for s in segments if s.valid_from <= point]
    after = [s.valid_from for s in every if s.valid_from > point]
    return (before[-1] if before else segments[0]), min(after, default=END)


def segment_at(cube: str, memory_id: str, segments: Sequence[State], at: int | None, now: int) -> State:
    """Return the segment that holds at `at`, or raise MemoryNotFoundError."""
    point = now if at is None else at
    for segment in segments:
        if segment.valid_from <= point < segment.valid_to:
            return segment
    raise MemoryNotFoundError(
        f"memory {memory_id!r} in cube {cube!r} says nothing at {format_micros(point)}; history() shows when it holds, "
        "update() gives it something to say"
    )


def expire(base: ChangeSet, memory_id: str, history: Sequence[State], at: int | None) -> ChangeSet:
    """Return the change set that removes what is known to hold from `at` on."""
    known = changeable(base.cube, memory_id, known_of(history))
    point = transaction_time(base, history) if at is None else at
    if known[0].valid_from >= point:
        raise InvalidInputError(
            f"expire: memory {memory_id!r} begins to hold at {format_micros(known[0].valid_from)}, not before "
            f"{format_micros(point)}; delete() hides it altogether"
        )
    return with_rows(
        base,
        states=[StateAssert(memory_id, None, at)],
        expected={memory_id: max(s.version for s in history)},
    )


def update(
    base: ChangeSet,
    segment: State,
    fields: dict[str, Any],
    vectors: Vectors,
    at: int | None,
    until: int,
    linked: Sequence[Edge],
    last_version: int,
) -> ChangeSet:
    """Return the change set that asserts new content on [at, until) and derives the mentions again."""
    content = content_of(fields, vectors)
    wanted = mentions(base.cube, fields)
    edges = [
        EdgeAssert(e.type, e.source, e.target, e.target_kind, valid_from=at, valid_to=until, remove=True)
        for e in linked
        if e.target not in wanted
    ]
    present = {e.target: e.weight for e in linked}
    fresh = {i: each for i, each in wanted.items() if present.get(i) != each[1]}
    edges += [
        EdgeAssert(EdgeType.MENTIONS, segment.memory_id, i, NodeKind.ENTITY, weight, valid_from=at, valid_to=until)
        for i, (_, weight) in fresh.items()
    ]
    return with_rows(
        base,
        states=[StateAssert(segment.memory_id, content, at, until)],
        edges=edges,
        entities=[each for i, (each, _) in fresh.items() if i not in present],
        expected={segment.memory_id: last_version},
    )


def rewrite(
    base: ChangeSet, kind: str, memory_id: str, history: Sequence[State], some: Sequence[State] | None = None
) -> ChangeSet:
    """Return the change set of delete, archive, restore, freeze or unfreeze for one memory.

    Each known segment, or each of `some`, is asserted again with the new status or flag; one that has it already is
    left as it is.
    """
    known = known_of(history) if some is None else some
    if kind == "unfreeze":
        segments = list(known) or changeable(base.cube, memory_id, known)
    else:
        segments = changeable(base.cube, memory_id, known, frozenset() if kind == "restore" else _GONE)
    asserts = []
    for segment in sorted(segments, key=lambda s: s.valid_from):
        fields = _rewritten(kind, segment, history)
        if fields != segment.fields:
            content = Content(fields, segment.content.vectors, segment.tokens)
            asserts.append(StateAssert(memory_id, content, segment.valid_from, segment.valid_to))
    return with_rows(base, states=asserts, expected={memory_id: max(s.version for s in history)})


def _rewritten(kind: str, segment: State, history: Sequence[State]) -> dict[str, Any]:
    fields = dict(segment.fields)
    if kind == "delete":
        fields["status"] = "deleted"
    elif kind == "archive":
        fields["status"] = "archived"
    elif kind == "restore" and fields["status"] in HIDDEN:
        fields["status"] = _status_before(segment, history)
    elif kind == "freeze":
        fields["frozen"] = True
    elif kind == "unfreeze":
        fields.pop("frozen", None)
    return fields


def _status_before(segment: State, history: Sequence[State]) -> str:
    """Return the status that a hidden segment had before."""
    earlier = [
        s
        for s in history
        if s.version < segment.version
        and s.interval.overlaps(segment.interval)
        and s.fields["status"] not in (segment.fields["status"], "deleted")  # bringing back never hides
    ]
    return str(max(earlier, key=lambda s: s.version).fields["status"]) if earlier else "activated"


def asserted(edge: Edge, valid_from: int, *, remove: bool = False) -> EdgeAssert:
    """Return the assert of an edge as it was read, or of its absence, from `valid_from` on."""
    return EdgeAssert(
        *(edge.type, edge.source, edge.target, edge.target_kind, edge.weight, edge.confidence),
        *(valid_from, edge.valid_to, remove),
        properties=edge.properties,
    )


def undo(base: ChangeSet, operation: str, touched: Touched, last_versions: Mapping[str, int]) -> ChangeSet:
    """Return the change set that closes what an operation opened and opens copies of what it closed.

    Raises UndoRefusedError naming the later operations when any of what it opened is no longer known.
    """
    rows: list[State | Edge] = [*touched.states_opened, *touched.edges_opened]
    later = [row for row in rows if row.closed_by is not None]
    if later:
        names = list(dict.fromkeys(str(row.closed_by) for row in sorted(later, key=lambda row: row.recorded_to)))
        first = min(later, key=lambda row: row.recorded_to)
        raise UndoRefusedError(
            f"operation {operation!r} cannot be undone: {len(names)} later operations stand on it, the first "
            f"{names[0]!r} at {format_micros(first.recorded_to)}; undo them first, newest first",
            names,
        )
    states = [StateAssert(s.memory_id, None, s.valid_from, s.valid_to) for s in touched.states_opened]
    states += [StateAssert(s.memory_id, s.content, s.valid_from, s.valid_to) for s in touched.states_closed]
    edges = [
        asserted(e, e.valid_from, remove=remove)
        for some, remove in ((touched.edges_opened, True), (touched.edges_closed, False))
        for e in some
    ]
    return with_rows(base, states=states, edges=edges, expected=last_versions)
