"""The order of the best candidates by what their texts say, and by where the others were said.

Two things that neither an arm nor the walk tells. How much of the question a short message says **itself**: the walk,
and what it gains from those beside it, give a remark behind a statement nearly the score of that statement. And in
which session most of the best were said: what is asked for is seldom alone there.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from treemem.changes import EdgeType, State
from treemem.ingest.statements import Statement
from treemem.search.options import SearchOptions
from treemem.search.passage import tokens_of
from treemem.search.priors import asking
from treemem.search.rank import Ranked
from treemem.store.protocol import MEMORY, WalkedEdge
from treemem.text import analyse, iter_words

_DAY = 86_400_000_000
#: Up to so many words a message says what it says; from the second on, as long a text says a little of everything.
SHORT, LONG = 80, 120
#: From which weight on a FOLLOWS says that the message behind it answers the one before.
ANSWERS = 0.7
#: How many causes or effects away a message may be from one and still be said to tell of it.
CAUSAL_STEPS = 2


def ordered(
    ranked: Sequence[Ranked],
    states: Sequence[State],
    statements: Mapping[str, Statement],
    edges: Iterable[WalkedEdge],
    question: str,
    options: SearchOptions,
) -> list[Ranked]:
    """Return ranked memories whose states were read by what they say of the question and by their sessions."""
    if len(ranked) < 2 or not (options.told_weight or options.session_weight):
        return list(ranked)
    said = told([statements[r.memory_id] for r in ranked], edges, question) if options.told_weight else {}
    beside = sessions([r.memory_id for r in ranked], states) if options.session_weight else {}
    of_others = _mean(said), _mean(beside)
    scores = [
        r.score
        * math.exp(
            options.told_weight * said.get(r.memory_id, of_others[0])
            + options.session_weight * beside.get(r.memory_id, of_others[1])
        )
        for r in ranked
    ]
    top = max(scores) or 1.0
    found = [r._replace(score=score / top) for r, score in zip(ranked, scores, strict=True)]
    return sorted(found, key=lambda r: (-round(r.score, 9), r.memory_id))


def _mean(values: Mapping[str, float]) -> float:
    """Return the mean, as which counts what has no value: it neither gains nor loses beside those that have one."""
    return math.fsum(values.values()) / len(values) if values else 0.0


def told(said: Sequence[Statement], edges: Iterable[WalkedEdge], question: str) -> dict[str, float]:
    """Return how much of the question each message, and each short note beside messages, says, 0 to 1: its words, each
    by how few of them say it. A long message says nothing, a longer note or document has no value. A message says also
    what the one before it asks, if it answers that one, and what those say that it is a cause or an effect of, at most
    two steps away; and less the more of it only asks.
    """
    if not any(s.message for s in said):
        return {}
    short = {s.memory_id: (s, brevity(s.text)) for s in said}
    wanted = tokens_of(question)
    words = {
        memory_id: frozenset(wanted).intersection(analyse(f"{each.speaker} {each.text}"))
        for memory_id, (each, share) in short.items()
        if share > 0
    }
    having = Counter(token for tokens in words.values() for token in tokens)
    worth = {token: math.log(1 + (len(said) + 1) / (0.5 + having[token])) for token in wanted}
    total = math.fsum(worth.values())
    if not total:
        return {}
    silent = {s.memory_id: 0.0 for s in said if s.message}
    found = {}
    for memory_id, tokens in _with_what_is_meant(words, edges).items():
        each, share = short[memory_id]
        said_of_it = math.fsum(worth[t] for t in tokens) / total
        found[memory_id] = said_of_it * (1 - asking(each.text)) * share if tokens else 0.0
    return silent | found


def _with_what_is_meant(
    words: Mapping[str, frozenset[str]], edges: Iterable[WalkedEdge]
) -> Mapping[str, frozenset[str]]:
    """Return the words of messages with those of the question that each answers, and of its causes and effects."""
    answers: list[tuple[str, str]] = []
    causes: list[tuple[str, str]] = []
    for edge in edges:
        pair = edge.source.removeprefix(MEMORY), edge.target.removeprefix(MEMORY)
        if pair[0] not in words or pair[1] not in words:
            continue
        if edge.type is EdgeType.FOLLOWS and edge.weight >= ANSWERS:
            answers.append(pair)
        elif edge.type is EdgeType.CAUSES:
            causes.append(pair)
    found = dict(words)
    for answer, before in answers:
        found[answer] |= words[before]
    for _ in range(CAUSAL_STEPS if causes else 0):
        former = dict(found)
        for cause, effect in causes:
            found[cause] |= former[effect]
            found[effect] |= former[cause]
    return found


def brevity(text: str) -> float:
    """Return 1 for a text of at most 80 words, 0 from 120 words on."""
    count = len(list(islice(iter_words(text), LONG)))
    return min(1.0, (LONG - count) / (LONG - SHORT))


def sessions(order: Sequence[str], states: Iterable[State]) -> dict[str, float]:
    """Return what share of the best candidates, the better the more, was said in the session of each one, without it.

    A session is one of a conversation, or, where none is named, a day of it. What was said in no conversation has none.
    """
    where = {s.memory_id: _session(s) for s in states}
    gains = {memory_id: 1 / (2 + place) for place, memory_id in enumerate(order)}
    mass: dict[Any, float] = defaultdict(float)
    for memory_id, gain in gains.items():
        mass[where.get(memory_id)] += gain
    total = math.fsum(gains.values())
    return {i: (mass[where[i]] - gain) / total for i, gain in gains.items() if where.get(i) is not None}


def _session(state: State) -> tuple[str, object] | None:
    conversation = state.fields.get("conversation_id")
    if not conversation:
        return None
    return str(conversation), state.fields.get("session_id") or state.valid_from // _DAY
