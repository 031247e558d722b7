"""Words without their endings, in the languages that the Snowball stemmers know (Porter, 2001).

The language of a word is that of its script, where one language of it has a stemmer. A text in Latin script is in the
language most of whose words that are grammar it has, `stop_words.toml`, and keeps its words as English stems beside
those of its language, so that texts of two languages, and questions too short to tell theirs, find each other.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any

from treemem.forks import ForkLock

#: Characters of the longest word that has an ending; so no longer one is kept in a cache.
LONGEST = 64
#: Words of a text by which its language is told.
READ = 200
#: How many words of grammar tell a language, where one that English has too counts half; what share of all words they
#: are at least; and how many times as many as those of English.
_ENOUGH, _SHARE, _AHEAD = 1.5, 0.1, 1.5
#: Scripts with one language that has a stemmer: the first letter, the last one, the language. All letters of a word lie
#: between them.
_SCRIPTS = (
    ("Ͱ", "Ͽ", "greek"),
    ("Ѐ", "ԯ", "russian"),
    ("԰", "֏", "armenian"),
    ("ء", "ي", "arabic"),
    ("ऀ", "ॿ", "hindi"),
    ("஀", "௿", "tamil"),
)
#: Words that are read at once: other threads run in between.
_AT_ONCE = 10_000
_LATIN_END = _SCRIPTS[0][0]
Scripts = tuple[tuple[str, str, str], ...]
# Letters that Persian and Urdu have beside those of Arabic.
_BEYOND_ARABIC = re.compile("[\u0671-\u06d3]")
_OF_SCRIPTS = frozenset(language for _, _, language in _SCRIPTS)
_LOCK = ForkLock()


@lru_cache(maxsize=1)
def _grammar() -> dict[str, tuple[str, ...]]:
    """Return the languages of each word that is grammar, and no English one."""
    said = tomllib.loads((files("treemem") / "stop_words.toml").read_text("utf-8"))
    found: dict[str, tuple[str, ...]] = {}
    for language, words in said.items():
        for word in set(words.casefold().split()):
            found[word] = (*found.get(word, ()), language)
    return found


@lru_cache(maxsize=64)
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(language)


@lru_cache(maxsize=32_768)
def stem(word: str, language: str = "english") -> str:
    """Return a casefolded word without its ending."""
    stemmer = _stemmer(language)
    with _LOCK:  # a stemmer holds the word that it works on
        return str(stemmer.stemWord(word))


def stemmed(word: str) -> str:
    """Return a casefolded word as the index holds it: English words of three letters or more without their endings."""
    return stem(word) if 2 < len(word) <= LONGEST and word.isascii() and word.isalpha() else word


def language_of(words: Sequence[str], english: frozenset[str]) -> str | None:
    """Return the language of a text in Latin script, given as casefolded words, None for English or where it is open.

    `english` are the words of English that are grammar.
    """
    grammar = _grammar()
    some = words[:READ]
    told = {word for word in some if word in grammar and len(word) > 1}
    if len(told) < 2:
        return None
    support: dict[str, float] = {}
    shares: dict[str, float] = {}
    for word in some:
        if word in told:
            languages, theirs = grammar[word], word in english
            for language in languages:
                support[language] = support.get(language, 0.0) + (0.5 if theirs else 1.0)
                shares[language] = shares.get(language, 0.0) + 1 / (len(languages) + theirs)
    language = max(shares, key=lambda each: (shares[each], each))
    if support[language] < max(_ENOUGH, _SHARE * len(some)) or language in _OF_SCRIPTS:
        return None
    ours = sum(1 if word not in told else 0.5 for word in some if len(word) > 1 and word in english)
    return language if support[language] > _AHEAD * ours else None


def stems(words: Sequence[str], language: str | None) -> list[str]:
    """Return words without their endings: those of a script by its language, others as English ones and, where that is
    another, as words of `language`.
    """
    scripts = _scripts_of(words)
    if language is None and not scripts:
        return [stem(w) if 2 < len(w) <= LONGEST and w.isascii() and w.isalpha() else w for w in words]
    found: list[str] = []
    for start in range(0, len(words), _AT_ONCE):
        some = words[start : start + _AT_ONCE]
        forms = {word: _forms(word, language, scripts) for word in set(some)}
        found += chain.from_iterable(map(forms.__getitem__, some))
    return found


def _forms(word: str, language: str | None, scripts: Scripts) -> tuple[str, ...]:
    """Return what the index has of a word."""
    if len(word) < 3:
        return (word,)
    if word[0] >= _LATIN_END:
        spoken = _of_script(word, scripts)
        return (word if spoken is None else stem(word, spoken),)
    english = stemmed(word)
    if language is None or not word.isalpha() or (other := stem(word, language)) == english:
        return (english,)
    return english, other


def spelled(words: Sequence[str]) -> Iterator[str]:
    """Yield the words that the index has without their endings alone, as they are written: those of some scripts."""
    scripts = _scripts_of(words)
    yield from (word for word in words if _of_script(word, scripts) is not None)


def is_grammar(word: str, language: str | None) -> bool:
    """Return whether a casefolded word is grammar in a language, or in that of its script."""
    languages = _grammar().get(word, ())
    return language in languages or not _OF_SCRIPTS.isdisjoint(languages)


def _scripts_of(words: Sequence[str]) -> Scripts:
    """Return the scripts with a stemmer that a text has words of; not Arabic where a letter of Persian or Urdu says
    that it is in one of these.
    """
    if "".join(words).isascii():
        return ()
    different = set(words)
    if not any(_LATIN_END <= word[0] <= _SCRIPTS[-1][1] for word in different):
        return ()
    persian = any(_BEYOND_ARABIC.search(word) for word in different)
    return tuple(each for each in _SCRIPTS if each[2] != "arabic" or not persian)


def _of_script(word: str, scripts: Scripts) -> str | None:
    least, most = min(word), max(word)
    return next((language for first, last, language in scripts if first <= least and most <= last), None)
