"""Which preferences a caller has at a moment: read, put together where they say the same, and compared."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from treemem.caller import owners_of
from treemem.changes import Edge, EdgeType, NodeKind, State
from treemem.contents import is_read, origin_of
from treemem.context import Context
from treemem.filters import FIELDS, Condition, joined, known_field, of_types
from treemem.ingest.statements import Statement
from treemem.judge.same import literal
from treemem.judge.supersession import Outdated, outdated
from treemem.read.states import each_page, edges_at, states_at
from treemem.records import Preference, PreferenceSource
from treemem.store.protocol import LIVE, Recall, seeds_alone
from treemem.temporal import END, Moment, from_micros
from treemem.text import analyse
from treemem.write.preferring import KEPT, PREFERENCE, is_preference

#: The statuses of preferences that hold.
STATUSES = (*LIVE, KEPT)
#: Pairs of preferences of like topics that are compared, the newest first; preferences that one search looks at, the
#: nearest; and how many of them for each that it returns are compared.
MOST_COMPARED, MOST_NEAR, BESIDE = 2_000, 200, 3
#: How many older preferences with a word of its topic one is compared with at most, the newest first.
MOST_ALIKE = 100
#: The polarity of an item that a language model read, as that of a preference.
_OF_ITEMS = {"positive": "for", "negative": "against"}
#: Characters of a source that are shown.
LONGEST_SOURCE = 400


def preferences_at(ctx: Context, moment: Moment, user: str | None = None) -> list[Preference]:
    """Return the preferences that a caller has at a moment: explicit before implicit, wishes first, the newest first.

    What took another's place comes before it. With a `user` that user's alone.
    """
    where = joined(of_types([PREFERENCE]), ctx.visible)
    states = [s for page in each_page(ctx, moment, STATUSES, where=where) for s in page.states]
    return put_together(ctx, states, moment, user)


def near(ctx: Context, vector: Any, moment: Moment, most: int) -> list[Preference]:
    """Return the preferences that bear on a question: the standing wishes, then those nearest to it, `most` in all.

    What was superseded is left out; explicit ones come before implicit ones.
    """
    own_ones = Condition(FIELDS["user_id"], "in", (ctx.caller.user_id, None)) if ctx.caller.user_id else None
    wishes = Condition(known_field("info.polarity"), "=", "always")
    there: dict[str, State] = {}
    for some in (wishes, None):
        recall = Recall(
            ctx.cube,
            moment,
            vector=vector,
            statuses=STATUSES,
            filter=joined(of_types([PREFERENCE]), own_ones, some),
            visible=ctx.visible,
            vector_limit=MOST_NEAR,
            text_limit=0,
            hops=0,
            model=ctx.model,
            vectors=True,
        )
        around, near_ones = ctx.store.recall(recall, seeds_alone)
        there |= {s.memory_id: s for s in near_ones}
    states = list(there.values())
    at = Moment(moment.now, around.valid_at, around.known_at)
    cosines = {s.memory_id: float(vector @ s.embedding) for s in states if s.embedding is not None}
    own = [s for s in states if _belongs(ctx, s, None)]
    best = sorted(own, key=lambda s: (_polarity(s) != "always", -cosines.get(s.memory_id, 0.0), s.memory_id))
    found = put_together(ctx, best[: BESIDE * most], at, None)
    held = [each for each in found if each.superseded_by is None]
    scored = [replace(p, similarity=max(cosines.get(i, -1.0) for i in (p.id, *p.repeats))) for p in held]
    scored.sort(key=lambda p: (p.polarity != "always", -(p.similarity or 0.0), p.id))
    return sorted(scored[:most], key=lambda p: p.kind != "explicit")


def _polarity(state: State) -> str:
    said = str((state.fields.get("info") or {}).get("polarity") or "for")
    return _OF_ITEMS.get(said, said)


def put_together(ctx: Context, states: Sequence[State], moment: Moment, user: str | None) -> list[Preference]:
    """Return states of preferences as preferences, each with what it rests on; those that say the same become one."""
    own = [s for s in states if _belongs(ctx, s, user)]
    edges = edges_at(ctx, [s.memory_id for s in own], [EdgeType.DERIVED_FROM], moment, "out", None)
    sources = _sources(ctx, edges, moment)
    derived = {e.source for e in edges if e.target_kind is NodeKind.MEMORY}
    shown = [s for s in own if s.memory_id not in derived or sources.get(s.memory_id)]
    number = {i: max(each.sequence or 0 for each in some) for i, some in sources.items()}
    shown.sort(key=lambda s: (s.valid_from, s.recorded_from, number.get(s.memory_id, 0), s.memory_id), reverse=True)
    groups: dict[tuple[Any, ...], list[State]] = {}
    for state in shown:
        words = literal(str(state.fields["memory"])).casefold()
        groups.setdefault((owners_of(state.fields), kind_of(state), words), []).append(state)
    _fold(groups, sources)
    heads = [some[0] for some in groups.values()]
    over, odds = _compared(ctx, heads, moment)
    made = [_preference(some, sources, over, odds) for some in groups.values()]
    return sorted(made, key=lambda p: (p.superseded_by is not None, p.kind != "explicit", p.polarity != "always"))


def _fold(groups: dict[tuple[Any, ...], list[State]], sources: dict[str, list[PreferenceSource]]) -> None:
    """Put what a language model read in some words to the preference that was noted in the same ones."""
    noted: dict[str, list[tuple[str, list[State]]]] = {}
    for some in groups.values():
        for state in some:
            if is_preference(state.fields):
                text = literal(str(state.fields["memory"])).casefold()
                for each in sources.get(state.memory_id, ()):
                    noted.setdefault(each.memory_id, []).append((text, some))
    for key, some in [*groups.items()]:
        read = some[0]
        if not noted or not is_read(read.fields) or kind_of(read) != "explicit":
            continue
        quote = literal(_quote(read, sources)).casefold()
        same = [group for text, group in noted.get(str(origin_of(read.fields).get("memory_id")), ()) if quote in text]
        if quote and same:
            same[0].extend(some)
            del groups[key]


def _quote(read: State, sources: dict[str, list[PreferenceSource]]) -> str:
    """Return the words that an item was read in, "" where they are not to be seen."""
    origin = origin_of(read.fields)
    texts = [each.text for each in sources.get(read.memory_id, ()) if each.memory_id == origin.get("memory_id")]
    return texts[0][origin["start"] : origin["end"]] if texts else ""


def _belongs(ctx: Context, state: State, user: str | None) -> bool:
    """Return whether a preference is one of whoever asks, and not of another user who lets it be seen."""
    whose = state.fields.get("user_id")
    if user is not None:
        return bool(whose == user)
    return not ctx.caller or whose in (None, ctx.caller.user_id)


def kind_of(state: State) -> str:
    """Return whether a preference was said or concluded; one that does not say so was said."""
    return str(state.fields.get("preference_type") or "explicit").removesuffix("_preference")


def _sources(ctx: Context, edges: Iterable[Edge], moment: Moment) -> dict[str, list[PreferenceSource]]:
    """Return what each preference rests on, as far as the caller sees it at the moment."""
    wanted = [e for e in edges if e.target_kind is NodeKind.MEMORY]
    states = {s.memory_id: s for s in states_at(ctx, sorted({e.target for e in wanted}), moment)}
    found: dict[str, list[PreferenceSource]] = {}
    for edge in wanted:
        state = states.get(edge.target)
        if state is not None:
            talk = state.fields.get("conversation_id")
            text = str(state.fields["memory"])[:LONGEST_SOURCE]
            said = state.fields.get("sequence")
            one = PreferenceSource(state.memory_id, text, from_micros(state.valid_from), talk, said)
            found.setdefault(edge.source, []).append(one)
    return found


def _preference(
    some: Sequence[State],
    sources: dict[str, list[PreferenceSource]],
    over: dict[str, str],
    odds: dict[str, set[str]],
) -> Preference:
    head = some[0]
    info = head.fields.get("info") or {}
    rests = {each.memory_id: each for state in some for each in sources.get(state.memory_id, ())}
    return Preference(
        id=head.memory_id,
        kind=kind_of(head),
        topic=str(info.get("topic") or ""),
        polarity=_polarity(head),
        text=str(head.fields["memory"]),
        since=from_micros(min(s.valid_from for s in some)),
        until=None if head.valid_to == END else from_micros(head.valid_to),
        user_id=head.fields.get("user_id"),
        reasoning=info.get("reasoning"),
        sources=tuple(sorted(rests.values(), key=lambda each: (each.since, each.sequence or 0, each.memory_id))),
        repeats=tuple(s.memory_id for s in some[1:]),
        superseded_by=over.get(head.memory_id),
        contradicts=tuple(sorted(odds.get(head.memory_id, ()))),
    )


def _compared(ctx: Context, heads: Sequence[State], moment: Moment) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return what took the place of which preference, and which cannot both be meant; `heads` are the newest first.

    An edge says so, or the judge by their words. What the judge is not sure of is only said not to go together.
    """
    over: dict[str, str] = {}
    odds: dict[str, set[str]] = {}
    ids = {s.memory_id for s in heads}
    for edge in edges_at(ctx, sorted(ids), [EdgeType.SUPERSEDES], moment, "in", None) if ids else ():
        if edge.source in ids:
            over.setdefault(edge.target, edge.source)
    said = [Statement.of(state) for state in heads]
    about = [_about(state) for state in heads]
    left = MOST_COMPARED
    by_word: dict[str, list[int]] = {}
    for n, some in enumerate(about):
        for word in some:
            by_word.setdefault(word, []).append(n)
    for n, newer in enumerate(heads):
        alike = {m for word in about[n] for m in by_word[word][bisect_right(by_word[word], n) :][:MOST_ALIKE]}
        for m in sorted(alike):
            older = heads[m]
            if older.memory_id in over or not _alike(about[n], about[m]):
                continue
            if owners_of(older.fields) != owners_of(newer.fields) or kind_of(older) != kind_of(newer):
                continue
            left -= 1
            if left < 0:
                return over, odds
            sure = outdated(said[m], said[n])
            if sure is Outdated.STATED:
                over[older.memory_id] = newer.memory_id
            elif sure is Outdated.MAYBE or _opposed(newer, older, about[n], about[m]):
                odds.setdefault(newer.memory_id, set()).add(older.memory_id)
                odds.setdefault(older.memory_id, set()).add(newer.memory_id)
    return over, odds


def _about(state: State) -> frozenset[str]:
    """Return the words of what a preference is about, of its text where it names no topic."""
    info = state.fields.get("info") or {}
    return frozenset(analyse(str(info.get("topic") or state.fields["memory"])))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether two topics share half of the words of the shorter one."""
    return 2 * len(one & other) >= min(len(one), len(other)) > 0


def _opposed(newer: State, older: State, one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether one preference is for what the other one is against."""
    return {_polarity(newer), _polarity(older)} == {"for", "against"} and one == other
