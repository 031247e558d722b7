"""Whether one statement takes another's place, or may: who says it, when, and what both say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from treemem.changes import State
from treemem.contents import origin_of, role_of
from treemem.judge.asked import Focus, another_value
from treemem.judge.news import other_value, stated
from treemem.judge.speech import plain_clauses
from treemem.judge.vetoes import vetoed
from treemem.language import listed

#: A name before a colon: one word, or some that all begin with a capital letter; "API rate limit: 100" has none.
_LED_BY_NAME = re.compile(r"^([^\W\d_][\w.'’-]{0,30}|(?:[A-Z][\w.'’-]{0,20} ){1,3}[A-Z][\w.'’-]{0,20}): (?=\S)")
#: Fields that say whose a statement is: nobody's statement changes another one's.
_WHOSE = ("user_id", "agent_id", "app_id")


#: Fields of `info` that name an undertaking, in which things of one name are others than elsewhere.
_PROJECT = ("project", "project_id", "workspace", "repo", "repository", "channel", "team", "board")
#: Where a memory comes from that its speaker only read.
_READ = frozenset({"web", "file", "retrieved", "system"})
#: Words by which somebody speaks of himself.
_OF_ONESELF = re.compile(r"\b(?:i|my|me|mine|we|our|us|i'm|i've)\b|我|咱", re.IGNORECASE)


class Outdated(IntEnum):
    """How sure it is that a newer statement takes an older one's place."""

    NOT = 0
    MAYBE = 1
    """Both give a value to one thing, and not the same; nothing says that it changed."""
    STATED = 2
    """The speaker himself says that it changed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Who said what, and when: `order` rises with time, and within one conversation with the position.

    `message` is whether it was said in a conversation, rather than written down; `whose` are the ids of whom it
    belongs to.
    """

    memory_id: str
    speaker: str
    role: str
    text: str
    order: tuple[int, int, int]
    valid_from: int
    message: bool = False
    whose: tuple[str, ...] = ()
    conversation: str = ""
    project: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: State) -> Statement:
        """Return what a state says."""
        origin = origin_of(state.fields)
        text = str(state.fields["memory"])
        led = _LED_BY_NAME.match(text) if origin.get("role") else None
        if led is not None and led.group(1).casefold() in listed("en", "leads"):  # "Update: ..." names nobody
            led = None
        position = origin.get("position")
        return cls(
            state.memory_id,
            led.group(1) if led else "",
            "tool" if state.fields.get("source") in _READ else role_of(state.fields),
            text[led.end() :] if led else text,
            (state.valid_from, state.recorded_from, position if isinstance(position, int) else 0),
            state.valid_from,
            bool(origin.get("role")),
            tuple(str(state.fields.get(name) or "") for name in _WHOSE),
            str(state.fields.get("conversation_id") or ""),
            _project_of(state.fields),
        )


def _project_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a memory says of the undertaking it belongs to; of nobody's memory its session too."""
    info = fields.get("info") or {}
    session = "" if fields.get("user_id") else str(fields.get("session_id") or "")
    return (session, *(str(info.get(name) or "") for name in _PROJECT))


def _elsewhere(newer: Statement, older: Statement) -> bool:
    """Return whether two statements belong to two undertakings, or are of things in two conversations.

    What a person says of himself holds in all of his conversations; "the deadline" is another one in each.
    """
    if newer.project != older.project:
        return True
    apart = newer.conversation and older.conversation and newer.conversation != older.conversation
    return bool(apart) and not (_OF_ONESELF.search(newer.text) and _OF_ONESELF.search(older.text))


def may_outdate(newer: Statement, focus: Focus | None) -> bool:
    """Return whether a statement may take the place of any other, by who says it and what it says alone."""
    return newer.role == "user" and (focus is not None or bool(plain_clauses(newer.text)))


def outdated(older: Statement, newer: Statement, focus: Focus | None = None) -> Outdated:
    """Return whether the newer statement takes the older one's place.

    Only the same person, in a role of a user, changes what was said. `focus` is what a question asks the value of:
    another value of the same thing is then a hint.
    """
    if newer.order <= older.order or newer.role != "user" or older.role != "user":
        return Outdated.NOT
    if newer.speaker != older.speaker or newer.whose != older.whose or _elsewhere(newer, older):
        return Outdated.NOT
    if stated(newer.text, older.text) and not vetoed(older.text, newer.text):
        return Outdated.STATED
    if other_value(newer.text, older.text):
        return Outdated.MAYBE
    asked = focus is not None and another_value(focus, older.text, newer.text) is not None
    return Outdated.MAYBE if asked else Outdated.NOT
