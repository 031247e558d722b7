"""Words of any script: text is folded, cut where Unicode says a word ends, and read in pieces.

Scripts that put no space between words (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) are runs of letters, each
with its marks; a run is read as pairs of letters that overlap, and as single letters too where it is searched for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, pairwise

from treemem.pieces import PIECE, normalized, pieces

#: Characters of a token.
MAX_TOKEN = 64
# Han, Hiragana, Katakana, Hangul and their extensions; Thai and Lao; Burmese; Khmer.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003134f"
_UNSPACED = _CJK + "\u0e00-\u0e3e\u0e40-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17d9\u17dc-\u17ff"
_LATIN = re.compile("[A-Za-zªº\u00c0-\u024f\u1e00-\u1eff\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a]")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_ASCII_WORD = re.compile(rf"([a-z0-9]{{1,{MAX_TOKEN}}})[a-z0-9]*")
_POSSESSIVE = re.compile(r"['’]s\b")
#: Characters of ASCII read at once, and how far back a border between words is looked for: more than a token has.
_ASCII_PIECE, _LOOK_BACK = 16_384, MAX_TOKEN + 16
#: What is written or left out at will, and changes no word: soft hyphens, joiners, variation selectors, the vowel signs
#: and the lengthening of Arabic, the points of Hebrew, the dot that folding leaves on a Turkish i.
_IDLE = re.compile(
    "[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0640\u064b-\u0652\u0670\u200c\u200d\u2060\ufe00-\ufe0f]"
)


@lru_cache(maxsize=1)
def _marks() -> str:
    """Return the marks that belong to the letter before them, as the inside of a pattern's class."""
    found = [code for code in range(0x300, 0x1F000) if unicodedata.category(chr(code))[0] == "M"]
    starts = [code for code, before in zip(found, [-2, *found], strict=False) if code != before + 1]
    ends = [code for code, behind in zip(found, [*found[1:], -2], strict=True) if behind != code + 1]
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return the patterns for a word, for a run or a word, for a letter of a run, and for the rest of a word."""
    marks, more = _marks(), f"{{0,{MAX_TOKEN - 1}}}"
    letter = rf"[\w{marks}]"  # underlines were taken out before
    spaced = rf"(?:(?![{_UNSPACED}]){letter})"
    word = re.compile(rf"(\w{letter}{more}){letter}*")
    run = re.compile(rf"((?=\w)[{_UNSPACED}][{_UNSPACED}{marks}]*)|((?![{_UNSPACED}])\w{spaced}{more}){spaced}*")
    return word, run, re.compile(rf"[^{marks}][{marks}]*"), re.compile(f"{spaced}*")


@lru_cache(maxsize=1)
def _mark() -> re.Pattern[str]:
    return re.compile(f"[{_marks()}]")


@lru_cache(maxsize=1)
def _inside_run() -> re.Pattern[str]:
    """Return the pattern for letters of a run and their marks, with nothing between them."""
    return re.compile(rf"(?:(?=\w)[{_UNSPACED}]|[{_marks()}])*")


def fold(text: str) -> str:
    """Return `text` in Unicode NFKC, casefolded: the form in which names and tokens are compared."""
    return normalized("NFKC", text).casefold()


def words_in(text: str, *, singles: bool = False) -> Iterator[str]:
    """Return the words of a text in order; of a run of letters its pairs, with `singles` each letter before a pair."""
    if len(text) <= PIECE:
        return iter(_words_of(_bare(fold(text)), singles=singles, goes_on=False))
    parts = _whole_words(_folded(text))
    return chain.from_iterable(_words_of(part, singles=singles, goes_on=goes_on) for part, goes_on in parts)


def is_latin(text: str) -> bool:
    """Return whether a text has at least twice as many Latin letters as others, which may stand for whole syllables."""
    letters = [c for c in text if c.isalpha()]
    return text.isascii() or len(_LATIN.findall("".join(letters))) * 3 >= len(letters) * 2


def _bare(folded: str) -> str:
    """Return a folded text without what changes no word."""
    if folded.isascii():
        return folded
    return _IDLE.sub("", folded.replace("i\u0307", "i"))


def _words_of(folded: str, *, singles: bool, goes_on: bool) -> list[str]:
    """Return the words of a piece of folded text. With `goes_on` its first letter is the last one of a run before."""
    bare = _POSSESSIVE.sub(" ", folded)
    if bare.isascii():
        return _ASCII_WORD.findall(bare)
    bare = bare.replace("_", " ")
    word, run_or_word, unit, _ = _patterns()
    if not _UNSPACED_LETTER.search(bare):
        return word.findall(bare)
    found: list[str] = []
    for run, said in run_or_word.findall(bare):
        if not run:
            found.append(said)
            goes_on = False
            continue
        letters = unit.findall(run) if _mark().search(run) else run
        pairs = map("".join, pairwise(letters))
        if singles:
            found += () if goes_on else letters[:1]
            for pair, letter in zip(pairs, letters[1:], strict=True):
                found += (pair, letter)
        elif len(letters) > 1:
            found += pairs
        elif not goes_on:
            found += letters
        goes_on = False
    return found


def _folded(text: str) -> Iterator[str]:
    """Yield a text in pieces, folded."""
    if text.isascii():
        return (text[i : i + _ASCII_PIECE].lower() for i in range(0, len(text), _ASCII_PIECE))
    return (_bare(fold(piece)) for piece in pieces(text))


def _whole_words(parts: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield a folded text, which comes in parts, in parts that cut no word: read one by one they give its words.

    With each part comes whether it begins with the last letter of a run that the part before it ended with.
    """
    held, inside, goes_on = "", False, False
    for part in parts:
        held += part
        if inside:
            held = held[_patterns()[3].match(held.replace("_", " ")).end() :]  # type: ignore[union-attr]
        inside = inside and not held
        if len(held) <= _LOOK_BACK:
            continue
        end = _last_border(held)
        last = _base(held, len(held) - 1)
        if end is not None:
            yield held[:end], goes_on
            held, goes_on = held[end:], False
        elif _UNSPACED_LETTER.match(held[last]):  # the pair that the last two make is the first of what follows
            yield held[:last], goes_on
            held, goes_on = held[_base(held, last - 1) :], True
        else:  # a word that has all the characters it may have already
            yield held, goes_on
            held, inside, goes_on = "", True, False
    if held:
        yield held, goes_on


def _last_border(text: str) -> int | None:
    """Return the last place near the end of a folded text where it can be cut, None inside a long run or word."""
    first = len(text) - _LOOK_BACK
    if _inside_run().fullmatch(text, first):
        return None
    return next((at for at in range(len(text) - 1, first, -1) if _parts_words(text, at)), None)


def _base(text: str, at: int) -> int:
    """Return where the letter stands to which a character belongs: itself, or the one before its marks."""
    start = at
    while at > 0 and start - at < _LOOK_BACK and not text[at].isascii() and _mark().match(text[at]):
        at -= 1
    return at


def _parts_words(text: str, at: int) -> bool:
    """Return whether a folded text can be cut before this character and still gives the same words.

    "'s" is read with what stands on both sides of it.
    """
    before, behind = _script(text[at - 1]), _script(text[at])
    if "mark" in (before, behind):
        return before == "mark" and behind == "" and text[at] not in "'’"
    if before == behind:
        return before == ""
    if text[at - 1] in "'’":
        return behind != "word"
    return text[at - 1] != "s" or (behind == "" and text[at] != "_")


def _script(character: str) -> str:
    if character.isascii():
        return "word" if character.isalnum() else ""
    if _mark().match(character):
        return "mark"
    if _UNSPACED_LETTER.match(character) and character.isalnum():
        return "unspaced"
    return "word" if character.isalnum() else ""
