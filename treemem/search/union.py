"""Words, and the items that were read in them, in one answer.

An item says again what its words say: in one ranking it takes places from other words, gives the walk another start,
and changes what a word is worth. So where items were found beside words, the words are those that are found without
items, and items come in where there is room, by their scores. Where items alone are asked for, they are the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from treemem.changes import State
from treemem.contents import is_read
from treemem.filters import joined, parse
from treemem.search.question import Question
from treemem.search.results import SearchHit, SearchResult

#: What every item says of itself, and words do not: the prompt that it was read with.
_WORDS = parse({"not": {"info.prompt": {"like": "read.%"}}})


def beside_words(states: Sequence[State]) -> bool:
    """Return whether items were found beside words."""
    return len({is_read(state.fields) for state in states}) == 2


def for_words(question: Question) -> Question:
    """Return a question as it is asked of words alone."""
    return replace(question, filter=joined(question.filter, _WORDS))


def filled(words: SearchResult, whole: SearchResult, room: int) -> SearchResult:
    """Return the hits among words, and what else the whole found where there is room, by score.

    What supersedes or contradicts a hit is told by both.
    """
    told = {(hit.cube_id, hit.id): hit for hit in whole.hits}
    hits = [_with_flags(hit, told.pop((hit.cube_id, hit.id), None)) for hit in words.hits[:room]]
    others = list(told.values())[: room - len(hits)]
    return replace(
        words,
        hits=tuple(sorted([*hits, *others], key=lambda hit: -hit.score)),  # stable: words before items
        timings={name: seconds + whole.timings.get(name, 0.0) for name, seconds in words.timings.items()},
        degraded=tuple(dict.fromkeys((*whole.degraded, *words.degraded))),
    )


def _with_flags(hit: SearchHit, told: SearchHit | None) -> SearchHit:
    if told is None:
        return hit
    more = {
        "superseded_by": hit.superseded_by or told.superseded_by,
        "may_supersede": hit.may_supersede or told.may_supersede,
        "contradicts": tuple(sorted({*hit.contradicts, *told.contradicts})),
    }
    return hit.model_copy(update=more)
