"""Small multiplicative priors: what is surer, newer, tells something, was said by whom, or in which conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from treemem.changes import State
from treemem.ingest.statements import Statement
from treemem.ingest.telling import asks
from treemem.search.options import SearchOptions
from treemem.search.rank import Ranked
from treemem.text import cached_if_short, iter_words, words

_DAY = 86_400_000_000
_SENTENCE = re.compile(r"[^.!?。！？\n]*[.!?。！？\n]*")
#: Words from which a message tells something even where it asks: "I want to ..., could you ...?".
TELLS = 30


@cached_if_short()
def asking(text: str) -> float:
    """Return how much of a text only asks: the share of its words in questions, less the longer the text; 0 from
    30 words on.
    """
    total = len(list(islice(iter_words(text), TELLS)))
    if not 0 < total < TELLS:
        return 0.0
    sentences = (found.group() for found in _SENTENCE.finditer(text))
    asked = sum(len(words(sentence)) for sentence in sentences if asks(sentence.strip()))
    return asked / total * (1 - total / TELLS)


def prior(
    state: State, said: Statement, options: SearchOptions, now: int, conversation: str | None, named: frozenset[str]
) -> float:
    """Return the factor of a state's score. `now` is in microseconds; recency halves every `recency_days`.

    `said` is who said it; `named` are the words of the question: what somebody said whom it names is worth more.
    """
    unsure = 1 - float(state.fields.get("confidence", 100.0)) / 100
    factor = 1 - options.confidence_weight * unsure
    if said.role == "assistant":
        factor *= 1 - options.assistant_weight
    if said.message:
        factor *= 1 - options.question_weight * asking(said.text)
    if said.speaker and named.issuperset(words(said.speaker)):
        factor *= 1 + options.speaker_weight
    if options.recency_weight:
        days = max(0, now - state.valid_from) / _DAY
        factor *= 1 + options.recency_weight * 0.5 ** (days / options.recency_days)
    if conversation is not None and state.fields.get("conversation_id") == conversation:
        factor *= 1 + options.conversation_weight
    return factor


def weighed(
    ranked: Iterable[Ranked],
    states: Sequence[State],
    statements: Mapping[str, Statement],
    options: SearchOptions,
    now: int,
    conversation: str | None,
    question: str,
) -> list[Ranked]:
    """Return the ranked memories whose states were read with their priors, best first."""
    named = frozenset(words(question))
    factors = {s.memory_id: prior(s, statements[s.memory_id], options, now, conversation, named) for s in states}
    scores = [(r, r.score * factors[r.memory_id]) for r in ranked if r.memory_id in factors]
    top = max((score for _, score in scores), default=1.0) or 1.0
    return sorted((r._replace(score=score / top) for r, score in scores), key=lambda r: (-r.score, r.memory_id))
