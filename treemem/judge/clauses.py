"""Sentences and their clauses: what each is about and says, for telling what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from treemem.judge import cues
from treemem.text import analyse, fold

#: Stems beyond which a text says too much to be one statement.
LONGEST_STATEMENT = 10
#: Characters beyond which a text is not looked at for one statement.
LONGEST_TEXT = 200
ME = ("i",)
#: Dots that end no sentence.
_HALF_OF_DAY = re.compile(r"\b([ap])\.m\.")
_TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St)\.(?= [A-Z])")


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence with whom it is about; a clause without a subject has that of the one before."""

    subject: tuple[str, ...]
    text: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its clauses."""

    text: str
    stems: frozenset[str]
    clauses: tuple[Clause, ...]


@lru_cache(maxsize=4_096)
def statement(text: str) -> Sentence | None:
    """Return a text that is one short statement of how things are, None for any other."""
    if len(text) > LONGEST_TEXT:
        return None
    found = sentences(text)
    if len(found) != 1 or "?" in text or not 0 < len(found[0].stems) <= LONGEST_STATEMENT or cues.PAST.search(text):
        return None
    return found[0] if found[0].clauses[0].subject else None


@lru_cache(maxsize=4_096)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text that say anything."""
    return tuple(found for part in split(text) if (found := sentence(part)))


def split(text: str) -> list[str]:
    """Return a text in sentences, as they are written."""
    plain = _TITLE.sub(r"\1", _HALF_OF_DAY.sub(r"\1m", text))
    return [part.strip() for part in cues.SENTENCE.split(plain) if part]


def sentence(text: str) -> Sentence | None:
    """Return one sentence with its clauses, None if it says nothing."""
    stems = stems_of(text)
    return Sentence(text, stems, tuple(_clauses(text))) if stems else None


def is_named(text: str) -> bool:
    """Return whether a text is about somebody by name, who is the same whoever speaks."""
    return cues.NAME.match(text) is not None and not cues.OF_PERSON.match(text) and not cues.DETERMINED.match(text)


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of a text without what contractions leave over ("don't": do, t)."""
    return frozenset(analyse(text)) - cues.LEFT_OVER


def _clauses(sentence: str) -> Iterator[Clause]:
    subject: tuple[str, ...] = ()
    for part in cues.CLAUSE.split(sentence):
        text = (part or "").strip()
        if text:
            bare = cues.LEAD.sub("", text, count=1) if cues.LEAD.match(text) else text
            subject = _subject(bare) or subject
            yield Clause(subject, text, stems_of(text))
            if mine := cues.OF_MINE_CHANGED.match(bare):
                yield Clause(_subject(mine["what"] + " is"), text, stems_of(text))


def _subject(clause: str) -> tuple[str, ...]:
    """Return the stems of whom or what a clause begins with, ("i",) for the speaker, nothing where it does not."""
    if cues.OF_PERSON.match(clause):
        return ME
    determined = cues.DETERMINED.match(clause)
    if determined is None and not cues.NAME.match(clause):
        return ()
    noun: list[str] = []
    linked = owned = False  # "Anna's brother" is not Anna
    rest = clause[determined.end() if determined else 0 :]
    for number, match in enumerate(islice(cues.WORD.finditer(rest), 6)):
        word, folded = match.group(), fold(match.group())
        if noun and folded in ("of", "for"):  # "the build of the docs" is not the build
            linked = True
            continue
        if linked and folded in ("the", "my", "our"):
            continue
        if linked:
            noun, linked = [*noun, *analyse(word)], False
            continue
        if noun and (placed := cues.PLACED_SUBJECT.match(rest, match.start())):
            return (*noun, *analyse(placed["where"]))
        if (
            folded in cues.SUBJECT_ENDS
            or (noun and folded in cues.PAST_VERBS)
            or (number and not owned and re.search(r"(?:[^sui]s|ed|ing)$", folded))
        ):
            break
        if determined is None and not owned and not word[0].isupper() and not word[0].isdigit():
            break
        owned = re.search(r"['’]s$", word) is not None
        noun += [folded] if folded in ("other", "another") else analyse(word)
    return tuple(noun)


def subject_of(text: str) -> tuple[str, ...]:
    """Return the stems of whom or what a text begins with, ("i",) for who says it, nothing where that is not clear."""
    found = sentences(text)
    return found[0].clauses[0].subject if found and found[0].clauses else ()


def scope_of(text: str) -> frozenset[str]:
    """Return the stems of where or when alone a text says that something is so."""
    found = cues.SCOPE.match(text)
    return stems_of(found["where"]) if found else frozenset()


def tells_of_the_past(text: str) -> bool:
    """Return whether an English text tells of something that happened, rather than of how things are."""
    return cues.PAST.search(text) is not None
