"""Whether a newer text asserts a change of what an older one says, or only says another value of it.

Two levels. `stated`: the speaker himself says in so many words that the same thing is another now, or no longer so;
this may close. `other_value`: both say a value of the same thing, and not the same one; nothing says that it changed,
so this is only a hint that the older one may be outdated. A change is found in forms (whole clauses), in frames (the
same words, and a no or another value), and in turns (`turns.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.judge import handovers, turns
from treemem.judge.facts import MANY, Fact, Form, Said, clear, state_of
from treemem.judge.same import apart, bare, same, siblings
from treemem.judge.screen import Screen, needed
from treemem.judge.speech import Clause
from treemem.judge.values import measure, other_measure, two_at_once
from treemem.language import Pack, packs, tokens

_CODE = re.compile(r"[\w.@:+-]{0,50}\d[\w.@:+ -]{0,50}|\S{1,50}@\S{1,50}")
#: Kinds of which what has come to be so has taken the place of the older value.
_ONE_AT_A_TIME = ("place", "name", "job", "state", "attribute", "quantity")


def tells(said: Said) -> bool:
    """Return whether a text may say, by its words alone, that something changed or has a value; most do not."""
    return bool(said.telling) or _framing(said) or turns.may_turn(said) or handovers.may_hand_over(said)


@lru_cache(maxsize=1_024)
def _tells_now(said: Said) -> bool:
    """Return whether a text may say that something changed, and not long ago."""
    return tells(said) and not said.pack.pattern("long_ago").search(said.text)


@lru_cache(maxsize=1_024)
def _framing(said: Said) -> bool:
    """Return whether a text may say no, or say that it is so now, by its words alone."""
    pack = said.pack
    now = any(pack.phrases(name).within(said.said) for name in ("now", "now_leads"))
    if now or pack.pattern("now_not").search(said.text):
        return True
    return bool(_ends_in_frames(pack.code).passed(said.based))


@lru_cache(maxsize=32)
def _ends_in_frames(code: str) -> Screen[str]:
    """Return the frames that need no word that says "now"."""
    pack = packs()[code]
    over = ((needed(pack, form.between), of) for form, of, now in _frames(code, "over") if not now)
    return Screen(code, [*over, *(((), of) for _, of, now in _frames(code, "come_true") if not now)])


def stated(newer: Said, older: Said) -> bool:
    """Return whether the newer text itself asserts that what the older one says has changed or is over.

    What else the older text says may still be so: whoever closes it must see to that.
    """
    if newer.pack is not older.pack or not _tells_now(newer):
        return False
    return _in_forms(newer, older) or turns.turned(newer, older) or handovers.handed_over(newer, older)


def _in_forms(new: Said, old: Said) -> bool:
    """Return whether whole clauses of the newer text have a form that changes what the older one says."""
    pack = new.pack
    if not (new.news or _framing(new)) or not new.clauses or not old.clauses:
        return False
    was = old.clauses[0]
    if any(clause.text == was.text and not clause.now for clause in new.clauses):  # it still says so
        return False
    if not all(turns.introduces(pack, clause) for clause in new.loose[:-1]):
        return False
    before = [fact for fact in old.facts if fact.says in ("holds", "becomes")]
    if any(_replaces(fact, each) for fact in new.news for each in before):
        return True
    alone = len(old.sentences) == len(old.clauses) == 1
    return alone and any(_frame_changed(pack, clause, was) for clause in new.opening)


def other_value(newer: Said, older: Said) -> bool:
    """Return whether both texts give a value to the same thing of which there is one, and not the same value."""
    if newer.pack is not older.pack:
        return False
    return any(
        _other(each, fact, fact.other if fact.says == "changed" else fact.value)
        for fact in (newer.facts if newer.telling else ())
        for each in older.facts
        if (fact.who, fact.slot.name) == (each.who, each.slot.name)
        and each.says in ("holds", "becomes")
        and fact.says != "ends"
    )


def _replaces(new: Fact, old: Fact) -> bool:
    """Return whether one fact asserts that another has changed."""
    if new.slot.name != old.slot.name or not _of_one(new, old) or new.says == "holds":
        return False
    if new.says == "ends":
        return same(new.pack, new.value, old.value)
    if new.slot.kind in ("name", "job") and new.slot.says == "holds":
        return False  # where somebody works now may be a part of where he did before, and he may do both
    if new.says == "changed":
        return same(new.pack, new.value, old.value) and not same(new.pack, new.other, old.value)
    return new.slot.kind in _ONE_AT_A_TIME and _other(old, new, new.value, sure=True)


def _of_one(new: Fact, old: Fact) -> bool:
    """Return whether two facts are of the same one: the same words; where a language leaves out "my", without it."""
    if new.who == old.who:
        return True
    left_out = new.slot.name == "quantity" and new.pack.tables.get("owner_left_out")
    return bool(left_out) and new.pack.pattern("owner").sub("", old.who, count=1) == new.who


def _other(old: Fact, new: Fact, value: str, *, sure: bool = False) -> bool:
    """Return whether two values of a kind are of one sort, and not the same; with `sure`, neither a part of the other.

    What is only "now" another one may be a kind of the older one: "navy" of "blue".
    """
    pack, kind = new.pack, new.slot.kind
    if kind in MANY or same(pack, value, old.value):
        return False
    if kind == "quantity":
        return other_measure(pack, old.value, value) and _one_end(old, new)
    if kind == "state":
        return states_apart(pack, old.value, value)
    if kind == "attribute":
        if sure and not pack.spaced and pack.phrases("favourites").within(tokens(old.who)):
            return siblings(pack, old.value, value)
        return _attributes_apart(pack, old.value, value, sure=sure and new.slot.says == "holds")
    if kind == "job" and not sure:
        return True
    return apart(pack, old.value, value, place=kind == "place", known=sure)


def states_apart(pack: Pack, one: str, other: str) -> bool:
    """Return whether two states are of one kind, of which only one holds at a time."""
    a, b = state_of(pack, one.casefold()), state_of(pack, other.casefold())
    return a is not None and a == b and not same(pack, one, other)


def _one_end(old: Fact, new: Fact) -> bool:
    """Return whether a new time is of the same end: "closes at nine" is not changed by "was moved to ten"."""
    before, after = measure(old.pack, old.value), measure(new.pack, new.value)
    if before is None or after is None:
        return False
    if new.slot.says == "holds" or (old.verb and new.verb):  # said in one way: of one end, and nothing beside it
        alike = (old.slot.form, old.verb, before.kinds) == (new.slot.form, new.verb, after.kinds)
        return alike and not two_at_once(before, after)
    extended = new.pack.pattern("extended").search(new.text)
    return not (extended and not old.pack.pattern("end").search(old.verb) and "clock" in after.kinds)


def _attributes_apart(pack: Pack, one: str, other: str, *, sure: bool) -> bool:
    """Return whether two values of an attribute are of one sort: both names, both numbers, both plain words."""
    a, b = measure(pack, one), measure(pack, other)
    if a is not None or b is not None:
        coded = a is not None and b is not None and not a.frame and not b.frame
        codes = coded and _CODE.fullmatch(one) and _CODE.fullmatch(other) and bare(pack, one) != bare(pack, other)
        return bool(codes) or other_measure(pack, one, other)
    sorts = {_sort(pack, one), _sort(pack, other)}
    if sure and sorts == {"noun"}:
        return siblings(pack, one, other)
    return len(sorts) == 1 and "placed" not in sorts and apart(pack, one, other)


def _sort(pack: Pack, value: str) -> str:
    if "@" in value or "." in value.strip("."):
        return "code"
    first, _, rest = value.partition(" ")
    if first in pack.words("placed"):
        return "placed"
    if first in pack.words("articles"):
        value = rest
    return "named" if value[:1].isupper() or not value.isascii() else "noun"


# ---- frames: the same words, and a no or another value


@lru_cache(maxsize=32)
def _frames(code: str, name: str) -> tuple[tuple[Form, str, bool], ...]:
    pack = packs()[code]
    return tuple((Form(pack, row["said"]), row["of"], bool(row.get("now"))) for row in pack.tables.get(name, ()))


def _frame_changed(pack: Pack, news: Clause, was: Clause) -> bool:
    """Return whether a clause says no to another one, or says yes to a no."""
    return _framed(pack, "over", news, was) or _framed(pack, "come_true", was, news)


def _framed(pack: Pack, name: str, said: Clause, of: Clause) -> bool:
    """Return whether a clause has the form of a frame, and another one says what the frame says it is of."""
    newer = said if name == "over" else of
    for form, template, now in _frames(pack.code, name):
        found = form.match(said.text) if newer.now or not now else None
        if found is None or not clear(pack, found["who"]):
            continue
        ours, theirs = _plain(pack, template.format(**found)), _plain(pack, of.text)
        if ours and [*map(pack.stemmed, ours)] == [*map(pack.stemmed, theirs[: len(ours)])]:
            more = theirs[len(ours) :]
            if not more or (name == "over" and len(ours) > 2 and more[0] in pack.words("goes_on")):
                return True
    return False


def _plain(pack: Pack, text: str) -> list[str]:
    """Return the words of a clause without articles; its characters where there are no words."""
    return [word for word in text.split() if word not in pack.words("articles")] if pack.spaced else list(text)
