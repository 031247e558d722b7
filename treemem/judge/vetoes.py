"""What keeps a statement from closing another one, whatever a reading of both says.

Each veto looks at the two whole texts. What is vetoed may still be a hint that the older one is outdated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from treemem.judge.same import callings
from treemem.judge.speech import LONGEST_TEXT
from treemem.judge.values import amounts, one_amount
from treemem.language import Pack, fitting, tokens

#: A name at the end of a text: the words before its last one, and that one.
_LAST_NAME = re.compile(r"((?:[^\W\d_a-z][\w'’.-]{0,30} ){0,3})([^\W\d_a-z][\w'’-]{1,30})\W{0,9}$")
#: Digits of a telephone number that say which one it is, with or without those of its country.
_TELLING_DIGITS = 7


def vetoed(older: str, newer: str) -> bool:
    """Return whether the newer text must not close the older one."""
    older, newer = older[:LONGEST_TEXT], newer[-LONGEST_TEXT:]
    languages = fitting(f"{newer} {older}")
    said, before = tokens(newer), tokens(older)
    folded, folded_before = newer.casefold(), older.casefold()
    for pack in languages:
        if any(pack.says(name, folded, said) for name in ("retracted", "played", "for_a_while", "this_once")):
            return True
        if pack.says("streets", folded, said) and not pack.says("streets", folded_before, before):
            return True  # a street of the same town, as far as anybody knows
    return _one_name(older, newer) or _one_amount(older, newer, languages) or _one_calling(set(before), set(said))


def _one_name(older: str, newer: str) -> bool:
    """Return whether both end with the same name: "Dr. Kim" may be "Sora Kim"."""
    one, other = _LAST_NAME.search(older), _LAST_NAME.search(newer)
    return one is not None and other is not None and one[2] == other[2] and one[1] != other[1]


def _one_amount(older: str, newer: str, languages: Sequence[Pack]) -> bool:
    """Return whether both give the same numbers, dates and times, however they are written."""
    before, after = (amounts(languages[0].rewritten("spelled", text), languages) for text in (older, newer))
    if before and one_amount(before, after) and _restated(older, newer, languages):
        return True
    digits = ["".join(filter(str.isdigit, text)) for text in (older, newer)]
    if min(map(len, digits)) < _TELLING_DIGITS:
        return False
    return digits[0] == digits[1] or (
        len(digits[0]) != len(digits[1]) and digits[0][-_TELLING_DIGITS:] == digits[1][-_TELLING_DIGITS:]
    )


def _restated(older: str, newer: str, languages: Sequence[Pack]) -> bool:
    """Return whether the newer text says nothing beside its amounts that the older one does not say."""
    fresh = _words(newer, languages) - _words(older, languages)
    return all(any(word in pack.words("restating") for pack in languages) for word in fresh)


def _words(text: str, languages: Sequence[Pack]) -> set[str]:
    """Return the words of a text that are no numbers."""
    said = {part for word in tokens(text) for part in re.findall(r"[^\W\d_]+", word)}
    return {
        word
        for word in said
        if not any(word in pack.mapped("digits") or word in pack.mapped("places") for pack in languages)
    }


def _one_calling(one: set[str], other: set[str]) -> bool:
    """Return whether one text names a calling of which the other names a kind: a surgeon is a doctor."""
    return any((a in one and b & other) or (a in other and b & one) for a, b in callings().items())
