"""Whether two values are known to be two: not a part, an alias, a short form or another spelling of each other."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from treemem.judge.forms import words_of
from treemem.language import pack

_DETERMINERS = re.compile(r"^(?:an?|the|my|our|his|her|their|your) ", re.IGNORECASE)
_CITY = re.compile(r"[市省区县]$")
#: How alike two names are, from 0 to 1, from which they may be one name in two spellings.
_ALIKE = 0.75
_SPACES = re.compile(r"[\s-]+")


def bare(value: str) -> str:
    """Return a value folded, without an article or a closing stop."""
    return _DETERMINERS.sub("", value.strip(" .,!").casefold(), count=1)


def same(one: str, other: str) -> bool:
    """Return whether two values are one and the same, word for word but for articles."""
    return bare(one) == bare(other)


def apart(one: str, other: str, *, place: bool = False) -> bool:
    """Return whether two values cannot be one thing, nor one a part of the other, as far as words and tables tell."""
    a, b = bare(one), bare(other)
    if not a or not b or a in b or b in a:
        return False
    ours, theirs = set(_SPACES.split(a)), set(_SPACES.split(b))
    if ours <= theirs or theirs <= ours or _initials(one, other) or _initials(other, one):
        return False
    spelled = min(len(a), len(b)) >= 4 and a[:1] == b[:1] and not a[:1].isdigit()
    if spelled and difflib.SequenceMatcher(None, a, b).ratio() >= _ALIKE:
        return False
    return not _known_alike(a, b, place=place)


def _initials(short: str, long: str) -> bool:
    """Return whether one may stand for the other by its letters: "MIT", "NYC"."""
    letters = re.sub(r"[^A-Za-z]", "", short).casefold()
    words = re.findall(r"[A-Za-z]+", long)
    firsts = "".join(word[0] for word in words).casefold()
    return 1 < len(letters) <= 6 and len(words) > 1 and (letters == firsts or firsts.startswith(letters))


@lru_cache(maxsize=1)
def _groups() -> dict[str, set[int]]:
    """Return for each name the numbers of the groups of names that stand for one."""
    found: dict[str, set[int]] = {}
    lines = [*pack("en")["nicknames"], *pack("places")["aliases"]]
    for number, line in enumerate(lines):
        for name in str(line).split(","):
            found.setdefault(name.strip().casefold(), set()).add(number)
    return found


@lru_cache(maxsize=1)
def _wholes() -> dict[str, set[str]]:
    """Return for each known part what it is a part of: districts of cities, labs of universities, brands."""
    found: dict[str, set[str]] = {}
    for whole, parts in pack("places")["parts"].items():
        names = {name.strip().casefold() for name in whole.split(",")}
        for part in str(parts).split(","):
            found.setdefault(part.strip().casefold(), set()).update(names)
    return found


def _known_alike(a: str, b: str, *, place: bool) -> bool:
    groups = _groups()
    first, second = a.split(" ")[0], b.split(" ")[0]
    if groups.get(a, set()) & groups.get(b, set()) or groups.get(first, set()) & groups.get(second, set()):
        return True
    ups = _wholes()
    a, b = _CITY.sub("", a), _CITY.sub("", b)
    if b in _up(a, ups) or a in _up(b, ups):
        return True
    if not place:
        return False
    regions = words_of("places", "regions")
    if (a in regions) != (b in regions):
        return True
    districts = words_of("places", "continents")
    return (a in districts) != (b in districts)


def _up(name: str, ups: dict[str, set[str]]) -> set[str]:
    """Return everything that a name is known to be a part of, two steps up."""
    near = ups.get(name, set())
    return near | {up for each in near for up in ups.get(each, set())}
