"""Whether one statement takes another's place, or may: who says it, when, and what both say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from treemem.changes import State
from treemem.contents import origin_of, role_of
from treemem.judge.asked import Focus, another_value
from treemem.judge.news import other_value, stated
from treemem.judge.speech import plain_clauses
from treemem.language import listed

#: A name before a colon: one word, or some that all begin with a capital letter; "API rate limit: 100" has none.
_LED_BY_NAME = re.compile(r"^([^\W\d_][\w.'’-]{0,30}|(?:[A-Z][\w.'’-]{0,20} ){1,3}[A-Z][\w.'’-]{0,20}): (?=\S)")
#: Fields that say whose a statement is: nobody's statement changes another one's.
_WHOSE = ("user_id", "agent_id", "app_id")


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
            role_of(state.fields),
            text[led.end() :] if led else text,
            (state.valid_from, state.recorded_from, position if isinstance(position, int) else 0),
            state.valid_from,
            bool(origin.get("role")),
            tuple(str(state.fields.get(name) or "") for name in _WHOSE),
        )


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
    if newer.speaker != older.speaker or newer.whose != older.whose:
        return Outdated.NOT
    if stated(newer.text, older.text):
        return Outdated.STATED
    if other_value(newer.text, older.text):
        return Outdated.MAYBE
    asked = focus is not None and another_value(focus, older.text, newer.text) is not None
    return Outdated.MAYBE if asked else Outdated.NOT
