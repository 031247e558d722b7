"""What is the same: two texts letter by letter, and two values as far as words and tables tell."""

from __future__ import annotations

import difflib
import re
import string
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from treemem.language import Pack, entries, packs

#: Characters up to which a text is normalised; it takes time that others wait for.
LONGEST = 20_000
#: White space beside a Chinese character says nothing: "7 楼" is "7楼".
_BESIDE_CHINESE = re.compile("(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])")
#: Letters and digits in full width are the same letters, as an input method writes them.
_WIDE = {0xFEE0 + ord(c): c for c in string.ascii_letters + string.digits}
#: How alike two names are, from 0 to 1, from which they may be one name in two spellings.
_ALIKE = 0.75
_INDENTED = re.compile(r"\n[ \t]")
_SPACES = re.compile(r"[\s-]+")
_LETTERS = re.compile(r"[A-Za-z]+")


def literal(text: str) -> str:
    """Return a text in NFC, white space as single spaces, without a closing full stop or exclamation marks.

    Every other letter and sign counts, upper and lower case too: "A+" is not "A-", and "/srv/data" is not "/srv/Data".
    Dots that are more than one ("...") stay. A text of more than 20,000 characters, or with indented lines (code), is
    taken as it stands.
    """
    if len(text) > LONGEST or _INDENTED.search(text):
        return text
    text = unicodedata.normalize("NFC", text).translate(_WIDE)
    plain = _BESIDE_CHINESE.sub("", " ".join(text.split()))
    cut = plain.rstrip("!！") if plain[-1:] in "!！" else plain[:-1] if plain[-1:] in ".。" else plain
    return cut.rstrip() if cut and cut[-1] not in ".。?？!！" else plain


def bare(pack: Pack, value: str) -> str:
    """Return a value folded, without an article or a closing stop."""
    folded = value.strip(" .,!").casefold()
    first, space, rest = folded.partition(" ")
    return rest if space and first in pack.words("determiners") else folded


def same(pack: Pack, one: str, other: str) -> bool:
    """Return whether two values are one and the same, word for word but for articles."""
    return bare(pack, one) == bare(pack, other)


def apart(pack: Pack, one: str, other: str, *, place: bool = False, known: bool = False) -> bool:
    """Return whether two values cannot be one thing, nor one a part of the other, as far as words and tables tell.

    With `known` two places are so only where the tables know both: any other name may be that of a part of a town.
    """
    a, b = bare(pack, one), bare(pack, other)
    if not a or not b or a in b or b in a:
        return False
    ours, theirs = set(_SPACES.split(a)), set(_SPACES.split(b))
    if ours <= theirs or theirs <= ours or _initials(one, other) or _initials(other, one):
        return False
    spelled = min(len(a), len(b)) >= 4 and a[:1] == b[:1] and not a[:1].isdigit()
    if _titled(pack, one) != _titled(pack, other):
        return False  # "Ms Li" may be "Wei"
    if spelled and difflib.SequenceMatcher(None, a, b).ratio() >= _ALIKE:
        return False
    return not _known_alike(a, b, place=place) and (not (place and known) or _both_known(a, b))


def _titled(pack: Pack, value: str) -> bool:
    first, _, name = value.partition(" ")
    return bool(name) and first.casefold().rstrip(".") in pack.words("titles")


def siblings(pack: Pack, one: str, other: str) -> bool:
    """Return whether two values are different entries of one list of kinds: "red" and "blue", not "blue" and "navy"."""
    a, b = bare(pack, one), bare(pack, other)
    return a != b and any({a, b} <= {*entries(line)} for line in pack.tables.get("siblings", ()))


def _initials(short: str, long: str) -> bool:
    """Return whether one may stand for the other by its letters: "MIT", "NYC"."""
    letters, words = "".join(_LETTERS.findall(short)).casefold(), _LETTERS.findall(long)
    firsts = "".join(word[0] for word in words).casefold()
    return 1 < len(letters) <= 6 and len(words) > 1 and (letters == firsts or firsts.startswith(letters))


@lru_cache(maxsize=1)
def _names() -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """Return for each name the groups of names that stand for one, and for each part what it is a part of."""
    groups: dict[str, set[str]] = {}
    wholes: dict[str, set[str]] = {}
    for pack in packs().values():
        for line in pack.tables.get("aliases", ()):
            for name in entries(line.casefold()):
                groups.setdefault(name, set()).add(line)
        for whole, parts in pack.tables.get("parts_of", {}).items():
            for part in entries(parts.casefold()):
                wholes.setdefault(part, set()).update(entries(whole.casefold()))
    return groups, wholes


def _known_alike(a: str, b: str, *, place: bool) -> bool:
    groups, wholes = _names()
    for one, other in ((a, b), (a.split(" ")[0], b.split(" ")[0])):
        if groups.get(one, set()) & groups.get(other, set()):
            return True
    for pack in packs().values():
        a, b = pack.pattern("place_ending").sub("", a), pack.pattern("place_ending").sub("", b)
    if b in _up(a, wholes) or a in _up(b, wholes):
        return True
    within = (pack.words(name) for pack in packs().values() for name in ("regions", "continents"))
    return place and any((a in names) != (b in names) for names in within)


def _both_known(one: str, other: str) -> bool:
    """Return whether two are towns or regions, or places of one sort in a town: streets, floors."""
    return (_is_place(one) and _is_place(other)) or any(
        pattern.search(one) and pattern.search(other)
        for pack in packs().values()
        for pattern in (pack.pattern("street_name"), pack.pattern("floor"))
    )


def _is_place(name: str) -> bool:
    names = {name, *(each for line in _names()[0].get(name, ()) for each in entries(line.casefold()))}
    kinds = ("towns", "regions", "continents")
    return any(not pack.words(kind).isdisjoint(names) for pack in packs().values() for kind in kinds)


def _up(name: str, wholes: Mapping[str, set[str]]) -> set[str]:
    """Return everything that a name is known to be a part of, two steps up."""
    near = wholes.get(name, set())
    return near | {up for each in near for up in wholes.get(each, set())}


@lru_cache(maxsize=1)
def callings() -> Mapping[str, frozenset[str]]:
    """Return for each calling the kinds of it, in every language: a surgeon is a doctor."""
    found: dict[str, frozenset[str]] = {}
    for pack in packs().values():
        for whole, kinds in pack.tables.get("callings", {}).items():
            found[whole] = found.get(whole, frozenset()) | frozenset(entries(kinds.casefold()))
    return found
