"""Verbs that read. Each asks the store at one moment and returns items or records."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from treemem import checking
from treemem.changes import EdgeType, Model
from treemem.contents import item_of
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.filters import Filter, FilterLike, joined, of_types, parse
from treemem.items import MEMORY_TYPES, STATUSES, TextualMemoryItem, checked_id, checked_text
from treemem.records import MemoryPage, MemoryVersion, Neighbour, OperationRecord, Statistics
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.results import SearchResult
from treemem.store.protocol import LIVE, Page
from treemem.temporal import Moment, TimeLike, parse_time
from treemem.verbs.arguments import among, edge_type, within
from treemem.verbs.session import VISIBLE, Session


class ReadVerbs(Session):
    """get, get_by_ids, get_all, pages, neighbours, history, operations, search, stats, check, content_hash."""

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
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = VISIBLE,
        cursor: str | None = None,
        limit: int = 500,
    ) -> Iterator[MemoryPage]:
        """Yield pages of the memories that pass `filter`, in order of id, all at one moment.

        A page's `cursor` continues after it.
        """
        moment = self._moment(as_of, known_at)
        after = ""
        if cursor is not None:
            moment, after = _read_cursor(cursor, moment.now)
        within("limit", limit, 1, 10_000)
        where = joined(parse(filter), _types(memory_types))
        wanted = among("statuses", statuses, STATUSES)
        for page in self._pages(moment, wanted, after, int(limit), where=where, vectors=True):
            if page.states or not after:
                yield MemoryPage(tuple(item_of(s) for s in page.states), _cursor(page))
            after = page.cursor or after

    def get_all(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the whole graph at a moment as `{"nodes": [...], "edges": [...]}` of plain, JSON-able values.

        `pages` reads it piece by piece.
        """
        nodes: list[dict[str, Any]] = []
        edges: dict[tuple[Any, ...], dict[str, Any]] = {}
        asked = self._moment(as_of, known_at)
        for page in self._pages(asked, VISIBLE, vectors=True):
            nodes += [item_of(state).model_dump(mode="json") for state in page.states]
            if not page.states:
                continue
            ids = [state.memory_id for state in page.states]
            moment = Moment(asked.now, page.valid_at, page.known_at)
            for e in self._store.edges(self._cube, ids, moment, direction="out", statuses=VISIBLE):
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
        wanted = None if types is None else [edge_type(t) for t in types]
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
        within("limit", limit, 1, 1_000_000)
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
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = LIVE,
        options: SearchOptions | None = None,
    ) -> SearchResult:
        """Return the memories that answer a question best, at most `top_k`, each with score, path and dates.

        Vector and full-text seeds, a walk of two hops over the graph, personalised PageRank; only what held at
        `as_of`, as known at `known_at`, is seen. `filter` and `memory_types` bind the hits, not the memories walked
        through. Raises InvalidInputError.
        """
        from treemem.search.engine import search

        checked_text(query, "query")
        if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInputError(f"top_k: wanted 1 to {MAX_TOP_K}, found {top_k!r}")
        moment = self._moment(as_of, known_at)
        where = joined(parse(filter), _types(memory_types))
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
            model=Model(self._embedder.name, self._embedder.dimension),
            filter=where,
            statuses=among("statuses", statuses, STATUSES),
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


def _types(memory_types: Sequence[str] | None) -> Filter | None:
    return of_types(None if memory_types is None else among("memory_types", memory_types, MEMORY_TYPES))


def _cursor(page: Page) -> str | None:
    return None if page.cursor is None else f"{page.valid_at},{page.known_at},{page.cursor}"


def _read_cursor(cursor: str, now: int) -> tuple[Moment, str]:
    try:
        valid_at, known_at, after = cursor.split(",", 2)
        return Moment(now, int(valid_at), int(known_at)), checked_id(after)
    except (ValueError, InvalidInputError) as error:
        raise InvalidInputError(f"cursor: {cursor!r} did not come from a page") from error
