"""The normal form of a text: two texts of one normal form say the same, word for word.

Case, accents, punctuation, contractions, fillers, British and American spelling, and whether a number is written in
digits or in words make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from treemem.text import fold

_CONTRACTIONS = (
    (re.compile(r"\bcan['’]t\b|\bcannot\b"), "can not"),
    (re.compile(r"\bwon['’]t\b"), "will not"),
    (re.compile(r"n['’]t\b"), " not"),
    (re.compile(r"['’]re\b"), " are"),
    (re.compile(r"['’]m\b"), " am"),
    (re.compile(r"['’]ve\b"), " have"),
    (re.compile(r"['’]ll\b"), " will"),
    (re.compile(r"\b(i|we|you|he|she|they)['’]d like\b"), r"\1 would like"),
    (re.compile(r"\b(it|that|there|here|he|she|what|who)['’]s\b"), r"\1 is"),
    (re.compile(r"(?<=\d),(?=\d{3}\b)"), ""),
    (re.compile(r"(?<=[a-z]{3})our(?=s?\b|it)"), "or"),
    (re.compile(r"星期|礼拜"), "周"),
    (re.compile(r"没有"), "没"),
)
_FILLERS = re.compile(
    r"^(?:by the way|okay so|ok so|okay|ok|well|actually|so|as i said|just so you know|fyi|对了|嗯|那个|其实)"
    r"\b[,，:\s]*"
    r"|[,，]? ?(?:really|you know|actually|haha|lol)[.!]*$"
    r"|[,，] ?(?:by the way|as i (?:said|mentioned)|i think|i believe|i guess|just so you know|fyi|for the record|"
    r"to be honest|honestly|in case you wondered|对了|其实)[.!]*$",
)
_WORD = re.compile(r"[^\W_]+")
SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_NUMBERS = {word: str(number) for number, word in enumerate(SMALL)} | {
    word: str(10 * number) for number, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_CHINESE_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万]+")


@lru_cache(maxsize=4_096)
def normal(text: str) -> str:
    """Return the normal form of a text: its words with a space between them."""
    found = unicodedata.normalize("NFKD", fold(text))
    found = unicodedata.normalize("NFC", "".join(c for c in found if not unicodedata.combining(c)))
    for pattern, plain in _CONTRACTIONS:
        found = pattern.sub(plain, found)
    found = _CHINESE_NUMBER.sub(lambda match: _in_digits(match.group()), found)
    said = _WORD.findall(_FILLERS.sub("", _FILLERS.sub("", found.strip())))
    joined = " ".join(_NUMBERS.get(word, word) for word in said)
    return re.sub(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])", "", joined)


def _in_digits(chinese: str) -> str:
    """Return a Chinese number in digits: 一千二百 as 1200, 二〇二六 as 2026."""
    if not any(c in _UNITS for c in chinese):
        return "".join(str(_DIGITS[c]) for c in chinese)
    total = section = digit = 0
    for c in chinese:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section, digit = section + (digit or 1) * _UNITS[c], 0
    return str(total + section + digit)
