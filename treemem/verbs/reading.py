"""Verbs that read. Each asks the store at one moment and returns items or records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from treemem.checks import among, within
from treemem.contents import item_of
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.filters import FilterLike, joined, parse
from treemem.items import STATUSES, TextualMemoryItem, checked_id
from treemem.records import MemoryPage
from treemem.store.protocol import Page
from treemem.temporal import Moment, TimeLike
from treemem.verbs.arguments import types_filter
from treemem.verbs.auditing import AuditVerbs
from treemem.verbs.graphing import GraphVerbs
from treemem.verbs.session import VISIBLE


class ReadVerbs(GraphVerbs, AuditVerbs):
    """get, get_by_ids, get_all, get_working_memory, pages."""

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
        items = [item_of(state) for state in self._states(wanted, moment, vectors=True)]
        return list(self._with_backgrounds(items, moment))

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
        where = joined(parse(filter), types_filter(memory_types), self._visible)
        wanted = among("statuses", statuses, STATUSES)
        for page in self._pages(moment, wanted, after, int(limit), where=where, vectors=True):
            if page.states or not after:
                items = [item_of(s) for s in page.states]
                pinned = Moment(moment.now, page.valid_at, page.known_at)
                yield MemoryPage(tuple(self._with_backgrounds(items, pinned)), _cursor(page))
            after = page.cursor or after

    def get_working_memory(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> list[TextualMemoryItem]:
        """Return the working memory, in order of id."""
        pages = self.pages(as_of=as_of, known_at=known_at, memory_types=["WorkingMemory"])
        return [item for page in pages for item in page.items]

    def get_all(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the whole graph at a moment as `{"nodes": [...], "edges": [...]}` of plain, JSON-able values.

        `pages` reads it piece by piece.
        """
        nodes: list[dict[str, Any]] = []
        edges: dict[tuple[Any, ...], dict[str, Any]] = {}
        asked = self._moment(as_of, known_at)
        for page in self._pages(asked, VISIBLE, where=self._visible, vectors=True):
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
        shown = {node["id"] for node in nodes}
        kept = [e for e in edges.values() if e["target_kind"] != "memory" or e["target"] in shown]
        return {"nodes": nodes, "edges": kept}


def _cursor(page: Page) -> str | None:
    return None if page.cursor is None else f"{page.valid_at},{page.known_at},{page.cursor}"


def _read_cursor(cursor: str, now: int) -> tuple[Moment, str]:
    try:
        valid_at, known_at, after = cursor.split(",", 2)
        return Moment(now, int(valid_at), int(known_at)), checked_id(after)
    except (ValueError, InvalidInputError) as error:
        raise InvalidInputError(f"cursor: {cursor!r} did not come from a page") from error
