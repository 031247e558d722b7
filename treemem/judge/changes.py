"""Stated changes: a newer text that says of what an older one says that it ended, or is another now.

The older text must be one short statement of how things are. The newer one must name its subject, say that something
changed ("no longer", "from A to B", "now", "was raised to", "sold"), and leave nothing of the older statement out but
its value: precision first, for what is taken for gone is shown less. Wishes, plans and questions change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge import changes_zh
from treemem.text import MONTH, analyse, fold, words

#: Stems beyond which a text says too much to be one statement, or one news.
LONGEST_STATEMENT, LONGEST_NEWS = 10, 20
#: Characters beyond which a text is not looked at for one statement.
LONGEST_TEXT = 200
ME = ("i",)

_SENTENCE = re.compile(r"(?<=[.!?;\n])\s+|[!?;\n]")
_CLAUSE = re.compile(r",? (?:and|but|so|because|since|when|while)(?= )|[,;:]|\s[-–]\s")
_LEAD = re.compile(
    r"(?:by the way|actually|well|okay|ok|so|and|but|then|finally|nowadays|these days|currently|now|also|just so you "
    r"know|as i said|from now on|since \w+|as of \w+|in \w+)\b,? ?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_][\w'’-]*")
_OF_PERSON = re.compile(r"(?:I|[Ww]e)\b(?:['’]\w+)?")
_DETERMINED = re.compile(r"(?:my|our|the)\s+", re.IGNORECASE)
_NAME = re.compile(r"(?:[A-Z][\w'’-]*\s?){1,3}")
_SUBJECT_ENDS = frozenset(
    """is isn't are aren't was wasn't were weren't am be been has hasn't have haven't had does doesn't do don't did
    didn't will won't would can can't could may must should no now never always usually used just at in on of for with
    from to by and or not still also already finally went goes go grew rose fell lives works plays runs left""".split()
)
_NOT = re.compile(r"n['’]t\b|\b(?:not|no|never|without|nobody|none|cannot)\b", re.IGNORECASE)
_ONLY_THOUGHT = re.compile(
    r"\b(?:if|whether|would|could|might|may|should|want(?:s|ed)?|plan(?:s|ned|ning)?|going to|hop(?:e|es|ing)|wish\w*|"
    r"thinking|considering|dream\w*|almost|nearly|try|tries|trying|never|unless|maybe|perhaps|says?|said|told|heard|"
    r"thinks?|will|about to)\b|\?",
    re.IGNORECASE,
)
#: What tells of something past: the verbs that matter, and any other in -ed that stands without "is".
_PAST = re.compile(
    r"\b(?:yesterday|ago|last (?:night|week|month|year|\w+day)|was|were|went|met|saw|bought|got|came|ran|won|lost|had|"
    r"did|made|took|gave|found|told|used to|sold|broke|fell|died|ate|quit|stole|blew|hurt|kept|sent|paid|spent|"
    r"grew|rose|flew|drove|felt|became|began|brought|built|caught|chose|drank|forgot|held|knew|led|meant|rang|said|"
    r"sang|slept|spoke|stood|swam|taught|thought|threw|woke|wore|wrote|dreamt|burnt|shut down)\b"
    r"|(?<!\bis )(?<!\bare )(?<!\bam )(?<!\bbe )(?<!['’]s )(?<!['’]m )(?<!['’]re )"
    r"(?<!\bthe )(?<!\ba )(?<!\ban )(?<!\bmy )"
    r"\b(?!hundred\b)[a-z]{2,}[^e\W\d]ed\b",
    re.IGNORECASE,
)
#: Stems that say no more of a thing than that it is there, or in use.
_LIGHT = frozenset(
    """use run keep take go drive play have own pay read stay rent work live wear write bank need get studi eat drink
    listen written hold see date""".split()
)

#: Stems of what happens once, of which the time goes with it; and of verbs that say where something is.
_ONCE = frozenset(
    """appoint meet flight trip book reserv subscript order account contract class cours concert parti wed ticket
    membership project plan event interview""".split()
)
_LOCATED = frozenset("live base locat held meet stand lie stay hous sit park".split())
#: Verbs that tell of a way as well as of a change.
_WAYS = frozenset("went gone go passed rose fell grew".split())

_NO_LONGER = re.compile(
    r"\b(?:no longer|any ?more|any longer|stopped|stops|quit|ceased|gave up|given up|used to)\b", re.IGNORECASE
)
_LEFT_OVER = frozenset("t ve re m s d ll don doesn didn isn aren wasn weren hasn haven".split())
_CUE_STEMS = frozenset("longer ani anymor stop quit ceas gave given use".split())
_FROM_TO = re.compile(
    r"\b(?P<verb>switch\w*|mov(?:ed|ing)|chang(?:ed|ing)|migrat\w+|port(?:ed|ing)|upgrad\w+|downgrad\w+|renamed|"
    r"transferred|relocated|went|gone|go|raised|lowered|increased|reduced|cut|extended|postponed|pushed|shifted|"
    r"converted|rose|fell|grew|promoted|passed)\b(?P<what>[^.;,]{0,50}?) from (?P<old>[^.;,]{1,50}?) "
    r"(?:to|onto|into) (?P<new>[^.;,]{1,50})",
    re.IGNORECASE,
)
_REPLACED = (
    re.compile(r"\b(?:replaced|swapped|traded) (?P<old>[^.;,]{1,50}?) (?:with|for|by) (?P<new>[^.;,]{1,50})", re.I),
    re.compile(
        r"(?P<old>[^.;,]{1,50}?) (?:was|were|has been|have been|got) replaced (?:by|with) (?P<new>[^.;,]+)", re.I
    ),
    re.compile(r"(?P<new>[^.;,]{1,60}) instead of (?P<old>[^.;,]{1,50})", re.I),
    re.compile(r"(?P<new>[A-Z][^.;,]{0,50}?) (?:replaced|took over from|succeeded) (?P<old>[^.;,]{1,50})"),
)
_ENDED = re.compile(
    r"\b(?:cancell?ed|sold|shaved off|tore|demolished|removed|deleted|gave away|got rid of|returned|checked out of|"
    r"resigned as|retired as|stepped down as|terminated|discontinued|dissolved|handed|moved out of|gave up|"
    r"graduated from|dropped out of|closed(?= (?:my|our|the|his|her)? ?\w* ?(?:account|shop|business|company|branch))|"
    r"(?P<done>finished|completed))\b(?P<what>[^.;,]*)",
    re.IGNORECASE,
)
#: What goes on, and can be finished.
_GOING_ON = re.compile(r"(?:\b(?:am|is|are)|['’](?:m|s|re)) \w+ing\b", re.IGNORECASE)
_WAS_ENDED = re.compile(
    r"(?P<what>[^.;,]{1,60}?) (?:was|were|has been|have been|got) (?:officially )?(?:closed|cancell?ed|called off|"
    r"sold|removed|deleted|discontinued|terminated|demolished|torn down|dissolved|abolished)\b",
    re.IGNORECASE,
)
_NOW = re.compile(r"\b(?:now|these days|nowadays|currently|from now on|from \w+ on)\b", re.IGNORECASE)
_CHANGED = re.compile(
    r"\b(?:moved|relocated|transferred|changed|raised|lowered|increased|reduced|extended|postponed|pushed|delayed|"
    r"rescheduled|brought forward|shortened|went up|went down|gone up|gone down|rose|fell|grew|grown|dropped|upgraded|"
    r"renewed|bumped|cut|adjusted|shifted|shrank|shrunk|switched|is down|is up|am down|am up|'m down|’m down|'m up)\b"
    r"[^.;,]*? (?:to|until|till|by|into)\b",
    re.IGNORECASE,
)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
).split()
_VALUES = (
    ("month", re.compile(MONTH + r"\b", re.IGNORECASE)),
    ("day", re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE)),
    ("number", re.compile(rf"\d[\d.,:]*|\b(?:{'|'.join(_NUMBERS)})\b", re.IGNORECASE)),
    ("ordinal", re.compile(rf"\b(?:\d+(?:st|nd|rd|th)|{'|'.join(_ORDINALS)})\b", re.IGNORECASE)),
    ("place", re.compile(r"(?<=\b(?:in|on|at|to) )(?:the )?[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")),
)
_HOLDER = re.compile(r"^(?P<who>[A-Z][\w'’ -]{0,30}?) (?:is|was) (?:now )?the (?P<role>[^.;,]+)")
_NEW_HOLDER = re.compile(
    r"(?:^|[;,] |\band )(?P<who>[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)?) is (?:now )?the (?P<role>[^.;,]+)"
)
_STATES = tuple(
    (
        re.compile(rf"(?:\b(?:is|are|am|has|have)|['’](?:s|m|re)) (?:[\w'’ ]* )?(?:{before})\b", re.IGNORECASE),
        re.compile(rf"\b(?:{after})\b", re.IGNORECASE),
    )
    for before, after in (
        ("closed|shut", "reopened|open again|has opened|have opened"),
        ("open", "closed down|has closed|shut down"),
        ("broken|out of order|defect(?:ive)?|down|in the garage|being repaired", "repaired|fixed|works again"),
        ("missing|lost", "found|turned up|came back"),
        ("in hospital|in the hospital", "discharged|released|home from|left (?:the )?hospital"),
        ("pregnant|expecting", "had (?:her|the|a|our|my) (?:baby|twins|girl|boy)|gave birth"),
        ("unemployed|out of work|looking for (?:a job|work)", "found a job|got a job|was hired"),
        ("flaky|unstable", "stable (?:now|again)|fixed"),
        ("under construction|being built", "completed|opened|finished|inaugurated"),
        ("for sale", "sold|not (?:to )?sell|off the market"),
        (
            "on (?:parental |sick |maternity |paternity )?leave|on holiday|on vacation",
            "back from|returned from|is back",
        ),
        (
            "learning to drive|taking driving lessons",
            "driving licen[cs]e|driver['’]?s licen[cs]e|passed (?:the|her|his)",
        ),
        ("training as|studying|student|apprentice", "finished (?:my|his|her|their|the) (?:training|studies)|graduated"),
        ("in beta|a draft|in development", "released|out of beta|published|launched|went live"),
        ("engaged|dating|together|in a relationship", "broke up|split up|separated|called off|got married|married"),
        ("married", "divorced|separated"),
        ("ill|sick|unwell", "recovered(?! (?:the|my|a|an)\\b)|well again|healthy again|better now"),
        ("vacant|empty", "occupied|rented out|taken now"),
        ("pending|undecided", "approved|rejected|decided|settled"),
        ("long hair", "cut (?:my|her|his) hair"),
        ("brown|black|blonde?|red|grey|gray", "dyed (?:my|her|his) hair"),
    )
)


#: Words of which every cue has one: a quick look before the patterns.
_CUE_WORDS = frozenset(
    """abolished adjusted again any anymore approved back better birth broke brought bumped called canceled cancelled
    ceased changed checked closed completed currently cut days decided deleted delayed demolished discharged
    discontinued dissolved divorced down downgraded driving dropped dyed extended fell finally finished fixed found
    from gave given gone got graduated grew grown had handed has have healthy hired home inaugurated increased instead
    launched left license licence longer lowered market married migrated moved moving not now nowadays occupied off open
    opened out passed picked porting ported postponed promoted published pushed quit raised recovered reduced rejected
    released relocated removed renamed renewed rented reopened repaired replaced rescheduled resigned retired returned
    rose separated settled shaved shifted short shortened shrank shrunk shut sold split stable stepped stopped stops
    succeeded swapped switched taken terminated took tore torn traded transferred turned up upgraded used went
    works""".split()
)
#: What one of tells that a sentence may be news.
_CUES = (
    *(_NO_LONGER, _FROM_TO, *_REPLACED, _ENDED, _WAS_ENDED, _NOW, _CHANGED, re.compile(r"\bfinally\b", re.IGNORECASE)),
    *(after for _, after in _STATES),
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence with whom it is about; a clause without a subject has that of the one before."""

    subject: tuple[str, ...]
    text: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its clauses."""

    text: str
    stems: frozenset[str]
    clauses: tuple[Clause, ...]


def ends(newer: str, older: str, *, same_speaker: bool) -> bool:
    """Return whether a newer text states that what an older one says has ended, or has another value now.

    "I", "my" and "the" mean the same only where both are of the `same_speaker`.
    """
    was = _statement(older)
    if was is not None and (same_speaker or _is_named(was.text)):
        return any(_ends(one, was) for one in _news(newer))
    return same_speaker and not older.isascii() and not newer.isascii() and changes_zh.ends(newer, older)


@lru_cache(maxsize=4_096)
def _news(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text that may tell of a change."""
    if _CUE_WORDS.isdisjoint(words(text)):
        return ()
    return tuple(
        sentence
        for sentence in _sentences(text)
        if len(sentence.stems) <= LONGEST_NEWS
        and not _ONLY_THOUGHT.search(sentence.text)
        and any(cue.search(sentence.text) for cue in _CUES)
    )


@lru_cache(maxsize=4_096)
def _statement(text: str) -> Sentence | None:
    """Return a text that is one short statement of how things are, None for any other."""
    if len(text) > LONGEST_TEXT:
        return None
    found = _sentences(text)
    if len(found) != 1 or "?" in text or not 0 < len(found[0].stems) <= LONGEST_STATEMENT or _PAST.search(text):
        return None
    return found[0] if found[0].clauses[0].subject else None


@lru_cache(maxsize=4_096)
def _sentences(text: str) -> tuple[Sentence, ...]:
    found = []
    for part in _SENTENCE.split(text):
        if part and (stems := _stems(part)):
            found.append(Sentence(part.strip(), stems, tuple(_clauses(part.strip()))))
    return tuple(found)


def _is_named(text: str) -> bool:
    """Return whether a text is about somebody by name, who is the same whoever speaks."""
    return _NAME.match(text) is not None and not _OF_PERSON.match(text) and not _DETERMINED.match(text)


def _stems(text: str) -> frozenset[str]:
    """Return the stems of a text without what contractions leave over ("don't": do, t)."""
    return frozenset(analyse(text)) - _LEFT_OVER


def _clauses(sentence: str) -> Iterator[Clause]:
    subject: tuple[str, ...] = ()
    for part in _CLAUSE.split(sentence):
        text = (part or "").strip()
        if text:
            bare = _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
            subject = _subject(bare) or subject
            yield Clause(subject, text, _stems(text))


def _subject(clause: str) -> tuple[str, ...]:
    """Return the stems of whom or what a clause begins with, ("i",) for the speaker, nothing where it does not."""
    if _OF_PERSON.match(clause):
        return ME
    determined = _DETERMINED.match(clause)
    if determined is None and not _NAME.match(clause):
        return ()
    noun: list[str] = []
    for number, word in enumerate(_WORD.findall(clause[determined.end() if determined else 0 :])[:4]):
        folded = fold(word)
        if folded in _SUBJECT_ENDS or (number and re.search(r"(?:[^sui]s|ed|ing)$", folded)):
            break
        if determined is None and not word[0].isupper() and not word[0].isdigit():
            break
        noun += analyse(word)
    return tuple(noun)


def subject_of(text: str) -> tuple[str, ...]:
    """Return the stems of whom or what a text begins with, ("i",) for who says it, nothing where that is not clear."""
    found = _sentences(text)
    return found[0].clauses[0].subject if found and found[0].clauses else ()


def tells_of_the_past(text: str) -> bool:
    """Return whether an English text tells of something that happened, rather than of how things are."""
    return _PAST.search(text) is not None


def _ends(news: Sentence, was: Sentence) -> bool:
    denied = _NOT.search(was.text) is not None
    if denied:
        return _came_true(news, was)
    return (
        _no_longer(news, was)
        or _from_to(news, was)
        or _ended(news, was)
        or _another_value(news, was)
        or _another_holder(news, was)
        or _another_state(news, was)
    )


def _about(was: Sentence) -> tuple[str, ...]:
    return was.clauses[0].subject


def _no_longer(news: Sentence, was: Sentence) -> bool:
    """ "I eat meat": "I no longer eat meat". What is denied may not say more than what was said."""
    for clause in news.clauses:
        if clause.subject == _about(was) and _NO_LONGER.search(clause.text):
            denied = clause.stems - _CUE_STEMS - set(clause.subject)
            if denied and denied <= was.stems and not was.stems - news.stems - set(_about(was)):
                return True
    return False


def _from_to(news: Sentence, was: Sentence) -> bool:
    """ "Our CI runs on Jenkins": "We migrated our CI from Jenkins to Actions". The old value must end the statement."""
    for pattern in (_FROM_TO, *_REPLACED):
        for match in pattern.finditer(news.text):
            old, new = _stems(match["old"]), _stems(match["new"])
            about = frozenset(_about(was)) - set(ME)
            old -= about - new if old - about else frozenset()
            if not _is_a_change(match, news, was):
                continue
            rest = was.stems - old - news.stems
            shared = (was.stems - old) & news.stems
            told = bool(old) and old <= was.stems and not new <= was.stems and not rest - _LIGHT and len(rest) <= 1
            same = shared or news.clauses[0].subject == _about(was) == ME or (about and about <= old)
            if told and same:
                return True
    return False


def _is_a_change(match: re.Match[str], news: Sentence, was: Sentence) -> bool:
    """Return whether "from A to B", or "B instead of A", tells of a change and not of a way or of a day."""
    if " instead of " in match.group():
        return _NOW.search(news.text) is not None
    found = match.groupdict()
    if "verb" not in found:
        return True
    what = _stems(found["what"])
    if what and not what & was.stems:  # "we changed trains from A to B"
        return False
    if found["verb"].lower() in _WAYS:  # "we went from A to B"
        return bool((was.stems - set(_about(was)) - _stems(found["old"])) & news.stems)
    return True


def _ended(news: Sentence, was: Sentence) -> bool:
    """ "I have an account at Northbank": "I closed my account at Northbank"."""
    for clause in news.clauses:
        for pattern in (_ENDED, _WAS_ENDED):
            match = pattern.search(clause.text)
            if match is None:
                continue
            what = _stems(match["what"]) - {"down", "day", "now"}
            if pattern is _ENDED and clause.subject != _about(was):
                continue
            if pattern is _ENDED and match["done"] and not _GOING_ON.search(was.text):
                continue
            rest = was.stems - news.stems - _LIGHT - set(_about(was))
            rest -= _numbers(was.text) if what & _ONCE else set()
            if what and what <= was.stems | set(clause.subject) and not rest:
                return True
    return False


def _another_value(news: Sentence, was: Sentence) -> bool:
    """ "The deploy takes twenty minutes": "The deploy takes six minutes now"."""
    for clause in news.clauses:
        now, changed = _NOW.search(news.text), _CHANGED.search(clause.text)
        if any(not _is_a_change(way, news, was) for way in _FROM_TO.finditer(clause.text)):
            continue
        if clause.subject != _about(was) or not (now or changed) or _NOT.search(clause.text):
            continue
        old, new = _values(was.text), _values(clause.text)
        kinds = [kind for kind in old if kind in new and old[kind] != new[kind] and len(old[kind]) == 1]
        if not kinds:
            continue
        said = frozenset().union(*(analyse(value) for many in old.values() for value in many))
        frame = was.stems - said - set(_about(was))
        kinds = [kind for kind in kinds if kind != "place" or frame <= _LOCATED]
        if not kinds:
            continue
        if frame - _LIGHT <= clause.stems:
            return not (frame & _LIGHT) or bool(changed) or frame <= clause.stems
        if changed and clause.subject != ME and set(kinds) & {"month", "day", "place", "ordinal"} and len(frame) <= 1:
            return True
    return False


def _values(text: str) -> dict[str, frozenset[str]]:
    found = {}
    for kind, pattern in _VALUES:
        values = frozenset(fold(match.group()).removesuffix("s") for match in pattern.finditer(text))
        if values:
            found[kind] = values
    if "place" in found and {"month", "day"} & found.keys():
        del found["place"]
    return found


def _numbers(text: str) -> set[str]:
    return {stem for many in _values(text).values() for value in many for stem in analyse(value)}


def _another_holder(news: Sentence, was: Sentence) -> bool:
    """ "Tom is the team lead": "Ines is the team lead now"."""
    old = _HOLDER.match(was.text)
    if old is None or not (_NOW.search(news.text) or _ENDED.search(news.text)):
        return False
    role = _stems(old["role"])
    return any(
        role and _stems(_NOW.sub("", new["role"])) == role and fold(new["who"]) != fold(old["who"])
        for new in _NEW_HOLDER.finditer(news.text)
    )


def _another_state(news: Sentence, was: Sentence) -> bool:
    """ "The lift is broken": "The lift has been repaired"."""
    about = set(_about(was)) - set(ME)
    for before, after in _STATES:
        if before.search(was.text) and after.search(news.text) and not before.search(news.text):
            said_of = news.clauses[0].subject
            if said_of == _about(was) or (said_of == ME and about and about <= news.stems):
                return True
    return False


def _came_true(news: Sentence, was: Sentence) -> bool:
    """ "I don't have a licence": "I have a licence now"."""
    wanted = was.stems - _CUE_STEMS - set(_about(was))
    if not wanted or not re.search(r"\b(?:now|finally)\b", news.text):
        return False
    same = [clause for clause in news.clauses if clause.subject == _about(was)]
    return any(wanted <= clause.stems and not _NOT.search(clause.text) for clause in same)
