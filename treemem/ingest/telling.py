"""What a short message tells: its words without their wrapping, whether it only asks, and whether memories hold it.

A message tells something by its content words. The words around them, with which people ask, thank and agree and with
which an assistant repeats what it knows ("as you told me"), are a list of each language pack (`fillers`); words of
denial are not on it.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from treemem.language import CJK, Pack, firsts_of_all, fitting, heard, tokens
from treemem.stemming import LONGEST as LONGEST_WORD
from treemem.stemming import stemmed
from treemem.text import ASKS, cached_if_short

#: A longer message tells something always, in characters.
LONGEST = 400
#: How far a memory is read, in characters, for the words that a message may repeat.
READ = 20_000
#: How many words a sentence has at least that repeats a memory without a word of its question, or without a question.
WHOLE, ALONE = 4, 2
#: Which share of a sentence's words may be others than those of the memory that it repeats.
OTHER = 1 / 3
#: How many messages with a word are looked at, the last ones, and how many of those with most words.
LATEST, BEST = 256, 10
#: Of so many different words a message is looked through, of more it is looked up.
_FEW = 64
#: Sentences of an answer that are looked at.
SENTENCES = 12
#: A stop behind one or two letters ends a short form: "Dr."
_SENTENCE = re.compile(r"(?<=[!?;])\s+|(?<=\w\w\w[.])\s+|(?<=[。！？；])|\n")
_CLAUSE = re.compile(r"[,;:](?=\s)|[，；：、—–]|\s-\s")
_MARKED = re.compile(r"[A-ZÀ-ÖØ-Þ]|\d")
_ORDINAL = re.compile(r"(\d{1,4})(?:st|nd|rd|th)")
_LETTER = re.compile(f"[{CJK}]")
Words = frozenset[str]


def asks(sentence: str) -> bool:
    """Return whether a sentence asks: by its mark, without one by its words, or because it asks to be told."""
    return ASKS.search(sentence) is not None or _asks(sentence, fitting(sentence))


@cached_if_short()
def asks_only(text: str) -> bool:
    """Return whether every clause of a short text is a question, with a question mark or without, or tells nothing."""
    if len(text) > LONGEST:
        return False
    packs = fitting(text)
    asked = False
    for sentence in _sentences(text):
        for clause in _parts(_CLAUSE, sentence):
            if _asks(clause, packs):
                asked = True
            elif _tells(clause, packs):
                return False
    return asked


def tells_nothing(text: str) -> bool:
    """Return whether what an assistant says in a short text are fillers alone: "Sure, noted!"."""
    if len(text) > LONGEST:
        return False
    packs = fitting(text)
    return not any(_tells(sentence, packs) for sentence in _sentences(text))


def only_thanks(text: str) -> bool:
    """Return whether a short text is thanks, assent or a greeting, and nothing else."""
    if len(text) > LONGEST:
        return False
    said = heard(text)
    if said and said[0] not in firsts_of_all("thanks"):
        return False
    spans = [span for pack in fitting(text) for span in pack.phrases("thanks").spans(said)]
    return len({i for a, b in spans for i in range(a, b)}) == len(said)


@dataclass(frozen=True, slots=True)
class Known:
    """A memory, its words, and what tells, by more than words, whether it is about what was asked."""

    words: Words
    is_about_it: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Needed:
    """What a memory has at least that repeats a sentence: all of some words, and so many of others."""

    all_of: Words
    words: Words
    least: int


class Answer:
    """What an assistant tells in answer to what was said before, None if nothing was.

    Of what it tells, offers that it asks about and, behind the first sentence, exclamations without names, numbers and
    the like are left out. An answer of more than twelve sentences repeats nothing.
    """

    def __init__(self, text: str, turn: str | None) -> None:
        packs = fitting(f"{text} {turn or ''}")
        told: list[tuple[Words, Words]] = []
        for sentence in _sentences(text):
            if words := _content(sentence, packs):
                particular = _particular(sentence, packs) & words
                aside = ASKS.search(sentence) or (told and not particular and sentence.endswith(("!", "！")))
                if not aside:
                    told.append((words, particular))
        self._told = told
        self._asked: Words | None = None if turn is None else _content(turn[:READ], fitting(turn))
        asking = [] if turn is None else [s for s in _sentences(turn[:READ]) if _asks(s, packs)]
        self._meant = (self._asked and _united([_particular(s, packs) for s in asking]) & self._asked) or frozenset()

    def __bool__(self) -> bool:
        return bool(self._told)

    def repeats(self, memories: Iterable[Known]) -> bool:
        """Return whether each sentence repeats one of some memories."""
        left = list(self._told)
        for memory in memories if len(left) <= SENTENCES else ():
            left = [each for each in left if not self._is_in(memory, *each)]
            if not left:
                return True
        return not left

    def needed(self) -> list[Needed]:
        """Return what a memory has at least that repeats a sentence, for each."""
        return [self._needed(*each) for each in self._told]

    def _needed(self, said: Words, particular: Words) -> Needed:
        new = said - (self._asked or frozenset())
        if self._asked is None or not new:
            return Needed(said, said, len(said))
        return Needed(particular | self._meant, new, max(1, len(new) - int(_spare(said, particular & new))))

    def _is_in(self, memory: Known, said: Words, particular: Words) -> bool:
        """Return whether a memory says a sentence, in words of its own or of what was asked, and is about that.

        What the sentence and the question name must be there. Of the other words of the sentence one in three may be
        another, and one where a name or a number of it is there; of a script without spaces none.
        """
        words = memory.words
        if self._asked is None:
            return said <= words and _size(said) >= ALONE
        if (particular | self._meant) - words:
            return False
        new = said - self._asked
        missing = (new or said) - words
        if missing and (not new & words or any(map(_LETTER.fullmatch, missing))):
            return False
        if _size(missing) > _spare(said, particular & new):
            return False
        return bool(self._asked & words) or _size(said - missing) >= WHOLE or memory.is_about_it()


class Told:
    """What earlier messages of a call said, and whose they are: which of them have most of some words."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}  # each word once
        self._at: dict[str, list[int]] = {}
        self._said: list[tuple[str, tuple[str, ...], object]] = []

    def note(self, words: Words, text: str, whose: object) -> None:
        """Add a message: its words, and the text of its memory."""
        place = len(self._said)
        said = tuple(self._words.setdefault(word, word) for word in words)
        for word in said:
            self._at.setdefault(word, []).append(place)
        self._said.append((text, said, whose))

    def holding(self, needed: Sequence[Needed], whose: object) -> Iterator[tuple[str, Words]]:
        """Yield the messages of theirs that have what one of these sentences needs, and their words; those with most of
        the words of a sentence first.

        Of the rarest words, one of which each has, the last 256 messages with it are looked at, and the best ten of all
        are returned, so that no call is slow.
        """
        best: dict[int, int] = {}
        for each in needed[:SENTENCES]:
            named, others = self._places(each.all_of), self._places(each.words)
            rare = others[: len(others) - each.least + 1]
            if named and len(named[0]) < sum(map(len, rare)):
                rare = named[:1]
            for place in {place for places in rare for place in places[-LATEST:]}:
                _, said, owner = self._said[place]
                if owner == whose and _count(each.all_of, named, said, place) == len(each.all_of):
                    count = _count(each.words, others, said, place)
                    if count >= max(each.least, best.get(place, 0)):
                        best[place] = count
        mine = [(-count, -place) for place, count in best.items()]
        for _, place in heapq.nsmallest(BEST, mine):
            text, said, _ = self._said[-place]
            yield text, frozenset(said)

    def _places(self, words: Words) -> list[list[int]]:
        """Return the messages that have each word, the rarest word first."""
        return sorted((self._at.get(word, []) for word in words), key=len)


def words_of(text: str) -> Words:
    """Return all the words of a text in the form of content words, as far as it is read."""
    packs = fitting(text)
    return frozenset(_form(word, packs) for word in set(tokens(text[:READ])))


def _sentences(text: str) -> Iterator[str]:
    return _parts(_SENTENCE, text)


def _parts(border: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield what stands between borders; no more is looked for than is asked for, and the first part mostly tells."""
    start = 0
    for match in border.finditer(text):
        if part := text[start : match.start()].strip():
            yield part
        start = match.end()
    if part := text[start:].strip():
        yield part


def _asks(sentence: str, packs: Iterable[Pack]) -> bool:
    if ASKS.search(sentence):
        return True
    names = ("recall",) if sentence.endswith((".", "!", "。", "！")) else ("recall", "question")
    return any(pack.pattern(name).search(sentence) for pack in packs for name in names)


def _content(sentence: str, packs: tuple[Pack, ...]) -> Words:
    said = tokens(sentence)
    dropped = _fillers(said, packs)
    return frozenset(_form(word, packs) for i, word in enumerate(said) if i not in dropped)


def _tells(sentence: str, packs: tuple[Pack, ...]) -> bool:
    """Return whether a sentence has any content words."""
    said = tokens(sentence)
    return len(_fillers(said, packs)) < len(said)


def _fillers(said: Sequence[str], packs: tuple[Pack, ...]) -> set[int]:
    """Return the places of words that tell nothing."""
    return {i for pack in packs for a, b in pack.phrases("fillers").spans(said) for i in range(a, b)}


def _particular(sentence: str, packs: tuple[Pack, ...]) -> Words:
    """Return the words of a sentence that no other can stand for: names, numbers, and those that the packs list."""
    said, numbers = tokens(sentence), _numbers(packs)
    marked = {word for each in sentence.split() if _MARKED.search(each) for word in tokens(each)}
    listed = {said[i] for pack in packs for a, b in pack.phrases("particular").spans(said) for i in range(a, b)}
    return frozenset(_form(word, packs) for word in (*marked, *listed, *(w for w in said if w in numbers)))


@lru_cache(maxsize=64)
def _numbers(packs: tuple[Pack, ...]) -> Mapping[str, str]:
    return {word: digits for pack in packs if pack.spaced for word, digits in pack.mapped("numbers").items()}


def _form(word: str, packs: tuple[Pack, ...]) -> str:
    return (_kept_form if len(word) <= LONGEST_WORD and word.isalpha() else _made_form)(word, packs)


def _made_form(word: str, packs: tuple[Pack, ...]) -> str:
    word = word.removesuffix("'s")
    word = _numbers(packs).get(word, word)
    ordinal = _ORDINAL.fullmatch(word)
    return ordinal[1] if ordinal else stemmed(word)


_kept_form = lru_cache(maxsize=32_768)(_made_form)


def _count(words: Words, having: Sequence[Sequence[int]], said: Sequence[str], place: int) -> int:
    """Return how many of some words a message says: of a short one by its words, else by the places that have each."""
    if len(said) <= _FEW:
        return len(words.intersection(said))
    return sum(_has(places, place) for places in having)


def _has(places: Sequence[int], place: int) -> bool:
    """Return whether a place is one of some in ascending order."""
    at = bisect_left(places, place)
    return at < len(places) and places[at] == place


def _spare(said: Words, named: Words) -> float:
    """Return how many words of a sentence a memory that it repeats may lack; `named` are its new names and numbers."""
    return max(_size(said) * OTHER, 1 if named else 0)


def _united(sentences: Sequence[Words]) -> Words:
    return frozenset().union(*sentences)


def _size(words: Words) -> float:
    """Return how many words there are; a character of a script without spaces is half of one."""
    return sum(0.5 if _LETTER.fullmatch(word) else 1.0 for word in words)
