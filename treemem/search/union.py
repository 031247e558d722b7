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
from treemem.filters import field, joined, matches
from treemem.search.explain import Explanation
from treemem.search.question import Question
from treemem.search.results import SearchHit, SearchResult

#: What every item says of itself, as far as a store can test it. What it is stands in its source: see `is_read`.
_LIKE_ITEMS = (
    field("info.prompt").like("read.v%")
    & field("info.model").like("%")
    & field("info.kind").like("%")
    & field("info.polarity").like("%")
    & field("info.modality").like("%")
)


def beside_words(states: Sequence[State]) -> bool:
    """Return whether items were found beside words."""
    return len({is_read(state.fields) for state in states}) == 2


def for_words(question: Question) -> Question:
    """Return a question as it is asked of words alone."""
    return replace(question, filter=joined(question.filter, ~_LIKE_ITEMS))


def filled(words: SearchResult, whole: SearchResult, room: int) -> SearchResult:
    """Return the hits among words, and what else the whole found where there is room, by score.

    Words whose `info`, which is their owner's, is like that of items were found by the whole alone. What supersedes or
    contradicts a hit is told by both.
    """
    told = {(hit.cube_id, hit.id): hit for hit in whole.hits}
    said = [*words.hits, *(hit for hit in whole.hits if _is_taken_for_item(hit))]
    said.sort(key=lambda hit: -hit.score)
    hits = [_with_flags(hit, told.pop((hit.cube_id, hit.id), None)) for hit in said[:room]]
    others = list(told.values())[: room - len(hits)]
    return replace(
        words,
        hits=tuple(sorted([*hits, *others], key=lambda hit: -hit.score)),  # stable: words before items
        timings={name: seconds + whole.timings.get(name, 0.0) for name, seconds in words.timings.items()},
        explanation=words.explanation and whole.explanation and _of_both(words.explanation, whole.explanation),
        degraded=tuple(dict.fromkeys((*whole.degraded, *words.degraded))),
    )


def _of_both(words: Explanation, whole: Explanation) -> Explanation:
    """Return the account of the search among words, with the stages of the whole one before its own."""
    before = tuple(replace(stage, name=f"{stage.name} with items") for stage in whole.stages)
    return replace(words, stages=(*before, *words.stages))


def _is_taken_for_item(hit: SearchHit) -> bool:
    """Return whether a hit is words that a search among words leaves out."""
    metadata = hit.metadata
    return matches(_LIKE_ITEMS, {"info": metadata.info}, {}) and not is_read({"sources": metadata.sources})


def _with_flags(hit: SearchHit, told: SearchHit | None) -> SearchHit:
    if told is None:
        return hit
    more = {
        "superseded_by": hit.superseded_by or told.superseded_by,
        "may_supersede": hit.may_supersede or told.may_supersede,
        "contradicts": tuple(sorted({*hit.contradicts, *told.contradicts})),
    }
    return hit.model_copy(update=more)
