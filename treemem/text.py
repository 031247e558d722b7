"""Text analysis, the same for every store: words, stems, captions.

`analyse` makes the tokens that are stored and searched. User text becomes tokens of letters and digits only, so no
query syntax of Lucene or SQLite can be reached through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, wraps
from itertools import islice
from typing import Any, TypeVar, cast

from treemem.pieces import PIECE
from treemem.segments import words_in
from treemem.stemming import is_grammar, language_of, spelled, stems

#: Tokens of a text.
MAX_TOKENS = 1_000_000
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


#: Letters of Chinese that are grammar, alone and beside each other: pronouns, particles, words that ask.
GRAMMAR = frozenset(
    "我你您他她它咱们的地得了着过是在有和与跟及或也都就还又才很更最不没吗呢吧啊呀嘛么什哪谁几怎样何为这那此该个些会能可以"
    "要想把被给让从到对向往于之其所而且但如若因由则們個嗎麼甚誰幾樣為這從對還過與會給讓沒"
)
#: Particles of Japanese. Beside each other they may be words: "はな" is a flower.
PARTICLES = frozenset("はがをにのでともへやかねよな")


@cached_if_short()
def words(text: str) -> tuple[str, ...]:
    """Return the casefolded words of `text` in order, stop words included, not stemmed; of a script without spaces
    between words, Chinese say, pairs of letters.

    A word has at most 64 characters; what follows is left out. A text has at most 1,000,000 words: those of 1,000,000
    characters always, but for characters that stand for whole phrases (one stands for four words).
    """
    return tuple(islice(words_in(text), MAX_TOKENS))


def iter_words(text: str) -> Iterator[str]:
    """Yield what `words` returns, as far as it is asked for."""
    return words_in(text)


def has_words(text: str) -> bool:
    """Return whether a text has a word at all."""
    return next(words_in(text), None) is not None


def analyse(text: str) -> list[str]:
    """Return the index tokens of `text` in order: words of letters and digits without their endings and without English
    stop words, as words of the language that the text is in too; of a script without spaces between words, single
    letters and pairs.
    """
    said, language = _read(text)
    return stems(said, language)[:MAX_TOKENS]


def analysed(parts: Sequence[str]) -> list[str]:
    """Return what `analyse` does of parts with a space between them; words of short parts are read once."""
    if not all(part.isascii() and len(part) <= PIECE for part in parts):
        return analyse(" ".join(parts))
    said = [word for part in parts for word in words(part)][:MAX_TOKENS]
    return stems([word for word in said if word not in STOP_WORDS], language_of(said, STOP_WORDS))[:MAX_TOKENS]


def asked(text: str) -> list[str]:
    """Return the tokens that a question is searched by: each once, in order, without those that are grammar alone.

    Texts keep them in the index, where they weigh little among many; among few "我的" would find whatever says it. A
    question that has nothing else keeps them too. Words of a script that has a stemmer are looked for as they are
    written as well: texts of earlier versions have no stems of them.
    """
    said, language = _read(text)
    kept = [word for word in said if not _only_grammar(word, language)] or said
    return distinct([*stems(kept, language), *spelled(kept)])


def _only_grammar(word: str, language: str | None) -> bool:
    return is_grammar(word, language) or GRAMMAR.issuperset(word) or word in PARTICLES


def _read(text: str) -> tuple[list[str], str | None]:
    """Return the words of a text, letters of runs among them, that are no English stop words, and its language."""
    if text.isascii() and len(text) <= PIECE:
        said = words(text)
    else:
        said = tuple(islice(words_in(text, singles=True), MAX_TOKENS))
    return [word for word in said if word not in STOP_WORDS], language_of(said, STOP_WORDS)


def spaced(tokens: Sequence[str]) -> str:
    """Return tokens with a space between them; many of them are joined in parts, which lets other threads run."""
    return " ".join([" ".join(tokens[i : i + 10_000]) for i in range(0, len(tokens), 10_000)])


def caption(text: str, limit: int = 60) -> str:
    """Return the first words of `text` on one line, at most `limit` characters."""
    text = text.strip()
    start = text[: limit * 100]
    line = " ".join(start.split())
    if len(line) <= limit and len(start) == len(text):
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut) + "…"


def distinct(values: Iterable[str], most: int | None = None) -> list[str]:
    """Return the first `most` values without repetition, in order; no more of them are read than that needs."""
    if most is None:
        return list(dict.fromkeys(values))
    if most < 1:
        return []
    found: dict[str, None] = {}
    for value in values:
        found[value] = None
        if len(found) >= most:
            break
    return list(found)
