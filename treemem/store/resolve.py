"""The algebra that both stores run inside their transaction: from asserts to rows, from known rows to refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, Content, Edge, EdgeAssert, EdgeType, NodeKind, Receipt, State, StateAssert
from treemem.errors import ConflictError, InvalidChangeError, MemoryExistsError
from treemem.store.forest import Forest
from treemem.temporal import END, Interval, carve, format_micros, present

EdgeKey = tuple[EdgeType, str, str, NodeKind]


@dataclass(slots=True)
class Known:
    """What a store knows of everything a change set touches, read under the cube's lock.

    - `versions`: the last version of each touched memory that exists;
    - `states`, `edges`: the known rows (recorded_to = END);
    - `earlier`: every state ever of memories that the change set wants to create;
    - `present`: the entities and sources that exist among the edge targets;
    - `parents`: the known PARENT edges into every memory from which a new parent can be reached upwards;
    - `log_end`: the last number of the change set's log, 0 where it is empty.
    """

    versions: dict[str, int] = field(default_factory=dict)
    states: dict[str, list[State]] = field(default_factory=dict)
    edges: dict[EdgeKey, list[Edge]] = field(default_factory=dict)
    earlier: dict[str, list[State]] = field(default_factory=dict)
    present: set[tuple[NodeKind, str]] = field(default_factory=set)
    parents: list[Edge] = field(default_factory=list)
    log_end: int = 0


@dataclass(slots=True)
class Resolution:
    """The rows to write: states and edges to close, states and edges to open, last versions after it."""

    close_states: list[State] = field(default_factory=list)
    open_states: list[State] = field(default_factory=list)
    close_edges: list[Edge] = field(default_factory=list)
    open_edges: list[Edge] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)

    def receipt(self, operation: str, recorded_at: int) -> Receipt:
        """Return the receipt of an operation that writes these rows."""
        return Receipt(
            operation,
            recorded_at,
            len(self.open_states),
            len(self.close_states),
            len(self.open_edges),
            len(self.close_edges),
        )

    def touched(self) -> list[str]:
        """Return the memories whose edges changed although none of their states did."""
        with_states = {s.memory_id for s in self.open_states} | {s.memory_id for s in self.close_states}
        edges = {e.source for e in self.open_edges} | {e.source for e in self.close_edges}
        return sorted(edges - with_states)


def memory_ids(changes: ChangeSet) -> list[str]:
    """Return every memory id that the change set names, sorted (the order in which locks are taken)."""
    ids = {s.memory_id for s in changes.states} | set(changes.expected)
    for edge in changes.edges:
        ids.add(edge.source)
        if edge.target_kind is NodeKind.MEMORY:
            ids.add(edge.target)
    return sorted(ids)


def check(changes: ChangeSet, known: Known) -> None:
    """Refuse a change set that does not fit what is known.

    Raises ConflictError when an expected version or the end of the log differs, InvalidChangeError for an edge without
    an end.
    """
    if changes.log is not None and changes.log_end not in (None, known.log_end):
        raise ConflictError(
            f"conversation {changes.log.conversation!r} has gone on since the change was planned: its last number was "
            f"{changes.log_end}, and is {known.log_end}"
        )
    wrong = {
        memory_id: (expected, known.versions.get(memory_id, 0))
        for memory_id, expected in changes.expected.items()
        if known.versions.get(memory_id, 0) != expected
    }
    if wrong:
        sample = ", ".join(f"{i} (expected {e}, found {f})" for i, (e, f) in sorted(wrong.items())[:3])
        raise ConflictError(f"{len(wrong)} memories changed since the change was planned: {sample}", wrong)
    for edge in changes.edges:
        if edge.source == edge.target and edge.target_kind is NodeKind.MEMORY:
            raise InvalidChangeError(f"{edge.type}: {edge.source} cannot be linked to itself")
    there = set(known.present)
    there.update((NodeKind.MEMORY, memory_id) for memory_id in known.versions)
    there.update((NodeKind.MEMORY, s.memory_id) for s in changes.states if s.content is not None)
    there.update((NodeKind.ENTITY, e.id) for e in changes.entities)
    there.update((NodeKind.SOURCE, s.id) for s in changes.sources)
    for edge in changes.edges:
        for kind, end in ((NodeKind.MEMORY, edge.source), (edge.target_kind, edge.target)):
            if (kind, end) not in there:
                raise InvalidChangeError(
                    f"{edge.type} from {edge.source} to {edge.target}: there is no {kind} {end!r} in cube "
                    f"{changes.cube!r}; add it first"
                )


def resolve(changes: ChangeSet, known: Known, recorded_at: int) -> Resolution:
    """Return the rows that the change set writes at transaction time `recorded_at`; a time left open begins then, or at
    the time of asking where the cube's clock is far ahead of it.

    Raises InvalidChangeError when PARENT would no longer be a forest or an interval is empty.
    """
    result = Resolution(versions=dict(known.versions))
    since = present(changes.now, recorded_at)
    there = _already_there(changes, known, since)
    states = _numbered([s for s in changes.states if s.memory_id not in there], known.log_end)
    edges = [e for e in changes.edges if e.source not in there]
    _resolve_states(states, known, since, recorded_at, changes.operation, result)
    _resolve_edges(edges, known, since, recorded_at, changes.operation, result)
    _check_forest(known.parents, result)
    return result


def to_create(changes: ChangeSet) -> list[str]:
    """Return the memories that the change set wants to create, sorted."""
    return sorted({s.memory_id for s in changes.states if s.create})


def _already_there(changes: ChangeSet, known: Known, since: int) -> set[str]:
    """Return the memories to create that exist with these very fields; raise MemoryExistsError for other content."""
    there: set[str] = set()
    for ask in changes.states:
        if not ask.create or not known.states.get(ask.memory_id):
            continue  # new, or nothing of it is known any more (its creation was undone)
        if not any(_same_origin(ask, state) for state in known.earlier.get(ask.memory_id, ())):
            raise MemoryExistsError(
                f"memory {ask.memory_id!r} exists in cube {changes.cube!r} with other content; change it with "
                "update(), or add it under another id"
            )
        if not any(_still_said(ask, state) for state in known.states[ask.memory_id]):
            raise MemoryExistsError(
                f"memory {ask.memory_id!r} is in cube {changes.cube!r} already, and is deleted or has ended; restore() "
                "brings it back, update() gives it something to say, or add it under another id"
            )
        begins = min(s.valid_from for s in known.states[ask.memory_id])
        if begins > (since if ask.valid_from is None else ask.valid_from):
            raise MemoryExistsError(
                f"memory {ask.memory_id!r} is in cube {changes.cube!r} already and begins to hold later, at "
                f"{format_micros(begins)}; update() gives it something to say before, or add it under another id"
            )
        there.add(ask.memory_id)
    return there


def _still_said(ask: StateAssert, state: State) -> bool:
    """Return whether a known state is there for whoever adds the memory again: not deleted, and not ended earlier."""
    return state.fields["status"] != "deleted" and state.valid_to >= ask.valid_to


def _same_origin(ask: StateAssert, state: State) -> bool:
    asked = ask.asked
    assert asked is not None
    stored = dict(state.fields)
    for name in ("created_at", "sequence", "status"):  # what it gets where nobody asks for it
        if name not in asked:
            stored.pop(name, None)
    return stored == dict(asked)


def _numbered(asks: list[StateAssert], log_end: int) -> list[StateAssert]:
    """Return the states with those that `append` numbered after the last of the log, in the order planned."""
    numbers = [int(s.content.fields["sequence"]) for s in asks if s.append and s.content is not None]
    late = log_end + 1 - min(numbers, default=log_end + 1)
    if late <= 0:
        return asks
    return [replace(s, content=_later(s.content, late)) if s.append and s.content is not None else s for s in asks]


def _later(content: Content, late: int) -> Content:
    fields = {**content.fields, "sequence": content.fields["sequence"] + late}
    return Content(fields, content.vectors, content.tokens)


def _resolve_states(
    asks: Sequence[StateAssert], known: Known, since: int, recorded_at: int, operation: str, result: Resolution
) -> None:
    closed: dict[tuple[str, int], State] = {}
    working: dict[str, list[State]] = {i: list(rows) for i, rows in known.states.items()}
    for ask in asks:
        start = since if ask.valid_from is None else ask.valid_from
        span = Interval(start, ask.valid_to)
        rows = working.setdefault(ask.memory_id, [])
        content = None if ask.content is None else _dated(ask.content, start)
        if not rows and content is not None:  # nothing of it is known, as of most
            rows.append(_state(ask.memory_id, content, span, recorded_at, operation, result.versions))
            continue
        if content is not None and _covered(rows, span, content):
            continue
        by_version = {row.version: row for row in rows}
        shut, pieces = carve(((row.version, row.interval) for row in rows), span)
        kept = [row for row in rows if row.version not in set(shut)]
        for version in shut:
            if by_version[version].recorded_from != recorded_at or by_version[version].opened_by != operation:
                closed[ask.memory_id, version] = by_version[version]
        opened = [(by_version[version].content, piece) for version, piece in pieces]
        if content is not None:
            opened.append((content, span))
        for what, interval in opened:
            kept.append(_state(ask.memory_id, what, interval, recorded_at, operation, result.versions))
        working[ask.memory_id] = kept
    result.close_states = [closed[key] for key in sorted(closed)]
    result.open_states = sorted(
        (r for rows in working.values() for r in rows if r.recorded_from == recorded_at and r.opened_by == operation),
        key=lambda r: (r.memory_id, r.version),
    )


def _dated(content: Content, start: int) -> Content:
    if content.fields.get("created_at") is not None:
        return content
    return Content({**content.fields, "created_at": start}, content.vectors, content.tokens)


def _covered(rows: Sequence[State], span: Interval, content: Content) -> bool:
    return any(r.valid_from <= span.start and span.end <= r.valid_to and r.content.same(content) for r in rows)


def _state(
    memory_id: str, content: Content, span: Interval, recorded_at: int, operation: str, versions: dict[str, int]
) -> State:
    versions[memory_id] = versions.get(memory_id, 0) + 1
    return State(
        memory_id=memory_id,
        version=versions[memory_id],
        fields=content.fields,
        valid_from=span.start,
        valid_to=span.end,
        recorded_from=recorded_at,
        recorded_to=END,
        opened_by=operation,
        vectors=content.vectors,
        tokens=content.tokens,
    )


def _resolve_edges(
    asks: Sequence[EdgeAssert], known: Known, since: int, recorded_at: int, operation: str, result: Resolution
) -> None:
    closed: dict[tuple[EdgeKey, int], Edge] = {}
    working: dict[EdgeKey, list[Edge]] = {k: list(rows) for k, rows in known.edges.items()}
    for ask in sorted(asks, key=lambda e: not e.remove):
        key = (ask.type, ask.source, ask.target, ask.target_kind)
        span = Interval(since if ask.valid_from is None else ask.valid_from, ask.valid_to)
        rows = working.setdefault(key, [])
        if not rows and not ask.remove:
            rows.append(_edge(key, ask, span, recorded_at, operation))
            continue
        if not ask.remove and any(_same_edge(row, ask, span) for row in rows):
            continue
        by_start = {row.valid_from: row for row in rows}
        shut, pieces = carve(((row.valid_from, row.interval) for row in rows), span)
        if ask.present and not shut:
            raise InvalidChangeError(f"{ask.source} -{ask.type}-> {ask.target} does not hold then; nothing changed")
        kept = [row for row in rows if row.valid_from not in set(shut)]
        for start in shut:
            row = by_start[start]
            if row.recorded_from != recorded_at or row.opened_by != operation:
                closed[key, start] = row
        kept += [_edge(key, by_start[start], piece, recorded_at, operation) for start, piece in pieces]
        if not ask.remove:
            kept.append(_edge(key, ask, span, recorded_at, operation))
        working[key] = kept
    result.close_edges = list(closed.values())
    result.open_edges = [
        r for rows in working.values() for r in rows if r.recorded_from == recorded_at and r.opened_by == operation
    ]


def _edge(key: EdgeKey, like: Edge | EdgeAssert, span: Interval, recorded_at: int, operation: str) -> Edge:
    return Edge(
        *(*key, like.weight, like.confidence, span.start, span.end, recorded_at, END),
        opened_by=operation,
        properties=like.properties,
    )


def _same_edge(row: Edge, ask: EdgeAssert, span: Interval) -> bool:
    return (
        row.valid_from <= span.start
        and span.end <= row.valid_to
        and row.weight == ask.weight
        and row.confidence == ask.confidence
        and (not (row.properties or ask.properties) or canonical_json(row.properties) == canonical_json(ask.properties))
    )


def _check_forest(parents: Iterable[Edge], result: Resolution) -> None:
    """Raise InvalidChangeError if, at any moment, a memory would have two parents or be its own ancestor."""
    opened = [e for e in result.open_edges if e.type is EdgeType.PARENT]
    if not opened:
        return
    gone = {(e.key, e.valid_from) for e in result.close_edges}
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in [e for e in parents if (e.key, e.valid_from) not in gone] + opened:
        into[edge.target].append(edge)
    sound = _is_forest(into)
    for edge in opened:
        for other in into[edge.target]:
            if other.source != edge.source and other.interval.overlaps(edge.interval):
                raise InvalidChangeError(
                    f"PARENT: {edge.target} already has the parent {other.source} from "
                    f"{format_micros(other.valid_from)} to {format_micros(other.valid_to)}; unlink it first",
                    (edge.target, other.source),
                )
        if not sound:
            _refuse_cycle(edge, into)


def _is_forest(into: Mapping[str, Sequence[Edge]]) -> bool:
    """Return whether the edges are a forest even if all of them held at once: then they are one at every moment."""
    forest = Forest()
    return all(forest.refuses(edge.source, edge.target) is None for edges in into.values() for edge in edges)


def _refuse_cycle(edge: Edge, into: Mapping[str, Sequence[Edge]]) -> None:
    frontier = [(edge.source, edge.interval)]
    while frontier:
        node, span = frontier.pop()
        if node == edge.target:
            raise InvalidChangeError(
                f"PARENT: {edge.source} lies below {edge.target}, which cannot become its child; "
                "a memory is never its own ancestor",
                (edge.source, edge.target),
            )
        for up in into.get(node, ()):
            if up.interval.overlaps(span):
                frontier.append((up.source, Interval(max(up.valid_from, span.start), min(up.valid_to, span.end))))


def parent_targets(changes: ChangeSet) -> tuple[list[str], list[str]]:
    """Return (children, parents) of the PARENT edges that are asserted: where the forest has to be read."""
    asked = [e for e in changes.edges if e.type is EdgeType.PARENT and not e.remove]
    return sorted({e.target for e in asked}), sorted({e.source for e in asked})
