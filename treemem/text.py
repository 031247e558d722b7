"""Text analysis, the same for every store: words, English stems, CJK bigrams.

`analyse` makes the tokens that are stored and searched. User text becomes tokens of letters and digits only, so no
query syntax of Lucene or SQLite can be reached through it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MAX_TOKEN = 64
#: A pattern for the name of a month, whole or shortened, in any case.
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
#: A pattern for the name of a day of the week, or of all of them, in any case.
WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"

#: A pattern for what ends as a question does, in quotes or brackets too.
ASKS = re.compile(r"[?？][\s\"'”’)）]*$")

# Han, Hiragana, Katakana, Hangul and their extensions: written without spaces, indexed as overlapping pairs.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003134f"
_RUN = re.compile(rf"([{_CJK}]+)|((?:(?![{_CJK}])[^\W_])+)")
_CJK_LETTER = re.compile(f"[{_CJK}]")
_ASCII_WORD = re.compile(rf"([a-z0-9]{{1,{MAX_TOKEN}}})[a-z0-9]*")
_POSSESSIVE = re.compile(r"['’]s\b")

STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being but by can could did do does doing
    done for from had has have having he her here hers him his how i if in into is it its just me more most my
    no nor not now of off on once only or other our ours out over own same she should so some such than that
    the their theirs them then there these they this those through to too under until up very was we were what
    when where which while who whom why will with would you your yours""".split()
)


@lru_cache(maxsize=1)
def _stemmer():  # type: ignore[no-untyped-def]
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=262_144)
def _stem(word: str) -> str:
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    return str(_stemmer().stemWord(word))


def fold(text: str) -> str:
    """Return `text` in Unicode NFKC, casefolded: the form in which names and tokens are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=4_096)
def words(text: str) -> tuple[str, ...]:
    """Return the casefolded words of `text` in order, stop words included, CJK runs as bigrams, not stemmed."""
    if text.isascii():
        return tuple(_ASCII_WORD.findall(_POSSESSIVE.sub(" ", text.lower())))
    found: list[str] = []
    for match in _RUN.finditer(_POSSESSIVE.sub(" ", fold(text))):
        run = match.group(1)
        if run is None:
            found.append(match.group(2)[:MAX_TOKEN])
        elif len(run) == 1:
            found.append(run)
        else:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return tuple(found)


def analyse(text: str) -> list[str]:
    """Return the index tokens of `text` in order: stemmed words of letters and digits without English stop words."""
    return [_stem(word) for word in words(text) if word not in STOP_WORDS]


def is_cjk(text: str) -> bool:
    """Return whether most letters of a text are Chinese, Japanese or Korean."""
    letters = [c for c in text if c.isalpha()]
    return len(_CJK_LETTER.findall(text)) * 2 > len(letters)


def caption(text: str, limit: int = 60) -> str:
    """Return the first words of `text` on one line, at most `limit` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut) + "…"


def distinct(values: Iterable[str]) -> list[str]:
    """Return the values without repetition, in the order of first appearance."""
    return list(dict.fromkeys(values))
