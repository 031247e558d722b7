"""What keeps a statement from closing another one, whatever a reading of both says.

Each veto looks at the two whole texts. What is vetoed may still be a hint that the older one is outdated.
"""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.judge.amounts import amounts
from treemem.language import listed, pack

#: A stay of some days or weeks, which moves nobody.
_FOR_A_WHILE = re.compile(
    r"\bfor (?:an?|one|two|three|\d{1,3}|the|some|a few|a couple of) (?:[\w-]{1,20} )?"
    r"(?:hour|night|day|weekend|week|month)s?\b"
    r"|(?:待|住|玩|呆)(?:了)?[一两二三几\d]{1,3}(?:天|晚|个?星期|周|个月)",
    re.IGNORECASE,
)
_LAST_NAME = re.compile(r"([A-Z][\w'’-]{1,30})\W*$")
#: Words without digits; each Chinese character is one, and numerals are none.
_WORD = re.compile(r"[^\W\d_\u4e00-\u9fff]+|(?![零〇一二两三四五六七八九十百千万])[\u4e00-\u9fff]")
#: Digits of a telephone number that say which one it is, with or without those of its country.
_TELLING_DIGITS = 7


def vetoed(older: str, newer: str) -> bool:
    """Return whether the newer text must not close the older one."""
    said = newer.casefold().replace(",", "").replace("，", "")
    if _FOR_A_WHILE.search(newer) or _says(said, "retracted") or _says(said, "played"):
        return True
    if _says(said, "streets") and not _says(older.casefold(), "streets"):
        return True  # a street of the same town, as far as anybody knows
    return _one_name(older, newer) or _one_amount(older, newer) or _one_part(older, newer)


@lru_cache(maxsize=8)
def _pattern(name: str) -> re.Pattern[str]:
    """Return a pattern for the entries of a list in every pack: whole words, but in Chinese."""
    words = [re.escape(w) for w in listed("en", name)]
    chinese = [re.escape(w) for w in listed("zh", name)]
    return re.compile("|".join([rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", *chinese]))


def _says(text: str, name: str) -> bool:
    return _pattern(name).search(text) is not None


def _one_name(older: str, newer: str) -> bool:
    """Return whether both end with the same name: "Dr. Kim" may be "Sora Kim"."""
    names = [_LAST_NAME.search(text) for text in (older, newer)]
    return all(names) and len({match.group(1) for match in names if match}) == 1


def _one_amount(older: str, newer: str) -> bool:
    """Return whether both give the same numbers, dates and times, however they are written."""
    before = amounts(older)
    if before and before == amounts(newer) and _restated(older, newer):
        return True
    digits = [re.sub(r"\D", "", text) for text in (older, newer)]
    return min(map(len, digits)) >= _TELLING_DIGITS and (digits[0].endswith(digits[1]) or digits[1].endswith(digits[0]))


def _restated(older: str, newer: str) -> bool:
    """Return whether the newer text says nothing beside its amounts that the older one does not say."""
    fresh = set(_WORD.findall(newer.casefold())) - set(_WORD.findall(older.casefold()))
    return fresh <= listed("en", "restating") | listed("zh", "restating")


@lru_cache(maxsize=1)
def _callings() -> dict[str, str]:
    return {part.strip(): whole for whole, parts in pack("en")["callings"].items() for part in str(parts).split(",")}


def _one_part(older: str, newer: str) -> bool:
    """Return whether one text names a calling of which the other names a kind: a surgeon is a doctor."""
    for one, other in ((older, newer), (newer, older)):
        words = set(re.findall(r"\w+", one.casefold()))
        for kind in re.findall(r"\w+", other.casefold()):
            if _callings().get(kind) in words:
                return True
    return False
