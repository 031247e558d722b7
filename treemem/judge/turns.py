"""Turns: a looser sentence that names what was said before, and says that it is over or another now.

"landlord raised my rent, it went from 740 to 795" turns "The rent for my studio is 740". Every word that says which
thing is meant must stand in the older text; a person who does not stand there has changed something of his own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge.measures import measure
from treemem.judge.speech import LONGEST_TEXT, is_chinese, leads, plain_clauses
from treemem.judge.tables import listed_in, pattern_of, phrases
from treemem.judge.turns_zh import turned_zh
from treemem.language import pack
from treemem.text import MONTH, WEEKDAY, analyse

_WORDS = re.compile(r"[^\W_]+(?:[.'’:/-][^\W_]+)*")
_FROM_TO = re.compile(r"\bfrom (?P<old>.{1,50}?) (?:over |up |down |back )?(?:to|onto|into) (?P<new>.{1,50})$")
_MOVED_OFF = re.compile(
    r"\b(?:moved|migrated|switched|ported|taken|took|got|transferred) (?P<what>.{1,40}?) "
    r"(?:off|away from|out of)(?: of)? (?P<old>.{1,40})$"
)
_NO_LONGER = re.compile(r"\bno longer\b|\bnot? .{0,60}\b(?:any ?more|any longer)\b|\bno more\b", re.IGNORECASE)
_INSTEAD = re.compile(r"(?P<new>.{1,80}) (?:instead of|rather than) (?P<old>.{1,40})$")
_REPLACED = re.compile(r"\b(?:replaced|swapped|traded) (?P<old>.{1,50}?) (?:with|for|by) (?P<new>.{1,50})$")
_NEGATED = re.compile(r"\b(?:not|never|no)\b|n['’]t\b", re.IGNORECASE)
_PAST = re.compile(
    r"^(?:I|[Ww]e|(?:[A-Z]\w+|(?:[Mm]y|[Oo]ur|[Tt]he) \w+)(?: (?!is\b|are\b|am\b|be\b|has\b)\w+)?)"
    r"(?: (?:just|once|also|never|finally|recently|already|really|then))? "
    r"(?!need|red\b|bed\b|speed|feed)(?:\w{3,}ed|won|went|met|saw|ran|ate|bought|found|came|gave|got|took|made|flew|"
    r"drove|told|wrote|was|were|had|did|began|lost|sold|left|quit)\b"
)
_MINE = re.compile(r"\b(?:i|my|me|we|our|us)\b", re.IGNORECASE)
_SMALL = frozenset("i my me we our us the a an is am are be and of in on at to with for as it".split())
_VERBISH = re.compile(
    r"\b(?:is|are|am|was|has|have|had|does|do|did|be|gets?|got|goes?|went|lives?|works?|moved|\w+ed|\w+s)\b",
    re.IGNORECASE,
)
#: What a clause begins with that has no subject of its own.
_NO_SUBJECT = re.compile(
    r"(?:not|no longer|no more|down|up|from|got|so|now|dyed|had|do|does|am|is|are|be)\b", re.IGNORECASE
)
_AUX = re.compile(
    r"(?:is|are|am|was|were|has|have|had|does|do|did|no|not|just|finally|now|will|can|get|gets|got|moved|runs?|lives?|"
    r"works?|uses?)",
    re.IGNORECASE,
)
_LEFT_OUT = frozenset("my our the we've i've i'm i we and so a hey fyi well ok".split())
_PRONOUNS = ("it", "that", "this", "she", "he", "they")
_PRONOUN = re.compile(r"\b(?:she|he|they|it)\b", re.IGNORECASE)
_DAY = re.compile(rf"\b(?:{WEEKDAY}|{MONTH})\b", re.IGNORECASE)
#: Verbs that tell of a way as well as of a change: "we went from Berlin to Prague".
_WAYS = frozenset("went gone go jumped got brought climbed pushed cut".split())
_MOVES = frozenset("moved relocated transferred shifted moving".split())
_STAYS = frozenset("live base hous rent work offic host locat store kept keep run stay stud studi play sing".split())
_ARTICLE = re.compile(r"(?:an?|some|one|two|three|four|five|another|\d+) ", re.IGNORECASE)
_TASTES = frozenset("like love enjoy eat drink prefer".split())
_CHANGES = frozenset("moved switched changed migrated upgraded relocated quit retired sold divorced renamed".split())
#: The share of the content words of the older text that the newer one must name.
_NAMED = 0.3


def turned(newer: str, older: str) -> bool:
    """Return whether a newer text names what an older one says, and says that it is over or another now."""
    if max(len(newer), len(older)) > LONGEST_TEXT or is_chinese(newer) != is_chinese(older):
        return False
    clauses, was = plain_clauses(newer), plain_clauses(older, tolerant=True)
    if not clauses or not was or pattern_of("zh" if is_chinese(newer) else "en", "gone").search(newer):
        return False
    return turned_zh(clauses, older) if is_chinese(newer) else _turned_en(clauses, older)


@lru_cache(maxsize=16_384)
def _stem(word: str) -> tuple[str, ...]:
    return tuple(analyse(word)) or (word.casefold(),)


def _stems(text: str) -> list[str]:
    return [stem for word in _WORDS.findall(text) for stem in _stem(word)]


@lru_cache(maxsize=16)
def _stems_of_list(name: str) -> frozenset[str]:
    return frozenset(stem for entry in phrases("en", name) for word in entry.split() for stem in _stems(word))


@lru_cache(maxsize=1)
def _neutral() -> frozenset[str]:
    """Return the stems that do not say which thing is meant."""
    return _SMALL | _stems_of_list("neutral")


@dataclass(frozen=True, slots=True)
class _Old:
    """What an older text says: its words and stems, those that say which thing is meant, whether it is the speaker's
    own.

    `subject` are the stems of whom it is about, `person` those of a person of the speaker's: "my brother".
    """

    text: str
    words: frozenset[str]
    order: tuple[str, ...]
    stems: frozenset[str]
    content: frozenset[str]
    mine: bool
    subject: frozenset[str]
    person: frozenset[str]


@lru_cache(maxsize=2_048)
def _old(text: str) -> _Old:
    words = _WORDS.findall(text)
    order = tuple(_stems(text))
    stems = frozenset(order)
    match = _VERBISH.search(text, len(words[0]) if words else 0)
    subject = frozenset(_stems(text[: match.start()] if match else "")) - _SMALL
    content = tuple(stem for stem in order if stem not in _neutral())
    folded = frozenset(word.casefold() for word in words)
    person = subject & _stems_of_list("people")
    return _Old(text, folded, content, stems, frozenset(content), _MINE.search(text) is not None, subject, person)


def tells_an_event(text: str) -> bool:
    """Return whether a text tells of something that happened, which stays true, rather than of how things are."""
    ended = any(ending.pattern.search(text) for ending in _endings())
    so_now = re.search(r"\b(?:is|are|am|be)\b|['’](?:m|s|re)\b", text) is not None
    return (ended and not so_now) or _PAST.search(text) is not None


def changes_state(text: str) -> bool:
    """Return whether a text tells of a change of how things are: told again, it is the same one."""
    return not _CHANGES.isdisjoint(text.casefold().split())


def _turned_en(clauses: tuple[str, ...], older: str) -> bool:
    was = _old(older)
    if not was.content or _NO_LONGER.search(older) or _NEGATED.search(older) or tells_an_event(older):
        return False
    told = frozenset(stem for clause in clauses for stem in _stems(clause))
    if _MANY.search(older) and not was.content <= told:  # "with Tom and Ann": no longer with Tom leaves Ann
        return False
    if len(told & was.content) < max(1, _NAMED * len(was.content)):
        return False
    subject = ""
    for number, clause in enumerate(clauses):
        if number and not introduces(clauses[number - 1]):
            return False
        found = _subject(clause)
        if found is not None and found.casefold() not in _PRONOUNS:
            subject = found
        if _concerns(subject, was, clause) and _ends(clause, found, was):
            return True
    return False


_MANY = re.compile(r" (?:and|or|&) |/", re.IGNORECASE)


_SELF = re.compile(r"\b(?:i|we|it|they|us|me|sorry)\b", re.IGNORECASE)


def introduces(clause: str) -> bool:
    """Return whether what follows a clause is still said plainly: the clause says something, or is a known lead."""
    words = clause.split()
    lead = clause.casefold() in leads("en") or not 1 < len(words) < 4 or _SELF.search(clause) is not None
    return lead or any(_AUX.fullmatch(word) or _changing(word) or word.endswith("ed") for word in words)


def denied_now(newer: str, older: str) -> bool:
    """Return whether a newer text says no, now, to all that an older one likes: a hint that tastes have changed."""
    clauses, was = plain_clauses(newer), plain_clauses(older)
    if len(was) != 1 or is_chinese(older) or _NEGATED.search(was[0]):
        return False
    old = _old(was[0])
    liked = old.content - _TASTES
    if not liked or not old.stems & _TASTES or not old.mine:
        return False
    return any(
        _NEGATED.search(clause) and "now" in clause.split() and _MINE.search(clause) and liked <= set(_stems(clause))
        for clause in clauses
    )


def _subject(clause: str) -> str | None:
    """Return the words before the verb of a clause, None where it begins with the verb."""
    words = clause.split()
    if not words or _NO_SUBJECT.match(clause) or _changing(words[0]):
        return None
    for number, word in enumerate(words[:8]):
        if number and (_AUX.fullmatch(word) or _changing(word)):
            return " ".join(words[:number])
    return words[0]


@lru_cache(maxsize=4_096)
def _changing(word: str) -> bool:
    """Return whether a word is the first of a verb of a change or of an end."""
    folded = word.casefold().strip(".,")
    return folded in phrases("en", "changing") or folded in _first_words()


@lru_cache(maxsize=1)
def _first_words() -> frozenset[str]:
    verbs = (verb for table in pack("en")["turn"]["endings"] for verb in listed_in(table["verbs"]))
    return frozenset(verb.split()[0] for verb in verbs) - {"am", "is", "are", "was", "has", "got"}


def _concerns(subject: str, was: _Old, clause: str) -> bool:
    """Return whether whom a clause is about may have changed what an older text says."""
    words = [word.casefold() for word in _WORDS.findall(subject)]
    stems = {stem for word in words if word not in _LEFT_OUT for stem in _stem(word)}
    here = stems | set(_stems(clause))
    if not was.person <= here:
        return False
    named = bool(was.subject) and was.subject <= here
    if not stems:
        return was.mine or not words or named
    if stems <= was.stems:
        return was.mine or not was.subject or named
    return (was.mine or named) and stems - was.stems <= _stems_of_list("agents")


def _ends(clause: str, subject: str | None, was: _Old) -> bool:
    """Return whether a clause says that what an older text says is over or another."""
    if (match := _FROM_TO.search(clause)) and (verbs := _verbs(clause[: match.start()])):
        return _other(match, clause, was, verbs)
    if match := _REPLACED.search(clause):
        return _other(match, clause, was, frozenset())
    if (match := _INSTEAD.search(clause)) and "now" in clause.split() and measure(match["old"]):
        old = frozenset(_stems(match["old"])) - _SMALL
        new = frozenset(_stems(match["new"])) - _neutral()
        return bool(old) and old <= was.stems and all(s in was.stems or any(c.isdigit() for c in s) for s in new)
    if match := _MOVED_OFF.search(clause):
        return _only_of(match["old"], was) and _only_of(match["what"] + " " + match["old"], was)
    if match := _NO_LONGER.search(clause):
        if _NEGATED.search(clause[: match.start()]):  # "it is not that I no longer ..."
            return False
        said = _PRONOUN.sub(" ", clause) if subject is not None and _PRONOUN.fullmatch(subject) else clause
        return _only_of(said, was, strict=True)
    return any(_is_ended(ending, clause, was) for ending in _endings())


def _verbs(text: str) -> frozenset[str]:
    """Return the verbs of a change in a text."""
    return frozenset(word.casefold() for word in text.split() if _changing(word))


@dataclass(frozen=True, slots=True)
class _Ending:
    """Verbs with which something ends, the words of which the older text must have one, and how the object is named."""

    pattern: re.Pattern[str]
    of: frozenset[str]
    object: str


@lru_cache(maxsize=1)
def _endings() -> tuple[_Ending, ...]:
    found = []
    for table in pack("en")["turn"]["endings"]:
        verbs = "|".join(map(re.escape, listed_in(table["verbs"])))
        pattern = rf"(?<!the )(?<!on )(?<!my )\b(?:{verbs})\b(?![- ](?:hand|handed|back|side|foot|wing)\b)(?!-)"
        found.append(_Ending(re.compile(pattern, re.IGNORECASE), frozenset(listed_in(table["of"])), table["object"]))
    return tuple(found)


def _is_ended(ending: _Ending, clause: str, was: _Old) -> bool:
    """Return whether a clause says by a verb of an end that what an older text says is over."""
    match = ending.pattern.search(clause)
    if match is None or (ending.of and not ending.of & was.words):
        return False
    before, behind = clause[: match.start()], clause[match.end() :].strip()
    if _NEGATED.search(before) or set(_stems(match.group())) - _SMALL <= was.stems:
        return False
    if ending.object == "alone":
        stems = frozenset(_stems(before)) - _neutral()
        rest = frozenset(_stems(behind)) - _neutral()
        return bool(stems & was.content) and stems <= was.stems and not rest and not _DAY.search(behind)
    if ending.object in ("definite", "name") and _ARTICLE.match(behind + " "):
        return False
    if ending.object == "name" and not re.match(r"(?:the |The )?[A-Z0-9]", behind):
        return False
    if ending.object == "bare" and re.match(r"(?:the|my|our|an?|his|her|their) ", behind):
        return False
    if ending.object == "doing" and not re.match(r"\w+ing\b", behind):
        return False
    return _only_of(behind, was)


def _only_of(text: str, was: _Old, *, strict: bool = False) -> bool:
    """Return whether a text names something that the older one says, in one piece, and nothing else.

    With `strict` a day counts as well: what is no longer so on Sundays may be so on others.
    """
    if strict and not {stem for day in _DAY.findall(text) for stem in _stems(day)} <= was.stems:
        return False
    stems = frozenset(_stems(text)) - _neutral()
    if not stems & was.content or not stems <= was.stems:
        return False
    places = [n for n, stem in enumerate(was.order) if stem in stems]
    return len(stems) < 2 or len(stems) > 2 or places[-1] - places[0] <= len(places)


def _other(match: re.Match[str], clause: str, was: _Old, verbs: frozenset[str]) -> bool:
    """Return whether "from A to B" leaves what the older text says, for something else."""
    old, new = frozenset(_stems(match["old"])) - _SMALL, frozenset(_stems(match["new"])) - _SMALL
    head = clause[: match.start()]
    if re.search(r"\b(?:an?|some|one|two) \w+ *$", head):  # "I moved a file from A to B"
        return False
    if not old or not old <= was.stems or new <= was.stems or not _ends_what_is_said(match["old"], was):
        return False
    if verbs and verbs <= _WAYS and not measure(match["old"]):
        return False
    if (
        verbs
        and verbs <= _MOVES
        and not measure(match["old"])
        and not was.stems & _STAYS
        and not was.subject & set(_stems(head))
    ):
        return False
    before = frozenset(_stems(head)) - _neutral() - _stems_of_list("changing")
    if before - was.stems - _stems_of_list("agents"):
        return False
    if measure(match["new"]):
        return True
    purpose = re.search(r" (?:for|in|at|on|by) (?P<what>.{2,40})$", match["new"])
    return purpose is None or frozenset(_stems(purpose["what"])) - _SMALL <= was.stems | _neutral() | old


def _ends_what_is_said(value: str, was: _Old) -> bool:
    """Return whether a value ends what an older text says, but for a place or a purpose: "left back for my team"."""
    if measure(value):
        return True
    place = was.text.casefold().rfind(value.casefold().strip())
    if place < 0:
        return True
    behind = was.text[place + len(value.strip()) :].strip(" .,!")
    return (
        not behind
        or re.match(r"(?:for|at|in|on|with|as|to|a|an|per|every|each|by|from|and|of|is)\b", behind) is not None
        or not (frozenset(_stems(behind)) - _neutral())
    )
