"""What a short message tells: its words without their wrapping, whether it only asks, and whether memories hold it.

A message tells something by its content words. The words around them, with which people ask, thank and agree and with
which an assistant repeats what it knows ("as you told me"), are a list of each language pack (`fillers`); words of
denial are not on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from treemem.language import CJK, Pack, fitting, tokens
from treemem.text import ASKS, cached_if_short, stemmed

#: A longer message tells something always, in characters.
LONGEST = 400
#: How far a memory is read, in characters, for the words that a message may repeat.
READ = 20_000
#: How many words a sentence has at least that repeats a memory without a word of its question, or without a question.
WHOLE, ALONE = 4, 2
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n")
_LETTER = re.compile(f"[{CJK}]")
Words = frozenset[str]


@cached_if_short()
def asks_only(text: str) -> bool:
    """Return whether all sentences of a short text are questions, with a question mark or without, or tell nothing."""
    packs = fitting(text)
    asked = False
    for sentence in _sentences(text) if len(text) <= LONGEST else ():
        if ASKS.search(sentence) or any(pack.pattern("question").search(sentence) for pack in packs):
            asked = True
        elif _content(sentence, packs):
            return False
    return asked


def told_by(text: str) -> list[Words]:
    """Return the content words of each sentence that has any, as stems; of scripts without spaces the characters."""
    packs = fitting(text)
    return [found for sentence in _sentences(text) if (found := _content(sentence, packs))]


class Telling:
    """What a message tells, by its content words, beside those of the question that it answers, if it answers one."""

    def __init__(self, text: str, question: str | None) -> None:
        self._sentences = told_by(text)
        self._asked = None if question is None else _united(told_by(question))

    def __bool__(self) -> bool:
        return bool(self._sentences)

    def is_held_by(self, memories: Iterable[str]) -> bool:
        """Return whether each sentence repeats one of some memories."""
        left = list(self._sentences)
        for memory in memories:
            words = words_of(memory)
            left = [said for said in left if not self._holds(words, said, memory)]
            if not left:
                return True
        return not left

    def needed(self) -> list[Words]:
        """Return the words of each sentence that one memory must have for the sentence to repeat it."""
        return [said - (self._asked or frozenset()) or said for said in self._sentences]

    def _holds(self, words: Words, said: Words, memory: str) -> bool:
        """Return whether a memory says a sentence, but for words of the question, and is about what was asked."""
        asked = self._asked
        if asked is None:
            return said <= words and _size(said) >= ALONE
        if not (said - asked or said) <= words:
            return False
        about = bool(asked & words) or _size(said) >= WHOLE
        return about or (_size(said) >= ALONE and said == _united(told_by(memory)))


class Told:
    """What earlier messages of a call said, and whose they are: which of them have all of some words."""

    def __init__(self) -> None:
        self._at: dict[str, set[int]] = {}
        self._said: list[tuple[str, object]] = []

    def note(self, text: str, whose: object) -> None:
        """Add a message."""
        for word in words_of(text):
            self._at.setdefault(word, set()).add(len(self._said))
        self._said.append((text, whose))

    def holding(self, needed: Sequence[Words], whose: object) -> Iterator[str]:
        """Yield the messages of theirs that have all words of one of these sets."""
        for words in needed:
            sets = sorted((self._at.get(word, set()) for word in words), key=len)
            for place in sorted(set.intersection(*sets)):
                text, owner = self._said[place]
                if owner == whose:
                    yield text


def words_of(text: str) -> Words:
    """Return all the words of a text in the form of content words, as far as it is read."""
    return frozenset(map(_form, tokens(text[:READ])))


def _sentences(text: str) -> Iterator[str]:
    return (sentence for raw in _SENTENCE.split(text) if (sentence := raw.strip()))


def _content(sentence: str, packs: Iterable[Pack]) -> Words:
    said = tokens(sentence)
    dropped = {i for pack in packs for a, b in pack.phrases("fillers").spans(said) for i in range(a, b)}
    return frozenset(_form(word) for i, word in enumerate(said) if i not in dropped)


def _form(word: str) -> str:
    return stemmed(word.removesuffix("'s"))


def _united(sentences: Sequence[Words]) -> Words:
    return frozenset().union(*sentences)


def _size(words: Words) -> float:
    """Return how many words there are; a character of a script without spaces is half of one."""
    return sum(0.5 if _LETTER.fullmatch(word) else 1.0 for word in words)
