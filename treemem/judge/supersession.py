"""Whether one statement takes another's place, or may: who says it, when, and what both say."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from treemem.ingest.statements import Statement
from treemem.judge.changes import other_value, stated, tells
from treemem.judge.facts import said_in
from treemem.judge.turns import denied_now
from treemem.judge.vetoes import vetoed
from treemem.language import TOLD_BY, fitting


class Outdated(IntEnum):
    """How sure it is that a newer statement takes an older one's place."""

    NOT = 0
    MAYBE = 1
    """Both give a value to one thing, and not the same; nothing says that it changed."""
    STATED = 2
    """The speaker himself says that it changed."""


def elsewhere(newer: Statement, older: Statement) -> bool:
    """Return whether two statements belong to two undertakings or titles, or are of things in two conversations.

    What a person says of himself holds in all of his conversations; "the deadline" is another one in each.
    """
    if newer.project != older.project or (newer.title and older.title and newer.title.isdisjoint(older.title)):
        return True
    apart = newer.conversation and older.conversation and newer.conversation != older.conversation
    return bool(apart) and not (_by_himself(newer) and _by_himself(older))


def _by_himself(statement: Statement) -> bool:
    """Return whether somebody speaks of himself, in his own words or in those of a retelling."""
    return statement.of_speaker or _of_oneself(statement.text[:TOLD_BY])


@lru_cache(maxsize=256)
def _of_oneself(text: str) -> bool:
    return any(pack.pattern("speaks_of_oneself").search(text) for pack in fitting(text))


def asserts(newer: Statement) -> bool:
    """Return whether a statement may take the place of any other, by who says it and what it says alone."""
    if newer.role != "user":
        return False
    said = said_in(newer.text)
    return said.spoken != "" and tells(said) and bool(said.loose)


def comparable(older: Statement, newer: Statement) -> bool:
    """Return whether a statement is one of the same person, in a role of a user, of the same things, and newer."""
    if newer.order <= older.order or newer.role != "user" or older.role != "user":
        return False
    return newer.speaker == older.speaker and newer.whose == older.whose and not elsewhere(newer, older)


def outdated(older: Statement, newer: Statement) -> Outdated:
    """Return whether the newer statement takes the older one's place; only the same person changes what was said."""
    if not comparable(older, newer):
        return Outdated.NOT
    now, before = said_in(newer.text), said_in(older.text)
    if stated(now, before) and not vetoed(older.text, newer.text):
        return Outdated.STATED
    return Outdated.MAYBE if other_value(now, before) or denied_now(now, before) else Outdated.NOT
