"""TreeTextMemory: every verb builds a change set or a recall and hands it to the store."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from treemem import checking, planning
from treemem.adding import Addition, Progress, write_parts
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Model, NodeKind, Receipt, State
from treemem.config import TreeTextMemoryConfig, from_arguments, open_store
from treemem.contents import embedded_text, fields_of, item_of
from treemem.errors import (
    ConflictError,
    InvalidInputError,
    MemoryNotFoundError,
    OperationNotFoundError,
)
from treemem.items import (
    MEMORY_TYPES,
    STATUSES,
    TextualMemoryItem,
    as_item,
    checked_id,
    checked_text,
)
from treemem.models.embedders import Embedder, MiniLM, checked_vectors
from treemem.records import MemoryPage, MemoryVersion, Neighbour, OperationRecord, Statistics
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.results import SearchResult
from treemem.store.protocol import LIVE, GraphStore
from treemem.temporal import END, Clock, Moment, TimeLike, parse_time, system_clock, to_micros

ATTEMPTS = 64
VISIBLE = tuple(status for status in STATUSES if status != "deleted")
T = TypeVar("T")
MemoryLike = TextualMemoryItem | Mapping[str, Any] | str


class TreeTextMemory:
    """The memory of one cube (a tenant), in an embedded file or in Neo4j. Thread-safe; use it as a context manager.

    >>> with TreeTextMemory.open("example.db") as memory:
    ...     (anna,) = memory.add("Anna moved to Lisbon.", at="2026-05-03")
    ...     memory.get(anna).memory
    'Anna moved to Lisbon.'
    """

    def __init__(
        self,
        config: TreeTextMemoryConfig | None = None,
        *,
        embedder: Embedder | None = None,
        clock: Clock = system_clock,
        store: GraphStore | None = None,
    ) -> None:
        """Open the memory that `config` describes, or one over a `store` that the caller closes."""
        self._config = config or TreeTextMemoryConfig()
        self._cube = checked_id(self._config.cube, "cube")
        self._embedder: Embedder = embedder or MiniLM()
        self._clock = clock
        self._owns_store = store is None
        self._store: GraphStore = open_store(self._config) if store is None else store

    @classmethod
    def open(
        cls,
        store: str | Path | None = None,
        *,
        cube: str | None = None,
        embedder: Embedder | None = None,
        clock: Clock = system_clock,
        user: str | None = None,
        password: str | None = None,
        database: str | None = None,
        timeout: float | None = None,
        actor: str | None = None,
    ) -> TreeTextMemory:
        """Open a memory: a file path for the embedded store, `neo4j://host:7687` for a server, nothing for the default.

        `timeout` is in seconds; `actor` is kept with every operation. Raises ConfigError, StoreError.
        """
        settings = {
            "cube": cube,
            "user": user,
            "password": password,
            "database": database,
            "timeout": timeout,
            "actor": actor,
        }
        return cls(from_arguments(store, settings), embedder=embedder, clock=clock)

    def cube(self, name: str) -> TreeTextMemory:
        """Return the memory of another cube over the same store; closing it leaves the store open."""
        config = self._config.model_copy(update={"cube": checked_id(name, "cube")})
        return TreeTextMemory(config, embedder=self._embedder, clock=self._clock, store=self._store)

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._cube

    @property
    def store(self) -> GraphStore:
        """The store underneath."""
        return self._store

    def close(self) -> None:
        """Release the store's connections if this memory opened them."""
        if self._owns_store:
            self._store.close()

    def __enter__(self) -> TreeTextMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- writing

    def add(
        self,
        memories: MemoryLike | Iterable[MemoryLike],
        *,
        at: TimeLike | None = None,
        until: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Store memories (strings, dicts, items, or an iterable of them) and return their ids, in order.

        They hold in the world from `at` (default: now) until `until` (default: open). `metadata` goes to each. A large
        iterable streams through in parts of at most 1,000 rows; with an `operation_id`, repeating the call after a
        crash does what is left. `progress(done, total or None)` is called after each part.

        Raises InvalidInputError, MemoryExistsError (the id has other content), ModelMismatchError, StoreError.
        """
        many = [memories] if isinstance(memories, (str, Mapping, TextualMemoryItem)) else memories
        if not isinstance(many, Iterable):
            raise InvalidInputError(f"memories: wanted memories or an iterable of them, found {type(many).__name__}")
        span = (None if at is None else parse_time(at, "at"), END if until is None else parse_time(until, "until"))
        base = self._base("add", operation_id, actor, reason)
        addition = Addition(self._cube, self._embedder, base, stable_ids=operation_id is not None)
        groups = addition.from_items(many, span, metadata)
        self._commit_parts(base, groups, progress, len(many) if isinstance(many, Sequence) else None)
        return addition.ids

    def add_messages(
        self,
        messages: Iterable[Mapping[str, Any]],
        *,
        conversation_id: str | None = None,
        replay: bool = False,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Store a conversation: one memory a message, each with the message before as `background`; return the ids.

        A message is a dict with `content` and, optionally, `role`, `name`, `chat_time`, `id` and `metadata`. Messages
        are joined by FOLLOWS, to the names they mention and to their source. With `replay` the `chat_time` is also
        taken as the time the memory learned it, as long as it is not before the cube's last change.
        """
        base = self._base("add_messages", operation_id, actor, reason)
        addition = Addition(self._cube, self._embedder, base, stable_ids=operation_id is not None)
        groups = addition.from_messages(messages, metadata, conversation_id, replay=replay)
        self._commit_parts(base, groups, progress, len(messages) if isinstance(messages, Sequence) else None)
        return addition.ids

    def update(
        self,
        memory_id: str,
        new: MemoryLike | None = None,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **metadata: Any,
    ) -> Receipt:
        """Say that the world changed: from `at` (default: now) to the next known change, the memory says `new`.

        What it said before stays readable with `as_of`. Raises MemoryNotFoundError, FrozenMemoryError, ConflictError.
        """
        checked_id(memory_id)
        start = None if at is None else parse_time(at, "at")
        text, changed = _changes(new, metadata)
        if text is None and not changed:
            raise InvalidInputError("update: give a new text, metadata, or both")

        def plan() -> ChangeSet:
            base = self._base("update", operation_id, actor, reason)
            known = planning.changeable(self._cube, memory_id, self._store.known(self._cube, [memory_id]))
            segment, until = planning.segment_for_update(known, start, base.now)
            item = item_of(replace(segment, embedding=None))
            merged = item.metadata.model_dump(exclude={"embedding"}) | changed
            fields = fields_of(as_item({"id": memory_id, "memory": text or item.memory, "metadata": merged})[0])
            fields["created_at"] = segment.fields["created_at"]
            vector = self._vector_for(fields, segment)
            linked = self._store.edges(
                self._cube,
                [memory_id],
                Moment(base.now, start),
                types=[EdgeType.MENTIONS],
                direction="out",
                statuses=None,
            )
            last = self._last_version(memory_id)
            return planning.update(base, segment, fields, vector, start, until, linked, last)

        return self._commit(plan)

    def delete(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Hide memories from reading and searching; `restore` brings them back, `as_of`/`known_at` still see them."""
        return self._restatus("delete", ids, lambda segment, _: "deleted", operation_id, actor, reason)

    def delete_all(self, *, actor: str | None = None, reason: str | None = None) -> Receipt | None:
        """Hide every memory of the cube; None if there was none."""
        ids = [state.memory_id for page in self._state_pages(Moment(self._now()), VISIBLE) for state in page]
        return self.delete(ids, actor=actor, reason=reason) if ids else None

    def restore(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Bring deleted memories back with the status they had before."""
        return self._restatus("restore", ids, planning.status_before, operation_id, actor, reason)

    def _restatus(
        self,
        kind: str,
        ids: str | Iterable[str],
        status: Callable[[State, Sequence[State]], str],
        operation_id: str | None,
        actor: str | None,
        reason: str | None,
    ) -> Receipt:
        wanted = [checked_id(i) for i in ([ids] if isinstance(ids, str) else ids)]
        if not wanted:
            raise InvalidInputError(f"{kind}: no ids given")
        base = self._base(kind, operation_id, actor, reason)
        gone = frozenset({"deleted"}) if kind == "delete" else frozenset[str]()

        def groups() -> Iterator[ChangeSet]:
            for start in range(0, len(wanted), 100):
                some = wanted[start : start + 100]
                states = self._store.history(self._cube, some)
                for memory_id in dict.fromkeys(some):
                    history = [s for s in states if s.memory_id == memory_id]
                    known = [s for s in history if s.closed_by is None]
                    segments = planning.changeable(self._cube, memory_id, known, gone)
                    segments = [s for s in segments if (s.fields["status"] == "deleted") == (kind == "restore")]
                    if segments:
                        statuses = [status(s, history) for s in segments]
                        last = max(s.version for s in history)
                        yield planning.restatus(base, segments, statuses, last)

        return self._commit_parts(base, groups, None, len(wanted))

    def purge(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Erase memories for good: states, vectors, sources, edges, and entities nothing else mentions.

        A tombstone (id, when, who, why) stays. On the embedded store no byte of the text is left in the file; on
        Neo4j no query reaches it, while its files and transaction logs may keep it until the server reuses or prunes
        them.
        """
        wanted = sorted({checked_id(i) for i in ([ids] if isinstance(ids, str) else ids)})
        known = {s.memory_id for s in self._store.history(self._cube, wanted)}
        missing = [i for i in wanted if i not in known and i not in dict.fromkeys(t[0] for t in self._tombstones())]
        if missing or not wanted:
            raise MemoryNotFoundError(f"no memory {missing[0] if missing else wanted!r} in cube {self._cube!r}")
        base = self._base("purge", operation_id, actor, reason)
        return self._store.purge(
            self._cube, wanted, operation=base.operation, now=base.now, actor=base.actor, reason=reason
        )

    def _tombstones(self) -> list[tuple[str, int, str | None]]:
        return self._store.tombstones(self._cube)

    def link(
        self,
        source: str,
        type: str | EdgeType,
        target: str,
        *,
        weight: float = 1.0,
        confidence: float = 100.0,
        at: TimeLike | None = None,
        until: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Join two memories by a typed edge that holds from `at` (default: now) until `until` (default: open).

        Raises InvalidChangeError if an end is missing or PARENT would get a second parent or a cycle.
        """
        edge = EdgeAssert(
            _memory_edge(type),
            checked_id(source, "source"),
            checked_id(target, "target"),
            NodeKind.MEMORY,
            _within("weight", weight, 0, 1_000_000),
            _within("confidence", confidence, 0, 100),
            None if at is None else parse_time(at, "at"),
            END if until is None else parse_time(until, "until"),
        )
        base = self._base("link", operation_id, actor, reason)
        return self._commit(lambda: planning.with_rows(base, edges=[edge]))

    def unlink(
        self,
        source: str,
        type: str | EdgeType,
        target: str,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Say that an edge no longer holds from `at` (default: now) on. Raises InvalidInputError if there is none."""
        kind, start = _memory_edge(type), None if at is None else parse_time(at, "at")
        base = self._base("unlink", operation_id, actor, reason)
        edge = EdgeAssert(
            kind, checked_id(source, "source"), checked_id(target, "target"), valid_from=start, remove=True
        )
        receipt = self._commit(lambda: planning.with_rows(base, edges=[edge]))
        if not receipt.edges_closed and not receipt.repeated:
            raise InvalidInputError(f"unlink: {source} -{kind}-> {target} does not hold from then on; nothing changed")
        return receipt

    def undo(
        self, operation: str, *, operation_id: str | None = None, actor: str | None = None, reason: str | None = None
    ) -> Receipt:
        """Take an operation back by a new one: close what it opened, open copies of what it closed.

        Undoing the undo brings it back. Raises OperationNotFoundError, and UndoRefusedError naming the later
        operations that stand on it.
        """
        found = self._store.operations(self._cube, ids=[operation])
        if not found:
            raise OperationNotFoundError(f"no operation {operation!r} in cube {self._cube!r}; operations() lists them")
        if found[0].kind == "purge":
            raise InvalidInputError(f"operation {operation!r} erased memories; a purge cannot be undone")
        parts = self._store.operations(self._cube, part_of=operation, limit=1_000_000)
        base = replace(self._base("undo", operation_id, actor, reason), undoes=operation)
        if not parts:
            return self._commit(lambda: self._undo_one(base, operation))
        ordered = sorted(parts, key=lambda p: -int(p.id.rpartition("/")[2]))
        groups = (self._undo_one(base, part.id) for part in ordered)
        return write_parts(self._store, base, groups, None, None, one_each=True)

    def _undo_one(self, base: ChangeSet, operation: str) -> ChangeSet:
        touched = self._store.touched(self._cube, operation)
        ids = {s.memory_id for s in (*touched.states_opened, *touched.states_closed)}
        versions: dict[str, int] = {}
        for state in self._store.history(self._cube, sorted(ids)):
            versions[state.memory_id] = max(state.version, versions.get(state.memory_id, 0))
        return planning.undo(base, operation, touched, versions)

    # ---------------------------------------------------------------- reading

    def get(
        self, memory_id: str, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> TextualMemoryItem:
        """Return one memory as it held at `as_of`, as known at `known_at`. Raises MemoryNotFoundError."""
        found = self.get_by_ids([memory_id], as_of=as_of, known_at=known_at)
        if not found:
            raise MemoryNotFoundError(
                f"no memory {memory_id!r} in cube {self._cube!r} at that moment; history() shows every state"
            )
        return found[0]

    def get_by_ids(
        self, ids: Iterable[str], *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> list[TextualMemoryItem]:
        """Return the memories that hold at the moment, in the order of `ids`; the others are left out."""
        wanted = [checked_id(i) for i in ids]
        moment = self._moment(as_of, known_at)
        states = self._store.states(self._cube, wanted, moment, statuses=VISIBLE, vectors=True)
        return [item_of(state) for state in states]

    def pages(
        self,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = VISIBLE,
        cursor: str | None = None,
        limit: int = 500,
    ) -> Iterator[MemoryPage]:
        """Yield pages of memories in order of id, all at one moment. A page's `cursor` continues after it."""
        moment = self._moment(as_of, known_at)
        after = ""
        if cursor is not None:
            moment, after = _read_cursor(cursor, moment.now)
        _within("limit", limit, 1, 10_000)
        yield from self._raw_pages(moment, _among("statuses", statuses, STATUSES), after, limit, memory_types)

    def _raw_pages(
        self, moment: Moment, statuses: Sequence[str], after: str, limit: int, types: Sequence[str] | None
    ) -> Iterator[MemoryPage]:
        while True:
            page = self._store.pages(
                self._cube,
                moment,
                statuses=statuses,
                memory_types=types and _among("memory_types", types, MEMORY_TYPES),
                after=after,
                limit=limit,
                vectors=True,
            )
            cursor = None if page.cursor is None else f"{page.valid_at},{page.known_at},{page.cursor}"
            if page.states or not after:
                yield MemoryPage(tuple(item_of(s) for s in page.states), cursor)
            if page.cursor is None:
                return
            after, moment = page.cursor, Moment(moment.now, page.valid_at, page.known_at)

    def _state_pages(self, moment: Moment, statuses: Sequence[str]) -> Iterator[Sequence[State]]:
        after = ""
        while True:
            page = self._store.pages(self._cube, moment, statuses=statuses, after=after)
            yield page.states
            if page.cursor is None:
                return
            after, moment = page.cursor, Moment(moment.now, page.valid_at, page.known_at)

    def get_all(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the whole graph at a moment as `{"nodes": [...], "edges": [...]}` of plain, JSON-able values.

        `pages` reads it piece by piece.
        """
        nodes: list[dict[str, Any]] = []
        edges: dict[tuple[Any, ...], dict[str, Any]] = {}
        for page in self.pages(as_of=as_of, known_at=known_at):
            nodes += [item.model_dump(mode="json") for item in page.items]
            moment = self._moment(as_of, known_at)
            for e in self._store.edges(
                self._cube, [i.id for i in page.items], moment, direction="out", statuses=VISIBLE
            ):
                edges[(*e.key, e.valid_from)] = {
                    "source": e.source,
                    "target": e.target,
                    "type": e.type.value,
                    "target_kind": e.target_kind.value,
                    "weight": e.weight,
                    "confidence": e.confidence,
                }
        return {"nodes": nodes, "edges": list(edges.values())}

    def neighbours(
        self,
        memory_id: str,
        *,
        types: Sequence[str | EdgeType] | None = None,
        direction: str = "both",
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> list[Neighbour]:
        """Return the edges at a memory that hold at the moment, each with the memory at its other end.

        `direction` is out, in or both. Entities and sources come as ids without a memory. Strongest first.
        """
        checked_id(memory_id)
        if direction not in ("out", "in", "both"):
            raise InvalidInputError(f"direction: wanted out, in or both, found {direction!r}")
        moment = self._moment(as_of, known_at)
        wanted = None if types is None else [_edge_type(t) for t in types]
        edges = self._store.edges(self._cube, [memory_id], moment, types=wanted, direction=direction)
        others = [e.target if e.source == memory_id else e.source for e in edges]
        ids = sorted({o for o, e in zip(others, edges, strict=True) if o != e.target or e.target_kind == "memory"})
        items = {s.memory_id: item_of(s) for s in self._store.states(self._cube, ids, moment)}
        names = {e.id: e.name for e in self._store.entities(self._cube, others)}
        return [
            Neighbour(
                type=e.type.value,
                direction="out" if e.source == memory_id else "in",
                id=other,
                kind=e.target_kind.value if e.source == memory_id else "memory",
                name=names.get(other),
                item=items.get(other),
                weight=e.weight,
                confidence=e.confidence,
            )
            for e, other in zip(edges, others, strict=True)
        ]

    def history(self, memory_id: str) -> list[MemoryVersion]:
        """Return every state the memory ever had, in the order it was learned, with who, when and why."""
        states = self._store.history(self._cube, [checked_id(memory_id)])
        if not states:
            raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {self._cube!r}; it has no history")
        ids = {s.opened_by for s in states} | {s.closed_by for s in states if s.closed_by is not None}
        operations = {o.id: o for o in self._store.operations(self._cube, ids=sorted(ids), limit=len(ids))}
        return [MemoryVersion.of(state, operations) for state in states]

    def operations(
        self, *, since: TimeLike | None = None, until: TimeLike | None = None, limit: int = 100
    ) -> list[OperationRecord]:
        """Return the audit trail, newest first: who did what, when and why. Times are transaction times."""
        _within("limit", limit, 1, 1_000_000)
        found = self._store.operations(
            self._cube,
            since=None if since is None else parse_time(since, "since"),
            until=None if until is None else parse_time(until, "until"),
            limit=limit,
        )
        return [OperationRecord.of(operation) for operation in found]

    def search(
        self,
        query: str,
        top_k: int = 10,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = LIVE,
        options: SearchOptions | None = None,
    ) -> SearchResult:
        """Return the memories that answer a question best, at most `top_k`, each with score, path and dates.

        Vector and full-text seeds, a walk of two hops over the graph, personalised PageRank; only what held at
        `as_of`, as known at `known_at`, is seen. Raises InvalidInputError.
        """
        from treemem.search.engine import search

        checked_text(query, "query")
        if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInputError(f"top_k: wanted 1 to {MAX_TOP_K}, found {top_k!r}")
        moment = self._moment(as_of, known_at)
        started = time.perf_counter()
        vector = self._embed([query])[0]
        embedded = time.perf_counter() - started
        result = search(
            self._store,
            self._cube,
            query,
            vector,
            moment,
            top_k=top_k,
            memory_types=None if memory_types is None else _among("memory_types", memory_types, MEMORY_TYPES),
            statuses=_among("statuses", statuses, STATUSES),
            options=options or SearchOptions(),
        )
        return replace(result, timings={"embed": embedded, **result.timings})

    def stats(self) -> Statistics:
        """Return how many rows of each kind the cube has, its clock, model and where it lies."""
        info = self._store.cube(self._cube)
        return Statistics.of(self._cube, self._store.location, info, self._store.counts(self._cube))

    def check(self) -> list[str]:
        """Return a line for every broken invariant of the cube; an empty list means that it is sound."""
        return checking.check(self._store, self._cube)

    def content_hash(self, *, known_at: TimeLike | None = None) -> str:
        """Return a hash of what the cube says at a transaction time; equal after an undo and between stores."""
        return checking.content_hash(
            self._store, self._cube, None if known_at is None else parse_time(known_at, "known_at")
        )

    # ---------------------------------------------------------------- inside

    def _now(self) -> int:
        return to_micros(self._clock())

    def _moment(self, as_of: TimeLike | None, known_at: TimeLike | None) -> Moment:
        return Moment(
            self._now(),
            None if as_of is None else parse_time(as_of, "as_of"),
            None if known_at is None else parse_time(known_at, "known_at"),
        )

    def _base(self, kind: str, operation_id: str | None, actor: str | None, reason: str | None) -> ChangeSet:
        operation = str(uuid.uuid4()) if operation_id is None else checked_id(operation_id, "operation_id")
        for name, text in (("actor", actor), ("reason", reason)):
            if text is not None:
                checked_text(text, name)
        return ChangeSet(
            cube=self._cube,
            operation=operation,
            kind=kind,
            now=self._now(),
            actor=actor or self._config.actor,
            reason=reason,
            model=Model(self._embedder.name, self._embedder.dimension),
        )

    def _embed(self, texts: Sequence[str]) -> Any:
        return checked_vectors(self._embedder.embed(texts), len(texts), self._embedder.dimension, self._embedder.name)

    def _vector_for(self, fields: dict[str, Any], segment: State) -> Any:
        if embedded_text(fields) == embedded_text(dict(segment.fields)):
            return segment.content.embedding
        return np.asarray(self._embed([embedded_text(fields)])[0])

    def _last_version(self, memory_id: str) -> int:
        return max(s.version for s in self._store.history(self._cube, [memory_id]))

    def _commit(self, plan: Callable[[], ChangeSet]) -> Receipt:
        """Apply what `plan` plans; plan again, a bounded number of times, when the memory changed meanwhile."""
        for attempt in range(ATTEMPTS):
            try:
                return self._store.apply(plan())
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 20)))
        raise AssertionError("unreachable")

    def _commit_parts(
        self,
        base: ChangeSet,
        groups: Callable[[], Iterable[ChangeSet]] | Iterable[ChangeSet],
        progress: Progress | None,
        total: int | None,
    ) -> Receipt:
        if not callable(groups):
            return write_parts(self._store, base, groups, progress, total)
        for attempt in range(ATTEMPTS):
            try:
                return write_parts(self._store, base, groups(), progress, total)
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 20)))
        raise AssertionError("unreachable")


def _changes(new: MemoryLike | None, metadata: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the new text, or None, and the metadata that an update sets."""
    if new is None or isinstance(new, str):
        return (None if new is None else checked_text(new)), dict(metadata)
    if isinstance(new, Mapping) and "memory" not in new:
        return None, {**dict(new.get("metadata") or {}), **metadata}
    item, _ = as_item(new)
    return item.memory, {**item.metadata.model_dump(exclude_unset=True), **metadata}


def _edge_type(value: str | EdgeType) -> EdgeType:
    try:
        return EdgeType(value)
    except ValueError:
        raise InvalidInputError(f"type: wanted one of {', '.join(EdgeType)}, found {value!r}") from None


def _memory_edge(value: str | EdgeType) -> EdgeType:
    kind = _edge_type(value)
    if kind is EdgeType.MENTIONS:
        raise InvalidInputError("type: MENTIONS is derived from the text; list names in `entities` instead")
    return kind


def _within(name: str, value: float, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidInputError(f"{name}: wanted {low} to {high}, found {value!r}")
    return value


def _among(name: str, values: Sequence[str], allowed: Sequence[str]) -> list[str]:
    many = [values] if isinstance(values, str) else list(values)
    for value in many:
        if value not in allowed:
            raise InvalidInputError(f"{name}: wanted some of {', '.join(allowed)}, found {value!r}")
    if not many:
        raise InvalidInputError(f"{name}: wanted at least one of {', '.join(allowed)}, found none")
    return many


def _read_cursor(cursor: str, now: int) -> tuple[Moment, str]:
    try:
        valid_at, known_at, after = cursor.split(",", 2)
        return Moment(now, int(valid_at), int(known_at)), checked_id(after)
    except (ValueError, InvalidInputError) as error:
        raise InvalidInputError(f"cursor: {cursor!r} did not come from a page") from error
