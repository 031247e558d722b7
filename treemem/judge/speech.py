"""What a text plainly says: short sentences that its speaker asserts. Anything else is unreadable here, and changes
nothing.

People say what they assert of themselves in short sentences. A long text, or one with a word or sign of a quotation,
a report,
an invention, a wish or a question, is not read at all; what is left out that way is only found a little less often.
"""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.language import listed, pack

#: Characters of a text, characters of a sentence, and sentences, beyond which a text is not read.
LONGEST_TEXT, LONGEST_SENTENCE, MOST_SENTENCES = 400, 160, 3
#: Signs of quotation, markup, code, an aside, or a question.
_SIGNS = frozenset('"“”„‟«»‹›‘「」『』《》〈〉【】`>*_#|=<[]{}\\?？~^…()（）—•\t\r\n')
_COLON = re.compile(r"(?<!\d)[:：](?!\d)|[:：](?!\d\d)")
_OPENING = re.compile(r"(?<![\w])['’]")
_DOTS = re.compile(r"\.\.|\s[-–]+\s|//")
_TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St|No|Jr|Sr)\. ")
_HALF_OF_DAY = re.compile(r"\b([aApP])\.[mM]\.")
_STOP = re.compile(r"[.!;](?:\s+|$)|[。！；]\s*")
_TOO = re.compile(r"\btoo\s{0,3}(?:$|[.,!;])")
_IN_NAME_ONLY = re.compile(r"^(?:officially|on paper|legally|formally)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_CONTRACTIONS = (
    (re.compile(r"\b([Cc])an't\b"), r"\1an not"),
    (re.compile(r"\b([Ww])on't\b"), r"\1ill not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"\b([Ii]t|[Tt]hat|[Tt]here|[Hh]e|[Ss]he|[Ww]ho|[Ww]hat)'s\b"), r"\1 is"),
)


@lru_cache(maxsize=8)
def _unsure(language: str) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """Return the single words that make a text unsure, and a pattern for the phrases of several words."""
    entries = listed(language, "unsure")
    if language == "zh":
        return frozenset(), re.compile("|".join(sorted(map(re.escape, entries), key=len, reverse=True)))
    phrases = [re.escape(entry) for entry in entries if " " in entry]
    return frozenset(e for e in entries if " " not in e), re.compile(rf"\b(?:{'|'.join(phrases)})\b")


def is_chinese(text: str) -> bool:
    """Return whether a short text is read as Chinese."""
    return _CHINESE.search(text) is not None


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a text that is nothing but what its speaker asserts; none of any other text."""
    return _sentences(text) if len(text) <= LONGEST_TEXT else ()


@lru_cache(maxsize=4_096)
def _sentences(text: str) -> tuple[str, ...]:
    text = _THOUSANDS.sub("", _without_lead(text.strip().replace("’", "'")))
    if not text or not _SIGNS.isdisjoint(text) or _COLON.search(text) or _OPENING.search(text) or _DOTS.search(text):
        return ()
    plain = _HALF_OF_DAY.sub(r"\1m", _TITLE.sub(r"\1 ", text))
    if not is_chinese(plain):
        for pattern, whole in _CONTRACTIONS:
            plain = pattern.sub(whole, plain)
    if unsure(plain):
        return ()
    found = tuple(part for raw in _STOP.split(plain) if (part := raw.strip(" ,")))
    if len(found) > MOST_SENTENCES or any(len(part) > LONGEST_SENTENCE for part in found):
        return ()
    return found


def unsure(text: str) -> bool:
    """Return whether a short text has a word of a report, a supposition, a wish, an invention or a limit in time."""
    if is_chinese(text):
        phrases = _unsure("zh")[1]
        return phrases is not None and phrases.search(text) is not None
    said = text.casefold()
    single, phrases = _unsure("en")
    words = _WORD.findall(said)
    if _TOO.search(said) or _IN_NAME_ONLY.match(said):
        return True
    return not single.isdisjoint(words) or (phrases is not None and phrases.search(" ".join(words)) is not None)


_BREAKS = re.compile(
    r"[.!;](?:\s+|$)|[。！；，,、()（）]|\s[-–—]+\s|—| (?:and|but|so|because|since|which|cause|cos) |\n+|[:：](?=\s|$)"
)
_TOLERATED = re.compile(r"准备|也|还有|都|又|同时|一直|\b(?:also|too|both|as well|still)\b")
_EMOTICON = re.compile(r"[:;]-?[()DPp](?=\s|$|[.,!])")
#: Signs of quotation, code, a question: what is not asserted. Asides, dashes and colons break clauses here.
_LOOSE_SIGNS = frozenset('"“”„‟«»‹›‘「」『』《》〈〉【】`>*_#|=<[]{}\\?？~^…•\t🎵♪')


def plain_clauses(text: str, *, tolerant: bool = False) -> tuple[str, ...]:
    """Return the clauses of a text that its speaker asserts, broken at every comma, aside and "and"; none of any other.

    Looser than `sentences`: what a clause says must be told by its own words. A `tolerant` reading passes over what
    only says more, or what is prepared, in an older text.
    """
    return _plain_clauses(text, tolerant) if len(text) <= LONGEST_TEXT else ()


@lru_cache(maxsize=4_096)
def _plain_clauses(text: str, tolerant: bool) -> tuple[str, ...]:
    text = _THOUSANDS.sub("", _EMOTICON.sub(" ", _without_lead(text.strip().replace("’", "'"))))
    if not text or not _LOOSE_SIGNS.isdisjoint(text) or _OPENING.search(text) or _SPOKEN.search(text):
        return ()
    plain = _HALF_OF_DAY.sub(r"\1m", _TITLE.sub(r"\1 ", text))
    if not is_chinese(plain):
        for pattern, whole in _CONTRACTIONS:
            plain = pattern.sub(whole, plain)
    if unsure(_TOLERATED.sub(" ", plain) if tolerant else plain):
        return ()
    return tuple(part for raw in _BREAKS.split(plain) if (part := raw.strip(" ,.!。！")))


#: A colon that brings somebody's words, or a list.
_SPOKEN = re.compile(r"[:：](?!\d\d)\s*\S+\s+\S|\.\.|//|\s->\s")


def _without_lead(text: str) -> str:
    """Return a text without a lead that ends with a colon: "Update: ..."; a lead of other words is left and refused."""
    head, colon, rest = text.partition("：" if "：" in text[:20] else ":")
    language = "zh" if is_chinese(text) else "en"
    return rest.strip() if colon and head.strip().casefold() in listed(language, "leads") else text


def leads(language: str) -> frozenset[str]:
    """Return the words that may stand before a statement and make nothing else of it."""
    return listed(language, "leads")


def table(language: str, name: str) -> object:
    """Return a table of a language's pack."""
    return pack(language)[name]
