"""Stated changes: a newer text that says of what an older one says that it ended, or is another now.

The older text must be one short statement of how things are. The newer one must name its subject, say that something
changed ("no longer", "from A to B", "now", "was raised to", "sold"), and leave nothing of the older statement out but
its value: precision first, for what is taken for gone is shown less. Wishes, plans and questions change nothing.
"""

from __future__ import annotations

from functools import lru_cache

from treemem.judge import another, changes_zh, cues, over
from treemem.judge.clauses import Sentence, is_named, sentence, split, statement
from treemem.text import words

#: Stems beyond which a sentence says too much to be one news.
LONGEST_NEWS = 20
#: The ways in which something can be over, and be another.
_ENDS = (
    over.no_longer,
    over.ended,
    over.another_state,
    over.died,
    over.found,
    over.arrived,
    over.parted,
    over.given_up,
)
_OTHERS = (
    another.from_to,
    another.another_value,
    another.another_holder,
    another.another_role,
    another.switched_to,
    another.renamed,
    another.another_kind,
    another.holds_no_longer,
    another.another_weight,
)


def tells_news(text: str) -> bool:
    """Return whether a text may say that anything ended, or is another now."""
    return bool(_news(text)) or not text.isascii()


def ends(newer: str, older: str, *, same_speaker: bool) -> bool:
    """Return whether a newer text states that what an older one says has ended, or has another value now.

    "I", "my" and "the" mean the same only where both are of the `same_speaker`.
    """
    if news := _news(newer):
        was = statement(older)
        if was is not None and (same_speaker or is_named(was.text)):
            return any(_ends(one, was) for one in news)
    return same_speaker and not older.isascii() and not newer.isascii() and changes_zh.ends(newer, older)


@lru_cache(maxsize=4_096)
def _news(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text that may tell of a change."""
    if cues.CUE_WORDS.isdisjoint(words(text)):
        return ()
    told = (
        part
        for part in split(cues.WHEN.sub("", text))
        if any(cue.search(part) for cue in cues.CUES)
        and (not cues.ONLY_THOUGHT.search(part) or cues.WANTS_NO_LONGER.match(part))
    )
    return tuple(found for part in told if (found := sentence(part)) and len(found.stems) <= LONGEST_NEWS)


def _ends(news: Sentence, was: Sentence) -> bool:
    if cues.NOT.search(was.text) is not None:
        return over.came_true(news, was)
    return any(ends_it(news, was) for ends_it in (*_ENDS, *_OTHERS))
