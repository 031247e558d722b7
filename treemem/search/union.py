"""Words, and the items that were read in them, in one order: both say one thing, and share one place.

An item stands for the words that it rests on, and never takes a place from words. Where both were found, the words
stand at the better place of the two, and the item follows if there is room: so as many different words are shown as
without items, and what only an item finds comes in with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from treemem.changes import State
from treemem.contents import is_read, origin_of
from treemem.search.settle import Settled


def sharing(settled: Sequence[Settled], states: Sequence[State], room: int) -> list[Settled]:
    """Return memories in their order so that the first `room` of them rest on as many different words as there are."""
    if len(settled) <= room:
        return list(settled)
    found = {each.ranked.memory_id: each for each in settled}
    rests_on = {s.memory_id: i for s in states if (i := _words_of(s)) in found}
    if not rests_on:
        return list(settled)
    first: dict[str, Settled] = {}
    items: list[Settled] = []
    for each in settled:
        own = each.ranked.memory_id
        words = found[rests_on.get(own, own)]
        if own in rests_on:
            items.append(each)
            if words.superseded_by or words.may_supersede:
                continue  # it stays behind what is newer
        if words.ranked.memory_id not in first:
            score = max(words.ranked.score, each.ranked.score)
            first[words.ranked.memory_id] = Settled(
                words.ranked._replace(score=score), words.superseded_by, words.may_supersede, words.contradicts
            )
    shown = [*list(first.values())[:room], *items[: max(0, room - len(first))]]
    place = {each.ranked.memory_id: n for n, each in enumerate(settled)}
    best = {words: min(place[item] for item, on in rests_on.items() if on == words) for words in rests_on.values()}
    shown.sort(key=lambda each: _place(each, place, best))
    there = {each.ranked.memory_id for each in shown}
    rest = [*first.values(), *items]
    return [*shown, *(each for each in rest if each.ranked.memory_id not in there)]


def _place(each: Settled, place: dict[str, int], best: dict[str, int]) -> tuple[int, int]:
    own = each.ranked.memory_id
    if own in best and not (each.superseded_by or each.may_supersede):
        return min(place[own], best[own]), 0
    return place[own], 1


def _words_of(state: State) -> str | None:
    """Return the memory whose words an item rests on, None for what is no item."""
    found = origin_of(state.fields).get("memory_id") if is_read(state.fields) else None
    return found if isinstance(found, str) else None
