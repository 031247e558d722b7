"""Names in texts, by simple rules: capitalised words, and names that were seen before."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from treemem.changes import Entity
from treemem.ids import derived_id
from treemem.language import of_all
from treemem.pieces import beginning
from treemem.text import QUESTION_READ, STOP_WORDS, distinct, iter_words, words

_WORD = re.compile(r"(?<![\w'’.-])[^\W\d_](?:[\w'’.-]*[^\W_])?")
_ASCII_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_INITIAL = r"(?: [A-Z]\.(?= [A-Z]))*"
_ASCII_RUN = re.compile(
    # A capital comes first, and what may not stand before it behind: so a search passes quickly over all other letters.
    r"[A-Z](?<![\w'.-].)(?:\. (?:[A-Z]\. )*[A-Z])?"
    rf"(?:[\w'.-]*[A-Za-z0-9])?{_INITIAL}(?: [A-Z](?:[\w'.-]*[A-Za-z0-9])?{_INITIAL})*"
)
_CALENDAR = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december""".split()
)
# Words that open English sentences and are no names; language packs list more, for names that memories mention.
_OPENERS = STOP_WORDS | frozenset(
    """actually already although always another anyway awesome bad bye cool congrats dear definitely did didn don
    each even every everything finally first following funny glad good great guess haha happy hello hey hi
    honestly hope i'd i'll i'm i've im it's its last later let let's lets look lots love maybe me mine much my
    never next nice no nothing oh ok okay one our perhaps please pretty probably really right say see she's
    since someone something sometimes soon sorry still sure take thank thanks that's the there's think today
    tomorrow tonight true try two was wasn't we'll we're we've well wish wow yeah yep yes yesterday you'll
    you're you've""".split()
)
#: Behind these signs a sentence goes on: a capital there is a name's.
_WITHIN = frozenset(",;&/+'’")
MAX_QUESTION_WORDS = 64
MAX_NAME_WORDS = 4
MAX_TITLE_WORDS = 6
#: Names and terms are read from so many characters at the beginning of a text, and so many names at most.
NAMES_READ, MAX_NAMES = 50_000, 256
#: What has more characters is no name.
LONGEST_NAME = 256


def entity(cube: str, name: str, kind: str = "name") -> Entity:
    """Return the entity of a name: the same name, in any case and spacing, has the same id in a cube."""
    return Entity(entity_id(cube, words(name), kind), name, kind)


@lru_cache(maxsize=65_536)
def _named(cube: str, kind: str, key: str) -> str:
    return derived_id("entity", cube, kind, key)


def entity_id(cube: str, folded: Iterable[str], kind: str = "name") -> str:
    """Return the id of the entity whose name folds to these words."""
    return _named(cube, kind, " ".join(folded))


def titles(key: str | None) -> list[str]:
    """Return the names of what a memory's key stands for: the key, and the key without what follows it in brackets.

    A key of more than 256 characters names nothing.
    """
    if not key or len(key) > LONGEST_NAME or not words(key):
        return []
    return distinct(name for name in (key, _before_brackets(key)) if words(name))


def _before_brackets(key: str) -> str:
    """Return a key without the last brackets, if it ends with them: "Dark River" of "Dark River (2017 film)"."""
    trimmed = key.rstrip()
    at = max(trimmed.rfind("("), trimmed.rfind("（"))
    inside = trimmed[at + 1 : -1]
    if at < 0 or trimmed[-1] not in ")）" or ")" in inside or "）" in inside:
        return key
    return trimmed[:at].rstrip()


def names_in(
    text: str, known: Mapping[str, Collection[str]] | None = None, most: int = MAX_NAMES, *, strict: bool = False
) -> list[str]:
    """Return the first `most` proper names in a text, in order, then the names of `known` that it says in lower case.

    `known` holds folded names by their first word.

    A name is a run of capitalised words; words that commonly open sentences are dropped from its front, and days,
    months and single openers are no names. A name has at most 256 characters. A text says at most 256 names, those of
    its first 50,000 characters. With `strict` short forms ("they're") are no names, nor is a word that a language pack
    lists where it may have its capital only because it opens a sentence ("Keep going!").
    """
    text = beginning(text, NAMES_READ)
    runs = ((run.start(), run.group()) for run in _ASCII_RUN.finditer(text)) if text.isascii() else _runs(text)
    chosen = _strictly(text, runs) if strict else (run.split(" ") for _, run in runs)
    found = distinct((name for run in chosen for name in _name(run)), most)
    if known and len(found) < most:
        found += _known_names(text, known, {" ".join(words(name)) for name in found})
    return distinct(found, most)


@lru_cache(maxsize=1)
def _listed() -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the words that open sentences and are no names, and the ends of short forms, of all languages."""
    return of_all("openers.toml", "openers"), tuple(sorted(of_all("openers.toml", "short_forms")))


def _strictly(text: str, runs: Iterable[tuple[int, str]]) -> Iterator[list[str]]:
    """Yield the runs of a text, given with where they begin, without short forms at their ends and listed openers."""
    openers, short_forms = _listed()
    end = 0
    for start, run in runs:
        before = text[end:start].rstrip(" ")[-1:]
        opens = not (before.isalnum() or before in _WITHIN) if before else end == 0
        end = start + len(run)
        said = run.split(" ")
        while said and said[-1].casefold().replace("’", "'").endswith(short_forms):
            said.pop()
        if not (opens and len(said) == 1 and said[0].istitle() and said[0].casefold() in openers):
            yield said


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """Yield the runs of capitalised words, one space apart, and where they begin; any script that has capitals."""
    run: list[str] = []
    first, end = 0, -1
    for match in _WORD.finditer(text):
        word = match.group()
        if not word[:1].isupper():
            continue
        between = text[end : match.start()] if run else ""
        if between == " " or (between == ". " and len(run[-1]) == 1):
            run += between, word
        else:
            if run:
                yield first, "".join(run)
            first, run = match.start(), [word]
        end = match.end()
    if run:
        yield first, "".join(run)


def _known_names(text: str, known: Mapping[str, Collection[str]], found: Collection[str]) -> list[str]:
    said = words(text)
    return [
        gram
        for i, word in enumerate(said)
        if word in known
        for gram in (" ".join(said[i : i + size]) for size in range(1, MAX_NAME_WORDS + 1))
        if gram in known[word] and gram not in found
    ]


def _name(run: list[str]) -> list[str]:
    start = 0
    for word in run:
        if word.casefold() not in _OPENERS:
            break
        start += 1
    name = " ".join(run[start:]).rstrip(".'’-")
    name = name[:-2] if name.endswith(("'s", "’s")) else name
    if not 0 < len(name) <= LONGEST_NAME:
        return []
    folded = name.casefold()
    if folded in _OPENERS or folded in _CALENDAR or not (folded[0] in _ASCII_WORD or words(name)):
        return []
    return [name]


def meant(question: str, entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Return the entities that a question means, of those whose names its words spell.

    A name inside a longer one is not meant. In a question that writes names with capitals, one word without a capital
    is not the name that has one: "film" is not Film in "Who directed the film Stalker?".
    """
    said = _WORD.findall(beginning(question, QUESTION_READ))
    capital = {word for each in said if each[0].isupper() for word in words(each)}
    cased = any(each[0].isupper() and each.casefold() not in _OPENERS for each in said[1:])
    keys = {each.id: words(each.name) for each in entities}
    spelled = [f" {' '.join(key)} " for key in keys.values()]

    def whole(key: tuple[str, ...]) -> bool:
        own = f" {' '.join(key)} "
        return not any(own in other and own != other for other in spelled)

    def spelt(name: str, key: tuple[str, ...]) -> bool:
        return not cased or len(key) > 1 or key[0] in capital or name == name.lower()

    return tuple(each for each in entities if whole(keys[each.id]) and spelt(each.name, keys[each.id]))


def question_entity_ids(cube: str, question: str) -> tuple[str, ...]:
    """Return the ids that entities named in a question would have: every run of one to six words."""
    found = list(islice(iter_words(beginning(question, QUESTION_READ)), MAX_QUESTION_WORDS))
    grams = (found[i : i + size] for size in range(1, MAX_TITLE_WORDS + 1) for i in range(len(found) - size + 1))
    return tuple(distinct(entity_id(cube, gram) for gram in grams if not STOP_WORDS.issuperset(gram)))
