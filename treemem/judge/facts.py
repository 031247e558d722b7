"""Facts: what a plain text says of whom, found by the forms of its language.

A form is a clause with slots: "{who} moved from {a} to {b}". What stands between slots is looked for from the left, and
nothing is tried twice, so that a clause is read in time that grows with its length alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from treemem.forks import cached
from treemem.judge.screen import Screen, needed, of_kind
from treemem.judge.speech import LONGEST_TEXT, Clause, Speech
from treemem.language import Pack, packs, tokens

_PLACEHOLDER = re.compile(r"\{(\w{1,20})\}")
#: Slots that may be empty.
_MAY_BE_EMPTY = frozenset({"them", "head", "tail"})
#: Kinds of which one may have many: another value of such a thing takes no value's place.
MANY = ("any", "article")
#: Characters of a slot, where the pack does not say otherwise; words of a value, and of a subject.
LONGEST_SLOT, MOST_WORDS = 50, 6


class Form:
    """A clause with slots. `source` is how the pack writes it."""

    def __init__(self, pack: Pack, source: str) -> None:
        parts: dict[str, str] = pack.tables.get("parts", {})
        written = _PLACEHOLDER.sub(lambda m: f"(?P<{m[1]}>{parts[m[1]]})" if m[1] in parts else m.group(), source)
        first, *rest = _PLACEHOLDER.split(written)
        self.source = source
        self._first = pack.compiled(first) if first else None
        longest = pack.tables.get("longest", {})
        pieces = map(pack.compiled, (*rest[1:-1:2], f"(?:{rest[-1]})\\Z"))
        self._slots = [
            (name, longest.get(name, LONGEST_SLOT), piece) for name, piece in zip(rest[::2], pieces, strict=True)
        ]
        #: What stands between the slots, as patterns; a text of this form has all of them.
        self.between = [p.pattern for p in (self._first, *(piece for _, _, piece in self._slots)) if p is not None]

    def match(self, text: str) -> dict[str, str] | None:
        """Return what stands in the slots, and in named groups between them; None where the clause has another form."""
        match = self._first.match(text) if self._first else None
        if match is None and self._first:
            return None
        place, found = (match.end(), match.groupdict()) if match else (0, {})
        for name, longest, piece in self._slots:
            match = piece.search(text, place + (name not in _MAY_BE_EMPTY))
            if match is None or match.start() - place > longest:
                return None
            found[name] = text[place : match.start()]
            if "," in found[name]:
                return None
            place = match.end()
            found.update(match.groupdict())
        return found


@dataclass(frozen=True, slots=True)
class Slot:
    """A form of a slot: what it is said of, of which kind the value is, and what the form says."""

    name: str
    kind: str
    says: str
    form: Form


@dataclass(frozen=True, slots=True)
class Fact:
    """What is said of somebody or something, by which form of a slot; `text` is the whole clause.

    `says` is "holds", "becomes" (it is so now, as it was not), "ends" or "changed" (from `value` to `other`).
    """

    pack: Pack
    slot: Slot
    who: str
    says: str
    value: str
    other: str
    verb: str
    text: str


@lru_cache(maxsize=32)
def slots_of(code: str) -> tuple[Slot, ...]:
    """Return every form of every slot of a language."""
    pack = packs()[code]
    return tuple(
        Slot(table["name"], table["kind"], says, Form(pack, form))
        for table in pack.tables.get("slots", ())
        for says in ("holds", "becomes", "ends", "ends_now", "changed", "set")
        for form in table.get(says, ())
    )


@lru_cache(maxsize=32)
def _slots(code: str) -> Screen[Slot]:
    pack = packs()[code]
    return Screen(code, ((needed(pack, s.form.between) + of_kind(pack, s.kind), s) for s in slots_of(code)))


class Said(Speech):
    """What a text plainly says, and the facts in it: of all of it, and of its opening."""

    @cached
    def based(self) -> list[str]:
        """Its tokens in their base forms."""
        bases = self.pack.mapped("bases")
        return [bases.get(word, word) for word in self.said]

    @cached
    def possible(self) -> list[Slot]:
        """The forms that it may have, by its words alone."""
        return _slots(self.pack.code).passed(self.based)

    @cached
    def telling(self) -> list[Slot]:
        """Those of them by which it may take another text's place."""
        return [slot for slot in self.possible if slot.says != "holds" or slot.kind not in MANY]

    @cached
    def facts(self) -> tuple[Fact, ...]:
        """The facts of all clauses."""
        if not self.possible:
            return ()
        return tuple(fact for clause in self.clauses for fact in _facts(self.pack, clause, self.possible))

    @cached
    def news(self) -> tuple[Fact, ...]:
        """The facts of the opening, where a text says what has changed or has a value of its own."""
        if not self.telling:
            return ()
        return tuple(fact for clause in self.opening for fact in _facts(self.pack, clause, self.telling))


@lru_cache(maxsize=2_048)
def _said_in(text: str) -> Said:
    return Said(text)


def said_in(text: str) -> Said:
    """Return what a text plainly says; a long one says nothing that is read here."""
    return _said_in(text if len(text) <= LONGEST_TEXT else "")


def _facts(pack: Pack, clause: Clause, slots: Iterable[Slot]) -> Iterator[Fact]:
    text = pack.rewritten("anew", clause.text)
    now = clause.now or text != clause.text
    for slot in slots:
        found = slot.form.match(text)
        if found is None or (slot.says == "ends_now" and not clause.now):
            continue
        who = subject(pack, found.get("who") or found.get("x") or "")
        owner = pack.mapped("mine").get((found.get("me") or "").casefold(), "")
        if not who or not who.startswith(owner):
            continue
        says = {"ends_now": "ends", "set": "becomes", "holds": "becomes" if now else "holds"}.get(slot.says, slot.says)
        value, other = found.get("v") or found.get("a") or "", found.get("b") or ""
        if not _valid(pack, slot.kind, value, who) or (says == "changed" and not _valid(pack, slot.kind, other, who)):
            continue
        yield Fact(pack, slot, who, says, value, other, found.get("verb") or "", text)


def subject(pack: Pack, who: str) -> str:
    """Return whom or what a fact is about in one spelling, nothing where that is not clear from it alone."""
    who = pack.rewritten("who", who)
    said, words = tokens(who), who.split()
    speakers = pack.mapped("speakers")
    if who.casefold() in speakers:
        return speakers[who.casefold()]
    if not clear(pack, who) or len(words) > MOST_WORDS or pack.phrases("no_subject").within(said):
        return ""
    if not pack.spaced:
        return "" if pack.pattern("owner").sub("", who, count=1) in pack.words("of_many") else who
    if said[0] in pack.words("owners"):
        return "" if len(words) == 1 else " ".join([said[0], *words[1:]])
    named = all(word[:1].isupper() or not word[:1].isalpha() for word in words)
    owned = any(word.endswith("'s") for word in words)
    first = words[0][0].isupper() or words[0][0].isdigit() or not words[0].isascii()
    return who if first and (named or owned) and said[-1] not in pack.words("of_many") else ""


def clear(pack: Pack, who: str) -> bool:
    """Return whether a subject says by itself who is meant: not "she", not "my friend"."""
    said = tokens(who)
    if not said or pack.phrases("no_first").at(said, 0):
        return False
    return not (len(said) == 2 and said[0] in pack.words("owners") and said[1] in pack.words("of_many"))


def _valid(pack: Pack, kind: str, value: str, who: str) -> bool:
    """Return whether a value is one of its kind."""
    said = tokens(value)
    if not value or value.strip() != value or (pack.spaced and len(value.split()) > MOST_WORDS and kind != "quantity"):
        return False
    if kind == "quantity":
        return who not in pack.words("no_amounts") and not pack.phrases("no_quantity").within(said)
    if kind == "attribute":
        return attribute(pack, who) and not pack.phrases("no_attribute").within(said)
    if pack.phrases("no_value").within(said) or pack.phrases(f"no_{kind}").within(said[1:] if pack.spaced else said):
        return False
    if kind in ("place", "name"):
        return pack.pattern("name").match(value) is not None
    folded = value.casefold()
    if kind == "job":
        between = "" if pack.tables.get("compounds") else " "
        return folded in pack.words("jobs") or any(folded.endswith(between + job) for job in pack.words("jobs"))
    return kind != "state" or state_of(pack, folded) is not None


def attribute(pack: Pack, who: str) -> bool:
    """Return whether something is of a kind that has one value at a time: "my phone number"."""
    thing = pack.pattern("owner").sub("", who, count=1).casefold()
    names, joint = pack.words("attributes"), str(pack.tables.get("joint", ""))
    if thing in names or pack.phrases("favourites").within(tokens(thing)):
        return True
    return bool(joint) and any(thing.endswith(joint + name) for name in names)


def state_of(pack: Pack, value: str) -> int | None:
    """Return the number of the line of states that a value stands in; of one line one holds at a time."""
    lines: list[Any] = pack.tables.get("states", [])
    for number, line in enumerate(lines):
        if value in (state.strip() for state in str(line).split(",")):
            return number
    return None
