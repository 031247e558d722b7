"""Turns: a looser sentence that names what was said before, and says that it is over or another now.

"landlord raised my rent, it went from 740 to 795" turns "The rent for my studio is 740". Every word that says which
thing is meant must stand in the older text; a person who does not stand there has changed something of his own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from treemem.forks import cached
from treemem.judge.facts import Form
from treemem.judge.screen import Screen, needed
from treemem.judge.speech import Speech
from treemem.judge.values import measure, other_measure
from treemem.language import Pack, entries, packs, tokens

#: The share of the content words of the older text that the newer one must name.
_NAMED = 0.2
#: Words of a clause among which its verb stands; characters by which a thing is known without spaces.
_VERB_WITHIN, _LEAST = 8, 2
#: Words of a subject before a plain verb.
_SUBJECT_WITHIN = 4
_VERSION = re.compile(r"[vV]?\d[\w.]{0,9}")
_SPACES = re.compile(r"\s{1,9}")


@lru_cache(maxsize=2_048)
def _telling_stems(code: str, text: str) -> frozenset[str]:
    pack = packs()[code]
    return frozenset(pack.stemmed(text)) - pack.stems("neutral") - pack.stems("small")


class Known:
    """What an older text says, by which a newer one names it. Without spaces its characters count, in their order."""

    def __init__(self, said: Speech) -> None:
        self.pack = pack = said.pack
        self.text = pack.pattern("tail").sub("", pack.rewritten("spelled", said.saying))
        self.letters = _SPACES.sub("", self.text)
        self.words = frozenset(tokens(self.text))
        self.stems = frozenset(pack.stemmed(self.text))
        self.order = tuple(stem for stem in pack.stemmed(self.text) if stem not in self._neutral)
        self.content = frozenset(self.order)
        self.mine = not self.words.isdisjoint(pack.words("oneself"))
        self._said = said

    @cached
    def _telling_letters(self) -> str:
        return self.rest(self.letters)

    @cached
    def _neutral(self) -> frozenset[str]:
        return self.pack.stems("neutral") | self.pack.stems("small")

    @cached
    def stays(self) -> bool:
        """Whether no turn ends it: it is not read, says no itself, or tells of what happened."""
        said = self._said
        return not said.tolerant or self.pack.pattern("unturned").search(said.text) is not None or tells_an_event(said)

    @cached
    def many(self) -> bool:
        """Whether it says several things at once."""
        return self.pack.pattern("many").search(self._said.text) is not None

    @cached
    def subject(self) -> frozenset[str]:
        """The stems of whom it is about."""
        first = self.text.split(" ", 1)[0]
        sure = self.pack.pattern("be_first").search(self.text, len(first))
        match = (
            self.pack.pattern("verb").search(self.text, len(first)) if sure is None or _far(self.text, sure) else sure
        )
        return self.bare(self.text[: match.start()] if match else "")

    def bare(self, text: str) -> frozenset[str]:
        """Return the stems of a text but for the smallest words."""
        return frozenset(self.pack.stemmed(text)) - self.pack.stems("small")

    def told(self, text: str) -> frozenset[str]:
        """Return the stems of a text that say which thing is meant."""
        return _telling_stems(self.pack.code, text)

    def rest(self, text: str) -> str:
        """Return a text without spaces, and without what does not say which thing is meant."""
        return self.pack.pattern("neutral").sub("", text).strip()

    def says(self, text: str, but: frozenset[str] = frozenset()) -> bool:
        """Return whether all that a text names, `but` for some, is in the older one, also where it names nothing."""
        if self.pack.spaced:
            return self.told(text) - but <= self.stems
        rest = self.rest(text)
        return rest in self.letters or rest in self._telling_letters

    def names(self, text: str, *, strict: bool = False) -> bool:
        """Return whether a text names something that the older one says, in one piece, and nothing else.

        With `strict` a day counts as well: what is no longer so on Sundays may be so on others.
        """
        if not self.pack.spaced:
            rest = self.rest(text)
            if rest in self.pack.words("short_things"):
                return rest in self.letters
            if self.called(text):
                return True
            letters = iter(self.letters)
            in_order = (
                len(rest) > _LEAST and rest[:2] in self.letters and all(any(c == o for o in letters) for c in rest)
            )
            return len(rest) >= _LEAST and (rest in self.letters or in_order)
        days = " ".join(match.group() for match in self.pack.pattern("day").finditer(text)) if strict else ""
        stems = self.told(text)
        if not frozenset(self.pack.stemmed(days)) <= self.stems or not stems & self.content or not stems <= self.stems:
            return False
        places = [n for n, stem in enumerate(self.order) if stem in stems]
        return len(stems) != 2 or places[-1] - places[0] <= len(places)

    def called(self, text: str) -> bool:
        """Return whether the older text says, without spaces, each part of what a text names."""
        parts = [self.rest(part) for part in text.split(self.pack.tables.get("joint", " "))]
        return all(len(part) >= _LEAST and part in self.letters for part in parts)


class Telling:
    """What a newer text says, as far as it may name and end what an older one says."""

    def __init__(self, said: Speech) -> None:
        pack = said.pack
        past = pack.pattern("gone").search(said.saying) is not None
        self.clauses = () if past or not may_turn(said) else said.loose
        if not pack.spaced:
            self.clauses = tuple(_SPACES.sub("", clause) for clause in self.clauses)
        self.told = frozenset(stem for clause in self.clauses for stem in pack.stemmed(clause))
        self.turns = tuple(_turns_in(pack, self.clauses))
        self.denies = pack.pattern("negated").search(said.text) is not None


_known = lru_cache(maxsize=512)(Known)
_telling = lru_cache(maxsize=512)(Telling)


@lru_cache(maxsize=1_024)
def may_turn(said: Speech) -> bool:
    """Return whether a text may have a turn, by its words alone."""
    return bool(_screen(said.pack.code).passed(said.said))


@lru_cache(maxsize=32)
def _screen(code: str) -> Screen[str]:
    pack = packs()[code]
    patterns = [*(form.between for form, _ in turns_of(code)), *([each.pattern.pattern] for each in endings_of(code))]
    return Screen(code, ((needed(pack, each), each[0]) for each in [*patterns, [pack.pattern("no_longer").pattern]]))


def turned(newer: Speech, older: Speech) -> bool:
    """Return whether a newer text names what an older one says, and says that it is over or another now."""
    pack, new = newer.pack, _telling(newer)
    if not new.turns:
        return False
    was = _known(older)
    named = len(new.told & was.content) >= max(1, _NAMED * len(was.content))
    if was.stays or (pack.spaced and not named and not _leaves(new, was)):
        return False
    if not pack.spaced:
        return _turned_by_letters(new.turns, was)
    if was.many and not was.content <= new.told:
        return False  # "with Tom and Ann": no longer with Tom leaves Ann
    return any(_concerns(turn.who, was, turn.said) and _ends(turn, was) for turn in new.turns)


def _leaves(new: Telling, was: Known) -> bool:
    """Return whether a newer text says "from A to B" of an A that the older one says, be it a word that says little."""
    olds = (was.bare(slots["old"]) for turn in new.turns for _, slots in turn.found if "old" in slots)
    return any(old and old <= was.stems for old in olds)


def denied_now(newer: Speech, older: Speech) -> bool:
    """Return whether a newer text says no, now, to all that an older one likes: a hint that tastes have changed."""
    pack, negated = newer.pack, newer.pack.pattern("negated")
    if pack is not older.pack or not pack.spaced or not _telling(newer).denies or len(older.clauses) != 1:
        return False
    was, tastes = _known(older), pack.stems("tastes")
    liked = was.content - tastes
    if not liked or not was.mine or was.stems.isdisjoint(tastes) or negated.search(was.text):
        return False
    return any(
        clause.now
        and negated.search(clause.text) is not None
        and liked <= frozenset(pack.stemmed(clause.text))
        and not pack.words("oneself").isdisjoint(tokens(clause.text))
        for clause in newer.clauses
    )


def _turned_by_letters(turns: tuple[Turn, ...], was: Known) -> bool:
    """Return the same for a script without spaces. What begins like the end of the older text is its topic."""
    first = turns[0].said
    text = was.pack.pattern("before_topic").sub("", first)
    named = next((text[:n] for n in range(min(len(text), 12), 1, -1) if text[:n] in was.letters), "")
    topic = bool(named) and was.letters.endswith(named)
    if _others(first, was):
        return False
    return any(
        not _others(turn.said, was) and (_ends(turn, was) or (topic and _ended_alone(turn.said, was))) for turn in turns
    )


def _far(text: str, match: re.Match[str]) -> bool:
    """Return whether a verb stands too far behind the beginning of a text to be that of its subject."""
    return len(text[: match.start()].split()) > _SUBJECT_WITHIN


def _others(clause: str, was: Known) -> bool:
    """Return whether a clause speaks of a person who is not in the older text."""
    return any(match.group() not in was.letters for match in was.pack.pattern("person").finditer(clause))


def _ended_alone(clause: str, was: Known) -> bool:
    """Return whether a clause says that something is over, and not what: "now I don't use it any more"."""
    ends = (e.pattern.search(clause) for e in endings_of(was.pack.code) if e.object == "before")
    return any(
        match is not None
        and not was.rest(clause[: match.start()])
        and any(c in was.letters for c in match.group() if c not in was.pack.words("small"))
        for match in ends
    )


def tells_an_event(said: Speech) -> bool:
    """Return whether a text tells of something that happened, which stays true, rather than of how things are."""
    pack, text = said.pack, said.text[:200]
    ended = pack.spaced and any(ending.pattern.search(text) for ending in endings_of(pack.code))
    return (ended and not pack.pattern("so_now").search(text)) or pack.pattern("past").search(text) is not None


def introduces(pack: Pack, clause: str) -> bool:
    """Return whether what follows a clause is still said plainly: the clause says something, or is a known lead."""
    words = clause.split()
    if not pack.spaced or clause.casefold() in pack.words("leads") or not 1 < len(words) < 4:
        return True
    if not pack.words("themselves").isdisjoint(tokens(clause)) or pack.pattern("verb_form").search(clause):
        return True
    return any(word.casefold() in pack.words("aux") or _changing(pack, word) for word in words)


def _subject(pack: Pack, clause: str) -> str | None:
    """Return the words before the verb of a clause, None where it begins with the verb."""
    words = clause.split()
    if not words or words[0].casefold() in pack.words("no_subject_first") or _changing(pack, words[0]):
        return None
    for number, word in enumerate(words[1:_VERB_WITHIN], 1):
        if word.casefold() in pack.words("aux") or _changing(pack, word):
            return " ".join(words[:number])
    return words[0]


def _changing(pack: Pack, word: str) -> bool:
    """Return whether a word is the first of a verb of a change or of an end."""
    folded = word.casefold().strip(".,")
    return folded in pack.words("changing") or folded in _first_words(pack.code)


@lru_cache(maxsize=32)
def _first_words(code: str) -> frozenset[str]:
    pack = packs()[code]
    verbs = (verb for row in pack.tables.get("endings", ()) for verb in entries(row["verbs"]))
    return frozenset(verb.split()[0] for verb in verbs) - pack.words("not_changing")


def _concerns(who: str, was: Known, clause: str) -> bool:
    """Return whether whom a clause is about may have changed what an older text says."""
    pack, words = was.pack, tokens(who)
    stems = {stem for word in words if word not in pack.words("left_out") for stem in pack.stemmed(word)}
    here = stems | set(pack.stemmed(clause))
    if not was.subject & pack.stems("people") <= here:
        return False
    named = bool(was.subject) and was.subject <= here
    if not stems:
        return was.mine or not words or named
    if stems <= was.stems:
        return was.mine or not was.subject or named
    return (was.mine or named) and stems - was.stems <= pack.stems("agents")


@dataclass(frozen=True, slots=True)
class _Ending:
    """Verbs with which something ends, the words of which the older text must have one, and how the object is named."""

    pattern: re.Pattern[str]
    of: frozenset[str]
    object: str


@lru_cache(maxsize=32)
def endings_of(code: str) -> tuple[_Ending, ...]:
    """Return the verbs of a language with which something ends."""
    pack, found = packs()[code], []
    before, behind = (pack.tables.get("patterns", {}).get(name, "") for name in ("before_ending", "behind_ending"))
    for row in pack.tables.get("endings", ()):
        verbs = sorted(entries(row["verbs"]), key=lambda verb: (-len(verb), verb))
        whole = "|".join(map(re.escape, verbs))
        pattern = rf"(?i:{before}\b(?:{whole})\b{behind})" if pack.spaced else f"(?:{whole})"
        pattern += r"\Z" if row["object"] == "before" else ""
        found.append(_Ending(re.compile(pattern), frozenset(entries(row.get("of", ""))), row["object"]))
    return tuple(found)


@lru_cache(maxsize=32)
def turns_of(code: str) -> tuple[tuple[Form, Mapping[str, Any]], ...]:
    """Return the turns of a language, each with what its row says."""
    pack = packs()[code]
    return tuple((Form(pack, row["said"]), row) for row in pack.tables.get("turns", ()))


@dataclass(frozen=True, slots=True)
class Turn:
    """A clause that may say that something is over or another: all that is read of it without the older text.

    `who` is whom it is about, by this clause or one before it, `subject` what stands before its verb. `text` is the
    clause without what only closes it; in it were found turns with what stands in their slots, a "no longer", and
    verbs of an end.
    """

    said: str
    text: str
    who: str
    subject: str | None
    found: tuple[tuple[Mapping[str, Any], Mapping[str, str]], ...]
    no_longer: re.Match[str] | None
    endings: tuple[tuple[_Ending, re.Match[str]], ...]


def _turns_in(pack: Pack, clauses: tuple[str, ...]) -> Iterator[Turn]:
    """Yield what may be turns, up to the first clause that does not follow plainly; without spaces, every clause."""
    who = ""
    for number, clause in enumerate(clauses):
        if pack.spaced and number and not introduces(pack, clauses[number - 1]):
            return
        subject = _subject(pack, clause) if pack.spaced else None
        if subject is not None and subject.casefold() not in pack.words("pronouns"):
            who = subject
        text = pack.pattern("closing").sub("", clause)
        matched = [(row, form.match(f" {text}" if pack.spaced else text)) for form, row in turns_of(pack.code)]
        found = tuple((row, slots) for row, slots in matched if slots is not None)
        no_longer = pack.pattern("no_longer").search(text)
        searched = [(ending, ending.pattern.search(text)) for ending in endings_of(pack.code)]
        endings = tuple((ending, match) for ending, match in searched if match is not None)
        if found or no_longer or endings or not pack.spaced:
            yield Turn(clause, text, who, subject, found, no_longer, endings)


def _ends(turn: Turn, was: Known) -> bool:
    """Return whether a clause says that what an older text says is over or another."""
    pack, clause, who = was.pack, turn.text, turn.subject
    for row, slots in turn.found:
        decided = _turns_it(row, slots, clause, was)
        if decided or (decided is False and not row.get("undecided")):
            return decided
    if match := turn.no_longer:
        if pack.pattern("negated").search(clause[: match.start()]):  # "it is not that I no longer ..."
            return False
        of_pronoun = who is not None and who.casefold() in pack.words("pronouns")
        said = (
            " ".join(w for w in clause.split() if w.casefold() not in pack.words("pronouns")) if of_pronoun else clause
        )
        return was.names(said, strict=True)
    return any(_is_ended(ending, match, clause, was) for ending, match in turn.endings)


def _turns_it(row: Mapping[str, Any], found: Mapping[str, str], clause: str, was: Known) -> bool | None:
    """Return whether what stands in the slots of a turn changes what the older text says; None if the turn is none.

    {what}, {of} and {head} must stand in the older text, and {old} be its value; {new} must not, or, in a turn of an
    amount, be another one.
    """
    pack, head, old, new = was.pack, found.get("head", "").strip(), found.get("old", ""), found.get("new", "")
    verbs = frozenset(word.casefold() for word in head.split() if _changing(pack, word))
    verb = found.get("verb", "")
    if row.get("instead") and (pack.words("now").isdisjoint(tokens(clause)) or measure(pack, old) is None):
        return None
    if row.get("instead"):
        fresh = was.told(new) - was.stems
        return bool(was.bare(old)) and was.bare(old) <= was.stems and all(any(c.isdigit() for c in s) for s in fresh)
    if row.get("verb") and not verbs:
        return None
    if "of" in row and not any(word in was.letters for word in entries(row["of"])):
        return None
    if "what" in found and not was.names(found["what"]):
        return False
    if not (verb in pack.words("light_verbs") or not verb or verb in was.letters):
        return False
    if row.get("amount"):
        return other_measure(pack, was.text if pack.spaced else was.letters, new)
    if "old" in found and pack.spaced:
        return _other(old, new, head, was, verbs if row.get("verb") else None)
    if row.get("value"):
        rest = was.rest(old)
        first = pack.pattern("owner").sub("", was.letters, count=1).startswith(rest)
        if len(rest) < _LEAST or not (first or was.letters.endswith(rest)):
            return False
        old, head = rest, ""
    return (
        old in was.letters
        and was.says(f"{head} {found.get('of', '')}".strip(), but=pack.stems("agents"))
        and not (new and new in was.letters)
    )


def _other(old: str, new: str, head: str, was: Known, verbs: frozenset[str] | None) -> bool:
    """Return whether "from A to B" leaves what the older text says, for something else."""
    pack, a, b = was.pack, was.bare(old), was.bare(new)
    if pack.pattern("one_of_many").search(head):  # "I moved a file from A to B"
        return False
    if not a or not a <= was.stems or b <= was.stems or not _ends_what_is_said(old, was):
        return False
    if verbs and measure(pack, old) is None:  # a way of travelling, or a move of something else
        of_another = not was.stems & pack.stems("stays") and not was.subject & set(pack.stemmed(head))
        if verbs <= pack.words("ways") or (verbs <= pack.words("moves") and of_another):
            return False
    if was.told(head) - pack.stems("changing") - was.stems - pack.stems("agents"):
        return False
    purpose = None if measure(pack, new) else pack.pattern("purpose").search(new)
    return purpose is None or was.told(purpose["what"]) <= was.stems | a


def _ends_what_is_said(value: str, was: Known) -> bool:
    """Return whether a value ends what an older text says, but for a place or a purpose: "left back for my team"."""
    place = was.text.casefold().rfind(value.casefold().strip())
    if place < 0 or measure(was.pack, value):
        return True
    behind = was.text[place + len(value.strip()) :].strip(" .,!")
    return (
        not behind
        or _VERSION.fullmatch(behind) is not None
        or tokens(behind)[:1][0] in was.pack.words("behind_value")
        or not was.told(behind)
    )


def _is_ended(ending: _Ending, match: re.Match[str], clause: str, was: Known) -> bool:
    """Return whether a clause says by a verb of an end that what an older text says is over."""
    pack = was.pack
    if ending.of and not ending.of & was.words:
        return False
    if ending.object == "doing" and not was.content - pack.stems("portions") <= frozenset(pack.stemmed(clause)):
        return False  # "stopped reading" is of this evening, and of no book
    before, behind = clause[: match.start()], clause[match.end() :].strip()
    if not pack.spaced:
        if ending.object == "before":
            return was.names(before)
        if ending.object == "closed" and not pack.pattern("closed").search(behind):
            return False
        return was.says(before) and was.names(pack.pattern("around_object").sub("", behind))
    if pack.pattern("negated").search(before) or was.bare(match.group()) <= was.stems:
        return False
    if ending.object == "alone":
        stems = was.told(before)
        return (
            bool(stems & was.content)
            and stems <= was.stems
            and not was.told(behind)
            and not pack.pattern("day").search(behind)
        )
    said = before if ending.object == "before" else behind
    return pack.pattern(f"not_{ending.object}").search(said) is None and was.names(said)
