"""Verbs that ask: search, context, get_relevant_subgraph."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from treemem.changes import Model
from treemem.checks import among, known_names, within
from treemem.errors import InvalidInputError
from treemem.filters import FilterLike, joined, parse
from treemem.graphs import MemoryGraph
from treemem.items import MEMORY_TYPES, STATUSES, checked_text
from treemem.pieces import beginning
from treemem.search.context import context_line, rough_tokens
from treemem.search.explain import Stage
from treemem.search.finish import DEDUPS, Dedup, Finish, finished
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.question import Question
from treemem.search.results import SearchResult
from treemem.search.target import target_of
from treemem.search.timewords import Told, read_time
from treemem.search.when import When, WhenLike, parse_when
from treemem.store.protocol import LIVE
from treemem.temporal import BEGINNING, END, Moment, TimeLike, to_micros
from treemem.text import QUESTION_READ, is_cjk
from treemem.verbs.arguments import types_filter
from treemem.verbs.graphing import MAX_NODES
from treemem.verbs.reading import ReadVerbs

#: The cosine from which a memory is taken for what a question says happened ("before I moved").
_SURE_OF_CLAUSE = 0.4
MODES = ("fast", "fine")
Ask = Callable[[Question], SearchResult]


class SearchVerbs(ReadVerbs):
    """search, context, get_relevant_subgraph."""

    def search(
        self,
        query: str,
        top_k: int = 10,
        *,
        mode: str = "fast",
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        when: WhenLike = "auto",
        include_superseded: bool = False,
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = LIVE,
        limits: Mapping[str, int] | None = None,
        dedup: Dedup = "none",
        relativity: float | None = None,
        conversation_id: str | None = None,
        cubes: Sequence[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        budget: float | None = None,
        options: SearchOptions | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """Return the memories that answer a question best, at most `top_k`, each with score, path and dates.

        Vector and full-text seeds, a walk of two hops over the graph, personalised PageRank; then the reranker that the
        memory was opened with, if any. With `mode="fine"` its language model splits the question, each part is
        searched, and the hits are reranked, by the language model where there is no other reranker.

        What is seen held at `as_of`, as known at `known_at`; or at some time of `when` (`When.during(...)`,
        "before 2025-03-01", "ever"); or, with `when="auto"`, at the time that the question's words tell ("last week",
        "before I moved", "used to"), preferred and not exclusively, else now. The result's `when` says what was
        understood. A hit comes after a newer one that supersedes it, by an edge or because its speaker says that this
        has changed, and carries `superseded_by`; where the newer one only says another value of the same thing, it
        carries `may_supersede`, and both may be true. `include_superseded` also brings back
        what does not hold any more, right behind what took its place.

        `filter` and `memory_types` bind the hits, not the memories walked through; `limits` is how many hits of a
        memory type there may be ({"UserMemory": 3}). `dedup` leaves out hits that repeat others ("similarity") or
        weighs relevance against repetition ("mmr"). `relativity` is the cosine in [-1, 1] that a hit, or the seed it
        was reached from, must have. Hits of `conversation_id` are preferred. `cubes` are searched instead of this one,
        with one ranking. `user_id` and `session_id` name the caller, who sees nothing that is not theirs to see, in
        hits and paths alike.

        `budget` is in seconds: where they do not suffice, the walk is shorter and a reranker is left out, and the
        result's `degraded` says so. A model that fails never fails the search; `degraded` says that too. With
        `explain`, the result's `explanation` tells what each stage did and took. Raises InvalidInputError, and
        EmbedderError where the question cannot be embedded. Of a question, the model reads what it can, everything else
        the first 10,000 characters.
        """
        if user_id is not None or session_id is not None:
            return self._as_caller(user_id, session_id).search(
                query,
                top_k,
                mode=mode,
                as_of=as_of,
                known_at=known_at,
                when=when,
                include_superseded=include_superseded,
                filter=filter,
                memory_types=memory_types,
                statuses=statuses,
                limits=limits,
                dedup=dedup,
                relativity=relativity,
                conversation_id=conversation_id,
                cubes=cubes,
                budget=budget,
                options=options,
                explain=explain,
            )
        checked_text(query, "query")
        if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInputError(f"top_k: wanted 1 to {MAX_TOP_K}, found {top_k!r}")
        if mode not in MODES:
            raise InvalidInputError(f"mode: wanted one of {', '.join(MODES)}, found {mode!r}")
        if dedup not in DEDUPS:
            raise InvalidInputError(f"dedup: wanted one of {', '.join(DEDUPS)}, found {dedup!r}")
        if budget is not None:
            within("budget", budget, 0, 3_600)
        moment = self._moment(as_of, known_at)
        given = parse_when(when)
        if as_of is not None and (given is not None or when != "auto"):
            raise InvalidInputError(f"when: {when!r} beside as_of={as_of!r}; give one of them, as_of=t is When.at(t)")
        started = time.perf_counter()
        chosen = options or SearchOptions()
        if relativity is not None:
            chosen = replace(chosen, relativity=relativity)
        reranker = self._reranker if mode == "fast" else self._fine_reranker()
        asked = beginning(query.lstrip(), QUESTION_READ)
        question = Question(
            text=asked,
            vector=self._embed_questions([query])[0],
            moment=moment,
            target=target_of(moment, given, None, include_superseded=include_superseded),
            top_k=top_k,
            model=Model(self._embedder.name, self._embedder.dimension),
            filter=joined(parse(filter), types_filter(memory_types)),
            visible=self._visible,
            statuses=tuple(among("statuses", statuses, STATUSES)),
            options=self._options(asked, chosen),
            together=include_superseded,
            explain=explain,
            reads=chosen.rerank if reranker is not None else 0,
            limits=_limits(limits),
            conversation=None if conversation_id is None else checked_text(conversation_id, "conversation_id"),
            vectors=dedup != "none",
            deadline=None if budget is None else started + budget,
        )
        embedded = time.perf_counter() - started
        ask = self._asking(cubes, dated=as_of is None and when == "auto")
        result = ask(question) if mode == "fast" else self._finely(question, ask)
        account = result.explanation and result.explanation.with_stage(Stage("embed", embedded, {}))
        result = replace(result, timings={"embed": embedded, **result.timings}, explanation=account)
        wanted = Finish(top_k, dedup, question.limits)
        result = finished(result, asked, wanted, question.options, reranker, question.deadline)
        self._show_backgrounds(result, moment)
        if self._usage is not None:
            self._usage.note((hit.cube_id or self._cube, hit.id) for hit in result)
        return result

    def _as_caller(self, user_id: str | None, session_id: str | None) -> SearchVerbs:
        """Return the view of a caller; raises NotAllowedError in the view of another."""
        raise NotImplementedError

    def _show_backgrounds(self, result: SearchResult, moment: Moment) -> None:
        """Show the messages among the hits what was said before them, at the moment that the search looked at."""
        for cube in {hit.cube_id or self._cube for hit in result}:
            known_at = moment.known_at
            if known_at is not None and cube != self._cube:
                info = self._store.cube(cube)
                known_at = known_at if info is None else min(known_at, info.clock)
            at = Moment(moment.now, to_micros(result.as_of), known_at)
            self._with_backgrounds([hit for hit in result if (hit.cube_id or self._cube) == cube], at, cube)

    def _asking(self, cubes: Sequence[str] | None, *, dated: bool) -> Ask:
        """Return what answers a question over the cubes; `dated` reads the time from its words."""
        from treemem.search import engine, several

        wanted = None if cubes is None else self._reachable(cubes)

        def ask(question: Question) -> SearchResult:
            if wanted is None:
                return engine.search(self._store, self._cube, question)
            return several.search(self._store, wanted, question)

        def ask_dated(question: Question) -> SearchResult:
            told = self._dated(read_time(question.text, question.moment.now), question, ask)
            target = target_of(question.moment, None, told, include_superseded=question.together)
            return ask(replace(question, target=target))

        return ask_dated if dated else ask

    def _fine_reranker(self) -> Any:
        from treemem.models.rerankers import LLMReranker

        if self._llm is None:
            raise InvalidInputError("mode='fine' asks a language model; open the memory with llm=OpenAILLM(...)")
        return self._reranker or LLMReranker(self._llm)

    def _finely(self, question: Question, ask: Ask) -> SearchResult:
        """Return the hits of the question and of the parts that a language model makes of it."""
        from treemem.search.fine import fused, parts_of

        assert self._llm is not None
        started = time.perf_counter()
        parts: tuple[str, ...] = (question.text,)
        if question.deadline is not None and started >= question.deadline:
            note: str | None = "no time left to split the question"
        else:
            parts, note = parts_of(question.text, self._llm)
        split = time.perf_counter() - started
        vectors = [question.vector, *(self._embed_questions(parts[1:]) if len(parts) > 1 else ())]
        posed = [replace(question, text=t, vector=v) for t, v in zip(parts, vectors, strict=True)]
        result = fused([ask(each) for each in posed])
        account = result.explanation and result.explanation.with_stage(Stage("split", split, {"questions": len(parts)}))
        return replace(
            result,
            timings={"split": split, **result.timings},
            explanation=account,
            degraded=(*((note,) if note else ()), *result.degraded),
        )

    def get_relevant_subgraph(
        self, query: str, top_k: int = 10, depth: int = 1, *, max_nodes: int = 200, **search: Any
    ) -> MemoryGraph:
        """Return the best hits of a search and what lies within `depth` steps of them, with the edges among them.

        The hits are there with score and path, also those that ended before the moment looked at. `plain()` gives
        nodes and edges for drawing, `to_networkx()` a networkx graph. `search` goes to `search()`, but for `cubes`.
        Raises InvalidInputError.
        """
        known_names("get_relevant_subgraph", search, SEARCHED_BY)
        if search.get("cubes") is not None:
            raise InvalidInputError("cubes: a subgraph lies in one cube; call it on memory.cube(name)")
        user_id, session_id = search.pop("user_id", None), search.pop("session_id", None)
        if user_id is not None or session_id is not None:
            view = self._as_caller(user_id, session_id)
            return view.get_relevant_subgraph(query, top_k, depth, max_nodes=max_nodes, **search)
        within("max_nodes", max_nodes, 1, MAX_NODES)
        result = self.search(query, top_k, **search)
        hits = {hit.id: hit for hit in result[:max_nodes]}
        around = self.subgraph(hits, depth, max_nodes=max_nodes, as_of=result.as_of, known_at=result.known_at)
        memories = dict(islice({**hits, **_others(around, list(hits))}.items(), max_nodes))
        edges = tuple(e for e in around.edges if {e.source, e.target} - around.entities.keys() <= memories.keys())
        return replace(around, memories=memories, edges=edges)

    def _options(self, query: str, options: SearchOptions) -> SearchOptions:
        foreign = getattr(self._embedder, "english_only", False) and is_cjk(query)
        return options.for_foreign_text() if foreign else options

    def _dated(self, told: Told | None, question: Question, ask: Callable[[Question], SearchResult]) -> Told | None:
        """Return what a question told of its time with the time of what it says happened then, found by searching."""
        if told is None or not told.clause:
            return told
        ever = target_of(question.moment, When.ever(), None, include_superseded=False)
        vector = self._embed_questions([told.clause])[0]
        clause = replace(question, text=told.clause, vector=vector, target=ever, top_k=1, reads=0, explain=False)
        hit = next(iter(ask(clause)), None)
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

        A line is `- [2025-01-10] Anna lives in Porto. (source: conversation; conversation: c1)`. What a memory says
        cannot end its line or forge another: line ends, control characters and what opens or closes a tag are escaped
        (`\\n`, `\\u003c`).

        At most `max_tokens` tokens, counted by `count_tokens` (default: a quarter of the UTF-8 bytes, rounded up); a
        memory that does not fit is left out, and shorter ones after it may still fit. Empty if nothing was found.
        `search` goes to `search()`. Raises InvalidInputError.
        """
        known_names("context", search, SEARCHED_BY)
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


#: The keywords of `search`.
SEARCHED_BY = tuple(inspect.signature(SearchVerbs.search).parameters)[3:]


def _others(graph: MemoryGraph, ids: Sequence[str]) -> dict[str, Any]:
    return {i: item for i, item in graph.memories.items() if i not in ids}


def _limits(limits: Mapping[str, int] | None) -> dict[str, int]:
    """Return the limits by memory type; raises InvalidInputError."""
    given = dict(limits or {})
    if given:
        among("limits", list(given), MEMORY_TYPES)
    for name, count in given.items():
        within(f"limits[{name!r}]", count, 0, MAX_TOP_K)
    return given
