"""search, context, get_relevant_subgraph: from a question and its options to the answer."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from treemem.arguments import types_filter
from treemem.checks import among, known_names, shown, within
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.filters import FilterLike, joined, parse
from treemem.graphs import MemoryGraph
from treemem.items import MEMORY_TYPES, STATUSES
from treemem.language.timewords import Told, read_time
from treemem.pieces import beginning
from treemem.read.bases import attached
from treemem.read.graph import MAX_NODES, subgraph
from treemem.read.states import with_backgrounds
from treemem.search.context import context_line
from treemem.search.explain import Stage
from treemem.search.finish import DEDUPS, Dedup, Finish, finished
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.question import Question, asks_by_keywords
from treemem.search.results import SearchHit, SearchResult
from treemem.search.target import target_of
from treemem.search.when import When, WhenLike, parse_when
from treemem.segments import is_latin
from treemem.storable import checked_text
from treemem.store.protocol import LIVE
from treemem.temporal import BEGINNING, END, Moment, TimeLike, to_micros
from treemem.text import QUESTION_READ

#: The cosine from which a memory is taken for what a question says happened ("before I moved").
_SURE_OF_CLAUSE = 0.4
MODES = ("fast", "fine")


Ask = Callable[[Question], SearchResult]


def search(
    ctx: Context,
    query: str,
    top_k: int = 10,
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
    knowledge_bases: Sequence[str] | None = None,
    budget: float | None = None,
    options: SearchOptions | None = None,
    explain: bool = False,
) -> SearchResult:
    """See `TreeTextMemory.search`."""
    checked_text(query, "query")
    if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= MAX_TOP_K:
        raise InvalidInputError(f"top_k: wanted 1 to {MAX_TOP_K}, found {top_k!r}")
    if mode not in MODES:
        raise InvalidInputError(f"mode: wanted one of {', '.join(MODES)}, found {mode!r}")
    if dedup not in DEDUPS:
        raise InvalidInputError(f"dedup: wanted one of {', '.join(DEDUPS)}, found {dedup!r}")
    if budget is not None:
        within("budget", budget, 0, 3_600)
    bases = attached(ctx, knowledge_bases)
    moment = ctx.moment(as_of, known_at)
    given = parse_when(when)
    if as_of is not None and (given is not None or when != "auto"):
        raise InvalidInputError(f"when: {when!r} beside as_of={as_of!r}; give one of them, as_of=t is When.at(t)")
    started = time.perf_counter()
    chosen = options or SearchOptions()
    if relativity is not None:
        chosen = replace(chosen, relativity=relativity)
    reranker = ctx.reranker if mode == "fast" else _fine_reranker(ctx)
    asked = beginning(query.lstrip(), QUESTION_READ)
    question = Question(
        text=asked,
        vector=ctx.embed_questions([query])[0],
        moment=moment,
        target=target_of(moment, given, None, include_superseded=include_superseded),
        top_k=top_k,
        model=ctx.model,
        filter=joined(parse(filter), types_filter(memory_types)),
        visible=ctx.visible,
        statuses=tuple(among("statuses", statuses, STATUSES)),
        options=_options(ctx, asked, chosen),
        together=include_superseded,
        explain=explain,
        reads=chosen.rerank if reranker is not None else 0,
        limits=_limits(limits),
        conversation=None if conversation_id is None else checked_text(conversation_id, "conversation_id"),
        vectors=dedup != "none",
        deadline=None if budget is None else started + budget,
        open_cubes=frozenset(bases),
    )
    embedded = time.perf_counter() - started
    ask = _asking(ctx, _searched(ctx, cubes, bases), dated=as_of is None and when == "auto")
    result = ask(question) if mode == "fast" else _finely(ctx, question, ask)
    account = result.explanation and result.explanation.with_stage(Stage("embed", embedded, {}))
    result = replace(result, timings={"embed": embedded, **result.timings}, explanation=account)
    wanted = Finish(top_k, dedup, question.limits)
    result = finished(result, asked, wanted, question.options, reranker, question.deadline)
    result = replace(result, hits=tuple(_of_base(hit, bases) for hit in result.hits))
    _show_backgrounds(ctx, result, moment)
    if ctx.usage is not None:  # a base is only read: nothing is counted there
        ctx.usage.note((hit.cube_id or ctx.cube, hit.id) for hit in result if hit.knowledge_base is None)
    return result


def _searched(ctx: Context, cubes: Sequence[str] | None, bases: Mapping[str, str]) -> list[str] | None:
    """Return the cubes that are searched, None for the memory's own alone."""
    if cubes is None and not bases:
        return None
    return list(dict.fromkeys([*([ctx.cube] if cubes is None else ctx.reachable(cubes)), *bases]))


def _of_base(hit: SearchHit, bases: Mapping[str, str]) -> SearchHit:
    """Return a hit that says from which base it is."""
    name = bases.get(hit.cube_id or "")
    return hit if name is None else hit.model_copy(update={"knowledge_base": name})


def _show_backgrounds(ctx: Context, result: SearchResult, moment: Moment) -> None:
    """Show the messages among the hits what was said before them, at the moment that the search looked at.

    What stands in a base is no message of the caller's, and is shown alone.
    """
    for cube in {hit.cube_id or ctx.cube for hit in result if hit.knowledge_base is None}:
        known_at = moment.known_at
        if known_at is not None and cube != ctx.cube:
            info = ctx.store.cube(cube)
            known_at = known_at if info is None else min(known_at, info.clock)
        at = Moment(moment.now, to_micros(result.as_of), known_at)
        with_backgrounds(ctx, [hit for hit in result if (hit.cube_id or ctx.cube) == cube], at, cube)


def _asking(ctx: Context, cubes: Sequence[str] | None, *, dated: bool) -> Ask:
    """Return what answers a question over the cubes; `dated` reads the time from its words."""
    from treemem.search import engine, several

    def ask(question: Question) -> SearchResult:
        if cubes is None:
            return engine.search(ctx.store, ctx.cube, question)
        return several.search(ctx.store, cubes, question)

    def ask_dated(question: Question) -> SearchResult:
        told = _dated(ctx, read_time(question.text, question.moment.now), question, ask)
        target = target_of(question.moment, None, told, include_superseded=question.together)
        return ask(replace(question, target=target))

    return ask_dated if dated else ask


def _fine_reranker(ctx: Context) -> Any:
    from treemem.models.rerankers import LLMReranker

    if ctx.llm is None:
        raise InvalidInputError("mode='fine' asks a language model; open the memory with llm=OpenAILLM(...)")
    return ctx.reranker or LLMReranker(ctx.llm)


def _finely(ctx: Context, question: Question, ask: Ask) -> SearchResult:
    """Return the hits of the question and of the parts that a language model makes of it."""
    from treemem.search.fine import fused, parts_of

    assert ctx.llm is not None
    started = time.perf_counter()
    parts: tuple[str, ...] = (question.text,)
    if question.deadline is not None and started >= question.deadline:
        note: str | None = "no time left to split the question"
    else:
        parts, note = parts_of(question.text, ctx.llm)
    split = time.perf_counter() - started
    vectors = [question.vector, *(ctx.embed_questions(parts[1:]) if len(parts) > 1 else ())]
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
    ctx: Context, query: str, top_k: int, depth: int, max_nodes: int, given: Mapping[str, Any]
) -> MemoryGraph:
    """See `TreeTextMemory.get_relevant_subgraph`."""
    known_names("get_relevant_subgraph", given, SEARCHED_BY)
    if given.get("cubes") is not None:
        raise InvalidInputError("cubes: a subgraph lies in one cube; call it on memory.cube(name)")
    if given.get("knowledge_bases") is not None:
        raise InvalidInputError("knowledge_bases: a subgraph lies in one cube; search() brings the hits of bases")
    within("max_nodes", max_nodes, 1, MAX_NODES)
    result = search(ctx, query, top_k, **given)
    hits = {hit.id: hit for hit in result[:max_nodes]}
    around = subgraph(ctx, hits, depth, None, max_nodes, result.as_of, result.known_at)
    memories = dict(islice({**hits, **_others(around, list(hits))}.items(), max_nodes))
    edges = tuple(e for e in around.edges if {e.source, e.target} - around.entities.keys() <= memories.keys())
    return replace(around, memories=memories, edges=edges)


def _options(ctx: Context, query: str, options: SearchOptions) -> SearchOptions:
    foreign = getattr(ctx.embedder, "english_only", False) and not is_latin(query[:QUESTION_READ])
    if foreign:
        return options.for_foreign_text()
    return options.for_keywords() if asks_by_keywords(query[:QUESTION_READ]) else options


def _dated(ctx: Context, told: Told | None, question: Question, ask: Callable[[Question], SearchResult]) -> Told | None:
    """Return what a question told of its time with the time of what it says happened then, found by searching."""
    if told is None or not told.clause:
        return told
    ever = target_of(question.moment, When.ever(), None, include_superseded=False)
    vector = ctx.embed_questions([told.clause])[0]
    clause = replace(question, text=told.clause, vector=vector, target=ever, top_k=1, reads=0, explain=False)
    hit = next(iter(ask(clause)), None)
    if hit is None or (hit.similarity or 0.0) < _SURE_OF_CLAUSE or hit.metadata.valid_from is None:
        return Told("previous", BEGINNING, question.moment.now, told.words) if told.kind == "before" else None
    at = to_micros(hit.metadata.valid_from)
    return Told(told.kind, BEGINNING, at, told.words) if told.kind == "before" else Told("after", at, END, told.words)


def context(
    ctx: Context,
    question: str,
    max_tokens: int,
    count_tokens: Callable[[str], int],
    top_k: int,
    given: Mapping[str, Any],
) -> str:
    """See `TreeTextMemory.context`."""
    known_names("context", given, SEARCHED_BY)
    within("max_tokens", max_tokens, 1, 10_000_000)
    lines: list[str] = []
    left = float(max_tokens)
    for hit in search(ctx, question, top_k, **given):
        line = context_line(hit)
        price = count_tokens(line + "\n")
        if not isinstance(price, (int, float)) or isinstance(price, bool):
            raise InvalidInputError(
                f"count_tokens: wanted a function that returns a number, it returned {shown(price)}"
            )
        if price <= left:
            lines.append(line)
            left -= price
    return "\n".join(lines)


#: The keywords of `search`.
SEARCHED_BY = tuple(inspect.signature(search).parameters)[3:]


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
