"""A screen before the reading: which forms a text may have at all, by words that they cannot do without.

Most texts say nothing that a form describes, and to read one as clauses takes most of a millisecond. No text has the
form "{who} (?:moved|relocated) to {v}" without "moved" or "relocated", and "to" in it; nor "{who} be {v}" of a job
without a job. A word that rewriting makes ("not" of "don't") may also lie in what it is made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from re import _parser  # type: ignore[attr-defined]  # how re itself reads a pattern; there is no public way
from typing import Any, Generic, TypeVar

from treemem.judge.values import MEASURED
from treemem.language import SHARED, TOKEN, Pack, entries, packs, tokens

T = TypeVar("T")
#: What a text has one of: whole words with a blank before and behind, or pieces of words without one or both.
Pieces = frozenset[str]
_DIGITS: Pieces = frozenset("0123456789" + "".join(chr(0xFF10 + n) for n in range(10)))  # also in full width


class Screen(Generic[T]):
    """Things that a text may have, each with what it then has; a thing with nothing such it may always have."""

    def __init__(self, code: str, things: Iterable[tuple[Sequence[Pieces], T]]) -> None:
        self._things: list[tuple[Sequence[Pieces], T]] = []
        #: The things by the rarest of what they need.
        self._by_piece: dict[str, list[int]] = {}
        self._always: list[int] = []
        for number, (needs, thing) in enumerate(things):
            ordered = sorted(needs, key=lambda pieces: (not pieces.isdisjoint(_common(code)), len(pieces)))
            self._things.append((ordered[1:], thing))
            for piece in ordered[0] if ordered else ():
                self._by_piece.setdefault(piece, []).append(number)
            if not ordered:
                self._always.append(number)
        pieces = {*self._by_piece, *(piece for needs, _ in self._things for each in needs for piece in each)}
        self._parts = sorted(piece for piece in pieces if not piece[0] == piece[-1] == " ")

    def passed(self, said: Sequence[str]) -> list[T]:
        """Return what a text with these tokens may have, in the order given."""
        plain = f" {' '.join(said)} "
        here = {f" {word} " for word in said}
        here.update([piece for piece in self._parts if piece in plain])
        found = {*self._always, *(number for piece in here & self._by_piece.keys() for number in self._by_piece[piece])}
        possible = [self._things[number] for number in sorted(found)]
        return [thing for needs, thing in possible if not any(pieces.isdisjoint(here) for pieces in needs)]


def needed(pack: Pack, patterns: Iterable[str]) -> list[Pieces]:
    """Return what every text has that fits all of these patterns: one piece of each of these."""
    return [each for pattern in patterns for each in _needed(pack, _parser.parse(pattern))]


def _needed(pack: Pack, parsed: Iterable[tuple[Any, Any]]) -> Iterator[Pieces]:
    run = ""
    for name, value in [*((str(name), value) for name, value in parsed), ("END", None)]:
        if name == "LITERAL":
            run += chr(value)
            continue
        yield from _pieces(pack, run)
        run = ""
        if name == "IN" and (letters := _letters(value)):
            yield letters
        elif name == "SUBPATTERN":
            yield from _needed(pack, value[-1])
        elif name == "MAX_REPEAT" and value[0] > 0:
            yield from _needed(pack, value[2])
        elif name == "BRANCH":
            ways = [[*_needed(pack, way)] for way in value[1]]
            if all(ways):
                yield frozenset[str]().union(*(max(way, key=lambda one: min(map(len, one))) for way in ways))


def _pieces(pack: Pack, run: str) -> Iterator[Pieces]:
    """Yield for each word in a piece of a pattern what a text has that has it; a word at its border may go on."""
    folded, made = run.casefold(), _made(pack.code)
    for match in TOKEN.finditer(folded):
        before, behind = match.start() > 0 or not pack.spaced, match.end() < len(folded) or not pack.spaced
        word = match.group()
        piece = frozenset({" " * before + word + " " * behind})
        if before and behind:
            yield piece | made.get(word, frozenset())
        elif not any(word in each for each in made):
            yield piece


def _letters(choice: Iterable[tuple[Any, Any]]) -> Pieces:
    r"""Return the characters of which a set such as [$€] or \d wants one; none if it is not so simple."""
    found = set[str]()
    for name, value in choice:
        if str(name) == "LITERAL" and chr(value).isalnum():
            found.add(chr(value).casefold())
        elif str(name) == "RANGE" and value[1] - value[0] < 10:
            found |= {chr(each).casefold() for each in range(value[0], value[1] + 1)}
        elif str(value) == "CATEGORY_DIGIT":
            found |= _DIGITS
        else:
            return frozenset()
    return frozenset(found)


@lru_cache(maxsize=32)
def _made(code: str) -> Mapping[str, Pieces]:
    """Return the words that rewriting puts into a text, each with pieces of what it may be made of."""
    pack = packs()[code]
    bases, found = pack.mapped("bases"), dict[str, Pieces]()
    for name in ("spelled", "rewrites", "anew"):
        for pattern, to in pack.rewrites(name):
            of = _origin(pack, pattern.pattern)
            for word in tokens(to):
                for each in {word, bases.get(word, word)}:
                    found[each] = found.get(each, frozenset()) | of
    return found


def _origin(pack: Pack, pattern: str) -> Pieces:
    """Return pieces of one of which a text has some that a rewrite changes: an apostrophe, or a word."""
    if "'" in pattern:
        return frozenset({"'"})
    words = (word for word in tokens(re.sub(r"\\\w", " ", pattern)) if word.isalpha())
    return frozenset(f" {word} " for word in words)


@lru_cache(maxsize=32)
def _common(code: str) -> Pieces:
    """Return words that most texts have, and which therefore tell little."""
    pack = packs()[code]
    return frozenset(f" {word} " for name in ("small", "determiners", "no_any", "placed") for word in pack.words(name))


def of_kind(pack: Pack, kind: str) -> list[Pieces]:
    """Return what every value of a kind has, or what it is said of; nothing where values are free."""
    if kind == "job":
        return [_last_words(pack, pack.words("jobs"))]
    if kind == "state":
        return [_last_words(pack, (state for line in pack.tables.get("states", ()) for state in entries(str(line))))]
    if kind == "attribute":
        return [_last_words(pack, pack.words("attributes") | pack.words("favourites"))]
    amounts = _amounts(pack.code) if kind == "quantity" else None
    return [] if amounts is None else [amounts]


def _last_words(pack: Pack, phrases: Iterable[str]) -> Pieces:
    """Return the last word of each phrase. It ends a longer word where a language has compounds."""
    whole = not pack.tables.get("compounds") and not pack.tables.get("joint")
    bases, found = pack.mapped("bases"), set[str]()
    for phrase in phrases:
        word = bases.get(last := tokens(phrase)[-1], last)
        found.add(f" {word} " if whole or not pack.spaced else f"{word} ")
    return frozenset(found)


@lru_cache(maxsize=32)
def _amounts(code: str) -> Pieces | None:
    """Return what every amount, day or time has one of; None where that is not known."""
    pack = packs()[code]
    patterns = [p.pattern for of in (pack, packs()[SHARED]) for kind in MEASURED for p in of.measures(kind)]
    found = [
        max(needed(pack, [pattern]), key=lambda one: (one <= _DIGITS, min(map(len, one))), default=None)
        for pattern in patterns
    ]
    return None if None in found else frozenset[str]().union(*(each for each in found if each))
