"""Clauses: what one plain sentence says, in the form in which the tables of a language describe it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge.speech import is_chinese, sentences
from treemem.language import listed


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its words without adverbs and leads, and whether it says that it is so now, as it was not before.

    Chinese clauses are kept as they are written, without spaces.
    """

    text: str
    now: bool
    chinese: bool

    @property
    def words(self) -> list[str]:
        """The words of an English clause, the characters of a Chinese one."""
        return list(self.text) if self.chinese else self.text.split()


@lru_cache(maxsize=1)
def _bases() -> dict[str, str]:
    pairs = (entry.split(":") for entry in listed("en", "bases"))
    return {verb.strip(): base.strip() for verb, base in pairs}


@lru_cache(maxsize=4)
def _any(name: str) -> re.Pattern[str]:
    """Return a pattern for any phrase of a list of the English pack, longest first."""
    phrases = sorted(listed("en", name), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, phrases)), re.IGNORECASE)


@lru_cache(maxsize=1)
def _when() -> re.Pattern[str]:
    months = "january|february|march|april|may|june|july|august|september|october|november|december"
    dated = rf"(?:in|since|last|this|as of|starting|from) (?:early |late |mid-)?(?:{months})(?: \d{{4}})?(?: on)?"
    dated += r"|(?:in|since) \d{4}"
    days = r"(?:last|this|since|as of|starting) (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    return re.compile(rf",? (?:{_any('when').pattern}|{dated}|{days})(?=$|,| and | because | so )", re.IGNORECASE)


_CLAUSES = re.compile(r",? (?:and|so|because|since|now that) |, ")
_ZH_CLAUSES = re.compile(r"[，,、]")
_PERFECT = re.compile(r"^\w{2,}ed$")


def clauses_of(text: str) -> tuple[Clause, ...]:
    """Return the clauses of a text that plainly says something, none of any other."""
    return _clauses(text) if sentences(text) else ()


@lru_cache(maxsize=4_096)
def _clauses(text: str) -> tuple[Clause, ...]:
    said = sentences(text)
    read = _chinese if is_chinese(text) else _english
    found: list[Clause] = []
    for sentence in said:
        found.extend(read(sentence))
    return tuple(found)


def _english(sentence: str) -> Iterator[Clause]:
    text, led = _led(sentence)
    ends = text if _dates_are_values(text) else _when().sub("", _when().sub("", text))
    subject = ""
    for raw in _CLAUSES.split(ends):
        if not raw or not raw.strip():
            continue
        clause = _plain(raw.strip(), led)
        led = False
        first = clause.text.split(" ", 1)[0]
        if subject and (first.islower() and first in _VERBS):
            clause = Clause(f"{subject} {clause.text}", clause.now, False)
        subject = _subject_of(clause.text) or subject
        yield clause


def _dates_are_values(text: str) -> bool:
    """Return whether a time at the end is what a sentence says, not when it came to be."""
    return (
        re.search(
            r" (?:be|is|are|am|meets?|starts?|begins?|ends?|opens?|closes?|leaves?|departs?|arrives?|to|until|till|for|"
            r"due|expires?|takes place|comes?) "
            r"(?:\w+ ){0,3}?(?:in|on|this|last|next|today|tomorrow|tonight)\b[^,]{1,30}$",
            text,
        )
        is not None
    )


def _led(sentence: str) -> tuple[str, bool]:
    """Return a sentence without the leads before it, and whether one of them says that it is so now."""
    now = False
    for _ in range(2):
        match = re.match(rf"(?:{_any('leads').pattern})(?:, | (?=[A-Z]|my |our |the |we ))", sentence, re.IGNORECASE)
        if match is None or match.end() == len(sentence):
            break
        lead = match.group().strip(" ,").casefold()
        now = now or lead in listed("en", "now_leads")
        sentence = sentence[match.end() :]
    return sentence, now


_VERBS = frozenset(
    """be have moved relocated left quit joined started began switched changed work live use drive became got bought
    sold gave
    ends starts end start costs cost take go stopped replaced cancelled canceled was were raised run cycle bike
    commute play drink eat prefer study attend transferred upgraded downgraded traded swapped no do now""".split()
)


def _subject_of(text: str) -> str:
    """Return the words before the first verb of a clause."""
    words = text.split()
    for number, word in enumerate(words[:6]):
        if word in _VERBS and number:
            return " ".join(words[:number])
    return ""


def _plain(text: str, now: bool) -> Clause:
    """Return a clause in base forms, without adverbs; `now` is whether it is known to be so now only."""
    text = f" {text} "
    text, found = re.subn(rf" (?:{_any('now').pattern})(?= )", " ", text, flags=re.IGNORECASE)
    words: list[str] = []
    helping = False
    for word in text.split():
        lower = word if word == "I" else word[:1].lower() + word[1:]
        if lower in listed("en", "dropped"):
            continue
        base = _bases().get(lower, word)
        if helping and lower == "been" and words[-1] == "have":
            words.append("been")
            continue
        if helping and (_PERFECT.match(lower) or lower in listed("en", "participles")):
            if words[-1] == "have":
                words.pop()
                base = lower
            elif words[-1] == "been":
                words[-2:] = ["was"]
                base = lower
        helping = base == "have" or (helping and lower == "been")
        words.append(base)
    said = " ".join(words).replace("have been ", "be ").replace("be been ", "be ")
    said = re.sub(r"^(The|My|Our|New|His|Her|Their) ", lambda m: m.group().lower(), said)
    return Clause(said, now or found > 0, False)


@lru_cache(maxsize=2)
def _zh(name: str) -> re.Pattern[str]:
    phrases = sorted(listed("zh", name), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, phrases)))


def _chinese(sentence: str) -> Iterator[Clause]:
    subject = ""
    now = False
    for raw in _ZH_CLAUSES.split(re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", sentence)):
        raw = raw.strip()
        if not raw:
            continue
        bare, found = _zh_now().subn("", raw)
        bare = _zh("dropped").sub("", bare)
        now = now or found > 0
        if not bare:
            continue
        changed = bare.endswith("了")
        bare = bare.removesuffix("了")
        if (
            subject
            and not bare.startswith(subject)
            and re.match("(?:不|改|换|搬|跳槽|加入|离|辞|去|在|住|用|把|从|入职|是|开|坐|骑|买|卖|调|转|涨|降)", bare)
        ):
            bare = subject + bare
        found_subject = re.match(
            "我们家?|我家|我(?:的?[妈爸哥姐弟妹]{1,2}|老[公婆]|妻子|丈夫|女儿|儿子|奶奶|爷爷)?|用户", bare
        )
        subject = found_subject.group() if found_subject else subject
        yield Clause(bare, now or (changed and "不" in bare), True)
        now = False


@lru_cache(maxsize=1)
def _zh_now() -> re.Pattern[str]:
    return re.compile("|".join(sorted((p for p in listed("zh", "now") if p != "改为"), key=len, reverse=True)))
