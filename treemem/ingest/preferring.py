"""What people say that they prefer, in a text of their own: by the cues of the language packs, word for word.

A cue describes a sentence from its beginning. What asks, quotes, reports, supposes, tells of the past or of one
occasion is no statement of a preference, nor is anything in a text that is about words: a translation, a story. What is
missed that way is only not noted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from treemem.language import CJK, Pack, firsts_of_all, fitting, heard, packs, tokens
from treemem.text import ASKS, cached_if_short

#: `always` is a standing wish of how to answer or act ("From now on, answer in German").
Polarity = Literal["for", "against", "always"]
POLARITIES: tuple[str, ...] = get_args(Polarity)
#: The topic of wishes about answers.
ANSWERS = "answers"
#: Characters of a text and of a sentence beyond which nothing is looked for, and preferences that one text states.
LONGEST_TEXT, LONGEST_SENTENCE, MOST = 2_000, 240, 5
#: Characters of a topic.
LONGEST_TOPIC = 60
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")
#: Who is quoted is told by signs; by a name before a colon, at the beginning of a line.
_QUOTED = re.compile(r"[\"“”„‟«»‹›「」『』《》`]|(?<!\w)['‘’](?=\w)|(?m:^\s{0,3}>)|\{|\}|</?\w")
_LED = re.compile(r"(?m:^\s{0,3}[^\W\d_][\w.-]{0,20}(?: [\w.-]{1,20}){0,2}\s?[:：]\s?\S)")
_EDGES = " \t\r\n-*•·–—"
_PREFERS = ("prefer", "bevorzuge", "ziehe", "更", "比较", "最")


@dataclass(frozen=True, slots=True)
class Stated:
    """A preference as it is said: the sentence without a lead ("by the way"), what it is about, and how."""

    text: str
    topic: str
    polarity: Polarity


@cached_if_short()
def stated(text: str) -> tuple[Stated, ...]:
    """Return the preferences that the speaker of a text states in it, in their order."""
    if len(text) > LONGEST_TEXT:
        return ()
    plain = text.replace("’", "'")
    words = heard(plain)
    if firsts_of_all("preference_marks").isdisjoint(words):
        return ()
    marked = {pack.code for pack in packs().values() if pack.phrases("preference_marks").within(words)}
    if not marked:
        return ()
    fits = fitting(plain)
    others = [pack for pack in packs().values() if pack not in fits and pack.spaced == fits[0].spaced]
    languages = [pack for pack in (*fits, *others) if pack.code in marked and pack.tables.get("preference_cues")]
    if not languages or _QUOTED.search(plain) or _LED.search(plain):
        return ()
    if any(pack.phrases("preference_unsaid").within(words) for pack in languages):
        return ()
    found: dict[str, Stated] = {}
    for raw in _SENTENCE.split(plain):
        sentence = raw.strip(_EDGES)
        if 3 < len(sentence) <= LONGEST_SENTENCE and not ASKS.search(sentence):
            one = next((each for pack in languages if (each := _read(pack, sentence)) is not None), None)
            if one is not None:
                end = plain.find(sentence) + len(sentence)
                said = text[end - len(one.text) : end]  # with the apostrophes that it was written with
                found.setdefault(one.text, replace(one, text=said[:1].upper() + said[1:]))
    return tuple(found.values())[:MOST]


def _read(pack: Pack, sentence: str) -> Stated | None:
    bare = _without_leads(pack, sentence)
    cues = [(match, polarity) for cue, polarity in pack.rewrites("preference_cues") if (match := cue.match(bare))]
    if not cues:
        return None
    said = tokens(bare)
    if pack.phrases("preference_unsure").within(said) or pack.pattern("question").search(bare):
        return None
    for match, polarity in cues:
        what = match["what"].strip()
        cue = bare[: match.start("what")].casefold()
        nothing = "preference_nothing_of_prefer" if any(p in cue for p in _PREFERS) else "preference_nothing"
        if polarity != "always" and pack.pattern(nothing).search(what):
            continue
        answers = polarity == "always" and pack.phrases("preference_answers").within(said)
        topic = ANSWERS if answers else _topic(pack, what)
        return Stated(bare, topic, _POLARITY[polarity]) if topic else None
    return None


_POLARITY: dict[str, Polarity] = {"for": "for", "against": "against", "always": "always"}


def _topic(pack: Pack, what: str) -> str:
    """Return what is preferred, up to where a reason or a comparison begins."""
    end = pack.pattern("preference_end").search(what)
    return (
        (what if end is None else what[: end.start()]).strip(" .!。！,，").removeprefix("the ")[:LONGEST_TOPIC].strip()
    )


def _without_leads(pack: Pack, sentence: str) -> str:
    """Return a sentence without the words at its beginning that say nothing: "By the way, ..."."""
    for _ in range(3):
        begun = tokens(sentence.split(None, 1)[0]) if sentence else []
        if begun and begun[0] not in _first_words(pack):
            break  # no lead begins so
        head, comma, rest = _cut(sentence)
        said = tokens(head) if comma else []
        if said and " ".join(said) in _leads(pack):
            sentence = rest.lstrip()
            continue
        led = tokens(sentence)
        length = pack.phrases("preference_leads").at(led, 0) if led else 0
        shorter = _after(sentence, length) if length else sentence
        if shorter == sentence:
            break
        sentence = shorter
    return sentence[:1].upper() + sentence[1:]


@lru_cache(maxsize=64)
def _leads(pack: Pack) -> frozenset[str]:
    return frozenset(" ".join(tokens(each)) for each in pack.words("preference_leads"))


@lru_cache(maxsize=64)
def _first_words(pack: Pack) -> frozenset[str]:
    return frozenset(tokens(each)[0] for each in pack.words("preference_leads") if tokens(each))


def _cut(sentence: str) -> tuple[str, str, str]:
    place = min((at for at in map(sentence.find, (",", "，", "!", "！", "-")) if at > 0), default=-1)
    return (sentence, "", "") if place < 0 else (sentence[:place], sentence[place], sentence[place + 1 :])


def _after(sentence: str, length: int) -> str:
    """Return what stands behind so many tokens of a sentence, where a clause begins there: "I", 我, "please"."""
    at = 0
    for _ in range(length):
        match = _TOKEN.search(sentence, at)
        if match is None:
            return sentence
        at = match.end()
    return sentence[at:].lstrip(" ,，-") or sentence


_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+(?:['-][^\W_{CJK}]+)*")
