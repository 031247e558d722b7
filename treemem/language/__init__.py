"""What the rules know of a language, as data: a folder a language in `packs`, with tables of words and of patterns.

`any` is the pack of what all languages share: signs of numbers, names of places. A new language is a new folder;
`docs/languages.md` says what stands in it. Packs are read when the first text is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from treemem.stemming import LONGEST, stem
from treemem.text import cached_if_short

#: Letters of scripts without spaces between words: each of them is a token.
CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+(?:['-][^\W_{CJK}]+)*")
# The same where all is ASCII, folded: most texts, read in half the time.
_ASCII_TOKEN = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
#: A pattern that finds nothing, and passes over a text quickly.
_NOTHING = r"[^\s\S]"
_INSERTED = re.compile(r"@(\w{1,40})@")
#: Characters of a text by which its language is told.
TOLD_BY = 400
SHARED = "any"
T = TypeVar("T")


def tokens(text: str) -> list[str]:
    """Return the words of a text, folded; of a script without spaces the characters."""
    folded = text.casefold().replace("’", "'")
    return (_ASCII_TOKEN if folded.isascii() else TOKEN).findall(folded)


@cached_if_short()
def heard(text: str) -> tuple[str, ...]:
    """Return the words of a whole text, as `tokens` does; those of a short one are remembered, since several rules read
    what somebody said.
    """
    return tuple(tokens(text))


def entries(text: str) -> list[str]:
    """Return the entries of a list, which stand in one text with commas or line ends between them."""
    return [part for raw in text.replace("\n", ",").split(",") if (part := raw.strip())]


class Phrases:
    """A list of words and phrases, found in the tokens of a text; where two begin at one place, the longer one."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}  # those that begin with a word, the longer ones first
        for parts in sorted({tuple(tokens(phrase)) for phrase in phrases}, key=lambda parts: (-len(parts), parts)):
            if parts:
                self._by_first.setdefault(parts[0], []).append(parts)
        self._alone = frozenset(first for first, many in self._by_first.items() if len(many[-1]) == 1)
        self._words_alone = all(len(many[0]) == 1 for many in self._by_first.values())
        #: The words with which the phrases begin.
        self.firsts = frozenset(self._by_first)

    def at(self, said: Sequence[str], place: int) -> int:
        """Return of how many tokens a phrase is that begins at a place, 0 if none does."""
        for parts in self._by_first.get(said[place], ()):
            length = len(parts)
            if length == 1 or tuple(said[place : place + length]) == parts:
                return length
        return 0

    def spans(self, said: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield where phrases stand, from one token to before another, none of them inside another."""
        place, end, firsts = 0, len(said), self._by_first
        while place < end:
            if said[place] in firsts and (length := self.at(said, place)):
                yield place, place + length
                place += length
            else:
                place += 1

    def within(self, said: Sequence[str]) -> bool:
        """Return whether any phrase stands in a text."""
        return not self._alone.isdisjoint(said) or (self._may_begin(said) and next(self.spans(said), None) is not None)

    def count(self, said: Sequence[str]) -> int:
        """Return how many phrases stand in a text."""
        if self._words_alone:
            return sum(map(self._by_first.__contains__, said))
        return sum(1 for _ in self.spans(said)) if self._may_begin(said) else 0

    def _may_begin(self, said: Sequence[str]) -> bool:
        return not self._by_first.keys().isdisjoint(said)


class Pack:
    """The tables of a language, each read when it is asked for. Lists that a pack lacks are empty."""

    def __init__(self, code: str, tables: Mapping[str, Any]) -> None:
        self.code = code
        self.tables = tables
        #: Whether words stand between spaces.
        self.spaced = bool(tables.get("spaced", True))
        self._kept: dict[tuple[str, str], Any] = {}
        self._phrases: dict[str, Phrases] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}

    def words(self, name: str) -> frozenset[str]:
        """Return the entries of a list, folded."""
        return self._once(("words", name), lambda: frozenset(each.casefold() for each in self._entries(name)))

    def phrases(self, name: str) -> Phrases:
        """Return a list as phrases to look for."""
        found = self._phrases.get(name)
        if found is None:
            found = self._phrases[name] = Phrases(self._entries(name))
        return found

    def stems(self, name: str) -> frozenset[str]:
        """Return the stems of all words of a list."""
        return self._once(("stems", name), lambda: frozenset(self.stemmed(" ".join(self._entries(name)))))

    def mapped(self, name: str) -> Mapping[str, str]:
        """Return a list of "one:other" as a table."""
        return self._once(("mapped", name), lambda: dict(each.split(":", 1) for each in self._entries(name)))

    def pattern(self, name: str) -> re.Pattern[str]:
        """Return a pattern by its name; one that a pack lacks finds nothing."""
        found = self._patterns.get(name)
        if found is None:
            found = self._patterns[name] = self.compiled(self.tables.get("patterns", {}).get(name, _NOTHING))
        return found

    def measures(self, kind: str) -> Sequence[re.Pattern[str]]:
        """Return how amounts of a kind are written."""
        return self._once(
            ("measures", kind), lambda: [*map(self.compiled, self.tables.get("measures", {}).get(kind, ()))]
        )

    def rewrites(self, name: str) -> Sequence[tuple[re.Pattern[str], str]]:
        """Return a list of patterns, each with what stands in its place, or what it tells."""
        return self._once(("to", name), lambda: [(self.compiled(p), to) for p, to, *_ in self.tables.get(name, ())])

    def rewritten(self, name: str, text: str) -> str:
        """Return a text after such a list of rewrites."""
        for pattern, to in self.rewrites(name):
            text = pattern.sub(to, text)
        return text

    def compiled(self, pattern: str) -> re.Pattern[str]:
        """Return a pattern in which "@name@" stands for any entry of a list; case does not matter where it is said."""
        return re.compile(_INSERTED.sub(lambda match: self._any_of(match[1]), pattern))

    def has_pattern(self, name: str) -> bool:
        """Return whether the pack has a pattern of this name."""
        return name in self.tables.get("patterns", {})

    def stemmed(self, text: str) -> list[str]:
        """Return the stems of a text, its words where there is no stemmer, its characters where there are no words."""
        return [_stem(str(self.tables.get("stemmer", "")), word) for word in _WORD.findall(_bare(text.casefold()))]

    def says(self, name: str, text: str, said: Sequence[str]) -> bool:
        """Return whether a text has a phrase of a list, or fits the pattern of its name."""
        return self.phrases(name).within(said) or self.pattern(name).search(text) is not None

    def _entries(self, name: str) -> list[str]:
        return entries(str(self.tables.get(name, "")))

    def _any_of(self, name: str) -> str:
        found = sorted({each.split(":")[0] for each in self._entries(name)}, key=lambda each: (-len(each), each))
        return "(?:" + "|".join(map(re.escape, found)) + ")"

    def _once(self, key: tuple[str, str], make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found


def _bare(text: str) -> str:
    return text.replace("’", "'").replace("'s ", " ").removesuffix("'s")


def _stem(name: str, word: str) -> str:
    return stem(word, name) if name and 2 < len(word) <= LONGEST and word.isalpha() else word


@lru_cache(maxsize=1)
def packs() -> Mapping[str, Pack]:
    """Return every pack by its code, the folders of `packs`, in order of the alphabet."""
    found = {}
    for folder in sorted((files(__name__) / "packs").iterdir(), key=lambda folder: folder.name):
        tables: dict[str, Any] = {}
        for file in sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else ():
            if file.name.endswith(".toml"):
                for name, table in tomllib.loads(file.read_text("utf-8")).items():
                    known = tables.get(name)
                    tables[name] = {**known, **table} if isinstance(known, dict) else table
        if tables:
            found[folder.name] = Pack(folder.name, tables)
    return found


@lru_cache(maxsize=64)
def firsts_of_all(name: str) -> frozenset[str]:
    """Return the words with which the phrases of a list begin, in any language: a text without them has none of it."""
    return frozenset().union(*(pack.phrases(name).firsts for pack in packs().values()))


def of_all(file: str, name: str) -> frozenset[str]:
    """Return the entries of a list of all languages together, read from one file of each pack and no other."""
    found = [folder / file for folder in (files(__name__) / "packs").iterdir()]
    texts = [tomllib.loads(each.read_text("utf-8")).get(name, "") for each in found if each.is_file()]
    return frozenset(entry.casefold() for text in texts for entry in entries(text))


def fitting(text: str, said: Sequence[str] | None = None) -> tuple[Pack, ...]:
    """Return the packs of the languages that a text is in, first the one that reads it; `said` are its tokens if known.

    A language fits where the text has letters of its script, or words that it marks as its own alone; most of them
    come first. What fits no language is read by the pack that says it is the default.
    """
    return _fitting(text[:TOLD_BY]) if said is None else _scored(text[:TOLD_BY], said)


@cached_if_short()
def _fitting(text: str) -> tuple[Pack, ...]:
    return _scored(text, heard(text))


def _scored(text: str, said: Sequence[str]) -> tuple[Pack, ...]:
    scored = []
    for pack in _told():
        script = pack.has_pattern("script") and pack.pattern("script").search(text)
        score = len(said) + 1 if script else pack.phrases("marks").count(said)
        if score:
            scored.append((-score, not pack.tables.get("default", False), pack.code, pack))
    if len(scored) > 1:
        scored.sort(key=lambda each: each[:3])
    return tuple(pack for *_, pack in scored) or _default()


@lru_cache(maxsize=1)
def _told() -> tuple[Pack, ...]:
    """Return the packs that a text may be told to be in."""
    return tuple(pack for pack in packs().values() if pack.code != SHARED)


@lru_cache(maxsize=1)
def _default() -> tuple[Pack, ...]:
    return tuple(pack for pack in _told() if pack.tables.get("default", False))
