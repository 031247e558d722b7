"""Verbs that read. Each asks the store at one moment and returns items or records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from treemem.changes import Model
from treemem.contents import item_of
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.filters import Filter, FilterLike, joined, of_types, parse, visible_to
from treemem.items import MEMORY_TYPES, STATUSES, TextualMemoryItem, checked_id, checked_text
from treemem.records import MemoryPage
from treemem.search.context import context_line, rough_tokens
from treemem.search.explain import Stage
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.question import Question
from treemem.search.results import SearchResult
from treemem.search.target import target_of
from treemem.search.timewords import Told, read_time
from treemem.search.when import When, WhenLike, parse_when
from treemem.store.protocol import LIVE, Page
from treemem.temporal import BEGINNING, END, Moment, TimeLike, to_micros
from treemem.text import is_cjk
from treemem.verbs.arguments import among, within
from treemem.verbs.auditing import AuditVerbs
from treemem.verbs.graphing import GraphVerbs
from treemem.verbs.session import VISIBLE

#: The cosine from which a memory is taken for what a question says happened ("before I moved").
_SURE_OF_CLAUSE = 0.4


class ReadVerbs(GraphVerbs, AuditVerbs):
    """get, get_by_ids, get_all, get_working_memory, pages, search, context."""

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
        return [item_of(state) for state in self._states(wanted, moment, vectors=True)]

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
        where = joined(parse(filter), _types(memory_types), self._visible)
        wanted = among("statuses", statuses, STATUSES)
        for page in self._pages(moment, wanted, after, int(limit), where=where, vectors=True):
            if page.states or not after:
                yield MemoryPage(tuple(item_of(s) for s in page.states), _cursor(page))
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

    def search(
        self,
        query: str,
        top_k: int = 10,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        when: WhenLike = "auto",
        include_superseded: bool = False,
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = LIVE,
        cubes: Sequence[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        options: SearchOptions | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """Return the memories that answer a question best, at most `top_k`, each with score, path and dates.

        Vector and full-text seeds, a walk of two hops over the graph, personalised PageRank. What is seen held at
        `as_of`, as known at `known_at`; or at some time of `when` (`When.during(...)`, "before 2025-03-01", "ever");
        or, with `when="auto"`, at the time that the question's words tell ("last week", "before I moved", "used to"),
        preferred and not exclusively, else now. The result's `when` says what was understood.

        A hit that a newer one supersedes, by an edge or by what both say, comes after it and carries `superseded_by`;
        `include_superseded` also brings back what does not hold any more, right behind what took its place.

        `filter` and `memory_types` bind the hits, not the memories walked through. `cubes` are searched instead of this
        one, with one ranking. `user_id` and `session_id` name the caller, who sees nothing that is not theirs to see,
        in hits and paths alike. With `explain`, the result's `explanation` tells what each stage did and took. Raises
        InvalidInputError.
        """
        from treemem.search import engine, several

        checked_text(query, "query")
        if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInputError(f"top_k: wanted 1 to {MAX_TOP_K}, found {top_k!r}")
        moment = self._moment(as_of, known_at)
        given = parse_when(when)
        if as_of is not None and (given is not None or when != "auto"):
            raise InvalidInputError(f"when: {when!r} beside as_of={as_of!r}; give one of them, as_of=t is When.at(t)")
        several_cubes = None if cubes is None else self._reachable(cubes)
        started = time.perf_counter()
        vector = self._embed([query])[0]
        embedded = time.perf_counter() - started
        question = Question(
            text=query,
            vector=vector,
            moment=moment,
            target=target_of(moment, given, None, include_superseded=include_superseded),
            top_k=top_k,
            model=Model(self._embedder.name, self._embedder.dimension),
            filter=joined(parse(filter), _types(memory_types)),
            visible=joined(self._visible, visible_to(user_id, session_id)),
            statuses=tuple(among("statuses", statuses, STATUSES)),
            options=self._options(query, options or SearchOptions()),
            together=include_superseded,
            explain=explain,
        )

        def ask(question: Question) -> SearchResult:
            if several_cubes is None:
                return engine.search(self._store, self._cube, question)
            return several.search(self._store, several_cubes, question)

        if as_of is None and when == "auto":
            told = self._dated(read_time(query, moment.now), question, ask)
            target = target_of(moment, None, told, include_superseded=include_superseded)
            question = replace(question, target=target)
        result = ask(question)
        account = result.explanation and result.explanation.with_stage(Stage("embed", embedded, {}))
        return replace(result, timings={"embed": embedded, **result.timings}, explanation=account)

    def _options(self, query: str, options: SearchOptions) -> SearchOptions:
        foreign = getattr(self._embedder, "english_only", False) and is_cjk(query)
        return options.for_foreign_text() if foreign else options

    def _dated(self, told: Told | None, question: Question, ask: Callable[[Question], SearchResult]) -> Told | None:
        """Return what a question told of its time with the time of what it says happened then, found by searching."""
        if told is None or not told.clause:
            return told
        ever = target_of(question.moment, When.ever(), None, include_superseded=False)
        clause = replace(
            question, text=told.clause, vector=self._embed([told.clause])[0], target=ever, top_k=1, explain=False
        )
        (hit,) = ask(clause).hits or (None,)
        if hit is None or (hit.similarity or 0.0) < _SURE_OF_CLAUSE or hit.metadata.valid_from is None:
            return Told("previous", BEGINNING, question.moment.now, told.words) if told.kind == "before" else None
        at = to_micros(hit.metadata.valid_from)
        return (
            Told(told.kind, BEGINNING, at, told.words) if told.kind == "before" else Told("after", at, END, told.words)
        )

    def context(
        self,
        question: str,
        max_tokens: int = 2_000,
        *,
        count_tokens: Callable[[str], int] = rough_tokens,
        top_k: int = 50,
        **search: Any,
    ) -> str:
        """Return what is known about a question as text for a prompt: one dated line a memory, best first.

        At most `max_tokens` tokens, counted by `count_tokens` (default: a quarter of the UTF-8 bytes, rounded up); a
        memory that does not fit is left out, and shorter ones after it may still fit. Empty if nothing was found.
        `search` goes to `search()`. Raises InvalidInputError.
        """
        within("max_tokens", max_tokens, 1, 10_000_000)
        lines: list[str] = []
        left = float(max_tokens)
        for hit in self.search(question, top_k, **search):
            line = context_line(hit)
            price = count_tokens(line + "\n")
            if price <= left:
                lines.append(line)
                left -= price
        return "\n".join(lines)


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
