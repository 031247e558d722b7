"""Small multiplicative priors: what is surer, newer, said by a person, or of the conversation that goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from treemem.changes import State
from treemem.contents import role_of
from treemem.search.options import SearchOptions
from treemem.search.rank import Ranked

_DAY = 86_400_000_000


def prior(state: State, options: SearchOptions, now: int, conversation: str | None) -> float:
    """Return the factor of a state's score. `now` is in microseconds; recency halves every `recency_days`."""
    unsure = 1 - float(state.fields.get("confidence", 100.0)) / 100
    factor = 1 - options.confidence_weight * unsure
    if role_of(state.fields) == "assistant":
        factor *= 1 - options.assistant_weight
    if options.recency_weight:
        days = max(0, now - state.valid_from) / _DAY
        factor *= 1 + options.recency_weight * 0.5 ** (days / options.recency_days)
    if conversation is not None and state.fields.get("conversation_id") == conversation:
        factor *= 1 + options.conversation_weight
    return factor


def weighed(
    ranked: Iterable[Ranked], states: Sequence[State], options: SearchOptions, now: int, conversation: str | None
) -> list[Ranked]:
    """Return the ranked memories whose states were read with their priors, best first."""
    factors = {s.memory_id: prior(s, options, now, conversation) for s in states}
    scores = [(r, r.score * factors[r.memory_id]) for r in ranked if r.memory_id in factors]
    top = max((score for _, score in scores), default=1.0)
    return sorted((replace(r, score=score / top) for r, score in scores), key=lambda r: (-r.score, r.memory_id))
