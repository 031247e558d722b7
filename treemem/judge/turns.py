"""Turns: a looser sentence that names what was said before, and says that it is over or another now.

"landlord raised my rent, it went from 740 to 795" turns "The rent for my studio is 740". Every word that says which thing is
meant must stand in the older text; a person who does not stand there has changed something of his own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge.measures import measure, other_measure
from treemem.judge.speech import LONGEST_TEXT, is_chinese, plain_clauses
from treemem.language import pack
from treemem.text import MONTH, WEEKDAY, analyse

_WORDS = re.compile(r"[^\W_]+(?:[.'’:/-][^\W_]+)*")
_FROM_TO = re.compile(r"\bfrom (?P<old>.{1,50}?) (?:over |up |down |back )?(?:to|onto|into) (?P<new>.{1,50})$")
_MOVED_OFF = re.compile(
    r"\b(?:moved|migrated|switched|ported|taken|took|got|transferred) (?P<what>.{1,40}?) (?:off|away from|out of)(?: of)? (?P<old>.{1,40})$"
)
_NO_LONGER = re.compile(
    r"\bno longer\b|\bnot? .{0,60}\b(?:any ?more|any longer)\b|\bnot .{0,60}\banymore\b|\bno more\b", re.IGNORECASE
)
_INSTEAD = re.compile(r"(?P<new>.{1,80}) (?:instead of|rather than) (?P<old>.{1,40})$")
_REPLACED = re.compile(r"\b(?:replaced|swapped|traded) (?P<old>.{1,50}?) (?:with|for|by) (?P<new>.{1,50})$")
#: The share of the content words of the older text that the newer one must name.
_NAMED = 0.3


@lru_cache(maxsize=64)
def _list(language: str, name: str) -> tuple[str, ...]:
    text = str(pack(language)["turn"][name]).replace("\n", ",")
    return tuple(sorted({part.strip() for part in text.split(",") if part.strip()}, key=len, reverse=True))


@lru_cache(maxsize=16)
def _pattern(language: str, name: str) -> re.Pattern[str]:
    edge = r"\b" if language == "en" else ""
    return re.compile(rf"{edge}(?:{'|'.join(map(re.escape, _list(language, name)))}){edge}", re.IGNORECASE)


@lru_cache(maxsize=16)
def _stems_of_list(name: str) -> frozenset[str]:
    return frozenset(stem for entry in _list("en", name) for word in entry.split() for stem in _stems(word))


def turned(newer: str, older: str) -> bool:
    """Return whether a newer text names what an older one says, and says that it is over or another now."""
    if max(len(newer), len(older)) > LONGEST_TEXT or is_chinese(newer) != is_chinese(older):
        return False
    clauses, was = plain_clauses(newer), plain_clauses(older, tolerant=True)
    if not clauses or not was or _pattern("zh" if is_chinese(newer) else "en", "gone").search(newer):
        return False
    if is_chinese(newer):
        return _turned_zh(clauses, older)
    return _turned_en(clauses, older)


# ---- English -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16_384)
def _stem(word: str) -> tuple[str, ...]:
    return tuple(analyse(word)) or (word.casefold(),)


def _stems(text: str) -> list[str]:
    return [stem for word in _WORDS.findall(text) for stem in _stem(word)]


@dataclass(frozen=True, slots=True)
class _Old:
    """What an older English text says: its stems, those that tell what it is of, and whether it is the speaker's own."""

    stems: frozenset[str]
    content: frozenset[str]
    mine: bool
    subject: frozenset[str]


_MINE = re.compile(r"\b(?:i|my|me|we|our|us)\b", re.IGNORECASE)
_SMALL = frozenset("i my me we our us the a an is am are be and of in on at to with for as it".split())
_VERBISH = re.compile(
    r"\b(?:is|are|am|was|has|have|had|does|do|did|be|gets?|got|goes?|went|lives?|works?|moved|\w+ed|\w+s)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=2_048)
def _old(text: str) -> _Old:
    stems = frozenset(_stems(text))
    first = _WORDS.findall(text)[:1]
    match = _VERBISH.search(text, len(first[0]) if first else 0)
    subject = frozenset(_stems(text[: match.start()] if match else "")) - _SMALL
    return _Old(stems, stems - _SMALL - _stems_of_list("neutral"), _MINE.search(text) is not None, subject)


_NEGATED = re.compile(r"\b(?:not|never|no)\b|n['’]t\b", re.IGNORECASE)
_PAST = re.compile(
    r"^(?:I|[Ww]e|[A-Z]\w+|(?:[Mm]y|[Oo]ur|[Tt]he) \w+)(?: (?!is\b|are\b|am\b|be\b|has\b)\w+)? (?!need|red\b|bed\b|speed|feed)(?:\w{3,}ed|won|went|met|saw|ran|ate|"
    r"bought|found|came|gave|got|took|made|flew|drove|told|wrote|was|were|had|did|began|lost|sold|left)\b"
)


def tells_an_event(text: str) -> bool:
    """Return whether a text tells of something that happened, which stays true, rather than of how things are."""
    ending = _ENDING.search(text)
    return (ending is not None and not re.search(r"\b(?:is|are|am|be)\b|'[ms]\b", text)) or _PAST.search(
        text
    ) is not None


def _turned_en(clauses: tuple[str, ...], older: str) -> bool:
    was = _old(older)
    if not was.content or _NO_LONGER.search(older) or _NEGATED.search(older) or tells_an_event(older):
        return False
    told = frozenset(stem for clause in clauses for stem in _stems(clause))
    if len(told & was.content) < max(1, _NAMED * len(was.content)):
        return False
    subject: str | None = ""
    for clause in clauses:
        found = _subject(clause)
        if found is not None and found not in ("it", "that", "this", "she", "he", "they"):
            subject = found
        if _concerns(subject or "", was, clause) and _ends(clause, found, was):
            return True
    return False


_TASTES = frozenset("like love enjoy eat drink prefer".split())


def denied_now(newer: str, older: str) -> bool:
    """Return whether a newer text says no, now, to all that an older one likes: a hint that tastes have changed."""
    clauses, was = plain_clauses(newer), plain_clauses(older)
    if len(was) != 1 or is_chinese(older) or _NEGATED.search(was[0]):
        return False
    old = _old(was[0])
    liked = old.content - _TASTES
    return (
        bool(liked)
        and bool(old.stems & _TASTES)
        and old.mine
        and any(
            _NEGATED.search(clause)
            and "now" in clause.split()
            and _MINE.search(clause)
            and liked <= set(_stems(clause))
            for clause in clauses
        )
    )


def _subject(clause: str) -> str | None:
    """Return the words before the verb of a clause, None where it begins with the verb."""
    words = clause.split()
    if not words:
        return None
    if (
        _ENDING_START.match(clause)
        or _changing(words[0])
        or re.match(r"(?:not|no longer|down|up|from|got|so|now|dyed|had|do|does|am|is|are|be)\b", clause, re.I)
    ):
        return None
    for number, word in enumerate(words[:8]):
        if number and (_AUX.fullmatch(word) or _changing(word)):
            return " ".join(words[:number])
    return words[0]


_AUX = re.compile(
    r"(?:is|are|am|was|were|has|have|had|does|do|did|no|not|just|finally|now|will|can|get|gets|got|moved|runs?|lives?|works?|uses?)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4_096)
def _changing(word: str) -> bool:
    folded = word.casefold().strip(".,")
    return folded in _list("en", "changing") or folded in {entry.split()[0] for entry in _list("en", "ending")}


_ENDING_START = re.compile(rf"(?:{'|'.join(map(re.escape, _list('en', 'ending')))})\b", re.IGNORECASE)


def _concerns(subject: str, was: _Old, clause: str) -> bool:
    """Return whether whom a clause is about may have changed what an older text says."""
    words = [word.casefold() for word in _WORDS.findall(subject)]
    rest = [
        w
        for w in words
        if w not in ("my", "our", "the", "we've", "i've", "i'm", "i", "we", "and", "so", "a", "hey", "fyi")
    ]
    if not rest:
        return was.mine or not words or (bool(was.subject) and was.subject <= set(_stems(clause)))
    stems = {stem for word in rest for stem in _stem(word)}
    if stems <= was.stems:
        return was.mine or not was.subject or was.subject <= set(_stems(clause))
    named = bool(was.subject) and was.subject <= set(_stems(clause))
    return (was.mine or named) and stems - was.stems <= _stems_of_list("agents")


def _ends(clause: str, subject: str | None, was: _Old) -> bool:
    """Return whether a clause says that what an older text says is over or another."""
    if (match := _FROM_TO.search(clause)) and any(_changing(word) for word in clause[: match.start()].split()):
        return _other(match, clause, was)
    if match := _REPLACED.search(clause):
        return _other(match, clause, was)
    if (match := _INSTEAD.search(clause)) and "now" in clause.split() and measure(match["old"]):
        old = frozenset(_stems(match["old"])) - _SMALL
        new = frozenset(_stems(match["new"])) - _SMALL - _stems_of_list("neutral")
        return bool(old) and old <= was.stems and all(s in was.stems or any(c.isdigit() for c in s) for s in new)
    if match := _MOVED_OFF.search(clause):
        return _only_of(match["old"], was) and _only_of(match["what"] + " " + match["old"], was)
    if match := _NO_LONGER.search(clause):
        said = _PRONOUN.sub(" ", clause) if subject is not None and _PRONOUN.fullmatch(subject) else clause
        return _only_of(said, was, strict=True)
    if match := _ENDING.search(clause):
        if _NEGATED.search(clause[: match.start()]) or set(_stems(match.group())) <= was.stems:
            return False
        behind = frozenset(_stems(clause[match.end() :])) - _SMALL - _stems_of_list("neutral")
        if _only_of(clause[match.end() :], was):
            return True
        state = re.search(r"\b(?:is|are|am|be|was)\s+$", clause[: match.start()]) and not match.group().endswith(" out")
        return not behind and not state and not _DAY.search(clause) and bool(_content(clause[: match.start()], was))
    return False


_ENDING = re.compile(
    r"(?<!the )(?<!on )(?<!my )\b" + _ENDING_START.pattern + r"(?![- ](?:hand|handed|back|side|foot|wing)\b)(?!-)",
    re.IGNORECASE,
)


def _content(text: str, was: _Old) -> frozenset[str]:
    """Return the stems of a text that say which thing is meant, nothing if one of them is of another thing."""
    stems = frozenset(_stems(text)) - _SMALL - _stems_of_list("neutral")
    return stems if stems <= was.stems else frozenset()


_PRONOUN = re.compile(r"\b(?:she|he|they|it)\b", re.IGNORECASE)
_DAY = re.compile(rf"\b(?:{WEEKDAY}|{MONTH})\b", re.IGNORECASE)


def _only_of(text: str, was: _Old, *, strict: bool = False) -> bool:
    """Return whether a text names something that the older one says, and nothing else.

    With `strict` a day counts as well: what is no longer so on Sundays may be so on others.
    """
    if strict and not {stem for day in _DAY.findall(text) for stem in _stems(day)} <= was.stems:
        return False
    stems = frozenset(_stems(text)) - _SMALL - _stems_of_list("neutral") - {"t", "don", "doesn"}
    return bool(stems & was.content) and stems <= was.stems


def _other(match: re.Match[str], clause: str, was: _Old) -> bool:
    """Return whether "from A to B" leaves what the older text says, for something else."""
    old, new = frozenset(_stems(match["old"])) - _SMALL, frozenset(_stems(match["new"])) - _SMALL
    if re.search(r"\b(?:an?|some|one|two) \w+ *$", clause[: match.start()]):  # "I moved a file from A to B"
        return False
    before = (
        frozenset(_stems(clause[: match.start()])) - _SMALL - _stems_of_list("neutral") - _stems_of_list("changing")
    )
    if not old or not old <= was.stems or new <= was.stems:
        return False
    if before - was.stems - _stems_of_list("agents"):
        return False
    if measure(match["new"]):
        return True
    purpose = re.search(r" (?:for|in|at|on) (?P<what>.{2,40})$", match["new"])
    return (
        purpose is None
        or frozenset(_stems(purpose["what"])) - _SMALL <= was.stems | _stems_of_list("neutral") | old | _months()
    )


@lru_cache(maxsize=1)
def _months() -> frozenset[str]:
    return frozenset(stem for n in range(1, 32) for stem in _stems(str(n)))


# ---- Chinese -------------------------------------------------------------------------------------------------------

_ZH_FROM_TO = re.compile(
    "(?:从|由)(?P<old>.{1,14}?)(?:推迟|延期|提前|改期|迁移|迁|搬|换|改|调|转|切换|切|升级|升|降|涨|变|跳槽|延|挪|移|减|增|瘦|胖|缩)[^，]{0,3}?(?:到|成|为|至|去)了?(?P<new>.{1,16})$"
)
_ZH_REPLACED = re.compile(
    "(?:把|将)?(?P<old>[^，从由把将]{2,14}?)(?:已经|都|全部|也)?(?:换成|改成|改为|换为|变成|改名叫?|更名为)了?(?P<new>.{1,14})$"
)
_ZH_RESCHEDULED = re.compile(
    "^(?P<x>.{2,14}?)(?:改期|改|推迟|提前|延期|挪|调整|延后|顺延|涨|降|升|提高|增加|减少|上调|下调|调)(?:到|至|成|为)了?(?P<new>.{1,12}?)(?:开|举行|开会|开始)?了?$"
)
_ZH_SWITCHED = re.compile(
    "^(?P<x>[^，把从将]{2,10}?)(?:改|换)(?P<verb>[用成种吃喝开穿学骑坐走住养])了?(?P<new>.{1,16})$"
)
_ZH_NOT = re.compile("(?:不再|已经不|早就不|再也不|不)(?P<verb>[\u4e00-\u9fff]?)(?P<what>[^，]{1,12}?)了?$")
#: Verbs that say nothing of which thing is meant.
_ZH_VERBS = ("是", "叫", "在", "去", "用", "做", "当", "吃", "喝", "")
_ZH_TOPIC_NOT = re.compile("^(?P<topic>.{2,10}?)(?:我|我们|也|都|全|现在|已经)*不(?:再)?(?P<verb>[\u4e00-\u9fff])了$")


def _zh_rest(text: str) -> str:
    """Return a Chinese text without words that do not say which thing is meant."""
    return _pattern("zh", "neutral").sub("", text).strip()


def _turned_zh(clauses: tuple[str, ...], older: str) -> bool:
    was = re.sub(r"\s", "", older)
    if re.search("[不没]", was) or any(
        word in was for word in (*_list("zh", "ending_after"), *_list("zh", "ending_before"))
    ):
        return False
    plain = [re.sub(r"\s", "", clause) for clause in clauses]
    topic = _topic_zh(plain[0], was)
    return any(_ends_zh(clause, was) or (bool(topic) and _bare_ending(clause)) for clause in plain) and not any(
        person in clause and person not in was for clause in clauses[:1] for person in _list("zh", "people")
    )


def _said_before(text: str, was: str, least: int = 2) -> bool:
    """Return whether a part of a Chinese clause stands in the older text, long enough to say which thing is meant."""
    rest = _zh_rest(text)
    if rest in ("烟", "酒"):
        return rest in was
    if len(rest) < least:
        return False
    letters = iter(was)
    return rest in was or (
        len(rest) >= 3 and rest[:2] in was and all(any(c == other for other in letters) for c in rest)
    )


def _topic_zh(clause: str, was: str) -> str:
    """Return what a clause begins with, as far as it stands in the older text: two characters at least."""
    text = re.sub("^(?:我们?的?|那[个台辆]?|这[个台辆]?)", "", clause)
    length = next((n for n in range(min(len(text), 12), 1, -1) if text[:n] in was), 0)
    return text[:length]


def _bare_ending(clause: str) -> bool:
    """Return whether a clause says that something is over, and not what: "now I don't use it any more"."""
    return any(
        clause.endswith(ending) and not _zh_rest(clause.removesuffix(ending)) for ending in _list("zh", "ending_after")
    )


def _ends_zh(clause: str, was: str) -> bool:
    bare = clause.removesuffix("吧")
    if any(person in bare and person not in was for person in _list("zh", "people")):
        return False
    if match := _ZH_FROM_TO.search(bare.removesuffix("了")):
        before = _zh_rest(bare[: match.start()])
        return (
            match["old"] in was and len(match["old"]) >= 1 and (not before or before in was) and match["new"] not in was
        )
    if match := _ZH_REPLACED.search(bare.removesuffix("了")):
        old = _zh_rest(match["old"])
        return len(old) >= 2 and old in was and match["new"] not in was and _zh_value(old, was)
    if match := _ZH_RESCHEDULED.search(bare):
        return _said_before(match["x"], was) and other_measure(was, match["new"])
    if match := _ZH_SWITCHED.search(bare.removesuffix("了")):
        verb = match["verb"]
        return _said_before(match["x"], was) and (verb == "成" or verb in was) and match["new"] not in was
    for ending in _list("zh", "ending_after"):
        if bare.endswith(ending) and _said_before(bare.removesuffix(ending), was):
            return True
    for ending in _list("zh", "ending_before"):
        place = bare.find(ending)
        if place >= 0:
            before = _zh_rest(bare[:place])
            what = bare[place + len(ending) :].removesuffix("了").removeprefix("是").removeprefix("叫")
            if (not before or before in was) and _said_before(what, was) and (ending != "不用" or bare.endswith("了")):
                return True
    if (bare.endswith("了") or re.search("不再|已经不|早就不", bare)) and (match := _ZH_NOT.search(bare)):
        before = _zh_rest(bare[: match.start()])
        verb = match["verb"]
        if not before and _said_before(match["what"], was) and (verb in _ZH_VERBS or verb in was):
            return True
        if before and before in was and _said_before(match["what"], was) and (verb in _ZH_VERBS or verb in was):
            return True
    if match := _ZH_TOPIC_NOT.match(bare):  # "the night shift I do no longer": what is done must have been done before
        return _said_before(match["topic"], was) and match["verb"] in was
    return False


def _zh_value(old: str, was: str) -> bool:
    """Return whether what is replaced stands at the end of what was said: it is the value, or the thing that has one."""
    return was.endswith(old) or was.startswith(("我" + old, "我的" + old, old, "我们" + old))
