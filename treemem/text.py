"""Text analysis, the same for every store: words, English stems, CJK bigrams.

`analyse` makes the tokens that are stored and searched. User text becomes tokens of letters and digits only, so no
query syntax of Lucene or SQLite can be reached through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, wraps
from itertools import islice, pairwise
from typing import Any, TypeVar, cast

from treemem.pieces import PIECE, normalized, pieces

#: Characters of a token, tokens of a text.
MAX_TOKEN, MAX_TOKENS = 64, 1_000_000
#: How many characters of a question are read for its words, names, and time.
QUESTION_READ = 10_000
#: Texts of at most so many characters are kept in caches, longer ones are read anew.
CACHED_TEXT = 200
#: A pattern for the name of a month, whole or shortened, in any case.
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)

#: A pattern for what ends as a question does, in quotes or brackets too.
ASKS = re.compile(r"[?？][\s\"'”’)）]*$")

# Han, Hiragana, Katakana, Hangul and their extensions: written without spaces, indexed as overlapping pairs.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003134f"
_RUN = re.compile(rf"([{_CJK}]+)|((?:(?![{_CJK}])[^\W_]){{1,{MAX_TOKEN}}})(?:(?![{_CJK}])[^\W_])*")
_WORD = re.compile(rf"([^\W_]{{1,{MAX_TOKEN}}})[^\W_]*")
_CJK_LETTER = re.compile(f"[{_CJK}]")
_ASCII_WORD = re.compile(rf"([a-z0-9]{{1,{MAX_TOKEN}}})[a-z0-9]*")
_POSSESSIVE = re.compile(r"['’]s\b")
_REST_OF_WORD = re.compile(rf"(?:(?![{_CJK}])[^\W_])*")
#: Characters of ASCII read at once, and how far back a border between words is looked for: more than a token has.
_ASCII_PIECE, _LOOK_BACK = 16_384, MAX_TOKEN + 16

F = TypeVar("F", bound=Callable[..., Any])


def cached_if_short(maxsize: int = 4_096) -> Callable[[F], F]:
    """Return a decorator that remembers what a function of texts returns, where these are short (200 characters).

    So no cache of the process holds on to what a large memory says after it was purged.
    """

    def decorate(function: F) -> F:
        remembered = lru_cache(maxsize=maxsize)(function)

        @wraps(function)
        def ask(text: str, *others: str) -> Any:
            if not others:
                return (remembered if len(text) <= CACHED_TEXT else function)(text)
            short = len(text) <= CACHED_TEXT and all(len(other) <= CACHED_TEXT for other in others)
            return (remembered if short else function)(text, *others)

        ask.cache_info, ask.cache_clear = remembered.cache_info, remembered.cache_clear  # type: ignore[attr-defined]
        return cast(F, ask)

    return decorate


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


@lru_cache(maxsize=32_768)
def _stemmed(word: str) -> str:
    return str(_stemmer().stemWord(word))


def fold(text: str) -> str:
    """Return `text` in Unicode NFKC, casefolded: the form in which names and tokens are compared."""
    return normalized("NFKC", text).casefold()


@cached_if_short()
def words(text: str) -> tuple[str, ...]:
    """Return the casefolded words of `text` in order, stop words included, CJK runs as bigrams, not stemmed.

    A word has at most 64 characters; what follows is left out. A text has at most 1,000,000 words: those of 1,000,000
    characters always, but for characters that stand for whole phrases (one stands for four words).
    """
    return tuple(_words_of(fold(text)) if len(text) <= PIECE else islice(iter_words(text), MAX_TOKENS))


def iter_words(text: str) -> Iterator[str]:
    """Yield what `words` returns, as far as it is asked for."""
    parts = (fold(text),) if len(text) <= PIECE else _whole_words(_folded(text))
    for piece in parts:
        yield from _words_of(piece)


def _words_of(folded: str) -> list[str]:
    """Return the words of a piece of folded text."""
    bare = _POSSESSIVE.sub(" ", folded)
    if bare.isascii():
        return _ASCII_WORD.findall(bare)
    if not _CJK_LETTER.search(bare):
        return _WORD.findall(bare)
    found: list[str] = []
    for run, word in _RUN.findall(bare):
        if not run:
            found.append(word)
        else:
            found += map("".join, pairwise(run)) if len(run) > 1 else (run,)
    return found


def _folded(text: str) -> Iterator[str]:
    """Yield a text in pieces, folded."""
    if text.isascii():
        return (text[i : i + _ASCII_PIECE].lower() for i in range(0, len(text), _ASCII_PIECE))
    return map(fold, pieces(text))


def _whole_words(parts: Iterable[str]) -> Iterator[str]:
    """Yield a folded text, which comes in parts, in parts that cut no word: read one by one they give its words."""
    held, inside = "", False
    for part in parts:
        held += part
        if inside:
            held = held[_REST_OF_WORD.match(held).end() :]  # type: ignore[union-attr]
        inside = inside and not held
        if len(held) <= _LOOK_BACK:
            continue
        end = next((at for at in range(len(held) - 1, len(held) - _LOOK_BACK, -1) if _parts_words(held, at)), None)
        if end is not None:
            yield held[:end]
            held = held[end:]
        elif _CJK_LETTER.match(held[-1]):  # the pair that the last two make is the first of what follows
            yield held[:-1]
            held = held[-2:]
        else:  # a word that has all the characters it may have already
            yield held
            held, inside = "", True
    if held:
        yield held


def _parts_words(text: str, at: int) -> bool:
    """Return whether a folded text can be cut before this character and still gives the same words.

    "'s" is read with what stands on both sides of it.
    """
    before, behind = _script(text[at - 1]), _script(text[at])
    if before == behind:
        return before == ""
    if text[at - 1] in "'’":
        return behind != "word"
    return text[at - 1] != "s" or (behind == "" and text[at] != "_")


def _script(character: str) -> str:
    if _CJK_LETTER.match(character):
        return "cjk"
    return "word" if character.isalnum() else ""


def analyse(text: str) -> list[str]:
    """Return the index tokens of `text` in order: stemmed words of letters and digits without English stop words."""
    said = words(text) if len(text) <= PIECE else islice(iter_words(text), MAX_TOKENS)
    return [
        _stemmed(word) if len(word) > 2 and word.isascii() and word.isalpha() else word
        for word in said
        if word not in STOP_WORDS
    ]


def spaced(tokens: Sequence[str]) -> str:
    """Return tokens with a space between them; many of them are joined in parts, which lets other threads run."""
    return " ".join([" ".join(tokens[i : i + 10_000]) for i in range(0, len(tokens), 10_000)])


def is_cjk(text: str) -> bool:
    """Return whether most letters at the beginning of a text are Chinese, Japanese or Korean."""
    text = text[:QUESTION_READ]
    letters = [c for c in text if c.isalpha()]
    return len(_CJK_LETTER.findall(text)) * 2 > len(letters)


def caption(text: str, limit: int = 60) -> str:
    """Return the first words of `text` on one line, at most `limit` characters."""
    text = text.strip()
    start = text[: limit * 100]
    line = " ".join(start.split())
    if len(line) <= limit and len(start) == len(text):
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut) + "…"


def distinct(values: Iterable[str]) -> list[str]:
    """Return the values without repetition, in the order of first appearance."""
    return list(dict.fromkeys(values))
